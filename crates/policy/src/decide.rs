//! The order of decision. One walk over the rules serves both the decision, which ends at the first
//! enforced denial, and the explanation, which sees every rule; they differ in the [`Trace`] alone.
//!
//! hidden · default · unknown · `action: deny` · arguments · `deny_if` · `require` · approval · limits.
//! Of each kind of rule the entry's own come first, then those of `all_tools`.

mod trace;

use std::borrow::Cow;
use std::ops::ControlFlow;

use toolgate_json::{Kind, Value};

pub(crate) use trace::{Decider, Trace};

use crate::call::{Call, Context, Definition};
use crate::condition::{Condition, Facts, Mismatch, Quantifier, Truth, resolve};
use crate::decision::{Decision, Demand, Denial, DenialKind, Outcome};
use crate::plan::{
    Amount, Approval, ArgumentCheck, Charge, Effect, Entry, Group, Mode, Plan, Rules, Section,
};
use crate::schema::{UnknownArguments, Violation};
use crate::shape::{shorten, with_article};
use crate::uri;

impl Plan {
    /// Judges a `tools/call`.
    #[must_use]
    pub fn decide(&self, call: &Call<'_>) -> Decision<'_> {
        let mut decider = Decider::default();
        // The flow only tells that the walk ended early; the decider knows the outcome.
        let _ended: ControlFlow<()> = self.walk_tool(call, &mut decider);
        decider.finish()
    }

    /// A denial that needs neither arguments nor the tool's definition (hidden, default, `action: deny`),
    /// so that the server need not be asked.
    #[must_use]
    pub fn prejudge(&self, tool: &str) -> Option<Decision<'_>> {
        let mut decider = Decider::default();
        let entry = self.tools.matching(tool).next();
        let flow = self.named(tool, entry, &mut decider);
        if flow.is_continue() {
            let _ended: ControlFlow<()> = denied_by_action(&self.tools, tool, &mut decider);
        }
        let decision = decider.finish();
        match decision.outcome {
            Outcome::Deny(_) => Some(decision),
            Outcome::Allow { .. } => None,
        }
    }

    /// Judges `resources/read` and `resources/subscribe`.
    #[must_use]
    pub fn decide_resource(&self, uri: &str, context: &Context<'_>) -> Decision<'_> {
        let mut decider = Decider::default();
        match uri::normalise(uri) {
            Ok(uri) => {
                let asked = Asked { section: &self.resources, name: &uri, arguments: None };
                let _ended: ControlFlow<()> = self.walk_other(&asked, context, &mut decider);
            }
            Err(error) => {
                let message = Cow::Owned(format!("The URI is refused: {error}"));
                let denial = Denial { rule: DenialKind::Uri.code().into(), message, code: DenialKind::Uri };
                let _ended: ControlFlow<()> = decider.deny(denial, Mode::Enforce);
            }
        }
        decider.finish()
    }

    /// Judges `prompts/get`.
    #[must_use]
    pub fn decide_prompt(
        &self,
        name: &str,
        arguments: Option<Value<'_>>,
        context: &Context<'_>,
    ) -> Decision<'_> {
        let mut decider = Decider::default();
        let asked = Asked { section: &self.prompts, name, arguments };
        let _ended: ControlFlow<()> = self.walk_other(&asked, context, &mut decider);
        decider.finish()
    }

    /// The rule as it may be told to the client: a hidden name, an unlisted one and one that the server
    /// does not have look the same, so that names cannot be probed.
    #[must_use]
    pub fn outward_rule<'d>(&self, denial: &'d Denial<'_>) -> &'d str {
        match (denial.code, self.default) {
            (DenialKind::Hidden | DenialKind::Unknown | DenialKind::Default, Effect::Deny) => {
                DenialKind::Default.code()
            }
            (DenialKind::Hidden | DenialKind::Unknown, Effect::Allow) => DenialKind::Unknown.code(),
            _ => &denial.rule,
        }
    }

    pub(crate) fn walk_tool<'p>(&'p self, call: &Call<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
        let entry = self.tools.matching(call.tool).next();
        self.named(call.tool, entry, trace)?;
        self.known(call, trace)?;
        denied_by_action(&self.tools, call.tool, trace)?;
        self.arguments(call, entry, trace)?;
        let facts = Facts {
            arguments: call.arguments,
            tool: Some(call.tool),
            context: call.context,
            zone: &self.zone,
        };
        let rules = Layers { own: entry.map(|entry| &entry.rules), shared: Some(&self.all_tools) };
        rules.judge(&facts, trace)
    }

    fn walk_other<'p>(
        &'p self,
        asked: &Asked<'p, '_>,
        context: &Context<'_>,
        trace: &mut impl Trace<'p>,
    ) -> ControlFlow<()> {
        let entry = asked.section.matching(asked.name).next();
        self.named(asked.name, entry, trace)?;
        denied_by_action(asked.section, asked.name, trace)?;
        let facts = Facts { arguments: asked.arguments, tool: None, context: *context, zone: &self.zone };
        let rules = Layers { own: entry.map(|entry| &entry.rules), shared: None };
        rules.judge(&facts, trace)
    }

    /// Hidden names, and names without an entry.
    fn named<'p>(
        &'p self,
        name: &str,
        entry: Option<&'p Entry>,
        trace: &mut impl Trace<'p>,
    ) -> ControlFlow<()> {
        if self.hide.matches(name) {
            trace.deny(self.unnamed_denial(DenialKind::Hidden, name), Mode::Enforce)?;
        } else {
            trace.pass("/hide", || "no hidden name matches".to_owned());
        }
        match (entry, self.default) {
            (Some(entry), _) => trace.pass(&entry.pointer, || "this entry applies".to_owned()),
            (None, Effect::Allow) => {
                trace.pass("/default", || "no entry matches; `default` allows".to_owned())
            }
            (None, Effect::Deny) => {
                trace.deny(self.unnamed_denial(DenialKind::Default, name), self.mode)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn known<'p>(&'p self, call: &Call<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
        match call.definition {
            Definition::Unknown => {
                trace.deny(self.unnamed_denial(DenialKind::Unknown, call.tool), Mode::Enforce)
            }
            Definition::Known { .. } => ControlFlow::Continue(()),
            Definition::Unchecked => {
                trace.skip("(unknown)", || "no server was asked whether it has the tool".to_owned());
                ControlFlow::Continue(())
            }
        }
    }

    /// One text for every name that may not be told apart from another.
    fn unnamed_denial<'p>(&self, kind: DenialKind, name: &str) -> Denial<'p> {
        let name = shorten(name);
        let message = match self.default {
            Effect::Deny => format!("`{name}` is not permitted by the policy"),
            Effect::Allow => format!("Unknown name: {name}"),
        };
        Denial { rule: kind.code().into(), message: message.into(), code: kind }
    }

    fn arguments<'p>(
        &'p self,
        call: &Call<'_>,
        entry: Option<&'p Entry>,
        trace: &mut impl Trace<'p>,
    ) -> ControlFlow<()> {
        let mode = entry.map_or(self.mode, |entry| entry.mode);
        if let Some(value) = call.arguments.filter(|value| value.kind() != Kind::Object) {
            let found = with_article(value.kind());
            let text = format!("The arguments are {found}, and an object is needed");
            return trace.deny(arguments_denial(text), Mode::Enforce);
        }
        let check = entry.map_or(&ArgumentCheck::Own, |entry| &entry.arguments);
        match check {
            ArgumentCheck::Off => {
                trace.skip("(arguments)", || "`arguments` is `off`".to_owned());
                ControlFlow::Continue(())
            }
            ArgumentCheck::Own => own_schema(call, (UnknownArguments::AsWritten, mode), trace),
            ArgumentCheck::Strict => own_schema(call, (UnknownArguments::Refused, mode), trace),
            ArgumentCheck::Also(also) => {
                own_schema(call, (UnknownArguments::AsWritten, mode), trace)?;
                checked(also.check(call.arguments, UnknownArguments::AsWritten), mode, trace)
            }
        }
    }
}

/// A resource or a prompt.
struct Asked<'p, 'c> {
    section: &'p Section,
    name: &'c str,
    arguments: Option<Value<'c>>,
}

/// An entry that says `action: deny` wins, also where a better match says otherwise.
fn denied_by_action<'p>(section: &'p Section, name: &str, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
    if !section.has_denials {
        return ControlFlow::Continue(());
    }
    for refusal in section.matching(name).filter_map(|entry| entry.denied.as_ref()) {
        let denial = Denial {
            rule: Cow::Borrowed(&refusal.pointer),
            message: Cow::Borrowed(&refusal.message),
            code: DenialKind::Action,
        };
        trace.deny(denial, refusal.mode)?;
    }
    ControlFlow::Continue(())
}

/// Checks against the schema that the server wrote, if a server was asked.
fn own_schema<'p>(
    call: &Call<'_>,
    (unknown, mode): (UnknownArguments, Mode),
    trace: &mut impl Trace<'p>,
) -> ControlFlow<()> {
    match call.definition {
        Definition::Unchecked | Definition::Unknown => {
            trace.skip("(arguments)", || "the tool's own schema is not known".to_owned());
            ControlFlow::Continue(())
        }
        Definition::Known { schema: None } => {
            let text = "The arguments cannot be checked: the tool has no usable input schema";
            trace.deny(arguments_denial(text.to_owned()), mode)
        }
        Definition::Known { schema: Some(schema) } => {
            checked(schema.check(call.arguments, unknown), mode, trace)
        }
    }
}

fn checked<'p>(result: Result<(), Violation>, mode: Mode, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
    match result {
        Ok(()) => {
            trace.pass("(arguments)", || "the arguments match the schema".to_owned());
            ControlFlow::Continue(())
        }
        Err(violation) => {
            let text = format!("The arguments do not match the schema: {violation}");
            trace.deny(arguments_denial(text), mode)
        }
    }
}

fn arguments_denial<'p>(message: String) -> Denial<'p> {
    let rule = Cow::Borrowed(DenialKind::Arguments.code());
    Denial { rule, message: message.into(), code: DenialKind::Arguments }
}

/// The rules of an entry, and those for every tool.
struct Layers<'p> {
    own: Option<&'p Rules>,
    shared: Option<&'p Rules>,
}

impl<'p> Layers<'p> {
    fn all(&self) -> impl Iterator<Item = &'p Rules> + use<'p> {
        self.own.into_iter().chain(self.shared)
    }

    fn judge(&self, facts: &Facts<'_>, trace: &mut impl Trace<'p>) -> ControlFlow<()> {
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
