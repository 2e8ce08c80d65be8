//! `toolgate audit verify`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use toolgate_journal::{ReadError, Report, public_key, public_key_file, verify_directory};

use super::cannot_read;
use crate::answer::{Answer, Done};
use crate::data_dir;
use crate::shell::{Shell, Tone, counted, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Public key to check signatures with; a copy of `journal.pub` kept elsewhere proves more
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Record that is known to have been written: a journal that ends before it was cut short
    #[arg(long, value_name = "N")]
    expect_seq: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

#[derive(Serialize)]
struct JsonReport {
    ok: bool,
    segments: u64,
    records: u64,
    first_seq: u64,
    last_seq: u64,
    checkpoints: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_signed_seq: Option<u64>,
    unsigned_tail: u64,
    torn_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<JsonFault>,
}

#[derive(Serialize)]
struct JsonFault {
    file: String,
    line: u64,
    seq: u64,
    message: String,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let key = match &arguments.key {
        Some(file) => public_key_file(file),
        None => public_key(&directory),
    };
    let key = key.map_err(|error| cannot_read(ReadError::Key(error)))?;
    let report = verify_directory(&directory, key, arguments.expect_seq).map_err(cannot_read)?;
    if arguments.json {
        shell.json(&json(&report))?;
    } else {
        print(&report, shell)?;
    }
    Ok(if report.is_ok() { Answer::Yes } else { Answer::No })
}

fn json(report: &Report) -> JsonReport {
    JsonReport {
        ok: report.is_ok(),
        segments: report.segments,
        records: report.records,
        first_seq: report.first_seq,
        last_seq: report.last_seq,
        checkpoints: report.checkpoints,
        last_signed_seq: report.last_signed_seq,
        unsigned_tail: report.unsigned_tail(),
        torn_bytes: report.torn_bytes,
        last_hash: report.last_hash.map(|hash| hash.to_string()),
        fault: report.fault.as_ref().map(|(place, fault)| JsonFault {
            file: place.file.clone(),
            line: place.line,
            seq: place.seq,
            message: fault.to_string(),
        }),
    }
}

fn print(report: &Report, shell: &mut Shell) -> std::io::Result<()> {
    let Report { first_seq, last_seq, .. } = report;
    let (records, files) = (counted(report.records, "record"), counted(report.segments, "file"));
    let checkpoints = counted(report.checkpoints, "signed checkpoint");
    shell.line(format_args!("{records} in {files}: {first_seq} to {last_seq}, {checkpoints}"))?;
    match report.last_signed_seq {
        Some(signed) => shell.line(format_args!(
            "signed up to record {signed}; {} after it are chained, but not yet signed",
            report.unsigned_tail()
        ))?,
        None => shell.line("no record is signed: whoever can write the files could have changed them all")?,
    }
    if report.torn_bytes > 0 {
        let label = shell.toned(Tone::Doubtful, "warning");
        shell.line(format_args!(
            "{label}: the last line is torn ({} bytes): a crash in mid-write, which the next start removes",
            report.torn_bytes
        ))?;
    }
    match &report.fault {
        Some((place, fault)) => {
            let label = shell.toned(Tone::Bad, "error");
            shell.line(format_args!(
                "{label}: {}: {}",
                printable(&place.to_string()),
                printable(&fault.to_string())
            ))
        }
        None => {
            let verdict = shell.toned(Tone::Good, "the journal is intact");
            shell.line(verdict)
        }
    }
}
