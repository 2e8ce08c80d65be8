//! What the parts of a definition say a call does: the name, the sentences, the schema, set phrases.

mod listing;
mod name;
mod phrases;
mod prose;
mod schema;

pub(crate) use listing::listed_acts;
pub(crate) use name::read_name;
pub(crate) use phrases::{Phrase, Phrases};
pub(crate) use prose::{Prose, read_prose};
pub(crate) use schema::{Field, read_schema, selected_acts};

use crate::assessment::{Category, Evidence};
use crate::lexicon::{Force, Kind};

/// What one part of a definition says that a call does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Act {
    /// What it does.
    pub(crate) category: Category,
    /// How clearly that is said.
    pub(crate) force: Force,
    /// The verb's base form; the word itself where it is of another language.
    pub(crate) verb: String,
    /// How the verb is used.
    pub(crate) kind: Kind,
    /// The head of its object, where there is one.
    pub(crate) object: String,
    /// Whether its object made it what it is.
    pub(crate) by_object: bool,
    /// The words that say it.
    pub(crate) evidence: Evidence,
}

impl Act {
    /// The worse of two; the first where they are alike.
    pub(crate) fn worse(self, other: Self) -> Self {
        if (other.category, other.force) > (self.category, self.force) { other } else { self }
    }
}
