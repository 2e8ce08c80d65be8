//! `toolgate status`: how a running gateway is.

use clap::Args;
use serde::Deserialize;

use crate::answer::{Answer, Done};
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

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Ok,
    Degraded,
    Failed,
}

/// What is shown of a gateway.
#[derive(Debug, Deserialize)]
struct Health {
    condition: Condition,
    version: String,
    data_plane: Option<String>,
    journal: Part,
    settings: Part,
    servers: Part,
    store: Part,
    index: Index,
    sessions: u64,
    calls_in_flight: u64,
}

#[derive(Debug, Deserialize)]
struct Part {
    condition: Condition,
    #[serde(default)]
    problems: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Index {
    condition: Condition,
    enabled: Option<bool>,
    problem: Option<String>,
    lag_records: u64,
    lag_seconds: u64,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let found = arguments.target.reach(shell)?.get("health")?;
    let health: Health = read(found.clone())?;
    if arguments.json {
        shell.json(&found)?;
    } else {
        print(&health, shell)?;
    }
    Ok(match health.condition {
        Condition::Ok | Condition::Degraded => Answer::Yes,
        Condition::Failed => Answer::No,
    })
}

fn print(health: &Health, shell: &mut Shell) -> std::io::Result<()> {
    let place = match &health.data_plane {
        Some(address) => format!("listens on {}", printable(address)),
        None => "does not listen yet".to_owned(),
    };
    shell.line(format_args!(
        "gateway   {}  version {}, {place}, {}, {} in flight",
        condition(health.condition, shell),
        printable(&health.version),
        counted(health.sessions, "session"),
        counted(health.calls_in_flight, "call"),
    ))?;
    for (name, part) in [
        ("journal", &health.journal),
        ("settings", &health.settings),
        ("servers", &health.servers),
        ("store", &health.store),
    ] {
        shell.line(format_args!("{name:<8}  {}", condition(part.condition, shell)))?;
        for problem in &part.problems {
            shell.line(format_args!("          {}", printable(problem)))?;
        }
    }
    let index = &health.index;
    shell.line(format_args!("index     {}  {}", condition(index.condition, shell), lag(index)))?;
    if let Some(problem) = &index.problem {
        shell.line(format_args!("          {}", printable(problem)))?;
    }
    Ok(())
}

fn lag(index: &Index) -> String {
    match index.lag_records {
        _ if index.enabled == Some(false) => "off".to_owned(),
        0 => "up to date".to_owned(),
        records => format!("{} behind, {} s", counted(records, "record"), index.lag_seconds),
    }
}

fn condition(condition: Condition, shell: &Shell) -> String {
    match condition {
        Condition::Ok => shell.toned(Tone::Good, "ok"),
        Condition::Degraded => shell.toned(Tone::Doubtful, "degraded"),
        Condition::Failed => shell.toned(Tone::Bad, "failed"),
    }
}
