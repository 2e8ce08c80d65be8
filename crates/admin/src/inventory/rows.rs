//! What can be reached: one row for each tool, resource, template and prompt of the servers that are looked at, and
//! what each grant's policy makes of it.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toolgate_gateway::Offer;
use toolgate_gateway::settings::{GrantSettings, ServerSettings, Settings};
use toolgate_policy::{Context, Decision, DenialKind, Outcome, Plan, Prospect};
use toolgate_store::Kind;
use utoipa::ToSchema;

use super::seen::{Seen, Tool};
use crate::problem::Problem;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThingKind {
    /// A tool.
    Tool,
    /// A resource, named by its URI.
    Resource,
    /// A template of resources, named by its URI template.
    Template,
    /// A prompt.
    Prompt,
}

/// One thing that a server offers.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) server: String,
    pub(super) thing: Thing,
}

#[derive(Clone, Debug)]
pub(super) enum Thing {
    Tool(Arc<Tool>),
    Other(ThingKind, Offer),
}

impl Row {
    pub(super) fn kind(&self) -> ThingKind {
        match &self.thing {
            Thing::Tool(_) => ThingKind::Tool,
            Thing::Other(kind, _) => *kind,
        }
    }

    pub(super) fn name(&self) -> &str {
        match &self.thing {
            Thing::Tool(tool) => &tool.name,
            Thing::Other(_, offer) => &offer.name,
        }
    }

    /// What lists are ordered by: server, kind, name. The parts are separated by a character that no name of a
    /// server has.
    pub(super) fn key(&self) -> String {
        let kind = match self.kind() {
            ThingKind::Tool => 1,
            ThingKind::Resource => 2,
            ThingKind::Template => 3,
            ThingKind::Prompt => 4,
        };
        format!("{}\u{1}{kind}\u{1}{}", self.server, self.name())
    }
}

/// All rows of servers.
pub(super) fn rows(seen: &[(String, Arc<Seen>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (server, seen) in seen {
        let mut add = |thing| rows.push(Row { server: server.clone(), thing });
        seen.tools.iter().cloned().map(Thing::Tool).for_each(&mut add);
        for (kind, offers) in [
            (ThingKind::Resource, &seen.resources),
            (ThingKind::Template, &seen.templates),
            (ThingKind::Prompt, &seen.prompts),
        ] {
            offers.iter().cloned().map(|offer| Thing::Other(kind, offer)).for_each(&mut add);
        }
    }
    rows
}

/// The servers and grants that are looked at.
#[derive(Debug)]
pub(super) struct Selected {
    settings: Arc<Settings>,
    server: Option<String>,
    grant: Option<String>,
}

impl Selected {
    /// Those of a server, a grant, both or neither.
    pub(super) fn of(
        settings: Arc<Settings>,
        server: Option<String>,
        grant: Option<String>,
    ) -> Result<Self, Problem> {
        if let Some(name) = &server
            && !settings.servers.iter().any(|server| server.name == *name)
        {
            return Err(Problem::not_found(Kind::Server, name));
        }
        if let Some(label) = &grant
            && !settings.grants.iter().any(|grant| grant.label == *label)
        {
            return Err(Problem::not_found(Kind::Grant, label));
        }
        Ok(Self { settings, server, grant })
    }

    /// The grants, by label.
    pub(super) fn grants(&self) -> Vec<&GrantSettings> {
        let is_meant = |grant: &&GrantSettings| self.grant.as_ref().is_none_or(|label| grant.label == *label);
        let mut grants: Vec<_> = self.settings.grants.iter().filter(is_meant).collect();
        grants.sort_by(|a, b| a.label.cmp(&b.label));
        grants
    }

    /// The servers: with a grant those that it includes.
    pub(super) fn servers(&self) -> Vec<ServerSettings> {
        let reached: Option<HashSet<&str>> = self.grant.as_ref().map(|_| {
            self.grants().iter().flat_map(|grant| &grant.servers).map(|(server, _)| server.as_str()).collect()
        });
        let servers = self.settings.servers.iter().filter(|server| {
            self.server.as_ref().is_none_or(|name| server.name == *name)
                && reached.as_ref().is_none_or(|reached| reached.contains(server.name.as_str()))
        });
        servers.cloned().collect()
    }

    /// The policy that judges a grant's calls to a server; none where the grant does not include it.
    pub(super) fn plan(&self, grant: &GrantSettings, server: &str) -> Option<&Plan> {
        let (_, policy) = grant.servers.iter().find(|(name, _)| name == server)?;
        self.settings.policies.iter().find(|plan| plan.name() == policy).map(|plan| &**plan)
    }
}

/// What a policy makes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) prospect: Prospect,
    pub(super) conditional: bool,
    pub(super) counters: Vec<String>,
}

/// What a grant's policy makes of a row at a time.
pub(super) fn judge(plan: &Plan, grant: &GrantSettings, row: &Row, now: i64) -> Judged {
    let context = Context {
        grant_label: &grant.label,
        grant_tags: &grant.tags,
        server: &row.server,
        client_ip: None,
        wall_micros: now,
    };
    match &row.thing {
        Thing::Tool(tool) => {
            let outlook = plan.outlook(&tool.name);
            let counters = outlook.counters.into_iter().map(str::to_owned).collect();
            Judged { prospect: outlook.prospect, conditional: outlook.conditional, counters }
        }
        Thing::Other(ThingKind::Template, offer) => {
            let listed = plan.lists_template(&offer.name);
            let prospect = if listed { Prospect::Allowed } else { Prospect::Denied };
            // Which of its resources may be read is told by their URIs alone.
            Judged { prospect, conditional: listed, counters: Vec::new() }
        }
        Thing::Other(ThingKind::Prompt, offer) => {
            decided(&plan.decide_prompt(&offer.name, None, &context), plan.lists_prompt(&offer.name))
        }
        Thing::Other(ThingKind::Resource | ThingKind::Tool, offer) => {
            decided(&plan.decide_resource(&offer.name, &context), plan.lists_resource(&offer.name))
        }
    }
}

/// A decision about a name without arguments; one that is listed all the same hangs on conditions.
fn decided(decision: &Decision<'_>, listed: bool) -> Judged {
    let (prospect, counters) = match &decision.outcome {
        Outcome::Allow { demands } if demands.is_empty() => (Prospect::Allowed, Vec::new()),
        Outcome::Allow { demands } => {
            (Prospect::Limited, demands.iter().map(|demand| demand.limit.counter.clone()).collect())
        }
        Outcome::Deny(denial) => {
            let prospect = match denial.code {
                DenialKind::Hidden => Prospect::Hidden,
                DenialKind::Approval => Prospect::Approval,
                _ => Prospect::Denied,
            };
            (prospect, Vec::new())
        }
    };
    Judged { conditional: listed && prospect == Prospect::Denied, prospect, counters }
}
