//! How the gateway is.

use axum::Json;
use axum::extract::State as Extract;
use serde::Serialize;
use toolgate_gateway::Occupancy;
use utoipa::ToSchema;

use crate::admin::State;

/// How full a limit's window is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitView {
    /// The policy that has the limit.
    policy: String,
    /// The counter.
    counter: String,
    /// What counts together: `GRANT@SERVER`, `@SERVER`, or nothing where the whole policy does.
    subject: String,
    /// Whether the limit is in shadow.
    shadow: bool,
    /// What its window holds: a decimal number.
    used: String,
    /// What it may hold, as of the last call; `0` after a restart until the first one.
    max: String,
}

impl From<Occupancy> for LimitView {
    fn from(occupancy: Occupancy) -> Self {
        let Occupancy { policy, counter, subject, shadow, used, max } = occupancy;
        Self { policy, counter, subject, shadow, used: used.to_string(), max: max.to_string() }
    }
}

/// All limits in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// The limits.
    items: Vec<LimitView>,
    /// Whether there are more than are shown.
    cut: bool,
}

/// How full the limits are
#[utoipa::path(get, path = "/api/v1/limits", tag = "State", operation_id = "listLimits",
    responses((status = 200, description = "Every counter in use; at most 10000", body = Limits)))]
pub(crate) async fn limits(Extract(state): Extract<State>) -> Json<Limits> {
    /// Most limits that are shown.
    const MOST: usize = 10_000;
    let mut all = state.gateway().limits();
    all.sort_by(|a, b| (&a.policy, &a.counter, &a.subject).cmp(&(&b.policy, &b.counter, &b.subject)));
    let cut = all.len() > MOST;
    Json(Limits { items: all.into_iter().take(MOST).map(LimitView::from).collect(), cut })
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Degraded,
    /// It does not work.
    Failed,
}

/// One part of the gateway.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartHealth {
    /// How it is.
    condition: Condition,
    /// What somebody should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl PartHealth {
    fn new(problems: Vec<String>, otherwise: Condition) -> Self {
        Self { condition: if problems.is_empty() { Condition::Ok } else { otherwise }, problems }
    }
}

/// How far the audit index has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexHealth {
    /// How it is.
    condition: Condition,
    /// Whether there is one: the config file may switch it off.
    enabled: bool,
    /// What keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Records of the journal that are not in the index yet.
    lag_records: u64,
    /// Age of the last record that was copied, in seconds, while there are more.
    lag_seconds: u64,
    /// The last record that is in the index.
    indexed_seq: u64,
}

/// How the gateway is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// The worst of all parts.
    condition: Condition,
    /// The program's version.
    version: &'static str,
    /// Address and port of the data plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_plane: Option<String>,
    /// The journal; calls are refused while it cannot be written.
    journal: PartHealth,
    /// The settings; older ones stay in force while the newest cannot be used.
    settings: PartHealth,
    /// The servers: those that cannot be reached.
    servers: PartHealth,
    /// The store.
    store: PartHealth,
    /// The audit index.
    index: IndexHealth,
    /// Sessions of clients.
    sessions: usize,
    /// Calls on their way.
    calls_in_flight: usize,
}

/// How the gateway is
#[utoipa::path(get, path = "/api/v1/health", tag = "State", operation_id = "getHealth",
    responses((status = 200, description = "Its parts", body = Health)))]
pub(crate) async fn health(Extract(state): Extract<State>) -> Json<Health> {
    let gateway = state.gateway().health();
    let all = state.gateway().servers();
    let calls_in_flight = all.iter().map(|server| server.in_flight).sum();
    let down = all.into_iter().filter(|server| server.down);
    let servers = down.map(|server| format!("the server `{}` cannot be reached", server.name)).collect();
    let store = state.store().changes().await.err().map(|error| error.to_string());
    let journal = PartHealth::new(gateway.journal_problem.into_iter().collect(), Condition::Failed);
    let settings = PartHealth::new(gateway.reload_problems, Condition::Degraded);
    let servers = PartHealth::new(servers, Condition::Degraded);
    let store = PartHealth::new(store.into_iter().collect(), Condition::Failed);
    let index = index_health(&state);
    let parts = [journal.condition, settings.condition, servers.condition, store.condition, index.condition];
    let condition = if parts.contains(&Condition::Failed) {
        Condition::Failed
    } else if parts.contains(&Condition::Degraded) {
        Condition::Degraded
    } else {
        Condition::Ok
    };
    Json(Health {
        condition,
        version: env!("CARGO_PKG_VERSION"),
        journal,
        settings,
        servers,
        store,
        index,
        data_plane: gateway.data_plane.map(|address| address.to_string()),
        sessions: gateway.sessions,
        calls_in_flight,
    })
}

fn index_health(state: &State) -> IndexHealth {
    let status = state.parts.index.status();
    let troubled = status.trouble.is_some();
    IndexHealth {
        condition: if troubled { Condition::Degraded } else { Condition::Ok },
        enabled: status.state != toolgate_index::State::Off,
        lag_records: status.lag_records(),
        lag_seconds: status.lag.as_secs(),
        indexed_seq: status.indexed_seq,
        problem: status.trouble,
    }
}
