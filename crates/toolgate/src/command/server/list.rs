//! `toolgate server list`

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answer, Done, Failure};
use crate::api::{Target, read};
use crate::shell::{Shell, Tone, counted, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What is shown of a server.
#[derive(Debug, Deserialize)]
struct Server {
    name: String,
    managed_by: String,
    url: Option<String>,
    program: Option<String>,
    enabled: bool,
    health: Option<Health>,
}

#[derive(Debug, Deserialize)]
struct Health {
    down: bool,
    in_flight: u64,
    places: u64,
    /// Tools of its list; none while it was never fetched.
    tools: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let servers = arguments.target.reach(shell)?.list("servers")?;
    if arguments.json {
        shell.json(&serde_json::json!({ "servers": servers }))?;
        return Ok(Answer::Yes);
    }
    if servers.is_empty() {
        shell.note("no servers: add one with `toolgate server add`, or in the config file")?;
    }
    for server in servers {
        let line = line(server, shell)?;
        shell.line(line)?;
    }
    Ok(Answer::Yes)
}

fn line(server: Value, shell: &Shell) -> Result<String, Failure> {
    let server: Server = read(server)?;
    let (tone, state) = match &server.health {
        _ if !server.enabled => (Tone::Doubtful, "disabled"),
        Some(health) if health.down => (Tone::Bad, "down"),
        Some(_) => (Tone::Good, "in use"),
        None => (Tone::Doubtful, "not in use"),
    };
    let place = server.url.or(server.program).unwrap_or_default();
    let mut parts = vec![printable(&server.name), shell.toned(tone, state)];
    parts.push(format!("managed by {}", printable(&server.managed_by)));
    parts.push(printable(&place));
    if let Some(health) = server.health {
        parts.push(format!("{} of {} calls in flight", health.in_flight, health.places));
        parts.extend(health.tools.map(|tools| counted(tools, "tool")));
    }
    Ok(parts.join("  "))
}
