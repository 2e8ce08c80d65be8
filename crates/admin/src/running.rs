//! What the admin API needs of a running gateway: one seam, so that the API is tested without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::broadcast;
use toolgate_gateway::settings::{ServerSettings, Settings};
use toolgate_gateway::{
    ConsoleRefusal, LiveEvent, Occupancy, Pending, ProbeReport, ProbedTool, ServerState, Survey,
};
use toolgate_policy::Format;
use toolgate_store::FileNames;

/// A running gateway.
pub trait Running: fmt::Debug + Send + Sync {
    /// The settings in force: those of the file and those of the store.
    fn settings(&self) -> Arc<Settings>;

    /// What the config file manages, as of the last time that it was read.
    fn file(&self) -> Arc<FileView>;

    /// Reads file and store again and takes both over at once. A call that comes after the answer is judged
    /// by the new settings. On an error nothing changed: every reason, a line each.
    fn reload(&self) -> Pending<'_, Result<(), Vec<String>>>;

    /// How the servers are.
    fn servers(&self) -> Vec<ServerState>;

    /// The tools of a server as it lists them now; on an error why it cannot be asked.
    fn tools<'a>(&'a self, server: &'a str) -> Pending<'a, Result<Vec<ProbedTool>, String>>;

    /// The tools that a server's calls are judged by; none where none were needed yet. Nobody is asked.
    fn known_tools(&self, server: &str) -> Option<Vec<ProbedTool>>;

    /// All that a server offers now, or why it cannot be asked.
    fn survey<'a>(&'a self, server: &'a str) -> Pending<'a, Result<Survey, String>>;

    /// Connects to a server that is not one yet, and tells what it speaks and offers, or why it does not.
    fn test<'a>(&'a self, server: &'a ServerSettings) -> Pending<'a, Result<ProbeReport, String>>;

    /// How full the counters are.
    fn limits(&self) -> Vec<Occupancy>;

    /// What happens from now on.
    fn events(&self) -> broadcast::Receiver<LiveEvent>;

    /// Writes into the journal who changed what.
    ///
    /// # Errors
    ///
    /// It cannot be written; the text says why.
    fn note(&self, noted: &Noted<'_>) -> Result<(), String>;

    /// Counts a request that was refused, for the journal: all of one client and reason within a second make one
    /// record.
    fn refused(&self, client: IpAddr, refused: ConsoleRefusal);

    /// How the gateway itself is.
    fn health(&self) -> GatewayHealth;
}

/// The config file as the gateway read it.
#[derive(Clone, Debug, Default)]
pub struct FileView {
    /// Its names, which the store cannot have.
    pub names: FileNames,
    /// The documents of its policies, by name.
    pub policies: BTreeMap<String, FilePolicy>,
    /// The limits that it sets.
    pub limits: BTreeSet<String>,
    /// `allow_commands_from_api`: whether servers that are commands may be made through the API.
    pub allow_commands: bool,
}

/// A policy's document in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePolicy {
    /// How it is written.
    pub format: Format,
    /// Its text.
    pub text: String,
}

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A server.
    Server,
    /// A policy.
    Policy,
    /// A grant.
    Grant,
    /// A user.
    User,
    /// A token of the admin API.
    AdminToken,
    /// What a person says of a tool's risk.
    Override,
    /// Somebody signed in or out.
    Session,
    /// What the gateway runs with.
    Settings,
}

impl Subject {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Policy => "policy",
            Self::Grant => "grant",
            Self::User => "user",
            Self::AdminToken => "admin token",
            Self::Override => "override",
            Self::Session => "session",
            Self::Settings => "settings",
        }
    }
}

/// Who changed what, for the journal.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// Who did it.
    pub author: &'a str,
    /// What it was about.
    pub subject: Subject,
    /// The name of that.
    pub name: &'a str,
    /// What was done, in words; no secret among them.
    pub detail: &'a str,
}

/// How the gateway itself is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayHealth {
    /// Where the data plane listens; none before it does.
    pub data_plane: Option<SocketAddr>,
    /// Why the journal cannot be written; none if it can.
    pub journal_problem: Option<String>,
    /// Why changed files are not in use; empty if all are.
    pub reload_problems: Vec<String>,
    /// Sessions of clients.
    pub sessions: usize,
}
