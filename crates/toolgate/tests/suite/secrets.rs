//! `toolgate secrets`, and where the key comes from

use std::time::Duration;

use serde_json::{Value, json};
use toolgate_store::{
    Address, Change, FileNames, KeySource, Options, Protocol, Reach, Secret, ServerSpec, Store, StoreError,
};

use crate::harness::{Folder, Ran};

const OLD: &str = "00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f";
const NEW: &str = "ffeeddccbbaa99887766554433221100f0e1d2c3b4a5968778695a4b3c2d1e0f";

fn on_store<T>(folder: &Folder, key: KeySource, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let data_dir = folder.path().join(".toolgate");
    std::fs::create_dir_all(&data_dir).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(Options { key, ..Options::new(&data_dir) }).await.unwrap();
        let done = work(&store).await;
        store.close().await;
        done
    })
}

fn generated(folder: &Folder) -> KeySource {
    KeySource::in_data_dir(&folder.path().join(".toolgate"))
}

fn given(key: &str) -> KeySource {
    KeySource::Given(Secret::new(key.to_owned()))
}

/// A folder whose store has a server with one secret header.
fn folder(key: impl FnOnce(&Folder) -> KeySource) -> Folder {
    let folder = Folder::new();
    let spec = ServerSpec {
        reach: Reach::Http { url: Address::new("https://example.com/mcp") },
        protocol: Protocol::Auto,
        timeout: Duration::from_secs(60),
        max_duration: Duration::from_secs(600),
        enabled: true,
    };
    let key = key(&folder);
    on_store(&folder, key, async |store| {
        let names = FileNames::default();
        let change = Change::new("a test", 0, &names);
        let secrets = [("X-Api-Key".to_owned(), Some(Secret::new("canary".to_owned())))].into();
        store.servers().create("s", &spec, &secrets, &change).await.unwrap();
    });
    folder
}

/// The header's value as it opens under a key.
fn opened(folder: &Folder, key: KeySource) -> Result<String, StoreError> {
    on_store(folder, key, async |store| {
        let open = store.servers().open("s").await?;
        Ok(open.secrets[0].1.expose().to_owned())
    })
}

fn run_with(folder: &Folder, variable: (&str, &str), words: &str) -> Ran {
    let output =
        folder.command().env(variable.0, variable.1).args(words.split_whitespace()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_key_that_is_made_here_is_replaced_by_another() {
    let folder = folder(generated);
    let before = folder.read(".toolgate/secret.key");
    let told = folder.run("secrets rotate-key --json").json(0);
    assert_eq!(told["secrets"], 1);
    let after = folder.read(".toolgate/secret.key");
    assert_ne!(before, after);
    assert!(!told.to_string().contains(after.trim()), "the key is not shown");
    assert_eq!(opened(&folder, generated(&folder)).unwrap(), "canary");
    assert!(matches!(opened(&folder, given(&before)), Err(StoreError::Key(_))));
    let out = folder.run("secrets rotate-key").with_code(0);
    assert!(out.starts_with("There is a new key, ") && out.ends_with("; 1 secret kept under it.\n"), "{out}");
}

#[test]
fn a_key_of_the_environment_is_replaced_by_one_that_is_given() {
    let folder = folder(|_| given(OLD));
    folder.write("new.key", &format!("{NEW}\n"));
    folder.write("old.key", OLD);
    let variable = ("TOOLGATE_SECRET_KEY", OLD);
    let ran = run_with(&folder, variable, "secrets rotate-key");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--new-key-file") && !ran.err.contains(OLD), "{}", ran.err);
    run_with(&folder, variable, "secrets rotate-key --new-key-file new.key").with_code(0);
    assert_eq!(opened(&folder, given(NEW)).unwrap(), "canary");
    assert!(!folder.path().join(".toolgate/secret.key").exists());

    // As a running gateway has it over the change: both, in any order.
    let both = format!("{OLD} {NEW}");
    run_with(&folder, ("TOOLGATE_SECRET_KEY", &both), "secrets rotate-key --new-key-file old.key")
        .with_code(0);
    assert_eq!(opened(&folder, given(&both)).unwrap(), "canary");
    run_with(&folder, ("TOOLGATE_SECRET_KEY", &both), "secrets rotate-key --new-key-file new.key")
        .with_code(0);
    assert_eq!(opened(&folder, given(NEW)).unwrap(), "canary");

    // Back again, with the present key from a file: by option, or by the variable that names it.
    let ran = folder.run("secrets rotate-key --key-file old.key --new-key-file new.key");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is not the one that the secrets are kept under"), "{}", ran.err);
    folder.run("secrets rotate-key --key-file new.key --new-key-file old.key").with_code(0);
    let variable = ("TOOLGATE_SECRET_KEY_FILE", "old.key");
    run_with(&folder, variable, "secrets rotate-key --new-key-file new.key").with_code(0);
    assert_eq!(opened(&folder, given(NEW)).unwrap(), "canary");
}

#[test]
fn what_keeps_the_key_as_it_is() {
    let folder = folder(generated);
    let before = folder.read(".toolgate/secret.key");
    folder.write("bad.key", "hunter2");
    for (words, code, text) in [
        ("secrets rotate-key --new-key-file none", 3, "cannot read the new key"),
        ("secrets rotate-key --new-key-file bad.key", 1, "the new key is no key"),
        ("secrets rotate-key --data-dir none", 3, "there is no data directory"),
        ("secrets rotate-key --data-dir .", 3, "nothing was kept there yet"),
    ] {
        let ran = folder.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words}: {ran:?}");
        assert!(ran.err.contains(text) && !ran.err.contains("hunter2"), "{words}: {}", ran.err);
    }
    assert_eq!(folder.read(".toolgate/secret.key"), before);
    assert_eq!(opened(&folder, generated(&folder)).unwrap(), "canary");
}

#[test]
fn a_backup_without_its_key_says_so() {
    let folder = folder(generated);
    folder.run("backup kept.db").with_code(0);
    let closed = |told: Value| told["secrets_closed"].as_str().unwrap_or_default().to_owned();
    let told = folder.run("restore kept.db --data-dir fresh --json").json(0);
    assert!(closed(told).contains("put it back"));
    let out = folder.run("restore kept.db --data-dir fresh").with_code(0);
    assert!(out.contains("warning: the secrets of this backup stay closed: "), "{out}");
    let key = folder.read(".toolgate/secret.key");
    let told = run_with(&folder, ("TOOLGATE_SECRET_KEY", &key), "restore kept.db --data-dir fresh --json");
    assert_eq!(told.json(0)["secrets_closed"], json!(null));
}
