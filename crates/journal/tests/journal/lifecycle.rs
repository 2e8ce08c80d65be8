//! Start, stop, rotation, retention, checkpoints.

use std::fs;
use std::time::Duration;

use toolgate_journal::{
    AppendError, Hash, Journal, KeyError, MAX_LINE, OpenError, Options, Recovery, Retention, Urgency,
    public_key, verify_directory,
};

use crate::support::*;

#[test]
fn a_journal_tells_its_own_life() {
    let data = data_directory();
    let options = Options { about: Some("toolgate 0.1.0".to_owned()), ..options(data.path()) };
    let (journal, recovery) = Journal::open(&options, NOW, None).unwrap();
    assert_eq!(recovery, Recovery { last_seq: 0, segments: 0, torn_bytes: 0 });
    assert_eq!(decide(&journal, "r1"), 3);
    assert_eq!(journal.append(&outcome("r1"), Urgency::Soon).unwrap().seq, 4);
    assert_eq!(journal.last_seq(), 4);
    journal.close(NOW, Some("told to")).unwrap();
    assert!(matches!(journal.append(&decision("r2"), Urgency::Now), Err(AppendError::Closed)));
    assert!(!journal.healthy());

    let told: Vec<(u64, String, String)> =
        entries(data.path()).into_iter().map(|entry| (entry.seq, entry.kind, entry.detail)).collect();
    let expected = [
        (1, "start", "toolgate 0.1.0"),
        (2, "checkpoint", ""),
        (3, "decision", ""),
        (4, "outcome", ""),
        (5, "stop", "told to"),
        (6, "checkpoint", ""),
    ];
    assert_eq!(told, expected.map(|(seq, kind, detail)| (seq, kind.to_owned(), detail.to_owned())));
    assert_eq!(assert_good(data.path()).unsigned_tail(), 0);
}

#[test]
fn the_chain_goes_on_over_restarts() {
    let data = data_directory();
    for run in 0..3u64 {
        let (journal, recovery) = Journal::open(&options(data.path()), NOW, None).unwrap();
        assert_eq!(recovery.last_seq, run * 4);
        decide(&journal, "r");
        // Dropped without a close, what waits is written all the same.
        journal.append(&outcome("r"), Urgency::Soon).unwrap();
    }
    assert_eq!(assert_good(data.path()).records, 12);
    assert_eq!(requests(data.path(), "outcome").len(), 3);
}

#[test]
fn the_number_grows_whatever_the_clock_does() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    let first = decide(&journal, "r");
    for ts in [NOW - 3600 * SECOND, 0, i64::MIN, NOW + 3600 * SECOND, i64::MAX] {
        journal.append(&toolgate_journal::Record { ts, ..decision("r") }, Urgency::Now).unwrap();
        journal.tick(ts).unwrap();
    }
    assert!(journal.last_seq() >= first + 5);
    drop(journal);
    assert_good(data.path());
}

#[test]
fn an_outcome_is_written_with_the_next_decision_or_by_a_flush() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    journal.append(&outcome("r1"), Urgency::Soon).unwrap();
    assert_eq!(requests(data.path(), "outcome"), [""; 0]);
    decide(&journal, "r2");
    assert_eq!(requests(data.path(), "outcome"), ["r1"]);
    journal.append(&outcome("r2"), Urgency::Soon).unwrap();
    journal.flush().unwrap();
    assert_eq!(requests(data.path(), "outcome"), ["r1", "r2"]);
}

#[test]
fn checkpoints_come_by_count_and_by_time() {
    let data = data_directory();
    let options = Options { checkpoint_records: 10, ..options(data.path()) };
    let journal = open(&options);
    for _ in 0..25 {
        decide(&journal, "r");
    }
    assert_eq!(assert_good(data.path()).checkpoints, 3);
    journal.tick(NOW + 9 * SECOND).unwrap();
    assert_eq!(assert_good(data.path()).checkpoints, 3);
    journal.tick(NOW + 10 * SECOND).unwrap();
    assert_eq!(assert_good(data.path()).checkpoints, 4);
    // An idle journal does not grow.
    journal.tick(NOW + 60 * SECOND).unwrap();
    assert_eq!(assert_good(data.path()).checkpoints, 4);
    decide(&journal, "r");
    // A clock that was set back does not put checkpoints off.
    journal.tick(NOW - 3600 * SECOND).unwrap();
    assert_eq!(assert_good(data.path()).checkpoints, 5);
    journal.checkpoint(NOW, Some(&Hash::of(b"counters"))).unwrap();
    let lines = fs::read_to_string(&segments(data.path())[0]).unwrap();
    assert!(lines.lines().last().unwrap().contains(&format!(",\"counters\":\"{}\"", Hash::of(b"counters"))));
    assert_eq!(assert_good(data.path()).unsigned_tail(), 0);
}

#[test]
fn segments_rotate_and_stay_one_journal() {
    let data = data_directory();
    let options = Options { rotate_bytes: 2000, ..options(data.path()) };
    for _ in 0..2 {
        let journal = open(&options);
        for _ in 0..20 {
            decide(&journal, "r");
        }
        // Several lines in one write pass into a new segment together.
        for _ in 0..20 {
            journal.append(&outcome("r"), Urgency::Soon).unwrap();
        }
        journal.close(NOW, None).unwrap();
    }
    let report = assert_good(data.path());
    assert_eq!(report.segments, segments(data.path()).len() as u64);
    assert!(report.segments > 5);
    assert_eq!(requests(data.path(), "decision").len(), 40);
}

#[test]
fn retention_by_size_leaves_a_journal_that_verifies() {
    let data = data_directory();
    let retention = Retention { max_bytes: Some(10_000), max_age: None };
    let options = Options { rotate_bytes: 2000, retention, ..options(data.path()) };
    let journal = open(&options);
    for round in 1..=3 {
        for _ in 0..40 {
            decide(&journal, "r");
        }
        journal.tick(NOW + round * 61 * SECOND).unwrap();
        let report = assert_good(data.path());
        assert!(report.first_seq > 1, "{report:?}");
        let size: u64 = segments(data.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(size <= 12_000, "{size}");
    }
    journal.close(NOW, None).unwrap();
    // Without the oldest of what is left, nothing vouches for the beginning.
    fs::remove_file(&segments(data.path())[0]).unwrap();
    assert!(!verified(data.path()).is_ok());
}

#[test]
fn retention_by_age_keeps_what_is_young() {
    let data = data_directory();
    let retention = Retention { max_bytes: None, max_age: Some(Duration::from_secs(3600)) };
    let options = Options { rotate_bytes: 2000, retention, ..options(data.path()) };
    let journal = open(&options);
    for minute in 0..120 {
        let ts = NOW + minute * 60 * SECOND;
        journal.append(&toolgate_journal::Record { ts, ..decision("r") }, Urgency::Now).unwrap();
    }
    journal.prune(NOW + 119 * 60 * SECOND).unwrap();
    let report = assert_good(data.path());
    // Two records and one for each minute before the last hour; segments hold about five.
    assert!((50..=62).contains(&report.first_seq), "{report:?}");
    journal.prune(NOW + 100_000 * SECOND).unwrap();
    assert_eq!(assert_good(data.path()).segments, 1);
    decide(&journal, "r");
    assert_good(data.path());
}

#[test]
fn a_removal_cut_off_by_a_crash_is_no_fault_and_is_completed() {
    let data = data_directory();
    let retention = Retention { max_bytes: Some(4000), max_age: None };
    let options = Options { rotate_bytes: 2000, retention, ..options(data.path()) };
    let journal = open(&options);
    for _ in 0..40 {
        decide(&journal, "r");
    }
    let before: Vec<(_, Vec<u8>)> =
        segments(data.path()).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    journal.prune(NOW).unwrap();
    assert!(segments(data.path()).len() < before.len() - 2);
    // As if all but the oldest files were still to be removed.
    for (path, text) in before.iter().skip(1).filter(|(path, _)| !path.exists()) {
        fs::write(path, text).unwrap();
    }
    assert_good(data.path());
    journal.prune(NOW).unwrap();
    assert!(segments(data.path()).len() < before.len() - 2);
    assert_good(data.path());
}

#[test]
fn one_process_writes_a_journal() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    assert!(matches!(Journal::open(&options(data.path()), NOW, None), Err(OpenError::InUse { .. })));
    drop(journal);
    open(&options(data.path()));
}

#[test]
fn a_lost_key_stops_the_start() {
    let data = data_directory();
    drop(open(&options(data.path())));
    fs::remove_file(data.path().join("journal.key")).unwrap();
    let error = Journal::open(&options(data.path()), NOW, None).unwrap_err();
    assert!(matches!(error, OpenError::Key(KeyError::Missing { .. })), "{error}");
}

#[test]
fn a_copy_of_the_key_finds_a_journal_that_was_replaced_whole() {
    let (data, forged) = (data_directory(), data_directory());
    drop(open(&options(data.path())));
    let copy = public_key(data.path()).unwrap();
    drop(open(&options(forged.path())));
    assert_good(forged.path());
    assert!(!verify_directory(forged.path(), copy, None).unwrap().is_ok());
}

#[test]
fn a_record_that_is_too_long_is_refused_and_leaves_no_trace() {
    let data = data_directory();
    let journal = open(&options(data.path()));
    let detail = "x".repeat(MAX_LINE);
    let huge = toolgate_journal::Record { detail: Some(&detail), ..decision("r1") };
    assert!(matches!(journal.append(&huge, Urgency::Now), Err(AppendError::TooLong { .. })));
    assert!(journal.healthy());
    decide(&journal, "r2");
    assert_good(data.path());
    assert_eq!(requests(data.path(), "decision"), ["r2"]);
}
