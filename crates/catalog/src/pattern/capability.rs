//! What a tool must be able to do: a small expression over its assessment.

use serde::{Deserialize, Serialize};

use crate::assessment::{Assessment, Category, Label, Severity, Signal};

/// A condition on an assessment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// All of these hold.
    All(Vec<Capability>),
    /// One of these holds.
    Any(Vec<Capability>),
    /// This does not hold.
    Not(Box<Capability>),
    /// The category is this one.
    Category(Category),
    /// The severity is this one or worse.
    Severity(Severity),
    /// The arguments take this.
    Signal(Signal),
    /// The tool has this label.
    Label(Label),
    /// Whether the definition has suspicious text.
    Suspicious(bool),
}

impl Capability {
    /// Whether a tool is like this.
    #[must_use]
    pub fn holds(&self, tool: &Assessment) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(tool)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(tool)),
            Self::Not(part) => !part.holds(tool),
            Self::Category(category) => tool.category == *category,
            Self::Severity(severity) => tool.severity >= *severity,
            Self::Signal(signal) => tool.has_signal(*signal),
            Self::Label(label) => tool.has_label(*label),
            Self::Suspicious(expected) => tool.suspicious.is_empty() != *expected,
        }
    }
}
