//! Many threads append to one journal.

use std::collections::HashSet;

use toolgate_journal::{Durability, Options, Urgency};

use crate::support::*;

const THREADS: usize = 8;
const CALLS: usize = 200;

fn check(options: &Options) {
    let journal = open(options);
    let numbers: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let work = |thread: usize| {
            let journal = &journal;
            move || {
                let call = |number: usize| {
                    let request = format!("t{thread}-{number}");
                    let seq = decide(journal, &request);
                    journal.wait_durable(seq).unwrap();
                    journal.append(&outcome(&request), Urgency::Soon).unwrap();
                    seq
                };
                (0..CALLS).map(call).collect()
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    journal.close(NOW, None).unwrap();
    assert!(numbers.iter().all(|numbers| numbers.is_sorted()));
    let distinct: HashSet<u64> = numbers.into_iter().flatten().collect();
    assert_eq!(distinct.len(), THREADS * CALLS);
    let data = &options.data_directory;
    assert_good(data);
    for kind in ["decision", "outcome"] {
        let found: HashSet<String> = requests(data, kind).into_iter().collect();
        assert_eq!(found.len(), THREADS * CALLS, "{kind}");
    }
}

#[test]
fn threads_share_one_chain() {
    let data = data_directory();
    check(&Options { rotate_bytes: 50_000, checkpoint_records: 100, ..options(data.path()) });
}

#[test]
fn threads_share_one_chain_and_its_syncs() {
    let data = data_directory();
    check(&Options { durability: Durability::Power, rotate_bytes: 50_000, ..options(data.path()) });
}
