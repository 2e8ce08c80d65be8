//! SQLite: one file, one writer at a time, readers beside it. What only SQLite has stands here: pragmas, the
//! lock at the beginning of a write, the catalogue of tables, codes of errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use sqlx::query::Query;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Inner, Transaction, Value};
use crate::error::{StoreError, io_error};
use crate::format;

/// Connections that read at once; each has a thread.
const READERS: u32 = 3;
/// Between two attempts at a file that others are opening for the first time.
const RETRY: Duration = Duration::from_millis(5);

/// An open SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    path: Arc<Path>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteFile {
    /// Opens or makes the file, readable by its owner alone, in the newest format.
    pub(super) async fn open(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        toolgate_sqlite::make_private(path).map_err(|error| io_error(path, error))?;
        let options = options(path, busy);
        let pool = |size| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .min_connections(0)
                .acquire_timeout(busy.saturating_add(Duration::from_secs(1)))
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .after_release(|connection, _| {
                    Box::pin(async move {
                        // Once a roll-back that is under way is through, no transaction is left. A full disk
                        // ends one behind the driver's back; the driver would count it for ever.
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction())
                    })
                })
        };
        let writer = connect(|| pool(1).connect_with(options.clone()), path, busy).await?;
        let file = Self { path: Arc::from(path), writer, readers: pool(READERS).connect_lazy_with(options) };
        match format::bring_up(&file.writer, path).await {
            Ok(()) => Ok(file),
            Err(error) => {
                file.close().await;
                Err(error)
            }
        }
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Connections for what has no transaction: backup and checks.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(super) async fn read(&self) -> Result<Transaction, StoreError> {
        let begun = self.readers.begin().await.map_err(|e| translate(&self.path, e))?;
        Ok(Transaction { inner: Inner::Sqlite(begun), path: Arc::clone(&self.path) })
    }

    /// Takes the write lock at once: a transaction that read first and wrote later could be refused late.
    pub(super) async fn write(&self) -> Result<Transaction, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| translate(&self.path, e))?;
        Ok(Transaction { inner: Inner::Sqlite(begun), path: Arc::clone(&self.path) })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }
}

/// Makes the first connection. Changing a new file to a write-ahead log needs it alone, and for that one step
/// the database answers "busy" at once, whatever patience was asked of it: so the patience is ours here.
async fn connect<F>(
    mut attempt: impl FnMut() -> F,
    path: &Path,
    busy: Duration,
) -> Result<SqlitePool, StoreError>
where
    F: Future<Output = Result<SqlitePool, sqlx::Error>>,
{
    let end = Instant::now() + busy;
    loop {
        match attempt().await.map_err(|error| translate(path, error)) {
            Err(StoreError::Busy { .. }) if Instant::now() < end => tokio::time::sleep(RETRY).await,
            other => return other,
        }
    }
}

/// How a file of the store is opened. A commit is on the disk when it returns: a revocation must not come
/// undone by a loss of power. What was removed is overwritten.
pub(crate) fn options(path: &Path, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(busy)
        .pragma("trusted_schema", "OFF")
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

/// A statement with its parameters.
pub(super) fn bound(
    sql: &'static str,
    values: impl IntoIterator<Item = Value>,
) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(sql);
    for value in values {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Int(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        };
    }
    query
}

/// Result codes without their extension: <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

/// What an error of the database means to those above.
pub(crate) fn translate(path: &Path, error: sqlx::Error) -> StoreError {
    let path = PathBuf::from(path);
    let found = match error {
        sqlx::Error::Database(found) => found,
        sqlx::Error::PoolTimedOut => return StoreError::Busy { path },
        sqlx::Error::Io(source) => return StoreError::Io { path, source },
        other => return StoreError::Database { path, detail: other.to_string() },
    };
    let number = found.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    let detail = found.message().to_owned();
    match number {
        Some(code::BUSY | code::LOCKED) => StoreError::Busy { path },
        Some(code::FULL) => StoreError::Full { path },
        Some(code::CORRUPT | code::NOTADB) => StoreError::Corrupt { path, detail },
        Some(code::READONLY | code::CANTOPEN | code::PERM) => StoreError::ReadOnly { path, detail },
        Some(_) | None => StoreError::Database { path, detail },
    }
}
