//! The process is killed while it copies, again and again: afterwards the index equals the journal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::fixture::{Traffic, follow, open_journal, options, start};
use crate::reference::assert_same;

/// Where the process that is to be killed finds its journal.
const DIRECTORY: &str = "TOOLGATE_INDEX_TEST_DIRECTORY";

#[tokio::test]
async fn killed_fifty_times_it_equals_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open_journal(directory.path(), |_| {});
    let mut traffic = Traffic::new(31);
    for round in 0..50 {
        traffic.write(&journal, 300);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::copies_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let copied = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("copied up to")));
        assert!(copied.is_some(), "it ended before it was killed");
        // It goes on copying for a while that differs from time to time.
        traffic.write(&journal, round * 37 % 300);
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
    }
    let index = follow(directory.path()).await;
    assert_eq!(index.status().rebuilds, 0);
    assert_same(&index, directory.path()).await;
}

/// Not a test of its own: the process that is killed. Without a directory it has nothing to do.
#[tokio::test]
async fn copies_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let index = start(options(directory.as_ref()));
    loop {
        assert!(index.reached(index.status().indexed_seq + 1).await);
        println!("copied up to {}", index.status().indexed_seq);
    }
}
