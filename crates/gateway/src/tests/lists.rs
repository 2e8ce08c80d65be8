//! Lists, capabilities and names on their way to the client.

use serde_json::json;

use super::app::{ALICE, TestApp};
use crate::settings::Names;

const ONE: &str = r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{}}}"#;

#[tokio::test]
async fn what_nobody_may_use_is_not_offered() {
    let app = TestApp::start(ONE).await;
    let discovered = app.modern("server/discover", json!({})).await.json();
    let result = &discovered["result"];
    assert_eq!(result["capabilities"], json!({"tools": {}}));
    assert_eq!(result["supportedVersions"], json!(["2026-07-28", "2025-11-25"]));
    assert_eq!(result["cacheScope"], "private");
    let list = app.modern("tools/list", json!({})).await.json();
    assert_eq!(list["result"]["cacheScope"], "private");
    assert_eq!(list["result"]["ttlMs"], 60000);
}

#[tokio::test]
async fn underscore_names_go_both_ways() {
    let app = TestApp::start_with(ONE, Names::Underscore).await;
    let list = app.modern("tools/list", json!({})).await.json();
    assert_eq!(list["result"]["tools"][0]["name"], "image_generate_replicate");
    assert!(!app.call("image_generate_replicate", json!({"prompt": "x"})).await.result().1);
    assert_eq!(app.upstream.calls.lock().unwrap()[0]["name"], "image.generate.replicate");
    assert!(app.call("image_generate_openai", json!({"prompt": "x"})).await.result().1);
    let session = app.open_session(ALICE).await;
    let params = json!({"name": "image_generate_replicate", "arguments": {"prompt": "x"}});
    assert!(!app.in_session(ALICE, &session, "tools/call", params).await.result().1);
    assert_eq!(app.seen(), 2);
}

#[tokio::test]
async fn the_judged_bytes_are_the_sent_bytes() {
    let app = TestApp::start(ONE).await;
    let session = app.open_session(ALICE).await;
    let body = "{ \"jsonrpc\":\"2.0\" ,\"id\":\"x\\u0031\",\"method\":\"tools/call\",\"params\":{\"name\":\"image.generate.replicate\",\
        \"arguments\":{\"prompt\":\"\\u00e9\",\"width\":1.0e2,\"other\":12345678901234567890123}},\"x-vendor\":null}";
    let token = format!("Bearer {ALICE}");
    let mut headers = super::app::common(&token).to_vec();
    headers.push(("Mcp-Session-Id", &session));
    let answer = app.send("POST", &headers, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.upstream.bodies.lock().unwrap().last().unwrap(), body);
}
