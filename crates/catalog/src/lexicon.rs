//! What words mean: English verbs, the objects that change their meaning, and verbs of other languages.
//! The tables are data; nothing in them names a server or a tool.

mod english;
mod objects;
mod phrasal;
mod sources;
mod tongues;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

pub(crate) use objects::{Objects, by_object, by_this_object};
pub(crate) use phrasal::join as join_verbs;
pub(crate) use tongues::{foreign_in_text, foreign_word};

use crate::assessment::Category;

/// How much a word says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Force {
    /// The rest of the definition decides.
    Soft,
    /// It is clear.
    Firm,
}

/// Whether a word is always a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Always.
    Verb,
    /// It is also a common noun: only its place tells.
    Either,
    /// It says nothing without the word after it, as in `make a payment`.
    Light,
    /// It stands for several actions, as in `manage`.
    Dispatch,
}

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verb {
    /// Its base form.
    pub(crate) base: &'static str,
    /// What it does, unless its object says otherwise.
    pub(crate) category: Category,
    /// How clear that is.
    pub(crate) force: Force,
    /// How it is used.
    pub(crate) kind: Kind,
}

/// The form in which a verb stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `delete`
    Base,
    /// `deletes`
    Third,
    /// `deleting`
    Gerund,
}

static VERBS: LazyLock<HashMap<String, (Verb, Form)>> = LazyLock::new(|| {
    let mut verbs = HashMap::new();
    for &(category, force, kind, words) in english::VERBS {
        for base in words.split_whitespace() {
            let verb = Verb { base, category, force, kind };
            verbs.insert(base.to_owned(), (verb, Form::Base));
            verbs.entry(third(base)).or_insert((verb, Form::Third));
            for gerund in gerunds(base) {
                verbs.entry(gerund).or_insert((verb, Form::Gerund));
            }
        }
    }
    verbs
});

/// The verb that a word in lower case is a form of.
pub(crate) fn verb(word: &str) -> Option<(Verb, Form)> {
    VERBS.get(word).copied()
}

fn third(base: &str) -> String {
    if let Some(stem) = base.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        return format!("{stem}ies");
    }
    if base.ends_with(['s', 'x', 'z']) || base.ends_with("ch") || base.ends_with("sh") {
        return format!("{base}es");
    }
    format!("{base}s")
}

fn gerunds(base: &str) -> [String; 2] {
    let doubled = base.chars().last().map(|last| format!("{base}{last}ing")).unwrap_or_default();
    match base.strip_suffix('e').filter(|stem| !stem.ends_with('e')) {
        Some(stem) => [format!("{stem}ing"), format!("{base}ing")],
        None => [format!("{base}ing"), doubled],
    }
}

/// Whether a noun, last in a name without a verb, says that the tool returns something.
pub(crate) fn is_information(word: &str) -> bool {
    static INFORMATION: LazyLock<HashSet<&str>> =
        LazyLock::new(|| english::INFORMATION.split_whitespace().collect());
    INFORMATION.contains(word)
}

/// Whether a word may stand before the verb of a sentence without saying anything.
pub(crate) fn is_opener(word: &str) -> bool {
    static OPENERS: LazyLock<HashSet<&str>> = LazyLock::new(|| english::OPENERS.split_whitespace().collect());
    OPENERS.contains(word) || word.len() > 4 && word.ends_with("ly") && word != "reply" && word != "apply"
}

/// Whether a word ends the object of a verb.
pub(crate) fn ends_object(word: &str) -> bool {
    static PREPOSITIONS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| english::PREPOSITIONS.split_whitespace().collect());
    PREPOSITIONS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_verbs_are_known() {
        for (word, base, form) in [
            ("deletes", "delete", Form::Third),
            ("deleting", "delete", Form::Gerund),
            ("running", "run", Form::Gerund),
            ("queries", "query", Form::Third),
            ("fetches", "fetch", Form::Third),
            ("pays", "pay", Form::Third),
        ] {
            let (verb, found) = verb(word).unwrap();
            assert_eq!((verb.base, found), (base, form));
        }
    }

    #[test]
    fn no_verb_has_two_meanings() {
        let mut seen = std::collections::HashSet::new();
        for (.., words) in english::VERBS {
            for word in words.split_whitespace() {
                assert!(seen.insert(word), "`{word}` stands twice");
            }
        }
    }
}
