//! What a tool's name says: the grammar of names such as `order_cancel`, `getOrderStatus`, `bulk_update`.

use super::Act;
use crate::assessment::{Category, Evidence};
use crate::lexicon::{self, Force, Form, Kind, Objects, Verb};
use crate::words::{self, Word};

/// What a model makes.
const MEDIA: [&str; 9] = ["speech", "audio", "voice", "video", "image", "music", "sound", "song", "3d"];
/// Words that begin a question.
const QUESTIONS: [&str; 12] =
    ["is", "are", "can", "has", "should", "does", "whoami", "who", "what", "which", "why", "how"];

/// What the name says, if it has a verb or a noun that stands for information.
pub(crate) fn read_name(name: &str, server: &str) -> Option<Act> {
    let words = lexicon::join_verbs(name, words::of_name(name));
    let of_server: Vec<String> = words::of_name(server).into_iter().map(|word| word.lower).collect();
    let reading = Reading { words: &words, of_server: &of_server };
    reading
        .harmless()
        .or_else(|| reading.made_media())
        .or_else(|| reading.verb())
        .or_else(|| reading.foreign())
        .or_else(|| reading.glued())
        .or_else(|| reading.information())
}

struct Reading<'a, 't> {
    words: &'a [Word<'t>],
    of_server: &'a [String],
}

impl Reading<'_, '_> {
    /// Names that say themselves that nothing happens.
    fn harmless(&self) -> Option<Act> {
        let first = self.words.first()?;
        let dry = self.words.windows(2).any(|pair| pair.iter().map(|w| w.lower.as_str()).eq(["dry", "run"]));
        let question =
            QUESTIONS.contains(&first.lower.as_str()) && self.words.len() > 1 || self.asks_whether();
        let asks = self.words.iter().find(|word| word.lower == "did");
        let tells = |last: &&Word<'_>| ["preview", "help", "reader"].contains(&last.lower.as_str());
        let last = self.words.last().filter(|last| self.words.len() > 1 && tells(last)).or(asks);
        let word = if dry || question { Some(first) } else { last }?;
        Some(self.act(word, Category::Read, Force::Firm, Kind::Verb))
    }

    /// `agent_should_delegate`: whether a verb is asked for.
    fn asks_whether(&self) -> bool {
        let mut pairs = self.words.iter().zip(self.words.iter().skip(1));
        pairs.any(|(asks, asked)| {
            ["should", "can", "could", "may"].contains(&asks.lower.as_str())
                && lexicon::verb(&asked.lower).is_some()
        })
    }

    /// `text_to_speech` and its like, which a model makes.
    fn made_media(&self) -> Option<Act> {
        if let Some(made) = self.generator() {
            return Some(self.act(made, Category::Execute, Force::Firm, Kind::Verb));
        }
        let mut pairs = self.words.iter().zip(self.words.iter().skip(1));
        let (_, made) = pairs.find(|(to, made)| {
            matches!(to.lower.as_str(), "to" | "2") && MEDIA.contains(&made.lower.as_str())
        })?;
        let verb = self.words.first().and_then(|first| lexicon::verb(&first.lower)).is_some();
        (!verb).then(|| self.act(made, Category::Execute, Force::Firm, Kind::Verb))
    }

    /// `image_generation`, which ends in what is done to a medium.
    fn generator(&self) -> Option<&Word<'_>> {
        let (last, before) = self.words.split_last()?;
        let verb = self.words.first().and_then(|first| lexicon::verb(&first.lower)).is_some();
        let generates = ["generation", "generator", "synthesis"].contains(&last.lower.as_str());
        let medium = before.last().is_some_and(|word| MEDIA.contains(&word.lower.as_str()));
        (generates && medium && !verb).then_some(last)
    }

    fn verb(&self) -> Option<Act> {
        let found = self.candidates();
        let (at, verb) = self.head(&found)?;
        let mut act = self.of_verb(at, verb)?;
        for (index, word) in self.words.iter().enumerate() {
            if matches!(word.lower.as_str(), "and" | "or" | "then")
                && let Some(&(next, verb)) = found.iter().find(|(at, _)| *at == index + 1)
                && !(act.verb == "drag" && verb.base == "drop")
                && let Some(other) = self.of_verb(next, verb)
            {
                act = act.worse(other);
            }
        }
        Some(act)
    }

    /// The words that may be verbs. Words of the server's name count only where no other is left.
    fn candidates(&self) -> Vec<(usize, Verb)> {
        let all = self.words.iter().enumerate().filter_map(|(at, word)| {
            let (verb, form) = lexicon::verb(&word.lower)?;
            if self.only_says_how(at) || self.is_due(at) || self.is_one_of(at, verb) {
                return None;
            }
            let stands = match form {
                Form::Base => true,
                Form::Third | Form::Gerund => at == 0 && verb.kind != Kind::Either,
            };
            let force = if form == Form::Base { verb.force } else { Force::Soft };
            stands.then_some((at, Verb { force, ..verb }))
        });
        let (own, of_server): (Vec<_>, Vec<_>) = all.partition(|(at, _)| !self.is_of_server(*at));
        if own.is_empty() { of_server } else { own }
    }

    /// `force` before another verb says how that is done.
    fn only_says_how(&self, at: usize) -> bool {
        let is = |at: usize, verb: &str| self.words.get(at).is_some_and(|word| word.lower == verb);
        is(at, "force") && self.words.get(at + 1).is_some_and(|next| lexicon::verb(&next.lower).is_some())
    }

    /// `orders_to_cancel`
    fn is_due(&self, at: usize) -> bool {
        let to = at.checked_sub(1).and_then(|before| self.words.get(before));
        at > 1 && at + 1 == self.words.len() && to.is_some_and(|word| word.lower == "to")
    }

    /// `latest_block`
    fn is_one_of(&self, at: usize, verb: Verb) -> bool {
        const WHICH: [&str; 9] =
            ["latest", "next", "previous", "last", "daily", "current", "random", "total", "average"];
        let before = at.checked_sub(1).and_then(|before| self.words.get(before));
        let ends = at + 1 == self.words.len() && verb.kind == Kind::Either;
        ends && before.is_some_and(|word| WHICH.contains(&word.lower.as_str()))
    }

    fn is_of_server(&self, at: usize) -> bool {
        self.words.get(at).is_some_and(|word| self.of_server.contains(&word.lower)) && self.words.len() > 1
    }

    /// Whether a word says only how much is done at once.
    fn is_prefix(&self, at: usize) -> bool {
        self.words
            .get(at)
            .is_some_and(|word| ["multi", "mass", "auto", "quick", "force"].contains(&word.lower.as_str()))
    }

    fn head(&self, found: &[(usize, Verb)]) -> Option<(usize, Verb)> {
        let &first = found.first()?;
        let sure = found.iter().find(|(_, verb)| verb.kind == Kind::Verb).copied();
        let leads = first.0 == 0 || (0..first.0).all(|at| self.is_of_server(at) || self.is_prefix(at));
        let looks = leads && first.1.category == Category::Read && first.1.force == Force::Firm;
        let Some(sure) = sure else { return self.unsure(found, first, leads) };
        let last = sure.0 + 1 == self.words.len();
        let ends = last && sure.1.force == Force::Firm;
        // `mark_all_read`
        let marks = found.iter().find(|(_, verb)| ["mark", "set", "flag"].contains(&verb.base));
        if last && sure.1.base == "read" && (leads && first.1.category > Category::Read || marks.is_some()) {
            return marks.copied().or(Some(first));
        }
        let starts = leads && first.1.category == Category::Execute && sure.1.category <= Category::Execute;
        // `set_auto_delete`
        let sets = leads && first.1.base == "set";
        // `watch_deploy`
        let follows = leads && ["watch", "tail"].contains(&first.1.base);
        if sets || follows || starts && first.1.kind == Kind::Either && first.1.force == Force::Firm {
            return Some(first);
        }
        if looks && first.1.kind == Kind::Either && !ends
            || leads && first.1.kind == Kind::Either && first.1.force > sure.1.force
        {
            return Some(first);
        }
        Some(sure)
    }

    /// The head among words that need not be verbs.
    fn unsure(&self, found: &[(usize, Verb)], first: (usize, Verb), leads: bool) -> Option<(usize, Verb)> {
        if leads && first.1.kind == Kind::Light {
            let ruled = lexicon::by_object(first.1, &self.objects(first.0)).is_some();
            let other = found.iter().find(|(_, verb)| verb.kind != Kind::Light);
            return if ruled { Some(first) } else { other.copied().or(Some(first)) };
        }
        if leads {
            let alone = first.0 > 0 && first.0 + 1 == self.words.len();
            let force = if alone { Force::Soft } else { first.1.force };
            return Some((first.0, Verb { force, ..first.1 }));
        }
        // Amid nouns it is one itself, unless it only looks.
        let verbal = |at: usize, verb: &Verb| {
            let after = self.words.get(at + 1);
            verb.kind != Kind::Light
                && (verb.category == Category::Read
                    || after.is_none_or(|word| lexicon::ends_object(&word.lower)))
        };
        // `store_drop_table`, but not `drop_rate`.
        let told = self.words.last().is_some_and(|last| lexicon::is_information(&last.lower));
        let acts = |verb: &Verb| verb.force == Force::Firm && verb.category > Category::Write && !told;
        let last = found.iter().rev().find(|(at, verb)| verbal(*at, verb) || acts(verb)).copied()?;
        Some((last.0, Verb { force: Force::Soft, ..last.1 }))
    }

    fn of_verb(&self, at: usize, verb: Verb) -> Option<Act> {
        let word = self.words.get(at)?;
        let objects = self.objects(at);
        let by_this = lexicon::by_this_object(verb, &objects)
            .or_else(|| lexicon::by_this_object(verb, &self.before(at)));
        let by_object = by_this.is_some();
        let ruled = by_this
            .or_else(|| lexicon::by_object(verb, &objects).filter(|_| !self.generates_media(at, verb)));
        let told = self.words.last().is_some_and(|last| lexicon::is_information(&last.lower));
        let noun = verb.kind == Kind::Either && verb.force == Force::Soft;
        let followed = self.words.len() > at + 1;
        let (category, force) = match ruled {
            // `stake_info`, `run_history`
            _ if noun && told && followed && !by_object => (Category::Read, Force::Soft),
            None if followed && self.is_record_of(verb) => (Category::Read, Force::Soft),
            None if followed && self.is_measure_of(verb) => (verb.category, Force::Soft),
            Some((category, _)) if noun && at > 0 => (category, Force::Soft),
            Some(ruled) => ruled,
            None if self.generates_media(at, verb) => (Category::Execute, Force::Firm),
            // Numbers are added too.
            None if verb.base == "add" && objects.words.is_empty() => (verb.category, Force::Soft),
            None => (verb.category, verb.force),
        };
        let mut act = self.act(word, category, force, verb.kind);
        verb.base.clone_into(&mut act.verb);
        act.by_object = by_object;
        act.object = objects.words.last().copied().unwrap_or_default().to_owned();
        Some(act)
    }

    /// `run_history`: what is told of runs.
    fn is_record_of(&self, verb: Verb) -> bool {
        const RECORDS: [&str; 9] =
            ["history", "status", "stats", "metrics", "summary", "details", "results", "count", "info"];
        ["run", "deploy", "launch"].contains(&verb.base)
            && self.words.last().is_some_and(|last| RECORDS.contains(&last.lower.as_str()))
    }

    /// `drop_rate`
    fn is_measure_of(&self, verb: Verb) -> bool {
        let measure = |last: &Word<'_>| ["rate", "rates", "stats", "price"].contains(&last.lower.as_str());
        verb.kind == Kind::Either
            && verb.category == Category::Destructive
            && self.words.last().is_some_and(measure)
    }

    /// `image_raw_generate`
    fn generates_media(&self, at: usize, verb: Verb) -> bool {
        at + 1 == self.words.len()
            && ["generate", "gen"].contains(&verb.base)
            && self.words.iter().take(at).any(|word| MEDIA.contains(&word.lower.as_str()))
    }

    /// The words after a verb up to a preposition; before it where none follow.
    fn objects(&self, at: usize) -> Objects<'_> {
        let lower = |word: &'_ Word<'_>| -> bool { !lexicon::ends_object(&word.lower) };
        let after: Vec<&str> =
            self.words.iter().skip(at + 1).take_while(|word| lower(word)).map(|w| w.lower.as_str()).collect();
        let source = self.source(at + 1 + after.len());
        if !after.is_empty() || !source.is_empty() {
            return Objects { words: after, source };
        }
        self.before(at)
    }

    /// The words after a `from` at this place.
    fn source(&self, at: usize) -> Vec<&str> {
        let from = self.words.get(at).is_some_and(|word| word.lower == "from");
        let rest = self.words.iter().skip(at + 1).take_while(|word| !lexicon::ends_object(&word.lower));
        if from { rest.map(|word| word.lower.as_str()).collect() } else { Vec::new() }
    }

    fn before(&self, at: usize) -> Objects<'_> {
        let before = self.words.iter().take(at).enumerate();
        Objects {
            words: before.filter(|(i, _)| !self.is_of_server(*i)).map(|(_, w)| w.lower.as_str()).collect(),
            source: Vec::new(),
        }
    }

    fn foreign(&self) -> Option<Act> {
        // English nouns on `-ion` look like verbs of other languages.
        let written = self.words.iter().filter_map(|word| {
            let worst = lexicon::foreign_in_text(word.text).into_iter().max_by_key(|found| found.category)?;
            Some(self.act(word, worst.category, Force::Firm, Kind::Verb))
        });
        if let Some(act) = written.reduce(Act::worse) {
            return Some(act);
        }
        self.words.iter().filter(|word| !word.lower.trim_end_matches('s').ends_with("ion")).find_map(|word| {
            let category = lexicon::foreign_word(&word.lower)?;
            Some(self.act(word, category, Force::Firm, Kind::Verb))
        })
    }

    /// Verbs that are written together with their object, as in `getuser`.
    fn glued(&self) -> Option<Act> {
        const VERBS: [&str; 12] = [
            "get", "list", "fetch", "search", "find", "delete", "remove", "create", "update", "send",
            "execute", "show",
        ];
        self.words.iter().find_map(|word| {
            let verb = VERBS.iter().find(|verb| {
                word.lower.strip_prefix(**verb).is_some_and(|rest| {
                    rest.len() > 2 && !["ing", "ings", "way", "ner", "ners", "down"].contains(&rest)
                })
            })?;
            let (verb, _) = lexicon::verb(verb)?;
            let mut act = self.act(word, verb.category, Force::Soft, Kind::Verb);
            verb.base.clone_into(&mut act.verb);
            Some(act)
        })
    }

    fn information(&self) -> Option<Act> {
        let word = self.words.last().filter(|word| lexicon::is_information(&word.lower))?;
        Some(self.act(word, Category::Read, Force::Soft, Kind::Either))
    }

    fn act(&self, word: &Word<'_>, category: Category, force: Force, kind: Kind) -> Act {
        Act {
            category,
            force,
            verb: word.lower.clone(),
            kind,
            object: String::new(),
            by_object: false,
            evidence: Evidence { quote: word.text.to_owned(), at: "/name".to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_their_grammar() {
        use Category::{Destructive, Execute, Financial, Read, Write};
        for (name, category) in [
            ("get_order_status", Read),
            ("order_status", Read),
            ("order_cancel", Destructive),
            ("place_order", Financial),
            ("createPaymentLink", Financial),
            ("transfer_issue", Write),
            ("transfer_tokens", Financial),
            ("list_deleted_items", Read),
            ("get_or_create_user", Write),
            ("search_and_replace", Write),
            ("bulk-delete-users", Destructive),
            ("remove_label", Write),
            ("image.generate.local", Execute),
            ("generate_report", Read),
            ("start_export_job", Execute),
            ("set_display_name", Write),
            ("delete_preview", Read),
            ("is_deleted", Read),
            ("payment_methods", Read),
            ("make_payment", Financial),
            ("take_screenshot", Read),
            ("comment_delete", Destructive),
            ("post_message", Write),
            ("eliminar_archivo", Destructive),
            ("getuser", Read),
            ("clean_dry_run", Read),
        ] {
            assert_eq!(read_name(name, "").map(|act| act.category), Some(category), "{name}");
        }
        assert_eq!(read_name("zork", ""), None);
    }

    #[test]
    fn words_of_the_server_are_no_verbs() {
        assert_eq!(read_name("trade_route_status", "trade").map(|act| act.category), Some(Category::Read));
        assert_eq!(read_name("build_get_log", "build-server").map(|act| act.category), Some(Category::Read));
    }
}
