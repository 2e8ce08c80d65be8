//! What Prometheus reads: calls by server, tool and decision, the time that the gateway adds apart from
//! the server's own, refusals, streams, and the journal's health.
//!
//! A tool's name becomes a label only where the policy or the server's list knows it; every other name
//! counts as `(unlisted)`, so that a client cannot make labels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The label of tools that nobody lists.
pub(crate) const UNLISTED: &str = "(unlisted)";

/// Looked up for every call, by names that only the operator gives.
type ByName<T> = HashMap<String, T, foldhash::fast::RandomState>;

/// All series and the registry that prints them.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    added: Family<ServerLabels, Histogram, fn() -> Histogram>,
    upstream: Family<ServerLabels, Histogram, fn() -> Histogram>,
    refused: Family<ReasonLabels, Counter>,
    reloads: Family<ReasonLabels, Counter>,
    series: RwLock<ByName<ByName<Arc<Series>>>>,
    /// Client connections open.
    pub(crate) connections: Gauge<i64, AtomicI64>,
    /// Event streams open to clients.
    pub(crate) streams: Gauge<i64, AtomicI64>,
    /// Live sessions.
    pub(crate) sessions: Gauge<i64, AtomicI64>,
    /// 1 while the journal can be written, else 0.
    pub(crate) journal_healthy: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    server: String,
    tool: String,
    decision: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServerLabels {
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// The series of one tool of one server, looked up once and then only counted.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Calls that passed.
    pub(crate) allowed: Counter<u64, AtomicU64>,
    /// Calls that were denied.
    pub(crate) denied: Counter<u64, AtomicU64>,
    /// Calls that passed though a rule in shadow would have denied them.
    pub(crate) shadowed: Counter<u64, AtomicU64>,
    /// Seconds that the gateway added.
    pub(crate) added: Histogram,
    /// Seconds that the server took.
    pub(crate) upstream: Histogram,
}

fn latency() -> Histogram {
    Histogram::new([
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
        2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
    ])
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// No series yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("toolgate"),
            calls: Family::default(),
            added: Family::new_with_constructor(latency),
            upstream: Family::new_with_constructor(latency),
            refused: Family::default(),
            reloads: Family::default(),
            series: RwLock::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
            sessions: Gauge::default(),
            journal_healthy: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("calls", "Tool calls by server, tool and decision", self.calls.clone());
        registry.register_with_unit(
            "added_latency",
            "Time that the gateway added to a call",
            Unit::Seconds,
            self.added.clone(),
        );
        registry.register_with_unit(
            "upstream_latency",
            "Time from sending a call to the end of its answer",
            Unit::Seconds,
            self.upstream.clone(),
        );
        registry.register("refused", "Requests refused before a decision", self.refused.clone());
        registry.register("reloads", "Reloads of config and policies by result", self.reloads.clone());
        registry.register("connections", "Client connections open", self.connections.clone());
        registry.register("streams", "Event streams open to clients", self.streams.clone());
        registry.register("sessions", "Live sessions", self.sessions.clone());
        registry.register(
            "journal_healthy",
            "Whether the journal can be written",
            self.journal_healthy.clone(),
        );
    }

    /// The series of a tool that the policy or the server's list knows, or of [`UNLISTED`].
    #[must_use]
    pub(crate) fn series(&self, server: &str, tool: &str) -> Arc<Series> {
        let found = {
            let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
            series.get(server).and_then(|tools| tools.get(tool)).cloned()
        };
        found.unwrap_or_else(|| self.new_series(server, tool))
    }

    fn new_series(&self, server: &str, tool: &str) -> Arc<Series> {
        let calls = |decision| {
            let labels = CallLabels { server: server.to_owned(), tool: tool.to_owned(), decision };
            self.calls.get_or_create_owned(&labels)
        };
        let labels = ServerLabels { server: server.to_owned() };
        let series = Arc::new(Series {
            allowed: calls("allow"),
            denied: calls("deny"),
            shadowed: calls("shadow_deny"),
            added: self.added.get_or_create_owned(&labels),
            upstream: self.upstream.get_or_create_owned(&labels),
        });
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(server.to_owned()).or_default().entry(tool.to_owned()).or_insert(series))
    }

    /// Counts a request that was refused before any decision.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&ReasonLabels { reason: result }).inc();
    }

    /// The OpenMetrics text of all series, and of the limits' occupancy: key, used and max each.
    #[must_use]
    pub(crate) fn text(&self, occupancy: &[(String, f64, f64)]) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        let body = text.strip_suffix("# EOF\n").unwrap_or(&text).to_owned();
        body + &occupancy_text(occupancy) + "# EOF\n"
    }
}

fn occupancy_text(occupancy: &[(String, f64, f64)]) -> String {
    let mut text = String::new();
    for (name, help) in [("used", "What a limit's window holds"), ("max", "What a limit's window may hold")] {
        text += &format!("# HELP toolgate_limit_{name} {help}.\n# TYPE toolgate_limit_{name} gauge\n");
        for (key, used, max) in occupancy {
            let key = key.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let value = if name == "used" { used } else { max };
            text += &format!("toolgate_limit_{name}{{key=\"{key}\"}} {value}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_shared_and_printed() {
        let metrics = Metrics::new();
        metrics.series("s", "t").allowed.inc();
        metrics.series("s", "t").allowed.inc();
        metrics.series("s", UNLISTED).denied.inc();
        let text = metrics.text(&[("images/rate \"x\"".to_owned(), 3.0, 10.0)]);
        assert!(text.contains(r#"toolgate_calls_total{server="s",tool="t",decision="allow"} 2"#), "{text}");
        assert!(text.contains(r#"toolgate_limit_used{key="images/rate \"x\""} 3"#), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
