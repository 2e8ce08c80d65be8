//! The order of decision. One walk over the rules serves both the decision, which ends at the first
//! enforced denial, and the explanation, which sees every rule; they differ in the [`Trace`] alone.
//!
//! hidden · default · unknown · `action: deny` · arguments · `deny_if` · `require` · approval · limits.
//! Of each kind of rule the entry's own come first, then those of `all_tools`.

mod rules;
mod trace;

use std::borrow::Cow;
use std::ops::ControlFlow;

use toolgate_json::{Kind, Value};

use rules::Layers;
pub(crate) use rules::PLACES;
pub(crate) use trace::{Decider, Trace};

use crate::call::{Call, Context, Definition};
use crate::condition::Facts;
use crate::decision::{Decision, Denial, DenialKind, Outcome};
use crate::plan::{ArgumentCheck, Effect, Entry, Mode, Plan, Section};
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
