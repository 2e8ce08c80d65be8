//! Reading from any record on, following, and finding a request.

use std::fs::{self, OpenOptions};
use std::io::Write;

use toolgate_journal::{Options, ReadError, Record, Records, Urgency, last_seq, records_of_request};

use crate::support::*;

#[test]
fn reading_begins_with_any_record() {
    let data = data_directory();
    let options = Options { rotate_bytes: 3000, ..options(data.path()) };
    let journal = open(&options);
    while journal.last_seq() < 60 {
        decide(&journal, "r");
    }
    assert_eq!(last_seq(data.path()).unwrap(), 60);
    for from in 0..=62 {
        let numbers: Vec<u64> = entries_from(data.path(), from).iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (from.max(1)..=60).collect::<Vec<u64>>(), "from {from}");
    }
}

#[test]
fn reading_begins_anywhere_in_a_large_segment() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    // Lines of very different lengths, some longer than what is searched at a time.
    for number in 0..1500usize {
        let detail = "x".repeat(if number % 200 == 7 { 300_000 } else { number % 900 });
        journal.append(&Record { detail: Some(&detail), ..decision("r") }, Urgency::Soon).unwrap();
    }
    journal.flush().unwrap();
    for from in (1..=1502).step_by(37).chain([1501, 1502]) {
        let first = Records::open(data.path(), from).unwrap().next_record().unwrap().unwrap().seq;
        assert_eq!(first, from);
    }
}

#[test]
fn the_latest_records() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    decide(&journal, "r1");
    let mut records = Records::latest(data.path(), 2).unwrap();
    assert_eq!(records.next_record().unwrap().unwrap().seq, 2);
    let mut none = Records::latest(data.path(), 0).unwrap();
    assert!(none.next_record().unwrap().is_none());
    decide(&journal, "r2");
    assert_eq!(none.next_record().unwrap().unwrap().seq, 4);
    assert_eq!(Records::latest(data.path(), 100).unwrap().next_record().unwrap().unwrap().seq, 1);
}

#[test]
fn following_sees_growth_and_new_segments() {
    let data = data_directory();
    let options = Options { rotate_bytes: 1000, ..options(data.path()) };
    let journal = open(&options);
    let mut records = Records::open(data.path(), 1).unwrap();
    let mut seen = 0;
    for _ in 0..20 {
        decide(&journal, "r");
        while let Some(record) = records.next_record().unwrap() {
            seen += 1;
            assert_eq!(record.seq, seen);
        }
        assert_eq!(seen, journal.last_seq());
    }
    assert!(segments(data.path()).len() > 5);
}

#[test]
fn following_an_empty_journal_sees_its_first_record() {
    let data = data_directory();
    fs::create_dir(data.path().join("journal")).unwrap();
    let mut records = Records::open(data.path(), 1).unwrap();
    assert!(records.next_record().unwrap().is_none());
    let _journal = open(&options(data.path()));
    assert_eq!(records.next_record().unwrap().unwrap().seq, 1);
}

#[test]
fn a_line_that_is_being_written_is_waited_for() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    decide(&journal, "r1");
    drop(journal);
    let path = &segments(data.path())[0];
    let text = fs::read(path).unwrap();
    fs::write(path, &text[..text.len() - 100]).unwrap();
    let mut records = Records::open(data.path(), 3).unwrap();
    for _ in 0..3 {
        assert!(records.next_record().unwrap().is_none());
        assert!(records.torn_bytes() > 0);
    }
    OpenOptions::new().append(true).open(path).unwrap().write_all(&text[text.len() - 100..]).unwrap();
    assert_eq!(records.next_record().unwrap().unwrap().seq, 3);
    assert_eq!(records.torn_bytes(), 0);
}

#[test]
fn a_request_tells_its_story() {
    let data = data_directory();
    let options = Options { rotate_bytes: 1500, ..options(data.path()) };
    let journal = open(&options);
    for request in ["r1", "r\"2", "r3", "r1", "r\"2"] {
        decide(&journal, request);
        journal.append(&outcome(request), Urgency::Now).unwrap();
    }
    let hidden = Record { detail: Some("\"request_id\":\"r3\""), ..decision("r4") };
    journal.append(&hidden, Urgency::Now).unwrap();
    let count = |request| records_of_request(data.path(), request).unwrap().len();
    assert_eq!(["r1", "r\"2", "r3", "r", "r4"].map(count), [4, 4, 2, 0, 1]);
}

#[test]
fn a_damaged_line_is_an_error() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    decide(&journal, "r1");
    drop(journal);
    let path = &segments(data.path())[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replace("{\"seq\":3", "{\"sec\":3")).unwrap();
    let mut records = Records::open(data.path(), 2).unwrap();
    assert_eq!(records.next_record().unwrap().unwrap().seq, 2);
    let error = records.next_record().unwrap_err();
    assert!(matches!(error, ReadError::Damaged { after: 2, .. }), "{error}");
}

#[test]
fn no_journal_is_an_error() {
    let data = data_directory();
    assert!(matches!(Records::open(data.path(), 1), Err(ReadError::File { .. })));
}
