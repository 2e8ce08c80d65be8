//! Entries of the catalogue as the API shows them.

use serde::Serialize;
use serde_json::value::RawValue;
use toolgate_catalog::{Label, classify, patterns_for};
use toolgate_registry::{ServerHit, ToolEntry, ToolHit, Transport, VersionEntry};
use utoipa::ToSchema;

/// A tool with the classifier's word on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogTool)]
pub(crate) struct ToolView {
    /// The server.
    server: String,
    /// `active`, `deprecated` or `deleted`, as the server's registry says.
    server_status: &'static str,
    /// The tool's name.
    tool: String,
    /// The name shown to people; may be empty.
    title: String,
    /// What the server says about it; may be empty.
    description: String,
    /// `read`, `write`, `execute`, `destructive` or `financial`.
    category: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    severity: &'static str,
    /// How sure the classifier is, from 0 to 1.
    confidence: f64,
    /// What it is to flows.
    labels: Vec<&'static str>,
    /// Why, in a sentence.
    reason: String,
    /// SHA-256 of the definition in canonical form, hexadecimal.
    hash: String,
}

impl From<ToolHit> for ToolView {
    fn from(hit: ToolHit) -> Self {
        Self {
            server: hit.server,
            server_status: hit.server_status.name(),
            tool: hit.name,
            title: hit.title,
            description: hit.description,
            category: hit.category.name(),
            severity: hit.severity.name(),
            confidence: hit.confidence,
            labels: hit.labels.into_iter().map(Label::name).collect(),
            reason: hit.reason,
            hash: hit.hash,
        }
    }
}

/// A tool, whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogToolDetail)]
pub(crate) struct ToolDetail {
    #[serde(flatten)]
    tool: ToolView,
    /// The definition as `tools/list` has it.
    #[schema(value_type = Object)]
    definition: Box<RawValue>,
    /// Ids of the attack patterns that it invites.
    attacks: Vec<&'static str>,
}

impl From<ToolEntry> for ToolDetail {
    fn from(entry: ToolEntry) -> Self {
        let attacks = patterns_for(&classify(&entry.definition));
        Self {
            tool: entry.hit.into(),
            definition: raw(entry.text),
            attacks: attacks.iter().map(|pattern| pattern.id.as_str()).collect(),
        }
    }
}

/// A server by its newest version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogServer)]
pub(crate) struct ServerView {
    /// The name.
    name: String,
    /// The name shown to people; may be empty.
    title: String,
    /// What its publisher says about it; may be empty.
    description: String,
    /// The newest version; empty where only tools of it are known.
    version: String,
    /// `active`, `deprecated` or `deleted`, as its registry says.
    status: &'static str,
    /// How it is reached.
    transports: Vec<&'static str>,
    /// When the version was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    /// When it changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// How many of its tools are known.
    tools: u64,
}

impl From<ServerHit> for ServerView {
    fn from(hit: ServerHit) -> Self {
        Self {
            name: hit.name,
            title: hit.title,
            description: hit.description,
            version: hit.version,
            status: hit.status.name(),
            transports: hit.transports.iter().map(Transport::name).collect(),
            published: hit.published,
            updated: hit.updated,
            tools: hit.tools,
        }
    }
}

/// A server with its versions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogServerDetail)]
pub(crate) struct ServerDetail {
    #[serde(flatten)]
    server: ServerView,
    /// The versions, the one that is shown first; at most 1000.
    versions: Vec<VersionView>,
}

/// A version of a server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogVersion)]
struct VersionView {
    /// The version.
    version: String,
    /// `server.json` as its registry has it.
    #[schema(value_type = Object)]
    server: Box<RawValue>,
    /// What the registry says beside it.
    #[schema(value_type = Object)]
    meta: Box<RawValue>,
}

impl ServerDetail {
    pub(crate) fn new(hit: ServerHit, versions: Vec<VersionEntry>) -> Self {
        let view = |entry: VersionEntry| VersionView {
            version: entry.version,
            server: raw(entry.document),
            meta: raw(entry.meta),
        };
        Self { server: hit.into(), versions: versions.into_iter().map(view).collect() }
    }
}

/// Stored JSON as it stands.
fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
