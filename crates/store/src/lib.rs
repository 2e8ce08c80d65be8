//! What Toolgate keeps beside its journal: servers, policies with every version, grants, people, pins,
//! approvals and settings, with secrets encrypted; backup and restore. The crate keeps and gives back. What a
//! policy means, what a server speaks and who may change what is decided above it.
//!
//! Time is a parameter; nothing is ordered by it. Ids and revisions come from one counter of the store, so
//! that an `ETag` fits one state of one resource. [`Store::changes`] tells a watcher, also in another process,
//! whether to read [`Store::contents`] again.
//!
//! Behind [`Store`] stands SQLite. The statements are written so that PostgreSQL runs them as they are. What a
//! second backend brings of its own: how it connects, begins to write and names its errors
//! (`database/sqlite.rs`), how it finds its format (`format.rs`), and its backup, where PostgreSQL has tools
//! of its own (`backup.rs`).

mod address;
mod approval;
mod backup;
mod change;
mod contents;
mod database;
mod error;
mod format;
mod grant;
mod key;
mod key_source;
mod person;
mod pin;
mod policy;
mod risk_override;
mod rotation;
mod secret;
mod server;
mod setting;
mod sighting;
mod sign_in;
mod store;
mod usage;
mod vault;

pub use address::Address;
pub use approval::{Approval, ApprovalState, Approvals, Call, Verdict};
pub use backup::{Examination, Restored};
pub use change::{Change, Expect, FileNames, Meta, Page};
pub use contents::{Contents, LoadedServer};
pub use error::{Kind, ManagedBy, StoreError};
pub use format::FORMAT;
pub use grant::{
    Binding, GRANTS_FILE, Grant, GrantSpec, Grants, Imported, Minted, NameStyle, Token, Tombstone,
};
pub use key::KeyError;
pub use key_source::KeySource;
pub use person::{AdminToken, AdminTokens, Role, User, Users};
pub use pin::{Pin, PinState, Pins};
pub use policy::{Document, Policies, Policy, PolicyVersion, Syntax};
pub use risk_override::{RiskOverride, RiskOverrides, RiskWord};
pub use rotation::{NextKey, Rotated};
pub use secret::{Secret, TokenHash};
pub use server::{OpenServer, Protocol, Reach, SecretChanges, Server, ServerSpec, Servers, filled_arguments};
pub use setting::{Setting, Settings};
pub use sighting::{Sighting, Sightings};
pub use sign_in::{Link, NewSession, Session, SignIn};
pub use store::{Changes, FILE, Options, Store};
pub use usage::Uses;
