//! JSON Schema of tool arguments, compiled to checks that read the call's own bytes.
//!
//! Schemas come from servers and are not trusted: sizes, references and patterns are bounded, nothing
//! is ever fetched, patterns run in linear time, and a check that grows too costly refuses. Numbers are
//! compared by their digits. What the direct checks do not know (`unevaluated*`, dynamic references,
//! anchors, draft 4) goes to the general validator of the `jsonschema` crate; a schema that neither can
//! take is refused, and so are calls that would need it.

mod build;
mod check;
mod declared;
mod general;
mod keywords;
mod message;
mod pattern;
mod presence;
mod reference;

use std::cell::Cell;

use thiserror::Error;
use toolgate_json::{Document, Limits, Value};

use crate::path::Step;

use build::{Refusal, Survey};
use check::{Node, Run, Trail};
use declared::Declared;
use general::General;
pub(crate) use presence::Presence;

/// A schema that calls can be checked against.
#[derive(Debug)]
pub struct Schema {
    rules: Rules,
    declared: Declared,
}

#[derive(Debug)]
enum Rules {
    /// The first node is the whole schema.
    Direct(Vec<Node>),
    General(General),
}

/// How arguments that the schema does not name are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownArguments {
    /// As the schema says.
    AsWritten,
    /// Refused.
    Refused,
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} (at {})", shown(.pointer))]
pub struct SchemaError {
    /// JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// Where a value departs from its schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} (at {})", shown(.pointer))]
pub struct Violation {
    /// JSON pointer into the arguments.
    pub pointer: String,
    /// What is wrong; it never repeats the value.
    pub message: String,
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "the top" } else { pointer }
}

/// Bytes of a schema.
const MAX_BYTES: usize = 512 << 10;
/// Work for one check, beyond what the size of the arguments grants.
const FUEL: u64 = 1_000_000;

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// Why it cannot be used: malformed keywords, references that lead outside, patterns with
    /// look-around, sizes beyond the bounds.
    pub fn compile(schema: &Value<'_>) -> Result<Self, SchemaError> {
        if schema.raw().len() > MAX_BYTES {
            let message = format!("the schema is larger than {MAX_BYTES} bytes");
            return Err(SchemaError { pointer: String::new(), message });
        }
        let mut survey = Survey::of(*schema)?;
        let declared = Declared::collect(&mut survey)?;
        let rules = match build::build(&mut survey) {
            Ok(nodes) => Rules::Direct(nodes),
            Err(Refusal::NotDirect) => Rules::General(General::compile(&survey)?),
            Err(Refusal::Error(error)) => return Err(error),
        };
        Ok(Self { rules, declared })
    }

    /// Checks arguments; absent ones count as `{}`.
    ///
    /// # Errors
    ///
    /// The first thing that does not match.
    pub fn check(&self, value: Option<Value<'_>>, unknown: UnknownArguments) -> Result<(), Violation> {
        match value {
            Some(value) => self.check_value(value, unknown),
            None => match Document::read(b"{}", &Limits::default()) {
                Ok(empty) => self.check_value(empty.root(), unknown),
                Err(_) => Err(check::too_costly(&Trail::TOP)),
            },
        }
    }

    fn check_value(&self, value: Value<'_>, unknown: UnknownArguments) -> Result<(), Violation> {
        match unknown {
            UnknownArguments::AsWritten => {}
            UnknownArguments::Refused => self.declared.check(value)?,
        }
        match &self.rules {
            Rules::General(general) => general.check(value),
            Rules::Direct(nodes) => {
                let granted = FUEL + 2 * u64::try_from(value.raw().len()).unwrap_or(u64::MAX / 4);
                let run = Run { nodes, fuel: Cell::new(granted) };
                match run.accepts(0, value, 0) {
                    Ok(true) => Ok(()),
                    Ok(false) => {
                        // Finding the words may cost as much again.
                        run.fuel.set(granted);
                        Err(run.describe(0, value, &Trail::TOP))
                    }
                    Err(check::Exhausted) => Err(check::too_costly(&Trail::TOP)),
                }
            }
        }
    }

    /// What the schema says of the argument that the steps lead to; none where it cannot be told.
    pub(crate) fn presence(&self, steps: &[Step]) -> Option<Presence> {
        match &self.rules {
            Rules::Direct(nodes) => Some(presence::of(nodes, steps)),
            Rules::General(_) => None,
        }
    }

    /// Whether the checks run on the call's own bytes, without the general validator.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        match &self.rules {
            Rules::Direct(_) => true,
            Rules::General(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
