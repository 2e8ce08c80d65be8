//! Words with their places: of names in any spelling, and of sentences.

/// A word, and where it stands in the text that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word<'t> {
    /// As it is spelt.
    pub(crate) text: &'t str,
    /// In lower case.
    pub(crate) lower: String,
    /// Its first byte in the text.
    pub(crate) start: usize,
    /// What stands between it and the word before.
    pub(crate) gap: &'t str,
}

impl Word<'_> {
    /// The byte after its last.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The words of a tool's name: `deleteFile`, `delete_file`, `delete-file`, `files.delete`, `HTTPGet`.
pub(crate) fn of_name(name: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last_end = 0;
    let chars: Vec<(usize, char)> = name.char_indices().collect();
    for (at, &(offset, c)) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| chars.get(i)).map(|&(_, c)| c);
        let after = chars.get(at + 1).map(|&(_, c)| c);
        if !c.is_alphanumeric() || begins(before, c, after) {
            push(name, (start, offset), &mut last_end, &mut words);
            start = if c.is_alphanumeric() { offset } else { offset + c.len_utf8() };
        }
    }
    push(name, (start, name.len()), &mut last_end, &mut words);
    words
}

/// Whether a word begins at `c`.
fn begins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let humps = before.is_lowercase() || before.is_ascii_digit();
    c.is_uppercase() && (humps || before.is_uppercase() && after.is_some_and(char::is_lowercase))
}

/// The words of a text. Letters, digits and apostrophes make a word; a hyphen parts two.
pub(crate) fn of_text(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut last_end = 0;
    for (offset, c) in text.char_indices() {
        let inside = c.is_alphanumeric() || c == '\'' && start.is_some() || c == '_' && start.is_some();
        match (inside, start) {
            (true, None) => start = Some(offset),
            (false, Some(from)) => {
                push(text, (from, offset), &mut last_end, &mut words);
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    if let Some(from) = start {
        push(text, (from, text.len()), &mut last_end, &mut words);
    }
    words
}

fn push<'t>(text: &'t str, (start, end): (usize, usize), last_end: &mut usize, words: &mut Vec<Word<'t>>) {
    if start >= end {
        return;
    }
    if let (Some(word), Some(gap)) = (text.get(start..end), text.get(*last_end..start)) {
        words.push(Word { text: word, lower: word.to_lowercase(), start, gap });
        *last_end = end;
    }
}

/// The sentences of a text with their places, at most `most`. A line break ends one where the next line
/// begins anew; wrapped lines go on.
pub(crate) fn sentences(text: &str, most: usize) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut rest = text.char_indices().peekable();
    while let Some((offset, c)) = rest.next() {
        let next = rest.peek().map(|&(_, c)| c);
        let ends = match c {
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace) && !abbreviates(text.get(start..offset)),
            '。' | '！' | '？' | '；' => true,
            '\n' => text.get(offset..).is_some_and(begins_anew),
            _ => false,
        };
        if ends {
            keep(text, (start, offset), &mut found);
            start = offset + c.len_utf8();
            if found.len() >= most {
                return found;
            }
        }
    }
    keep(text, (start, text.len()), &mut found);
    found
}

fn keep<'t>(text: &'t str, (start, end): (usize, usize), found: &mut Vec<(usize, &'t str)>) {
    let Some(sentence) = text.get(start..end) else { return };
    let trimmed = sentence.trim_start();
    if trimmed.chars().any(char::is_alphanumeric) {
        found.push((end - trimmed.len(), trimmed.trim_end()));
    }
}

fn abbreviates(before: Option<&str>) -> bool {
    let last = before.unwrap_or_default().rsplit([' ', '(', '\n']).next().unwrap_or_default();
    ["e.g", "i.e", "etc", "vs", "n8n", "no"].contains(&last)
}

/// Whether the text after a line break begins a new sentence.
fn begins_anew(rest: &str) -> bool {
    let line = rest.trim_start_matches(['\r', '\n', ' ', '\t']);
    let blank = rest.get(..rest.len() - line.len()).is_some_and(|gap| gap.matches('\n').count() > 1);
    blank || line.starts_with(|c: char| !c.is_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_spelling() {
        for (name, expected) in [
            ("deleteFile", "delete file"),
            ("delete_file", "delete file"),
            ("edgee-deleteInvitation", "edgee delete invitation"),
            ("image.generate.replicate", "image generate replicate"),
            ("HTTPGetURL", "http get url"),
            ("erc20_balanceOf", "erc20 balance of"),
            ("", ""),
        ] {
            let words: Vec<String> = of_name(name).into_iter().map(|word| word.lower).collect();
            assert_eq!(words.join(" "), expected);
        }
    }

    #[test]
    fn sentences_know_their_places() {
        let text = "Deletes a file, e.g. a log. It\n  goes away.\n\nArgs: path";
        let found = sentences(text, 9);
        let expected = ["Deletes a file, e.g. a log", "It\n  goes away", "Args: path"];
        assert_eq!(found.iter().map(|(_, s)| *s).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|(at, s)| text.get(*at..).unwrap().starts_with(s)));
    }
}
