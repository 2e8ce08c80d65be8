//! Making and opening the file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// Makes an empty file that its owner alone may read, if there is none; its companions take over the mode.
///
/// # Errors
///
/// The file can be neither made nor opened for writing.
pub fn make_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// How such a file is opened, for reading and for writing: it must be there, what is sorted stays in memory, and
/// statements are not logged. `lock_wait` is how long a lock of another process is waited for, `thread` the name of
/// the connection's thread.
#[must_use]
pub fn options(path: &Path, lock_wait: Duration, thread: &'static str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(lock_wait)
        .foreign_keys(false)
        .pragma("temp_store", "memory")
        .thread_name(move |_| thread.to_owned())
        .disable_statement_logging()
}

/// The same for the one who writes, beside readers: with a write-ahead log, of which 64 MiB at most stay on the disk,
/// and 64 MiB of pages in memory. A loss of power may take the last commits along, but leaves the file whole
/// (<https://www.sqlite.org/pragma.html#pragma_synchronous>): what it held can be made again.
#[must_use]
pub fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("cache_size", "-65536")
        .pragma("journal_size_limit", "67108864")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sqlx::sqlite::SqliteConnection;
    use sqlx::{Connection as _, Executor as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    async fn pragma(connection: &mut SqliteConnection, name: &'static str) -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_written_is_for_the_owner_alone_and_read_beside_the_writer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        let wait = Duration::from_millis(250);
        make_private(&path).unwrap();
        let mut writer = writing(options(&path, wait, "some-db")).connect().await.unwrap();
        writer.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY)").await.unwrap();
        for name in ["some.db", "some.db-wal", "some.db-shm"] {
            assert_eq!(mode(&directory.path().join(name)), 0o600, "{name}");
        }
        for (name, value) in [("journal_mode", "wal"), ("synchronous", "1"), ("foreign_keys", "0")] {
            assert_eq!(pragma(&mut writer, name).await, value, "{name}");
        }
        for (name, value) in
            [("cache_size", "-65536"), ("journal_size_limit", "67108864"), ("temp_store", "2")]
        {
            assert_eq!(pragma(&mut writer, name).await, value, "{name}");
        }
        let timeout: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut writer).await.unwrap();
        assert_eq!(timeout, 250);
        writer.execute("BEGIN IMMEDIATE; INSERT INTO thing VALUES (1)").await.unwrap();
        let mut reader = options(&path, wait, "some-db").read_only(true).connect().await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM thing").fetch_one(&mut reader).await.unwrap();
        assert_eq!(seen, 0);
        reader.close().await.unwrap();
        writer.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_made_by_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        assert!(writing(options(&path, Duration::ZERO, "some-db")).connect().await.is_err());
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_there_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        std::fs::write(&path, "before").unwrap();
        make_private(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
        assert!(make_private(directory.path()).is_err());
    }
}
