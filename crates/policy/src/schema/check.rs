//! Checking a value against the nodes of a schema. Each step costs fuel, so that no schema and no value
//! can make a check run on; what runs out refuses, under `not` as well.

use std::cell::Cell;
use std::collections::HashMap;

use regex::Regex;
use toolgate_json::{Decimal, Kind, Value};

use super::Violation;
use crate::condition::Comparison;
use crate::literal::Literal;

/// A schema: all checks must hold.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) checks: Vec<Check>,
}

/// What one keyword asks. Numbers are those of nodes.
#[derive(Debug)]
pub(super) enum Check {
    Never,
    Type(TypeSet),
    Among(Vec<Literal>),
    Bound(Comparison, Box<str>),
    MultipleOf(Box<str>),
    MinLength(usize),
    MaxLength(usize),
    Pattern(Regex),
    MinProperties(usize),
    MaxProperties(usize),
    Required(Vec<Box<str>>),
    Properties(Box<Properties>),
    Names(usize),
    DependentRequired(Box<str>, Vec<Box<str>>),
    DependentSchema(Box<str>, usize),
    MinItems(usize),
    MaxItems(usize),
    Unique,
    Items { prefix: Vec<usize>, rest: Option<usize> },
    Contains { node: usize, least: usize, most: Option<usize> },
    All(Vec<usize>),
    Any(Vec<usize>),
    One(Vec<usize>),
    Not(usize),
    If { condition: usize, then: Option<usize>, otherwise: Option<usize> },
    Reference(usize),
}

/// JSON types, `integer` among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TypeSet(u8);

impl TypeSet {
    pub(super) const NAMES: [&'static str; 7] =
        ["null", "boolean", "number", "string", "array", "object", "integer"];
    const INTEGER: u8 = 1 << 6;

    /// Adds a type by its name, if there is one.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let known = Self::NAMES.iter().position(|known| *known == name);
        self.0 |= known.map_or(0, |at| 1 << at);
        known.is_some()
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let set = self.0;
        Self::NAMES.iter().enumerate().filter(move |(at, _)| set & (1 << at) != 0).map(|(_, name)| *name)
    }

    fn admits(self, value: &Value<'_>) -> bool {
        let bit = match value.kind() {
            Kind::Null => 1,
            Kind::Bool => 1 << 1,
            Kind::Number => 1 << 2,
            Kind::String => 1 << 3,
            Kind::Array => 1 << 4,
            Kind::Object => 1 << 5,
        };
        self.0 & bit != 0
            || (self.0 & Self::INTEGER != 0 && value.as_decimal().is_some_and(|number| number.is_integer()))
    }
}

/// `properties`, `patternProperties` and `additionalProperties`, which go together.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) known: Vec<(Box<str>, usize)>,
    /// Where the names are many.
    by_name: HashMap<Box<str>, usize>,
    pub(super) patterns: Vec<(Regex, usize)>,
    pub(super) additional: Option<usize>,
}

impl Properties {
    const LINEAR: usize = 8;

    pub(super) fn index(&mut self) {
        if self.known.len() > Self::LINEAR {
            self.by_name = self.known.iter().cloned().collect();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.patterns.is_empty() && self.additional.is_none()
    }

    fn known(&self, name: &str) -> Option<usize> {
        if self.by_name.is_empty() {
            return self.known.iter().find(|(known, _)| **known == *name).map(|(_, node)| *node);
        }
        self.by_name.get(name).copied()
    }

    /// The schemas that name the member: by itself or by a pattern.
    pub(super) fn named<'p>(&'p self, name: &'p str) -> impl Iterator<Item = usize> + use<'p> {
        let patterns = self.patterns.iter().filter(move |(regex, _)| regex.is_match(name));
        self.known(name).into_iter().chain(patterns.map(|(_, node)| *node))
    }

    /// The schemas that a member of that name must match.
    pub(super) fn nodes<'p>(&'p self, name: &str) -> impl Iterator<Item = usize> + use<'p> {
        let known = self.known(name);
        let matching: Vec<usize> = if self.patterns.is_empty() {
            Vec::new()
        } else {
            self.patterns.iter().filter(|(regex, _)| regex.is_match(name)).map(|(_, node)| *node).collect()
        };
        let additional = if known.is_none() && matching.is_empty() { self.additional } else { None };
        known.into_iter().chain(matching).chain(additional)
    }
}

/// The check grew too costly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

/// Nodes below nodes, references included.
const MAX_DEPTH: usize = 400;

type Truth = Result<bool, Exhausted>;

/// One check of one value.
pub(super) struct Run<'n> {
    pub(super) nodes: &'n [Node],
    pub(super) fuel: Cell<u64>,
}

impl<'n> Run<'n> {
    pub(super) fn spend(&self, amount: usize) -> Result<(), Exhausted> {
        let amount = u64::try_from(amount).map_err(|_| Exhausted)?;
        self.fuel.set(self.fuel.get().checked_sub(amount).ok_or(Exhausted)?);
        Ok(())
    }

    pub(super) fn checks(&self, node: usize) -> &'n [Check] {
        self.nodes.get(node).map_or(&[], |node| &node.checks)
    }

    pub(super) fn accepts(&self, node: usize, value: Value<'_>, depth: usize) -> Truth {
        self.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(Exhausted);
        }
        for check in self.checks(node) {
            if !self.holds(check, value, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn holds(&self, check: &Check, value: Value<'_>, depth: usize) -> Truth {
        match check {
            Check::Never => Ok(false),
            Check::Type(types) => Ok(types.admits(&value)),
            Check::Among(literals) => self.is_among(literals, &value),
            Check::Bound(..) | Check::MultipleOf(_) => Ok(number_holds(check, &value)),
            Check::MinLength(_) | Check::MaxLength(_) | Check::Pattern(_) => self.text_holds(check, &value),
            Check::MinProperties(_)
            | Check::MaxProperties(_)
            | Check::Required(_)
            | Check::Properties(_)
            | Check::Names(_)
            | Check::DependentRequired(..)
            | Check::DependentSchema(..) => match value.kind() {
                Kind::Object => self.object_holds(check, value, depth),
                _ => Ok(true),
            },
            Check::MinItems(_)
            | Check::MaxItems(_)
            | Check::Unique
            | Check::Items { .. }
            | Check::Contains { .. } => match value.kind() {
                Kind::Array => self.array_holds(check, value, depth),
                _ => Ok(true),
            },
            Check::All(_)
            | Check::Any(_)
            | Check::One(_)
            | Check::Not(_)
            | Check::If { .. }
            | Check::Reference(_) => self.combination_holds(check, value, depth + 1),
        }
    }

    fn is_among(&self, literals: &[Literal], value: &Value<'_>) -> Truth {
        for literal in literals {
            self.spend(1)?;
            if literal.kind() == value.kind() {
                self.spend(value.raw().len() / 64)?;
                if literal.equals(value) == Some(true) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn text_holds(&self, check: &Check, value: &Value<'_>) -> Truth {
        let Some(text) = value.as_str() else { return Ok(true) };
        self.spend(text.len() / 16)?;
        Ok(match check {
            Check::MinLength(least) => text.len() >= *least && text.chars().count() >= *least,
            Check::MaxLength(most) => text.len() <= *most || text.chars().count() <= *most,
            Check::Pattern(regex) => regex.is_match(&text),
            _ => true,
        })
    }

    fn object_holds(&self, check: &Check, value: Value<'_>, depth: usize) -> Truth {
        match check {
            Check::MinProperties(least) => Ok(value.members().count() >= *least),
            Check::MaxProperties(most) => Ok(value.members().count() <= *most),
            Check::Required(names) => self.has_all(&value, names),
            Check::Properties(properties) => self.properties_hold(properties, value, depth),
            Check::Names(node) => {
                for member in value.members() {
                    if !self.accepts(*node, member.name, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Check::DependentRequired(name, names) => match value.get(name) {
                Some(_) => self.has_all(&value, names),
                None => Ok(true),
            },
            Check::DependentSchema(name, node) => match value.get(name) {
                Some(_) => self.accepts(*node, value, depth + 1),
                None => Ok(true),
            },
            _ => Ok(true),
        }
    }

    fn has_all(&self, value: &Value<'_>, names: &[Box<str>]) -> Truth {
        self.spend(names.len() * (1 + value.members().count() / 16))?;
        Ok(names.iter().all(|name| value.get(name).is_some()))
    }

    fn properties_hold(&self, properties: &Properties, value: Value<'_>, depth: usize) -> Truth {
        for member in value.members() {
            self.spend(1 + properties.patterns.len())?;
            let Some(name) = member.name.as_str() else { continue };
            for node in properties.nodes(&name) {
                if !self.accepts(node, member.value, depth + 1)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn array_holds(&self, check: &Check, value: Value<'_>, depth: usize) -> Truth {
        match check {
            Check::MinItems(least) => Ok(value.elements().take(*least).count() >= *least),
            Check::MaxItems(most) => Ok(value.elements().take(most.saturating_add(1)).count() <= *most),
            Check::Unique => self.is_unique(&value),
            Check::Items { prefix, rest } => {
                for (index, element) in value.elements().enumerate() {
                    let Some(node) = prefix.get(index).copied().or(*rest) else { return Ok(true) };
                    if !self.accepts(node, element, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Check::Contains { node, least, most } => {
                let mut count = 0;
                for element in value.elements() {
                    count += usize::from(self.accepts(*node, element, depth + 1)?);
                }
                Ok(count >= *least && most.is_none_or(|most| count <= most))
            }
            _ => Ok(true),
        }
    }

    fn is_unique(&self, value: &Value<'_>) -> Truth {
        let elements: Vec<Value<'_>> = value.elements().collect();
        for (index, left) in elements.iter().enumerate() {
            for right in elements.iter().skip(index + 1) {
                self.spend(1)?;
                if left.kind() != right.kind() {
                    continue;
                }
                self.spend(left.raw().len().min(right.raw().len()) / 16)?;
                if left.equals(right) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn combination_holds(&self, check: &Check, value: Value<'_>, depth: usize) -> Truth {
        match check {
            Check::All(nodes) => {
                for node in nodes {
                    if !self.accepts(*node, value, depth)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Check::Any(nodes) => {
                for node in nodes {
                    if self.accepts(*node, value, depth)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Check::One(nodes) => {
                let mut count = 0;
                for node in nodes {
                    count += usize::from(self.accepts(*node, value, depth)?);
                }
                Ok(count == 1)
            }
            Check::Not(node) => Ok(!self.accepts(*node, value, depth)?),
            Check::If { condition, then, otherwise } => {
                let next = if self.accepts(*condition, value, depth)? { then } else { otherwise };
                next.map_or(Ok(true), |node| self.accepts(node, value, depth))
            }
            Check::Reference(node) => self.accepts(*node, value, depth),
            _ => Ok(true),
        }
    }
}

fn number_holds(check: &Check, value: &Value<'_>) -> bool {
    if value.kind() != Kind::Number {
        return true;
    }
    match check {
        Check::Bound(comparison, bound) => match (value.as_decimal(), Decimal::parse(bound)) {
            (Some(number), Some(bound)) => comparison.admits(number.cmp(&bound)),
            _ => false,
        },
        Check::MultipleOf(divisor) => is_multiple(value.raw(), divisor),
        _ => true,
    }
}

/// The fewest decimal places, up to 18, that hold the number exactly as an integer.
pub(super) fn scale_of(number: &str) -> Option<u32> {
    let decimal = Decimal::parse(number)?;
    (0..=18).find(|places| decimal.scaled(*places).is_some())
}

/// Exact divisibility; a number that does not fit is no multiple.
fn is_multiple(number: &str, divisor: &str) -> bool {
    let exact = || {
        let places = scale_of(number)?.max(scale_of(divisor)?);
        let number = Decimal::parse(number)?.scaled(places)?;
        let divisor = Decimal::parse(divisor)?.scaled(places)?;
        Some(number.checked_rem(divisor)? == 0)
    };
    exact().unwrap_or(false)
}

/// The way from the top of the arguments to a value, for messages.
#[derive(Clone, Copy)]
pub(super) struct Trail<'t> {
    pub(super) before: Option<&'t Trail<'t>>,
    pub(super) step: Step<'t>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'t> {
    Top,
    Name(&'t str),
    Index(usize),
}

impl Trail<'_> {
    pub(super) const TOP: Trail<'static> = Trail { before: None, step: Step::Top };

    pub(super) fn pointer(&self) -> String {
        let before = self.before.map_or_else(String::new, Trail::pointer);
        match self.step {
            Step::Top => before,
            Step::Name(name) => format!("{before}/{}", crate::located::escape_pointer(name)),
            Step::Index(index) => format!("{before}/{index}"),
        }
    }
}

pub(super) fn too_costly(trail: &Trail<'_>) -> Violation {
    Violation { pointer: trail.pointer(), message: "checking against the schema takes too long".to_owned() }
}
