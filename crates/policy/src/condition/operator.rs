//! The table of operators: names, meanings, and how the value of each is read.

use regex::RegexBuilder;
use toolgate_json::{Decimal, Kind};

use super::evaluate::WEEKDAYS;
use super::{Comparison, Test};
use crate::glob::{self, Alphabet, Glob};
use crate::literal::Literal;
use crate::located::Place;
use crate::nearest::nearest;
use crate::path::{Path, Root};
use crate::shape::with_article;

/// An operator of conditions.
#[derive(Debug)]
pub struct Operator {
    /// How a policy spells it.
    pub name: &'static str,
    /// The JSON types of values that it judges, in words.
    pub judges: &'static str,
    /// What stands as `value`, in words.
    pub value: &'static str,
    /// When it holds.
    pub docs: &'static str,
    kind: OperatorKind,
}

impl Operator {
    /// Whether this version evaluates it; the others are part of the language and refused.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.kind != OperatorKind::Unavailable
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperatorKind {
    Equal { negated: bool },
    In { negated: bool },
    Order(Comparison),
    Regex,
    Glob,
    StartsWith,
    EndsWith,
    Contains,
    Exists,
    Length,
    Unavailable,
}

macro_rules! operators {
    ($(($name:literal, $kind:expr, $judges:literal, $value:literal, $docs:literal)),* $(,)?) => {
        &[$(Operator { name: $name, judges: $judges, value: $value, docs: $docs, kind: $kind }),*]
    };
}

/// All operators, in the order of the documentation.
pub const OPERATORS: &[Operator] = operators![
    (
        "eq",
        OperatorKind::Equal { negated: false },
        "any",
        "any value",
        "the value equals this one as JSON (`1` equals `1.0`)"
    ),
    ("neq", OperatorKind::Equal { negated: true }, "any", "any value", "the value does not equal this one"),
    ("in", OperatorKind::In { negated: false }, "any", "a list", "the value equals one of the list"),
    ("not_in", OperatorKind::In { negated: true }, "any", "a list", "the value equals none of the list"),
    ("lt", OperatorKind::Order(Comparison::Less), "number", "a number", "less than, by exact digits"),
    (
        "lte",
        OperatorKind::Order(Comparison::AtMost),
        "number",
        "a number",
        "less than or equal, by exact digits"
    ),
    ("gt", OperatorKind::Order(Comparison::Greater), "number", "a number", "greater than, by exact digits"),
    (
        "gte",
        OperatorKind::Order(Comparison::AtLeast),
        "number",
        "a number",
        "greater than or equal, by exact digits"
    ),
    (
        "regex",
        OperatorKind::Regex,
        "string",
        "a pattern",
        "the pattern matches anywhere in the string; `^` and `$` anchor it"
    ),
    (
        "glob",
        OperatorKind::Glob,
        "string",
        "a glob",
        "the whole string matches; `*` is any run of characters, `?` is one"
    ),
    ("starts_with", OperatorKind::StartsWith, "string", "a string", "the string begins with this one"),
    ("ends_with", OperatorKind::EndsWith, "string", "a string", "the string ends with this one"),
    (
        "contains",
        OperatorKind::Contains,
        "string, list",
        "any value",
        "a part of the string, or an element of the list"
    ),
    (
        "exists",
        OperatorKind::Exists,
        "any",
        "true or false",
        "the member is there, `null` included (true), or is not (false)"
    ),
    (
        "length",
        OperatorKind::Length,
        "string, list, object",
        "an object such as {\"lte\": 5}",
        "the number of characters, elements or members is within the bounds"
    ),
    ("host_in", OperatorKind::Unavailable, "string", "a list", "not available in this version"),
    ("path_within", OperatorKind::Unavailable, "string", "a list", "not available in this version"),
    ("cel", OperatorKind::Unavailable, "any", "an expression", "not available in this version"),
];

/// The operator of that name; else what to tell the author.
pub(crate) fn find(name: &str) -> Result<&'static Operator, String> {
    match OPERATORS.iter().find(|operator| operator.name == name) {
        Some(operator) if !operator.is_available() => {
            Err(format!("operator `{name}` is not available in this version"))
        }
        Some(operator) => Ok(operator),
        None => {
            let known = OPERATORS.iter().filter(|o| o.is_available()).map(|o| o.name);
            let advice = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known.collect::<Vec<_>>().join(", ")),
            };
            Err(format!("unknown operator `{}`; {advice}", crate::shape::shorten(name)))
        }
    }
}

/// A pattern's program may take this much memory.
const REGEX_BYTES: usize = 1 << 20;

/// Reads `value` as the operator wants it.
pub(crate) fn compile_test(operator: &Operator, path: &Path, value: Place<'_>) -> Result<Test, String> {
    let text = || value.as_str().ok_or_else(|| wants(operator, value));
    Ok(match operator.kind {
        OperatorKind::Equal { negated } => {
            let literal = checked_literal(path, value)?;
            Test::Among { literals: vec![literal], negated }
        }
        OperatorKind::In { negated } => {
            if value.kind() != Kind::Array {
                return Err(wants(operator, value));
            }
            let literals = value.elements().map(|element| checked_literal(path, element));
            Test::Among { literals: literals.collect::<Result<_, _>>()?, negated }
        }
        OperatorKind::Order(comparison) => {
            Test::Order { comparison, number: number(value).ok_or_else(|| wants(operator, value))? }
        }
        OperatorKind::Regex => {
            let pattern = text()?;
            let built =
                RegexBuilder::new(pattern).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
            Test::Regex(built.map_err(|error| regex_error(&error))?)
        }
        OperatorKind::Glob => Test::Glob(checked_glob(text()?)?),
        OperatorKind::StartsWith => Test::StartsWith(text()?.into()),
        OperatorKind::EndsWith => Test::EndsWith(text()?.into()),
        OperatorKind::Contains => Test::Contains(Literal::of_place(value)),
        OperatorKind::Exists => Test::Exists(value.as_bool().ok_or_else(|| wants(operator, value))?),
        OperatorKind::Length => Test::Length(bounds(operator, value)?),
        OperatorKind::Unavailable => {
            return Err(format!("operator `{}` is not available in this version", operator.name));
        }
    })
}

fn wants(operator: &Operator, value: Place<'_>) -> String {
    format!("operator `{}` wants {}, found {}", operator.name, operator.value, with_article(value.kind()))
}

/// A number that can be compared exactly.
fn number(value: Place<'_>) -> Option<Box<str>> {
    value.as_number().filter(|spelling| Decimal::parse(spelling).is_some()).map(Into::into)
}

/// A literal that the path's values can equal at all.
fn checked_literal(path: &Path, value: Place<'_>) -> Result<Literal, String> {
    let literal = Literal::of_place(value);
    if path.root == Root::TimeWeekday && !WEEKDAYS.iter().any(|day| literal.is_text(day)) {
        let near = value.as_str().and_then(|text| nearest(text, WEEKDAYS));
        let advice = near.map_or_else(String::new, |day| format!("; did you mean `{day}`?"));
        return Err(format!("`time.weekday` is one of {}{advice}", WEEKDAYS.join(", ")));
    }
    if value.kind() == Kind::Number && number(value).is_none() {
        return Err("the number has an exponent that is too large to compare".to_owned());
    }
    Ok(literal)
}

fn checked_glob(pattern: &str) -> Result<Glob, String> {
    if pattern.len() > glob::MAX_LENGTH {
        return Err(format!("the glob is longer than {} bytes", glob::MAX_LENGTH));
    }
    Ok(Glob::new(pattern, Alphabet::Names))
}

fn regex_error(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "the pattern is too large once compiled; bound its repetitions".to_owned()
        }
        other => {
            // The crate's text draws the pattern over many lines; the last one tells what is wrong.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("not a pattern: {last}")
        }
    }
}

fn bounds(operator: &Operator, value: Place<'_>) -> Result<Vec<(Comparison, Box<str>)>, String> {
    let mut bounds = Vec::new();
    for member in value.members() {
        let name = member.name().unwrap_or_default();
        let known = Comparison::NAMES.iter().find(|(_, known)| *known == name);
        let Some((comparison, _)) = known else {
            return Err(format!("unknown comparison `{name}`; known: lt, lte, gt, gte, eq, neq"));
        };
        let bound = number(member).ok_or_else(|| format!("`{name}` wants a number"))?;
        bounds.push((*comparison, bound));
    }
    if bounds.is_empty() { Err(wants(operator, value)) } else { Ok(bounds) }
}
