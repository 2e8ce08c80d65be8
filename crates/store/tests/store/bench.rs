//! A store in a directory of its own, and short ways to write what goes into it.

use std::time::Duration;

use tempfile::TempDir;
use toolgate_store::{
    Address, Binding, Document, Options, Protocol, Reach, Secret, SecretChanges, ServerSpec, Store, Syntax,
    TokenHash,
};

/// A moment: Unix microseconds.
pub(crate) const NOW: i64 = 1_800_000_000_000_000;

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(dir.path())).await.unwrap();
        Self { store, dir }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(Options::new(self.dir.path())).await.unwrap();
        Self { store, dir: self.dir }
    }

    /// Everything that stands in the directory, as text.
    pub(crate) fn bytes(&self) -> String {
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    }
}

pub(crate) fn hash(n: u8) -> TokenHash {
    TokenHash::new([n; 32])
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(crate) fn secrets(changes: &[(&str, Option<&str>)]) -> SecretChanges {
    changes.iter().map(|(name, value)| ((*name).to_owned(), value.map(secret))).collect()
}

pub(crate) fn http(url: &str) -> ServerSpec {
    ServerSpec {
        reach: Reach::Http { url: Address::new(url) },
        protocol: Protocol::Auto,
        timeout: Duration::from_secs(60),
        max_duration: Duration::from_mins(10),
        enabled: true,
    }
}

pub(crate) fn document(text: &str) -> Document {
    let hash = format!("hash of {text}");
    Document { syntax: Syntax::Json, text: text.to_owned(), hash, comment: None }
}

pub(crate) fn binding(server: &str, policy: &str) -> Binding {
    Binding { server: server.to_owned(), policy: policy.to_owned() }
}
