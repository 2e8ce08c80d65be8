//! `toolgate audit`

use std::fs;
use std::process::Stdio;

use std::io::{BufRead as _, BufReader};

use toolgate_journal::{Journal, Kind, Options, Outcome, Record, Urgency};

use crate::harness::Folder;

/// 2026-11-22T10:00:00Z
const START: i64 = 1_795_341_600_000_000;

fn append(journal: &Journal, number: i64) {
    let id = format!("r-{number}");
    let denied = number % 2 == 1;
    let decision = Record {
        ts: START + number,
        kind: Kind::Decision,
        request_id: Some(&id),
        grant: Some("alice"),
        server: Some("images"),
        method: Some("tools/call"),
        tool: Some("image\u{1b}[31m"),
        outcome: Some(if denied { Outcome::Deny } else { Outcome::Allow }),
        rule: denied.then_some("(default deny)"),
        ..Record::default()
    };
    journal.append(&decision, Urgency::Now).unwrap();
}

/// A folder with a journal of four decisions in `.toolgate`, and the journal.
fn folder() -> (Folder, Journal) {
    let folder = Folder::new();
    let options = Options::new(folder.path().join(".toolgate"), "test");
    let (journal, _) = Journal::open(&options, START, None).unwrap();
    (0..4).for_each(|number| append(&journal, number));
    (folder, journal)
}

#[test]
fn the_latest_records_are_shown() {
    let (folder, _journal) = folder();
    let out = folder.run("audit tail -n 2").with_code(0);
    let expected = "\
2026-11-22T10:00:00.000002Z  #5  decision  allow  alice  images  image\\u{1b}[31m  request=r-2
2026-11-22T10:00:00.000003Z  #6  decision  deny  alice  images  image\\u{1b}[31m  rule=(default deny)  request=r-3
";
    assert_eq!(out, expected);
    let json = folder.run("audit tail -n 1 --json").json(0);
    assert_eq!((json["seq"].as_u64(), json["request_id"].as_str()), (Some(6), Some("r-3")));
    assert_eq!(folder.run("audit tail").with_code(0).lines().count(), 6);
}

#[test]
fn new_records_are_followed() {
    let (folder, journal) = folder();
    let mut child =
        folder.command().args(["audit", "tail", "-f", "-n", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("request=r-3"));
    append(&journal, 4);
    assert!(lines.next().unwrap().unwrap().ends_with("request=r-4"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_request_is_found() {
    let (folder, _journal) = folder();
    let out = folder.run("audit show r-1").with_code(0);
    assert!(out.contains("rule             (default deny)\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
    assert_eq!(folder.run("audit show r-1 --json").json(0)["outcome"], "deny");
    let ran = folder.run("audit show r-9");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("no record of request `r-9`"), "{}", ran.err);
}

#[test]
fn an_intact_journal_is_verified_and_a_changed_one_is_not() {
    let (folder, journal) = folder();
    journal.close(START + 10, None).unwrap();
    drop(journal);
    let out = folder.run("audit verify").with_code(0);
    assert!(out.ends_with("the journal is intact\n"), "{out}");
    let json = folder.run("audit verify --json").json(0);
    assert_eq!(
        (json["ok"].as_bool(), json["records"].as_u64(), json["unsigned_tail"].as_u64()),
        (Some(true), Some(8), Some(0))
    );
    assert_eq!(folder.run("audit verify --expect-seq 9 --json").json(1)["ok"], false);
    folder.run("audit verify --key .toolgate/journal.pub").with_code(0);

    let segment = folder.path().join(".toolgate/journal/00000000000000000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"deny\"", "\"allow\"", 1)).unwrap();
    let out = folder.run("audit verify").with_code(1);
    assert!(out.contains("line 4, record 4: the record's hash does not match"), "{out}");
    assert_eq!(folder.run("audit verify --json").json(1)["fault"]["line"], 4);
}

#[test]
fn a_torn_line_is_a_warning() {
    let (folder, journal) = folder();
    journal.close(START + 10, None).unwrap();
    drop(journal);
    let segment = folder.path().join(".toolgate/journal/00000000000000000001.jsonl");
    let mut text = fs::read(&segment).unwrap();
    text.extend_from_slice(b"{\"seq\":9");
    fs::write(&segment, text).unwrap();
    let out = folder.run("audit verify").with_code(0);
    assert!(out.contains("warning: the last line is torn (8 bytes)"), "{out}");
}

#[test]
fn records_are_exported() {
    let (folder, _journal) = folder();
    let whole = folder.run("audit export").with_code(0);
    assert_eq!(whole, folder.read(".toolgate/journal/00000000000000000001.jsonl"));
    let part = folder.run("audit export --from 4 --to 5").with_code(0);
    assert_eq!(part.lines().count(), 2);
    assert!(whole.contains(&part));
    let csv = folder.run("audit export --format csv --from 3").with_code(0);
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let ocsf = folder.run("audit export --format ocsf --from 6").json(0);
    assert_eq!(ocsf["class_uid"], 6003);
    assert_eq!(folder.run("audit export --format xml").code, 2);
}

#[test]
fn a_journal_that_is_not_there_cannot_be_reached() {
    let folder = Folder::new();
    for words in ["audit tail", "audit verify", "audit show x", "audit export"] {
        let ran = folder.run(words);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.err.contains("there is no data directory `.toolgate`"), "{}", ran.err);
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    for words in ["audit tail", "audit verify", "audit show x", "audit export"] {
        assert_eq!(folder.run(&format!("{words} --data-dir empty")).code, 3);
    }
}
