//! `toolgate init`: finds the MCP clients of this machine, imports their servers with their secrets sealed, proposes
//! policies by what their tools can do, and on agreement points the clients at the gateway. `--undo` takes it back.

mod apply;
mod kept;
mod listing;
mod plan;
mod record;
mod report;
mod surroundings;
mod survey;
mod undo;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::Uri;
use toolgate_clients::Client;

use crate::answer::{Answer, Done};
use crate::command::policy::PresetChoice;
use crate::data_dir;
use crate::shell::{Shell, now_micros};

use plan::Plan;
use surroundings::Surroundings;

#[derive(Debug, Args)]
#[command(
    after_help = "Without a terminal to agree at, nothing is changed unless --yes is given; the exit code is 1 then. \
                  To tell their tools, commands that the user's own files name are started once; those of a project \
                  only if --project names it."
)]
pub(crate) struct Arguments {
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back what the last run did, byte for byte
    #[arg(long, conflicts_with_all = ["clients", "projects", "preset", "gateway", "yes"])]
    undo: bool,
    /// With --undo: also restore files that were changed since; what they hold now is kept beside the backups
    #[arg(long, requires = "undo")]
    force: bool,
    /// Agree beforehand
    #[arg(long)]
    yes: bool,
    /// Look at this client alone; may be repeated
    #[arg(long = "client", value_name = "NAME", value_parser = parse_client)]
    clients: Vec<Client>,
    /// Include the files of the project in this folder; may be repeated
    #[arg(long = "project", value_name = "DIR")]
    projects: Vec<PathBuf>,
    /// How much the proposed policies let through
    #[arg(long, value_enum, default_value_t)]
    preset: PresetChoice,
    /// Where clients reach the gateway [default: the address that it listens on]
    #[arg(long, value_name = "URL", value_parser = parse_gateway)]
    gateway: Option<String>,
    /// How long a server may take to tell its tools
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = toolgate_policy::parse_duration)]
    timeout: Duration,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let now = now_micros();
    if arguments.undo {
        return undo::run(arguments, now, shell);
    }
    let surroundings = Surroundings::of(arguments, shell)?;
    let plan = Plan::make(arguments, &surroundings, shell)?;
    if !arguments.json {
        report::print(&plan, &surroundings, shell)?;
    }
    let changes = plan.changes_anything();
    if arguments.dry_run || !changes || !agreed(arguments, shell)? {
        if arguments.json {
            shell.json(&report::json(&plan, &surroundings, None))?;
        }
        return Ok(if arguments.dry_run || !changes { Answer::Yes } else { Answer::No });
    }
    let done = apply::run(plan, &surroundings, now)?;
    if arguments.json {
        shell.json(&report::json(&done.plan, &surroundings, Some(&done)))?;
    } else {
        report::print_done(&done, &surroundings, shell)?;
    }
    Ok(if done.failed.is_empty() { Answer::Yes } else { Answer::No })
}

/// Asks, where there is somebody to ask.
fn agreed(arguments: &Arguments, shell: &mut Shell) -> io::Result<bool> {
    if arguments.yes {
        return Ok(true);
    }
    if arguments.json || !io::stdin().is_terminal() {
        shell.note("Nothing was changed: run this again with --yes to agree.")?;
        return Ok(false);
    }
    write!(shell.out, "\nChange these files? Each is kept, and `toolgate init --undo` restores it. [y/N] ")?;
    shell.out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if !yes {
        shell.note("Nothing was changed.")?;
    }
    Ok(yes)
}

fn parse_client(text: &str) -> Result<Client, String> {
    let names = || Client::ALL.map(Client::name).join(", ");
    let found = Client::ALL.into_iter().find(|client| client.name() == text);
    found.ok_or_else(|| format!("the clients are {}", names()))
}

fn parse_gateway(text: &str) -> Result<String, String> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
    });
    uri.ok_or_else(|| "write it as in `http://127.0.0.1:8420`".to_owned())?;
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
