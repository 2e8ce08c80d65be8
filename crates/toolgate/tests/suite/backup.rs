//! `toolgate backup` and `toolgate restore`

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::Folder;
use crate::up::{Up, folder, upstream};

fn labels(folder: &Folder) -> Vec<String> {
    let list = folder.run("grant list --json").json(0);
    let rows = list["grants"].as_array().unwrap();
    rows.iter().map(|row| row["label"].as_str().unwrap().to_owned()).collect()
}

/// A folder with a store that has the grants `bob` and `carol`.
fn filled() -> Folder {
    let folder = Folder::new();
    for label in ["bob", "carol"] {
        folder.run(&format!("grant create {label} --server s=p")).with_code(0);
    }
    folder
}

#[test]
fn what_was_revoked_since_the_backup_is_told() {
    let folder = filled();
    let made = folder.run("backup kept.db --json").json(0);
    let file = folder.path().join("kept.db").metadata().unwrap();
    assert_eq!(made, json!({"file": "kept.db", "bytes": file.len()}));
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    folder.run("grant revoke bob").with_code(0);
    folder.run("grant create dave --server s=p").with_code(0);

    let out = folder.run("restore kept.db").with_code(0);
    let expected = "\
The store is restored from kept.db.
The one that was there is kept as .toolgate/toolgate.db.replaced.
warning: tokens that were revoked or replaced since the backup are valid again, of: bob; see to them with `toolgate \
grant revoke` or `toolgate grant rotate`
";
    assert_eq!(out, expected);
    assert_eq!(labels(&folder), ["bob", "carol"]);

    // What was replaced can be put back in the same way.
    let back = folder.run("restore .toolgate/toolgate.db.replaced --json").json(0);
    assert_eq!((&back["revived"], &back["secrets_closed"]), (&json!(["dave"]), &json!(null)));
    assert_eq!(labels(&folder), ["carol", "dave"]);
}

#[test]
fn a_backup_goes_into_an_empty_place() {
    let folder = filled();
    folder.run("backup kept.db").with_code(0);
    let back = folder.run("restore kept.db --data-dir fresh --json").json(0);
    assert_eq!((&back["replaced"], &back["revived"]), (&json!(null), &json!([])));
    let list = folder.run("grant list --data-dir fresh").with_code(0);
    assert!(list.starts_with("bob") && list.contains("carol"), "{list}");
}

#[test]
fn what_is_refused_changes_nothing() {
    let folder = filled();
    folder.write("other.txt", "mine");
    for (words, code, text) in [
        ("backup kept.db --data-dir none", 3, "there is no data directory"),
        ("backup kept.db --data-dir .", 3, "nothing was kept there yet"),
        ("backup other.txt", 1, "is no backup"),
        ("backup .toolgate/toolgate.db", 1, "is the store itself"),
        ("backup none/kept.db", 3, "none"),
        ("backup", 2, "FILE"),
        ("restore none.db", 3, "there is no backup"),
        ("restore other.txt", 1, "other.txt"),
        ("restore kept.db --data-dir other.txt", 3, "no backup"),
    ] {
        let ran = folder.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words}: {ran:?}");
        assert!(ran.err.contains(text), "{words}: {}", ran.err);
    }
    assert_eq!(folder.read("other.txt"), "mine");
    assert!(!folder.path().join("kept.db").exists() && !folder.path().join("none").exists());
    assert_eq!(labels(&folder), ["bob", "carol"]);
}

#[test]
fn while_a_gateway_runs_it_can_be_copied_but_not_replaced() {
    let upstream = upstream();
    let folder = folder(&upstream);
    let up = Up::start(&folder, &[]);
    up.told("proxy URL");
    folder.run("grant create bob --server images=p").with_code(0);
    folder.run("backup kept.db").with_code(0);
    folder.run("grant revoke bob").with_code(0);
    let ran = folder.run("restore kept.db");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("a gateway runs on data: stop it"), "{}", ran.err);
    assert_eq!(labels(&folder), ["alice"]);
    assert_eq!(up.stop(), 0);
    folder.run("restore kept.db").with_code(0);
    assert_eq!(labels(&folder), ["alice", "bob"]);
}
