//! Evaluating a condition against a call.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use toolgate_json::{Kind, Value};

use super::{Condition, Subject, Test};
use crate::call::Context;
use crate::literal::Literal;
use crate::path::{Path, Root, Step};

/// What conditions may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) arguments: Option<Value<'a>>,
    pub(crate) tool: Option<&'a str>,
    pub(crate) context: Context<'a>,
    pub(crate) zone: &'a TimeZone,
}

/// Why a condition cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// A value of a type that the operator cannot be asked of.
    Type(Kind),
    /// The path steps into a value that holds nothing.
    NoContainer(Kind),
    /// A number that cannot be read exactly.
    Inexact,
    /// The call's time is outside the calendar.
    Time,
}

/// The outcome of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Holds,
    Fails,
    Unclear(Mismatch),
}

impl Truth {
    fn of(holds: bool) -> Self {
        if holds { Truth::Holds } else { Truth::Fails }
    }
}

/// How many of the values that `[*]` leads to must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// Under `require`: every one, and at least one.
    Every,
    /// Under `deny_if` and `when`: any.
    Any,
}

impl Condition {
    pub(crate) fn evaluate(&self, facts: &Facts<'_>, quantifier: Quantifier) -> Truth {
        let start = match start(self.path.root, facts) {
            Ok(start) => start,
            Err(mismatch) => return Truth::Unclear(mismatch),
        };
        self.descend(start, &self.path.steps, quantifier)
    }

    fn descend(&self, from: Option<Subject<'_>>, steps: &[Step], quantifier: Quantifier) -> Truth {
        let mut subject = from;
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            let Some(value) = subject else { return self.test.absent() };
            subject = match (step, self.step_into(&value, step)) {
                (_, Err(truth)) => return truth,
                (Step::Each, Ok(Some(list))) => return self.each(&list, steps.as_slice(), quantifier),
                (_, Ok(next)) => next,
            };
        }
        subject.map_or_else(|| self.test.absent(), |value| self.test.ask(&value))
    }

    /// The value behind a step; a value that holds nothing cannot be stepped into. `null` counts as not
    /// given. For `[*]` the list itself.
    fn step_into<'a>(&self, value: &Subject<'a>, step: &Step) -> Result<Option<Subject<'a>>, Truth> {
        match (step, value, value.kind()) {
            (Step::Name(name), Subject::Json(json), Kind::Object) => Ok(json.get(name).map(Subject::Json)),
            (Step::Index(index), _, Kind::Array) => Ok(value.element(*index)),
            (Step::Each, _, Kind::Array) => Ok(Some(value.clone())),
            (_, _, Kind::Null) => Ok(None),
            (_, _, kind) => match self.test {
                Test::Exists(_) => Ok(None),
                _ => Err(Truth::Unclear(Mismatch::NoContainer(kind))),
            },
        }
    }

    /// All elements are looked at: one that cannot be compared decides, wherever it stands.
    fn each(&self, list: &Subject<'_>, steps: &[Step], quantifier: Quantifier) -> Truth {
        let (mut seen, mut passed) = (0_usize, 0_usize);
        for element in list.elements() {
            match self.descend(Some(element), steps, quantifier) {
                Truth::Holds => passed += 1,
                Truth::Fails => {}
                unclear @ Truth::Unclear(_) => return unclear,
            }
            seen += 1;
        }
        match quantifier {
            Quantifier::Every => Truth::of(seen > 0 && passed == seen),
            Quantifier::Any => Truth::of(passed > 0),
        }
    }
}

fn start<'a>(root: Root, facts: &Facts<'a>) -> Result<Option<Subject<'a>>, Mismatch> {
    let text = |text| Some(Subject::Text(Cow::Borrowed(text)));
    Ok(match root {
        Root::Args => facts.arguments.map(Subject::Json),
        Root::GrantLabel => text(facts.context.grant_label),
        Root::GrantTags => Some(Subject::Texts(facts.context.grant_tags)),
        Root::ServerName => text(facts.context.server),
        Root::ToolName => facts.tool.and_then(text),
        Root::ClientIp => {
            facts.context.client_ip.map(|ip| Subject::Text(Cow::Owned(ip.to_canonical().to_string())))
        }
        Root::TimeHour | Root::TimeWeekday => Some(time(root, facts)?),
    })
}

fn time<'a>(root: Root, facts: &Facts<'a>) -> Result<Subject<'a>, Mismatch> {
    let instant = Timestamp::from_microsecond(facts.context.wall_micros).map_err(|_| Mismatch::Time)?;
    let local = facts.zone.to_datetime(instant);
    Ok(if root == Root::TimeHour {
        Subject::Number(i64::from(local.hour()))
    } else {
        Subject::Text(Cow::Borrowed(weekday_name(local.weekday())))
    })
}

/// What `time.weekday` is compared with.
pub(super) const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

impl Test {
    /// An absent value passes no test but the one for absence.
    fn absent(&self) -> Truth {
        Truth::of(matches!(self, Test::Exists(false)))
    }

    fn ask(&self, subject: &Subject<'_>) -> Truth {
        let on_text = |holds: &dyn Fn(&str) -> bool| match subject.text() {
            Some(text) => Truth::of(holds(&text)),
            None => Truth::Unclear(Mismatch::Type(subject.kind())),
        };
        match self {
            Test::Exists(wanted) => Truth::of(*wanted),
            Test::Among { literals, negated } => among(literals, *negated, subject),
            Test::Order { comparison, number } => match subject.compare(number) {
                Some(ordering) => Truth::of(comparison.admits(ordering)),
                None => Truth::Unclear(not_a_number(subject)),
            },
            Test::Regex(regex) => on_text(&|text| regex.is_match(text)),
            Test::Glob(glob) => on_text(&|text| glob.matches(text)),
            Test::StartsWith(prefix) => on_text(&|text| text.starts_with(&**prefix)),
            Test::EndsWith(suffix) => on_text(&|text| text.ends_with(&**suffix)),
            Test::Contains(literal) => contains(literal, subject),
            Test::Length(bounds) => match subject.length() {
                Some(length) => {
                    let length = Subject::Number(i64::try_from(length).unwrap_or(i64::MAX));
                    Truth::of(bounds.iter().all(|(comparison, number)| {
                        length.compare(number).is_some_and(|ordering| comparison.admits(ordering))
                    }))
                }
                None => Truth::Unclear(Mismatch::Type(subject.kind())),
            },
        }
    }
}

fn not_a_number(subject: &Subject<'_>) -> Mismatch {
    match subject.kind() {
        Kind::Number => Mismatch::Inexact,
        kind => Mismatch::Type(kind),
    }
}

fn among(literals: &[Literal], negated: bool, subject: &Subject<'_>) -> Truth {
    let kind = subject.kind();
    let comparable = |literal: &Literal| literal.kind() == kind || *literal == Literal::Null;
    if !literals.is_empty() && !literals.iter().any(comparable) {
        return Truth::Unclear(Mismatch::Type(kind));
    }
    let mut unclear = false;
    for literal in literals {
        match subject.equals(literal) {
            Some(true) => return Truth::of(!negated),
            Some(false) => {}
            None => unclear = true,
        }
    }
    if unclear { Truth::Unclear(Mismatch::Inexact) } else { Truth::of(negated) }
}

fn contains(literal: &Literal, subject: &Subject<'_>) -> Truth {
    if subject.kind() != Kind::Array {
        return match (subject.text(), literal) {
            (Some(text), Literal::String(part)) => Truth::of(text.contains(&**part)),
            _ => Truth::Unclear(Mismatch::Type(subject.kind())),
        };
    }
    let mut unclear = false;
    for element in subject.elements() {
        match element.equals(literal) {
            Some(true) => return Truth::Holds,
            Some(false) => {}
            None => unclear = true,
        }
    }
    if unclear { Truth::Unclear(Mismatch::Inexact) } else { Truth::Fails }
}

/// The one value that a path without `[*]` leads to.
pub(crate) fn resolve<'a>(path: &Path, arguments: Option<Value<'a>>) -> Option<Value<'a>> {
    path.steps.iter().try_fold(arguments?, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::Index(index) => value.at(*index),
        Step::Each => None,
    })
}
