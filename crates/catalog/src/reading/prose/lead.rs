//! Which verb leads a sentence, past what only opens it: `use this tool to …`, `given an id, …`.

use super::{Sentence, WORDS};
use crate::assessment::Category;
use crate::lexicon::{self, Form, Kind, Verb};
use crate::words::Word;

impl Sentence<'_> {
    /// The leading verb, its form, and whether nothing but openers stood before it.
    pub(super) fn lead(&self) -> Option<(usize, Verb, Form, bool)> {
        let mut sure = true;
        for (at, word) in self.words.iter().take(WORDS).enumerate() {
            let before = at.checked_sub(1).and_then(|i| self.words.get(i)).map_or("", |w| w.lower.as_str());
            let named = ["the", "a", "an", "this", "your", "one", "its", "no", "not"].contains(&before);
            let Some((verb, form)) = lexicon::verb(&word.lower).filter(|_| !named && !self.labels(at)) else {
                sure = sure && (lexicon::is_opener(&word.lower) || self.labels(at));
                continue;
            };
            let here = self.words.get(at + 1).is_some_and(|next| next.lower == "here");
            let how = word.lower == "force"
                && self.words.get(at + 1).is_some_and(|next| lexicon::verb(&next.lower).is_some());
            if here
                || how
                || lexicon::is_opener(&word.lower) && verb.kind == Kind::Light
                || self.offers(at)
                || self.is_wish(at, verb)
                || self.is_compound(at, verb)
                || self.quotes(at)
                || self.uses_itself(at, verb)
                || self.is_empty(at, verb)
            {
                continue;
            }
            let marked =
                word.gap.contains([':', '|', '–', '—', '•', '>', ']', ')']) || word.gap.contains("- ");
            let stands = match form {
                Form::Base => before == "to" || marked || self.follows_to(at),
                Form::Third => {
                    marked
                        || self.follows_condition(at)
                        || ["that", "which", "it", "tool", "function", "and", "api"].contains(&before)
                }
                Form::Gerund => ["for", "by"].contains(&before) || marked,
            };
            if sure || stands {
                return Some((at, verb, form, sure));
            }
        }
        None
    }

    /// `to autonomously run`
    fn follows_to(&self, at: usize) -> bool {
        let back = |steps: usize| at.checked_sub(steps).and_then(|at| self.words.get(at));
        back(1).is_some_and(|how| how.lower.ends_with("ly")) && back(2).is_some_and(|to| to.lower == "to")
    }

    /// Whether it is `provides the ability to` and its like, which the verb after it ends.
    fn offers(&self, at: usize) -> bool {
        const ABLE: [&str; 6] = ["ability", "way", "functionality", "tools", "capability", "means"];
        let is_offer = self
            .words
            .get(at)
            .is_some_and(|word| word.lower.starts_with("provid") || word.lower.starts_with("offer"));
        is_offer && self.words.iter().skip(at + 1).take(3).any(|word| ABLE.contains(&word.lower.as_str()))
    }

    /// `call this tool to …`
    fn uses_itself(&self, at: usize, verb: Verb) -> bool {
        const ITSELF: [&str; 6] = ["tool", "function", "endpoint", "method", "command", "api"];
        const WHY: [&str; 7] = ["to", "when", "whenever", "if", "before", "after", "first"];
        let is = |index: usize, words: &[&str]| {
            self.words.get(index).is_some_and(|word| words.contains(&word.lower.as_str()))
        };
        ["call", "invoke", "run", "execute", "trigger"].contains(&verb.base)
            && is(at + 1, &["this", "the", "it"])
            && (is(at + 2, &ITSELF) && is(at + 3, &WHY) || !is(at + 1, &["the"]) && is(at + 2, &WHY))
    }

    /// `when the user asks to …`
    fn is_wish(&self, at: usize, verb: Verb) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.words.get(before));
        let somebody = |word: &Word<'_>| {
            ["user", "users", "customer", "someone", "you", "they"].contains(&word.lower.as_str())
        };
        ["ask", "request", "tell", "say", "decide"].contains(&verb.base)
            && before.is_some_and(somebody)
            && self.words.get(at + 1).is_some_and(|word| word.lower == "to")
    }

    /// `drop-down`, `end of day`
    fn is_compound(&self, at: usize, verb: Verb) -> bool {
        let mild = matches!(verb.category, Category::Write | Category::Execute);
        let is_noun = |next: &Word<'_>| next.gap == "-" || mild && next.lower == "of";
        verb.kind == Kind::Either && self.words.get(at + 1).is_some_and(is_noun)
    }

    /// `Given an id, deletes …`
    fn follows_condition(&self, at: usize) -> bool {
        const BEGINNING: [&str; 6] = ["given", "with", "if", "when", "once", "for"];
        self.words.first().is_some_and(|first| BEGINNING.contains(&first.lower.as_str()))
            && self.words.get(at).is_some_and(|word| word.gap.trim_start().starts_with(','))
    }

    /// Whether a word stands within quotation marks, which an example does.
    fn quotes(&self, at: usize) -> bool {
        let before = self.words.get(at).and_then(|word| self.text.get(..word.start)).unwrap_or_default();
        let open = |mark: char| before.chars().filter(|c| *c == mark).count() % 2 == 1;
        at > 0 && (open('`') || open('"'))
    }

    /// Whether it is `performs` and its like before something that says nothing.
    fn is_empty(&self, at: usize, verb: Verb) -> bool {
        verb.kind == Kind::Light && lexicon::by_object(verb, &self.objects(at)).is_none()
    }

    /// Whether a word belongs to a mark before the sentence, such as `[Code Management]` or `RPC:`.
    fn labels(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return false };
        let after = self.text.get(word.end()..).unwrap_or_default();
        let bracket = self.text.get(..word.start).is_some_and(|t| t.starts_with('[') || t.starts_with("**["))
            && !self.text.get(..word.start).unwrap_or_default().contains(']');
        bracket || at < 3 && after.starts_with(':') && !after.starts_with("://")
    }
}
