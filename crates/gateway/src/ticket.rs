//! A call that was let through: it holds what the call has taken, and makes sure that every decision is
//! followed by exactly one outcome.

use std::sync::Arc;
use std::time::Duration;

use toolgate_journal::{Kind, Latency, Outcome, Record, Urgency};
use toolgate_quota::Reservation;

use crate::gateway::Gateway;
use crate::grant::{Binding, Grant};
use crate::judge::Places;
use crate::metrics::Series;

/// What a judged request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A tool, by the server's name for it.
    Tool(String),
    /// A resource or template, by URI.
    Resource(String),
    /// A prompt.
    Prompt(String),
}

impl Target {
    /// Fills in the record's member for this kind of target.
    pub(crate) fn describe<'a>(&'a self, record: &mut Record<'a>) {
        match self {
            Target::Tool(name) => record.tool = Some(name),
            Target::Resource(uri) => record.resource = Some(uri),
            Target::Prompt(name) => record.prompt = Some(name),
        }
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// The gateway.
    pub(crate) gateway: Arc<Gateway>,
    /// The id of the request.
    pub(crate) request_id: Arc<str>,
    /// The grant.
    pub(crate) grant: Arc<Grant>,
    /// Server and policy.
    pub(crate) binding: Arc<Binding>,
    /// The method.
    pub(crate) method: &'static str,
    /// What it is about.
    pub(crate) target: Target,
    /// The decision's place in the journal.
    pub(crate) sequence: u64,
    /// What it has taken from counters.
    pub(crate) reservation: Option<Reservation>,
    /// For each demand of the reservation, whether it is given back when the call does not succeed; empty
    /// where none is.
    pub(crate) successes_only: Vec<bool>,
    /// Where it is counted.
    pub(crate) series: Arc<Series>,
    /// Its places among the calls in flight.
    pub(crate) places: Option<Places>,
    /// Monotonic nanoseconds at which the request arrived.
    pub(crate) started: u64,
    /// Monotonic nanoseconds at which it was sent on.
    pub(crate) sent: Option<u64>,
    /// Monotonic nanoseconds at which the answer was there; what follows is the gateway's own time.
    pub(crate) answered: Option<u64>,
    /// What is left of its limits, raw JSON, where the policy reports it.
    pub(crate) budget: Option<String>,
    /// Whether the outcome was recorded.
    pub(crate) settled: bool,
}

impl Ticket {
    /// Settles the call: gives back what is to be given back, and records the outcome.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let now = self.gateway.clock.now();
        let failed = matches!(outcome, Outcome::ToolError | Outcome::Error);
        let unreached = outcome == Outcome::Unreached;
        let released = unreached || (failed && self.successes_only.iter().any(|only| *only));
        let (gateway, upstream) = self.latency(now.mono);
        let mut record = Record {
            ts: now.wall,
            kind: Kind::Outcome,
            request_id: Some(&self.request_id),
            grant: Some(&self.grant.label),
            server: Some(self.binding.server.name()),
            method: Some(self.method),
            outcome: Some(outcome),
            released: released.then_some(true),
            latency: Some(Latency { gateway: micros(gateway), upstream: upstream.map(micros) }),
            ..Record::default()
        };
        self.target.describe(&mut record);
        // The record comes first: counters rebuilt from the journal are never lower than the truth.
        if let Err(error) = self.gateway.append(&record, Urgency::Soon) {
            tracing::error!(request_id = &*self.request_id, %error, "the outcome of a call is not in the journal");
        }
        if let Some(reservation) = self.reservation.take() {
            reservation.settle_each(now, |index| {
                unreached || (failed && self.successes_only.get(index).copied().unwrap_or(false))
            });
        }
        self.series.added.observe(gateway.as_secs_f64());
        if let Some(upstream) = upstream {
            self.series.upstream.observe(upstream.as_secs_f64());
        }
        self.places = None;
    }

    /// Time in the gateway and time at the server.
    fn latency(&self, now: u64) -> (Duration, Option<Duration>) {
        let total = now.saturating_sub(self.started);
        let upstream = self.sent.map(|sent| self.answered.unwrap_or(now).saturating_sub(sent));
        let gateway = total.saturating_sub(upstream.unwrap_or(0));
        (Duration::from_nanos(gateway), upstream.map(Duration::from_nanos))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Outcome::Cancelled);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
