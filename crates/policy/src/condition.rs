//! Conditions of rules: a path, an operator, a value. A condition holds, fails, or cannot be evaluated,
//! and what cannot be evaluated never lets a call through.

mod evaluate;
mod operator;
mod subject;

use regex::Regex;
use toolgate_json::Kind;

pub(crate) use evaluate::{Facts, Mismatch, Quantifier, Truth, resolve};
pub use operator::{OPERATORS, Operator};
pub(crate) use operator::{compile_test, find as find_operator};
pub(crate) use subject::Subject;

use crate::glob::Glob;
use crate::literal::Literal;
use crate::path::Path;

/// A condition that was understood.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) path: Path,
    pub(crate) test: Test,
}

/// What is asked of the value that the path leads to.
#[derive(Debug)]
pub(crate) enum Test {
    /// One of the literals, or none of them when negated.
    Among {
        literals: Vec<Literal>,
        negated: bool,
    },
    Order {
        comparison: Comparison,
        number: Box<str>,
    },
    Regex(Regex),
    Glob(Glob),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Literal),
    Exists(bool),
    Length(Vec<(Comparison, Box<str>)>),
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
}

impl Comparison {
    pub(crate) const NAMES: &'static [(Comparison, &'static str)] = &[
        (Comparison::Less, "lt"),
        (Comparison::AtMost, "lte"),
        (Comparison::Greater, "gt"),
        (Comparison::AtLeast, "gte"),
        (Comparison::Equal, "eq"),
        (Comparison::Unequal, "neq"),
    ];

    pub(crate) fn admits(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Less => ordering.is_lt(),
            Comparison::AtMost => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::AtLeast => ordering.is_ge(),
            Comparison::Equal => ordering.is_eq(),
            Comparison::Unequal => ordering.is_ne(),
        }
    }
}

impl Test {
    /// The JSON types that the test can be asked of, in words for messages.
    pub(crate) fn asks_for(&self) -> String {
        match self {
            Test::Among { literals, .. } => {
                let mut kinds: Vec<&str> =
                    literals.iter().map(|l| crate::shape::with_article(l.kind())).collect();
                kinds.dedup();
                kinds.join(" or ")
            }
            Test::Order { .. } => "a number".to_owned(),
            Test::Regex(_) | Test::Glob(_) | Test::StartsWith(_) | Test::EndsWith(_) => "a string".to_owned(),
            Test::Contains(literal) if literal.kind() == Kind::String => "a string or a list".to_owned(),
            Test::Contains(_) => "a list".to_owned(),
            Test::Exists(_) => "any value".to_owned(),
            Test::Length(_) => "a string, a list or an object".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
