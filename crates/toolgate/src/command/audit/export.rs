//! `toolgate audit export`

use std::io::BufWriter;

use clap::Args;
use toolgate_journal::{ExportError, Exporter, Format, Records};

use super::cannot_read;
use crate::answer::{Answer, Done};
use crate::data_dir;
use crate::shell::Shell;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// jsonl (as it is), csv (spreadsheets) or ocsf (security tools)
    #[arg(long, value_name = "FORMAT", default_value = "jsonl", value_parser = ["jsonl", "csv", "ocsf"])]
    format: String,
    /// First record
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// Last record [default: the last there is]
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let format: Format = arguments.format.parse()?;
    let mut records = Records::open(&directory, arguments.from).map_err(cannot_read)?;
    let mut exporter = Exporter::new(format, BufWriter::new(&mut shell.out)).map_err(unwrapped)?;
    while let Some(record) = records.next_record().map_err(cannot_read)? {
        if arguments.to.is_some_and(|last| record.seq > last) {
            break;
        }
        exporter.record(record.bytes).map_err(unwrapped)?;
    }
    exporter.finish().map_err(unwrapped)?;
    Ok(Answer::Yes)
}

/// An output that was closed is told apart by its own error.
fn unwrapped(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Output(error) => error.into(),
        ExportError::Record(_) => error.into(),
    }
}
