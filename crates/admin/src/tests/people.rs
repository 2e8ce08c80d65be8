//! Users and tokens of programs.

use serde_json::json;
use std::time::Duration;
use toolgate_store::Role;

use super::app::App;

#[tokio::test]
async fn a_user_comes_in_by_a_link_and_goes_when_removed() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let made =
        admin.post("/api/v1/users", json!({"name": "alice@example.com", "role": "viewer"})).await.is(201);
    admin
        .post("/api/v1/users", json!({"name": "alice@example.com", "role": "viewer"}))
        .await
        .is_problem(409, "already");
    let link = admin.post("/api/v1/users/alice@example.com/sign-in-link", json!(null)).await.is(201).json();
    let form = link["path"].as_str().unwrap().strip_prefix("/sign-in?").unwrap().to_owned();
    let cookie = app.anyone().redeem(&form).await.is(303).headers["set-cookie"].to_str().unwrap().to_owned();
    let alice = app.anyone().with("cookie", cookie.split(';').next().unwrap());
    assert_eq!(alice.get("/api/v1/session").await.json()["author"], "alice@example.com");
    let changed =
        admin.put("/api/v1/users/alice@example.com", &made.etag(), json!({"role": "admin"})).await.is(200);
    assert_eq!(alice.get("/api/v1/session").await.json()["role"], "admin", "it acts on open sessions");
    admin.delete("/api/v1/users/alice@example.com", &made.etag()).await.is_problem(412, "meanwhile");
    admin.delete("/api/v1/users/alice@example.com", &changed.etag()).await.is(204);
    alice.get("/api/v1/session").await.is(401);
    let noted: Vec<_> = app.noted().into_iter().map(|(_, detail)| detail).collect();
    assert_eq!(noted.len(), 5, "{noted:?}");
    assert!(!noted.join("").contains(form.strip_prefix("code=").unwrap()));
}

#[tokio::test]
async fn a_token_is_shown_once_and_ends() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let body = json!({"label": "ci", "role": "viewer", "expires": "2026-10-02"});
    let made = admin.post("/api/v1/admin-tokens", body).await.is(201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let ci = app.anyone().with("authorization", format!("Bearer {token}"));
    assert_eq!(ci.get("/api/v1/session").await.json()["role"], "viewer");
    let list = admin.get("/api/v1/admin-tokens").await.is(200);
    assert!(!list.text.contains(&token));
    assert_eq!(list.json()["items"][1]["last_used"], "2026-10-01T00:00:00Z");
    app.clock.advance(Duration::from_hours(24));
    ci.get("/api/v1/session").await.is(401);
    for expires in ["yesterday", "2026-10-01"] {
        let body = json!({"label": "x", "role": "viewer", "expires": expires});
        admin.post("/api/v1/admin-tokens", body).await.is_problem(422, "no date in the future");
    }
    let made = admin.post("/api/v1/admin-tokens", json!({"label": "other", "role": "admin"})).await.is(201);
    let other =
        app.anyone().with("authorization", format!("Bearer {}", made.json()["token"].as_str().unwrap()));
    other.get("/api/v1/users").await.is(200);
    admin.delete("/api/v1/admin-tokens/other", &made.etag()).await.is(204);
    other.get("/api/v1/users").await.is(401);
}
