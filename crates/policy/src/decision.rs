//! What a policy says about a call: allowed with what it draws from limits, or denied by one rule.

use std::borrow::Cow;

use crate::limit::Limit;

/// The answer about one call, borrowed from the plan that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// What happens to the call.
    pub outcome: Outcome<'p>,
    /// Denials of rules in shadow mode: recorded, without effect.
    pub shadowed: Vec<Denial<'p>>,
}

/// Allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'p> {
    /// The call may go on, if all demands can be reserved together.
    Allow {
        /// What the call draws, at most one demand for each counter.
        demands: Vec<Demand<'p>>,
    },
    /// The call is refused.
    Deny(Denial<'p>),
}

impl Decision<'_> {
    /// Whether the call may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allow { .. })
    }
}

/// A refusal: which rule, and what the agent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'p> {
    /// JSON pointer of the rule, or a code such as `(hidden)` ([`DenialKind::code`]).
    pub rule: Cow<'p, str>,
    /// The text for the agent.
    pub message: Cow<'p, str>,
    /// The step of the order of decision that refused.
    pub code: DenialKind,
}

/// An amount that a call draws from a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand<'p> {
    /// The counter, its bounds, and the message of this entry.
    pub limit: &'p Limit,
    /// In 10^-9 units.
    pub amount: u128,
    /// JSON pointer of the limit entry.
    pub rule: &'p str,
}

/// The steps of this crate that can refuse, in the order of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialKind {
    /// A resource's URI that cannot be normalised safely.
    Uri,
    /// `hide` names it.
    Hidden,
    /// No entry names it and `default` is `deny`.
    Default,
    /// The server does not have it.
    Unknown,
    /// `action: deny`.
    Action,
    /// The arguments do not match the schema, or cannot be checked.
    Arguments,
    /// A `deny_if` group holds, or could not be evaluated.
    DenyIf,
    /// A `require` group does not hold, or could not be evaluated.
    Require,
    /// A person would have to approve.
    Approval,
    /// The amount of a limit cannot be computed.
    Limit,
}

impl DenialKind {
    /// All kinds with the code that stands for a rule where no single rule of the document refused, and
    /// what they mean. Journals and results carry these codes: they are stable.
    pub const TABLE: &'static [(DenialKind, &'static str, &'static str)] = &[
        (
            DenialKind::Uri,
            "(uri)",
            "the URI is malformed, or still holds `..`, NUL or an encoded slash once decoded",
        ),
        (DenialKind::Hidden, "(hidden)", "a name or glob of `hide` matches"),
        (DenialKind::Default, "(default deny)", "no entry matches, and `default` is `deny`"),
        (DenialKind::Unknown, "(unknown)", "the server does not list it"),
        (DenialKind::Action, "(action)", "an entry that matches says `action: deny`"),
        (
            DenialKind::Arguments,
            "(arguments)",
            "the arguments do not match the schema, or there is none to check against",
        ),
        (DenialKind::DenyIf, "(deny_if)", "a `deny_if` group holds or cannot be evaluated"),
        (DenialKind::Require, "(require)", "a `require` group does not hold or cannot be evaluated"),
        (DenialKind::Approval, "(approval)", "a person has to approve"),
        (DenialKind::Limit, "(limit)", "the amount that a limit counts cannot be computed"),
    ];

    /// The code of the kind, in brackets.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::TABLE.iter().find(|(kind, ..)| *kind == self).map_or("(denied)", |(_, code, _)| code)
    }
}
