//! Finding out what a server is.

use std::time::Duration;

use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::fault::{Exit, Fault, SendError};
use toolgate_mcp::stdio::probe::{PROBE_TIMEOUT, Probe, ProbeError, probe};
use toolgate_mcp::stdio::spec::Limits;

use crate::rig::{Rig, hasty, text};

/// A server that answers its first line with `reply`, under the first number that the leg gives.
fn replying(reply: &str) -> Rig {
    Rig::shell(&format!("read line; echo '{reply}'; exec \"$0\""), Limits::default())
}

#[tokio::test]
async fn a_discovery_or_a_modern_error_means_modern() {
    for outcome in [
        r#""result":{"supportedVersions":["2026-07-28"]}"#,
        r#""error":{"code":-32022,"message":"no","data":{"supported":["2027-01-01"]}}"#,
    ] {
        let rig = replying(&format!(r#"{{"jsonrpc":"2.0","id":1,{outcome}}}"#));
        let found = probe(&rig.child, "1.0", PROBE_TIMEOUT).await.expect("an answer");
        let Probe::Modern { discover } = found else { panic!("taken for legacy") };
        assert_eq!(text(&discover), format!(r#"{{"jsonrpc":"2.0","id":0,{outcome}}}"#));
        assert_eq!(rig.child.era(), Some(Era::Modern));
        rig.stop().await;
    }
}

#[tokio::test]
async fn any_other_answer_means_legacy_and_the_server_lives_on() {
    for reply in [
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"not initialized"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#,
    ] {
        let rig = replying(reply);
        assert_eq!(probe(&rig.child, "1.0", PROBE_TIMEOUT).await, Ok(Probe::Legacy), "{reply}");
        assert_eq!(rig.child.era(), Some(Era::Legacy));
        rig.ask("1", "initialize", "{}").await.expect("an answer");
        rig.stop().await;
    }
}

#[tokio::test]
async fn silence_means_legacy_and_nothing_is_cancelled() {
    let mut rig = Rig::shell("read line; exec \"$0\"", Limits::default());
    assert_eq!(probe(&rig.child, "1.0", Duration::from_millis(1)).await, Ok(Probe::Legacy));
    rig.ask("1", "initialize", "{}").await.expect("an answer");
    assert!(rig.hear("").await.contains("initialize"), "the next line that the server saw");
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_dies_of_the_question_is_told_apart() {
    let rig = Rig::shell("read line; exit 4", hasty());
    let died = ProbeError::Ended(SendError::Broken(Fault::Exited(Exit::Code(4))));
    assert_eq!(probe(&rig.child, "1.0", PROBE_TIMEOUT).await, Err(died));
    assert_eq!(rig.child.era(), None);
    rig.stop().await;
}
