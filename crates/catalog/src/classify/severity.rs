//! How bad a call can be, where that is not what its category says.

use crate::assessment::{Category, Label, Severity, Suspicion, SuspicionKind};
use crate::definition::Definition;
use crate::words;

/// What the severity rests on.
pub(super) struct Weighed<'a> {
    pub(super) definition: &'a Definition,
    pub(super) category: Category,
    pub(super) labels: &'a [Label],
    pub(super) sandboxed: bool,
    pub(super) suspicious: &'a [Suspicion],
}

/// Names of source code and of what tools are made of.
const SOURCE: [&str; 10] =
    ["repository", "repo", "code", "commit", "branch", "workflow", "plugin", "script", "function", "source"];
/// Things that only the caller sees.
const OWN: [&str; 10] = [
    "draft",
    "drafts",
    "memory",
    "memories",
    "thought",
    "thoughts",
    "todo",
    "todos",
    "bookmark",
    "scratchpad",
];

/// The severity, and why it is not that of the category.
pub(super) fn weigh(weighed: &Weighed<'_>) -> (Severity, Option<String>) {
    let usual = weighed.category.severity();
    let hostile = weighed.suspicious.iter().find(|found| found.kind == SuspicionKind::HostilePurpose);
    if let Some(found) = hostile.or_else(|| weighed.suspicious.first()) {
        let why = match found.kind {
            SuspicionKind::HostilePurpose => format!("it names an attack: `{}`", found.evidence.quote),
            SuspicionKind::Override
            | SuspicionKind::Secrecy
            | SuspicionKind::HiddenMarkup
            | SuspicionKind::Harvest
            | SuspicionKind::OtherTools
            | SuspicionKind::InvisibleText => {
                "its definition speaks to the model behind its user's back".to_owned()
            }
        };
        return (Severity::Critical, (usual != Severity::Critical).then_some(why));
    }
    let has = |label: Label| weighed.labels.contains(&label);
    let names = words::of_name(&weighed.definition.name);
    let named = |list: &[&str]| names.iter().any(|word| list.contains(&word.lower.as_str()));
    let other = match weighed.category {
        Category::Read
            if has(Label::SourceSecret)
                && named(&["secret", "secrets", "password", "passwords", "credential", "credentials"]) =>
        {
            Some((Severity::High, "it returns secrets"))
        }
        Category::Read
            if weighed.definition.annotations.destructive == Some(true)
                && weighed.definition.annotations.read_only != Some(true) =>
        {
            Some((Severity::Medium, "its server claims that it is destructive"))
        }
        Category::Write if has(Label::SinkAccess) => Some((Severity::High, "it changes who may do what")),
        Category::Write if named(&SOURCE) => {
            Some((Severity::High, "it changes source code or what programs run"))
        }
        Category::Write if named(&OWN) => Some((Severity::Low, "only its caller sees what it changes")),
        Category::Execute if weighed.sandboxed && !has(Label::SinkExternal) => {
            Some((Severity::Medium, "it runs in a sandbox"))
        }
        Category::Read
        | Category::Write
        | Category::Execute
        | Category::Destructive
        | Category::Financial => None,
    };
    match other {
        Some((severity, why)) if severity != usual => (severity, Some(why.to_owned())),
        Some(_) | None => (usual, None),
    }
}
