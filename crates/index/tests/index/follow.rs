//! Following a journal: what is written while the index runs, rotation, retention, other nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use toolgate_index::{Index, Options, QueryError, Search, State};
use toolgate_journal::{Kind, Outcome, Record, Urgency};

use crate::fixture::{HOUR, NOW, SECOND, Traffic, all, catch_up, follow, open_journal, options, start};
use crate::reference::{assert_same, events};

#[tokio::test]
async fn what_is_written_while_it_runs_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let index = follow(directory.path()).await;
    let mut traffic = Traffic::new(1);
    for _ in 0..20 {
        // Segments of 50 kB: it goes through several.
        traffic.write(&journal, 100);
        catch_up(&index, directory.path()).await;
    }
    assert_same(&index, directory.path()).await;
    let status = index.status();
    assert_eq!((status.lag_records(), status.skipped, status.unreadable, status.rebuilds), (0, 0, 0, 0));
    index.stop().await;
    assert_eq!(index.status().state, State::Stopped);
}

#[tokio::test]
async fn it_goes_on_after_a_stop_and_copies_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(2);
    for _ in 0..3 {
        traffic.write(&journal, 700);
        let index = follow(directory.path()).await;
        assert_same(&index, directory.path()).await;
        index.stop().await;
    }
    let index = follow(directory.path()).await;
    assert_same(&index, directory.path()).await;
    assert_eq!(index.status().rebuilds, 0);
}

#[tokio::test]
async fn two_that_follow_at_once_copy_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(4).write(&journal, 3000);
    let (one, other) = (start(options(directory.path())), start(options(directory.path())));
    catch_up(&one, directory.path()).await;
    catch_up(&other, directory.path()).await;
    assert_same(&one, directory.path()).await;
    assert_same(&other, directory.path()).await;
}

#[tokio::test]
async fn a_pruned_journal_leaves_a_gap_that_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let prune = |options: &mut toolgate_journal::Options| {
        options.retention.max_bytes = Some(100_000);
    };
    let journal = open_journal(directory.path(), prune);
    let mut traffic = Traffic::new(5);
    traffic.write(&journal, 300);
    let index = follow(directory.path()).await;
    index.stop().await;
    let before = all(&index, &Search::default(), 500).await.len();
    traffic.write(&journal, 2000);
    journal.prune(NOW).unwrap();
    let index = follow(directory.path()).await;
    let status = index.status();
    assert!(status.skipped > 0 && status.rebuilds == 0, "{status:?}");
    let found = all(&index, &Search::default(), 500).await;
    // What was copied before stays, though the journal has it no more.
    let first_left = events(directory.path()).last().unwrap().seq;
    let kept = found.iter().filter(|event| event.seq < first_left).count();
    assert!(kept > 0 && kept <= before, "{kept} of {before}");
    let oldest = found.last().unwrap().seq;
    let detail = index.event(oldest).await.unwrap().unwrap();
    assert_eq!((detail.event.seq, detail.record), (oldest, None));
    let newest = index.event(found[0].seq).await.unwrap().unwrap();
    assert!(newest.record.is_some());
}

#[tokio::test]
async fn retention_while_it_runs_does_not_stop_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |options| {
        options.retention.max_bytes = Some(60_000);
        options.rotate_bytes = 10_000;
    });
    let index = follow(directory.path()).await;
    let mut traffic = Traffic::new(6);
    for _ in 0..30 {
        traffic.write(&journal, 60);
        journal.prune(NOW).unwrap();
    }
    catch_up(&index, directory.path()).await;
    let found = all(&index, &Search::default(), 500).await;
    for event in events(directory.path()).iter().filter(|event| event.kind == "decision") {
        assert!(found.iter().any(|other| other.seq == event.seq), "{event:?}");
    }
}

#[tokio::test]
async fn an_event_comes_with_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(8).write(&journal, 500);
    let index = follow(directory.path()).await;
    for event in all(&index, &Search::default(), 100).await {
        let detail = index.event(event.seq).await.unwrap().unwrap();
        let record = String::from_utf8(detail.record.unwrap()).unwrap();
        assert!(record.starts_with(&format!("{{\"seq\":{},", event.seq)));
        let outcome = detail.outcome_record.map(|line| String::from_utf8(line).unwrap());
        let expected = event.outcome_seq.filter(|seq| *seq != event.seq);
        assert_eq!(outcome.is_some(), expected.is_some());
        assert!(outcome.is_none_or(|line| line.starts_with(&format!("{{\"seq\":{},", expected.unwrap()))));
        assert_eq!(detail.event, event);
    }
    assert_eq!(index.event(1_000_000).await.unwrap(), None);
    assert_eq!(index.event(u64::MAX).await.unwrap(), None);
}

#[tokio::test]
async fn switched_off_it_answers_nothing_and_later_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(61);
    traffic.write(&journal, 300);
    let before = follow(directory.path()).await;
    let indexed = before.status().indexed_seq;
    before.stop().await;
    traffic.write(&journal, 300);
    let off = Index::off(&options(directory.path()));
    assert_eq!((off.status().state, off.reached(indexed).await), (State::Off, false));
    let error = off.search(&Search::default(), 10, None).await.unwrap_err();
    assert!(matches!(error, QueryError::Off), "{error}");
    off.stop().await;
    let index = follow(directory.path()).await;
    assert_eq!(index.status().rebuilds, 0);
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn a_clock_set_back_keeps_the_order_and_the_hours() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(9);
    for jump in [0, -5 * HOUR, 30 * HOUR, -20 * HOUR, -SECOND, 0] {
        traffic.ts += jump;
        traffic.write(&journal, 400);
    }
    let index = follow(directory.path()).await;
    assert_same(&index, directory.path()).await;
    let expected = events(directory.path());
    for start in -60..10 {
        let from = NOW + start * HOUR;
        let search = Search { from: Some(from), until: Some(from + HOUR), ..Search::default() };
        let found: Vec<u64> = all(&index, &search, 30).await.iter().map(|event| event.seq).collect();
        let plain: Vec<u64> = expected
            .iter()
            .filter(|event| event.ts >= from && event.ts < from + HOUR)
            .map(|event| event.seq)
            .collect();
        assert_eq!(found, plain, "{start}");
    }
}

#[tokio::test]
async fn names_without_end_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |options| options.rotate_bytes = 10_000_000);
    for number in 0..21_000 {
        let (tool, rule) = (format!("tool-{number}"), "x".repeat(300));
        let record = Record {
            ts: NOW,
            kind: Kind::Decision,
            tool: Some(&tool),
            rule: Some(&rule),
            outcome: Some(Outcome::Deny),
            ..Record::default()
        };
        journal.append(&record, Urgency::Soon).unwrap();
    }
    journal.flush().unwrap();
    let mut options = options(directory.path());
    options.batch_records = 5000;
    let index = start(options);
    catch_up(&index, directory.path()).await;
    let found =
        |tool: &str| Search { tool: Some(tool.to_owned()), rule: Some("x".repeat(300)), ..Search::default() };
    assert_eq!(all(&index, &found("tool-7"), 100).await.len(), 1);
    assert_eq!(all(&index, &found("(other)"), 500).await.len(), 1000);
    assert_eq!(all(&index, &found("tool-20500"), 100).await.len(), 0);
}

#[tokio::test]
async fn while_calls_come_fast_they_go_first() {
    let data = tempfile::tempdir().unwrap();
    let journal = open_journal(data.path(), |_| {});
    let mut traffic = Traffic::new(11);
    let clock = Arc::new(AtomicI64::new(NOW));
    let told = Arc::clone(&clock);
    let options = Options { fast_records: Some(10), ..options(data.path()) };
    let index = Index::start(options, Arc::new(move || told.load(Ordering::SeqCst))).unwrap();
    catch_up(&index, data.path()).await;
    traffic.write(&journal, 50);
    catch_up(&index, data.path()).await;
    let before = index.status().indexed_seq;
    // Fifty records in a second are fast, whatever comes after them.
    clock.fetch_add(SECOND, Ordering::SeqCst);
    traffic.write(&journal, 50);
    let last = toolgate_journal::last_seq(data.path()).unwrap();
    let told = index
        .changes()
        .wait_for(|status| status.journal_seq == last && status.lag_records() > 0)
        .await
        .map(drop);
    assert!(told.is_ok());
    assert_eq!(index.status().indexed_seq, before, "it goes on while calls come fast");
    clock.fetch_add(11 * SECOND, Ordering::SeqCst);
    catch_up(&index, data.path()).await;
    index.stop().await;
}
