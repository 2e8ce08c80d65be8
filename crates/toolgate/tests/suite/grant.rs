//! `toolgate grant`

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use toolgate_gateway::token;
use toolgate_store::{Grant, NameStyle, Options, Page, Store, Tombstone};

use crate::harness::Folder;

const CONFIG: &str = "\
servers: { images: { url: \"http://127.0.0.1:1/mcp\" } }
policies: { strict: p.json }
data_dir: data
grants:
  minted: { servers: { images: strict }, tags: [ci], expires: 2099-01-01 }
  fixed: { servers: { images: strict }, token_sha256: e1b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 }
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("p.json", r#"{"version": "1", "tools": {"a": {}}}"#);
    folder.write("toolgate.yaml", CONFIG);
    folder
}

/// What a data directory's store has of grants.
struct Stored {
    grants: Vec<Grant>,
    tombstones: Vec<Tombstone>,
}

fn stored_in(data_dir: &Path) -> Stored {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(Options::new(data_dir)).await.unwrap();
        let grants = store.grants().list(Page::ALL).await.unwrap();
        Stored { grants, tombstones: store.grants().tombstones().await.unwrap() }
    })
}

fn stored(folder: &Folder) -> Stored {
    stored_in(&folder.path().join("data"))
}

fn hashes(folder: &Folder, label: &str) -> Vec<String> {
    let grants = stored(folder).grants;
    let grant = grants.iter().find(|grant| grant.label == label).unwrap();
    grant.tokens.iter().map(|token| token.hash.to_string()).collect()
}

fn row(folder: &Folder, label: &str) -> Value {
    let list = folder.run("grant list --json").json(0);
    let rows = list["grants"].as_array().unwrap();
    rows.iter().find(|row| row["label"] == label).cloned().unwrap_or_default()
}

#[test]
fn a_grant_is_made_and_only_its_hash_kept() {
    let folder = folder();
    let ran = folder
        .run("grant create bob --server images=strict --expires 2099-01-01 --tag ci --names underscore");
    assert_eq!(ran.code, 0, "{ran:?}");
    let token = ran.out.trim_end();
    assert!(token::is_minted(token), "{token}");
    assert!(!ran.err.contains(token));
    let grant = stored(&folder).grants.remove(0);
    let bindings: Vec<_> =
        grant.spec.servers.iter().map(|b| (b.server.as_str(), b.policy.as_str())).collect();
    assert_eq!(bindings, [("images", "strict")]);
    assert!(grant.spec.names == NameStyle::Underscore && !grant.managed_by_file && grant.spec.tags == ["ci"]);
    assert_eq!(hashes(&folder, "bob"), [token::hex(&token::hash(token))]);
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
    let mode = std::fs::metadata(folder.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let expected = serde_json::json!({"label": "bob", "managed_by": "api", "state": "active",
        "servers": {"images": "strict"}, "expires": "2099-01-01T00:00:00Z", "tags": ["ci"], "tokens": 1});
    assert_eq!(row(&folder, "bob"), expected);
}

#[test]
fn what_cannot_be_granted() {
    let folder = folder();
    folder.run("grant create bob --server images=strict").with_code(0);
    for (words, code, text) in [
        ("grant create bob --server images=strict", 1, "there is a grant `bob` already"),
        ("grant create minted --server images=strict", 1, "the config file has a grant `minted`"),
        ("grant create c --server image=strict", 1, "no server `image`: did you mean `images`?"),
        ("grant create c --server images=srict", 1, "no policy `srict`: did you mean `strict`?"),
        ("grant create c --server images", 2, "write the name of a server"),
        ("grant create c", 2, "--server"),
        ("grant create c/d --server images=strict", 2, "use 1 to 64"),
        ("grant create c --server images=strict --expires 2001-01-01", 2, "would have ended"),
        ("grant create c --server images=strict --expires soon", 2, "write a day"),
    ] {
        let ran = folder.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words}: {ran:?}");
        assert!(ran.err.contains(text), "{words}: {}", ran.err);
    }
    assert_eq!(stored(&folder).grants.len(), 1);
    folder.write("toolgate.yaml", "listn: x");
    let ran = folder.run("grant create c --server images=strict --data-dir data");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("toolgate.yaml:1:1: error: unknown field `listn`"), "{}", ran.err);
}

#[test]
fn without_a_config_file_names_are_taken_as_they_are() {
    let folder = Folder::new();
    let ran = folder.run("grant create bob --server anything=goes");
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("not checked"), "{}", ran.err);
    assert_eq!(stored_in(&folder.path().join(".toolgate")).grants.len(), 1);
}

#[test]
fn rotation_replaces_the_token_or_overlaps() {
    let folder = folder();
    let first = folder.run("grant create bob --server images=strict").with_code(0);
    let second = folder.run("grant rotate bob").with_code(0);
    assert_ne!(first, second);
    assert_eq!(hashes(&folder, "bob"), [token::hex(&token::hash(second.trim_end()))]);
    let json = folder.run("grant rotate bob --overlap 1h --json").json(0);
    let third = json["token"].as_str().unwrap();
    let expected = [second.trim_end(), third].map(|token| token::hex(&token::hash(token)));
    assert_eq!(hashes(&folder, "bob"), expected);
    let ends: Vec<_> = stored(&folder).grants[0].tokens.iter().map(|token| token.ends.is_some()).collect();
    assert_eq!(ends, [true, false]);
    assert_eq!(row(&folder, "bob")["tokens"], 2);
    folder.run("grant rotate bob").with_code(0);
    assert_eq!(hashes(&folder, "bob").len(), 1);
    assert_eq!(folder.run("grant rotate nobody").code, 1);
    assert_eq!(folder.run("grant rotate bob --overlap 1").code, 2);
}

#[test]
fn a_grant_of_the_file_gets_its_token_here_unless_the_file_has_it() {
    let folder = folder();
    assert_eq!(row(&folder, "minted")["state"], "no token yet");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let token = folder.run("grant rotate minted").with_code(0);
    assert_eq!(hashes(&folder, "minted"), [token::hex(&token::hash(token.trim_end()))]);
    assert!(stored(&folder).grants[0].managed_by_file);
    assert_eq!(row(&folder, "minted")["state"], "active");
    let ran = folder.run("grant rotate fixed");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("token_sha256"), "{}", ran.err);
}

#[test]
fn revocation_wins_over_the_file() {
    let folder = folder();
    folder.run("grant create bob --server images=strict").with_code(0);
    folder.run("grant revoke bob").with_code(0);
    assert!(row(&folder, "bob").is_null());
    assert!(stored(&folder).tombstones.is_empty());
    assert_eq!(folder.run("grant revoke bob").code, 1);
    assert_eq!(folder.run("grant revoke nobody").code, 1);
    for label in ["fixed", "minted"] {
        folder.run(&format!("grant revoke {label}")).with_code(0);
        assert_eq!(row(&folder, label)["state"], "revoked");
    }
    folder.run("grant revoke fixed").with_code(0);
    let labels: Vec<_> = stored(&folder).tombstones.into_iter().map(|tombstone| tombstone.label).collect();
    assert_eq!(labels, ["fixed", "minted"]);
    assert_eq!(folder.run("grant rotate minted").code, 1);
}

#[test]
fn a_grant_can_be_revoked_while_the_file_is_broken() {
    let folder = folder();
    folder.write("toolgate.yaml", &CONFIG.replace("servers: { images: {", "srvers: { images: {"));
    folder.run("grant revoke fixed").with_code(0);
    folder.write("toolgate.yaml", "{");
    let ran = folder.run("grant revoke minted --data-dir data");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("cannot be read"), "{}", ran.err);
    let labels: Vec<_> = stored(&folder).tombstones.into_iter().map(|tombstone| tombstone.label).collect();
    assert_eq!(labels, ["fixed", "minted"]);
    assert_eq!(folder.run("grant revoke minted").code, 3, "the data directory cannot be told");
}

#[test]
fn the_list_is_for_people_too() {
    let folder = folder();
    folder.run("grant create bob --server images=strict").with_code(0);
    let out = folder.run("grant list").with_code(0);
    let expected = "\
minted  no token yet  managed by file  images=strict  expires 2099-01-01T00:00:00Z  tags ci
fixed  active  managed by file  images=strict
bob  active  managed by api  images=strict
";
    assert_eq!(out, expected);
}
