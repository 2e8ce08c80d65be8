//! The configuration files of MCP clients: where each client keeps them on each platform, which servers they
//! name, and how an entry is pointed somewhere else with all the rest of its file left byte for byte.
//!
//! No network and no environment: platform, folders and variables are given. Nothing here starts a program.

mod client;
mod entry;
mod file;
mod launch;
mod place;
mod reference;
mod rewrite;
mod secret;
mod syntax;

pub use crate::client::Client;
pub use crate::entry::{Entry, EntryError, entries};
pub use crate::file::{FileError, Held, hold, replace};
pub use crate::launch::{Launch, launch};
pub use crate::place::{Folders, Place, Platform, Scope, places};
pub use crate::reference::Variables;
pub use crate::rewrite::{Target, point};
pub use crate::secret::is_secret_argument;
pub use crate::syntax::{Syntax, SyntaxError};
