//! What becomes of calls of a tool, as far as its name alone tells: for people who want to see what a policy lets
//! whom do. The decision about one call is `decide`'s.

use crate::decision::{DenialKind, Outcome};
use crate::plan::{Mode, Plan, Rules};

/// What becomes of calls of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook<'p> {
    /// What holds for every call that no condition denies.
    pub prospect: Prospect,
    /// Whether conditions on arguments, time or caller may deny it all the same.
    pub conditional: bool,
    /// The counters that it draws from, each once.
    pub counters: Vec<&'p str>,
}

/// What holds for a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prospect {
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

impl Prospect {
    /// Its word in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Denied => "denied",
            Self::Approval => "approval",
            Self::Limited => "limited",
            Self::Allowed => "allowed",
        }
    }
}

impl Plan {
    /// What becomes of calls of a tool. Rules in shadow mode do not count: they stop nothing.
    #[must_use]
    pub fn outlook(&self, tool: &str) -> Outlook<'_> {
        let settled = |prospect| Outlook { prospect, conditional: false, counters: Vec::new() };
        if let Some(Outcome::Deny(denial)) = self.prejudge(tool).map(|decision| decision.outcome) {
            return settled(match denial.code {
                DenialKind::Hidden => Prospect::Hidden,
                _ => Prospect::Denied,
            });
        }
        if self.denies_tool(tool) {
            return settled(Prospect::Denied);
        }
        let own = self.tools.matching(tool).next().map(|entry| &entry.rules);
        let rules: Vec<&Rules> = own.into_iter().chain([&self.all_tools]).collect();
        let conditional = rules
            .iter()
            .flat_map(|rules| rules.deny_if.iter().chain(&rules.require))
            .any(|group| group.mode == Mode::Enforce);
        let mut counters = Vec::new();
        for charge in rules.iter().flat_map(|rules| &rules.limits).filter(|charge| !charge.limit.shadow) {
            if !counters.contains(&charge.limit.counter.as_str()) {
                counters.push(charge.limit.counter.as_str());
            }
        }
        let asks = |rules: &&Rules| rules.approvals.iter().any(|approval| approval.mode == Mode::Enforce);
        let prospect = if rules.iter().any(asks) {
            Prospect::Approval
        } else if counters.is_empty() {
            Prospect::Allowed
        } else {
            Prospect::Limited
        };
        Outlook { prospect, conditional, counters }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Format, Prospect, load};

    #[test]
    fn names_tell_what_becomes_of_calls() {
        let text = r#"{"version": "1", "default": "deny", "hide": ["secret.*"], "tools": {
            "free": {},
            "capped": {"limits": [{"counter": "c", "window": "minute", "max": 2},
                {"counter": "s", "window": "minute", "max": 1, "mode": "shadow"}]},
            "picky": {"deny_if": [{"conditions": [{"path": "args.n", "op": "gt", "value": 3}], "on_deny": "no"}]},
            "asked": {"require_approval": {}},
            "never": {"deny_if": [{"conditions": [], "on_deny": "no"}]},
            "shut": {"action": "deny"}}}"#;
        let plan = match load(text, Format::Json, "p") {
            Ok(loaded) => loaded.plan,
            Err(problems) => panic!("{problems:?}"),
        };
        for (tool, prospect, conditional, counters) in [
            ("free", Prospect::Allowed, false, vec![]),
            ("capped", Prospect::Limited, false, vec!["c"]),
            ("picky", Prospect::Allowed, true, vec![]),
            ("asked", Prospect::Approval, false, vec![]),
            ("never", Prospect::Denied, false, vec![]),
            ("shut", Prospect::Denied, false, vec![]),
            ("other", Prospect::Denied, false, vec![]),
            ("secret.x", Prospect::Hidden, false, vec![]),
        ] {
            let found = plan.outlook(tool);
            assert_eq!(
                (found.prospect, found.conditional, found.counters),
                (prospect, conditional, counters),
                "{tool}"
            );
        }
    }
}
