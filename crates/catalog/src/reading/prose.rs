//! What a description says: the verb that leads its first sentences, and those joined to it.

mod lead;

use super::Act;
use crate::assessment::{Category, Evidence};
use crate::lexicon::{self, Force, Form, Kind, Objects, Verb};
use crate::words::{self, Word};

/// How many sentences are looked at for the leading verb.
const SENTENCES: usize = 4;
/// How many words of a sentence.
const WORDS: usize = 40;
/// How long a quotation may be, in bytes.
const QUOTE: usize = 120;
/// Sentences that begin so speak of the arguments or the answer.
const HEADINGS: [&str; 15] = [
    "args",
    "arguments",
    "parameters",
    "params",
    "returns",
    "return",
    "example",
    "examples",
    "input",
    "output",
    "raises",
    "inputs",
    "outputs",
    "requirements",
    "prerequisites",
];
/// Words between a verb and its object.
const DETERMINERS: [&str; 12] =
    ["a", "an", "the", "new", "current", "currently", "any", "all", "your", "existing", "active", "this"];
/// Words of which what follows `of` is the thing itself.
const MEASURES: [&str; 8] = ["amount", "quantity", "number", "batch", "pair", "bunch", "couple", "instance"];
/// Descriptions that say nothing.
const EMPTY: [&str; 5] =
    ["description not available", "no description", "no description available", "n/a", "none"];
/// How the caption of a directory's page begins that stands in place of a description, and what is in it.
const CAPTION: (&str, [&str; 3]) = ("Deploy Server", ["Try in Playground", "Claim Server", "@"]);

/// What the description says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prose {
    /// The worst that its leading sentence says.
    pub(crate) act: Option<Act>,
    /// Whether there is a description at all.
    pub(crate) is_there: bool,
}

/// Reads a description that stands at `at`.
pub(crate) fn read_prose(text: &str, at: &str) -> Prose {
    let plain = text.trim();
    let caption = plain.starts_with(CAPTION.0) && CAPTION.1.iter().any(|mark| plain.contains(mark));
    if plain.is_empty()
        || caption
        || EMPTY.iter().any(|empty| plain.trim_end_matches('.').eq_ignore_ascii_case(empty))
    {
        return Prose::default();
    }
    let sentences = words::sentences(text, SENTENCES);
    let mut act = None;
    for (index, &(_, sentence)) in sentences.iter().enumerate() {
        let reading =
            Sentence { text: sentence, words: lexicon::join_verbs(sentence, words::of_text(sentence)), at };
        if reading.is_heading() {
            break;
        }
        if let Some(found) = reading.act() {
            act = Some(if index == 0 { found } else { Act { force: Force::Soft, ..found } });
            break;
        }
    }
    Prose { act, is_there: true }
}

struct Sentence<'t> {
    text: &'t str,
    words: Vec<Word<'t>>,
    at: &'t str,
}

impl<'t> Sentence<'t> {
    fn is_heading(&self) -> bool {
        let (Some(first), gap) = (self.words.first(), self.words.get(1).map_or(":", |word| word.gap)) else {
            return false;
        };
        HEADINGS.contains(&first.lower.as_str()) && gap.contains(':')
    }

    fn act(&self) -> Option<Act> {
        if let Some((at, verb, form, sure)) = self.lead() {
            let mut act = self.of_verb(at, verb);
            if !sure {
                act.force = Force::Soft;
            }
            return Some(self.joined(at, form).into_iter().fold(act, Act::worse));
        }
        self.foreign().or_else(|| self.nominal()).or_else(|| self.information())
    }

    fn of_verb(&self, at: usize, verb: Verb) -> Act {
        let objects = self.objects(at);
        let (category, force) = lexicon::by_object(verb, &objects).unwrap_or((verb.category, verb.force));
        let (category, force) = if self.only_looks(at, verb, &objects) {
            (Category::Read, Force::Firm)
        } else {
            (category, force)
        };
        let head = objects.words.last().copied().unwrap_or_default();
        // A noun that could be a verb is one at the head of a sentence, unless another noun follows at once.
        Act {
            category,
            force,
            verb: verb.base.to_owned(),
            kind: verb.kind,
            object: head.to_owned(),
            by_object: lexicon::by_this_object(verb, &objects).is_some(),
            evidence: self.quote(at),
        }
    }

    /// `run the plugin to list …`: what is run is named, and so is what for.
    fn only_looks(&self, at: usize, verb: Verb, objects: &Objects<'_>) -> bool {
        const FREE: [&str; 34] = [
            "command",
            "commands",
            "script",
            "scripts",
            "code",
            "query",
            "queries",
            "sql",
            "shell",
            "program",
            "notebook",
            "workflow",
            "workflows",
            "job",
            "jobs",
            "task",
            "tasks",
            "test",
            "tests",
            "suite",
            "pipeline",
            "container",
            "server",
            "agent",
            "agents",
            "build",
            "macro",
            "function",
            "action",
            "process",
            "simulation",
            "experiment",
            "playbook",
            "crawler",
        ];
        let running = ["run", "execute", "perform"].contains(&verb.base);
        let to = at + 1 + objects.words.len();
        let purpose = self
            .words
            .get(to)
            .is_some_and(|word| word.lower == "to")
            .then(|| self.words.get(to + 1))
            .flatten()
            .and_then(|word| lexicon::verb(&word.lower));
        running
            && !objects.words.is_empty()
            && !objects.words.iter().any(|word| FREE.contains(word))
            && purpose.is_some_and(|(verb, _)| verb.category == Category::Read && verb.force == Force::Firm)
    }

    fn objects(&self, at: usize) -> Objects<'_> {
        let phrase = self.words.iter().skip(at + 1).take(7).enumerate();
        let article = |index: usize| {
            let before = index.checked_sub(1).and_then(|i| self.words.get(at + 1 + i));
            before.is_some_and(|word| DETERMINERS.contains(&word.lower.as_str()))
        };
        // `a full or partial refund`
        let between = |index: usize, word: &Word<'_>| {
            const KINDS: [&str; 10] =
                ["full", "partial", "market", "limit", "new", "single", "buy", "one", "private", "public"];
            let before = index.checked_sub(1).and_then(|i| self.words.get(at + 1 + i));
            ["or", "and"].contains(&word.lower.as_str())
                && before.is_some_and(|word| KINDS.contains(&word.lower.as_str()))
        };
        let ends = |(index, word): &(usize, &Word<'_>)| {
            let begins =
                lexicon::verb(&word.lower).is_some_and(|(_, form)| form == Form::Gerund) && !article(*index);
            let parted = word.gap.contains([',', '(', ':', ';', '–', '—']) || word.gap.contains(" - ");
            // `in-progress`
            let compound = self.words.get(at + 2 + index).is_some_and(|next| next.gap == "-");
            lexicon::ends_object(&word.lower) && !compound && !between(*index, word)
                || *index > 0 && (parted || begins)
        };
        let mut words: Vec<&str> =
            phrase.take_while(|item| !ends(item)).map(|(_, word)| word.lower.as_str()).collect();
        // `an amount of tokens`
        let of = at + 1 + words.len();
        if words.last().is_some_and(|last| MEASURES.contains(last))
            && self.words.get(of).is_some_and(|word| word.lower == "of")
        {
            let of_what = self.words.iter().skip(of + 1).take(4).enumerate();
            words.extend(of_what.take_while(|item| !ends(item)).map(|(_, word)| word.lower.as_str()));
        }
        let source = self.source(at + 1 + words.len());
        // `delete a file permanently`
        while words.len() > 1
            && words.last().is_some_and(|last| last.ends_with("ly") && lexicon::is_opener(last))
        {
            words.pop();
        }
        Objects { words, source }
    }

    /// The words after a `from` at this place.
    fn source(&self, at: usize) -> Vec<&str> {
        if self.words.get(at).is_none_or(|word| word.lower != "from") {
            return Vec::new();
        }
        let ends = |word: &Word<'_>| {
            lexicon::ends_object(&word.lower)
                || word.gap.contains([',', '(', ':', ';', '–', '—'])
                || word.gap.contains(" - ")
        };
        let rest = self.words.iter().skip(at + 1).take(6).take_while(|word| !ends(word));
        rest.map(|word| word.lower.as_str()).collect()
    }

    /// Verbs that are joined to the leading one, in the same form.
    fn joined(&self, lead: usize, form: Form) -> Vec<Act> {
        const STOPS: [&str; 18] = [
            "to", "that", "which", "so", "when", "before", "after", "without", "instead", "if", "not",
            "never", "like", "such", "where", "while", "using", "by",
        ];
        let mut acts = Vec::new();
        let mut joined = false;
        for (at, word) in self.words.iter().enumerate().skip(lead + 1).take(WORDS) {
            if STOPS.contains(&word.lower.as_str()) || word.gap.contains(['(', ':', '"']) {
                break;
            }
            let joins = word.gap.contains([',', '/']) || joined;
            joined = ["and", "or", "then"].contains(&word.lower.as_str())
                || joined && lexicon::is_opener(&word.lower);
            // `pay-outs`
            let compound =
                !word.gap.contains(',') && self.words.get(at + 1).is_some_and(|next| next.gap == "-");
            // `, deleting what was there`; `an INSERT or DELETE`
            let aside = |found: Form, verb: Verb| {
                found == Form::Gerund && verb.category == Category::Destructive && word.gap.contains(',')
            };
            let keyword = word.text.len() > 3 && word.text.chars().all(|c| c.is_ascii_uppercase());
            if let Some((verb, found)) = lexicon::verb(&word.lower).filter(|_| joins && !compound && !keyword)
                && (found == form || aside(found, verb))
                && !["updates", "edits", "complete"].contains(&word.lower.as_str())
                && !(verb.base == "drop" && self.is_dragged(lead))
                && self.acts_when_joined(at, verb)
            {
                acts.push(self.of_verb(at, verb));
            }
        }
        acts
    }

    /// Whether a joined word is a verb: always one, or one that its object makes so (`and charge the card`).
    fn acts_when_joined(&self, at: usize, verb: Verb) -> bool {
        let by_object = || {
            let found = lexicon::by_this_object(verb, &self.objects(at));
            found.is_some_and(|(category, _)| category >= Category::Destructive)
        };
        // `a pending or open order`
        let noun = verb.kind == Kind::Either
            && verb.base != "open"
            && self.words.get(at).is_some_and(|word| word.gap.trim().is_empty());
        verb.kind == Kind::Verb && verb.force == Force::Firm || noun && by_object()
    }

    /// Whether the leading verb is `drag`, of which `drop` is the second half.
    fn is_dragged(&self, lead: usize) -> bool {
        self.words.get(lead).is_some_and(|word| word.lower.starts_with("drag"))
    }

    fn foreign(&self) -> Option<Act> {
        let act = |category, text: &str, evidence| Act {
            category,
            force: Force::Firm,
            verb: text.to_owned(),
            kind: Kind::Verb,
            object: String::new(),
            by_object: false,
            evidence,
        };
        // What a later clause says may be about the answer: `recommends dishes, makes a plan of meals`.
        let force = |index: usize, category: Category| {
            if index > 0 && category < Category::Destructive { Force::Soft } else { Force::Firm }
        };
        let in_clauses = lexicon::foreign_in_text(self.text).into_iter().enumerate();
        let in_clauses = in_clauses.map(|(index, found)| Act {
            force: force(index, found.category),
            ..act(found.category, found.text, self.quote_of(found.start))
        });
        if let Some(worst) = in_clauses.reduce(Act::worse) {
            return Some(worst);
        }
        self.words.iter().enumerate().take(WORDS).find_map(|(at, word)| {
            let category = lexicon::foreign_word(&word.lower)?;
            Some(act(category, &word.lower, self.quote(at)))
        })
    }

    /// A sentence that begins with an action as a noun: `deletion of an entry`.
    fn nominal(&self) -> Option<Act> {
        const ENDING: [&str; 6] =
            ["deletion", "removal", "cancellation", "termination", "revocation", "erasure"];
        const HOW: [&str; 3] = ["bulk", "batch", "complete"];
        let at = self
            .words
            .iter()
            .position(|word| !lexicon::is_opener(&word.lower) && !HOW.contains(&word.lower.as_str()))?;
        let word = self.words.get(at).filter(|word| ENDING.contains(&word.lower.as_str()))?;
        self.words.get(at + 1).filter(|next| next.lower == "of")?;
        Some(Act {
            category: Category::Destructive,
            force: Force::Firm,
            verb: word.lower.clone(),
            kind: Kind::Verb,
            object: String::new(),
            by_object: false,
            evidence: self.quote(at),
        })
    }

    /// A sentence that begins with a noun that stands for information.
    fn information(&self) -> Option<Act> {
        let at = self.words.iter().position(|word| !lexicon::is_opener(&word.lower))?;
        let word = self.words.get(at).filter(|word| lexicon::is_information(&word.lower))?;
        Some(Act {
            category: Category::Read,
            force: Force::Soft,
            verb: word.lower.clone(),
            kind: Kind::Either,
            object: String::new(),
            by_object: false,
            evidence: self.quote(at),
        })
    }

    fn quote(&self, at: usize) -> Evidence {
        self.quote_of(self.words.get(at).map_or(0, |word| word.start))
    }

    /// The clause from a place on, word for word, on one line.
    fn quote_of(&self, start: usize) -> Evidence {
        let rest = self.text.get(start..).unwrap_or(self.text);
        let mut end = rest.find(['\n', '\r', ':', ';', '"', '。', '，']).unwrap_or(rest.len());
        if end > QUOTE {
            end = rest.get(..QUOTE).and_then(|head| head.rfind(' ')).unwrap_or_else(|| floor(rest, QUOTE));
        }
        let quote = rest.get(..end).filter(|quote| !quote.trim().is_empty()).unwrap_or(rest);
        Evidence { quote: quote.trim_end().to_owned(), at: self.at.to_owned() }
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(text: &str) -> Option<Category> {
        read_prose(text, "/description").act.map(|act| act.category)
    }

    #[test]
    fn sentences_are_read_by_their_leading_verb() {
        use Category::{Destructive, Execute, Financial, Read, Write};
        for (text, expected) in [
            ("Delete a short link", Destructive),
            ("This tool allows you to permanently delete files.", Destructive),
            ("Use this tool to search for flights", Read),
            ("[Code Management] Delete a branch", Destructive),
            ("RPC: Remove root directories", Destructive),
            ("Create, update, or delete a record", Destructive),
            ("Get users, groups and roles", Read),
            ("Lists deleted files", Read),
            ("Returns a list of updates", Read),
            ("Transfer an amount of a token to an address", Financial),
            ("Move an existing doc", Write),
            ("A tool for executing shell commands", Execute),
            ("Invia un messaggio", Write),
            ("Löscht eine Datei", Destructive),
            ("Crea un link de pago", Write),
            ("删除断点", Destructive),
            ("Details about a film", Read),
            ("Search items. To delete one, use another tool.", Read),
        ] {
            assert_eq!(category(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn empty_descriptions_say_nothing() {
        for text in ["", "  ", "Description not available", "Deploy Server Some Thing Try in Playground"] {
            assert!(!read_prose(text, "/description").is_there, "{text}");
        }
    }

    #[test]
    fn a_quotation_stands_in_the_text() {
        let text = "This tool permanently deletes a user\nand more.";
        let quote = read_prose(text, "/description").act.unwrap().evidence.quote;
        assert_eq!(quote, "deletes a user");
    }
}
