//! What was seen of tools, and what people say of their risk.

use toolgate_store::{Change, FileNames, Kind, RiskWord, StoreError};

use crate::bench::{Bench, NOW};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn a_definition_is_seen_from_first_to_last() {
    let bench = Bench::new().await;
    let sightings = bench.store.sightings();
    let before = bench.store.changes().await.unwrap();
    sightings.note("s", &[("b", "1"), ("a", "1")], NOW).await.unwrap();
    // Too soon to be worth a write, but for what is new.
    sightings.note("s", &[("b", "1"), ("a", "2")], NOW + HOUR - 1).await.unwrap();
    sightings.note("s", &[("b", "1"), ("a", "2")], NOW + HOUR).await.unwrap();
    sightings.note("other", &[("a", "1")], NOW).await.unwrap();
    let told: Vec<_> = sightings.of("s").await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|s| (s.tool.as_str(), s.definition_hash.as_str(), s.first_seen - NOW, s.last_seen - NOW))
        .collect();
    assert_eq!(told, [("a", "1", 0, 0), ("a", "2", HOUR - 1, HOUR - 1), ("b", "1", 0, HOUR)]);
    assert_eq!(bench.store.changes().await.unwrap(), before, "no watcher needs to look");
}

#[tokio::test]
async fn what_was_not_seen_for_long_is_forgotten() {
    let bench = Bench::new().await;
    let sightings = bench.store.sightings();
    sightings.note("gone", &[("a", "1")], NOW).await.unwrap();
    sightings.note("s", &[("a", "1"), ("b", "1")], NOW).await.unwrap();
    sightings.note("s", &[("a", "1")], NOW + 91 * DAY).await.unwrap();
    assert!(sightings.of("gone").await.unwrap().is_empty());
    let left = sightings.of("s").await.unwrap();
    assert_eq!((left.len(), left[0].tool.as_str(), left[0].first_seen), (1, "a", NOW));
    // A clock that was set back takes nothing back.
    sightings.note("s", &[("a", "1")], NOW).await.unwrap();
    assert_eq!(sightings.of("s").await.unwrap(), left);
}

#[tokio::test]
async fn an_override_is_said_changed_and_taken_back() {
    let bench = Bench::new().await;
    let (overrides, file) = (bench.store.risk_overrides(), FileNames::default());
    let change = Change::new("alice", NOW, &file);
    let word = |category: &str| RiskWord {
        category: category.to_owned(),
        severity: (category == "read").then(|| "high".to_owned()),
        reason: "looked at its code".to_owned(),
    };
    let none = overrides.get("s", "t").await;
    assert!(matches!(none, Err(StoreError::NotFound { kind: Kind::RiskOverride, .. })), "{none:?}");
    let first = overrides.set(("s", "t"), &word("read"), &change.if_revision(0)).await.unwrap();
    assert_eq!((&first.word, first.meta.author.as_str()), (&word("read"), "alice"));
    let late = overrides.set(("s", "t"), &word("write"), &change.if_revision(0)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let later = Change::new("bob", NOW + 1, &file).if_revision(first.meta.revision);
    let second = overrides.set(("s", "t"), &word("write"), &later).await.unwrap();
    assert_eq!(
        (second.meta.created, second.meta.updated, second.meta.author.as_str()),
        (NOW, NOW + 1, "bob")
    );
    assert_eq!(second.word.severity, None);
    overrides.set(("a", "z"), &word("read"), &change).await.unwrap();
    let all: Vec<_> = overrides.list().await.unwrap().into_iter().map(|o| (o.server, o.tool)).collect();
    assert_eq!(all, [("a".to_owned(), "z".to_owned()), ("s".to_owned(), "t".to_owned())]);
    assert!(overrides.remove("s", "t", &later).await.is_err());
    overrides.remove("s", "t", &change).await.unwrap();
    assert!(overrides.get("s", "t").await.is_err());
}
