//! Making and opening the file.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// Makes the file for its owner alone if it is not there, and takes it back from others if it is; the database gives
/// its side files the same mode.
///
/// A file that is there is not opened: closing it again would end the locks that this process holds on it by
/// other connections (POSIX advisory locks belong to process and file, <https://www.sqlite.org/howtocorrupt.html>, 2.2).
///
/// # Errors
///
/// The file cannot be made, or its mode cannot be set.
pub fn make_private(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o777 == 0o600 => Ok(()),
        Ok(_) => std::fs::set_permissions(path, Permissions::from_mode(0o600)),
        Err(error) if error.kind() == ErrorKind::NotFound => make(path),
        Err(error) => Err(error),
    }
}

/// Makes an empty file, closed before anybody can know its name.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    match made.into_temp_path().persist_noclobber(path) {
        Ok(()) => Ok(()),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(refused) => Err(refused.error),
    }
}

/// How a file whose content can be made again is opened, for reading and for writing: it must be there, what is sorted stays in memory, and
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
    fn a_file_that_is_there_is_taken_back_from_others_and_else_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        std::fs::write(&path, "before").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        make_private(&path).unwrap();
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), mode(&path)), (b"before".as_slice(), 0o600));
        assert!(make_private(&directory.path().join("not there").join("some.db")).is_err());
    }

    #[test]
    fn several_at_once_make_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.db");
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| make_private(&path))).collect();
            assert!(makers.into_iter().all(|maker| maker.join().unwrap().is_ok()));
        });
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
