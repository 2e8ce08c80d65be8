//! `toolgate restore`: puts a backup in the place of a data directory's store, while no gateway runs on it.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use toolgate_gateway::data_dir::{DataDir, DataDirError};
use toolgate_store::{KeySource, Restored, Store, StoreError};

use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, Tone, printable};
use crate::store::{failure, key_source, open};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The backup, as `toolgate backup` wrote it
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let file = &arguments.file;
    if !file.exists() {
        return Err(Failure::unreachable(anyhow!("there is no backup `{}`", file.display())));
    }
    let directory = arguments.data_dir.locate(&shell.environment)?;
    let key = key_source(&shell.environment, &directory)?;
    let held = hold(&directory)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (restored, closed) = runtime.block_on(restore(file, held.path(), key)).map_err(failure)?;
    if arguments.json {
        shell.json(&serde_json::json!({
            "file": file, "format": restored.format, "replaced": restored.replaced,
            "revived": restored.revived, "secrets_closed": closed,
        }))?;
    } else {
        tell(file, &restored, closed.as_deref(), shell)?;
    }
    Ok(Answer::Yes)
}

/// Takes the lock that a running gateway holds.
fn hold(directory: &Path) -> Result<DataDir, Failure> {
    DataDir::open(directory).map_err(|error| match error {
        DataDirError::InUse { path } => {
            let path = path.display();
            Failure::no(format_args!("a gateway runs on {path}: stop it, restore, and start it again"))
        }
        error @ (DataDirError::Io { .. }
        | DataDirError::Open { .. }
        | DataDirError::Newer { .. }
        | DataDirError::BadKey { .. }) => error.into(),
    })
}

/// Restores, and tells why the secrets of the restored store cannot be opened, if so.
async fn restore(
    file: &Path,
    directory: &Path,
    key: KeySource,
) -> Result<(Restored, Option<String>), StoreError> {
    let restored = Store::restore(file, directory).await?;
    let store = open(directory, key).await?;
    let verified = store.verify_key().await;
    store.close().await;
    match verified {
        Ok(_) => Ok((restored, None)),
        Err(StoreError::Key(error)) => Ok((restored, Some(error.to_string()))),
        Err(error) => Err(error),
    }
}

fn tell(file: &Path, restored: &Restored, closed: Option<&str>, shell: &mut Shell) -> std::io::Result<()> {
    shell.line(format_args!("The store is restored from {}.", file.display()))?;
    if let Some(kept) = &restored.replaced {
        shell.line(format_args!("The one that was there is kept as {}.", kept.display()))?;
    }
    let warning = shell.toned(Tone::Doubtful, "warning");
    if !restored.revived.is_empty() {
        let labels: Vec<_> = restored.revived.iter().map(|label| printable(label)).collect();
        shell.line(format_args!(
            "{warning}: tokens that were revoked or replaced since the backup are valid again, of: {}; see to \
             them with `toolgate grant revoke` or `toolgate grant rotate`",
            labels.join(", ")
        ))?;
    }
    if let Some(reason) = closed {
        shell.line(format_args!("{warning}: the secrets of this backup stay closed: {reason}"))?;
    }
    Ok(())
}
