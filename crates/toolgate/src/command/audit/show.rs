//! `toolgate audit show`

use clap::Args;
use toolgate_journal::records_of_request;
use toolgate_json::{Document, Limits};

use super::cannot_read;
use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, Tone, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What the answer's `X-Request-Id` said, or `requestId` in a denial
    request_id: String,
    /// Print the records as they are, one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let lines = records_of_request(&directory, &arguments.request_id).map_err(cannot_read)?;
    for (index, line) in lines.iter().enumerate() {
        if arguments.json {
            shell.out.write_all(line)?;
            shell.out.write_all(b"\n")?;
        } else {
            if index > 0 {
                shell.line("")?;
            }
            print(line, shell)?;
        }
    }
    if lines.is_empty() {
        return Err(Failure::no(format_args!(
            "the journal has no record of request `{}`",
            arguments.request_id
        )));
    }
    Ok(Answer::Yes)
}

/// Each member on a line of its own; the chain is left out.
fn print(line: &[u8], shell: &mut Shell) -> Result<(), Failure> {
    let limits = Limits { bytes: usize::MAX, depth: 1_000, values: usize::MAX };
    let document = Document::read(line, &limits)?;
    for member in document.root().members() {
        let name = member.name.as_str().unwrap_or_default();
        if matches!(&*name, "prev" | "hash") {
            continue;
        }
        let value = member.value.as_str().unwrap_or_else(|| member.value.raw().into());
        let label = shell.toned(Tone::Strong, &format!("{:<16}", printable(&name)));
        shell.line(format_args!("{label} {}", printable(&value)))?;
    }
    Ok(())
}
