//! Verbs of two words, which mean something else than the first of them: `roll back`, `check out`.

use crate::words::Word;

/// The first word, those that may follow it, and the verb that they make. Each stands in the table of verbs.
const PAIRS: &[(&str, &str, &str)] = &[
    ("back", "up", "backup"),
    ("cash", "out", "cashout"),
    ("check", "out", "checkout"),
    ("cherry", "pick", "cherrypick"),
    ("clean", "up", "cleanup"),
    ("clock", "in out", "clockin"),
    ("compose", "up", "launch"),
    ("compose", "down", "teardown"),
    ("factory", "reset", "wipe"),
    ("fine", "tune", "finetune"),
    ("fail", "over", "failover"),
    ("flash", "firmware", "install"),
    ("force", "push", "forcepush"),
    ("get", "rid", "remove"),
    ("hang", "up", "hangup"),
    ("kick", "off", "trigger"),
    ("look", "up", "lookup"),
    ("opt", "in out", "optin"),
    ("power", "off on down", "poweroff"),
    ("re", "run", "rerun"),
    ("re", "start", "restart"),
    ("re", "deploy", "redeploy"),
    ("re", "index", "reindex"),
    ("roll", "back", "rollback"),
    ("roll", "out", "deploy"),
    ("shut", "down", "shutdown"),
    ("spin", "up", "launch"),
    ("step", "over into out", "stepover"),
    ("take", "down", "takedown"),
    ("tear", "down", "teardown"),
    ("throw", "away", "discard"),
    ("top", "up", "topup"),
];

/// The words of a text, where such pairs are one.
pub(crate) fn join<'t>(text: &'t str, words: Vec<Word<'t>>) -> Vec<Word<'t>> {
    let mut joined: Vec<Word<'t>> = Vec::with_capacity(words.len());
    for word in words {
        let pair = joined.last().and_then(|first| Some((first.start, verb(first, &word)?)));
        match pair.and_then(|(start, lower)| Some((start, lower, text.get(start..word.end())?))) {
            Some((start, lower, text)) => {
                let gap = joined.pop().map_or("", |first| first.gap);
                joined.push(Word { text, lower, start, gap });
            }
            None => joined.push(word),
        }
    }
    joined
}

/// The verb that two words make, in the form of the first.
fn verb(first: &Word<'_>, second: &Word<'_>) -> Option<String> {
    if second.gap.chars().count() > 1 {
        return None;
    }
    PAIRS.iter().find_map(|(begins, ends, verb)| {
        let ending = first.lower.strip_prefix(begins)?;
        let forms = matches!(ending, "" | "s" | "es" | "ing");
        (forms && ends.split_whitespace().any(|end| end == second.lower)).then(|| match ending {
            "" => (*verb).to_owned(),
            "ing" => format!("{verb}ing"),
            _ => format!("{verb}s"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn two_words_make_a_verb() {
        let joined = |text| -> Vec<String> {
            join(text, words::of_text(text)).into_iter().map(|word| word.lower).collect()
        };
        assert_eq!(joined("Rolls back a release"), ["rollbacks", "a", "release"]);
        assert_eq!(joined("fine-tune"), ["finetune"]);
        assert_eq!(joined("a check, out of it"), ["a", "check", "out", "of", "it"]);
        let text = "First, check out a cart";
        assert_eq!(join(text, words::of_text(text))[1].text, "check out");
    }
}
