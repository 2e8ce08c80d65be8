//! The words that texts are found by: how names fall into words, and how words become a question that the
//! database cannot misread, whatever somebody typed.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Most words of a question; those beyond are left out.
const MOST_WORDS: usize = 12;
/// Longest word in characters; a longer one is cut, in texts as in questions.
const LONGEST: usize = 64;

/// A word of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Letters and digits, in lower case.
    pub(crate) text: String,
    /// Whether words that begin so are meant, too.
    pub(crate) prefix: bool,
}

/// The words of a text, in lower case, with spaces between: names fall apart at each change from a small letter to a
/// capital one, and signs of scripts without spaces are words of their own.
///
/// Accents and other marks are left out. Every word is one to the database's tokenizer, which parts words at ASCII
/// signs alone.
pub(crate) fn spread(text: &str) -> String {
    if text.is_ascii() {
        return spread_plain(text);
    }
    spread_plain(&text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>())
}

fn spread_plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut length = 0_usize;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            length = 0;
        } else if is_dense(c) || is_dense(before) || (before.is_lowercase() && c.is_uppercase()) {
            length = 1;
        } else {
            length += 1;
        }
        match length {
            0 if out.is_empty() || out.ends_with(' ') => {}
            0 => out.push(' '),
            1 if !out.is_empty() && !out.ends_with(' ') => {
                out.push(' ');
                out.extend(c.to_lowercase());
            }
            1..=LONGEST => out.extend(c.to_lowercase()),
            _ => {}
        }
        before = c;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Letters and digits of a text in one piece.
pub(crate) fn joined(text: &str) -> String {
    let plain = text.nfkd().filter(|c| c.is_alphanumeric() && !is_combining_mark(*c));
    plain.flat_map(char::to_lowercase).take(LONGEST).collect()
}

/// Reads what somebody typed. A star behind a word asks for all that begin so; every other sign only parts words.
pub(crate) fn question(typed: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for piece in typed.split_whitespace() {
        let prefix = piece.ends_with('*');
        let spread = spread(piece);
        let mut parts = spread.split(' ').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            // A sign of those scripts is a whole word: none goes on behind it.
            let whole = part.chars().all(is_dense);
            words.push(Word { text: part.to_owned(), prefix: prefix && last && !whole });
        }
    }
    words.truncate(MOST_WORDS);
    words
}

/// Scripts that are written without spaces.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(spread("createIssue"), "create issue");
        assert_eq!(spread("create_issue-v2"), "create issue v2");
        assert_eq!(spread("HTTPServer get"), "httpserver get");
        assert_eq!(spread("天気を調べる"), "天 気 を 調 へ る");
        assert_eq!(spread("Größe café"), "große cafe");
        assert_eq!(spread("  --  "), "");
        assert_eq!(joined("createIssue-v2"), "createissuev2");
        assert_eq!(spread(&"x".repeat(100)), "x".repeat(64));
    }

    #[test]
    fn stars_ask_for_beginnings() {
        let of = |typed: &str| {
            let words = question(typed);
            words.iter().map(|w| format!("{}{}", w.text, if w.prefix { "*" } else { "" })).collect::<Vec<_>>()
        };
        assert_eq!(of("crea* issue"), ["crea*", "issue"]);
        assert_eq!(of("get-iss*"), ["get", "iss*"]);
        assert_eq!(of("天*"), ["天"]);
        assert_eq!(of("* \" OR ( NEAR"), ["or", "near"]);
    }

    proptest! {
        #[test]
        fn nothing_but_letters_digits_and_single_spaces_is_left(text in ".{0,80}") {
            let spread = spread(&text);
            // What a character becomes in lower case may hold marks that are no letters (`İ`).
            prop_assert!(!spread.contains("  ") && !spread.starts_with(' ') && !spread.ends_with(' '));
            prop_assert!(!spread.contains(['"', '*', '(', ')', ':', '^', '-', '+', '\'']));
        }
    }
}
