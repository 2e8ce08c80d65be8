//! `toolgate audit tail`

use std::path::Path;
use std::time::Duration;

use clap::Args;
use toolgate_journal::{RecordLine, RecordView, Records};

use super::cannot_read;
use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, Tone, printable};

/// How long to wait before looking for new records.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Go on with what is appended, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest records to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: u64,
    /// Print the records as they are, one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let mut records = latest(&directory, arguments.lines)?;
    loop {
        while let Some(record) = records.next_record().map_err(cannot_read)? {
            print(record, arguments.json, shell)?;
        }
        shell.out.flush()?;
        if !arguments.follow {
            return Ok(Answer::Yes);
        }
        std::thread::sleep(PAUSE);
    }
}

fn latest(directory: &Path, count: u64) -> Result<Records, Failure> {
    Records::latest(directory, count).map_err(cannot_read)
}

fn print(record: RecordLine<'_>, json: bool, shell: &mut Shell) -> Result<(), Failure> {
    if json {
        shell.out.write_all(record.bytes)?;
        shell.out.write_all(b"\n")?;
        return Ok(());
    }
    let view = record.view()?;
    let line = summary(&view, shell);
    Ok(shell.line(line)?)
}

/// The record on one line: when, which, what, by whom, where, and why.
fn summary(view: &RecordView<'_>, shell: &Shell) -> String {
    let outcome = view.outcome.as_deref().unwrap_or_default();
    let tone = match outcome {
        "deny" | "error" | "tool_error" | "unreached" => Tone::Bad,
        "shadow_deny" | "pending" | "cancelled" => Tone::Doubtful,
        _ => Tone::Good,
    };
    let target = view
        .tool
        .as_deref()
        .or(view.resource.as_deref())
        .or(view.prompt.as_deref())
        .or(view.method.as_deref());
    let mut parts = vec![view.ts.to_string(), format!("#{}", view.seq), printable(&view.kind)];
    if !outcome.is_empty() {
        parts.push(shell.toned(tone, &printable(outcome)));
    }
    parts
        .extend([view.grant.as_deref(), view.server.as_deref(), target].into_iter().flatten().map(printable));
    for (name, value) in [
        ("rule", &view.rule),
        ("detail", &view.detail),
        ("client", &view.client),
        ("request", &view.request_id),
    ] {
        parts.extend(value.as_deref().map(|value| format!("{name}={}", printable(value))));
    }
    parts.extend(view.count.map(|count| format!("count={count}")));
    parts.join("  ")
}
