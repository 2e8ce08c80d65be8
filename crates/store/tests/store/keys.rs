//! The key of the secrets: made, given, lost, wrong, changed, and changed half-way.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sqlx::{ConnectOptions as _, Executor as _};
use toolgate_store::{Change, FileNames, KeyError, KeySource, NextKey, Options, Secret, Store, StoreError};

use crate::bench::{Bench, NOW, http, secret, secrets};

const ONE: &str = "6f1d3a9bc04e82577e91c5d20a3b48f6e7126d5c8f903b4ad1e2c7650918b3fa";
const TWO: &str = "O2p4nVd1c0Kx9sQm7YtR5wZa3LbE8hGuJ6fTiNoPqUw=";

async fn open(dir: &Path, key: KeySource) -> Store {
    Store::open(Options { key, ..Options::new(dir) }).await.unwrap()
}

fn given(keys: &str) -> KeySource {
    KeySource::Given(secret(keys))
}

async fn keep_one(store: &Store) -> Result<(), StoreError> {
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let canary = secrets(&[("A", Some("canary-a")), ("B", Some("canary-b"))]);
    store.servers().create("s", &http("https://example.com/"), &canary, &change).await.map(|_| ())
}

async fn opened(store: &Store) -> Result<Vec<Secret>, StoreError> {
    let open = store.servers().open("s").await?;
    Ok(open.secrets.into_iter().map(|(_, value)| value).collect())
}

fn both() -> Vec<Secret> {
    vec![secret("canary-a"), secret("canary-b")]
}

fn sealed_under(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("secret.key")).unwrap()
}

#[tokio::test]
async fn a_key_is_made_at_the_first_secret_for_its_owner_alone() {
    let bench = Bench::new().await;
    let path = bench.dir.path().join("secret.key");
    assert_eq!(bench.store.verify_key().await.unwrap(), None);
    assert!(!path.exists());
    keep_one(&bench.store).await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let id = bench.store.verify_key().await.unwrap().unwrap();
    assert!(!sealed_under(bench.dir.path()).contains(&id));
    let bench = bench.reopened().await;
    assert_eq!(opened(&bench.store).await.unwrap(), both());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let bench = bench.reopened().await;
    let error = bench.store.verify_key().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{0} is open to others (mode 640): run `chmod 600 {0}`", path.display())
    );
}

#[tokio::test]
async fn a_lost_key_is_said_and_no_other_takes_its_place() {
    let bench = Bench::new().await;
    keep_one(&bench.store).await.unwrap();
    std::fs::remove_file(bench.dir.path().join("secret.key")).unwrap();
    let bench = bench.reopened().await;
    let missing = |error: &StoreError| matches!(error, StoreError::Key(KeyError::Missing { .. }));
    let errors = [
        bench.store.verify_key().await.unwrap_err(),
        opened(&bench.store).await.unwrap_err(),
        bench.store.rotate_key(&NextKey::Made).await.unwrap_err(),
    ];
    assert!(errors.iter().all(missing), "{errors:?}");
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let new = secrets(&[("A", Some("new"))]);
    assert!(missing(&bench.store.servers().set_secrets("s", &new, &change).await.unwrap_err()));
    assert!(!bench.dir.path().join("secret.key").exists());
    // What needs no secret goes on, and nobody gets a server without its headers.
    let contents = bench.store.contents().await.unwrap();
    assert!(contents.servers.first().unwrap().secrets.as_ref().unwrap_err().contains("put it back"));
    assert_eq!(bench.store.servers().get("s").await.unwrap().secrets, ["A", "B"]);
    assert_eq!(bench.store.forget_secrets().await.unwrap(), 2);
    bench.store.servers().set_secrets("s", &new, &change).await.unwrap();
    assert_eq!(opened(&bench.store).await.unwrap(), [secret("new")]);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_the_right_one_found_among_several() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), given(ONE)).await;
    keep_one(&store).await.unwrap();
    store.close().await;
    let store = open(dir.path(), given(TWO)).await;
    let error = store.verify_key().await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Wrong { .. })), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("the key from TOOLGATE_SECRET_KEY is not the one"), "{text}");
    assert!(!text.contains(TWO) && !format!("{store:?}").contains(TWO));
    assert!(opened(&store).await.is_err());
    for source in [given(&format!("{TWO}\n{ONE}")), given(&format!("{ONE} {TWO}"))] {
        assert_eq!(opened(&open(dir.path(), source).await).await.unwrap(), both());
    }
    for weak in ["", "changeme", "00000000"] {
        let store = open(dir.path(), given(weak)).await;
        assert!(store.verify_key().await.is_err(), "{weak}");
    }
    assert!(!dir.path().join("secret.key").exists());
}

#[tokio::test]
async fn a_weak_key_keeps_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for weak in ["", "changeme", &"ab".repeat(32)] {
        let store = open(dir.path(), given(weak)).await;
        let error = keep_one(&store).await.unwrap_err();
        assert!(matches!(error, StoreError::Key(KeyError::Malformed { .. })), "{error}");
        assert!(store.servers().get("s").await.is_err());
    }
}

#[tokio::test]
async fn a_store_without_secrets_takes_another_key() {
    let dir = tempfile::tempdir().unwrap();
    let (file, one) = (FileNames::default(), open(dir.path(), given(ONE)).await);
    keep_one(&one).await.unwrap();
    one.servers().remove("s", &Change::new("alice", NOW, &file)).await.unwrap();
    let two = open(dir.path(), given(TWO)).await;
    keep_one(&two).await.unwrap();
    assert_eq!(opened(&two).await.unwrap(), both());
    assert!(opened(&one).await.is_err());
}

#[tokio::test]
async fn a_rotation_seals_everything_anew() {
    let bench = Bench::new().await;
    keep_one(&bench.store).await.unwrap();
    let before = sealed_under(bench.dir.path());
    // Another process has the old key in memory.
    let other = Store::open(Options::new(bench.dir.path())).await.unwrap();
    assert_eq!(opened(&other).await.unwrap(), both());
    let old_id = bench.store.verify_key().await.unwrap().unwrap();
    let rotated = bench.store.rotate_key(&NextKey::Made).await.unwrap();
    assert_eq!(rotated.secrets, 2);
    assert_ne!(sealed_under(bench.dir.path()), before);
    assert_eq!(bench.store.verify_key().await.unwrap(), Some(rotated.key_id));
    assert_eq!(opened(&bench.store).await.unwrap(), both());
    assert_eq!(opened(&other).await.unwrap(), both());
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    other.servers().set_secrets("s", &secrets(&[("B", Some("canary-b"))]), &change).await.unwrap();
    other.close().await;
    let bench = bench.reopened().await;
    assert_eq!(opened(&bench.store).await.unwrap(), both());
    bench.store.close().await;
    assert!(!bench.bytes().contains(&old_id), "nothing is left under the old key");
    assert!(!bench.dir.path().join("secret.key.new").exists());
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_leaves_everything_readable() {
    let bench = Bench::new().await;
    let path = |name: &str| bench.dir.path().join(name);
    keep_one(&bench.store).await.unwrap();
    let old = sealed_under(bench.dir.path());
    bench.store.rotate_key(&NextKey::Made).await.unwrap();
    let new = sealed_under(bench.dir.path());

    // Killed after the commit, before the file was renamed.
    std::fs::rename(path("secret.key"), path("secret.key.new")).unwrap();
    std::fs::write(path("secret.key"), &old).unwrap();
    std::fs::set_permissions(path("secret.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let store = Store::open(Options::new(bench.dir.path())).await.unwrap();
    assert_eq!(opened(&store).await.unwrap(), both());
    store.rotate_key(&NextKey::Made).await.unwrap();
    assert_eq!(opened(&store).await.unwrap(), both());
    assert!(!path("secret.key.new").exists());
    let newest = sealed_under(bench.dir.path());
    assert!(newest != new && newest != old);

    // The same, and then a start.
    std::fs::rename(path("secret.key"), path("secret.key.new")).unwrap();
    let store = Store::open(Options::new(bench.dir.path())).await.unwrap();
    store.verify_key().await.unwrap().unwrap();
    assert_eq!(sealed_under(bench.dir.path()), newest);
    assert!(!path("secret.key.new").exists());

    // Killed before the commit: the next key waits in vain.
    std::fs::write(path("secret.key.new"), &old).unwrap();
    std::fs::set_permissions(path("secret.key.new"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let store = Store::open(Options::new(bench.dir.path())).await.unwrap();
    store.verify_key().await.unwrap().unwrap();
    assert_eq!(opened(&store).await.unwrap(), both());
    assert_eq!(sealed_under(bench.dir.path()), newest);
}

#[tokio::test]
async fn a_second_rotation_that_fails_does_not_cost_the_key_of_the_first() {
    let bench = Bench::new().await;
    let path = |name: &str| bench.dir.path().join(name);
    keep_one(&bench.store).await.unwrap();
    let old = sealed_under(bench.dir.path());
    bench.store.rotate_key(&NextKey::Made).await.unwrap();
    // The first was killed before its file was renamed: the key in use stands in the successor's place.
    std::fs::rename(path("secret.key"), path("secret.key.new")).unwrap();
    std::fs::write(path("secret.key"), &old).unwrap();
    std::fs::set_permissions(path("secret.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    // The second meets a secret that does not open.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path("toolgate.db"));
    let mut other = options.connect().await.unwrap();
    let sql = "UPDATE secrets SET sealed = 'x' || sealed WHERE field = 'header:B'";
    other.execute(sql).await.unwrap();
    let store = Store::open(Options::new(bench.dir.path())).await.unwrap();
    assert!(store.rotate_key(&NextKey::Made).await.is_err());
    other.execute("UPDATE secrets SET sealed = substr(sealed, 2) WHERE field = 'header:B'").await.unwrap();
    let store = Store::open(Options::new(bench.dir.path())).await.unwrap();
    assert_eq!(opened(&store).await.unwrap(), both());
}

#[tokio::test]
async fn only_one_process_changes_the_key() {
    let bench = Bench::new().await;
    keep_one(&bench.store).await.unwrap();
    let lock = std::fs::File::create(bench.dir.path().join("secret.key.lock")).unwrap();
    lock.lock().unwrap();
    let error = bench.store.rotate_key(&NextKey::Made).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Busy)), "{error}");
    assert_eq!(opened(&bench.store).await.unwrap(), both());
}

#[tokio::test]
async fn a_given_key_is_changed_for_a_given_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), given(ONE)).await;
    keep_one(&store).await.unwrap();
    let error = store.rotate_key(&NextKey::Made).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::NotOurs { .. })), "{error}");
    let error = store.rotate_key(&NextKey::Given(secret("weak"))).await.unwrap_err();
    assert!(!error.to_string().contains("weak"), "{error}");
    store.rotate_key(&NextKey::Given(secret(TWO))).await.unwrap();
    assert_eq!(opened(&store).await.unwrap(), both());
    assert!(opened(&open(dir.path(), given(ONE)).await).await.is_err());
    assert_eq!(opened(&open(dir.path(), given(TWO)).await).await.unwrap(), both());
    let file = dir.path().join("mounted");
    std::fs::write(&file, format!("{TWO}\n")).unwrap();
    assert_eq!(opened(&open(dir.path(), KeySource::File(file.clone())).await).await.unwrap(), both());
    std::fs::remove_file(&file).unwrap();
    let error = opened(&open(dir.path(), KeySource::File(file)).await).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Missing { .. })), "{error}");
}

#[tokio::test]
async fn a_secret_that_was_moved_locks_its_own_server_alone() {
    let bench = Bench::new().await;
    keep_one(&bench.store).await.unwrap();
    let file = FileNames::default();
    let change = Change::new("alice", NOW, &file);
    let canary = secrets(&[("A", Some("canary-other"))]);
    bench.store.servers().create("t", &http("https://t.example/"), &canary, &change).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(bench.dir.path().join("toolgate.db"));
    let mut other = options.connect().await.unwrap();
    // Whoever can write the file gives one server the secret of the other.
    let sql = "UPDATE secrets SET sealed = (SELECT sealed FROM secrets JOIN servers ON id = owner_id \
               WHERE name = 's' AND field = 'header:A') \
               WHERE owner_id = (SELECT id FROM servers WHERE name = 't')";
    other.execute(sql).await.unwrap();
    let error = bench.store.servers().open("t").await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Tampered { .. })), "{error}");
    assert_eq!(opened(&bench.store).await.unwrap(), both());
    let contents = bench.store.contents().await.unwrap();
    let open: Vec<bool> = contents.servers.iter().map(|server| server.secrets.is_ok()).collect();
    assert_eq!(open, [true, false]);
    // Neither does a rotation pass it over.
    assert!(bench.store.rotate_key(&NextKey::Made).await.is_err());
    assert_eq!(opened(&bench.store).await.unwrap(), both());
}
