//! Terms: what the index of words holds. A word of any text is a term as it stands; the words of names and of servers
//! are there once more behind a mark, and so is what a search can be narrowed by. The index has one column only: which
//! names hold a word is a short list of its own, and nobody reads the long one of all texts to learn it.

use toolgate_catalog::{Category, Definition, Label, Severity};

use crate::entry::{Stored, Transport, Transports};
use crate::words::{self, Word};

/// The marks are signs, which no word holds. The schema names them, so that the database leaves them where they are.
const IN_NAME: char = '!';
const IN_SERVER: char = '$';
const WHOLE: char = '=';
const WHOLE_SERVER: char = '@';
const CLASS: char = '%';
const LABEL: char = '#';
const SERVER: char = '&';
/// What a term of a class has where anything is meant.
const ANY: char = '9';
/// Shorter terms, in bytes, keep their ending in the index.
const STEMMED: usize = 3;

/// What a search can be narrowed by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facets {
    pub(crate) class: Class,
    pub(crate) label: Option<Label>,
    /// Its number in the catalogue.
    pub(crate) server: Option<i64>,
}

/// Category, severity and transport, which are one term for each way of asking for some of them: what has all three is
/// read from one list, not found where three long ones meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) category: Option<Category>,
    pub(crate) severity: Option<Severity>,
    pub(crate) transport: Option<Transport>,
}

/// Where a word of a search must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Name,
    NameOrServer,
    Anywhere,
}

impl Facets {
    /// The questions, all of which must hold.
    pub(crate) fn questions(self) -> Vec<String> {
        let class = (self.class != Class::default()).then(|| self.class.term());
        let terms = [class, self.label.map(label), self.server.map(server)];
        terms.into_iter().flatten().map(|term| quoted(&term, false)).collect()
    }
}

impl Class {
    fn term(self) -> String {
        let category = digit(&Category::ALL, self.category);
        let severity = digit(&Severity::ALL, self.severity);
        let transport = digit(&Transport::ALL, self.transport);
        format!("{CLASS}{category}{severity}{transport}")
    }
}

/// The question for entries that have a word there; a whole name in one piece is a word, too. A beginning of one letter
/// is looked for in names and servers alone: nearly every text has such a word.
pub(crate) fn question(word: &Word, place: Place) -> String {
    let Word { text, prefix } = word;
    let initial = *prefix && text.chars().nth(1).is_none();
    let place = if initial && place == Place::Anywhere { Place::NameOrServer } else { place };
    let plain = quoted(text, *prefix);
    let behind = |marks: &[char]| -> Vec<String> {
        marks.iter().map(|mark| quoted(&format!("{mark}{text}"), *prefix)).collect()
    };
    let mut any = match place {
        Place::Name => behind(&[IN_NAME]),
        Place::NameOrServer => behind(&[IN_NAME, IN_SERVER]),
        Place::Anywhere => vec![plain.clone()],
    };
    // Of two letters, a word keeps its ending where it stands plain, and not behind a mark.
    if place != Place::Anywhere && text.is_ascii() && text.len() + 1 == STEMMED {
        any = vec![format!("(({}) AND {plain})", any.join(" OR "))];
    }
    match place {
        _ if *prefix => {}
        Place::Name => any.extend(behind(&[WHOLE])),
        Place::NameOrServer | Place::Anywhere => any.extend(behind(&[WHOLE, WHOLE_SERVER])),
    }
    format!("({})", any.join(" OR "))
}

/// The question for entries whose whole name the words spell.
pub(crate) fn whole_question(words: &[Word]) -> String {
    let name: String = words.iter().map(|word| word.text.as_str()).collect();
    quoted(&whole(WHOLE, &name), false)
}

/// The terms of a tool, but for those that [`of_place`] adds.
pub(crate) fn of_tool(definition: &Definition, verdict: &Stored) -> String {
    let mut terms = Terms(words::spread(&definition.description));
    terms.words(&words_of(&definition.name, &definition.title), IN_NAME);
    terms.words(&words::spread(&definition.server), IN_SERVER);
    terms.add(&whole(WHOLE, &definition.name));
    terms.add(&whole(WHOLE_SERVER, &definition.server));
    verdict.labels.iter().for_each(|one| terms.add(&label(*one)));
    terms.0
}

/// Adds what a tool has of its server, and what is asked for together with that.
pub(crate) fn of_place(terms: &str, verdict: &Stored, (id, transports): (i64, Transports)) -> String {
    let mut terms = Terms(terms.to_owned());
    terms.add(&server(id));
    terms.classes((Some(verdict.category), Some(verdict.severity)), transports);
    terms.0
}

/// The terms of a server.
pub(crate) fn of_server((name, title): (&str, &str), description: &str, transports: Transports) -> String {
    let mut terms = Terms(words::spread(description));
    terms.words(&words_of(name, title), IN_NAME);
    terms.add(&whole(WHOLE, name));
    terms.add(&whole(WHOLE, name.rsplit('/').next().unwrap_or_default()));
    terms.classes((None, None), transports);
    terms.0
}

/// Terms with spaces between.
struct Terms(String);

impl Terms {
    fn add(&mut self, term: &str) {
        self.0.push(' ');
        self.0.push_str(term);
    }

    /// Words as they stand, and behind their mark.
    fn words(&mut self, words: &str, mark: char) {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            self.add(word);
            self.0.push(' ');
            self.0.push(mark);
            self.0.push_str(word);
        }
    }

    /// Each class that an entry belongs to, but for that of all.
    fn classes(
        &mut self,
        (category, severity): (Option<Category>, Option<Severity>),
        transports: Transports,
    ) {
        for transport in std::iter::once(None).chain(transports.iter().map(Some)) {
            for category in or_any(category) {
                for severity in or_any(severity) {
                    let class = Class { category, severity, transport };
                    if class != Class::default() {
                        self.add(&class.term());
                    }
                }
            }
        }
    }
}

/// What may be asked for of something.
fn or_any<T>(one: Option<T>) -> impl Iterator<Item = Option<T>> {
    std::iter::once(None).chain(one.map(Some))
}

/// The words of a name and a title.
fn words_of(name: &str, title: &str) -> String {
    format!("{} {}", words::spread(name), words::spread(title))
}

/// A name in one piece.
fn whole(mark: char, name: &str) -> String {
    format!("{mark}{}", words::joined(name))
}

fn label(label: Label) -> String {
    format!("{LABEL}{}", words::joined(label.name()))
}

fn server(id: i64) -> String {
    format!("{SERVER}{id}")
}

/// The place of one among all, of which there are fewer than nine.
fn digit<T: PartialEq>(all: &[T], one: Option<T>) -> char {
    let place = one.and_then(|one| all.iter().zip('0'..ANY).find(|(other, _)| **other == one));
    place.map_or(ANY, |(_, digit)| digit)
}

/// A term that the database cannot take for anything else.
fn quoted(term: &str, prefix: bool) -> String {
    let star = if prefix { "*" } else { "" };
    format!("\"{}\"{star}", term.replace('"', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, prefix: bool) -> Word {
        Word { text: text.to_owned(), prefix }
    }

    #[test]
    fn a_word_is_asked_for_where_it_must_be() {
        let of = |text: &str, place| question(&word(text.trim_end_matches('*'), text.ends_with('*')), place);
        assert_eq!(of("issue", Place::Name), r#"("!issue" OR "=issue")"#);
        assert_eq!(of("iss*", Place::NameOrServer), r#"("!iss"* OR "$iss"*)"#);
        assert_eq!(of("issue", Place::Anywhere), r#"("issue" OR "=issue" OR "@issue")"#);
        assert_eq!(of("is*", Place::Name), r#"((("!is"*) AND "is"*))"#, "it would lose its ending");
        assert_eq!(of("i*", Place::Anywhere), r#"("!i"* OR "$i"*)"#, "nearly all texts have it");
        assert_eq!(of("i", Place::Name), r#"("!i" OR "=i")"#);
    }

    #[test]
    fn an_entry_is_in_every_class_that_can_be_asked_for() {
        let mut transports = Transports::default();
        transports.add(Transport::Stdio);
        transports.add(Transport::Sse);
        let mut terms = Terms(String::new());
        terms.classes((Some(Category::Write), Some(Severity::Low)), transports);
        let mut found: Vec<&str> = terms.0.split_whitespace().collect();
        found.sort_unstable();
        let mut expected = Vec::new();
        for category in [None, Some(Category::Write)] {
            for severity in [None, Some(Severity::Low)] {
                for transport in [None, Some(Transport::Stdio), Some(Transport::Sse)] {
                    let class = Class { category, severity, transport };
                    expected.extend((class != Class::default()).then(|| class.term()));
                }
            }
        }
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert!(Facets::default().questions().is_empty());
    }
}
