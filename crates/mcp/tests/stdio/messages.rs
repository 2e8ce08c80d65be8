//! What stands on a server's standard output and error beside answers.

use serde_json::json;
use toolgate_mcp::stdio::fault::{Fault, SendError};
use toolgate_mcp::stdio::spec::Limits;

use crate::rig::{Rig, answer};

const OWN: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":"own"}"#;

fn say(lines: &[&str]) -> String {
    json!({ "lines": lines }).to_string()
}

#[tokio::test]
async fn noise_is_skipped_counted_and_kept_redacted() {
    let rig = Rig::scripted(Limits::default());
    let lines =
        say(&["Listening, key s3cret", "", "   ", "\u{1b}[1m{}", "[]", r#"{"result":"private"}"#, OWN]);
    let response = rig.ask("1", "say", &lines).await.expect("an answer");
    assert_eq!(response, r#"{"jsonrpc":"2.0","id":1,"result":"own"}"#);
    let counts = rig.child.counts();
    assert_eq!((counts.noise, counts.refused), (2, 2));
    let noise = rig.child.noise_tail(9);
    assert_eq!(noise[..2], ["Listening, key ***", "[1m{}"]);
    assert!(noise[2].starts_with("refused a message of 2 bytes"), "{}", noise[2]);
    assert!(!noise.concat().contains("private"));
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_with_line_ends_of_windows_is_an_answer() {
    let rig = Rig::scripted(Limits::default());
    let lines = say(&["{\"jsonrpc\":\"2.0\",\r\"id\":@ID@,\"result\":{}}\r"]);
    let response = rig.ask("1", "say", &lines).await.expect("an answer");
    assert_eq!(response, r#"{"jsonrpc":"2.0", "id":1,"result":{}}"#);
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_fails_its_request_alone() {
    let rig = Rig::scripted(Limits::default());
    let mut other = rig.send("1", "shuffle", "{}");
    let answers = [
        r#"{"jsonrpc":"2.0","id":@ID@,"result":{"a":1,"a":2}}"#,
        r#"{"result":"\ud800","jsonrpc":"2.0","id":@ID@}"#,
        r#"{"jsonrpc":"2.0","id":@ID@,"result":{}"#,
    ];
    for line in answers {
        let failed = rig.ask("2", "say", &say(&[line])).await;
        assert!(matches!(failed, Err(SendError::Broken(Fault::AnswerUnreadable(_)))), "{failed:?}");
    }
    let failed = rig.ask("2", "say", &say(&[r#"{"jsonrpc":"1.0","id":@ID@,"result":{}}"#])).await;
    assert_eq!(failed, Err(SendError::Broken(Fault::AnswerInvalid)));
    let mut rest: Vec<_> = (0..49).map(|_| rig.send("3", "shuffle", "{}")).collect();
    for exchange in rest.iter_mut().chain([&mut other]) {
        answer(exchange).await.expect("an answer");
    }
    rig.stop().await;
}

#[tokio::test]
async fn answers_to_nothing_are_counted() {
    let rig = Rig::scripted(Limits::default());
    let lines = say(&[
        r#"{"jsonrpc":"2.0","id":"@ID@","result":1}"#,
        r#"{"jsonrpc":"2.0","id":999,"result":2}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"?"}}"#,
        OWN,
        OWN,
    ]);
    rig.ask("1", "say", &lines).await.expect("an answer");
    rig.ask("1", "echo", "{}").await.expect("an answer");
    assert_eq!(rig.child.counts().unmatched, 5);
    rig.stop().await;
}

#[tokio::test]
async fn a_line_beyond_the_limit_fails_its_request_alone() {
    let limits = Limits { line: 256 << 10, ..Limits::default() };
    let rig = Rig::scripted(limits);
    let mut other = rig.send("1", "shuffle", "{}");
    let failed = rig.ask("2", "long", r#"{"bytes":1048576}"#).await;
    let Err(SendError::Broken(Fault::AnswerTooLong { length, limit })) = failed else {
        panic!("not refused for its length: {failed:?}");
    };
    assert_eq!(limit, 256 << 10);
    assert!((1 << 20..(1 << 20) + 100).contains(&length), "{length}");
    // One that names no request fails none.
    rig.ask("2", "long", r#"{"bytes":1048576,"unasked":true}"#).await.expect("an answer");
    rig.ask("2", "long", r#"{"bytes":131072}"#).await.expect("an answer within the limit");
    assert_eq!(rig.child.counts().long_lines, 2);
    let mut rest: Vec<_> = (0..49).map(|_| rig.send("3", "shuffle", "{}")).collect();
    for exchange in rest.iter_mut().chain([&mut other]) {
        answer(exchange).await.expect("an answer");
    }
    rig.stop().await;
}

#[tokio::test]
async fn the_environment_is_exactly_the_allow_list() {
    let rig = Rig::scripted(Limits::default());
    let response = rig.ask("1", "environment", "{}").await.expect("an answer");
    let response: serde_json::Value = serde_json::from_str(&response).expect("JSON");
    let expected = json!({"GIVEN": "1", "HOME": "/nonexistent", "LANG": "C", "PATH": "/usr/bin:/bin"});
    assert_eq!(response["result"], expected);
    rig.stop().await;
}

#[tokio::test]
async fn standard_error_is_kept_redacted() {
    let mut rig = Rig::shell("echo token s3cret >&2; exec \"$0\"", Limits::default());
    assert_eq!(rig.hear("token").await, "token ***");
    rig.ask("1", "echo", "{}").await.expect("an answer");
    assert_eq!(rig.child.stderr_tail(9)[0], "token ***");
    rig.stop().await;
}
