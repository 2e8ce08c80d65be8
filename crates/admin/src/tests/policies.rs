//! Policies through the API.

use serde_json::json;
use toolgate_store::Role;

use super::app::{App, POLICY};

#[tokio::test]
async fn a_policy_is_made_and_gets_versions() {
    let app = App::new().await;
    let manager = app.browser(Role::PolicyManager).await;
    app.noted();
    let body = json!({"name": "p", "notation": "json", "text": POLICY, "comment": "first"});
    let made = manager.post("/api/v1/policies", body.clone()).await.is(201);
    let first = made.json();
    assert_eq!(
        (&first["number"], &first["author"], &first["managed_by"]),
        (&json!(1), &json!("somebody"), &json!("api"))
    );
    manager.post("/api/v1/policies", body).await.is_problem(409, "already");
    let yaml = "version: \"1\"\ntools:\n  echo: {}\n  add: {}\n";
    let body = json!({"notation": "yaml", "text": yaml});
    manager.put("/api/v1/policies/p", "", body.clone()).await.is_problem(428, "If-Match");
    let changed = manager.put("/api/v1/policies/p", &made.etag(), body.clone()).await.is(200);
    manager.put("/api/v1/policies/p", &made.etag(), body).await.is_problem(412, "changed meanwhile");
    let second = changed.json();
    assert_ne!(first["version"], second["version"]);
    assert_eq!(manager.get("/api/v1/policies/p").await.json()["text"], yaml);
    let noted: Vec<_> =
        app.noted().into_iter().map(|(author, detail)| format!("{author}: {detail}")).collect();
    let (v1, v2) = (first["version"].as_str().unwrap(), second["version"].as_str().unwrap());
    assert_eq!(
        noted,
        [
            format!("somebody: policy `p` was made, version {v1}"),
            format!("somebody: policy `p` {v1} -> {v2}")
        ]
    );

    let page = manager.get("/api/v1/policies/p/versions?limit=1").await.is(200).json();
    assert_eq!((&page["items"][0]["number"], page["items"][0].get("text")), (&json!(2), None));
    let next = page["next"].as_str().unwrap();
    let page =
        manager.get(&format!("/api/v1/policies/p/versions?limit=1&cursor={next}")).await.is(200).json();
    assert_eq!((&page["items"][0]["comment"], page.get("next")), (&json!("first"), None));
    assert_eq!(manager.get("/api/v1/policies/p/versions/1").await.json()["text"], POLICY);
    manager.get("/api/v1/policies/p/versions/3").await.is_problem(404, "policy version");
    let diff = manager.get("/api/v1/policies/p/diff").await.is(200).json();
    assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(2)));
    let text = diff["diff"].as_str().unwrap();
    assert!(text.starts_with("--- p/1\n+++ p/2\n") && text.contains("\n+  add: {}\n"), "{text}");
    assert_eq!(manager.get("/api/v1/policies/p/diff?from=2&to=2").await.json()["diff"], "");
    manager.delete("/api/v1/policies/p", &changed.etag()).await.is(204);
    manager.get("/api/v1/policies/p").await.is(404);
}

#[tokio::test]
async fn mistakes_are_told_with_their_places() {
    let app = App::new().await;
    let manager = app.program(Role::PolicyManager).await;
    let text = "{\"version\": \"1\",\n \"tols\": {},\n \"default\": \"maybe\"}";
    let body = json!({"name": "p", "notation": "json", "text": text});
    let problem = manager.post("/api/v1/policies", body).await.is_problem(422, "cannot be used");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["line"], &error["column"], &error["pointer"]),
        (&json!(2), &json!(2), &json!("/tols"))
    );
    assert!(error["help"].as_str().unwrap().contains("tools"));
    manager.get("/api/v1/policies/p").await.is(404);
    let viewer = app.program(Role::Viewer).await;
    let found = viewer
        .post("/api/v1/policies/p/validate", json!({"notation": "json", "text": text}))
        .await
        .is(200)
        .json();
    assert_eq!((&found["valid"], found["findings"].as_array().unwrap().len()), (&json!(false), 2));
    let found = viewer
        .post("/api/v1/policies/p/validate", json!({"notation": "json", "text": POLICY}))
        .await
        .is(200)
        .json();
    assert!(found["valid"] == true && found["version"].as_str().unwrap().len() == 16, "{found}");
    manager
        .post("/api/v1/policies", json!({"name": "a/b", "notation": "json", "text": POLICY}))
        .await
        .is_problem(422, "no name");
}

#[tokio::test]
async fn a_version_that_cannot_be_taken_over_does_not_stay() {
    let app = App::new().await;
    let manager = app.program(Role::PolicyManager).await;
    let made = manager
        .post("/api/v1/policies", json!({"name": "p", "notation": "json", "text": POLICY}))
        .await
        .is(201);
    *app.fake.refuse.lock().unwrap() = vec!["no".to_owned()];
    let other = json!({"notation": "json", "text": "{\"version\": \"1\"}"});
    manager.put("/api/v1/policies/p", &made.etag(), other).await.is_problem(500, "taken back");
    let now = manager.get("/api/v1/policies/p").await.json();
    assert_eq!((&now["text"], &now["version"]), (&json!(POLICY), &made.json()["version"]));
}

#[tokio::test]
async fn policies_of_the_file_and_those_in_use_stay() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let view = admin.get("/api/v1/policies/filed").await.is(200);
    assert_eq!((&view.json()["text"], &view.json()["managed_by"]), (&json!(POLICY), &json!("file")));
    let body = json!({"notation": "json", "text": POLICY});
    admin.put("/api/v1/policies/filed", &view.etag(), body).await.is_problem(409, "/etc/toolgate.yaml");
    admin.delete("/api/v1/policies/filed", "*").await.is_problem(409, "/etc/toolgate.yaml");
    admin.get("/api/v1/policies/filed/versions").await.is_problem(404, "/etc/toolgate.yaml");
    admin.post("/api/v1/policies", json!({"name": "p", "notation": "json", "text": POLICY})).await.is(201);
    admin.post("/api/v1/grants", json!({"label": "g", "servers": {"filed": "p"}})).await.is(201);
    admin.delete("/api/v1/policies/p", "*").await.is_problem(409, "in use by `g`");
}
