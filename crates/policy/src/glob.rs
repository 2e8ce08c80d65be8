//! Patterns of names. In tool names `*` is any run of characters and `?` is one; in URIs `*` stops at
//! `/` and `**` does not, and `?` is itself. Matching is linear in practice and bounded always; case counts.

/// A pattern longer than this is refused.
pub(crate) const MAX_LENGTH: usize = 512;

/// Which characters are wild, and what they match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `*` any run, `?` any one character.
    Names,
    /// `*` any run without `/`, `**` any run; `?` begins a query and is a literal.
    Uris,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// One character.
    One,
    /// Any run of characters that are not `/`.
    Segment,
    /// Any run of characters.
    Run,
}

impl Token {
    fn is_run(self) -> bool {
        matches!(self, Token::Segment | Token::Run)
    }

    fn takes(self, c: char) -> bool {
        match self {
            Token::Literal(literal) => literal == c,
            Token::Segment => c != '/',
            Token::One | Token::Run => true,
        }
    }

    /// Whether one character matches both tokens.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Token::Literal(c), token) | (token, Token::Literal(c)) => token.takes(c),
            // Neither is a literal: an ordinary letter matches both.
            _ => true,
        }
    }
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
    alphabet: Alphabet,
}

/// Whether the text holds a wild character.
pub(crate) fn is_pattern(text: &str, alphabet: Alphabet) -> bool {
    match alphabet {
        Alphabet::Names => text.contains(['*', '?']),
        Alphabet::Uris => text.contains('*'),
    }
}

impl Glob {
    pub(crate) fn new(pattern: &str, alphabet: Alphabet) -> Self {
        let mut tokens: Vec<Token> = Vec::new();
        for c in pattern.chars() {
            let token = match (c, alphabet) {
                ('*', Alphabet::Names) => Token::Run,
                ('*', Alphabet::Uris) => Token::Segment,
                ('?', Alphabet::Names) => Token::One,
                (literal, _) => Token::Literal(literal),
            };
            match tokens.last_mut() {
                Some(last) if last.is_run() && token.is_run() => *last = Token::Run,
                _ => tokens.push(token),
            }
        }
        Self { tokens, alphabet }
    }

    /// How specific the pattern is: its literal characters.
    pub(crate) fn weight(&self) -> usize {
        self.tokens.iter().filter(|token| matches!(token, Token::Literal(_))).count()
    }

    /// Whether no text fails to match.
    pub(crate) fn matches_everything(&self) -> bool {
        self.tokens == [Token::Run]
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self.tokens.as_slice() {
            [Token::Run] => return true,
            [Token::Literal(first), ..] if !text.starts_with(*first) => return false,
            _ => {}
        }
        match self.alphabet {
            Alphabet::Names => self.matches_name(text),
            Alphabet::Uris => self.matches_uri(text),
        }
    }

    /// One run is reopened at a time: a later run makes an earlier one's length irrelevant.
    fn matches_name(&self, text: &str) -> bool {
        let (mut at, mut rest) = (0, text.chars());
        let mut reopen: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if self.tokens.get(at) == Some(&Token::Run) {
                at += 1;
                reopen = Some((at, rest.clone()));
                continue;
            }
            let mut ahead = rest.clone();
            match (self.tokens.get(at), ahead.next()) {
                (None, None) => return true,
                (Some(token), Some(c)) if token.takes(c) => (at, rest) = (at + 1, ahead),
                _ => {
                    let Some((token, mut from)) = reopen.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (at, rest) = (token, from.clone());
                    reopen = Some((token, from));
                }
            }
        }
    }

    /// Two kinds of run need the set of all states; the patterns are short.
    fn matches_uri(&self, text: &str) -> bool {
        let mut states = vec![false; self.tokens.len() + 1];
        self.enter(&mut states, 0);
        for c in text.chars() {
            let mut next = vec![false; states.len()];
            for (at, _) in states.iter().enumerate().filter(|(_, on)| **on) {
                let Some(token) = self.tokens.get(at) else { continue };
                if token.takes(c) {
                    self.enter(&mut next, if token.is_run() { at } else { at + 1 });
                }
            }
            states = next;
        }
        states.last().copied().unwrap_or(false)
    }

    /// Marks a state, and the ones behind it that need no character.
    fn enter(&self, states: &mut [bool], from: usize) {
        let mut at = from;
        while let Some(state) = states.get_mut(at) {
            *state = true;
            match self.tokens.get(at) {
                Some(token) if token.is_run() => at += 1,
                _ => return,
            }
        }
    }

    /// Whether some text matches both patterns; `cost` grows by the work that the answer took.
    pub(crate) fn overlaps(&self, other: &Self, cost: &mut usize) -> bool {
        let (rows, columns) = (self.tokens.len() + 1, other.tokens.len() + 1);
        *cost += rows * columns;
        let mut reached = vec![false; rows * columns];
        let mut open = vec![(0, 0)];
        while let Some((row, column)) = open.pop() {
            match reached.get_mut(row * columns + column) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let (left, right) = (self.tokens.get(row), other.tokens.get(column));
            if left.is_some_and(|token| token.is_run()) {
                open.push((row + 1, column));
            }
            if right.is_some_and(|token| token.is_run()) {
                open.push((row, column + 1));
            }
            if let (Some(left), Some(right)) = (left, right)
                && left.meets(*right)
            {
                open.push((row + usize::from(!left.is_run()), column + usize::from(!right.is_run())));
            }
        }
        reached.last().copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(pattern: &str) -> Glob {
        Glob::new(pattern, Alphabet::Names)
    }

    /// The meaning, spelt out.
    fn plainly(tokens: &[Token], text: &[char]) -> bool {
        match (tokens, text) {
            ([], rest) => rest.is_empty(),
            ([run, after @ ..], rest) if run.is_run() => {
                plainly(after, rest)
                    || rest.split_first().is_some_and(|(c, more)| run.takes(*c) && plainly(tokens, more))
            }
            ([token, after @ ..], [c, more @ ..]) => token.takes(*c) && plainly(after, more),
            (_, []) => false,
        }
    }

    fn all_texts() -> Vec<String> {
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer: Vec<String> =
                texts.iter().flat_map(|t| ["a", "b", "/", "?"].map(|c| format!("{t}{c}"))).collect();
            texts.extend(longer);
        }
        texts.sort();
        texts.dedup();
        texts
    }

    proptest! {
        #[test]
        fn matching_is_the_plain_meaning(pattern in "[ab/*?]{0,7}", text in "[ab/]{0,8}") {
            for alphabet in [Alphabet::Names, Alphabet::Uris] {
                let glob = Glob::new(&pattern, alphabet);
                let chars: Vec<char> = text.chars().collect();
                prop_assert_eq!(glob.matches(&text), plainly(&glob.tokens, &chars));
            }
        }

        #[test]
        fn overlap_is_a_common_text(left in "[ab/*?]{0,4}", right in "[ab/*?]{0,4}") {
            for alphabet in [Alphabet::Names, Alphabet::Uris] {
                let (l, r) = (Glob::new(&left, alphabet), Glob::new(&right, alphabet));
                let found = all_texts().iter().any(|t| l.matches(t) && r.matches(t));
                let said = l.overlaps(&r, &mut 0);
                // Patterns of four tokens that overlap share a text of at most eight characters.
                prop_assert!(said || !found);
                if left.len() + right.len() <= 5 {
                    prop_assert_eq!(said, found);
                }
            }
        }
    }

    #[test]
    fn hard_patterns_end_soon() {
        let glob = name(&"*a".repeat(250));
        assert!(!glob.matches(&"a".repeat(20_000).replace("aa", "ab")));
    }

    #[test]
    fn weighs_literals() {
        assert_eq!(name("search_*").weight(), 7);
        assert_eq!(name("*").weight(), 0);
        assert!(name("*").matches("") && name("drop_?").matches("drop_é") && !name("Drop").matches("drop"));
        let uris = Glob::new("file:///a/**/c*", Alphabet::Uris);
        assert!(uris.matches("file:///a/x/y/cd") && !uris.matches("file:///a/x/c/d"));
    }
}
