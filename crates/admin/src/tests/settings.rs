//! What is set while a gateway runs.

use serde_json::json;
use toolgate_store::Role;

use super::app::App;
use crate::LIMITS_SETTING;

const PATH: &str = "/api/v1/settings";

#[tokio::test]
async fn limits_are_set_kept_and_told() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let before = admin.get(PATH).await.is(200);
    assert_eq!(before.json()["limits_set_by"], json!({"depth": "file"}));
    assert_eq!(before.json()["etag"], before.etag());
    let body = json!({"limits": {"body": 4096, "sessions_per_grant": 2}});
    let set = admin.put(PATH, &before.etag(), body).await.is(200);
    assert_eq!(
        set.json()["limits_set_by"],
        json!({"depth": "file", "body": "api", "sessions_per_grant": "api"})
    );
    assert_eq!(set.json()["author"], "token:admin");
    let kept = app.store.settings().get(LIMITS_SETTING).await.unwrap();
    assert_eq!(kept.value, r#"{"body":4096,"sessions_per_grant":2}"#);
    let detail = "settings: limits were set: `body` 4096, `sessions_per_grant` 2".to_owned();
    assert_eq!(app.noted(), [("token:admin".to_owned(), detail)]);
    assert_eq!(app.fake.reloads.load(std::sync::atomic::Ordering::SeqCst), 1);
    // Who saw the settings before does not overwrite what was set since.
    admin.put(PATH, &before.etag(), json!({})).await.is_problem(412, "changed meanwhile");
    admin.put(PATH, "", json!({})).await.is_problem(428, "If-Match");
    let none = admin.put(PATH, &set.etag(), json!({})).await.is(200);
    assert_eq!(none.json()["limits_set_by"], json!({"depth": "file"}));
    assert_ne!(none.etag(), before.etag(), "somebody was here");
}

#[tokio::test]
async fn what_cannot_be_set_is_told_with_its_place() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let put = |limits: serde_json::Value| {
        let admin = admin.clone();
        async move { admin.put(PATH, "*", json!({"limits": limits})).await }
    };
    let problem = put(json!({"body": 1, "values": 1_000})).await.is_problem(422, "from 1024 to 1073741824");
    assert_eq!(problem["errors"][0]["pointer"], "/limits/body");
    put(json!({"depth": 16})).await.is_problem(409, "/etc/toolgate.yaml");
    put(json!({"connections": 5})).await.is_problem(422, "unknown field `connections`");
    put(json!({"body": "4096"})).await.is_problem(422, "another type");
    admin.put(PATH, "*", json!({"workers": 5})).await.is_problem(422, "unknown field `workers`");
    assert!(app.store.settings().list().await.unwrap().is_empty() && app.noted().is_empty());
}

#[tokio::test]
async fn what_the_gateway_cannot_take_over_is_taken_back() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    *app.fake.refuse.lock().unwrap() = vec!["the file is broken".to_owned()];
    admin.put(PATH, "*", json!({"limits": {"body": 4096}})).await.is_problem(500, "taken back");
    assert!(app.store.settings().list().await.unwrap().is_empty());
    app.fake.refuse.lock().unwrap().clear();
    admin.put(PATH, "*", json!({"limits": {"body": 4096}})).await.is(200);
    *app.fake.refuse.lock().unwrap() = vec!["the file is broken".to_owned()];
    admin.put(PATH, "*", json!({"limits": {"body": 8192}})).await.is(500);
    assert_eq!(app.store.settings().get(LIMITS_SETTING).await.unwrap().value, r#"{"body":4096}"#);
}
