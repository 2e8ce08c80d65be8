//! `toolgate catalog`: servers and tools that exist, whether or not anything here uses them.

mod import;
mod progress;
mod search;
mod show;

use clap::Subcommand;
use toolgate_registry::{CatalogError, ImportError};

use crate::answer::{Done, Failure};
use crate::shell::Shell;

/// The command that fills a catalogue.
pub(crate) const FILL: &str = "toolgate catalog import https://registry.modelcontextprotocol.io";

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Read a registry or a dump into the catalogue, and classify its tools; nothing is enabled by it
    Import(import::Arguments),
    /// Find tools, or servers, by words
    Search(search::Arguments),
    /// A tool's page: what it is, how risky and why, which attacks it invites, the policy to put on it
    Show(show::Arguments),
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Import(arguments) => import::run(arguments, shell),
        Arguments::Search(arguments) => search::run(arguments, shell),
        Arguments::Show(arguments) => show::run(arguments, shell),
    }
}

/// What an error of the catalogue means for the exit code.
fn failure(error: CatalogError) -> Failure {
    match error {
        CatalogError::Limit(_) | CatalogError::Cursor => Failure::usage(error),
        CatalogError::TimedOut { .. }
        | CatalogError::File { .. }
        | CatalogError::Importing
        | CatalogError::Database(_) => Failure::unreachable(error),
        CatalogError::Format { .. } => error.into(),
    }
}

/// What an import that broke off means for the exit code.
fn broken(error: ImportError) -> Failure {
    match error {
        ImportError::Catalog(error) => failure(error),
        ImportError::Read { .. } | ImportError::Registry { .. } => Failure::unreachable(error),
        ImportError::Form { .. } | ImportError::Broken(_) => error.into(),
    }
}
