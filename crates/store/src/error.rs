//! Why an operation on the store failed, told so that the caller can answer it and a person can act on it.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::key::KeyError;

/// What a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An upstream server.
    Server,
    /// A policy.
    Policy,
    /// One version of a policy.
    PolicyVersion,
    /// A grant of the data plane.
    Grant,
    /// A person who signs in.
    User,
    /// A token of the admin API.
    AdminToken,
    /// A link that signs in once.
    SignInLink,
    /// A signed-in browser.
    Session,
    /// A pinned tool definition.
    Pin,
    /// What a person says of a tool's risk.
    RiskOverride,
    /// A call that waits for a person.
    Approval,
    /// A setting.
    Setting,
    /// A value that is kept encrypted.
    Secret,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Policy => "policy",
            Self::PolicyVersion => "policy version",
            Self::Grant => "grant",
            Self::User => "user",
            Self::AdminToken => "admin token",
            Self::SignInLink => "sign-in link",
            Self::Session => "session",
            Self::Pin => "pin",
            Self::RiskOverride => "override",
            Self::Approval => "approval",
            Self::Setting => "setting",
            Self::Secret => "secret",
        })
    }
}

/// Who has the say over a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagedBy {
    /// The API; it stands in the store.
    Api,
    /// The config file of this path.
    File(PathBuf),
}

impl fmt::Display for ManagedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => f.write_str("managed by the API"),
            Self::File(path) => write!(f, "managed by the file {}", path.display()),
        }
    }
}

/// Why an operation failed; nothing was changed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No such thing.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// Its name or id.
        name: String,
    },
    /// The name is in use.
    #[error("there is a {kind} `{name}` already, {managed_by}: choose another name")]
    NameTaken {
        /// What was to be made.
        kind: Kind,
        /// The name.
        name: String,
        /// Who has it.
        managed_by: ManagedBy,
    },
    /// The config file manages it, so that it is read-only here.
    #[error("the {kind} `{name}` is managed by the file {path}: change it there")]
    ManagedByFile {
        /// What was to be changed.
        kind: Kind,
        /// Its name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// It was changed since the caller looked.
    #[error("the {kind} `{name}` was changed meanwhile (revision {current}): look at it again")]
    Conflict {
        /// What was to be changed.
        kind: Kind,
        /// Its name.
        name: String,
        /// The revision that it has now.
        current: i64,
    },
    /// Others refer to it.
    #[error("the {kind} `{name}` is in use by {}: detach it there first", quoted(.by))]
    InUse {
        /// What was to be removed.
        kind: Kind,
        /// Its name.
        name: String,
        /// The labels of the grants that refer to it.
        by: Vec<String>,
    },
    /// The token opens something else already.
    #[error("the token is in use already: give each its own")]
    TokenTaken,
    /// The grant of the config file was revoked.
    #[error("the grant `{label}` was revoked: make one with another label")]
    Revoked {
        /// The grant.
        label: String,
    },
    /// Somebody decided before, or the time was over.
    #[error("the approval `{id}` is {state}: it can no longer be decided")]
    Decided {
        /// The approval.
        id: String,
        /// What became of it.
        state: &'static str,
    },
    /// A value that cannot be kept.
    #[error("{what}: {advice}")]
    Invalid {
        /// What is wrong.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// A server would get secrets that were entered for another place.
    #[error("the server `{server}` is reached in another way now: enter {} again, or remove them", quoted(.names))]
    SecretsNeeded {
        /// The server.
        server: String,
        /// The headers or variables.
        names: Vec<String>,
    },
    /// Secrets cannot be sealed or opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another process writes for longer than the time that was waited.
    #[error("{path} is locked by another process: try again, or find who holds it with `fuser {path}`")]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// No room.
    #[error("the disk of {path} is full: nothing was changed; free some space")]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("{path} cannot be opened for writing ({detail}): check owner and mode of file and folder")]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What the database said.
        detail: String,
    },
    /// Damaged, or no database at all.
    #[error("{path} is damaged ({detail}): move it away and restore a backup")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A database of another program.
    #[error("{path} is a database of another program: choose another data directory")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{path} has format {found}, newer than this program knows ({known}): use the newer program")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else that the database says.
    #[error("{path}: the database says: {detail}")]
    Database {
        /// The database.
        path: PathBuf,
        /// Its words.
        detail: String,
    },
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

impl StoreError {
    pub(crate) fn not_found(kind: Kind, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }
}

/// What an error of the system means.
pub(crate) fn io_error(path: &Path, source: std::io::Error) -> StoreError {
    let path = path.to_path_buf();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, detail: source.to_string() }
        }
        _ => StoreError::Io { path, source },
    }
}
