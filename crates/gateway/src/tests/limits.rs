//! Limits through the whole pipeline: what is given back, and what is not.

use std::time::Duration;

use serde_json::json;

use super::app::{ALICE, TestApp};

#[tokio::test]
async fn a_new_session_resets_nothing() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
            {"counter":"c","window":"hour","max":3,"scope":"session"}]}}}"#,
    )
    .await;
    let params = || json!({"name": "image.generate.replicate", "arguments": {"prompt": "x"}});
    let first = app.open_session(ALICE).await;
    for _ in 0..3 {
        assert!(!app.in_session(ALICE, &first, "tools/call", params()).await.result().1);
    }
    let token = format!("Bearer {ALICE}");
    let mut headers = super::app::common(&token).to_vec();
    headers.push(("Mcp-Session-Id", &first));
    assert_eq!(app.send("DELETE", &headers, "").await.status, 204);
    assert_eq!(app.in_session(ALICE, &first, "tools/call", params()).await.status, 404);
    for _ in 0..3 {
        let next = app.open_session(ALICE).await;
        assert!(app.in_session(ALICE, &next, "tools/call", params()).await.result().1, "inherited");
    }
    app.wait(Duration::from_secs(3600));
    let later = app.open_session(ALICE).await;
    assert!(!app.in_session(ALICE, &later, "tools/call", params()).await.result().1);
}

#[tokio::test]
async fn successes_give_back_what_failures_took() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
            {"counter":"ok","window":"hour","max":2,"scope":"grant","count":"successes"},
            {"counter":"all","window":"hour","max":5,"scope":"grant"}]}}}"#,
    )
    .await;
    let call = || app.call("image.generate.replicate", json!({"prompt": "x"}));
    *app.upstream.result.lock().unwrap() =
        Some(json!({"resultType": "complete", "isError": true, "content": [{"type": "text", "text": "no"}]}));
    for _ in 0..3 {
        assert_eq!(call().await.result(), ("no".to_owned(), true));
    }
    *app.upstream.result.lock().unwrap() = None;
    assert!(!call().await.result().1);
    assert!(!call().await.result().1);
    let denied = call().await.json();
    let rule = &denied["result"]["_meta"]["toolgate/decision"]["rule"];
    assert!(rule.as_str().unwrap().starts_with("/tools/image.generate.replicate/limits/"), "{denied}");
    assert_eq!(app.seen(), 5);
    let outcomes: Vec<_> = app.journal().into_iter().filter(|r| r["kind"] == "outcome").collect();
    let released = outcomes.iter().filter(|r| r["released"] == json!(true)).count();
    assert_eq!((outcomes.len(), released), (5, 3));
}

#[tokio::test]
async fn amounts_come_from_arguments_and_refused_calls_spend_nothing() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
            {"counter":"pixels","window":"day","max":1000,"scope":"server","amount":{"from":"args.width","default":1}}]}}}"#,
    )
    .await;
    let call = |width: serde_json::Value| {
        app.call("image.generate.replicate", json!({"prompt": "x", "width": width}))
    };
    assert!(!call(json!(600)).await.result().1);
    assert!(call(json!(500)).await.result().1);
    assert!(call(json!(-1)).await.result().1);
    assert!(!call(json!(400)).await.result().1);
    assert!(call(json!(1)).await.result().1);
    let above = call(json!(1001)).await.json();
    assert!(
        above["result"]["_meta"]["toolgate/decision"]["retryAfterMs"].is_null(),
        "waiting cannot help: {above}"
    );
    assert_eq!(app.seen(), 2);
}

#[tokio::test]
async fn a_hundred_at_once_never_exceed_the_limit() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
            {"counter":"c","window":"minute","max":30,"scope":"grant"}]}}}"#,
    )
    .await;
    let calls = (0..100).map(|_| app.call("image.generate.replicate", json!({"prompt": "x"})));
    let mut passed = 0;
    for answer in futures_of(calls).await {
        passed += usize::from(!answer.result().1);
    }
    assert_eq!((passed, app.seen()), (30, 30));
    let allowed = app.decisions().iter().filter(|(outcome, _)| outcome == "allow").count();
    assert_eq!((allowed, app.decisions().len()), (30, 100));
}

/// Waits for all at once.
async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, output) in &mut waiting {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn shadow_records_and_lets_pass() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","mode":"shadow","tools":{"image.generate.replicate":{"limits":[
            {"counter":"c","window":"minute","max":1,"scope":"grant"}]}}}"#,
    )
    .await;
    for _ in 0..3 {
        assert!(!app.call("image.generate.replicate", json!({"prompt": "x"})).await.result().1);
    }
    let outcomes: Vec<String> = app.decisions().into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["allow", "shadow_deny", "shadow_deny"]);
}

#[tokio::test]
async fn what_is_left_is_told_where_the_policy_says_so() {
    let app = TestApp::start(
        r#"{"version":"1","default":"deny","report_budget":true,"tools":{"image.generate.replicate":{"limits":[
            {"counter":"c","window":"minute","max":3,"scope":"grant"}]}}}"#,
    )
    .await;
    let call = || app.call("image.generate.replicate", json!({"prompt": "x"}));
    let first = call().await.json();
    let expected = json!([{"counter": "c", "left": 2, "resetsInMs": 60_000}]);
    assert_eq!(first["result"]["_meta"]["toolgate/budget"], expected);
    let kept = json!({"resultType": "complete", "content": [], "_meta": {"x": 1}});
    *app.upstream.result.lock().unwrap() = Some(kept);
    let second = call().await.json();
    assert_eq!(second["result"]["_meta"]["x"], 1);
    assert_eq!(second["result"]["_meta"]["toolgate/budget"][0]["left"], 1);
}
