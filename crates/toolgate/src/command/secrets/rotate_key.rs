//! `toolgate secrets rotate-key`

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use toolgate_store::{KeySource, NextKey, Secret};

use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, counted};
use crate::store::{key_source, must_exist, with_secrets};

/// A key and white space around it are far shorter.
const LONGEST: u64 = 4096;

#[derive(Debug, Args)]
#[command(after_help = "The present key is the one of TOOLGATE_SECRET_KEY or of the file named by \
                  TOOLGATE_SECRET_KEY_FILE, else DATA/secret.key. A key of the environment is replaced by one \
                  that you make, as with `openssl rand -hex 32`; a running gateway must know both keys \
                  beforehand, separated by white space.")]
pub(crate) struct Arguments {
    /// File with the present key, in place of the environment's
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the next key, to be given at each start from now on [default: one is made in the data directory]
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    must_exist(&directory)?;
    let present = match &arguments.key_file {
        Some(path) => KeySource::File(path.clone()),
        None => key_source(&shell.environment, &directory)?,
    };
    let next = match &arguments.new_key_file {
        Some(path) => NextKey::Given(read(path)?),
        None => made_where(&present)?,
    };
    let rotated = with_secrets(&directory, present, async |store| store.rotate_key(&next).await)?;
    if arguments.json {
        shell.json(&serde_json::json!({ "secrets": rotated.secrets, "key_id": rotated.key_id }))?;
        return Ok(Answer::Yes);
    }
    let secrets = counted(u64::try_from(rotated.secrets).unwrap_or(u64::MAX), "secret");
    shell.line(format_args!("There is a new key, {}; {secrets} kept under it.", rotated.key_id))?;
    if arguments.new_key_file.is_some() {
        shell.note("Give this key at each start from now on; the one before opens nothing any more.")?;
    }
    Ok(Answer::Yes)
}

/// A key is made only where this program keeps it.
fn made_where(present: &KeySource) -> Result<NextKey, Failure> {
    match present {
        KeySource::Generated(_) => Ok(NextKey::Made),
        KeySource::Given(_) | KeySource::File(_) => Err(Failure::usage(format_args!(
            "the key comes from {present}: make the next one, as with `openssl rand -hex 32`, and name its file \
             with `--new-key-file`"
        ))),
    }
}

fn read(path: &Path) -> Result<Secret, Failure> {
    let failed =
        |error| Failure::unreachable(anyhow!("cannot read the new key, `{}`: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    // Room for all that is read, so that no copy is left behind by growing.
    let mut text = String::with_capacity(usize::try_from(LONGEST).unwrap_or_default());
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(Secret::new(text))
}
