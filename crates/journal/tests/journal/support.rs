//! A journal in a temporary directory, and what its files hold.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toolgate_journal::{
    Journal, Kind, Options, Record, RecordView, Records, Report, Urgency, public_key, verify_directory,
};

/// 2026-11-22T10:00:00Z in microseconds.
pub(crate) const NOW: i64 = 1_795_341_600_000_000;
pub(crate) const SECOND: i64 = 1_000_000;

pub(crate) fn data_directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn options(data: &Path) -> Options {
    Options { low_water_bytes: 0, ..Options::new(data, "node-1") }
}

pub(crate) fn open(options: &Options) -> Journal {
    Journal::open(options, NOW, None).unwrap().0
}

pub(crate) fn decision(request_id: &str) -> Record<'_> {
    Record {
        ts: NOW,
        kind: Kind::Decision,
        request_id: Some(request_id),
        tool: Some("t"),
        ..Record::default()
    }
}

pub(crate) fn outcome(request_id: &str) -> Record<'_> {
    Record { kind: Kind::Outcome, ..decision(request_id) }
}

pub(crate) fn decide(journal: &Journal, request_id: &str) -> u64 {
    journal.append(&decision(request_id), Urgency::Now).unwrap().seq
}

/// What one line said, in the few words that tests compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) request_id: String,
    pub(crate) detail: String,
}

impl Entry {
    pub(crate) fn of(view: &RecordView<'_>) -> Entry {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Entry {
            seq: view.seq,
            kind: view.kind.to_string(),
            request_id: text(view.request_id.as_deref()),
            detail: text(view.detail.as_deref()),
        }
    }
}

pub(crate) fn entries_from(data: &Path, from_seq: u64) -> Vec<Entry> {
    let mut records = Records::open(data, from_seq).unwrap();
    let mut entries = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        entries.push(Entry::of(&record.view().unwrap()));
    }
    entries
}

pub(crate) fn entries(data: &Path) -> Vec<Entry> {
    entries_from(data, 1)
}

/// Request ids of all records of a kind, in order.
pub(crate) fn requests(data: &Path, kind: &str) -> Vec<String> {
    entries(data).into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.request_id).collect()
}

pub(crate) fn verified(data: &Path) -> Report {
    verify_directory(data, public_key(data).unwrap(), None).unwrap()
}

pub(crate) fn assert_good(data: &Path) -> Report {
    let report = verified(data);
    assert!(report.is_ok(), "{report:?}");
    report
}

pub(crate) fn segments(data: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
