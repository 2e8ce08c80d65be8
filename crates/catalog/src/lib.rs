//! What a tool can do, judged from its definition alone: category, severity, evidence, flow labels; the
//! attacks that such a tool invites; the policy to put on it; and a page that says all this.
//!
//! The crate is pure: no network, no file, no clock, no model. The same definition gets the same answer.

mod assessment;
mod classify;
mod credential;
mod definition;
mod launch;
mod lexicon;
mod lookalike;
mod page;
mod pattern;
pub mod precheck;
mod reading;
mod recommend;
mod tokens;
mod words;

pub use crate::assessment::{
    Assessment, Category, Evidence, Label, Override, Severity, Signal, Suspicion, SuspicionKind, Verdict,
};
pub use crate::classify::classify;
pub use crate::credential::{Credential, ToldBy, credential_in, names_secret};
pub use crate::definition::{Annotations, Definition, DefinitionError};
pub use crate::launch::{Ecosystem, Package, Pinning, package_name, package_of};
pub use crate::lookalike::{KnownNames, LookAlike, Trick, well_known};
pub use crate::page::{Block, Page, Section, Surroundings, Topic};
pub use crate::pattern::{Capability, Pattern, patterns, patterns_for};
pub use crate::recommend::{
    Document, Entries, Entry, Group, Limit, Preset, Rated, RecommendError, Recommendation, Treatment, Usage,
    from_traffic, recommend, recommend_stack,
};
pub use crate::tokens::{CONTEXT_WINDOW, Tokenizer, TokenizerError, context_share, in_context};
