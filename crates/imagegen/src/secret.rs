//! Keys of vendors: text that no debug form shows, and that is taken out of whatever is told to people.

use std::fmt;

/// What stands in a text where a key was.
const HIDDEN: &str = "[key]";
/// Shorter texts are no keys, and taking them out would garble everything.
const SHORTEST: usize = 6;

/// A vendor's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// All keys of a server, to be taken out of texts that quote somebody else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<Secret>);

impl Secret {
    /// Keeps `text`, without the white space around it that copying leaves.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The key itself: for the header that carries it, and nothing else.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Secrets {
    /// Adds a key that is never to be told.
    pub fn add(&mut self, secret: &Secret) {
        self.0.push(secret.clone());
    }

    /// `text` without any of the keys, in whatever case, and without the beginning of one where the text was cut.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let keys = self.0.iter().map(Secret::expose).filter(|key| key.len() >= SHORTEST);
        keys.fold(text.to_owned(), |text, key| without(&text, key))
    }
}

/// `text` with [`HIDDEN`] wherever `key` is.
fn without(text: &str, key: &str) -> String {
    // Lowering ASCII letters moves nothing, so that places in one text are places in the other.
    let (lower, wanted) = (text.to_ascii_lowercase(), key.to_ascii_lowercase());
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in lower.match_indices(&wanted) {
        kept.push_str(text.get(from..at).unwrap_or_default());
        kept.push_str(HIDDEN);
        from = at + found.len();
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    let starts = wanted.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST).rev();
    for start in starts.filter_map(|at| wanted.get(..at)) {
        let cut = format!("{start}…");
        if let Some(at) = kept.to_ascii_lowercase().find(&cut) {
            kept.replace_range(at..at + start.len(), HIDDEN);
        }
    }
    kept
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_neither_shown_nor_told() {
        let key = Secret::new(" r8_canary_0123456789\n");
        let mut secrets = Secrets::default();
        secrets.add(&key);
        secrets.add(&Secret::new("abc"));
        assert!(!format!("{key:?} {secrets:?}").contains("canary"));
        for (told, expected) in [
            ("bad token r8_canary_0123456789, abc", "bad token [key], abc"),
            ("é R8_CANARY_0123456789r8_canary_0123456789", "é [key][key]"),
            ("cut: r8_canary_0…\nCode: 1", "cut: [key]…\nCode: 1"),
            ("nothing here…", "nothing here…"),
        ] {
            assert_eq!(secrets.scrub(told), expected);
        }
    }
}
