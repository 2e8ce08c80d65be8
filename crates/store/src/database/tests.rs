//! What goes wrong around a database, and what is told then: nothing is half done, nothing hangs.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;

use crate::{Change, FORMAT, FileNames, Options, Page, Setting, Store, StoreError};

async fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(Options { busy: Duration::ZERO, ..Options::new(dir) }).await
}

async fn new() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    (dir, store)
}

async fn set(store: &Store, key: &str, value: &str) -> Result<Setting, StoreError> {
    let file = FileNames::default();
    store.settings().set(key, value, &Change::new("alice", 1, &file)).await
}

/// Another process, as far as the database can tell.
async fn other(dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join(crate::FILE));
    options.connect().await.unwrap()
}

async fn on_writer(store: &Store, sql: &'static str) -> Option<i64> {
    let row = store.database.file().writer().fetch_optional(sql).await.unwrap();
    row.and_then(|row| row.try_get(0).ok())
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_is_over_when_there_is_room() {
    let (_dir, store) = new().await;
    set(&store, "first", "1").await.unwrap();
    let before = store.contents().await.unwrap();
    // A limit below the present size is the present size.
    on_writer(&store, "PRAGMA max_page_count = 1").await;
    let big = format!("\"{}\"", "x".repeat(1 << 20));
    let error = set(&store, "second", &big).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().ends_with("is full: nothing was changed; free some space"), "{error}");
    let after = store.contents().await.unwrap();
    assert_eq!((after.changes, after.settings), (before.changes, before.settings));
    on_writer(&store, "PRAGMA max_page_count = 1000000").await;
    set(&store, "second", &big).await.unwrap();
    assert!(store.faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_locked_database_is_told_and_still_read() {
    let (dir, store) = new().await;
    set(&store, "k", "1").await.unwrap();
    let mut other = other(dir.path()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = set(&store, "k", "2").await.unwrap_err();
    let path = dir.path().join(crate::FILE);
    assert_eq!(
        error.to_string(),
        format!(
            "{0} is locked by another process: try again, or find who holds it with `fuser {0}`",
            path.display()
        )
    );
    assert_eq!(store.settings().get("k").await.unwrap().value, "1");
    let second = open(dir.path()).await.unwrap();
    assert_eq!(second.settings().get("k").await.unwrap().value, "1");
    other.execute("ROLLBACK").await.unwrap();
    set(&store, "k", "2").await.unwrap();
    assert_eq!(second.settings().get("k").await.unwrap().value, "2");
}

#[tokio::test]
async fn a_new_database_that_another_holds_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(crate::FILE), "").unwrap();
    let mut other = other(dir.path()).await;
    other.execute("PRAGMA journal_mode = WAL").await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert!(matches!(open(dir.path()).await, Err(StoreError::Busy { .. })));
    other.execute("ROLLBACK").await.unwrap();
    open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_given_up_half_way_leaves_nothing() {
    let (_dir, store) = new().await;
    let before = store.changes().await.unwrap();
    let mut write = store.database.write(super::Area::Calls).await.unwrap();
    write.run("DELETE FROM store_state", std::iter::empty()).await.unwrap();
    drop(write);
    assert_eq!(store.changes().await.unwrap(), before);
    set(&store, "k", "1").await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_store_usable() {
    let (_dir, store) = new().await;
    for n in 0..300 {
        let patience = Duration::from_micros(n * 7);
        drop(tokio::time::timeout(patience, set(&store, &format!("k{n}"), "1")).await);
        drop(tokio::time::timeout(patience, store.contents()).await);
    }
    set(&store, "last", "1").await.unwrap();
    // Each change was made whole or not at all.
    let contents = store.contents().await.unwrap();
    assert_eq!(contents.changes.calls, i64::try_from(contents.settings.len()).unwrap());
    assert_eq!(contents.settings.iter().map(|s| s.meta.revision).max(), Some(contents.changes.calls));
}

#[tokio::test]
async fn a_read_sees_one_moment() {
    let (_dir, store) = new().await;
    set(&store, "a", "1").await.unwrap();
    let mut tx = store.database.read().await.unwrap();
    let first = crate::setting::list(&mut tx, Page::ALL).await.unwrap();
    set(&store, "b", "1").await.unwrap();
    assert_eq!(crate::setting::list(&mut tx, Page::ALL).await.unwrap(), first);
    drop(tx);
    assert_eq!(store.settings().list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_damaged_database_is_told() {
    let (dir, store) = new().await;
    for n in 0..200 {
        set(&store, &format!("k{n}"), &format!("\"{}\"", "x".repeat(200))).await.unwrap();
    }
    store.close().await;
    let path = dir.path().join(crate::FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    // The last pages hold settings alone.
    let sound = bytes.len() * 9 / 10;
    for byte in bytes.iter_mut().skip(sound) {
        *byte = 0x5a;
    }
    std::fs::write(&path, &bytes).unwrap();
    let found = Store::examine(&path).await.unwrap();
    assert!(!found.faults.is_empty());
    let store = open(dir.path()).await.unwrap();
    let error = store.settings().list().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().ends_with("move it away and restore a backup"), "{error}");
    store.close().await;
    std::fs::write(&path, "no database").unwrap();
    for error in [open(dir.path()).await.unwrap_err(), Store::examine(&path).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_told() {
    let (dir, store) = new().await;
    set(&store, "k", "1").await.unwrap();
    let mut other = other(dir.path()).await;
    let sql = "INSERT INTO users VALUES (9, 'u', 'emperor', 1, 1, 1, 'x')";
    other.execute(sql).await.unwrap();
    let error = store.users().get("u").await.unwrap_err();
    assert!(error.to_string().contains("column `role` holds `emperor`"), "{error}");
    other.execute("DELETE FROM store_state").await.unwrap();
    let error = set(&store, "k", "2").await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_format_and_another_program_s_database_are_left_alone() {
    let (dir, store) = new().await;
    set(&store, "k", "1").await.unwrap();
    store.close().await;
    let mut connection = other(dir.path()).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (99, 'later', TRUE, x'00', 0)";
    connection.execute(newer).await.unwrap();
    connection.close().await.unwrap();
    let path = dir.path().join(crate::FILE);
    for error in [
        open(dir.path()).await.unwrap_err(),
        Store::examine(&path).await.unwrap_err(),
        Store::restore(&path, tempfile::tempdir().unwrap().path()).await.unwrap_err(),
    ] {
        let StoreError::Newer { found: 99, known: FORMAT, .. } = error else { panic!("{error}") };
        assert!(error.to_string().ends_with("use the newer program"), "{error}");
    }
    let mut connection = other(dir.path()).await;
    connection.execute("DROP TABLE _sqlx_migrations").await.unwrap();
    connection.close().await.unwrap();
    let error = open(dir.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_changed_migration_is_told() {
    let (dir, store) = new().await;
    store.close().await;
    let mut connection = other(dir.path()).await;
    // An older database whose first step was another than ours.
    connection.execute("UPDATE _sqlx_migrations SET version = version - 1").await.unwrap();
    connection.close().await.unwrap();
    let error = open(dir.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn many_may_open_a_new_store_at_once() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(dir.path());
        let opened = tokio::join!(
            Store::open(options.clone()),
            Store::open(options.clone()),
            Store::open(options.clone()),
            Store::open(options)
        );
        for store in [opened.0, opened.1, opened.2, opened.3] {
            set(&store.unwrap(), "k", "1").await.unwrap();
        }
        let found = Store::examine(&dir.path().join(crate::FILE)).await.unwrap();
        assert_eq!((found.format, found.faults), (Some(FORMAT), Vec::new()));
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let for_root = std::fs::write(dir.path().join("probe"), "").is_ok();
    // Root writes where it likes, but for the kernel's own file systems.
    let place = if for_root { Path::new("/sys") } else { dir.path() };
    let error = open(place).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().ends_with("check owner and mode of file and folder"), "{error}");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let (_dir, store) = new().await;
    on_writer(&store, "PRAGMA query_only = ON").await;
    let error = set(&store, "k", "1").await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(crate::FILE), "").unwrap();
    let store = open(dir.path()).await.unwrap();
    set(&store, "k", "1").await.unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        seen += 1;
    }
    assert_eq!(seen, 3, "database, log and index of the log");
}
