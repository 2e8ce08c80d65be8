//! Secrets that were entered are nowhere to be seen again.

use std::path::Path;

use serde_json::json;
use toolgate_store::Role;

use super::app::{App, Caller, FILE_SECRET, Told};
use crate::table::Built;

const CANARY: &str = "canary-5f2c91";

fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(std::fs::read(path).unwrap()) }
    }
}

/// Each member that takes a secret, given a wrong one or in the wrong place.
async fn mistaken(admin: &Caller<'_>) -> Vec<Told> {
    let mut answers = Vec::new();
    for body in [
        json!({"name": "t", "url": format!("http://u:{CANARY}@h/")}),
        json!({"name": "t", "url": CANARY}),
        json!({"name": "t", "url": format!("ftp://h/?key={CANARY}")}),
        // What is shown of another is no address.
        json!({"name": "t", "url": "http://h/?key=***"}),
        json!({"name": "t", "url": "http://h/", "headers": {"x": format!("{CANARY}\n")}}),
        json!({"name": "t", "url": "http://h/", "headers": {"host": CANARY}}),
        json!({"name": "t", "url": "http://h/", "headers": CANARY}),
        json!({"name": "t", "url": "http://h/", "headers": [CANARY]}),
        json!({"name": "t", "url": "http://h/", "timeout_ms": CANARY}),
        json!({"name": "t", "command": ["x"], "env": {"A": format!("{CANARY}\0")}}),
        json!({"name": "t", "command": CANARY}),
        json!(CANARY),
    ] {
        answers.push(admin.post("/api/v1/servers", body).await.is(422));
    }
    answers
}

#[tokio::test]
async fn no_answer_record_or_file_shows_a_secret() {
    let app = App::new().await;
    app.fake.file.lock().unwrap().allow_commands = true;
    let admin = app.program(Role::Admin).await;
    let mut answers = Vec::new();
    let url = format!("http://down.example/mcp?key={CANARY}");
    let server = json!({"name": "s", "url": url, "headers": {"Authorization": format!("Bearer {CANARY}"), "X-Key": CANARY}});
    let command = json!({"name": "c", "command": ["run"], "env": {"KEY": CANARY}});
    answers.push(admin.post("/api/v1/servers/s/test", server.clone()).await.is(200));
    answers.push(admin.post("/api/v1/servers/c/test", command.clone()).await.is(200));
    answers.push(admin.post("/api/v1/servers", server).await.is(201));
    answers.push(admin.post("/api/v1/servers", command).await.is(201));
    answers.extend(mistaken(&admin).await);
    // The shown address stands for the kept one.
    let shown = admin.get("/api/v1/servers/s").await.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(shown, "http://down.example/mcp?key=***");
    answers.push(
        admin.put("/api/v1/servers/s", "*", json!({"url": shown, "headers": {"x-key": null}})).await.is(200),
    );
    assert_eq!(app.store.servers().get("s").await.unwrap().secrets, ["authorization"]);
    for ((path, method), _) in Built::new().roles.all() {
        if method == "GET" && path != "/api/v1/events" {
            let path = path.replace("{name}", "s").replace("{label}", "filed").replace("{dimension}", "tool");
            answers.push(admin.get(&path.replace("{number}", "1").replace("{seq}", "1")).await);
        }
    }
    answers.push(admin.get("/api/v1/servers/filed").await.is(200));
    *app.fake.refuse.lock().unwrap() = vec!["no".to_owned()];
    answers.push(
        admin
            .put("/api/v1/servers/c", "*", json!({"command": ["run"], "env": {"KEY": CANARY}}))
            .await
            .is(500),
    );
    let said = format!("{answers:?}");
    assert!(!said.contains(CANARY) && !said.contains(FILE_SECRET), "{said}");
    let noted = format!("{:?}", app.noted());
    assert!(!noted.contains(CANARY), "{noted}");
    app.store.close().await;
    let mut contents = Vec::new();
    files(app.folder.path(), &mut contents);
    assert!(contents.len() >= 2);
    let shows = |text: &[u8]| text.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
    assert!(!contents.iter().any(|content| shows(content)));
}
