//! The classifier: brings together what name, description, schema and annotations say.
//!
//! Name and description are read for their verbs; where they disagree, the clearer one wins, and the worse
//! one where both are clear. The schema and the annotations may raise what was found, never lower it.

mod decision;
mod flows;
mod severity;
mod suspicion;

use decision::{Decision, Parts};

use crate::assessment::{Assessment, Category, Evidence, Signal};
use crate::definition::Definition;
use crate::reading::{Phrase, Phrases, read_name, read_prose, read_schema, selected_acts};

/// How much of a tool's name and title is read, in bytes.
const NAME: usize = 512;
/// How much of its description is read, in bytes. Reading takes longer than the text is, so a server must not
/// choose the length.
const DESCRIPTION: usize = 32 << 10;

/// Judges a tool from its definition. The same definition gets the same answer. Of texts beyond any honest
/// length the beginning is read; text that speaks to the model is searched for further on as well.
#[must_use]
pub fn classify(definition: &Definition) -> Assessment {
    let texts = [&definition.name, &definition.title, &definition.server];
    if definition.description.len() <= DESCRIPTION && texts.iter().all(|text| text.len() <= NAME) {
        return classify_whole(definition, definition);
    }
    let begun = Definition {
        server: beginning(&definition.server, NAME).to_owned(),
        name: beginning(&definition.name, NAME).to_owned(),
        title: beginning(&definition.title, NAME).to_owned(),
        description: beginning(&definition.description, DESCRIPTION).to_owned(),
        input_schema: definition.input_schema.clone(),
        annotations: definition.annotations,
    };
    classify_whole(&begun, definition)
}

/// The text up to so many bytes.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=text.len().min(most)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Judges a definition whose texts are not too long; `original` is where suspicious text is searched for.
fn classify_whole(definition: &Definition, original: &Definition) -> Assessment {
    let (fields, signals) = read_schema(&definition.input_schema);
    let mut prose = read_prose(&definition.description, "/description");
    if !prose.is_there {
        prose = read_prose(&definition.title, "/title");
    }
    let phrases = Phrases::of(&definition.description, "/description");
    let parts = Parts {
        definition,
        name: read_name(&definition.name, &definition.server),
        prose,
        selected: selected_acts(&fields),
        phrases: &phrases,
        signals: &signals,
        fields: &fields,
    };
    let decision = decision::decide(&parts);
    let suspicious = suspicion::look(original);
    let mut signals: Vec<(Signal, Evidence)> = signals;
    if let Some(secret) = named_secret(&definition.description)
        && !signals.iter().any(|(signal, _)| *signal == Signal::Credentials)
    {
        signals.push((Signal::Credentials, secret));
        signals.sort_by_key(|(signal, _)| *signal);
    }
    let kinds: Vec<Signal> = signals.iter().map(|(signal, _)| *signal).collect();
    let labels = flows::labels(definition, decision.category, &kinds, &fields);
    let weighed = severity::Weighed {
        definition,
        category: decision.category,
        labels: &labels,
        sandboxed: phrases.has(Phrase::Sandboxed),
        suspicious: &suspicious,
    };
    let (severity, severity_reason) = severity::weigh(&weighed);
    Assessment {
        category: decision.category,
        severity,
        confidence: decision.confidence,
        reason: reason(&decision),
        severity_reason,
        evidence: evidence(definition, decision, &signals),
        signals: kinds,
        labels,
        suspicious,
    }
}

/// The sentence that says why.
fn reason(decision: &Decision) -> String {
    let effect = decision.category.effect();
    match decision.why.as_str() {
        "" => {
            format!("nothing in the definition says that a call does more than return something: it {effect}")
        }
        why => format!("{why}: it {effect}"),
    }
}

/// The words the category rests on, then those of signals that weigh. A tool without any quotes its name.
fn evidence(definition: &Definition, decision: Decision, signals: &[(Signal, Evidence)]) -> Vec<Evidence> {
    let mut evidence = decision.evidence;
    let weighs = |signal: Signal| match decision.category {
        Category::Read => signal == Signal::Credentials,
        Category::Write => matches!(signal, Signal::Recipients | Signal::Path | Signal::Credentials),
        Category::Execute => {
            matches!(
                signal,
                Signal::Code | Signal::Query | Signal::Url | Signal::Credentials | Signal::ActionSelector
            )
        }
        Category::Destructive => matches!(signal, Signal::Force | Signal::ActionSelector | Signal::Path),
        Category::Financial => signal == Signal::Money,
    };
    evidence.extend(signals.iter().filter(|(signal, _)| weighs(*signal)).map(|(_, found)| found.clone()));
    if evidence.is_empty() {
        evidence.push(Evidence { quote: definition.name.clone(), at: "/name".to_owned() });
    }
    let mut seen = Vec::new();
    evidence.retain(|found| {
        !seen.contains(found) && {
            seen.push(found.clone());
            true
        }
    });
    evidence
}

/// `Requires EXAMPLE_API_TOKEN` in a description.
fn named_secret(description: &str) -> Option<Evidence> {
    let start = ["Requires ", "requires ", "Needs ", "needs "].iter().find_map(|word| {
        let start = description.find(word)?;
        let name = description.get(start + word.len()..)?;
        let end = name
            .find(|c: char| !c.is_ascii_uppercase() && c != '_' && !c.is_ascii_digit())
            .unwrap_or(name.len());
        let name = name.get(..end)?;
        let secret = ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"].iter().any(|ending| name.ends_with(ending));
        secret.then_some((start, start + word.len() + end))
    })?;
    let quote = description.get(start.0..start.1)?.to_owned();
    Some(Evidence { quote, at: "/description".to_owned() })
}

#[cfg(test)]
mod tests;
