//! What servers leave behind: memory, descriptors, zombies. A process of its own, its tests one by one,
//! so that the figures are theirs.

#![expect(clippy::expect_used, clippy::panic, reason = "tests and their helpers")]

use tokio::sync::Mutex;
use toolgate_mcp::stdio::fault::Exit;
use toolgate_mcp::stdio::spec::Limits;

#[path = "stdio/rig.rs"]
mod rig;

use crate::rig::{Rig, patient};

static ALONE: Mutex<()> = Mutex::const_new(());

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a list").count()
}

/// Processes that this one has started and not reaped.
fn children() -> usize {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").expect("a list");
    let stats = processes.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    let parents = stats.filter_map(|stat| stat.rsplit_once(") ")?.1.split(' ').nth(1).map(str::to_owned));
    parents.filter(|parent| *parent == own).count()
}

/// The most memory that this process has had since the mark was last reset, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("the mark can be reset");
}

#[tokio::test]
async fn fifty_starts_and_stops_leave_nothing() {
    let _alone = ALONE.lock().await;
    let mut before = None;
    for cycle in 0..51 {
        let mut rig = if cycle % 2 == 0 {
            Rig::scripted(Limits::default())
        } else {
            Rig::shell("sleep 1000 & exec \"$0\"", rig::hasty())
        };
        rig.ask("1", "echo", "{}").await.expect("an answer");
        if cycle % 3 == 0 {
            rig.child.close();
            assert_eq!(patient(rig.child.exited()).await, Exit::Code(0));
            rig.hear("end of input").await;
            assert!(rig.events.recv().await.is_none());
        }
        rig.stop().await;
        // The first cycle opens what the process keeps: the signal pipe.
        before.get_or_insert_with(descriptors);
    }
    assert_eq!(Some(descriptors()), before);
    assert_eq!(children(), 0);
}

#[tokio::test]
async fn a_line_of_100_mib_costs_no_more_than_the_limit() {
    let _alone = ALONE.lock().await;
    let rig = Rig::scripted(Limits { line: 1 << 20, ..Limits::default() });
    rig.ask("1", "echo", "{}").await.expect("an answer");
    reset_peak();
    let before = peak();
    rig.ask("1", "long", r#"{"bytes":104857600,"unasked":true}"#).await.expect("an answer after it");
    let grown = peak() - before;
    assert!(grown < 8 << 10, "grew by {grown} KiB");
    assert_eq!(rig.child.counts().long_lines, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_flood_on_standard_error_neither_blocks_nor_grows() {
    let _alone = ALONE.lock().await;
    let mut rig = Rig::scripted(Limits::default());
    rig.ask("1", "echo", "{}").await.expect("an answer");
    // The gateway's own reading of the lines is not what is measured here.
    rig.heard.close();
    reset_peak();
    let before = peak();
    rig.ask("1", "flood", r#"{"lines":200000}"#).await.expect("an answer after it");
    let grown = peak() - before;
    assert!(grown < 8 << 10, "grew by {grown} KiB");
    rig.child.close();
    patient(rig.child.exited()).await;
    let tail = rig.child.stderr_tail(usize::MAX);
    assert_eq!(tail.len(), 1_000);
    assert!(tail[998].starts_with("199999 ") && tail[999] == "end of input", "{} {}", tail[998], tail[999]);
    rig.stop().await;
}
