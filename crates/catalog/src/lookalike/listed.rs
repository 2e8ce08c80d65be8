//! Look-alikes among the names of a catalogue. Honest names are many there, and alike: only what hardly two
//! publishers come to by chance says something.

use super::{Name, Trick, parts};

/// The shortest name, without words that many have, in which letters that changed places, a letter that stands
/// twice or a digit in place of one say something.
const TYPING_SLIP: usize = 6;
/// The shortest in which any other letter does.
const OTHER_LETTER: usize = 8;
/// The shortest word in which it does: short ones differ in a letter anyway.
const WORD: usize = 6;
/// Where names of persons stand below one that everybody has.
const FORGES: [&str; 4] = ["io.github.", "com.github.", "io.gitlab.", "com.gitlab."];

/// A name of a config or of a catalogue, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    name: Name,
    /// The letters and digits behind the publisher, as a hurried reader sees them.
    last: String,
}

impl Compared {
    pub(crate) fn new(text: &str) -> Self {
        let name = Name::new(text);
        let last = parts(name.seen.rsplit_once('/').map_or(&*name.seen, |(_, last)| last)).collect();
        Self { name, last }
    }

    /// Whether it is the same name, in any case.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name.lower == other.name.lower
    }

    /// What makes this package look like a listed one.
    pub(crate) fn package_trick(&self, listed: &Self) -> Option<Trick> {
        let (name, known) = (&self.name, &listed.name);
        if name.seen == known.seen {
            return (name.lower != known.lower).then_some(Trick::Confusable);
        }
        if !name.publisher.is_empty() && !known.publisher.is_empty() {
            let alike = self.last == listed.last
                && below_host(&name.publisher) != below_host(&known.publisher)
                && resembles((name, known), below_host);
            return alike.then_some(Trick::Publisher);
        }
        if name.letters == known.letters && !name.letters.is_empty() {
            return Some(Trick::Separators);
        }
        if name.publisher != known.publisher || name.core == known.core {
            return None;
        }
        if name.words == known.words {
            return Some(Trick::WordOrder);
        }
        let shorter = name.written_core.len().min(known.written_core.len());
        slip(&name.lower, &known.lower).filter(|slip| slip.tells(shorter)).map(|_| Trick::Misspelling)
    }

    /// What makes this name of a server (`io.github.someone/server`) look like a listed one.
    pub(crate) fn server_trick(&self, listed: &Self) -> Option<Trick> {
        let (name, known) = (&self.name, &listed.name);
        if name.seen == known.seen {
            return (name.lower != known.lower).then_some(Trick::Confusable);
        }
        if name.publisher == known.publisher || self.last != listed.last {
            return None;
        }
        let (space, whose) = owner(&name.publisher);
        let (known_space, known_whose) = owner(&known.publisher);
        let alike = if whose == known_whose {
            // Anybody can register a name under another top-level domain.
            let is_forge = |space: &str| FORGES.contains(&space);
            space != known_space && !is_forge(space) && !is_forge(known_space)
        } else {
            resembles((name, known), |namespace| owner(namespace).1)
        };
        alike.then_some(Trick::Publisher)
    }
}

/// Whose a namespace is, and what stands before that.
fn owner(namespace: &str) -> (&str, &str) {
    let forge = FORGES.into_iter().find_map(|forge| Some((forge, namespace.strip_prefix(forge)?)));
    forge.or_else(|| namespace.split_once('.')).unwrap_or(("", namespace))
}

/// The publisher of an image without the host of its registry: the same images lie at several.
fn below_host(publisher: &str) -> &str {
    match publisher.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) => rest,
        _ => publisher,
    }
}

/// Whether the publisher of a name is spelt like that of another, as it is seen or as it is written; `whose`
/// takes from it what tells whose it is.
fn resembles((name, known): (&Name, &Name), whose: fn(&str) -> &str) -> bool {
    let written = |name: &Name| {
        let publisher = name.lower.rsplit_once('/').map_or("", |(publisher, _)| publisher);
        letters_of(whose(publisher.trim_start_matches('@')))
    };
    let seen = |name: &Name| letters_of(whose(&name.publisher));
    // Many call their server `mcp`, so that the same name behind the publisher says less then.
    let says_little = name.core.is_empty();
    is_near((&seen(name), &seen(known)), says_little)
        || is_near((&written(name), &written(known)), says_little)
}

fn letters_of(publisher: &str) -> String {
    parts(publisher).collect()
}

fn is_near((publisher, known): (&str, &str), says_little: bool) -> bool {
    let shorter = publisher.len().min(known.len());
    let tells = |slip: Slip| if says_little { slip.tells(shorter) } else { shorter >= TYPING_SLIP };
    // Of the name of a package a plural says nothing, of a publisher's it does.
    let is_plural = |many: &str, one: &str| many.strip_suffix('s') == Some(one);
    let plural = || (is_plural(publisher, known) || is_plural(known, publisher)).then_some(Slip::Letter);
    publisher == known || slip(publisher, known).or_else(plural).is_some_and(tells)
}

/// What happened to a name on its way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    /// Letters changed places, one stands twice, or a digit stands for a letter.
    Typing,
    /// Another letter stands there, or one is missing.
    Letter,
}

impl Slip {
    /// Whether it says something in a name of this length.
    fn tells(self, length: usize) -> bool {
        match self {
            Self::Typing => length >= TYPING_SLIP,
            Self::Letter => length >= OTHER_LETTER,
        }
    }
}

/// The one slip between two names. Other numbers and plurals are none: honest names have them.
fn slip(name: &str, known: &str) -> Option<Slip> {
    if name.len().abs_diff(known.len()) > 1 || !name.is_ascii() || !known.is_ascii() {
        return None;
    }
    let (long, short) = if name.len() < known.len() { (known, name) } else { (name, known) };
    let (long, short) = (long.as_bytes(), short.as_bytes());
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let front = long.iter().zip(short).take_while(same).count();
    let (rest, short_rest) = (long.get(front..)?, short.get(front..)?);
    let back = rest.iter().rev().zip(short_rest.iter().rev()).take_while(same).count();
    let letter = || (word_at(short, front) >= WORD).then_some(Slip::Letter);
    let ends_word = || !rest.get(1).is_some_and(u8::is_ascii_alphanumeric);
    let all_letters = |letters: &[&u8]| letters.iter().all(|byte| byte.is_ascii_alphabetic());
    match (
        rest.split_at_checked(rest.len() - back)?.0,
        short_rest.split_at_checked(short_rest.len() - back)?.0,
    ) {
        ([one], [other]) if all_letters(&[one, other]) => letter(),
        ([digit], [other]) | ([other], [digit]) if digit.is_ascii_digit() && all_letters(&[other]) => {
            (!ends_word()).then_some(Slip::Typing)
        }
        ([a, b], [c, d]) => (a == d && b == c && all_letters(&[a, b])).then_some(Slip::Typing),
        ([more], []) if !all_letters(&[more]) || (*more == b's' && ends_word()) => None,
        ([more], []) => {
            let is_double = front.checked_sub(1).and_then(|at| long.get(at)) == Some(more);
            if is_double { Some(Slip::Typing) } else { letter() }
        }
        (_, _) => None,
    }
}

/// How long the word is that has this place in it, or before it.
fn word_at(text: &[u8], at: usize) -> usize {
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, &[]));
    let in_word = |byte: &&u8| byte.is_ascii_alphanumeric();
    before.iter().rev().take_while(in_word).count() + behind.iter().take_while(in_word).count()
}

#[cfg(test)]
mod tests;
