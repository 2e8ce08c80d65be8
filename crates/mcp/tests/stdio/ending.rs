//! How servers end: asked, forced, by themselves, and with everything that they started.

use std::time::Duration;

use toolgate_mcp::stdio::StdioChild;
use toolgate_mcp::stdio::exchange::Exchange;
use toolgate_mcp::stdio::fault::{Exit, Fault, SendError};
use toolgate_mcp::stdio::spec::Limits;

use crate::rig::{Rig, answer, hasty, outgoing, patient};

const KILL: i32 = 9;
const TERM: i32 = 15;

/// Whether a process runs; a zombie does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Waits until the process does not run.
async fn gone(pid: &str) {
    patient(async {
        while runs(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn handles_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<StdioChild>();
    crosses::<Exchange>();
}

#[tokio::test]
async fn a_server_that_is_asked_gets_what_waits_and_ends() {
    let mut rig = Rig::scripted(Limits::default());
    rig.child.notify(br#"{"jsonrpc":"2.0","method":"last"}"#).expect("taken");
    rig.child.close();
    assert_eq!(patient(rig.child.exited()).await, Exit::Code(0));
    rig.hear("last").await;
    rig.hear("end of input").await;
    assert!(rig.events.recv().await.is_none(), "events end with the server");
    let late = rig.child.request(&outgoing("1", "echo", "{}")).map(|_| ());
    let ended = Err(SendError::NotWritten(Fault::Exited(Exit::Code(0))));
    assert_eq!(late, ended);
    assert_eq!(rig.child.notify(b"{}"), ended);
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_ignores_the_end_of_its_input_is_terminated() {
    let rig = Rig::shell("exec sleep 1000", hasty());
    rig.child.close();
    assert_eq!(patient(rig.child.exited()).await, Exit::Signal(TERM));
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_ignores_sigterm_is_killed() {
    let mut rig = Rig::shell("trap '' TERM; echo ready >&2; sleep 1000; sleep 1000", hasty());
    rig.hear("ready").await;
    rig.child.close();
    assert_eq!(patient(rig.child.exited()).await, Exit::Signal(KILL));
    rig.stop().await;
}

#[tokio::test]
async fn grandchildren_end_with_the_server() {
    let scripts = [
        // The server ends when asked, its children do not.
        "sleep 1000 & echo pid $! >&2; (trap '' TERM; sleep 1000; :) & echo pid $! >&2; exec \"$0\"",
        // It ends by itself.
        "sleep 1000 & echo pid $! >&2; (trap '' TERM; sleep 1000; :) & echo pid $! >&2; read line; exit 3",
        // It must be killed.
        "trap '' TERM; sleep 1000 & echo pid $! >&2; sleep 1000 & echo pid $! >&2; while :; do sleep 1000; done",
    ];
    for script in scripts {
        let mut rig = Rig::shell(script, hasty());
        let mut pids = Vec::new();
        for _ in 0..2 {
            pids.push(rig.hear("pid ").await.replace("pid ", ""));
        }
        assert!(pids.iter().all(|pid| runs(pid)), "{pids:?}");
        rig.child.notify(b"{}").expect("taken");
        rig.child.close();
        patient(rig.child.exited()).await;
        for pid in &pids {
            gone(pid).await;
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn dropping_the_handle_stops_the_server() {
    let mut rig = Rig::shell("trap '' TERM; sleep 1000 & echo pid $! >&2; sleep 1000; :", hasty());
    let grandchild = rig.hear("pid ").await.replace("pid ", "");
    let pid = rig.child.pid().to_string();
    let mut exchange = rig.send("1", "hold", "{}");
    let Rig { child, tracker, .. } = rig;
    drop(child);
    let ended = answer(&mut exchange).await;
    assert!(matches!(ended, Err(SendError::Broken(Fault::Exited(Exit::Signal(KILL))))), "{ended:?}");
    tracker.close();
    patient(tracker.wait()).await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it was reaped");
    gone(&grandchild).await;
}

#[test]
fn a_runtime_that_ends_takes_its_servers_along() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (rig, pids) = runtime.block_on(async {
        let mut rig =
            Rig::shell("trap '' TERM; sleep 1000 & echo pid $! >&2; sleep 1000; :", Limits::default());
        let grandchild = rig.hear("pid ").await.replace("pid ", "");
        let pids = [rig.child.pid().to_string(), grandchild];
        (rig, pids)
    });
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for pid in &pids {
            gone(pid).await;
        }
    });
    drop(rig);
}

#[tokio::test]
async fn a_server_that_dies_within_a_request_fails_it_cleanly() {
    let rig = Rig::scripted(Limits::default());
    let mut waiting = rig.send("1", "hold", "{}");
    let mut fatal = rig.send("2", "exit", r#"{"code":3}"#);
    let died = Fault::Exited(Exit::Code(3));
    assert_eq!(answer(&mut fatal).await, Err(SendError::Broken(died)));
    assert_eq!(answer(&mut waiting).await, Err(SendError::Broken(died)));
    assert_eq!(patient(rig.child.exited()).await, Exit::Code(3));
    assert_eq!(rig.child.exit(), Some(Exit::Code(3)));
    let late = rig.child.request(&outgoing("3", "echo", "{}")).map(|_| ());
    assert!(matches!(late, Err(SendError::NotWritten(_))), "{late:?}");
    rig.stop().await;
}

#[tokio::test]
async fn what_a_server_says_before_it_dies_is_heard() {
    let script = r#"read line; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; printf '{"jsonrpc":"2.0","id":2,"result":{}}'; exit 1"#;
    let rig = Rig::shell(script, Limits::default());
    let mut exchanges = [rig.send("\"a\"", "x", "{}"), rig.send("\"b\"", "x", "{}")];
    patient(rig.child.exited()).await;
    for exchange in &mut exchanges {
        answer(exchange).await.expect("the answer, with or without a line feed");
    }
    rig.stop().await;
}

#[tokio::test]
async fn output_is_read_on_after_the_end_of_the_process() {
    // Another process, out of reach of the group's signals, answers once the server was reaped.
    let script = r#"
        export SERVER=$$
        setsid sh -c '
            echo ready >&2
            while kill -0 $SERVER 2>&-; do :; done
            echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
        ' &
        read request; read leave; exit 1"#;
    let mut rig = Rig::shell(script, Limits { drain: Duration::from_secs(30), ..Limits::default() });
    let mut exchange = rig.send("1", "x", "{}");
    rig.hear("ready").await;
    rig.child.notify(b"{}").expect("taken");
    answer(&mut exchange).await.expect("the answer");
    assert_eq!(patient(rig.child.exited()).await, Exit::Code(1));
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_exits_at_once_says_how() {
    let mut rig = Rig::shell("echo 'no key' >&2; exit 7", Limits::default());
    assert_eq!(patient(rig.child.exited()).await, Exit::Code(7));
    assert_eq!(rig.child.stderr_tail(1), ["no key"]);
    assert!(rig.events.recv().await.is_none());
    let late = rig.child.request(&outgoing("3", "echo", "{}")).map(|_| ());
    assert!(matches!(late, Err(SendError::NotWritten(_))), "{late:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_closes_its_output_is_stopped() {
    let rig = Rig::shell("exec >&-; exec sleep 1000", hasty());
    assert_eq!(patient(rig.child.exited()).await, Exit::Signal(TERM));
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_closes_its_input_gets_nothing_and_is_stopped() {
    let mut rig = Rig::shell("exec <&-; echo ready >&2; exec sleep 1000", hasty());
    rig.hear("ready").await;
    let mut exchange = rig.send("1", "x", "{}");
    assert_eq!(answer(&mut exchange).await, Err(SendError::NotWritten(Fault::InputClosed)));
    assert_eq!(patient(rig.child.exited()).await, Exit::Signal(TERM));
    rig.stop().await;
}

#[tokio::test]
async fn a_process_that_left_the_group_does_not_hold_the_end_up() {
    // It keeps the pipes open, out of reach of the group's signals.
    let mut rig = Rig::shell("setsid sh -c 'echo pid $$ >&2; exec sleep 1000' & read line; exit 5", hasty());
    let escaped = rig.hear("pid ").await.replace("pid ", "");
    rig.child.notify(b"{}").expect("taken");
    assert_eq!(patient(rig.child.exited()).await, Exit::Code(5));
    rig.tracker.close();
    patient(rig.tracker.wait()).await;
    let status = std::process::Command::new("kill").args(["-9", &escaped]).status();
    assert!(status.expect("kill runs").success());
}

#[tokio::test]
async fn a_healthy_server_is_not_held_back_by_the_waits() {
    let limits = Limits { grace: Duration::from_secs(600), ..Limits::default() };
    let rig = Rig::scripted(limits);
    rig.ask("1", "echo", "{}").await.expect("an answer");
    rig.stop().await;
}
