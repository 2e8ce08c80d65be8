//! What the admin API needs of a running gateway: one seam, so that the API is tested without one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::broadcast;
use toolgate_gateway::ProbeReport;
use toolgate_gateway::settings::{ServerSettings, Settings};
use toolgate_policy::Format;
use toolgate_store::FileNames;

/// What is answered later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A running gateway.
pub trait Running: fmt::Debug + Send + Sync {
    /// The settings in force: those of the file and those of the store.
    fn settings(&self) -> Arc<Settings>;

    /// What the config file manages, as of the last time that it was read.
    fn file(&self) -> Arc<FileView>;

    /// Reads file and store again and takes both over at once. A call that comes after the answer is judged
    /// by the new settings. On an error nothing changed: every reason, a line each.
    fn reload(&self) -> Answer<'_, Result<(), Vec<String>>>;

    /// How the servers are.
    fn servers(&self) -> Vec<ServerHealth>;

    /// The tools of a server as it lists them now; on an error why it cannot be asked.
    fn tools<'a>(&'a self, server: &'a str) -> Answer<'a, Result<Vec<ToolListing>, String>>;

    /// Connects to a server that is not one yet, and tells what it speaks and offers, or why it does not.
    fn test<'a>(&'a self, server: &'a ServerSettings) -> Answer<'a, Result<ProbeReport, String>>;

    /// How full the counters are.
    fn limits(&self) -> Vec<CounterState>;

    /// What happens from now on.
    fn events(&self) -> broadcast::Receiver<LiveEvent>;

    /// Writes into the journal who changed what.
    ///
    /// # Errors
    ///
    /// It cannot be written; the text says why.
    fn note(&self, noted: &Noted<'_>) -> Result<(), String>;

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

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHealth {
    /// Its name.
    pub name: String,
    /// Whether the last attempts to reach it failed.
    pub down: bool,
    /// Calls on their way.
    pub in_flight: usize,
    /// Calls that may be on their way at once.
    pub places: usize,
    /// The eras or revisions that it is known to speak.
    pub speaks: Vec<String>,
}

/// A tool as its server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolListing {
    /// Its name.
    pub name: String,
    /// The definition: a JSON object, as the server gave it.
    pub definition: String,
    /// Hash of the definition, as the journal names it.
    pub hash: String,
}

/// How full a limit's window is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterState {
    /// The policy that has the limit.
    pub policy: String,
    /// The counter.
    pub counter: String,
    /// What counts together: `GRANT@SERVER`, `@SERVER`, or nothing where the whole policy does.
    pub subject: String,
    /// Whether the limit is in shadow.
    pub shadow: bool,
    /// What its window holds: a decimal number.
    pub used: String,
    /// What it may hold, as of the last call; `0` after a restart until the first one.
    pub max: String,
}

/// Something that happened, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// `call`, `denial`, `outcome`, `health`, `reload` and the like: `[a-z_]`.
    pub kind: &'static str,
    /// A JSON object on one line.
    pub json: Arc<str>,
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
    /// Somebody signed in or out.
    Session,
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
            Self::Session => "session",
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
    /// Where the data plane listens.
    pub data_plane: Option<SocketAddr>,
    /// Why the journal cannot be written; none if it can.
    pub journal_problem: Option<String>,
    /// Why changed files are not in use; empty if all are.
    pub reload_problems: Vec<String>,
    /// Sessions of clients.
    pub sessions: usize,
    /// Calls on their way.
    pub calls_in_flight: usize,
}
