//! A start after a crash: a torn last line is removed and told of; a damaged one stops the start.

use std::fs;

use toolgate_journal::{Journal, OpenError, Urgency};

use crate::support::*;

#[test]
fn a_line_torn_at_any_byte_is_removed_and_told_of() {
    let data = data_directory();
    drop({
        let journal = open(&options(data.path()));
        decide(&journal, "r1");
        decide(&journal, "r2");
        journal
    });
    let path = segments(data.path()).remove(0);
    let text = fs::read(&path).unwrap();
    let line = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in line..text.len() {
        fs::write(&path, &text[..cut]).unwrap();
        let torn = (cut - line) as u64;
        let report = assert_good(data.path());
        assert_eq!((report.last_seq, report.torn_bytes), (3, torn));

        let (journal, recovery) = Journal::open(&options(data.path()), NOW, None).unwrap();
        assert_eq!((recovery.last_seq, recovery.torn_bytes), (3, torn));
        assert_eq!(decide(&journal, "r3"), 6);
        drop(journal);
        assert_eq!(assert_good(data.path()).torn_bytes, 0);
        assert_eq!(requests(data.path(), "decision"), ["r1", "r3"]);
        let start = &entries_from(data.path(), 4)[0];
        assert_eq!(start.kind, "start");
        assert_eq!(start.detail.contains(&format!("torn last line of {torn} bytes")), torn > 0, "{start:?}");
    }
}

#[test]
fn a_long_torn_line_is_removed_whole() {
    let data = data_directory();
    drop(open(&options(data.path())));
    let path = &segments(data.path())[0];
    let text = [fs::read(path).unwrap(), vec![b'x'; 100_000]].concat();
    fs::write(path, text).unwrap();
    assert_eq!(Journal::open(&options(data.path()), NOW, None).unwrap().1.torn_bytes, 100_000);
    let report = assert_good(data.path());
    assert_eq!((report.records, report.torn_bytes), (4, 0));
}

#[test]
fn a_first_record_torn_in_a_new_segment_leaves_the_chain_whole() {
    let data = data_directory();
    let options = toolgate_journal::Options { rotate_bytes: 1200, ..options(data.path()) };
    let journal = open(&options);
    while segments(data.path()).len() < 3 {
        decide(&journal, "r");
    }
    drop(journal);
    let newest = segments(data.path()).pop().unwrap();
    let text = fs::read(&newest).unwrap();
    let line = text.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in [0, 1, line / 2, line] {
        fs::write(&newest, &text[..cut]).unwrap();
        let (journal, recovery) = Journal::open(&options, NOW, None).unwrap();
        assert_eq!(recovery.torn_bytes, cut as u64);
        decide(&journal, "r");
        drop(journal);
        assert_good(data.path());
    }
}

#[test]
fn only_torn_bytes_in_the_only_segment_begin_anew() {
    let data = data_directory();
    drop(open(&options(data.path())));
    fs::write(&segments(data.path())[0], "{\"seq\":1,\"ts\"").unwrap();
    let (journal, recovery) = Journal::open(&options(data.path()), NOW, None).unwrap();
    assert_eq!((recovery.last_seq, recovery.torn_bytes), (0, 13));
    drop(journal);
    assert_good(data.path());
}

#[test]
fn a_damaged_last_record_stops_the_start_with_advice() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    decide(&journal, "r1");
    journal.append(&decision("r2"), Urgency::Now).unwrap();
    drop(journal);
    let path = &segments(data.path())[0];
    let text = fs::read_to_string(path).unwrap();
    for damaged in [text.replace("\"r2\"", "\"r9\""), format!("{text}\n"), format!("{text}{{}}\n")] {
        fs::write(path, &damaged).unwrap();
        let error = Journal::open(&options(data.path()), NOW, None).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("toolgate audit verify"), "{error}");
        assert_eq!(fs::read_to_string(path).unwrap(), damaged, "nothing was touched");
        assert!(!verified(data.path()).is_ok());
    }
}

#[test]
fn a_newest_segment_that_does_not_follow_stops_the_start() {
    let data = data_directory();
    drop(open(&options(data.path())));
    fs::write(data.path().join("journal/00000000000000000099.jsonl"), "").unwrap();
    let error = Journal::open(&options(data.path()), NOW, None).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}
