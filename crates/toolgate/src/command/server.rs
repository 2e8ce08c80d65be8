//! `toolgate server`: the servers of a running gateway, over its admin API.

mod add;
mod list;
mod remove;

use clap::Subcommand;

use crate::answer::Done;
use crate::config::is_server_name;
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Add a server, if it answers
    Add(add::Arguments),
    /// List the servers, and how they are
    List(list::Arguments),
    /// Remove a server that no grant includes
    Remove(remove::Arguments),
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Add(arguments) => add::run(arguments, shell),
        Arguments::List(arguments) => list::run(arguments, shell),
        Arguments::Remove(arguments) => remove::run(arguments, shell),
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    if is_server_name(text) {
        return Ok(text.to_owned());
    }
    Err("use at most 64 of `a-z`, `0-9`, `_` and `-`, and begin with a letter or digit".to_owned())
}
