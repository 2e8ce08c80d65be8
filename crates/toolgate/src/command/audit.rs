//! `toolgate audit`: the journal, read offline; no gateway need run.

mod export;
mod show;
mod tail;
mod verify;

use clap::Subcommand;
use toolgate_journal::{KeyError, ReadError};

use crate::answer::{Done, Failure};
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Print the latest records, and follow what is appended
    Tail(tail::Arguments),
    /// Tell the story of one request
    Show(show::Arguments),
    /// Check every hash, the chain and the signatures
    Verify(verify::Arguments),
    /// Write records to standard output in another format
    Export(export::Arguments),
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Tail(arguments) => tail::run(arguments, shell),
        Arguments::Show(arguments) => show::run(arguments, shell),
        Arguments::Verify(arguments) => verify::run(arguments, shell),
        Arguments::Export(arguments) => export::run(arguments, shell),
    }
}

/// A journal that is not there cannot be reached; one that is damaged is an answer.
fn cannot_read(error: ReadError) -> Failure {
    match error {
        ReadError::File { .. } | ReadError::Key(KeyError::File { .. }) => Failure::unreachable(error),
        ReadError::Damaged { .. } | ReadError::Key(_) => Failure::from(error),
    }
}
