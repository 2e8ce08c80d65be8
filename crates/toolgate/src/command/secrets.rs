//! `toolgate secrets`: the key under which headers and variables of servers are kept.

mod rotate_key;

use clap::Subcommand;

use crate::answer::Done;
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Keep all secrets under another key
    RotateKey(rotate_key::Arguments),
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::RotateKey(arguments) => rotate_key::run(arguments, shell),
    }
}
