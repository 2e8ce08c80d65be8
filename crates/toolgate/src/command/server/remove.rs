//! `toolgate server remove`

use clap::Args;

use super::parse_name;
use crate::answer::{Answer, Done};
use crate::api::Target;
use crate::shell::Shell;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server
    #[arg(value_parser = parse_name)]
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let name = &arguments.name;
    arguments.target.reach(shell)?.delete(&format!("servers/{name}"))?;
    if arguments.json {
        shell.json(&serde_json::json!({ "name": name, "removed": true }))?;
    } else {
        shell.line(format_args!("The server `{name}` is removed, and its secrets with it."))?;
    }
    Ok(Answer::Yes)
}
