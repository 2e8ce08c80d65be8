//! `toolgate policy`: what a policy says, without a gateway.

mod explain;
mod recommend;
mod schema;

use clap::Subcommand;

pub(crate) use recommend::{Choice as PresetChoice, print as print_recommended};

use crate::answer::Done;
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Judge one call and tell what every rule says about it
    Explain(Box<explain::Arguments>),
    /// Propose a policy for the tools of a server, by their risk
    Recommend(Box<recommend::Arguments>),
    /// Print the JSON Schema of policy documents, for editors
    Schema,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Explain(arguments) => explain::run(arguments, shell),
        Arguments::Recommend(arguments) => recommend::run(arguments, shell),
        Arguments::Schema => schema::run(shell),
    }
}
