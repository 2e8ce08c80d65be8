//! Set phrases of descriptions that sharpen what the verb says: that nothing is changed, that nothing
//! comes back, that it costs.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::assessment::Evidence;

/// What a phrase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// Nothing is changed.
    ReadOnly,
    /// It cannot be undone.
    Irreversible,
    /// It writes over what was there.
    Overwrites,
    /// It can be taken back.
    Recoverable,
    /// The call costs money or credits.
    Paid,
    /// It is kept apart from the rest.
    Sandboxed,
    /// What is made is put into a file.
    Saves,
}

/// How many bytes of a description are searched.
const SEARCHED: usize = 6000;

const PHRASES: &[(Phrase, &[&str])] = &[
    (
        Phrase::ReadOnly,
        &[
            "read-only",
            "read only",
            "readonly",
            "does not modify",
            "doesn't modify",
            "without modifying",
            "does not change",
            "no changes are made",
            "without making changes",
            "without making any changes",
            "not make any changes",
            "without executing it",
            "does not execute",
            "select queries",
            "select query",
            "select statement",
            "only select",
            "select-only",
            "only allows select",
            "does not delete",
            "without deleting",
            "does not create",
            "does not write",
            "dml statements are rejected",
            "contains dml",
            "rejects any write",
            "never writes",
            "not mutate",
            "what would be deleted",
            "what would change",
        ],
    ),
    (
        Phrase::Irreversible,
        &[
            "cannot be undone",
            "can't be undone",
            "can not be undone",
            "irreversible",
            "irrevocabl",
            "permanently delet",
            "permanently remov",
            "permanently eras",
            "permanently destroy",
            "not recoverable",
            "cannot be recovered",
            "unrecoverable",
            "cannot be reversed",
            "destructive operation",
            "destructive action",
            "not be undone",
        ],
    ),
    (
        Phrase::Overwrites,
        &[
            "overwrites existing",
            "overwrite existing",
            "overwriting existing",
            "completely overwrite",
            "will overwrite",
            "will be overwritten",
            "are overwritten",
            "is overwritten",
            "gets overwritten",
            "get overwritten",
            "overwritten without",
            "overwrites whatever",
            "overwrites its",
            "overwriting any existing",
            "overwriting the existing",
            "overwriting current",
            "will be lost",
            "are lost",
            "losing any",
            "losing local",
            "overwriting all",
            "overwrites current",
            "overwrites all",
            "overwrites any existing",
            "overwrites the",
            "overwrite the entire",
            "replaces the entire content",
            "replace the entire content",
            "without warning",
            "replace all content",
            "replacing the entire",
            "for deletion",
            "replaces the existing one",
            "replaces the existing file",
            "replacing the existing one",
            "replacing the existing file",
            "overwriting it if",
            "overwriting if",
            "replaces the entire",
            "replacing the whole",
            "replaces all content",
            "replaces all existing",
            "replacing all existing",
            "invalidates the old",
            "invalidates the previous",
            "invalidates any existing",
            "invalidates the existing",
            "invalidating the old",
            "invalidating the previous",
            "invalidating the existing",
            "stops working immediately",
        ],
    ),
    (
        Phrase::Recoverable,
        &[
            "can be restored",
            "can be recovered",
            "to the trash",
            "to trash",
            "soft delete",
            "soft-delete",
            "recycle bin",
            "can be undone",
            "can be unarchived",
        ],
    ),
    (
        Phrase::Paid,
        &[
            "incur cost",
            "incurs cost",
            "incur charges",
            "consumes credit",
            "costs credit",
            "uses credits",
            "cost warning",
            "will be billed",
            "per call cost",
            "paid api call",
        ],
    ),
    (
        Phrase::Saves,
        &[
            "where to save",
            "path to save",
            "save_path",
            "output_file",
            "output_dir",
            "output_folder",
            "saves the output",
            "save the output",
            "saves output",
            "output path",
            "output_path",
            "target_path",
            "output file path",
            "output directory",
            "saves the result to",
            "written to disk",
            "to a file",
            "to a local file",
            "to disk",
            "saved to disk",
        ],
    ),
    (Phrase::Sandboxed, &["sandbox", "isolated environment", "isolated container", "ephemeral container"]),
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = PHRASES.iter().flat_map(|(_, phrases)| phrases.iter());
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(all).ok()
});

/// The phrases of one description.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phrases {
    found: Vec<(Phrase, Evidence)>,
}

impl Phrases {
    /// Searches a description that stands at `at`.
    pub(crate) fn of(text: &str, at: &str) -> Self {
        let end = (0..=text.len().min(SEARCHED)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        let text = text.get(..end).unwrap_or_default();
        let Some(search) = SEARCH.as_ref() else { return Self::default() };
        let found = search.find_iter(text).filter_map(|hit| {
            let quote = text.get(hit.range())?.to_owned();
            Some((phrase_of(hit.pattern().as_usize())?, Evidence { quote, at: at.to_owned() }))
        });
        Self { found: found.collect() }
    }

    /// Whether the phrase is there.
    pub(crate) fn has(&self, phrase: Phrase) -> bool {
        self.get(phrase).is_some()
    }

    /// Its first place.
    pub(crate) fn get(&self, phrase: Phrase) -> Option<&Evidence> {
        self.found.iter().find(|(found, _)| *found == phrase).map(|(_, evidence)| evidence)
    }
}

fn phrase_of(mut index: usize) -> Option<Phrase> {
    for (phrase, texts) in PHRASES {
        match index.checked_sub(texts.len()) {
            None => return Some(*phrase),
            Some(rest) => index = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_where_they_stand() {
        let text = "Deletes it. This CANNOT be undone, and may incur costs.";
        let phrases = Phrases::of(text, "/description");
        assert_eq!(phrases.get(Phrase::Irreversible).unwrap().quote, "CANNOT be undone");
        assert!(phrases.has(Phrase::Paid) && !phrases.has(Phrase::ReadOnly));
        assert!(SEARCH.is_some());
    }
}
