//! The category: what the parts of a definition say, weighed against each other.

mod made;
mod query;
mod taken;

use crate::assessment::{Category, Evidence, Signal};
use crate::definition::Definition;
use crate::lexicon::{self, Force, Form, Kind};
use crate::reading::{Act, Field, Phrase, Phrases, Prose, listed_acts};
use crate::words;

/// What was read.
pub(super) struct Parts<'a> {
    pub(super) definition: &'a Definition,
    pub(super) name: Option<Act>,
    pub(super) prose: Prose,
    pub(super) selected: Vec<Act>,
    pub(super) phrases: &'a Phrases,
    pub(super) signals: &'a [(Signal, Evidence)],
    pub(super) fields: &'a [Field<'a>],
}

/// The category and what it rests on.
pub(super) struct Decision {
    pub(super) category: Category,
    pub(super) confidence: f64,
    /// What says so, as a clause; empty where nothing did.
    pub(super) why: String,
    pub(super) evidence: Vec<Evidence>,
}

/// How sure a reading is, by what it rests on.
mod confidence {
    pub(super) const BOTH: f64 = 0.95;
    pub(super) const BOTH_SOFTLY: f64 = 0.9;
    pub(super) const ONE_CLEARLY: f64 = 0.85;
    pub(super) const RAISED: f64 = 0.8;
    pub(super) const ONE_SOFTLY: f64 = 0.7;
    pub(super) const DISAGREE: f64 = 0.6;
    pub(super) const NOTHING: f64 = 0.4;
}

/// Weighs the parts.
pub(super) fn decide(parts: &Parts<'_>) -> Decision {
    let mut decision = words_say(parts);
    taken::guides(parts, &mut decision);
    taken::runs_to_look(parts, &mut decision);
    manages(parts, &mut decision);
    does_all(parts, &mut decision);
    query::reads_only(parts, &mut decision);
    query::runs_free_text(parts, &mut decision);
    query::is_free(parts, &mut decision);
    selects(parts, &mut decision);
    overwrites(parts, &mut decision);
    costs_nothing(parts, &mut decision);
    made::records(parts, &mut decision);
    made::puts(parts, &mut decision);
    made::imagines(parts, &mut decision);
    made::assembles(parts, &mut decision);
    costs(parts, &mut decision);
    claims(parts, &mut decision);
    decision
}

/// What name and description say together.
fn words_say(parts: &Parts<'_>) -> Decision {
    let told = parts.prose.act.clone();
    match (parts.name.clone(), told) {
        (None, None) => taken::bare(parts).unwrap_or(Decision {
            category: Category::Read,
            confidence: confidence::NOTHING,
            why: String::new(),
            evidence: Vec::new(),
        }),
        (Some(act), None) | (None, Some(act)) => alone(&act),
        (Some(name), Some(prose)) => together(name, prose),
    }
}

fn acts<'p>(parts: &'p Parts<'_>) -> impl Iterator<Item = &'p Act> {
    [&parts.name, &parts.prose.act].into_iter().flatten()
}

fn alone(act: &Act) -> Decision {
    let sure = if act.force == Force::Firm { confidence::ONE_CLEARLY } else { confidence::ONE_SOFTLY };
    from(&[act], act.category, sure)
}

fn together(name: Act, prose: Act) -> Decision {
    if name.category == prose.category {
        let firm = name.force == Force::Firm && prose.force == Force::Firm;
        let sure = if firm { confidence::BOTH } else { confidence::BOTH_SOFTLY };
        return from(&[&name, &prose], name.category, sure);
    }
    // `unprotect`: what its description removes is what was added.
    if name.force == Force::Firm && name.category == Category::Write && name.verb.starts_with("un") {
        return from(&[&name], Category::Write, confidence::ONE_CLEARLY);
    }
    // `cancel: Cancel a query`: only the description says of what.
    let explains = name.object.is_empty() || prose.by_object;
    if name.verb == prose.verb && explains && prose.force == Force::Firm {
        return from(&[&prose], prose.category, confidence::ONE_CLEARLY);
    }
    // `post_report: Get a report`: the name tells the method of HTTP.
    if name.verb == "post" && prose.category == Category::Read && prose.force == Force::Firm {
        return from(&[&prose], Category::Read, confidence::ONE_SOFTLY);
    }
    // `delete_bookmark: Removes a post from the bookmarks`
    let takes = |act: &Act| ["delete", "remove"].contains(&act.verb.as_str());
    if takes(&name) && takes(&prose) && prose.by_object && prose.category == Category::Write {
        return from(&[&prose], Category::Write, confidence::ONE_SOFTLY);
    }
    match (name.force, prose.force) {
        (Force::Firm, Force::Soft) => from(&[&name], name.category, confidence::ONE_CLEARLY),
        (Force::Soft, Force::Firm) => from(&[&prose], prose.category, confidence::ONE_CLEARLY),
        (Force::Firm, Force::Firm) | (Force::Soft, Force::Soft) => {
            let worse = name.worse(prose);
            from(&[&worse], worse.category, confidence::DISAGREE)
        }
    }
}

fn from(acts: &[&Act], category: Category, confidence: f64) -> Decision {
    let why: Vec<String> = acts.iter().map(|act| says(act)).collect();
    Decision {
        category,
        confidence,
        why: why.join(" and "),
        evidence: acts.iter().map(|act| act.evidence.clone()).collect(),
    }
}

fn says(act: &Act) -> String {
    let place = match act.evidence.at.as_str() {
        "/name" => "its name",
        "/title" => "its title",
        "/description" => "its description",
        _ => "an argument",
    };
    format!("{place} says `{}`", act.evidence.quote)
}

impl Decision {
    fn raise(&mut self, category: Category, why: String, evidence: Vec<Evidence>) {
        self.category = category;
        self.confidence = confidence::RAISED;
        self.why = why;
        self.evidence = evidence;
    }
}

/// `manage` and its like stand for every verb that the description names.
fn manages(parts: &Parts<'_>, decision: &mut Decision) {
    let dispatches = |act: &Option<Act>| act.as_ref().is_some_and(|act| act.kind == Kind::Dispatch);
    if !dispatches(&parts.name) && !dispatches(&parts.prose.act) || !parts.selected.is_empty() {
        return;
    }
    let text = &parts.definition.description;
    let named = words::of_text(text).into_iter().take(200).filter_map(|word| {
        let (verb, form) = lexicon::verb(&word.lower)?;
        // `manage containers: run, stop or remove them`
        let listed = form == Form::Base && word.gap.contains([',', ':']);
        let firm = verb.force == Force::Firm || verb.base == "rollback";
        let sure = (verb.kind == Kind::Verb || listed) && firm && form != Form::Gerund;
        sure.then(|| (verb.category, word.text.to_owned()))
    });
    if let Some((category, quote)) = named.max_by_key(|(category, _)| *category)
        && category > decision.category
    {
        let why = format!("it manages several things, and its description says `{quote}`");
        decision.raise(category, why, vec![Evidence { quote, at: "/description".to_owned() }]);
    }
}

/// `Perform CRUD operations`: the D is for delete.
fn does_all(parts: &Parts<'_>, decision: &mut Decision) {
    let vague = acts(parts).all(|act| matches!(act.kind, Kind::Dispatch | Kind::Light));
    let letters = parts.definition.description.split(|c: char| !c.is_alphanumeric()).take(40);
    if vague && decision.category < Category::Destructive && letters.into_iter().any(|word| word == "CRUD") {
        let evidence = Evidence { quote: "CRUD".to_owned(), at: "/description".to_owned() };
        let why = "its description says `CRUD`, which is to create, read, update and delete".to_owned();
        decision.raise(Category::Destructive, why, vec![evidence]);
    }
}

/// An argument that selects the action: the worst of its choices counts.
fn selects(parts: &Parts<'_>, decision: &mut Decision) {
    // A list that is filtered by an action only looks.
    let looks =
        |act: &Act| act.category == Category::Read && act.force == Force::Firm && act.kind != Kind::Dispatch;
    if decision.category == Category::Read && parts.name.as_ref().is_some_and(looks) {
        return;
    }
    let told =
        http_methods(parts).into_iter().chain(listed_acts(&parts.definition.description, parts.fields));
    let acts: Vec<Act> = parts.selected.iter().cloned().chain(told).collect();
    // Numbers are added.
    let sums = acts.iter().any(|act| ["subtract", "multiply", "divide"].contains(&act.verb.as_str()));
    let Some(worst) = acts.into_iter().filter(|act| !sums || act.verb != "add").reduce(Act::worse) else {
        return;
    };
    if worst.category > decision.category {
        let why = format!("one argument selects what it does, and `{}` is a choice", worst.evidence.quote);
        decision.raise(worst.category, why, vec![worst.evidence]);
    }
}

/// The worst of the HTTP methods that a description or an argument's text lists.
fn http_methods(parts: &Parts<'_>) -> Option<Act> {
    let of_fields = parts
        .fields
        .iter()
        .filter(|field| field.words.last().is_some_and(|word| word == "method"))
        .filter_map(|field| {
            let text = field.schema.get("description").and_then(serde_json::Value::as_str)?;
            Some((text, format!("{}/description", field.at)))
        });
    let own = (parts.definition.description.as_str(), "/description".to_owned());
    let lists = |text: &str| ["GET", "POST", "DELETE"].iter().all(|method| text.contains(method));
    let (_, at) = of_fields.chain([own]).find(|(text, _)| lists(text))?;
    Some(Act {
        category: Category::Destructive,
        force: Force::Firm,
        verb: "delete".to_owned(),
        kind: Kind::Verb,
        object: String::new(),
        by_object: false,
        evidence: Evidence { quote: "DELETE".to_owned(), at },
    })
}

/// What was thrown away can be taken back from here, until it is emptied.
const BINS: [&str; 4] = ["bin", "trash", "recycle", "trashcan"];

/// A write over what was there, or what cannot be undone.
fn overwrites(parts: &Parts<'_>, decision: &mut Decision) {
    match decision.category {
        Category::Write => {
            let phrase =
                parts.phrases.get(Phrase::Overwrites).or_else(|| parts.phrases.get(Phrase::Irreversible));
            let found = phrase.cloned().or_else(|| replaces_all(parts)).or_else(|| ends_for_good(parts));
            if let Some(found) = found.filter(|_| !chooses_to_overwrite(parts)) {
                let why = format!("its description says `{}`", found.quote);
                decision.raise(Category::Destructive, why, vec![found]);
            }
        }
        Category::Destructive => {
            let empties =
                |act: &Act| act.category == Category::Destructive && BINS.contains(&act.object.as_str());
            // What is purged was deleted before.
            let purges =
                |act: &Act| ["purge", "expunge", "wipe", "erase", "shred"].contains(&act.verb.as_str());
            if acts(parts).any(|act| empties(act) || purges(act)) {
                return;
            }
            if let Some(found) = parts.phrases.get(Phrase::Recoverable)
                && !parts.phrases.has(Phrase::Irreversible)
            {
                let why = format!("{}, but also `{}`", decision.why, found.quote);
                let mut evidence = decision.evidence.clone();
                evidence.push(found.clone());
                decision.raise(Category::Write, why, evidence);
            }
        }
        Category::Read | Category::Execute | Category::Financial => {}
    }
}

/// `replace a document completely`
fn replaces_all(parts: &Parts<'_>) -> Option<Evidence> {
    const WHOLLY: [&str; 6] = ["completely", "entirely", "entire", "whole", "wholesale", "wholly"];
    let replaces = parts.prose.act.as_ref().filter(|act| act.verb == "replace")?;
    let words = words::of_text(&replaces.evidence.quote);
    words.iter().any(|word| WHOLLY.contains(&word.lower.as_str())).then(|| replaces.evidence.clone())
}

/// `close an account permanently`
fn ends_for_good(parts: &Parts<'_>) -> Option<Evidence> {
    const ENDING: [&str; 9] =
        ["close", "ban", "decline", "reject", "deactivate", "suspend", "unpublish", "block", "disable"];
    const FOREVER: [&str; 3] = ["permanently", "irrevocably", "forever"];
    let ends = parts.prose.act.as_ref().filter(|act| ENDING.contains(&act.verb.as_str()))?;
    let quote = ends.evidence.quote.as_str();
    let before = parts.definition.description.split(quote).next().unwrap_or_default();
    let adverb = before.split_whitespace().next_back().unwrap_or_default();
    let words = words::of_text(quote);
    if FOREVER.iter().any(|word| adverb.eq_ignore_ascii_case(word)) {
        return Some(ends.evidence.clone());
    }
    words.iter().any(|word| FOREVER.contains(&word.lower.as_str())).then(|| ends.evidence.clone())
}

/// Whether overwriting is an option that must be asked for.
fn chooses_to_overwrite(parts: &Parts<'_>) -> bool {
    parts.fields.iter().any(|field| field.words.iter().any(|word| word == "overwrite"))
}

/// A subscription to news is none that somebody pays for, a transaction of a database moves no money, and
/// what bridges no assets only forwards.
fn costs_nothing(parts: &Parts<'_>, decision: &mut Decision) {
    const NEWS: &[&str] =
        &["notification", "webhook", "event", "topic", "pubsub", "pub/sub", "newsletter", "feed", "thread"];
    const STORES: &[&str] = &["sql", "database", "mongodb", "cypher", "queries"];
    const ASSETS: &[&str] = &[
        "token", "asset", "chain", "crypto", "coin", "usdc", "usdt", "eth", "sol", "btc", "nft", "fund",
        "swap", "money", "wallet",
    ];
    if decision.category != Category::Financial {
        return;
    }
    let about = |object: &str| acts(parts).any(|act| act.object.starts_with(object));
    let text = format!("{} {}", parts.definition.name, parts.definition.description).to_lowercase();
    let says = |kinds: &[&str]| kinds.iter().any(|kind| text.contains(kind));
    let words = words::of_text(&text);
    let asset = |word: &str| ASSETS.iter().any(|kind| word.trim_end_matches('s') == *kind);
    let named = words.iter().flat_map(|word| words::of_name(word.text)).any(|word| asset(&word.lower));
    let given = |field: &Field<'_>| field.words.iter().any(|word| word == "amount" || asset(word));
    let bridges = named || parts.fields.iter().any(given);
    if about("subscription") && says(NEWS) {
        decision.category = Category::Write;
        decision.confidence = confidence::ONE_SOFTLY;
    } else if about("transaction") && says(STORES) || acts(parts).all(|act| act.verb == "bridge") && !bridges
    {
        decision.category = Category::Execute;
        decision.confidence = confidence::ONE_SOFTLY;
    }
}

/// A call that costs is a paid computation.
fn costs(parts: &Parts<'_>, decision: &mut Decision) {
    if decision.category < Category::Execute
        && let Some(found) = parts.phrases.get(Phrase::Paid)
    {
        let why = format!("its description says `{}`", found.quote);
        decision.raise(Category::Execute, why, vec![found.clone()]);
    }
}

/// The server's own word raises what the definition leaves open; it never lowers.
fn claims(parts: &Parts<'_>, decision: &mut Decision) {
    let annotations = parts.definition.annotations;
    if decision.confidence > confidence::DISAGREE || annotations.read_only == Some(true) {
        return;
    }
    let claimed = match (annotations.destructive, annotations.read_only) {
        (Some(true), _) => Category::Destructive,
        (_, Some(false)) => Category::Write,
        (_, _) => return,
    };
    if claimed > decision.category {
        decision.category = claimed;
        decision.why = "its words are not clear, and its annotations claim it".to_owned();
    }
}
