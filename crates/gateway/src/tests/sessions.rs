//! Sessions belong to one grant and one server, and prove nothing by themselves.

use serde_json::json;

use super::app::{ALICE, BOB, TestApp, common};

const ALL: &str = r#"{"version":"1","default":"allow"}"#;

#[tokio::test]
async fn a_foreign_session_is_like_none() {
    let app = TestApp::start(ALL).await;
    let session = app.open_session(ALICE).await;
    let foreign = app.in_session(BOB, &session, "ping", json!({})).await;
    let unknown = app.in_session(BOB, "AAAA", "ping", json!({})).await;
    assert_eq!((foreign.status, foreign.body.as_str()), (404, unknown.body.as_str()));
    assert_eq!(app.in_session(ALICE, &session, "ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn the_upstreams_session_stays_with_the_gateway() {
    let app = TestApp::start(ALL).await;
    let session = app.open_session(ALICE).await;
    assert_ne!(session, "upstream-session");
    assert_eq!(session.len(), 43);
    let answer = app.in_session(ALICE, "upstream-session", "ping", json!({})).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_request_without_a_session_is_told_how() {
    let app = TestApp::start(ALL).await;
    let token = format!("Bearer {ALICE}");
    let answer = app.send("POST", &common(&token), r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("initialize"), "{}", answer.body);
}

#[tokio::test]
async fn the_oldest_idle_session_makes_room() {
    let app = TestApp::start(ALL).await;
    let first = app.open_session(ALICE).await;
    for _ in 0..64 {
        app.wait(std::time::Duration::from_millis(1));
        app.open_session(ALICE).await;
    }
    assert_eq!(app.gateway.sessions.count(), 64);
    assert_eq!(app.in_session(ALICE, &first, "ping", json!({})).await.status, 404);
}

#[tokio::test]
async fn answers_that_nobody_asked_for_are_refused() {
    let app = TestApp::start(ALL).await;
    let session = app.open_session(ALICE).await;
    let token = format!("Bearer {ALICE}");
    let mut headers = common(&token).to_vec();
    headers.push(("Mcp-Session-Id", &session));
    let answer = app.send("POST", &headers, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    assert_eq!(answer.status, 400);
}
