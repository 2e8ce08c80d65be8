//! The rules that look at a call: `deny_if`, `require`, approvals and the amounts of limits.

use std::borrow::Cow;
use std::ops::ControlFlow;

use toolgate_json::{Kind, Value};

use super::Trace;
use crate::condition::{Condition, Facts, Mismatch, Quantifier, Truth, resolve};
use crate::decision::{Demand, Denial, DenialKind};
use crate::plan::{Amount, Approval, Charge, Group, Mode, Rules};
use crate::shape::with_article;

/// The rules of an entry, and those for every tool.
pub(super) struct Layers<'p> {
    pub(super) own: Option<&'p Rules>,
    pub(super) shared: Option<&'p Rules>,
}

impl<'p> Layers<'p> {
    fn all(&self) -> impl Iterator<Item = &'p Rules> + use<'p> {
        self.own.into_iter().chain(self.shared)
    }

    pub(super) fn judge(&self, facts: &Facts<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
        for group in self.all().flat_map(|rules| &rules.deny_if) {
            judge_deny_if(group, facts, trace)?;
        }
        for group in self.all().flat_map(|rules| &rules.require) {
            judge_require(group, facts, trace)?;
        }
        for approval in self.all().flat_map(|rules| &rules.approvals) {
            judge_approval(approval, facts, trace)?;
        }
        for charge in self.all().flat_map(|rules| &rules.limits) {
            judge_limit(charge, facts, trace)?;
        }
        ControlFlow::Continue(())
    }
}

/// The outcome of a group: all conditions are looked at, and one that is unclear decides.
enum GroupTruth<'p> {
    Holds,
    Fails,
    Unclear(&'p Condition, Mismatch),
}

fn evaluate<'p>(conditions: &'p [Condition], facts: &Facts<'_>, quantifier: Quantifier) -> GroupTruth<'p> {
    let mut truth = GroupTruth::Holds;
    for condition in conditions {
        match condition.evaluate(facts, quantifier) {
            Truth::Holds => {}
            Truth::Fails => truth = GroupTruth::Fails,
            Truth::Unclear(mismatch) => return GroupTruth::Unclear(condition, mismatch),
        }
    }
    truth
}

fn judge_deny_if<'p>(group: &'p Group, facts: &Facts<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
    match evaluate(&group.conditions, facts, Quantifier::Any) {
        GroupTruth::Fails => trace.pass(&group.pointer, || "not all of its conditions hold".to_owned()),
        GroupTruth::Holds => trace.deny(written_denial(group, DenialKind::DenyIf), group.mode)?,
        GroupTruth::Unclear(condition, mismatch) => {
            let denial = unclear_denial(&group.pointer, DenialKind::DenyIf, (condition, mismatch));
            trace.deny(denial, group.mode)?;
        }
    }
    ControlFlow::Continue(())
}

fn judge_require<'p>(group: &'p Group, facts: &Facts<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
    match evaluate(&group.conditions, facts, Quantifier::Every) {
        GroupTruth::Holds => trace.pass(&group.pointer, || "all of its conditions hold".to_owned()),
        GroupTruth::Fails => trace.deny(written_denial(group, DenialKind::Require), group.mode)?,
        GroupTruth::Unclear(condition, mismatch) => {
            let denial = unclear_denial(&group.pointer, DenialKind::Require, (condition, mismatch));
            trace.deny(denial, group.mode)?;
        }
    }
    ControlFlow::Continue(())
}

fn judge_approval<'p>(
    approval: &'p Approval,
    facts: &Facts<'_>,
    trace: &mut impl Trace<'p>,
) -> ControlFlow<()> {
    match evaluate(&approval.when, facts, Quantifier::Any) {
        GroupTruth::Fails => trace.pass(&approval.pointer, || "its `when` does not hold".to_owned()),
        GroupTruth::Holds => {
            let denial = Denial {
                rule: Cow::Borrowed(&approval.pointer),
                message: Cow::Borrowed(&approval.message),
                code: DenialKind::Approval,
            };
            trace.deny(denial, approval.mode)?;
        }
        GroupTruth::Unclear(condition, mismatch) => {
            let denial = unclear_denial(&approval.pointer, DenialKind::Approval, (condition, mismatch));
            trace.deny(denial, approval.mode)?;
        }
    }
    ControlFlow::Continue(())
}

fn judge_limit<'p>(charge: &'p Charge, facts: &Facts<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
    let limit = &charge.limit;
    match charge.amount.of(facts.arguments) {
        Ok(amount) => {
            trace.demand(Demand { limit, amount, rule: &limit.pointer });
            ControlFlow::Continue(())
        }
        Err(reason) => {
            let denial = Denial {
                rule: Cow::Borrowed(&limit.pointer),
                message: reason.into(),
                code: DenialKind::Limit,
            };
            trace.deny(denial, if limit.shadow { Mode::Shadow } else { Mode::Enforce })
        }
    }
}

fn written_denial(group: &Group, code: DenialKind) -> Denial<'_> {
    Denial { rule: Cow::Borrowed(&group.pointer), message: Cow::Borrowed(&group.message), code }
}

/// A rule that cannot be evaluated refuses, and says what it stumbled over; never the value itself.
fn unclear_denial<'p>(
    pointer: &'p str,
    code: DenialKind,
    (condition, mismatch): (&Condition, Mismatch),
) -> Denial<'p> {
    let path = &condition.path.text;
    let wanted = condition.test.asks_for();
    let reason = match mismatch {
        Mismatch::Type(found) => {
            format!("`{path}` is {}, and a rule of the policy compares it as {wanted}", with_article(found))
        }
        Mismatch::NoContainer(found) => {
            format!("a rule of the policy reads `{path}`, which leads into {}", with_article(found))
        }
        Mismatch::Inexact => format!("`{path}` holds a number that cannot be read exactly"),
        Mismatch::Time => "the time of the call is out of range".to_owned(),
    };
    Denial { rule: Cow::Borrowed(pointer), message: format!("Denied: {reason}").into(), code }
}

/// Amounts have at most this many decimal places.
pub(crate) const PLACES: u32 = 9;

impl Amount {
    fn of(&self, arguments: Option<Value<'_>>) -> Result<u128, String> {
        let (path, default) = match self {
            Amount::Fixed(amount) => return Ok(*amount),
            Amount::Argument { path, default } => (path, default),
        };
        let text = &path.text;
        let Some(value) = resolve(path, arguments) else {
            return default.ok_or_else(|| format!("Denied: `{text}` is missing, and a limit counts it"));
        };
        if value.kind() != Kind::Number {
            let found = with_article(value.kind());
            return Err(format!("Denied: `{text}` is {found}, and a limit counts it as a number"));
        }
        let Some(decimal) = value.as_decimal() else {
            return Err(format!("Denied: `{text}` cannot be read exactly, and a limit counts it"));
        };
        let scaled = decimal.scaled(PLACES).ok_or_else(|| {
            format!("Denied: `{text}` is too large or has more than {PLACES} decimal places to be counted")
        })?;
        u128::try_from(scaled).map_err(|_| format!("Denied: `{text}` is negative, and a limit counts it"))
    }
}
