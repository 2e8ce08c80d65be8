//! Servers through the API.

use std::sync::atomic::Ordering;

use serde_json::json;
use toolgate_gateway::settings::Reach;
use toolgate_store::Role;

use super::app::App;

const URL: &str = "http://127.0.0.1:3001/mcp";

#[tokio::test]
async fn a_server_is_made_changed_and_removed() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let made = admin
        .post("/api/v1/servers", json!({"name": "s", "url": URL, "headers": {"X-Key": "v"}}))
        .await
        .is(201);
    assert_eq!(made.headers["location"], "/api/v1/servers/s");
    let view = made.json();
    assert_eq!(
        (&view["managed_by"], &view["secrets"], &view["etag"]),
        (&json!("api"), &json!(["x-key"]), &json!(made.etag()))
    );
    assert_eq!(view["author"], "token:admin");
    assert_eq!(app.noted(), [("token:admin".to_owned(), format!("server `s` was added: {URL}"))]);
    assert_eq!(app.fake.reloads.load(Ordering::SeqCst), 1);
    let got = admin.get("/api/v1/servers/s").await.is(200);
    assert_eq!((got.etag(), got.json()), (made.etag(), view));

    let change = json!({"url": URL, "timeout_ms": 5000, "enabled": false});
    admin.put("/api/v1/servers/s", "", change.clone()).await.is_problem(428, "If-Match");
    admin.put("/api/v1/servers/s", "\"1000\"", change.clone()).await.is_problem(412, "changed meanwhile");
    admin.put("/api/v1/servers/s", "W/\"1\"", change.clone()).await.is_problem(400, "If-Match");
    let changed = admin.put("/api/v1/servers/s", &made.etag(), change.clone()).await.is(200);
    let view = changed.json();
    assert_eq!(
        (&view["timeout_ms"], &view["enabled"], &view["secrets"]),
        (&json!(5000), &json!(false), &json!(["x-key"]))
    );
    admin.put("/api/v1/servers/s", &made.etag(), change).await.is_problem(412, "changed meanwhile");

    let moved = json!({"url": "http://127.0.0.1:9/mcp"});
    admin.put("/api/v1/servers/s", "*", moved).await.is_problem(422, "enter `x-key` again");
    admin.delete("/api/v1/servers/s", "").await.is_problem(428, "If-Match");
    admin.delete("/api/v1/servers/s", &changed.etag()).await.is(204);
    admin.get("/api/v1/servers/s").await.is_problem(404, "no server `s`");
    admin.delete("/api/v1/servers/s", "*").await.is_problem(404, "no server `s`");
}

#[tokio::test]
async fn what_cannot_be_a_server_is_told_all_at_once() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    for name in ["", "A", "a b", "mcp", "-a", &"a".repeat(65)] {
        admin
            .post("/api/v1/servers", json!({"name": name, "url": URL}))
            .await
            .is_problem(422, "no name for a server");
    }
    let body = json!({"name": "s", "url": "ftp://h", "timeout_ms": 0, "headers": {"Host": "x", "a b": "y", "ok": "a\nb"}});
    let problem = admin.post("/api/v1/servers", body).await.is_problem(422, "cannot be used");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/url", "/headers/Host", "/headers/a b", "/headers/ok", "/timeout_ms"]);
    for body in [
        json!({"name": "s"}),
        json!({"name": "s", "url": URL, "env": {"A": "b"}}),
        json!({"name": "s", "url": "http://user:pw@h/"}),
        json!({"name": "s", "url": URL, "headers": {"X-A": "1", "x-a": "2"}}),
    ] {
        admin.post("/api/v1/servers", body).await.is(422);
    }
    admin
        .post("/api/v1/servers", json!({"name": "filed", "url": URL}))
        .await
        .is_problem(409, "/etc/toolgate.yaml");
    assert_eq!(app.noted(), []);
    assert_eq!(app.fake.reloads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn commands_come_from_the_config_file_unless_it_says_otherwise() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let body = json!({"name": "c", "command": ["/bin/sh", "-c", "id"], "env": {"A": "b"}});
    admin.post("/api/v1/servers", body.clone()).await.is_problem(403, "allow_commands_from_api");
    admin.post("/api/v1/servers/c/test", body.clone()).await.is_problem(403, "allow_commands_from_api");
    assert!(app.fake.tested.lock().unwrap().is_empty(), "nothing was started");
    app.fake.file.lock().unwrap().allow_commands = true;
    admin.post("/api/v1/servers", json!({"name": "c", "command": []})).await.is_problem(422, "no program");
    admin.post("/api/v1/servers", body).await.is(201);
    assert_eq!(admin.get("/api/v1/servers/c").await.json()["args"], json!(["-c", "id"]));
    let seen = app.program(Role::Viewer).await.get("/api/v1/servers/c").await.json();
    assert_eq!(
        (seen.get("args"), &seen["program"], &seen["secrets"]),
        (None, &json!("/bin/sh"), &json!(["A"]))
    );
}

#[tokio::test]
async fn what_the_file_manages_is_shown_and_not_changed() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let view = admin.get("/api/v1/servers/filed").await.is(200);
    assert_eq!(view.json()["managed_by"], "file");
    assert_eq!(view.json()["url"], "http://127.0.0.1:3001/mcp?key=***");
    assert_eq!(view.json()["health"]["down"], true);
    let change = json!({"url": URL});
    admin
        .put("/api/v1/servers/filed", &view.etag(), change)
        .await
        .is_problem(409, "/etc/toolgate.yaml: change it there");
    admin
        .delete("/api/v1/servers/filed", &view.etag())
        .await
        .is_problem(409, "/etc/toolgate.yaml: change it there");
    assert_eq!(app.noted(), []);
}

#[tokio::test]
async fn a_change_that_cannot_be_taken_over_is_taken_back() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let made = admin
        .post("/api/v1/servers", json!({"name": "s", "url": URL, "headers": {"k": "old"}}))
        .await
        .is(201);
    *app.fake.refuse.lock().unwrap() = vec!["toolgate.yaml:3:1: error: unknown field".to_owned()];
    let told = admin.post("/api/v1/servers", json!({"name": "t", "url": URL})).await;
    let problem = told.is_problem(500, "taken back");
    assert_eq!(problem["errors"][0]["message"], "toolgate.yaml:3:1: error: unknown field");
    admin.get("/api/v1/servers/t").await.is(404);
    let change = json!({"url": "http://127.0.0.1:9/", "headers": {"k": "new", "more": "x"}});
    admin.put("/api/v1/servers/s", &made.etag(), change).await.is_problem(500, "taken back");
    let back = admin.get("/api/v1/servers/s").await.json();
    assert_eq!((&back["url"], &back["secrets"]), (&json!(URL), &json!(["k"])));
    let opened = app.store.servers().open("s").await.unwrap();
    assert_eq!(opened.secrets[0].1.expose(), "old");
    // What takes rights away stays.
    admin.delete("/api/v1/servers/s", "*").await.is_problem(500, "stands in the store");
    admin.get("/api/v1/servers/s").await.is(404);
    assert!(app.noted().iter().filter(|(_, detail)| detail.starts_with("not taken over")).count() == 3);
}

#[tokio::test]
async fn nothing_is_changed_while_the_journal_cannot_be_written() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    *app.fake.journal_problem.lock().unwrap() = Some("no space left".to_owned());
    let told = admin.post("/api/v1/servers", json!({"name": "s", "url": URL})).await;
    told.is_problem(503, "no space left");
    assert_eq!(told.headers["retry-after"], "1");
    admin.get("/api/v1/servers/s").await.is(404);
}

#[tokio::test]
async fn a_server_is_tested_before_it_is_saved() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let found = admin.post("/api/v1/servers/new/test", json!({"url": URL})).await.is(200).json();
    assert_eq!(
        (&found["ok"], &found["tools"][0]["name"], &found["elapsed_ms"]),
        (&json!(true), &json!("echo"), &json!(7))
    );
    app.program(Role::PolicyManager)
        .await
        .post("/api/v1/servers/new/test", json!({"url": URL}))
        .await
        .is(403);
    admin.get("/api/v1/servers/new").await.is(404);
    // Kept secrets go to the same address, and to no other.
    admin.post("/api/v1/servers", json!({"name": "s", "url": URL, "headers": {"k": "kept"}})).await.is(201);
    admin.post("/api/v1/servers/s/test", json!({"url": URL})).await.is(200);
    admin.post("/api/v1/servers/s/test", json!({"url": "http://elsewhere.example/"})).await.is(200);
    let tested = app.fake.tested.lock().unwrap().clone();
    let headers = tested.iter().map(|server| match &server.reach {
        Reach::Http { headers, .. } => headers.len(),
        Reach::Command { .. } => 99,
    });
    assert_eq!(headers.collect::<Vec<_>>(), [0, 1, 0]);
}

#[tokio::test]
async fn tools_are_listed_with_their_definitions() {
    let app = App::new().await;
    let viewer = app.program(Role::Viewer).await;
    let page = viewer.get("/api/v1/servers/filed/tools?limit=1").await.is(200).json();
    assert_eq!(
        (&page["items"][0]["name"], &page["items"][0]["definition"]["inputSchema"]["type"]),
        (&json!("add"), &json!("object"))
    );
    let next = page["next"].as_str().unwrap();
    let page = viewer.get(&format!("/api/v1/servers/filed/tools?limit=1&cursor={next}")).await.is(200).json();
    assert_eq!((&page["items"][0]["name"], page.get("next")), (&json!("echo"), None));
    viewer.get("/api/v1/servers/nobody/tools").await.is_problem(404, "no server `nobody`");
}

#[tokio::test]
async fn lists_are_paged_over_file_and_store() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    for name in ["a", "b", "e", "g", "z"] {
        admin.post("/api/v1/servers", json!({"name": name, "url": URL})).await.is(201);
    }
    for size in 1..8 {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("/api/v1/servers?limit={size}{cursor}")).await.is(200).json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= size);
            seen.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b", "e", "filed", "g", "z"], "{size}");
    }
}
