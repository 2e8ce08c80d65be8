//! `toolgate scan`: what the tools of a server can do, and which policy to begin with.

mod definitions;
pub(crate) mod listing;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::answer::{Answer, Done};
use crate::shell::Shell;

use report::Scanned;

#[derive(Debug, Args)]
#[command(
    after_help = "A command gets PATH, HOME, LANG, TMPDIR and the variables named by --env, as from a gateway."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print one JSON object a line, one for each tool
    #[arg(long, conflicts_with = "policy")]
    json: bool,
    /// Print the recommended policy in place of the tools
    #[arg(long, conflicts_with = "definitions")]
    policy: bool,
}

/// Where tools come from.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The server's endpoint, such as `https://example.com/mcp`
    #[arg(value_name = "URL", required_unless_present_any = ["command", "definitions"], conflicts_with_all = ["command", "definitions"])]
    url: Option<String>,
    /// The command that starts the server
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "definitions")]
    command: Vec<String>,
    /// A variable of this environment that the command gets; may be repeated
    #[arg(long = "env", value_name = "NAME", requires = "command")]
    env: Vec<String>,
    /// A file of tool definitions in place of a server, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    definitions: Option<PathBuf>,
}

impl Source {
    /// The file of definitions, if that is where tools come from.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.definitions.as_deref()
    }
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    if let Some(path) = arguments.source.file() {
        return definitions::run(path, shell);
    }
    let tools = listing::list(&arguments.source, shell)?;
    if arguments.policy {
        return super::policy::print_recommended(&tools, toolgate_catalog::Preset::Recommended, shell);
    }
    let scanned: Vec<Scanned<'_>> = tools.iter().map(Scanned::new).collect();
    if arguments.json {
        for tool in &scanned {
            shell.json(tool)?;
        }
    } else {
        report::print(&scanned, shell)?;
    }
    Ok(Answer::Yes)
}
