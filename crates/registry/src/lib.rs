//! The catalogue: servers and tools that exist, imported from registries and dumps, classified while they come in,
//! found by words. It lies in a file of its own, `catalog.db`. Entries are information: nothing here is ever in force,
//! and no import enables a server.
//!
//! [`import()`] reads dumps, [`pull`] a registry, [`list_remotes`] the tools of public servers; [`Catalog`] answers
//! questions. Nothing here knows the gateway, its store or its policies,
//! and no clock is read: time is a parameter.

mod catalog;
mod database;
mod entry;
mod error;
#[cfg(test)]
mod fake_server;
mod feed;
mod first;
mod import;
mod names;
mod pieces;
mod read;
mod remotes;
mod rows;
mod search;
mod terms;
mod web;
mod words;
mod writer;

pub use catalog::{Catalog, Listing, Page, ServerHit, Size, ToolEntry, ToolHit, VersionEntry};
pub use database::FILE;
pub use entry::{Status, Transport, Transports};
pub use error::{CatalogError, ImportError};
pub use feed::{FeedOptions, Pace, is_address, pull};
pub use import::{Dump, ImportOptions, LineProblem, Summary, import};
pub use names::read_names;
pub use remotes::{RemotesOptions, RemotesSummary, list_remotes};
pub use search::{PAGE_MOST, Search};
pub use writer::Tally;
