//! Queries and other free text: which of them only look, and which may write.

use super::{Decision, Parts, acts, confidence};
use crate::assessment::{Category, Evidence, Signal};
use crate::lexicon::Force;
use crate::reading::{Act, Phrase};
use crate::words;

/// A query or a run that only reads, by the description's own word.
pub(super) fn reads_only(parts: &Parts<'_>, decision: &mut Decision) {
    let looks = |act: &Act| act.category == Category::Read && act.force == Force::Firm;
    let queries = queries(parts);
    if decision.category != Category::Execute || !queries && !parts.name.as_ref().is_some_and(looks) {
        return;
    }
    let by_name = || named_as_reading(parts).filter(|_| queries).map(|found| ("name", found));
    let told = parts.phrases.get(Phrase::ReadOnly).map(|found| ("description", found.clone()));
    if let Some((place, found)) = told.or_else(by_name) {
        let why = format!("what it runs only reads, as its {place} says `{}`", found.quote);
        let evidence = vec![found];
        *decision = Decision { category: Category::Read, confidence: confidence::ONE_CLEARLY, why, evidence };
    } else if queries && reads_by_nature(parts) {
        decision.category = Category::Read;
        decision.confidence = confidence::ONE_SOFTLY;
        decision.why = format!("{}, and nothing says that its query may write", decision.why);
    }
}

/// Whether what is run is a query.
fn queries(parts: &Parts<'_>) -> bool {
    const ENDING: [&str; 5] = ["cancel", "abort", "stop", "kill", "terminate"];
    acts(parts).any(|act| is_query(&act.verb) || is_query(&act.object))
        && !acts(parts).any(|act| ENDING.contains(&act.verb.as_str()))
}

/// Whether the name says itself that its query only looks: `run_select_query`.
fn named_as_reading(parts: &Parts<'_>) -> Option<Evidence> {
    let words = words::of_name(&parts.definition.name);
    let mut pairs = words.iter().zip(words.iter().skip(1));
    let (looks, _) = pairs.find(|(looks, query)| {
        ["select", "read", "readonly"].contains(&looks.lower.as_str())
            && (is_query(&query.lower) || query.lower == "only")
    })?;
    Some(Evidence { quote: looks.text.to_owned(), at: "/name".to_owned() })
}

fn is_query(word: &str) -> bool {
    ["query", "queries", "sql", "statement", "statements", "cypher", "search", "insights"].contains(&word)
}

/// Whether the query is one that only looks: its language cannot write, or no store that it could write to
/// is named.
fn reads_by_nature(parts: &Parts<'_>) -> bool {
    const LOOKING: [&str; 16] = [
        "insights",
        "promql",
        "logql",
        "jql",
        "soql",
        "sosl",
        "aql",
        "kql",
        "xpath",
        "natural language",
        "prometheus",
        "sparql",
        "wiql",
        "datalog",
        "hunting",
        "metric",
    ];
    const STORES: [&str; 20] = [
        "insert",
        "delete",
        "database",
        "db",
        "sql",
        "cypher",
        "graphql",
        "gql",
        "warehouse",
        "snowflake",
        "bigquery",
        "clickhouse",
        "mongo",
        "redshift",
        "cluster",
        "table",
        "statement",
        "arbitrary",
        "neo4j",
        "dml",
    ];
    let name = parts.definition.name.to_lowercase();
    let text = parts.definition.description.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|kind| name.contains(kind) || text.contains(kind));
    let free = parts.signals.iter().any(|(signal, _)| *signal == Signal::Code);
    says(&LOOKING) && !speaks_sql(parts)
        || parts.prose.is_there && !says(&STORES) && !free && !speaks_sql(parts)
}

/// A free text in a language that can change things.
pub(super) fn runs_free_text(parts: &Parts<'_>, decision: &mut Decision) {
    if decision.category >= Category::Execute || parts.phrases.has(Phrase::ReadOnly) {
        return;
    }
    let found = |wanted: Signal| {
        parts.signals.iter().find(|(signal, _)| *signal == wanted).map(|(_, found)| found.clone())
    };
    let runs = acts(parts).all(|act| {
        ["query", "execute", "run", "exec", "perform", "send", "submit", "sql", "cypher"]
            .contains(&act.verb.as_str())
    });
    if runs && decision.category == Category::Read && speaks_sql(parts) {
        let at_name = || Evidence { quote: parts.definition.name.clone(), at: "/name".to_owned() };
        let found = found(Signal::Query).unwrap_or_else(at_name);
        let why = format!("its query (`{}`) is free and may write", found.quote);
        decision.raise(Category::Execute, why, vec![found]);
        return;
    }
    if decision.confidence <= confidence::ONE_SOFTLY
        && let Some(found) = found(Signal::Code).filter(|found| found.quote != parts.definition.name)
    {
        let why = format!("it takes free-form code or a command in `{}`", found.quote);
        decision.raise(Category::Execute, why, vec![found]);
    }
}

/// A query of which nothing else is said: no more than its name, and that its text is free.
pub(super) fn is_free(parts: &Parts<'_>, decision: &mut Decision) {
    if decision.category != Category::Read || !parts.definition.description.trim().is_empty() {
        return;
    }
    let words = words::of_name(&parts.definition.name);
    if !matches!(words.as_slice(), [only] if only.lower == "query" || only.lower == "sql") {
        return;
    }
    let free = |field: &&crate::reading::Field<'_>| {
        field.is_text() && ["query", "sql", "statement"].iter().any(|name| field.is(name))
    };
    let Some(field) = parts.fields.iter().find(free) else { return };
    let why = format!("it runs the query in `{}`, and nothing says what the query may do", field.name);
    let evidence = vec![field.evidence()];
    *decision = Decision { category: Category::Execute, confidence: confidence::DISAGREE, why, evidence };
}

/// Whether the query is written in a language that can also write.
fn speaks_sql(parts: &Parts<'_>) -> bool {
    const LOOKING: [&str; 8] = ["promql", "logql", "soql", "select", "sparql", "read", "2sql", "to_sql"];
    const SAID: [&str; 8] =
        ["sql query", "sql statement", "sql quer", "arbitrary sql", "a sql", "an sql", "cypher", "raw sql"];
    let name = parts.definition.name.to_lowercase();
    let text = parts.definition.description.to_lowercase();
    let looks = |quote: &str| {
        ["aql", "soql", "kql", "promql", "logql", "jql", "sparql"].iter().any(|one| quote.contains(one))
    };
    let language =
        parts.signals.iter().any(|(signal, found)| *signal == Signal::Query && !looks(&found.quote));
    let named = ["sql", "cypher", "gql"].iter().any(|language| name.contains(language));
    (named || language || SAID.iter().any(|phrase| text.contains(phrase)))
        && !LOOKING.iter().any(|phrase| name.contains(phrase))
        && !["promql", "logql", "soql", "sparql", "select "].iter().any(|phrase| text.contains(phrase))
}
