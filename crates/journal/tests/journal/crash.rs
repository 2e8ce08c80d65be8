//! `kill -9` in the midst of appending, again and again: what was told to the caller is in the journal.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use toolgate_journal::{Options, Urgency};

use crate::support::*;

const DIRECTORY: &str = "TOOLGATE_JOURNAL_TEST_DIRECTORY";
const ROUNDS: usize = 20;

/// Run by the other test as a child process; does nothing without its directory.
#[test]
fn child_appends_until_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let options = Options { rotate_bytes: 20_000, checkpoint_records: 50, ..options(Path::new(&directory)) };
    let journal = open(&options);
    let mut told = std::io::stdout().lock();
    loop {
        let request = format!("r{}", journal.last_seq());
        decide(&journal, &request);
        // As the call that would be forwarded now.
        writeln!(told, "called {request}").unwrap();
        told.flush().unwrap();
        journal.append(&outcome(&request), Urgency::Soon).unwrap();
    }
}

fn start_child(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_appends_until_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn every_call_told_of_survives_a_kill() {
    let data = data_directory();
    let mut called = Vec::new();
    for round in 0..ROUNDS {
        let mut child = start_child(data.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines {
            // The test harness prints on the same line before the first.
            if let Some((_, request)) = line.unwrap().split_once("called ") {
                called.push(request.to_owned());
                seen += 1;
            }
            if seen == 10 + round * 23 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= 10 + round * 23);
        let report = assert_good(data.path());
        assert!(report.last_seq > 0);
        let decided = requests(data.path(), "decision");
        // Whole calls may have been decided that nobody was told of, in between and at the end.
        let mut rest = decided.iter();
        assert!(called.iter().all(|request| rest.any(|decided| decided == request)), "round {round}");
    }
    drop(open(&options(data.path())));
    assert_good(data.path());
    assert_eq!(entries(data.path()).iter().filter(|entry| entry.kind == "start").count(), ROUNDS + 1);
}
