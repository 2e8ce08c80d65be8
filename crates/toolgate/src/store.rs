//! The store of a data directory as commands open it: where the key of its secrets comes from, and who a
//! change is by that a command makes itself.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use toolgate_store::{Change, FILE, FileNames, KeySource, Options, Secret, Store, StoreError};

use crate::answer::Failure;
use crate::environment::Environment;
use crate::shell::now_micros;

/// Who a change is by that a command makes on the store itself.
pub(crate) const AUTHOR: &str = "command line";
/// The variable that holds the key of the secrets, or several while one takes another's place.
const KEY: &str = "TOOLGATE_SECRET_KEY";
/// The variable that names a file with such keys.
const KEY_FILE: &str = "TOOLGATE_SECRET_KEY_FILE";

/// Where the key of the secrets comes from: the environment, a file that it names, or a file that is made in
/// the data directory.
pub(crate) fn key_source(environment: &Environment, data_dir: &Path) -> Result<KeySource, Failure> {
    match (environment.get(KEY), environment.get(KEY_FILE)) {
        (Some(_), Some(_)) => {
            Err(Failure::usage(format_args!("{KEY} and {KEY_FILE} are both set: keep the one that counts")))
        }
        (Some(keys), None) => Ok(KeySource::Given(Secret::new(keys.to_owned()))),
        (None, Some(path)) => Ok(KeySource::File(PathBuf::from(path))),
        (None, None) => Ok(KeySource::in_data_dir(data_dir)),
    }
}

/// Opens the store of a data directory, and takes over the grants that an older program kept beside it.
pub(crate) async fn open(data_dir: &Path, key: KeySource) -> Result<Store, StoreError> {
    let store = Store::open(Options { key, ..Options::new(data_dir) }).await?;
    let names = FileNames::default();
    store.grants().import(data_dir, &Change::new("grants.json", now_micros(), &names)).await?;
    Ok(store)
}

/// Lets `work` use the store of a data directory, where it needs no secret.
pub(crate) fn with_store<T>(
    data_dir: &Path,
    work: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    with_secrets(data_dir, KeySource::in_data_dir(data_dir), work)
}

/// Lets `work` use the store of a data directory with its secrets.
pub(crate) fn with_secrets<T>(
    data_dir: &Path,
    key: KeySource,
    work: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let store = open(data_dir, key).await?;
        let done = work(&store).await;
        store.close().await;
        done
    });
    done.map_err(failure)
}

/// Refuses a data directory in which nothing was kept yet, rather than make an empty store there.
pub(crate) fn must_exist(data_dir: &Path) -> Result<(), Failure> {
    let file = data_dir.join(FILE);
    if file.exists() {
        return Ok(());
    }
    let file = file.display();
    Err(Failure::unreachable(anyhow!(
        "there is no `{file}`: nothing was kept there yet; give `--data-dir` if it is elsewhere"
    )))
}

/// What an error of the store means for the exit code.
pub(crate) fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Busy { .. }
        | StoreError::Full { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Io { .. }
        | StoreError::Database { .. } => Failure::unreachable(error),
        StoreError::NotFound { .. }
        | StoreError::NameTaken { .. }
        | StoreError::ManagedByFile { .. }
        | StoreError::Conflict { .. }
        | StoreError::InUse { .. }
        | StoreError::TokenTaken
        | StoreError::Revoked { .. }
        | StoreError::Decided { .. }
        | StoreError::Invalid { .. }
        | StoreError::SecretsNeeded { .. }
        | StoreError::Key(_)
        | StoreError::Corrupt { .. }
        | StoreError::Foreign { .. }
        | StoreError::Newer { .. } => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_from_one_place() {
        let of = |environment: Environment| key_source(&environment, Path::new("data"));
        let shown = |environment| of(environment).unwrap().to_string();
        assert_eq!(shown(Environment::default()), "data/secret.key");
        assert_eq!(shown([("TOOLGATE_SECRET_KEY_FILE", "/run/key")].into()), "/run/key");
        assert_eq!(shown([("TOOLGATE_SECRET_KEY", "k")].into()), "TOOLGATE_SECRET_KEY");
        let both = [("TOOLGATE_SECRET_KEY", "hunter2"), ("TOOLGATE_SECRET_KEY_FILE", "/run/key")];
        let error = of(both.into()).unwrap_err().error.to_string();
        assert!(error.contains("both set") && !error.contains("hunter2"), "{error}");
    }
}
