//! The database file: opening it for writing and for reading, and its format. What is SQLite's own is here,
//! in `schema.sql`, and in the result codes of `error.rs`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::error::ShipError;
use crate::options::Options;

/// The format of the tables, in `PRAGMA user_version`.
const FORMAT: i64 = 2;
const PAGE_BYTES: u32 = 4096;
/// How long a lock of another process is waited for.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// Opens the database for writing, and makes it if it is not there.
pub(crate) async fn open_writer(options: &Options) -> Result<SqliteConnection, ShipError> {
    let path = options.file();
    toolgate_sqlite::make_private(&path).map_err(|source| ShipError::File { path: path.clone(), source })?;
    let mut connect =
        toolgate_sqlite::writing(base(&path)).page_size(PAGE_BYTES).pragma("wal_autocheckpoint", "4000");
    if let Some(bytes) = options.max_bytes {
        connect = connect.pragma("max_page_count", (bytes / u64::from(PAGE_BYTES)).max(1).to_string());
    }
    let mut connection = connect.connect().await?;
    prepare(&mut connection, &path).await?;
    Ok(connection)
}

/// Opens the database for reading; an error if it is not there.
pub(crate) async fn open_reader(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    base(path).read_only(true).pragma("cache_size", "-16384").row_buffer_size(1024).connect().await
}

fn base(path: &Path) -> SqliteConnectOptions {
    toolgate_sqlite::options(path, LOCK_WAIT, "audit-index-db").row_buffer_size(1024)
}

/// Makes the tables, or refuses those of another format: an earlier one is built again, a later one is left alone.
async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), ShipError> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    match found {
        FORMAT => Ok(()),
        0 => {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await?;
            sqlx::query("PRAGMA user_version = 2").execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        }
        _ => Err(ShipError::Format { path: path.to_owned(), found, known: FORMAT }),
    }
}

/// Which file a path names just now; `None` if there is none.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Deletes the database and its companions.
pub(crate) fn remove(path: &Path) -> Result<(), ShipError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ShipError::File { path: name.into(), source: error });
            }
            _ => {}
        }
    }
    Ok(())
}
