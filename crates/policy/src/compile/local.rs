//! The local dialect, with `rules` under each tool: its rules say what must be true, its counters are
//! bounded by conditions on `state.*`, its windows follow the calendar in UTC and count all callers
//! together. Everything becomes the same plan.

use jiff::tz::TimeZone;
use toolgate_json::Decimal;

use super::conditions::Under;
use super::entries::SectionKind;
use super::limits::rate_parts;
use super::{Compiler, mode_of, word};
use crate::limit::{CalendarUnit, Count, Limit, LimitWindow, OnStoreFailure, Scope, UNIT};
use crate::located::Place;
use crate::plan::{Amount, Charge, Group, Mode, Refusal, Rules, Section};

/// Whether some tool is written with `rules`.
pub(super) fn is_local(root: Place<'_>) -> bool {
    root.get("tools").into_iter().flat_map(Place::members).any(|tool| tool.get("rules").is_some())
}

/// What the rules of one tool come to.
#[derive(Debug, Default)]
struct Outcome {
    rules: Rules,
    denied: Option<Refusal>,
}

/// A rule, and what it shares with the others of its tool.
#[derive(Clone, Copy)]
struct Rule<'t> {
    place: Place<'t>,
    tool: Place<'t>,
    mode: Mode,
}

impl<'t> Rule<'t> {
    fn message(self) -> String {
        match (word(self.place, "on_deny"), word(self.place, "name")) {
            (Some(text), _) => text.to_owned(),
            (None, Some(name)) => format!("Denied by rule \"{name}\""),
            (None, None) => super::rules::plain_message(&self.place.pointer()),
        }
    }

    fn conditions(self) -> impl Iterator<Item = Place<'t>> {
        self.place.get("conditions").into_iter().flat_map(Place::elements)
    }

    /// The counter that a condition on `state.*` reads, if it is one.
    fn state_path(condition: Place<'t>) -> Option<(Place<'t>, &'t str)> {
        let path = condition.get("path")?;
        Some((path, path.as_str()?.strip_prefix("state.")?))
    }

    /// How counters of this tool are addressed.
    fn owner(self) -> &'t str {
        match self.tool.name() {
            Some("*") | None => "_global",
            Some(name) => name,
        }
    }
}

impl Compiler {
    pub(super) fn local_tools(&mut self, root: Place<'_>, tools: &mut Section, shared: &mut Rules) {
        let members = || root.get("tools").into_iter().flat_map(Place::members);
        members().chain(root.get("all_tools")).for_each(|place| self.refuse_mixture(place));
        for tool in members() {
            let outcome = self.local_rules(tool);
            if tool.name() == Some("*") {
                if let Some(Refusal { pointer, message, mode }) = outcome.denied {
                    shared.deny_if.push(Group { pointer, conditions: Vec::new(), message, mode });
                }
                extend(shared, outcome.rules);
                continue;
            }
            let pointer = tool.pointer();
            let Some(entry) = tools.entries.iter_mut().find(|entry| entry.pointer == pointer) else {
                continue;
            };
            tools.has_denials |= outcome.denied.is_some();
            entry.denied = entry.denied.take().or(outcome.denied);
            extend(&mut entry.rules, outcome.rules);
        }
    }

    fn refuse_mixture(&mut self, place: Place<'_>) {
        for name in ["require", "deny_if", "limits", "rate_limit", "require_approval"] {
            if let Some(member) = place.get(name) {
                let message = format!("`{name}` cannot stand in a document whose tools have `rules`");
                let help = "write all tools in one of the two ways";
                self.problems.name_error(member, message, Some(help.to_owned()));
            }
        }
    }

    fn local_rules(&mut self, tool: Place<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let tool_mode = mode_of(tool, self.mode);
        for place in tool.get("rules").into_iter().flat_map(Place::elements) {
            let rule = Rule { place, tool, mode: mode_of(place, tool_mode) };
            self.local_rule(rule, &mut outcome);
        }
        self.warn_of_unread_state(tool);
        outcome
    }

    fn local_rule(&mut self, rule: Rule<'_>, outcome: &mut Outcome) {
        let place = rule.place;
        let action = word(place, "action").unwrap_or("evaluate");
        if let Some(rate) = place.get("rate_limit") {
            self.refuse_beside_rate_limit(rule, action);
            outcome.rules.limits.extend(self.local_rate(rule, rate));
        } else if action == "deny" {
            if rule.conditions().next().is_some() {
                self.problems.error(place, "a rule with `action: deny` has no conditions");
            }
            let pointer = place.pointer();
            let refusal = Refusal { pointer, message: rule.message(), mode: rule.mode };
            outcome.denied.get_or_insert(refusal);
        } else if action == "require_approval" {
            self.duration(place.get("approval_timeout"));
            let list = place.get("conditions");
            let when = list.map(|list| self.conditions(list, SectionKind::Tools, Under::When));
            let message = word(place, "on_deny");
            let approval = self.approval_of(place, (when.unwrap_or_default(), message), rule.mode);
            outcome.rules.approvals.push(approval);
        } else if rule.conditions().next().is_none() && place.get("state").is_none() {
            let message = "the rule says nothing: give it `conditions`, `rate_limit` or an `action`";
            self.problems.error(place, message);
        } else {
            self.local_conditions(rule, outcome);
        }
    }

    fn refuse_beside_rate_limit(&mut self, rule: Rule<'_>, action: &str) {
        for name in ["conditions", "state"] {
            if let Some(member) = rule.place.get(name) {
                self.problems.name_error(member, format!("`{name}` cannot stand beside `rate_limit`"), None);
            }
        }
        if let Some(place) = rule.place.get("action").filter(|_| action != "evaluate") {
            self.problems.error(place, format!("`action: {action}` cannot stand beside `rate_limit`"));
        }
    }

    fn local_rate(&mut self, rule: Rule<'_>, place: Place<'_>) -> Option<Charge> {
        let parts = rate_parts(place.as_str()?).filter(|(max, unit)| *max > 0 && is_local_unit(*unit));
        let Some((max, unit)) = parts else {
            self.problems.error(place, "a rate is written as `N/minute`, `N/hour` or `N/day`, N from 1");
            return None;
        };
        let counter = format!("{}._rate_{}", rule.owner(), unit.name());
        let limit = local_limit(rule, counter, (unit, max));
        Some(self.charge(place, Limit { pointer: rule.place.pointer(), ..limit }, Amount::Fixed(UNIT)))
    }

    /// Conditions on arguments must hold; conditions on counters become limits.
    fn local_conditions(&mut self, rule: Rule<'_>, outcome: &mut Outcome) {
        let mut conditions = Vec::new();
        let mut judges_arguments = false;
        for place in rule.conditions() {
            if let Some((path, counter)) = Rule::state_path(place) {
                outcome.rules.limits.extend(self.local_bound(rule, place, (path, counter)));
            } else {
                judges_arguments = true;
                conditions.extend(self.condition(place, SectionKind::Tools, Under::Require));
            }
        }
        if judges_arguments {
            let pointer = rule.place.pointer();
            outcome.rules.require.push(Group {
                pointer,
                conditions,
                message: rule.message(),
                mode: rule.mode,
            });
        }
    }

    fn local_bound(
        &mut self,
        rule: Rule<'_>,
        condition: Place<'_>,
        (path, counter): (Place<'_>, &str),
    ) -> Option<Charge> {
        let owned = counter.strip_prefix(rule.owner()).and_then(|rest| rest.strip_prefix('.'));
        let Some(state) = owned.and_then(|name| state_of(rule.tool, name)) else {
            let message =
                format!("no rule of this tool has a `state` block for the counter of `state.{counter}`");
            self.problems.error(path, message);
            return None;
        };
        let unit = word(state, "window").and_then(CalendarUnit::of_name)?;
        let max = self.local_max(condition)?;
        let amount = self.local_amount(state)?;
        let limit = local_limit(rule, counter.to_owned(), (unit, max));
        Some(self.charge(condition, limit, amount))
    }

    /// `lte N` lets N through, `lt N` lets N − 1 through.
    fn local_max(&mut self, condition: Place<'_>) -> Option<u128> {
        let (op, value) = (condition.get("op")?, condition.get("value"));
        let step = match op.as_str()? {
            "lte" => 0,
            "lt" => UNIT,
            _ => {
                self.problems.error(op, "a counter is compared with `lt` or `lte`");
                return None;
            }
        };
        let Some(value) = value else {
            self.problems.error(condition, "condition lacks the field `value`");
            return None;
        };
        let max = self.amount_at(value, "value")?;
        if max < step || (step > 0 && max % UNIT != 0) {
            self.problems.error(value, "`lt` on a counter wants a whole number of 1 or more");
            return None;
        }
        Some(max - step)
    }

    fn local_amount(&mut self, state: Place<'_>) -> Option<Amount> {
        if let Some(from) = state.get("increment_from") {
            return self.argument_path(from).map(|path| Amount::Argument { path, default: None });
        }
        let Some(increment) = state.get("increment") else { return Some(Amount::Fixed(UNIT)) };
        let whole = Decimal::parse(increment.as_number()?).is_some_and(|number| number.is_integer());
        let amount = self.amount_at(increment, "increment")?;
        if !whole {
            self.problems.error(increment, "`increment` is a whole number");
            return None;
        }
        // The dialect reads 0 as 1.
        Some(Amount::Fixed(if amount == 0 { UNIT } else { amount }))
    }

    fn warn_of_unread_state(&mut self, tool: Place<'_>) {
        let rules = || tool.get("rules").into_iter().flat_map(Place::elements);
        let owner = Rule { place: tool, tool, mode: Mode::Enforce }.owner();
        let read: Vec<&str> = rules()
            .flat_map(|rule| rule.get("conditions").into_iter().flat_map(Place::elements))
            .filter_map(Rule::state_path)
            .filter_map(|(_, counter)| counter.strip_prefix(owner)?.strip_prefix('.'))
            .collect();
        for state in rules().filter_map(|rule| rule.get("state")) {
            if word(state, "counter").is_some_and(|counter| !read.contains(&counter)) {
                self.problems.warning(state, "no condition bounds this counter, so it limits nothing");
            }
        }
    }
}

/// The `state` block of that counter among the rules of a tool.
fn state_of<'t>(tool: Place<'t>, counter: &str) -> Option<Place<'t>> {
    let rules = tool.get("rules").into_iter().flat_map(Place::elements);
    rules.filter_map(|rule| rule.get("state")).find(|state| word(*state, "counter") == Some(counter))
}

fn local_limit(rule: Rule<'_>, counter: String, (unit, max): (CalendarUnit, u128)) -> Limit {
    Limit {
        counter,
        window: LimitWindow::Calendar { unit, zone: TimeZone::UTC },
        max,
        scope: Scope::Policy,
        count: Count::Attempts,
        constant_unit: false,
        on_deny: word(rule.place, "on_deny").map(str::to_owned),
        on_store_failure: OnStoreFailure::Deny,
        shadow: rule.mode == Mode::Shadow,
        pointer: rule.place.pointer(),
    }
}

fn is_local_unit(unit: CalendarUnit) -> bool {
    match unit {
        CalendarUnit::Minute | CalendarUnit::Hour | CalendarUnit::Day => true,
        CalendarUnit::Second | CalendarUnit::Week | CalendarUnit::Month => false,
    }
}

fn extend(rules: &mut Rules, more: Rules) {
    rules.deny_if.extend(more.deny_if);
    rules.require.extend(more.require);
    rules.approvals.extend(more.approvals);
    rules.limits.extend(more.limits);
}
