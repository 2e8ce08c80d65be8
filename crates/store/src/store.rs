//! The store: one handle to everything that is kept, whatever database stands behind it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::database::{Database, values};
use crate::error::StoreError;
use crate::key_source::KeySource;
use crate::vault::Vault;

/// The database's name in the data directory.
pub const FILE: &str = "toolgate.db";

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory, private and there.
    pub data_dir: PathBuf,
    /// Where the key of the secrets comes from; read when a secret is first sealed or opened.
    pub key: KeySource,
    /// How long to wait for another process that writes.
    pub busy: Duration,
}

impl Options {
    /// A data directory with a key of its own; other processes get five seconds.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_path_buf(),
            key: KeySource::in_data_dir(data_dir),
            busy: Duration::from_secs(5),
        }
    }
}

/// Which change of an area was the last: another number says that something changed, in whatever process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of what calls are judged by: servers, policies, grants, pins, settings.
    pub calls: i64,
    /// Of approvals.
    pub approvals: i64,
    /// Of users, tokens and sessions of the console and the admin API.
    pub people: i64,
}

/// Everything that is kept. Many may use it at once; so may several processes.
#[derive(Debug)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) vault: Vault,
}

impl Store {
    /// Opens the store of a data directory; makes it if need be, and brings it to the newest format.
    ///
    /// # Errors
    ///
    /// It cannot be written, is locked, damaged, of a newer format, or of another program.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let database = Database::open(&options.data_dir.join(FILE), options.busy).await?;
        Ok(Self { database, vault: Vault::new(options.key) })
    }

    /// Writes everything out and closes.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Which changes were the last. Cheap: one row. Uses of tokens and sessions do not count.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let mut tx = self.database.read().await?;
        changes(&mut tx).await
    }
}

pub(crate) async fn changes(tx: &mut crate::database::Transaction) -> Result<Changes, StoreError> {
    match tx.row("SELECT calls, approvals, people FROM store_state WHERE id = 1", values![]).await? {
        Some(row) => Ok(Changes {
            calls: row.get("calls")?,
            approvals: row.get("approvals")?,
            people: row.get("people")?,
        }),
        None => Err(tx.damaged("`store_state` is empty")),
    }
}
