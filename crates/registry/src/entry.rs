//! Entries on their way into the catalogue: a tool with the machine's word on it, a server's version.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
pub use toolgate_catalog::precheck::Status;
use toolgate_catalog::{Assessment, Category, Definition, Label, Severity};

use crate::terms;

/// An entry that was read, and judged where it can be.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A tool.
    Tool(Box<NewTool>),
    /// A version of a server.
    Server(Box<NewServer>),
}

/// A tool to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewTool {
    pub(crate) server: String,
    pub(crate) name: String,
    pub(crate) title: String,
    /// As `tools/list` has it, in canonical form.
    pub(crate) definition: String,
    /// SHA-256 of the definition.
    pub(crate) hash: [u8; 32],
    pub(crate) verdict: Stored,
    /// What it is found by, but for what its server adds.
    pub(crate) terms: String,
}

/// What is stored of the machine's word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) confidence: f64,
    pub(crate) labels: Vec<Label>,
    pub(crate) reason: String,
}

/// A server's version to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewServer {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) status: Status,
    pub(crate) transports: Transports,
    /// Whether the registry says that it is the newest; none where it says nothing.
    pub(crate) is_latest: Option<bool>,
    pub(crate) published: Option<String>,
    pub(crate) updated: Option<String>,
    /// `server.json`, in canonical form.
    pub(crate) document: String,
    /// What the registry says beside it, in canonical form.
    pub(crate) meta: String,
    /// SHA-256 of both.
    pub(crate) hash: [u8; 32],
}

/// The status of a number in the database, where they have the order of all; of one that is unknown, the worst.
pub(crate) fn status_of(number: i64) -> Status {
    usize::try_from(number).ok().and_then(|n| Status::ALL.get(n).copied()).unwrap_or(Status::Deleted)
}

/// Its number in the database.
pub(crate) fn number_of(status: Status) -> i64 {
    Status::ALL.iter().zip(0..).find(|(one, _)| **one == status).map_or(2, |(_, number)| number)
}

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A child process.
    Stdio,
    /// A URL, with the transport since 2025-03-26.
    StreamableHttp,
    /// A URL, with the transport of 2024-11-05.
    Sse,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stdio, Self::StreamableHttp, Self::Sse];

    /// Its name in `server.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::StreamableHttp => "streamable-http",
            Self::Sse => "sse",
        }
    }

    /// The transport of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name() == name)
    }

    fn bit(self) -> i64 {
        match self {
            Self::Stdio => 1,
            Self::StreamableHttp => 2,
            Self::Sse => 4,
        }
    }
}

/// The ways in which a server is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transports(i64);

impl Transports {
    pub(crate) fn of_bits(bits: i64) -> Self {
        Self(bits & 7)
    }

    pub(crate) fn bits(self) -> i64 {
        self.0
    }

    pub(crate) fn add(&mut self, transport: Transport) {
        self.0 |= transport.bit();
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Transport> {
        Transport::ALL.into_iter().filter(move |transport| self.0 & transport.bit() != 0)
    }
}

impl Stored {
    fn of(assessment: Assessment) -> Self {
        let Assessment { category, severity, confidence, reason, labels, .. } = assessment;
        Self { category, severity, confidence, labels, reason }
    }

    /// The labels as a set of bits, in the order of all labels.
    pub(crate) fn label_bits(&self) -> i64 {
        let bits = Label::ALL.iter().zip(0..).filter(|(label, _)| self.labels.contains(label));
        bits.fold(0, |set, (_, bit)| set | (1_i64 << bit))
    }
}

/// The labels of a set of bits.
pub(crate) fn labels_of(bits: i64) -> Vec<Label> {
    let labels = Label::ALL.into_iter().zip(0..).filter(|(_, bit)| bits & (1_i64 << bit) != 0);
    labels.map(|(label, _)| label).collect()
}

impl NewTool {
    /// Judges a tool.
    pub(crate) fn new(definition: &Definition, canonical: String) -> Self {
        let verdict = Stored::of(toolgate_catalog::classify(definition));
        let terms = terms::of_tool(definition, &verdict);
        Self {
            server: definition.server.clone(),
            name: definition.name.clone(),
            title: definition.title.clone(),
            hash: Sha256::digest(&canonical).into(),
            definition: canonical,
            verdict,
            terms,
        }
    }
}

/// The tool of a server by its definition as `tools/list` has it.
pub(crate) fn definition_of(server: &str, text: &str) -> Result<Definition, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let definition = Definition::from_value(&value).map_err(|error| error.to_string())?;
    // A member `tool`, which rows of dumps have, means nothing here.
    let name = value.get("name").and_then(serde_json::Value::as_str);
    let name = name.ok_or("a tool definition needs its name as a string")?.to_owned();
    Ok(Definition { server: server.to_owned(), name, ..definition })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_come_back_as_they_were() {
        for bits in 0..256 {
            let labels = labels_of(bits);
            let stored = Stored {
                category: Category::Read,
                severity: Severity::Low,
                confidence: 1.0,
                labels,
                reason: String::new(),
            };
            assert_eq!(stored.label_bits(), bits);
        }
        for bits in 0..8 {
            let mut set = Transports::default();
            Transports::of_bits(bits).iter().for_each(|transport| set.add(transport));
            assert_eq!(set.bits(), bits);
        }
        for status in Status::ALL {
            assert_eq!(status_of(number_of(status)), status);
        }
    }
}
