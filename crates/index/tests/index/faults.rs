//! What goes wrong around an index, and that nothing is lost by it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use toolgate_index::{By, Index, QueryError, Scope, Search, State, Status};

use crate::fixture::{HOUR, NOW, Traffic, all, catch_up, follow, open_journal, options, start};
use crate::reference::{assert_same, events};

/// Waits until the index tells so.
async fn until(index: &Index, told: impl FnMut(&Status) -> bool) -> Status {
    let mut changes = index.changes();
    let waited = tokio::time::timeout(Duration::from_secs(60), changes.wait_for(told)).await;
    assert!(waited.is_ok(), "{:?}", index.status());
    waited.unwrap().unwrap().clone()
}

fn trouble(with: &str) -> impl FnMut(&Status) -> bool {
    move |status| status.trouble.as_ref().is_some_and(|trouble| trouble.contains(with))
}

/// Waits until it was built again and is current.
async fn rebuilt(index: &Index, directory: &Path) -> Status {
    let last = toolgate_journal::last_seq(directory).unwrap();
    until(index, |status| status.rebuilds > 0 && status.indexed_seq == last && status.state == State::Current)
        .await
}

async fn connect(directory: &Path) -> sqlx::SqliteConnection {
    SqliteConnectOptions::new().filename(directory.join("index.db")).connect().await.unwrap()
}

#[tokio::test]
async fn deleted_while_it_runs_it_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(41);
    traffic.write(&journal, 1000);
    let index = follow(directory.path()).await;
    all(&index, &Search::default(), 100).await;
    fs::remove_file(directory.path().join("index.db")).unwrap();
    traffic.write(&journal, 100);
    let status = rebuilt(&index, directory.path()).await;
    assert_eq!(status.rebuilt_because.as_deref(), Some("its file was deleted"));
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn deleted_while_it_is_stopped_it_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(42).write(&journal, 1000);
    let index = follow(directory.path()).await;
    index.stop().await;
    drop(index);
    // As after a crash, with what belongs to the file left behind.
    fs::write(directory.path().join("index.db-wal"), b"left behind").unwrap();
    fs::remove_file(directory.path().join("index.db")).unwrap();
    let index = follow(directory.path()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn locked_by_another_it_answers_and_goes_on_later() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(43);
    traffic.write(&journal, 500);
    let index = follow(directory.path()).await;
    let before = all(&index, &Search::default(), 500).await;
    let mut other = connect(directory.path()).await;
    let lock = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    traffic.write(&journal, 500);
    let status = until(&index, trouble("locked")).await;
    assert_eq!(status.state, State::Troubled);
    assert!(status.lag_records() > 0, "{status:?}");
    assert_eq!(all(&index, &Search::default(), 500).await, before);
    lock.rollback().await.unwrap();
    catch_up(&index, directory.path()).await;
    until(&index, |status| status.state == State::Current && status.trouble.is_none()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn without_room_it_says_so_and_goes_on_when_there_is_some() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(44).write(&journal, 5000);
    let mut small = options(directory.path());
    small.max_bytes = Some(300_000);
    let index = start(small);
    let status = until(&index, trouble("no room")).await;
    assert!(status.lag_records() > 0, "{status:?}");
    // What there was room for is found, and no more.
    let found = all(&index, &Search::default(), 500).await;
    assert!(found.iter().all(|event| event.seq <= status.indexed_seq) && !found.is_empty());
    index.stop().await;
    let index = follow(directory.path()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn a_damaged_file_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(45).write(&journal, 500);
    follow(directory.path()).await.stop().await;
    fs::write(directory.path().join("index.db"), "no database at all ".repeat(1000)).unwrap();
    let index = start(options(directory.path()));
    rebuilt(&index, directory.path()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn a_newer_format_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(46).write(&journal, 100);
    follow(directory.path()).await.stop().await;
    let mut other = connect(directory.path()).await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut other).await.unwrap();
    let index = start(options(directory.path()));
    let status = until(&index, trouble("has format 99")).await;
    assert_eq!((status.state, status.rebuilds), (State::Troubled, 0));
    let format: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut other).await.unwrap();
    assert_eq!(format, 99);
}

#[tokio::test]
async fn an_earlier_format_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(55).write(&journal, 300);
    follow(directory.path()).await.stop().await;
    let mut other = connect(directory.path()).await;
    sqlx::query("PRAGMA user_version = 1").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let index = start(options(directory.path()));
    let status = rebuilt(&index, directory.path()).await;
    assert_eq!(status.rebuilt_because.as_deref(), Some("an earlier version made its file"));
    assert_same(&index, directory.path()).await;
}

fn journal_folder(directory: &Path) -> PathBuf {
    directory.join("journal")
}

#[tokio::test]
async fn a_replaced_journal_is_indexed_anew() {
    for running in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let journal = open_journal(directory.path(), |_| {});
        Traffic::new(47).write(&journal, 400);
        let mut index = follow(directory.path()).await;
        if !running {
            index.stop().await;
        }
        drop(journal);
        fs::rename(journal_folder(directory.path()), directory.path().join("evidence")).unwrap();
        // Longer than the old one in the second case: only the hash gives it away.
        let journal = open_journal(directory.path(), |_| {});
        Traffic::new(48).write(&journal, if running { 200 } else { 900 });
        if !running {
            index = start(options(directory.path()));
        }
        let status = rebuilt(&index, directory.path()).await;
        assert!(status.rebuilt_because.unwrap().contains("replaced"));
        assert_same(&index, directory.path()).await;
    }
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_indexed_anew() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |options| options.rotate_bytes = 10_000_000);
    Traffic::new(49).write(&journal, 400);
    follow(directory.path()).await.stop().await;
    drop(journal);
    let segment = fs::read_dir(journal_folder(directory.path()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let length = fs::metadata(&segment).unwrap().len();
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(length / 2).unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(50).write(&journal, 20);
    let index = start(options(directory.path()));
    rebuilt(&index, directory.path()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn without_a_journal_it_waits_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let index = start(options(directory.path()));
    until(&index, trouble("journal")).await;
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(51).write(&journal, 100);
    catch_up(&index, directory.path()).await;
    assert_same(&index, directory.path()).await;
}

#[tokio::test]
async fn lines_that_are_no_records_are_counted_and_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |options| options.rotate_bytes = 10_000_000);
    Traffic::new(52).write(&journal, 300);
    drop(journal);
    let segment = fs::read_dir(journal_folder(directory.path()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = fs::read_to_string(&segment).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[100] = "{\"seq\":101,\"ts\":12".to_owned();
    lines[200] = "rubbish".to_owned();
    fs::write(&segment, lines.join("\n") + "\n").unwrap();
    let index = follow(directory.path()).await;
    let status = index.status();
    assert_eq!((status.unreadable, status.skipped, status.rebuilds), (2, 0, 0), "{status:?}");
    let found = all(&index, &Search::default(), 500).await;
    assert!(found.len() > 100 && found.iter().all(|event| event.seq != 101 && event.seq != 201));
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_broken_off() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    Traffic::new(53).write(&journal, 3000);
    let mut options = options(directory.path());
    options.query_timeout = Duration::from_micros(1);
    let index = start(options);
    catch_up(&index, directory.path()).await;
    for _ in 0..10 {
        let search = Search { decision: Some("deny".to_owned()), ..Search::default() };
        let error = index.search(&search, 100, None).await.unwrap_err();
        assert!(matches!(error, QueryError::TimedOut { .. }), "{error}");
    }
    assert_eq!(index.status().trouble, None);
}

#[tokio::test]
async fn before_there_is_an_index_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    // A folder that is not there: nothing can be opened.
    let index = start(options(&directory.path().join("nowhere")));
    let error = index.search(&Search::default(), 10, None).await.unwrap_err();
    assert!(matches!(error, QueryError::NotReady), "{error}");
    until(&index, |status| status.state == State::Troubled).await;
}

#[tokio::test]
async fn what_is_old_is_removed_and_the_sums_stay_longer() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(54);
    traffic.gap = 60_000_000;
    traffic.write(&journal, 5000);
    let last_ts = traffic.ts;
    let mut options = options(directory.path());
    options.keep_events = Some(Duration::from_hours(2));
    options.keep_sums = Some(Duration::from_hours(20));
    let index = toolgate_index::Index::start(options, Arc::new(move || last_ts)).unwrap();
    catch_up(&index, directory.path()).await;
    let expected = events(directory.path());
    let oldest =
        || async { all(&index, &Search::default(), 500).await.iter().map(|event| event.ts).min().unwrap() };
    let kept_from = last_ts - 2 * HOUR;
    let removed = async {
        // A mark, by which events are removed, is set each minute at the latest.
        while oldest().await < kept_from - 120_000_000 {}
        let plot =
            |from| toolgate_index::Plot { from, until: NOW + 48 * HOUR, lines: 1, ..Default::default() };
        while index.plot(&plot(last_ts - 100 * HOUR)).await.unwrap().lines[0].points[0].start
            < (last_ts - 22 * HOUR) / 1_000_000
        {}
    };
    tokio::time::timeout(Duration::from_secs(60), removed).await.unwrap();
    let found = all(&index, &Search::default(), 500).await;
    let young = |event: &&toolgate_index::Event| event.ts >= kept_from;
    // Nothing that is young enough is removed.
    assert!(found.iter().filter(young).eq(expected.iter().filter(young)));
    assert!(found.len() < expected.len() / 2);
    // The day's sums know of calls whose events are gone.
    let usage = index.usage(By::All, &Scope::default(), last_ts).await.unwrap();
    let day = last_ts.div_euclid(24 * HOUR) * 24 * HOUR;
    let calls = expected.iter().filter(|event| event.kind == "decision" && event.ts >= day).count();
    assert_eq!(usage[0].calls, calls as u64);
}
