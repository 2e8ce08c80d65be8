//! `toolgate backup`: a copy of the store in one file, also while a gateway uses it.

use std::path::PathBuf;

use clap::Args;

use crate::answer::{Answer, Done};
use crate::data_dir;
use crate::shell::Shell;
use crate::store::{must_exist, with_store};

#[derive(Debug, Args)]
#[command(
    after_help = "The copy holds servers, policies, grants, people, approvals and settings; secrets stay \
                        encrypted, and their key is not in it. The journal is not in it either: copy its files."
)]
pub(crate) struct Arguments {
    /// Where the copy goes; an older backup of this name is replaced
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    must_exist(&directory)?;
    let file = &arguments.file;
    let bytes = with_store(&directory, async |store| store.backup(file).await)?;
    if arguments.json {
        shell.json(&serde_json::json!({ "file": file, "bytes": bytes }))?;
        return Ok(Answer::Yes);
    }
    shell.line(format_args!("The store is copied to {}, {bytes} bytes.", file.display()))?;
    shell.note("Keep the key of the secrets too, but elsewhere: without it they stay closed.")?;
    Ok(Answer::Yes)
}
