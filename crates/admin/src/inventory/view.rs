//! Rows as the API shows them.

use serde::Serialize;
use toolgate_catalog::context_share;
use toolgate_gateway::settings::GrantSettings;
use toolgate_policy::Prospect;
use utoipa::ToSchema;

use super::rows::{Judged, Row, Selected, Thing, ThingKind, judge};
use super::seen::Seen;
use super::traffic::{Traffic, UseState, UseView};
use super::verdicts::{MachineView, OverrideView, PinView, Words};
use crate::moment;

/// Most grants that one row names.
const MOST_GRANTS: usize = 100;

/// What a grant's policy makes of calls, as far as the name alone tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionView {
    /// No list shows it and no call reaches it.
    Hidden,
    /// Every call is denied.
    Denied,
    /// A call may need a person's consent.
    Approval,
    /// Calls pass as long as limits have room.
    Limited,
    /// Calls pass.
    Allowed,
}

impl From<Prospect> for DecisionView {
    fn from(prospect: Prospect) -> Self {
        match prospect {
            Prospect::Hidden => Self::Hidden,
            Prospect::Denied => Self::Denied,
            Prospect::Approval => Self::Approval,
            Prospect::Limited => Self::Limited,
            Prospect::Allowed => Self::Allowed,
        }
    }
}

/// One grant that includes the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReachView {
    /// The grant.
    grant: String,
    /// The policy that judges its calls there.
    policy: String,
    /// What that policy makes of calls.
    decision: DecisionView,
    /// Whether conditions may deny a call all the same.
    conditional: bool,
    /// The counters that calls draw from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    counters: Vec<String>,
    /// The grant's own use; tools only, and absent where the index could not answer.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    used: Option<UseView>,
}

/// One thing that a server offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThingView {
    /// The server.
    server: String,
    /// What it is.
    kind: ThingKind,
    /// Its name; of a resource the URI, of a template the URI template.
    name: String,
    /// What a tool is, beyond its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<ToolFacts>,
    /// Which grants include the server, and what each one's policy says; at most 100.
    grants: Vec<ReachView>,
    /// Whether there are more grants than are shown.
    grants_cut: bool,
    /// The use by all grants, or by the one that was asked for; tools only.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    used: Option<UseView>,
    /// Whether no call was let through in the time that use is summed up over; tools only.
    #[serde(skip_serializing_if = "Option::is_none")]
    unused: Option<bool>,
}

/// What a tool is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToolFacts {
    /// Hash of its definition, as the journal names it.
    definition_hash: String,
    /// Why its calls would be denied: its schema cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_error: Option<String>,
    /// What holds: a person's word, or else the machine's.
    category: &'static str,
    /// How bad that is.
    severity: &'static str,
    /// The machine's word.
    machine: MachineView,
    /// A person's word.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    overridden: Option<OverrideView>,
    /// Whether its definition is the pinned one.
    pin: PinView,
    /// Tokens of its definition, by `o200k_base`.
    tokens: u64,
    /// The part of the context window that they take, from 0 to 1.
    context_share: f64,
}

impl ToolFacts {
    pub(super) fn new(server: &str, tool: &super::seen::Tool, words: &Words, window: u64) -> Self {
        let verdict = words.verdict(server, tool);
        let tokens = tool.tokens().unwrap_or_default();
        Self {
            definition_hash: tool.hash.clone(),
            schema_error: tool.schema_error.clone(),
            category: verdict.category().name(),
            severity: verdict.severity().name(),
            machine: tool.into(),
            overridden: words.said(server, &tool.name).map(OverrideView::from),
            pin: words.pin(server, tool),
            tokens,
            context_share: context_share(tokens, window),
        }
    }
}

/// What rows are shown with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light<'a> {
    pub(super) selected: &'a Selected,
    pub(super) words: &'a Words,
    pub(super) traffic: &'a Traffic,
    /// The grant that was asked for.
    pub(super) grant: Option<&'a str>,
    pub(super) window: u64,
    pub(super) now: i64,
}

impl Light<'_> {
    pub(super) fn thing(&self, row: &Row) -> ThingView {
        let including: Vec<&GrantSettings> = self
            .selected
            .grants()
            .into_iter()
            .filter(|grant| self.selected.plan(grant, &row.server).is_some())
            .collect();
        let tool = match &row.thing {
            Thing::Tool(tool) => Some(ToolFacts::new(&row.server, tool, self.words, self.window)),
            Thing::Other(..) => None,
        };
        let used = tool.as_ref().and_then(|_| self.traffic.of_tool(&row.server, row.name(), self.grant));
        ThingView {
            server: row.server.clone(),
            kind: row.kind(),
            name: row.name().to_owned(),
            tool,
            grants_cut: including.len() > MOST_GRANTS,
            grants: including
                .into_iter()
                .take(MOST_GRANTS)
                .filter_map(|grant| self.reach(grant, row))
                .collect(),
            used: used.map(|used| used.view()),
            unused: used.map(|used| used.is_unused()),
        }
    }

    fn reach(&self, grant: &GrantSettings, row: &Row) -> Option<ReachView> {
        let plan = self.selected.plan(grant, &row.server)?;
        let Judged { prospect, conditional, counters } = judge(plan, grant, row, self.now);
        let used = match row.thing {
            Thing::Tool(_) => self.traffic.of_tool(&row.server, row.name(), Some(&grant.label)),
            Thing::Other(..) => None,
        };
        Some(ReachView {
            grant: grant.label.clone(),
            policy: plan.name().to_owned(),
            decision: prospect.into(),
            conditional,
            counters,
            used: used.map(|used| used.view()),
        })
    }
}

/// How a server answered when it was asked what it offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskedView {
    /// The server.
    server: String,
    /// When it was asked.
    asked: String,
    /// How many tools it offers.
    tools: usize,
    /// Why it could not be asked, or which lists it would not give; what is shown of it was seen before, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl AskedView {
    pub(super) fn new(server: &str, seen: &Seen) -> Self {
        Self {
            server: server.to_owned(),
            asked: moment::show(seen.at),
            tools: seen.tools.len(),
            problem: seen.problem.clone(),
        }
    }
}

/// A page of the inventory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryPage {
    /// The things that servers offer, by server, kind and name.
    pub(super) items: Vec<ThingView>,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// The servers that were asked.
    pub(super) servers: Vec<AskedView>,
    /// How far the figures of use can be relied on.
    #[serde(rename = "use")]
    pub(super) used: UseState,
    /// The context window that shares are told of: tokens.
    pub(super) context: u64,
}
