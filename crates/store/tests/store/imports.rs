//! Taking over `grants.json`.

use std::path::Path;

use toolgate_store::{
    Binding, Change, FileNames, GRANTS_FILE, GrantSpec, Imported, NameStyle, Page, Store, StoreError,
};

use crate::bench::{Bench, NOW, binding, hash};

fn grant(label: &str, token: u8, more: &str) -> String {
    let hash = hash(token);
    format!(r#"{{"label":"{label}","tokens":[{{"sha256":"{hash}"}}],"created":7{more}}}"#)
}

fn write(dir: &Path, grants: &[String], tombstones: &str) -> String {
    let text = format!(r#"{{"format":1,"grants":[{}],"tombstones":[{tombstones}]}}"#, grants.join(","));
    std::fs::write(dir.join(GRANTS_FILE), &text).unwrap();
    text
}

async fn labels(store: &Store) -> Vec<String> {
    store.grants().list(Page::ALL).await.unwrap().into_iter().map(|grant| grant.label).collect()
}

#[tokio::test]
async fn everything_is_taken_over_once() {
    let bench = Bench::new().await;
    let (grants, file) = (bench.store.grants(), FileNames::default());
    let change = Change::new("upgrade", NOW, &file);
    assert_eq!(grants.import(bench.dir.path(), &change).await.unwrap(), Imported::default());
    let full =
        r#","servers":[["s","p"],["t","q"],["s","r"]],"expires":99,"tags":["ci"],"underscore_names":true"#;
    let rotated = format!(
        r#"{{"label":"r","tokens":[{{"sha256":"{}","ends":50}},{{"sha256":"{}"}}],"managed_by_file":true,"created":8}}"#,
        hash(2),
        hash(3)
    );
    let text = write(bench.dir.path(), &[grant("g", 1, full), rotated], r#"{"label":"gone","revoked":5}"#);
    let imported = grants.import(bench.dir.path(), &change).await.unwrap();
    assert_eq!((imported.grants, imported.tombstones, imported.skipped.len()), (2, 1, 0));
    let kept = imported.kept_as.unwrap();
    assert!(kept.ends_with("grants.json.imported"));
    assert_eq!(std::fs::read_to_string(kept).unwrap(), text);
    assert!(!bench.dir.path().join(GRANTS_FILE).exists());

    let g = grants.get("g").await.unwrap();
    let servers: Vec<Binding> = vec![binding("t", "q"), binding("s", "r")];
    let spec =
        GrantSpec { servers, expires: Some(99), tags: vec!["ci".to_owned()], names: NameStyle::Underscore };
    assert_eq!((g.spec, g.managed_by_file, g.meta.created), (spec, false, 7));
    let r = grants.get("r").await.unwrap();
    let tokens: Vec<_> = r.tokens.iter().map(|t| (t.hash, t.created, t.ends)).collect();
    assert_eq!(tokens, [(hash(2), 8, Some(50)), (hash(3), 8, None)]);
    assert!(r.managed_by_file && r.meta.revision != g.meta.revision);
    let tombstones = grants.tombstones().await.unwrap();
    assert_eq!(tombstones.iter().map(|t| (t.label.as_str(), t.revoked)).collect::<Vec<_>>(), [("gone", 5)]);
}

#[tokio::test]
async fn a_process_killed_before_the_rename_revives_nothing() {
    let bench = Bench::new().await;
    let (grants, file) = (bench.store.grants(), FileNames::default());
    let change = Change::new("upgrade", NOW, &file);
    let text = write(bench.dir.path(), &[grant("a", 1, ""), grant("b", 2, "")], "");
    grants.import(bench.dir.path(), &change).await.unwrap();
    grants.revoke("a", &change).await.unwrap();
    // As if the rename had not happened.
    std::fs::write(bench.dir.path().join(GRANTS_FILE), &text).unwrap();
    let again = grants.import(bench.dir.path(), &change).await.unwrap();
    assert_eq!((again.grants, again.skipped.len()), (0, 0));
    assert_eq!(labels(&bench.store).await, ["b"]);
    assert!(!bench.dir.path().join(GRANTS_FILE).exists());
    assert!(again.kept_as.unwrap().to_string_lossy().contains("grants.json.imported-"));
}

#[tokio::test]
async fn what_is_taken_already_is_left_out_and_told() {
    let bench = Bench::new().await;
    let file = FileNames { grants: ["filed".to_owned()].into(), ..FileNames::default() };
    let (grants, change) = (bench.store.grants(), Change::new("upgrade", NOW, &file));
    grants.create("a", &GrantSpec::default(), hash(1), &change).await.unwrap();
    let all = [
        grant("a", 9, ""),
        grant("b", 1, ""),
        grant("c", 3, ""),
        grant("c", 4, ""),
        grant("filed", 5, ""),
        grant("no label", 6, ""),
        grant("d", 7, "").replace(&hash(7).to_string(), "short"),
    ];
    write(bench.dir.path(), &all, "");
    let imported = grants.import(bench.dir.path(), &change).await.unwrap();
    assert_eq!(imported.grants, 1);
    assert_eq!(imported.skipped, ["a", "b", "c", "filed", "no label", "d"]);
    assert_eq!(labels(&bench.store).await, ["a", "c"]);
    assert_eq!(grants.get("a").await.unwrap().tokens.first().unwrap().hash, hash(1));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stays() {
    let bench = Bench::new().await;
    let (grants, file) = (bench.store.grants(), FileNames::default());
    let change = Change::new("upgrade", NOW, &file);
    let path = bench.dir.path().join(GRANTS_FILE);
    for bad in ["{", "[]", r#"{"format":1,"grants":[],"x":1}"#, r#"{"format":1,"grants":[{"label":"a"}]}"#] {
        std::fs::write(&path, bad).unwrap();
        let error = grants.import(bench.dir.path(), &change).await.unwrap_err();
        assert!(error.to_string().contains("grants.json is not readable as grants"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
    }
    std::fs::write(&path, r#"{"format":2,"grants":[]}"#).unwrap();
    let error = grants.import(bench.dir.path(), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    write(bench.dir.path(), &[grant("a", 1, "")], "");
    let lock = std::fs::File::create(bench.dir.path().join("grants.lock")).unwrap();
    lock.lock().unwrap();
    let error = grants.import(bench.dir.path(), &change).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    drop(lock);
    assert_eq!(grants.import(bench.dir.path(), &change).await.unwrap().grants, 1);
}
