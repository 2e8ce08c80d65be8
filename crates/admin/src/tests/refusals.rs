//! Whoever is refused is in the journal, with the reason; who is let in is not.

use axum::body::Body;
use http::Method;
use serde_json::json;
use toolgate_store::Role;

use super::app::App;
use crate::attempts::BURST;
use crate::credential;

#[tokio::test]
async fn every_refusal_is_told_with_its_reason() {
    let app = App::new().await;
    let (anyone, viewer) = (app.anyone(), app.program(Role::Viewer).await);
    let (browser, manager) = (app.browser(Role::Admin).await, app.program(Role::PolicyManager).await);
    assert_eq!(app.refusals(), [""; 0]);
    let token = credential::mint_token().unwrap();
    let sessions = "/api/v1/session";
    let user = json!({"name": "a", "role": "viewer"});
    let asked = [
        viewer.with("host", "evil.example").get(sessions).await,
        viewer.with("origin", "https://evil.example").get(sessions).await,
        anyone.get(sessions).await,
        anyone.with("authorization", format!("Bearer {token}")).get(sessions).await,
        anyone.with("cookie", "toolgate=guess").get(sessions).await,
        viewer.post("/api/v1/users", user.clone()).await,
        browser.with("x-toolgate-csrf", "").post("/api/v1/users", user.clone()).await,
        browser.with("origin", "http://localhost:1").post("/api/v1/users", user).await,
        anyone.redeem("code=guess").await,
    ];
    let statuses: Vec<_> = asked.iter().map(|told| told.status.as_u16()).collect();
    assert_eq!(statuses, [403, 403, 401, 401, 401, 403, 403, 403, 410]);
    let expected = [
        "host",
        "origin",
        "unauthorized",
        "unauthorized",
        "unauthorized",
        "role",
        "forged",
        "forged",
        "link",
    ];
    assert_eq!(app.refusals(), expected.map(|reason| format!("console_{reason}")));
    let form = anyone.with("content-type", "application/x-www-form-urlencoded");
    form.read(Method::POST, "/sign-in", Body::from("code=guess")).await.is(403);
    assert_eq!(app.refusals(), ["console_forged"], "the sign-in's own check too");
    let grant = json!({"label": "g", "servers": {"filed": "filed"}});
    app.program(Role::Admin).await.post("/api/v1/grants", grant).await.is(201);
    manager.put("/api/v1/grants/g/servers/other", "*", json!({"policy": "filed"})).await.is(403);
    assert_eq!(app.refusals(), ["console_role"], "a handler's own check too");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_alone_is_no_refusal() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    admin.get("/api/v1/servers/nobody").await.is(404);
    admin.post("/api/v1/users", json!({"name": "a"})).await.is(422);
    admin.send(Method::PATCH, "/api/v1/servers/filed", None).await.is(405);
    assert_eq!(app.refusals(), [""; 0]);
}

#[tokio::test]
async fn attempts_beyond_the_limit_are_told_apart() {
    let app = App::new().await;
    let peer = "192.0.2.1".parse().unwrap();
    for _ in 0..=BURST {
        app.anyone().open_from(peer, Method::GET, "/api/v1/session", Body::empty()).await;
    }
    let refused = app.refusals();
    assert_eq!(refused.last(), Some(&"console_too_many"));
    assert!(refused[..refused.len() - 1].iter().all(|reason| *reason == "console_unauthorized"));
}
