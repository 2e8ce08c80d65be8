//! `toolgate catalog import`: reads a dump or a registry, and asks public remotes for their tools if that is wanted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use toolgate_registry::{
    Dump, FeedOptions, ImportOptions, Pace, RemotesOptions, RemotesSummary, Summary, Tally, import,
    is_address, list_remotes, pull,
};

use super::broken;
use super::progress::Progress;
use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, counted, now_micros, printable};

/// Pause between two servers of one host.
const BETWEEN: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(
    after_help = "A file holds one JSON object a line (tools as `{server, tool, description, input_schema, \
    annotations}` or as in `tools/list` with a `server`; servers as `server.json`), or is one JSON document with a \
    list of them. An import that was broken off goes on where it was when it is started again."
)]
pub(crate) struct Arguments {
    /// A file, `-` for standard input, or the address of a registry such as `https://registry.example.com`
    #[arg(value_name = "FILE|URL", required_unless_present = "list_remotes")]
    source: Option<String>,
    /// Whose tools a file holds, where its lines do not say
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Read all of a registry again, in place of what changed since the last time
    #[arg(long)]
    everything: bool,
    /// Then ask the public servers that registries listed for their tools: no credentials, one request at a time for
    /// each host
    #[arg(long)]
    list_remotes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

/// What the command did.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Option<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remotes: Option<RemotesSummary>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.ensured(&shell.environment)?;
    let progress = Progress::new();
    let summary = match &arguments.source {
        Some(source) => Some(read(source, (arguments, &directory), &progress)?),
        None => None,
    };
    let remotes = if arguments.list_remotes { Some(ask(&directory, &progress)?) } else { None };
    let answer = match &summary {
        Some(summary) if summary.bad > 0 && summary.bad == summary.read => Answer::No,
        Some(_) | None => Answer::Yes,
    };
    if arguments.json {
        shell.json(&Report { summary, remotes })?;
    } else {
        if let Some(summary) = &summary {
            print(summary, shell)?;
        }
        if let Some(remotes) = &remotes {
            print_remotes(remotes, shell)?;
        }
    }
    Ok(answer)
}

fn read(
    source: &str,
    (arguments, directory): (&Arguments, &Path),
    progress: &Progress,
) -> Result<Summary, Failure> {
    let data_directory = directory.to_owned();
    let mut told = |summary: &Summary| {
        let text = format!("{} read, {} not readable", summary.read, summary.bad);
        progress.show((summary.position, summary.length), &text);
    };
    let done = if is_address(source) {
        let options = FeedOptions {
            data_directory,
            url: source.to_owned(),
            everything: arguments.everything,
            now: now_micros(),
            pace: Pace::default(),
        };
        runtime()?.block_on(pull(&options, &mut told))
    } else {
        let dump = if source == "-" { Dump::Stdin } else { Dump::File(PathBuf::from(source)) };
        let server = arguments.server.clone();
        let options = ImportOptions { data_directory, server, threads: 0, now: now_micros() };
        import(&dump, &options, &mut told)
    };
    progress.end();
    done.map_err(broken)
}

fn ask(directory: &Path, progress: &Progress) -> Result<RemotesSummary, Failure> {
    let options =
        RemotesOptions { data_directory: directory.to_owned(), now: now_micros(), between: BETWEEN };
    let mut told = |summary: &RemotesSummary| {
        progress.show((0, 0), &format!("{} servers asked, {} answered", summary.asked, summary.answered));
    };
    let done = runtime()?.block_on(list_remotes(&options, &mut told));
    progress.end();
    done.map_err(broken)
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn print(summary: &Summary, shell: &mut Shell) -> Result<(), Failure> {
    if let Some(line) = summary.resumed_after {
        shell.note(format_args!("went on after line {line}, where an earlier import was broken off"))?;
    }
    print_tally(&summary.tally, shell)?;
    for problem in &summary.problems {
        shell.note(format_args!("line {}: {}", problem.line, printable(&problem.problem)))?;
    }
    let told = u64::try_from(summary.problems.len()).unwrap_or(u64::MAX);
    if summary.bad > told {
        shell.note(format_args!("and {} more that cannot be read", counted(summary.bad - told, "line")))?;
    }
    Ok(())
}

fn print_tally(tally: &Tally, shell: &mut Shell) -> Result<(), Failure> {
    let rows = [
        ("tool", tally.tools_added, tally.tools_changed, tally.tools_unchanged),
        ("server", tally.servers_added, tally.servers_changed, tally.servers_unchanged),
    ];
    for (noun, added, changed, unchanged) in rows {
        shell.line(format_args!(
            "{} added, {changed} changed, {unchanged} as they were",
            counted(added, noun)
        ))?;
    }
    Ok(())
}

fn print_remotes(remotes: &RemotesSummary, shell: &mut Shell) -> Result<(), Failure> {
    if let Some(server) = &remotes.resumed_after {
        shell.note(format_args!(
            "went on after `{}`, where an earlier round was broken off",
            printable(server)
        ))?;
    }
    shell.line(format_args!(
        "{} asked, {} answered; {} need something first or must not be asked",
        counted(remotes.asked, "remote"),
        remotes.answered,
        remotes.passed_over
    ))?;
    print_tally(&remotes.tally, shell)
}
