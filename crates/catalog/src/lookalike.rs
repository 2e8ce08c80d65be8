//! Whether a name was made to be taken for another one: the name of a package, an image or a server beside
//! the names that are known. Which names are known is the caller's business; [`well_known`] is a beginning.

mod listed;
mod names;

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_security::confusable_detection::skeleton;

pub(crate) use listed::Compared;
pub use names::well_known;

/// How much of a name is compared, in characters.
const COMPARED: usize = 128;
/// The shortest name, without words that many have, of which one character may differ.
const ONE_EDIT: usize = 6;
/// The shortest of which two may.
const TWO_EDITS: usize = 13;
/// The shortest publisher of which one character may differ.
const PUBLISHER: usize = 6;
/// Words that tell nothing about whose a server is.
const COMMON: [&str; 12] =
    ["mcp", "server", "servers", "the", "ai", "client", "tool", "tools", "api", "app", "official", "js"];

/// What makes a name look like another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trick {
    /// Other characters that look the same, or that nobody sees.
    Confusable,
    /// The publisher differs in a character or two, or in separators.
    Publisher,
    /// The same letters and digits with other separators, or with the publisher as part of the name.
    Separators,
    /// The same words in another order.
    WordOrder,
    /// One or two characters differ.
    Misspelling,
}

impl Trick {
    /// What it is, as the rest of a sentence that begins with `it`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Confusable => "is written with characters that look the same",
            Self::Publisher => "has a publisher that is spelt almost the same",
            Self::Separators => "has the same letters with other separators",
            Self::WordOrder => "has the same words in another order",
            Self::Misspelling => "differs in a character or two",
        }
    }
}

/// The name that another looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAlike {
    /// The known name.
    pub known: String,
    /// What makes it look so.
    pub trick: Trick,
}

/// Names that are known, ready to be compared with.
#[derive(Clone, Debug, Default)]
pub struct KnownNames {
    names: Vec<Name>,
    /// Their places by how they are written, in lower case.
    written: HashMap<String, usize>,
}

/// A name taken apart.
#[derive(Clone, Debug)]
struct Name {
    text: String,
    lower: String,
    /// As a hurried reader sees it.
    seen: String,
    /// What stands before the last `/`, without `@`, as it is seen.
    publisher: String,
    /// The letters and digits of the whole, as they are seen.
    letters: String,
    /// The words of the name without the publisher, sorted.
    words: Vec<String>,
    /// The letters of the name without the publisher and without words that many have.
    core: String,
    /// The same as it is written.
    written_core: String,
    /// The digits that end its parts, as versions do.
    versions: Vec<String>,
}

impl Name {
    fn new(text: &str) -> Self {
        let text: String = text.trim().chars().take(COMPARED).collect();
        let lower = text.to_lowercase();
        let seen = seen(&lower);
        let (publisher, name) = seen.rsplit_once('/').unwrap_or(("", &seen));
        let publisher = publisher.trim_start_matches('@').to_owned();
        let mut words: Vec<String> = parts(name).map(str::to_owned).collect();
        words.sort_unstable();
        // Not of the sorted words: their order is part of the spelling.
        let core_of = |name: &str| parts(name).filter(|word| !COMMON.contains(word)).collect::<String>();
        let core = core_of(name);
        let written_core = core_of(lower.rsplit_once('/').map_or(&*lower, |(_, name)| name));
        let letters = parts(&seen).collect();
        let versions = parts(&lower).map(version).filter(|digits| !digits.is_empty()).collect();
        Self { lower, publisher, letters, words, core, written_core, versions, seen, text }
    }
}

/// The name as a hurried reader sees it: the skeleton of UTS #39, in lower case, so that `1` and `l` are one,
/// and so are `0` and `o`, `rn` and `m`.
fn seen(lower: &str) -> String {
    let plain = |byte: u8| Some(PLAIN.get(usize::from(byte))?.as_str());
    // Almost all names are plain; letter by letter is the same for those, and ten times as fast.
    let spelt = if lower.is_ascii() { lower.bytes().filter_map(plain).collect() } else { prototypes(lower) };
    if spelt.contains("rn") { spelt.replace("rn", "m") } else { spelt }
}

/// What stands for each character of ASCII.
static PLAIN: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..128_u8).map(|byte| prototypes(&char::from(byte).to_string())).collect());

/// The characters that stand for those of a text; `m` is `rn` here, which would hide the words of a name.
fn prototypes(lower: &str) -> String {
    let once: String = skeleton(lower).collect();
    // A prototype may be a capital letter.
    skeleton(&once.to_lowercase()).collect()
}

/// The digits that end a part of a name.
fn version(part: &str) -> String {
    part.strip_prefix(part.trim_end_matches(|c: char| c.is_ascii_digit())).unwrap_or_default().to_owned()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

impl KnownNames {
    /// Knows these names. One that stands there twice, also in other case, is known once.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut known = Self::default();
        for text in names {
            let name = Name::new(text.as_ref());
            if !name.text.is_empty() && !known.written.contains_key(&name.lower) {
                known.written.insert(name.lower.clone(), known.names.len());
                known.names.push(name);
            }
        }
        known
    }

    /// How many names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether the name is one of them, in any case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.written.contains_key(&Name::new(name).lower)
    }

    /// The known name that `name` can be taken for, and by what; none if it is itself known, or like none.
    /// The same names get the same answer, whatever their order.
    #[must_use]
    pub fn look(&self, name: &str) -> Option<LookAlike> {
        let name = Name::new(name);
        if name.text.is_empty() || self.written.contains_key(&name.lower) {
            return None;
        }
        let found = self.names.iter().filter_map(|known| Some((trick(&name, known)?, known)));
        let (trick, known) =
            found.min_by(|(a, one), (b, other)| a.cmp(b).then(one.lower.cmp(&other.lower)))?;
        Some(LookAlike { known: known.text.clone(), trick })
    }
}

/// What makes `name` look like `known`, from the surest sign to the least.
fn trick(name: &Name, known: &Name) -> Option<Trick> {
    if name.seen == known.seen {
        return Some(Trick::Confusable);
    }
    let whose = (name.publisher.as_str(), known.publisher.as_str());
    if !whose.0.is_empty() && whose.0 == whose.1 && name.lower.is_ascii() {
        // A publisher's own names may be alike: nobody else can publish there.
        return None;
    }
    if !whose.0.is_empty() && !whose.1.is_empty() && whose.0 != whose.1 {
        return resembles(whose.0, whose.1).then_some(Trick::Publisher);
    }
    if !name.letters.is_empty() && name.letters == known.letters {
        return Some(Trick::Separators);
    }
    if whose.0.is_empty() != whose.1.is_empty() {
        // With a publisher and without: only the whole can be meant, as above.
        return None;
    }
    if name.words.len() > 1 && name.words == known.words {
        return Some(Trick::WordOrder);
    }
    let alike = misspelt(&name.core, &known.core) || misspelt(&name.written_core, &known.written_core);
    (alike && name.versions == known.versions).then_some(Trick::Misspelling)
}

/// Whether a publisher is spelt like another.
fn resembles(publisher: &str, known: &str) -> bool {
    let letters = |text: &str| parts(text).collect::<String>();
    let (publisher, known) = (letters(publisher), letters(known));
    publisher == known || known.chars().count() >= PUBLISHER && near(&publisher, &known)
}

/// Whether the telling part of a name is the known one with a slip in it.
fn misspelt(core: &str, known: &str) -> bool {
    let shorter = core.chars().count().min(known.chars().count());
    shorter >= ONE_EDIT && core != known && near(core, known)
}

/// Whether at most as many characters differ as a reader would miss.
fn near(text: &str, known: &str) -> bool {
    let length = known.chars().count();
    let most = if length >= TWO_EDITS { 2 } else { 1 };
    if text.chars().count().abs_diff(length) > most {
        return false;
    }
    strsim::damerau_levenshtein(text, known) <= most
}

#[cfg(test)]
mod tests;
