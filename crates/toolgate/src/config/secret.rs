//! Which tokens of a caller's own are good enough: none that is short, a placeholder, or easily guessed.

use toolgate_gateway::token;

/// Words that stand in a token only where nobody chose one.
const PLACEHOLDERS: [&str; 14] = [
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "replace",
    "example",
    "password",
    "passwort",
    "secret",
    "dummy",
    "sample",
    "default",
    "yourtoken",
    "your-token",
];
const PLACEHOLDER_STARTS: [&str; 5] = ["test", "your_", "your-", "xxxx", "todo"];
/// A random token of 22 hexadecimal digits has fewer kinds of characters than this once in a thousand.
const KINDS: usize = 8;

/// Why a token is refused, in words that do not repeat it.
pub(crate) fn weakness(token: &str) -> Option<&'static str> {
    let lower = token.to_ascii_lowercase();
    if token.len() < token::SHORTEST {
        return Some("is shorter than 22 characters");
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Some("holds a character that a header cannot carry");
    }
    // Chance spells a word in a minted token once in a million.
    if !token::is_minted(token) && is_placeholder(&lower) {
        return Some("looks like a placeholder");
    }
    let mut kinds: Vec<u8> = lower.bytes().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() < KINDS || is_repetition(lower.as_bytes()) || is_row(lower.as_bytes()) {
        return Some("is easily guessed");
    }
    None
}

fn is_placeholder(lower: &str) -> bool {
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || PLACEHOLDER_STARTS.iter().any(|s| lower.starts_with(s))
}

/// Whether the text is one piece said twice or more.
fn is_repetition(text: &[u8]) -> bool {
    (1..=text.len() / 2).any(|period| text.iter().zip(text.iter().skip(period)).all(|(a, b)| a == b))
}

/// Whether most characters follow the one before, as in `abcdef` and `012345`.
fn is_row(text: &[u8]) -> bool {
    let steps = text.iter().zip(text.iter().skip(1)).filter(|(a, b)| a.abs_diff(**b) <= 1).count();
    steps * 2 > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_tokens_are_refused() {
        for token in [
            "",
            "short-but-random-9fK2",
            "changeme-changeme-please-1",
            "My-Secret-Token-For-Toolgate",
            "test-token-0123456789-abc",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabdabcabdabcabdabcabdabcabd",
            "k3v9x2m8q1k3v9x2m8q1k3v9x2m8q1",
            "abcdefghijklmnopqrstuvwxyz",
            "0123456789012345678901234567",
            "Xk29 fPq0 zzL1 mmB7 vvC8 ttR",
            "Xk29fPq0zzL1mmB7vvC8tt\u{fc}Rw",
        ] {
            assert!(weakness(token).is_some(), "{token}");
        }
    }

    #[test]
    fn random_tokens_pass() {
        for token in
            ["9fK2xQ7vLm3TzB8wRc5NdY", "e3b0c44298fc1c149afbf4c8996fb9", "ghp_x7Kq2Lw9Zr4Tn8Vb3Md6Yc1"]
        {
            assert_eq!(weakness(token), None, "{token}");
        }
        for _ in 0..2_000 {
            assert_eq!(weakness(&token::mint().unwrap()), None);
        }
    }
}
