//! What a tool can do, judged from its definition alone: category, severity, evidence, flow labels; the
//! attacks that such a tool invites; the policy to put on it; and a page that says all this.
//!
//! The crate is pure: no network, no file, no clock, no model. The same definition gets the same answer.

mod assessment;
mod classify;
mod definition;
mod lexicon;
mod reading;
mod words;

pub use crate::assessment::{
    Assessment, Category, Evidence, Label, Override, Severity, Signal, Suspicion, SuspicionKind, Verdict,
};
pub use crate::classify::classify;
pub use crate::definition::{Annotations, Definition, DefinitionError};
