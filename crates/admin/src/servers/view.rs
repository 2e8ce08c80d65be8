//! A server as the API shows it: without any secret.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toolgate_gateway::ServerState;
use toolgate_gateway::settings::{Reach as SetReach, ServerSettings};
use toolgate_store::{Address, Reach, Role, Server, ServerSpec};
use utoipa::ToSchema;

use crate::moment;
use crate::precondition::{file_tag, tag};

/// Which era of its protocol a server is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// Found by asking.
    #[default]
    Auto,
    /// Revisions up to 2025-11-25 only.
    Legacy,
    /// 2026-07-28 only.
    Modern,
}

/// Who has the say over a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ManagedBy {
    /// The config file: read-only here.
    File,
    /// The API.
    Api,
}

/// A server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerView {
    /// Its name.
    name: String,
    /// Who has the say over it.
    managed_by: ManagedBy,
    /// Where it is reached by HTTP; values of the query are shown as `***`.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The program of a server that is a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// Its arguments; shown to administrators alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Vec<String>>,
    /// Whether one child process serves all sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<bool>,
    /// The names of its secret headers or variables.
    secrets: Vec<String>,
    /// Which era of the protocol it is spoken to in.
    protocol: Protocol,
    /// How long it may stay without a byte or progress, in milliseconds.
    timeout_ms: u64,
    /// How long one call may take in all, in milliseconds.
    max_duration_ms: u64,
    /// Whether calls go there.
    enabled: bool,
    /// How it is; absent where it is not in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthView>,
    /// The `ETag` that changes must name.
    etag: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// When it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

/// How a server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// Whether the last attempts to reach it failed.
    down: bool,
    /// Calls on their way.
    in_flight: usize,
    /// Calls that may be on their way at once.
    places: usize,
    /// How many tools it listed last; absent while it was never asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<usize>,
}

impl From<&ServerState> for HealthView {
    fn from(state: &ServerState) -> Self {
        let ServerState { down, in_flight, places, tools, .. } = *state;
        Self { down, in_flight, places, tools }
    }
}

impl ServerView {
    /// A server of the store.
    pub(crate) fn of_store(server: &Server, role: Role) -> Self {
        let Server { name, spec, secrets, meta } = server;
        let (url, program, args, shared) = match &spec.reach {
            Reach::Http { url } => (Some(url.shown().to_owned()), None, None, None),
            Reach::Command { program, args, shared } => {
                (None, Some(program.clone()), Some(args.clone()), Some(*shared))
            }
        };
        Self {
            name: name.clone(),
            managed_by: ManagedBy::Api,
            url,
            program,
            args: args.filter(|_| role == Role::Admin),
            shared,
            secrets: secrets.clone(),
            protocol: spec.protocol.into(),
            timeout_ms: millis(spec.timeout),
            max_duration_ms: millis(spec.max_duration),
            enabled: spec.enabled,
            health: None,
            etag: tag(meta.revision),
            created: Some(moment::show(meta.created)),
            updated: Some(moment::show(meta.updated)),
            author: Some(meta.author.clone()),
        }
    }

    /// A server of the config file.
    pub(crate) fn of_file(server: &ServerSettings, role: Role) -> Self {
        let (url, program, args, shared, secrets) = match &server.reach {
            SetReach::Http { url, headers } => {
                let names = headers.iter().map(|(name, _)| name.to_string()).collect();
                (Some(Address::new(&url.to_string()).shown().to_owned()), None, None, None, names)
            }
            SetReach::Command { program, args, env, shared } => {
                let names: Vec<String> = env.iter().map(|(name, _)| name.clone()).collect();
                (None, Some(program.clone()), Some(args.clone()), Some(*shared), names)
            }
        };
        let protocol = Protocol::from(server.protocol);
        let content =
            format!("{url:?}{program:?}{args:?}{shared:?}{secrets:?}{protocol:?}{:?}", server.timeout);
        Self {
            name: server.name.clone(),
            managed_by: ManagedBy::File,
            url,
            program,
            args: args.filter(|_| role == Role::Admin),
            shared,
            secrets,
            protocol,
            timeout_ms: millis(server.timeout),
            max_duration_ms: millis(server.max_duration),
            enabled: true,
            health: None,
            etag: file_tag(&content),
            created: None,
            updated: None,
            author: None,
        }
    }

    /// Its tag.
    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }

    /// Adds how it is.
    pub(crate) fn set_health(&mut self, all: &[ServerState]) {
        self.health = all.iter().find(|health| health.name == self.name).map(HealthView::from);
    }
}

impl From<toolgate_store::Protocol> for Protocol {
    fn from(protocol: toolgate_store::Protocol) -> Self {
        match protocol {
            toolgate_store::Protocol::Auto => Self::Auto,
            toolgate_store::Protocol::Legacy => Self::Legacy,
            toolgate_store::Protocol::Modern => Self::Modern,
        }
    }
}

impl From<toolgate_gateway::settings::Protocol> for Protocol {
    fn from(protocol: toolgate_gateway::settings::Protocol) -> Self {
        match protocol {
            toolgate_gateway::settings::Protocol::Auto => Self::Auto,
            toolgate_gateway::settings::Protocol::Legacy => Self::Legacy,
            toolgate_gateway::settings::Protocol::Modern => Self::Modern,
        }
    }
}

/// Where a server is reached, for the journal: neither query nor arguments, which may hold secrets.
pub(crate) fn place(spec: &ServerSpec) -> String {
    match &spec.reach {
        Reach::Http { url } => url.shown().to_owned(),
        Reach::Command { program, .. } => format!("command `{program}`"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
