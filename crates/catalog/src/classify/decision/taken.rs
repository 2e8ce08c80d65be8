//! What a definition is to be taken for beside its verbs: advice on an action, a program that is run to look
//! at something, a name that says nothing but that it acts.

use super::{Decision, Parts, acts, confidence, from};
use crate::assessment::{Category, Evidence, Signal};

/// Advice on how something is done, whatever the name says.
pub(super) fn guides(parts: &Parts<'_>, decision: &mut Decision) {
    const GIVING: [&str; 7] = ["provide", "offer", "give", "get", "return", "show", "supply"];
    const ADVICE: [&str; 12] = [
        "guidance",
        "guideline",
        "guidelines",
        "instructions",
        "advice",
        "documentation",
        "tips",
        "examples",
        "help",
        "tutorial",
        "explanation",
        "explanations",
    ];
    let Some(told) = parts.prose.act.as_ref() else { return };
    if decision.category > Category::Read
        && decision.category < Category::Destructive
        && told.category == Category::Read
        && GIVING.contains(&told.verb.as_str())
        && ADVICE.contains(&told.object.as_str())
    {
        *decision = from(&[told], Category::Read, confidence::ONE_SOFTLY);
    }
}

/// A program that is run, by the description, only to look: `run the plugin to list …`.
pub(super) fn runs_to_look(parts: &Parts<'_>, decision: &mut Decision) {
    let Some(told) = parts.prose.act.as_ref().filter(|told| told.category == Category::Read) else { return };
    let running = |verb: &str| ["run", "execute", "perform"].contains(&verb);
    let free = |(signal, _): &(Signal, Evidence)| {
        matches!(signal, Signal::Code | Signal::Query | Signal::ActionSelector)
    };
    if decision.category == Category::Execute
        && running(&told.verb)
        && acts(parts).all(|act| running(&act.verb))
        && !parts.signals.iter().any(free)
    {
        *decision = from(&[told], Category::Read, confidence::ONE_SOFTLY);
    }
}

/// A name that says nothing but that it acts, where nothing else is said.
pub(super) fn bare(parts: &Parts<'_>) -> Option<Decision> {
    const ACTING: [&str; 6] = ["action", "actions", "act", "operation", "operations", "do"];
    let name = &parts.definition.name;
    let bare = !parts.prose.is_there && ACTING.iter().any(|acting| name.eq_ignore_ascii_case(acting));
    bare.then(|| Decision {
        category: Category::Execute,
        confidence: confidence::NOTHING,
        why: format!("its name says only `{name}`"),
        evidence: vec![Evidence { quote: name.clone(), at: "/name".to_owned() }],
    })
}
