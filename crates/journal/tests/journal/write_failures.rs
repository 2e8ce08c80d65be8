//! Nothing is lost, nothing stands twice, and nothing goes on unrecorded when writing fails.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

use toolgate_journal::{
    AppendError, Durability, Journal, Kind, Options, Record, Retention, SyncState, Urgency,
};

use crate::failing_disk::{FailingDisk, Faults};
use crate::support::*;

fn open_failing(options: &Options, faults: &Arc<Faults>) -> Journal {
    Journal::open_on(options, Arc::new(FailingDisk(Arc::clone(faults))), NOW, None).unwrap().0
}

/// What a run of calls got told.
#[derive(Default)]
struct Told {
    decisions: Vec<String>,
    outcomes: Vec<String>,
    failures: usize,
}

/// Each call: the outcome of the one before it, then its decision.
fn run_calls(journal: &Journal, range: std::ops::Range<usize>, told: &mut Told) {
    for number in range {
        let (request, before) = (format!("r{number}"), format!("r{}", number - 1));
        journal.append(&outcome(&before), Urgency::Soon).unwrap();
        told.outcomes.push(before);
        match journal.append(&decision(&request), Urgency::Now) {
            Ok(_) => told.decisions.push(request),
            Err(AppendError::Write(_)) => {
                assert_eq!(told.failures, 0, "after the first failure nothing is tried before a retry");
                told.failures += 1;
            }
            Err(AppendError::Unhealthy { .. }) => assert!(told.failures > 0),
            Err(error) => panic!("{error}"),
        }
        assert_eq!(journal.healthy(), told.failures == 0);
    }
}

fn assert_holds(data: &Path, told: &Told) {
    assert_good(data);
    assert_eq!(requests(data, "decision"), told.decisions);
    assert_eq!(requests(data, "outcome"), told.outcomes);
}

/// Making a key syncs the disk, which many small journals need not do each.
fn copy_key(from: &Path, to: &Path) {
    for file in ["journal.key", "journal.pub"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

#[test]
fn a_disk_that_fills_up_at_any_byte() {
    let key = data_directory();
    drop(open(&options(key.path())));
    for budget in 0..1800 {
        // Neighbouring bytes take turns at what else happens.
        let (fail_cut, rotate_bytes) = (budget % 4 < 2, if budget % 2 == 0 { u64::MAX } else { 1300 });
        let (data, faults) = (data_directory(), Faults::none());
        copy_key(key.path(), data.path());
        let journal = open_failing(&Options { rotate_bytes, ..options(data.path()) }, &faults);
        let mut told = Told::default();
        faults.budget.store(budget, SeqCst);
        faults.fail_cut.store(fail_cut, SeqCst);
        run_calls(&journal, 1..4, &mut told);
        let failed = told.failures > 0;
        assert_eq!(journal.retry(NOW), !failed, "budget {budget}");
        assert_eq!(journal.ailment().is_some(), failed);

        faults.budget.store(u64::MAX, SeqCst);
        faults.fail_cut.store(false, SeqCst);
        assert!(journal.retry(NOW) && journal.healthy());
        told.failures = 0;
        run_calls(&journal, 4..6, &mut told);
        drop(journal);
        assert_holds(data.path(), &told);
    }
}

#[test]
fn a_crash_while_the_disk_is_full_leaves_what_was_told() {
    let key = data_directory();
    drop(open(&options(key.path())));
    for budget in (0..3000).step_by(11) {
        let (data, faults) = (data_directory(), Faults::none());
        copy_key(key.path(), data.path());
        let journal = open_failing(&options(data.path()), &faults);
        let mut told = Told::default();
        faults.budget.store(budget, SeqCst);
        faults.fail_cut.store(true, SeqCst);
        run_calls(&journal, 1..6, &mut told);
        // Dropping tries to write once more, in vain: as good as a crash.
        drop(journal);
        assert_good(data.path());
        drop(open(&options(data.path())));
        assert_good(data.path());
        assert_eq!(requests(data.path(), "decision"), told.decisions, "budget {budget}");
    }
}

#[test]
fn a_segment_that_cannot_be_created_is_tried_again() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&Options { rotate_bytes: 1500, ..options(data.path()) }, &faults);
    faults.fail_create.store(true, SeqCst);
    let mut told = Told::default();
    run_calls(&journal, 1..9, &mut told);
    assert_eq!(told.failures, 1);
    assert!(!journal.retry(NOW));
    faults.fail_create.store(false, SeqCst);
    assert!(journal.retry(NOW));
    told.failures = 0;
    run_calls(&journal, 9..20, &mut told);
    drop(journal);
    assert_holds(data.path(), &told);
    assert!(segments(data.path()).len() > 2);
}

#[test]
fn a_journal_opens_on_a_full_disk_and_gets_well() {
    let (data, faults) = (data_directory(), Faults::none());
    faults.budget.store(100, SeqCst);
    let journal = open_failing(&options(data.path()), &faults);
    assert!(!journal.healthy());
    assert!(matches!(journal.append(&decision("r1"), Urgency::Now), Err(AppendError::Unhealthy { .. })));
    assert!(journal.tick(NOW).is_ok(), "upkeep leaves a sick journal alone");
    faults.budget.store(u64::MAX, SeqCst);
    assert!(journal.retry(NOW));
    decide(&journal, "r2");
    drop(journal);
    assert_good(data.path());
    assert_eq!(entries(data.path())[0].kind, "start");
}

#[test]
fn success_of_a_retry_is_proven_by_a_write() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&options(data.path()), &faults);
    faults.budget.store(0, SeqCst);
    journal.append(&decision("r1"), Urgency::Now).unwrap_err();
    let before = journal.last_seq();
    assert!(!journal.retry(NOW) && !journal.retry(NOW));
    assert_eq!(journal.last_seq(), before);
    faults.budget.store(u64::MAX, SeqCst);
    assert!(journal.retry(NOW));
    assert_eq!(entries(data.path()).last().unwrap().kind, "checkpoint");
    assert_good(data.path());
}

#[test]
fn below_the_low_water_mark_decisions_alone_are_refused() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&Options { low_water_bytes: 1000, ..options(data.path()) }, &faults);
    decide(&journal, "r1");
    faults.free_bytes.store(999, SeqCst);
    let later = Record { ts: NOW + SECOND, ..decision("r2") };
    let error = journal.append(&later, Urgency::Now).unwrap_err();
    assert!(matches!(error, AppendError::LowSpace { free: 999, low_water: 1000 }), "{error}");
    assert!(!journal.healthy());
    journal.append(&outcome("r1"), Urgency::Now).unwrap();
    journal.append(&Record { kind: Kind::Grant, ..decision("") }, Urgency::Now).unwrap();
    journal.tick(NOW + 20 * SECOND).unwrap();
    assert!(!journal.retry(NOW + 21 * SECOND));
    faults.free_bytes.store(1000, SeqCst);
    assert!(journal.retry(NOW + 22 * SECOND) && journal.healthy());
    journal.append(&Record { ts: NOW + 22 * SECOND, ..decision("r3") }, Urgency::Now).unwrap();
    // A disk that gives no figures is taken for full.
    faults.free_bytes.store(0, SeqCst);
    let unknown = journal.append(&Record { ts: NOW + 30 * SECOND, ..decision("r4") }, Urgency::Now);
    assert!(matches!(unknown, Err(AppendError::UnknownSpace(_))));
    drop(journal);
    assert_good(data.path());
    assert_eq!(requests(data.path(), "decision"), ["r1", "r3"]);
}

#[test]
fn no_segment_goes_before_its_removal_is_safely_recorded() {
    let (data, faults) = (data_directory(), Faults::none());
    let retention = Retention { max_bytes: Some(2000), max_age: None };
    let journal = open_failing(&Options { rotate_bytes: 1500, retention, ..power(data.path()) }, &faults);
    for _ in 0..20 {
        decide(&journal, "r");
    }
    journal.wait_durable(journal.last_seq()).unwrap();
    let before = segments(data.path()).len();
    faults.fail_sync_from.store(0, SeqCst);
    journal.prune(NOW).unwrap_err();
    assert!(segments(data.path()).len() >= before);
    faults.fail_sync_from.store(u64::MAX, SeqCst);
    assert!(journal.retry(NOW));
    journal.prune(NOW).unwrap();
    assert!(segments(data.path()).len() < before);
    assert_good(data.path());
}

fn power(data: &Path) -> Options {
    Options { durability: Durability::Power, ..options(data) }
}

#[test]
fn one_sync_serves_all_that_wait() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&power(data.path()), &faults);
    journal.wait_durable(journal.last_seq()).unwrap();
    let before = faults.syncs.load(SeqCst);
    faults.set_gate(false);
    let numbers: Vec<u64> = (0..100).map(|_| decide(&journal, "r")).collect();
    assert!(journal.sync_state().durable_seq < numbers[0]);
    faults.set_gate(true);
    std::thread::scope(|scope| {
        for seq in &numbers {
            scope.spawn(|| journal.wait_durable(*seq).unwrap());
        }
    });
    assert!(faults.syncs.load(SeqCst) - before <= 2);
    assert_eq!(journal.sync_state().durable_seq, *numbers.last().unwrap());
}

#[test]
fn what_a_failed_sync_lost_is_written_again() {
    for rotate_bytes in [u64::MAX, 1500] {
        let (data, faults) = (data_directory(), Faults::none());
        let told = Arc::new(Mutex::new(SyncState::default()));
        let teller = Arc::clone(&told);
        let disk = Arc::new(FailingDisk(Arc::clone(&faults)));
        let options = Options { rotate_bytes, ..power(data.path()) };
        let on_synced = Box::new(move |state| *teller.lock().unwrap() = state);
        let (journal, _) = Journal::open_on(&options, disk, NOW, Some(on_synced)).unwrap();
        let good = decide(&journal, "r1");
        journal.wait_durable(good).unwrap();

        faults.set_gate(false);
        let lost: Vec<u64> = (0..10).map(|_| decide(&journal, "r2")).collect();
        faults.fail_sync_from.store(0, SeqCst);
        faults.set_gate(true);
        let last = *lost.last().unwrap();
        assert!(matches!(journal.wait_durable(last), Err(AppendError::Unhealthy { .. })));
        assert!(!journal.healthy());
        assert!(matches!(journal.append(&decision("r3"), Urgency::Now), Err(AppendError::Unhealthy { .. })));
        assert!(!journal.retry(NOW));
        faults.fail_sync_from.store(u64::MAX, SeqCst);
        assert!(journal.retry(NOW) && journal.healthy());
        journal.wait_durable(decide(&journal, "r4")).unwrap();
        journal.close(NOW, None).unwrap();
        drop(journal);
        let told = *told.lock().unwrap();
        assert!(told.failed_seq >= last && told.durable_seq > last, "{told:?}");
        assert_good(data.path());
        assert_eq!(requests(data.path(), "decision").len(), 12);
    }
}

#[test]
fn what_was_written_while_a_good_sync_ran_is_not_taken_for_durable() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&power(data.path()), &faults);
    journal.wait_durable(journal.last_seq()).unwrap();
    let before = faults.syncs.load(SeqCst);
    faults.set_gate(false);
    let first = decide(&journal, "r1");
    faults.wait_for_sync(before + 1);
    faults.fail_sync_from.store(before + 2, SeqCst);
    let second = decide(&journal, "r2");
    faults.set_gate(true);
    journal.wait_durable(first).unwrap();
    journal.wait_durable(second).unwrap_err();
    assert_eq!(journal.sync_state(), SyncState { durable_seq: first, failed_seq: second });
    assert_eq!(requests(data.path(), "decision"), ["r1"], "the disk lost it");
    faults.fail_sync_from.store(u64::MAX, SeqCst);
    assert!(journal.retry(NOW));
    journal.wait_durable(second).unwrap();
    assert_good(data.path());
    assert_eq!(requests(data.path(), "decision"), ["r1", "r2"]);
}

#[test]
fn a_sync_that_succeeds_after_one_that_failed_is_not_believed() {
    let (data, faults) = (data_directory(), Faults::none());
    let journal = open_failing(&power(data.path()), &faults);
    journal.wait_durable(journal.last_seq()).unwrap();
    let next = faults.syncs.load(SeqCst) + 1;
    faults.fail_sync_from.store(next, SeqCst);
    faults.good_sync_from.store(next + 1, SeqCst);
    let lost = decide(&journal, "r1");
    journal.wait_durable(lost).unwrap_err();
    journal.append(&outcome("r1"), Urgency::Soon).unwrap();
    assert!(journal.sync_state().durable_seq < lost);
    assert!(journal.retry(NOW));
    journal.wait_durable(lost).unwrap();
    assert_good(data.path());
    assert_eq!(requests(data.path(), "decision"), ["r1"]);
}
