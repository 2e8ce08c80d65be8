//! Backup while the store is in use, restore, and what is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toolgate_store::{
    Change, FORMAT, FileNames, GrantSpec, Link, NewSession, Options, Page, Role, Store, StoreError,
};

use crate::bench::{Bench, NOW, hash, http, secret, secrets};

async fn fill(store: &Store) {
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let canary = secrets(&[("A", Some("canary-a"))]);
    store.servers().create("s", &http("https://example.com/"), &canary, &change).await.unwrap();
    store.grants().create("g", &GrantSpec::default(), hash(1), &change).await.unwrap();
    store.grants().create("h", &GrantSpec::default(), hash(2), &change).await.unwrap();
}

async fn labels(store: &Store) -> Vec<String> {
    store.grants().list(Page::ALL).await.unwrap().into_iter().map(|grant| grant.label).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_is_whole_private_and_holds_no_key() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let shelf = tempfile::tempdir().unwrap();
    let target = shelf.path().join("backup.db");
    let size = bench.store.backup(&target).await.unwrap();
    assert_eq!(names(shelf.path()), ["backup.db"]);
    assert_eq!(target.metadata().unwrap().len(), size);
    assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let found = Store::examine(&target).await.unwrap();
    assert_eq!((found.format, found.faults), (Some(FORMAT), Vec::new()));
    assert_eq!(names(shelf.path()), ["backup.db"], "looking leaves nothing behind");
    let bytes = String::from_utf8_lossy(&std::fs::read(&target).unwrap()).into_owned();
    let key = std::fs::read_to_string(bench.dir.path().join("secret.key")).unwrap();
    assert!(!bytes.contains(key.trim()) && !bytes.contains("canary-a"));
    // A newer backup takes its place.
    bench.store.backup(&target).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_of_one_moment_while_others_write() {
    let bench = Bench::new().await;
    let shelf = tempfile::tempdir().unwrap();
    let (store, file) = (&bench.store, FileNames::default());
    let change = Change::new("alice", NOW, &file);
    // `b-n` is made after `a-n`: a backup with the second and without the first is of no moment.
    let write = async {
        for n in 0..60 {
            store.settings().set(&format!("a-{n}"), "1", &change).await.unwrap();
            store.settings().set(&format!("b-{n}"), "1", &change).await.unwrap();
        }
    };
    let copy = async {
        for n in 0..6 {
            store.backup(&shelf.path().join(format!("{n}.db"))).await.unwrap();
        }
    };
    tokio::join!(write, copy);
    for n in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        Store::restore(&shelf.path().join(format!("{n}.db")), dir.path()).await.unwrap();
        let store = Store::open(Options::new(dir.path())).await.unwrap();
        let keys: Vec<String> =
            store.settings().list().await.unwrap().into_iter().map(|setting| setting.key).collect();
        let (firsts, seconds) = keys.split_at(keys.partition_point(|key| key.starts_with('a')));
        assert!(firsts.len() - seconds.len() <= 1, "{keys:?}");
    }
}

#[tokio::test]
async fn a_restore_brings_back_what_was_and_says_what_it_revives() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let session = NewSession { hash: hash(9), csrf: hash(8), idle_expires: NOW + 9, expires: NOW + 9 };
    bench.store.sign_in().begin(&session, ("alice", Role::Admin), NOW).await.unwrap();
    let link = Link { hash: hash(7), user: "alice".to_owned(), role: Role::Admin, expires: NOW + 9 };
    bench.store.sign_in().add_link(&link, NOW).await.unwrap();
    let target = bench.dir.path().join("backup.db");
    bench.store.backup(&target).await.unwrap();

    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    bench.store.grants().revoke("g", &change).await.unwrap();
    bench.store.grants().create("i", &GrantSpec::default(), hash(3), &change).await.unwrap();
    let last = bench.store.changes().await.unwrap();
    bench.store.close().await;
    let restored = Store::restore(&target, bench.dir.path()).await.unwrap();
    assert_eq!((restored.format, restored.revived), (FORMAT, vec!["g".to_owned()]));
    let replaced = restored.replaced.unwrap();
    assert_eq!(names(bench.dir.path()), ["backup.db", "secret.key", "toolgate.db", "toolgate.db.replaced"]);

    let bench = bench.reopened().await;
    assert_eq!(labels(&bench.store).await, ["g", "h"]);
    let mode = bench.dir.path().join("toolgate.db").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        bench.store.servers().open("s").await.unwrap().secrets,
        [("A".to_owned(), secret("canary-a"))]
    );
    assert_eq!(bench.store.sign_in().find(hash(9), NOW).await.unwrap(), None, "nobody is signed in");
    assert!(bench.store.sign_in().redeem(hash(7), &session, NOW).await.is_err());
    // Whoever watched the old store sees that something changed, and no revision is used twice.
    let changes = bench.store.changes().await.unwrap();
    assert!(changes.calls > last.calls && changes.people > last.people);
    // The replaced one can be had back.
    bench.store.close().await;
    Store::restore(&replaced, bench.dir.path()).await.unwrap();
    let bench = bench.reopened().await;
    assert_eq!(labels(&bench.store).await, ["h", "i"]);
}

#[tokio::test]
async fn a_restore_into_an_empty_directory_needs_the_key_for_secrets_alone() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let target = bench.dir.path().join("backup.db");
    bench.store.backup(&target).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let restored = Store::restore(&target, dir.path()).await.unwrap();
    assert_eq!((restored.replaced, restored.revived), (None, Vec::new()));
    let store = Store::open(Options::new(dir.path())).await.unwrap();
    assert_eq!(labels(&store).await, ["g", "h"]);
    assert!(matches!(store.verify_key().await, Err(StoreError::Key(_))));
}

#[tokio::test]
async fn a_damaged_store_is_replaced_and_kept() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let target = bench.dir.path().join("backup.db");
    bench.store.backup(&target).await.unwrap();
    bench.store.close().await;
    let db = bench.dir.path().join("toolgate.db");
    std::fs::write(&db, "this is no database at all, whatever its name says").unwrap();
    std::fs::write(bench.dir.path().join("toolgate.db-wal"), "left over").unwrap();
    assert!(matches!(Store::open(Options::new(bench.dir.path())).await, Err(StoreError::Corrupt { .. })));
    Store::restore(&target, bench.dir.path()).await.unwrap();
    let kept = std::fs::read_to_string(bench.dir.path().join("toolgate.db.replaced")).unwrap();
    assert!(kept.starts_with("this is no database"));
    let bench = bench.reopened().await;
    assert_eq!(labels(&bench.store).await, ["g", "h"]);
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let good = bench.dir.path().join("backup.db");
    bench.store.backup(&good).await.unwrap();
    let before = names(bench.dir.path());
    let shelf = tempfile::tempdir().unwrap();
    let bad = shelf.path().join("bad.db");
    let bytes = std::fs::read(&good).unwrap();
    let mut torn = bytes.clone();
    torn.truncate(bytes.len() / 2);
    let mut garbled = bytes.clone();
    for byte in garbled.iter_mut().skip(4096 + 8).take(3000) {
        *byte = 0xff;
    }
    for content in [Vec::new(), b"not a database, but longer than a header is".repeat(9), torn, garbled] {
        std::fs::write(&bad, &content).unwrap();
        let error = Store::restore(&bad, bench.dir.path()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { path, .. } if path == &bad), "{error}");
    }
    let error = Store::restore(&shelf.path().join("none.db"), bench.dir.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    // A copy of a store in use lacks what stands in its log.
    std::fs::write(&bad, &bytes).unwrap();
    std::fs::write(shelf.path().join("bad.db-wal"), "more of it").unwrap();
    let error = Store::restore(&bad, bench.dir.path()).await.unwrap_err();
    assert!(error.to_string().contains("no backup but a store in use"), "{error}");
    assert_eq!(names(bench.dir.path()), before);
    assert_eq!(labels(&bench.store).await, ["g", "h"]);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_but_backups() {
    let bench = Bench::new().await;
    fill(&bench.store).await;
    let other = bench.dir.path().join("letter.txt");
    std::fs::write(&other, "dear reader").unwrap();
    let db = bench.dir.path().join("toolgate.db");
    for target in [&other, &db, &bench.dir.path().join("toolgate.db-wal")] {
        let error = bench.store.backup(target).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "dear reader");
    let error = bench.store.backup(&bench.dir.path().join("no/such/folder.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(labels(&bench.store).await, ["g", "h"]);
}
