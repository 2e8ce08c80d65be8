//! The page that the product is about: ten calls a minute of one tool, nothing else.

use std::time::Duration;

use serde_json::json;

use super::app::{ALICE, BOB, TestApp};

const SEED: &str = r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
    {"counter":"image.generate.replicate_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;

#[tokio::test]
async fn ten_calls_pass_the_eleventh_waits_and_a_minute_later_calls_pass_again() {
    let app = TestApp::start(SEED).await;
    let call = || app.call("image.generate.replicate", json!({"prompt": "a red cube"}));
    for _ in 0..10 {
        assert_eq!(call().await.result(), ("drawn".to_owned(), false));
        app.wait(Duration::from_secs(1));
    }
    let denied = call().await;
    let (text, is_error) = denied.result();
    assert!(is_error && text.starts_with("[POLICY DENIED] "), "{text}");
    assert!(text.contains("50 seconds"), "the wait is in the text: {text}");
    let decision = &denied.json()["result"]["_meta"]["toolgate/decision"];
    assert_eq!(decision["rule"], "/tools/image.generate.replicate/limits/0");
    assert_eq!(decision["retryAfterMs"], 50_000);
    assert_eq!(decision["requestId"].as_str(), denied.header("x-request-id").as_deref());
    assert_eq!(app.seen(), 10);

    app.wait(Duration::from_millis(49_999));
    assert!(call().await.result().1, "one millisecond early");
    app.wait(Duration::from_millis(1));
    assert!(!call().await.result().1, "to the millisecond");
    assert!(call().await.result().1, "only one was freed");
    assert_eq!(app.seen(), 11);
}

#[tokio::test]
async fn the_other_tools_are_neither_listed_nor_callable() {
    let app = TestApp::start(SEED).await;
    let list = app.modern("tools/list", json!({})).await.json();
    let names: Vec<_> =
        list["result"]["tools"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect();
    assert_eq!(names, [json!("image.generate.replicate")]);
    for tool in ["openai", "google", "gemini"] {
        let answer = app.call(&format!("image.generate.{tool}"), json!({"prompt": "x"})).await;
        assert!(answer.result().1, "{tool}");
        assert_eq!(answer.json()["result"]["_meta"]["toolgate/decision"]["rule"], "(default deny)");
    }
    assert_eq!(app.seen(), 0);
}

#[tokio::test]
async fn each_grant_has_its_own_ten() {
    let app = TestApp::start(SEED).await;
    for token in [ALICE, BOB] {
        let session = app.open_session(token).await;
        for n in 0..12 {
            let params = json!({"name": "image.generate.replicate", "arguments": {"prompt": "x"}});
            let answer = app.in_session(token, &session, "tools/call", params).await;
            assert_eq!(answer.result().1, n >= 10, "call {n}");
        }
    }
    assert_eq!(app.seen(), 20);
}

#[tokio::test]
async fn the_short_dialect_does_what_the_page_says() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","tools":{
            "image.generate.replicate": {"rate_limit": {"max": 10, "window": 60}},
            "image.generate.openai": {"action": "deny", "reason": "No paid pictures"}}}"#,
    )
    .await;
    let session = app.open_session(ALICE).await;
    let call = |tool: &str| {
        let params = json!({"name": format!("image.generate.{tool}"), "arguments": {"prompt": "x"}});
        app.in_session(ALICE, &session, "tools/call", params)
    };
    for n in 0..11 {
        assert_eq!(call("replicate").await.result().1, n == 10, "call {n}");
    }
    assert_eq!(call("openai").await.result(), ("[POLICY DENIED] No paid pictures".to_owned(), true));
    app.wait(Duration::from_secs(60));
    assert!(!call("replicate").await.result().1);
}
