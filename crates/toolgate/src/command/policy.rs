//! `toolgate policy`: what a policy says, without a gateway.

mod explain;
mod schema;

use clap::Subcommand;

use crate::answer::Done;
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Judge one call and tell what every rule says about it
    Explain(Box<explain::Arguments>),
    /// Print the JSON Schema of policy documents, for editors
    Schema,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Explain(arguments) => explain::run(arguments, shell),
        Arguments::Schema => schema::run(shell),
    }
}
