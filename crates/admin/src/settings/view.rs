//! What the gateway runs with, as the API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use toolgate_gateway::settings::{Durability, Settings};
use utoipa::ToSchema;

use crate::servers::ManagedBy;

/// What the gateway runs with. Most of it is set in the config file; the limits can be set here too.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingsView {
    /// The config file.
    pub(super) file: String,
    /// Where the data plane listens.
    listen: String,
    /// Where the console listens.
    console: String,
    /// Whether the data plane speaks TLS.
    tls: bool,
    /// Whether browsers reach the console by https.
    console_https: bool,
    /// Threads of the data plane; 0 is one for each core.
    workers: usize,
    /// Host names that requests may carry, beyond loopback names and the listen address.
    allowed_hosts: Vec<String>,
    /// Origins that browsers may send.
    allowed_origins: Vec<String>,
    /// Whether servers that are commands may be made through this API.
    pub(super) allow_commands_from_api: bool,
    /// What a request, an answer and a grant may cost.
    limits: LimitSettingsView,
    /// Who set those limits that are not the default.
    pub(super) limits_set_by: BTreeMap<String, ManagedBy>,
    /// How the journal is kept.
    journal: JournalSettingsView,
    /// When limits were set here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated: Option<String>,
    /// Who did that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    /// The `ETag` that a change must name.
    pub(super) etag: String,
}

/// What a request, an answer and a grant may cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitSettingsView {
    /// Bytes of a request's body.
    body: usize,
    /// Bytes of an answer, or of one event of it.
    result: usize,
    /// Levels of nesting in a message.
    depth: usize,
    /// Values and member names in a message.
    values: usize,
    /// Header lines of a request.
    headers: usize,
    /// Client connections open at once.
    connections: usize,
    /// Calls of one grant in flight.
    in_flight_per_grant: usize,
    /// Calls to one server in flight.
    in_flight_per_server: usize,
    /// Live sessions of one grant.
    sessions_per_grant: usize,
    /// Open event streams of one grant.
    streams_per_grant: usize,
}

/// How the journal is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalSettingsView {
    /// What a written record survives: a crash of the `process`, or also of the machine (`power`).
    durability: &'static str,
    /// Bytes at which a file is full and the next begins.
    rotate: u64,
    /// Bytes that all files may take; absent keeps all.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_bytes: Option<u64>,
    /// Age in seconds at which a file is removed; absent keeps all.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_seconds: Option<u64>,
    /// Free bytes on the disk below which calls are refused.
    low_water: u64,
}

impl From<&Settings> for SettingsView {
    fn from(settings: &Settings) -> Self {
        let (limits, journal) = (settings.limits, settings.journal);
        Self {
            file: String::new(),
            listen: settings.listen.to_string(),
            console: settings.console.to_string(),
            tls: settings.tls.is_some(),
            console_https: settings.console_is_https(),
            workers: settings.workers,
            allowed_hosts: settings.allowed_hosts.clone(),
            allowed_origins: settings.allowed_origins.clone(),
            allow_commands_from_api: false,
            limits: LimitSettingsView {
                body: limits.body,
                result: limits.result,
                depth: limits.depth,
                values: limits.values,
                headers: limits.headers,
                connections: limits.connections,
                in_flight_per_grant: limits.in_flight_per_grant,
                in_flight_per_server: limits.in_flight_per_server,
                sessions_per_grant: limits.sessions_per_grant,
                streams_per_grant: limits.streams_per_grant,
            },
            limits_set_by: BTreeMap::new(),
            updated: None,
            author: None,
            etag: String::new(),
            journal: JournalSettingsView {
                durability: match journal.durability {
                    Durability::Process => "process",
                    Durability::Power => "power",
                },
                rotate: journal.rotate,
                keep_bytes: journal.keep_bytes,
                keep_seconds: journal.keep_age.map(|age| age.as_secs()),
                low_water: journal.low_water,
            },
        }
    }
}
