//! Cost of appending records of ordinary size, and speed of the offline verification.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use tempfile::TempDir;
use toolgate_journal::{
    Journal, Kind, Latency, Limit, Options, Outcome, Record, Urgency, public_key, verify_directory,
};

const NOW: i64 = 1_795_341_600_000_000;
const RECORDS: u64 = 100_000;

fn main() {
    divan::main();
}

fn decision(ts: i64) -> Record<'static> {
    Record {
        ts,
        kind: Kind::Decision,
        request_id: Some("01JD9Z6Y7Q3M8W2K5T4V1X0RNB"),
        session: Some("s-4f1d2c"),
        client: Some("desktop/1.2.3"),
        grant: Some("alice-laptop"),
        server: Some("imagegen"),
        method: Some("tools/call"),
        tool: Some("generate_image"),
        outcome: Some(Outcome::Allow),
        rule: Some("tools.generate_image.limits[0]"),
        policy: Some("images"),
        policy_version: Some("0f1e2d3c4b5a6978"),
        definition_hash: Some("9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"),
        argument_names: Some(&["height", "prompt", "width"]),
        arguments_hmac: Some("9c56cc51b374c3ba189210d5b6d4bf57"),
        limits: &[Limit { counter: "calls", amount: "1", scope: "grant" }],
        ..Record::default()
    }
}

fn outcome(ts: i64) -> Record<'static> {
    Record {
        ts,
        kind: Kind::Outcome,
        request_id: Some("01JD9Z6Y7Q3M8W2K5T4V1X0RNB"),
        outcome: Some(Outcome::Ok),
        latency: Some(Latency { gateway: 81, upstream: Some(10_250) }),
        ..Record::default()
    }
}

fn journal() -> (TempDir, Journal) {
    let data = tempfile::tempdir().unwrap();
    let options = Options { low_water_bytes: 0, ..Options::new(data.path(), "node-1") };
    let (journal, _) = Journal::open(&options, NOW, None).unwrap();
    (data, journal)
}

#[divan::bench]
fn append_decision(bencher: Bencher<'_, '_>) {
    let (_data, journal) = journal();
    bencher
        .counter(ItemsCount::new(1u32))
        .bench_local(|| journal.append(&decision(black_box(NOW)), Urgency::Now).unwrap());
}

#[divan::bench]
fn append_decision_and_outcome(bencher: Bencher<'_, '_>) {
    let (_data, journal) = journal();
    bencher.counter(ItemsCount::new(2u32)).bench_local(|| {
        journal.append(&outcome(black_box(NOW)), Urgency::Soon).unwrap();
        journal.append(&decision(black_box(NOW)), Urgency::Now).unwrap()
    });
}

#[divan::bench(sample_count = 10)]
fn verify(bencher: Bencher<'_, '_>) {
    let (data, journal) = journal();
    for _ in 0..RECORDS {
        journal.append(&decision(NOW), Urgency::Soon).unwrap();
    }
    journal.close(NOW, None).unwrap();
    let bytes: u64 = std::fs::read_dir(data.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    let key = public_key(data.path()).unwrap();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        assert!(verify_directory(data.path(), key.clone(), Some(RECORDS)).unwrap().is_ok());
    });
}
