//! Policies to begin with: by the risk of tools, or by what was used.

mod document;
mod traffic;

use serde::Serialize;
use toolgate_policy::Format;

pub use document::{Document, Entries, Entry, Group, Limit};
pub use traffic::{Usage, from_traffic};

use crate::assessment::{Category, Verdict};

/// How much a recommended policy lets through. All of them deny what they do not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Reads pass; writes 30 and executions 10 times a minute; what destroys is hidden; money waits for a
    /// person.
    Recommended,
    /// Reads alone.
    Strict,
    /// Writes 120 and executions 30 times a minute; what destroys or moves money waits for a person.
    Permissive,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Recommended, Self::Strict, Self::Permissive];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Strict => "strict",
            Self::Permissive => "permissive",
        }
    }

    /// What holds for a tool of a category.
    #[must_use]
    pub fn treatment(self, category: Category) -> Treatment {
        match (self, category) {
            (_, Category::Read) => Treatment::Allow,
            (Self::Recommended, Category::Write) => Treatment::PerMinute(30),
            (Self::Recommended, Category::Execute) => Treatment::PerMinute(10),
            (Self::Recommended, Category::Destructive)
            | (Self::Strict, Category::Destructive | Category::Financial) => Treatment::Hide,
            (Self::Recommended, Category::Financial) => Treatment::Deny("Requires human approval."),
            (Self::Strict, Category::Write | Category::Execute) => Treatment::LeaveOut,
            (Self::Permissive, Category::Write) => Treatment::PerMinute(120),
            (Self::Permissive, Category::Execute) => Treatment::PerMinute(30),
            (Self::Permissive, Category::Destructive) => {
                Treatment::Deny("Blocked by default. Requires approval.")
            }
            (Self::Permissive, Category::Financial) => Treatment::Deny("Requires human approval."),
        }
    }
}

/// What a policy does with a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Every call passes.
    Allow,
    /// So many calls in any minute pass, for each grant.
    PerMinute(u64),
    /// Every call is denied, with this reason.
    Deny(&'static str),
    /// No list shows it, and no call reaches it.
    Hide,
    /// The policy does not name it: it is denied by default.
    LeaveOut,
}

/// A tool to recommend a policy for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// Its name.
    pub name: String,
    /// What a call can do.
    pub category: Category,
    /// Whether its definition has suspicious text.
    pub suspicious: bool,
}

impl Rated {
    /// A tool with what holds for it.
    #[must_use]
    pub fn new(name: &str, verdict: &Verdict) -> Self {
        Self {
            name: name.to_owned(),
            category: verdict.category(),
            suspicious: !verdict.machine.suspicious.is_empty(),
        }
    }
}

/// A policy, and what its reader should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// The policy.
    pub policy: Document,
    /// What it does not cover, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Why no policy can be recommended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecommendError {
    /// The policy that came out cannot be loaded.
    #[error("the policy for these tools cannot be loaded: {0}")]
    Unloadable(String),
}

/// A policy for tools of one server. A tool whose definition has suspicious text is hidden by every preset;
/// of tools with one name the worst counts.
///
/// # Errors
///
/// The policy that comes out cannot be loaded, so it is not given out.
pub fn recommend(tools: &[Rated], preset: Preset) -> Result<Recommendation, RecommendError> {
    let mut policy = Document::deny_all();
    let mut notes = Vec::new();
    for tool in worst_by_name(tools) {
        if let Some(note) = unnameable(&tool.name) {
            notes.push(note);
            continue;
        }
        if tool.suspicious {
            notes.push(format!(
                "`{}` is hidden: its definition speaks to the model behind its user's back",
                tool.name
            ));
            policy.hide.push(tool.name.clone());
            continue;
        }
        match preset.treatment(tool.category) {
            Treatment::Allow => policy.tools.insert(&tool.name, Entry::default()),
            Treatment::PerMinute(max) => policy.tools.insert(&tool.name, Entry::limited(&tool.name, max)),
            Treatment::Deny(reason) => policy.tools.insert(&tool.name, Entry::denied(reason)),
            Treatment::Hide => policy.hide.push(tool.name.clone()),
            Treatment::LeaveOut => {}
        }
    }
    checked(Recommendation { policy, notes })
}

/// A policy for each server of a stack, in the order given.
///
/// # Errors
///
/// As [`recommend`], for the first server that has none.
pub fn recommend_stack(
    servers: &[(String, Vec<Rated>)],
    preset: Preset,
) -> Result<Vec<(&str, Recommendation)>, RecommendError> {
    servers.iter().map(|(server, tools)| Ok((server.as_str(), recommend(tools, preset)?))).collect()
}

fn worst_by_name(tools: &[Rated]) -> Vec<Rated> {
    let mut worst: Vec<Rated> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for tool in tools {
        let at = *places.entry(tool.name.as_str()).or_insert(worst.len());
        match worst.get_mut(at) {
            None => worst.push(tool.clone()),
            Some(known) => {
                known.category = known.category.max(tool.category);
                known.suspicious |= tool.suspicious;
            }
        }
    }
    worst
}

/// Why a policy cannot name a tool: its entry would mean other tools, or none.
fn unnameable(name: &str) -> Option<String> {
    if name.trim() != name || name.is_empty() || name.contains(char::is_control) {
        return Some(format!("{name:?} is left out, and so denied: a policy takes no such name"));
    }
    name.contains(['*', '?'])
        .then(|| format!("`{name}` is left out, and so denied: as an entry its name would match other tools"))
}

fn checked(recommendation: Recommendation) -> Result<Recommendation, RecommendError> {
    let text = recommendation.policy.to_json();
    match toolgate_policy::load(&text, Format::Json, "recommended") {
        Ok(_) => Ok(recommendation),
        Err(problems) => {
            let first = problems.first().map(|problem| problem.render("policy")).unwrap_or_default();
            Err(RecommendError::Unloadable(first))
        }
    }
}

#[cfg(test)]
mod tests;
