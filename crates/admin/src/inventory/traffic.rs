//! How much each grant uses each tool, from the audit index; and how far the index can be relied on just now.

use std::collections::HashMap;

use serde::Serialize;
use toolgate_index::{By, Scope, State as IndexState, Usage};
use utoipa::ToSchema;

use crate::admin::Shared;
use crate::moment;

/// What is known of the use.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UseKnown {
    /// The index holds all that the journal holds.
    All,
    /// The index is behind: the last calls are missing.
    Behind,
    /// The index could not answer: no use is told, and nothing is called unused.
    None,
}

/// How far the figures of use can be relied on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UseState {
    /// What is known.
    known: UseKnown,
    /// From when on calls are summed up.
    since: String,
    /// Records of the journal that are not in the index yet.
    lag_records: u64,
    /// What keeps the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Calls of one tool, or of one grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UseView {
    /// Judged calls.
    calls: u64,
    /// Those that were denied.
    denials: u64,
    /// When the last call was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

/// Calls, while they are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) calls: u64,
    pub(super) denials: u64,
    /// Wall time of the last call.
    pub(super) last: Option<i64>,
}

impl Used {
    pub(super) fn add(&mut self, other: Used) {
        self.calls += other.calls;
        self.denials += other.denials;
        self.last = self.last.max(other.last);
    }

    /// Whether no call was let through.
    pub(super) fn is_unused(&self) -> bool {
        self.calls <= self.denials
    }

    pub(super) fn view(&self) -> UseView {
        UseView { calls: self.calls, denials: self.denials, last_used: self.last.map(moment::show) }
    }
}

/// The use of all tools by all grants.
#[derive(Debug)]
pub(super) struct Traffic {
    /// By server and tool, then by grant; none where the index could not answer.
    used: Option<HashMap<(String, String), HashMap<String, Used>>>,
    pub(super) state: UseState,
}

impl Traffic {
    /// Whether use is known at all.
    pub(super) fn is_known(&self) -> bool {
        self.used.is_some()
    }

    /// The use of all tools by one grant; none where the index could not answer.
    pub(super) fn of_grant(&self, grant: &str) -> Option<Used> {
        let mut sum = Used::default();
        self.used
            .as_ref()?
            .values()
            .filter_map(|by_grant| by_grant.get(grant))
            .for_each(|used| sum.add(*used));
        Some(sum)
    }

    /// The use of a tool by one grant, or by all; none where the index could not answer.
    pub(super) fn of_tool(&self, server: &str, tool: &str, grant: Option<&str>) -> Option<Used> {
        let used = self.used.as_ref()?;
        let mut sum = Used::default();
        let Some(by_grant) = used.get(&(server.to_owned(), tool.to_owned())) else { return Some(sum) };
        by_grant
            .iter()
            .filter(|(label, _)| grant.is_none_or(|grant| grant == label.as_str()))
            .for_each(|(_, used)| sum.add(*used));
        Some(sum)
    }
}

impl Shared {
    /// The use of tools since a time.
    pub(super) async fn traffic(&self, scope: &Scope, since: i64) -> Traffic {
        let status = self.parts.index.status();
        let answer = self.parts.index.usage(By::GrantTool, scope, since).await;
        let (used, problem) = match answer {
            Ok(rows) => (Some(by_tool(rows)), status.trouble.clone()),
            Err(error) => (None, Some(error.to_string())),
        };
        let known = match (&used, status.state) {
            (None, _) => UseKnown::None,
            (Some(_), IndexState::Current) if status.lag_records() == 0 => UseKnown::All,
            (Some(_), _) => UseKnown::Behind,
        };
        let state =
            UseState { known, since: moment::show(since), lag_records: status.lag_records(), problem };
        Traffic { used, state }
    }
}

fn by_tool(rows: Vec<Usage>) -> HashMap<(String, String), HashMap<String, Used>> {
    let mut used: HashMap<(String, String), HashMap<String, Used>> = HashMap::new();
    for row in rows {
        let (Some(server), Some(tool), Some(grant)) = (row.key.server, row.key.tool, row.key.grant) else {
            continue;
        };
        let sum = Used { calls: row.calls, denials: row.denials, last: Some(row.last_ts) };
        used.entry((server, tool)).or_default().entry(grant).or_default().add(sum);
    }
    used
}
