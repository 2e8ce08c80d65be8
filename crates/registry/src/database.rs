//! The database file: opening it for writing and for reading, and its format.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::CatalogError;

/// The file in the data directory.
pub const FILE: &str = "catalog.db";
/// Held while an import writes.
const LOCK: &str = "catalog.lock";
/// The format of the tables, in `PRAGMA user_version`.
const FORMAT: i64 = 2;
/// How long a lock of another process is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Where the catalogue of a data directory is.
pub(crate) fn file_of(data_directory: &Path) -> PathBuf {
    data_directory.join(FILE)
}

/// The right to write, until it is dropped.
///
/// # Errors
///
/// Another import has it, or the file cannot be made.
pub(crate) fn lock(data_directory: &Path) -> Result<File, CatalogError> {
    let path = data_directory.join(LOCK);
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = made.map_err(|source| CatalogError::File { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(CatalogError::Importing),
        Err(std::fs::TryLockError::Error(source)) => Err(CatalogError::File { path, source }),
    }
}

/// Whether there is a database that can be read.
///
/// # Errors
///
/// Another version of the program made it, or it cannot be read.
pub(crate) async fn is_ready(data_directory: &Path) -> Result<bool, CatalogError> {
    let path = file_of(data_directory);
    if !path.exists() {
        return Ok(false);
    }
    let mut connection = reading(data_directory).connect().await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    connection.close().await?;
    match found {
        FORMAT => Ok(true),
        0 => Ok(false),
        _ => Err(CatalogError::Format { path, found, known: FORMAT }),
    }
}

/// Opens the database for writing, and makes it if it is not there; tells whether it was made.
pub(crate) async fn open_writer(data_directory: &Path) -> Result<(SqliteConnection, bool), CatalogError> {
    let path = file_of(data_directory);
    toolgate_sqlite::make_private(&path)
        .map_err(|source| CatalogError::File { path: path.clone(), source })?;
    let connect = toolgate_sqlite::writing(base(&path)).pragma("wal_autocheckpoint", "8000");
    let mut connection = connect.connect().await?;
    let fresh = prepare(&mut connection, &path).await?;
    Ok((connection, fresh))
}

/// How the database is opened for reading.
pub(crate) fn reading(data_directory: &Path) -> SqliteConnectOptions {
    base(&file_of(data_directory)).read_only(true).pragma("cache_size", "-32768")
}

fn base(path: &Path) -> SqliteConnectOptions {
    toolgate_sqlite::options(path, LOCK_WAIT, "catalog-db")
        .pragma("mmap_size", "268435456")
        .row_buffer_size(512)
}

/// Makes the tables, or refuses those of another format.
async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<bool, CatalogError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let fresh = found == 0;
    if !fresh && found != FORMAT {
        return Err(CatalogError::Format { path: path.to_owned(), found, known: FORMAT });
    }
    if fresh {
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await?;
        sqlx::query("PRAGMA user_version = 2").execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(fresh)
}
