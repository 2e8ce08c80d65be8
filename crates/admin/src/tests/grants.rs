//! Grants through the API.

use serde_json::json;
use toolgate_store::Role;

use super::app::{App, POLICY};

#[tokio::test]
async fn a_grant_is_made_its_token_shown_once() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let body = json!({"label": "g", "servers": {"filed": "filed"}, "expires": "2027-01-01", "tags": ["ci"], "names": "underscore"});
    let made = admin.post("/api/v1/grants", body.clone()).await.is(201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert!(toolgate_gateway::token::is_minted(&token));
    let view = admin.get("/api/v1/grants/g").await.is(200);
    assert_eq!((view.etag(), view.json()), (made.etag(), made.json()["grant"].clone()));
    assert_eq!(view.json()["expires"], "2027-01-01T00:00:00Z");
    for path in ["/api/v1/grants", "/api/v1/grants/g"] {
        assert!(!admin.get(path).await.text.contains(&token));
    }
    assert!(app.noted().iter().all(|(_, detail)| !detail.contains(&token)));
    let hash = toolgate_store::TokenHash::new(toolgate_gateway::token::hash(&token));
    assert_eq!(app.store.grants().get("g").await.unwrap().tokens[0].hash, hash);
    admin.post("/api/v1/grants", body).await.is_problem(409, "already");
}

#[tokio::test]
async fn what_a_grant_names_must_be_there() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let body = json!({"label": "g", "servers": {"filed": "nothing", "nobody": "filed"}, "expires": "soon", "tags": [""]});
    let problem = admin.post("/api/v1/grants", body).await.is_problem(422, "cannot be used");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/servers/filed", "/servers/nobody", "/expires", "/tags/0"]);
    admin.post("/api/v1/grants", json!({"label": "a b", "servers": {}})).await.is_problem(422, "no label");
    admin
        .post("/api/v1/grants", json!({"label": "filed", "servers": {}}))
        .await
        .is_problem(409, "/etc/toolgate.yaml");
}

#[tokio::test]
async fn policies_are_attached_and_servers_detached() {
    let app = App::new().await;
    let (admin, manager) = (app.program(Role::Admin).await, app.program(Role::PolicyManager).await);
    admin.post("/api/v1/policies", json!({"name": "p", "notation": "json", "text": POLICY})).await.is(201);
    admin.post("/api/v1/servers", json!({"name": "s", "url": "http://h/"})).await.is(201);
    let made =
        admin.post("/api/v1/grants", json!({"label": "g", "servers": {"filed": "filed"}})).await.is(201);
    let attached =
        manager.put("/api/v1/grants/g/servers/filed", &made.etag(), json!({"policy": "p"})).await.is(200);
    assert_eq!(attached.json()["servers"], json!({"filed": "p"}));
    let told = manager.put("/api/v1/grants/g/servers/s", "*", json!({"policy": "p"})).await;
    told.is_problem(403, "needs the role `admin`");
    admin
        .put("/api/v1/grants/g/servers/s", "*", json!({"policy": "nothing"}))
        .await
        .is_problem(422, "no such policy");
    admin.put("/api/v1/grants/g/servers/nobody", "*", json!({"policy": "p"})).await.is_problem(404, "nobody");
    admin
        .put("/api/v1/grants/g/servers/s", &made.etag(), json!({"policy": "p"}))
        .await
        .is_problem(412, "meanwhile");
    admin.put("/api/v1/grants/g/servers/s", &attached.etag(), json!({"policy": "p"})).await.is(200);
    admin.delete("/api/v1/servers/s", "*").await.is_problem(409, "in use by `g`");
    let left = admin.delete("/api/v1/grants/g/servers/filed", "*").await.is(200);
    assert_eq!(left.json()["servers"], json!({"s": "p"}));
    admin.delete("/api/v1/grants/g/servers/filed", "*").await.is(404);
    let whole =
        admin.put("/api/v1/grants/g", &left.etag(), json!({"servers": {}, "tags": ["x"]})).await.is(200);
    assert_eq!((&whole.json()["servers"], &whole.json()["tags"]), (&json!({}), &json!(["x"])));
    assert_eq!(whole.json()["tokens"].as_array().unwrap().len(), 1, "its token stays");
}

#[tokio::test]
async fn tokens_are_rotated_with_overlap() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let first = admin.post("/api/v1/grants", json!({"label": "g", "servers": {}})).await.is(201).json();
    let rotated =
        admin.post("/api/v1/grants/g/rotate", json!({"overlap_seconds": 3600})).await.is(200).json();
    assert_ne!(first["token"], rotated["token"]);
    let tokens = rotated["grant"]["tokens"].as_array().unwrap();
    assert_eq!(
        (tokens.len(), &tokens[0]["ends"], tokens[1].get("ends")),
        (2, &json!("2026-10-01T01:00:00Z"), None)
    );
    admin
        .post("/api/v1/grants/g/rotate", json!({"overlap_seconds": 99_999_999}))
        .await
        .is_problem(422, "thirty days");
    admin.post("/api/v1/grants/nobody/rotate", json!({})).await.is_problem(404, "nobody");
    admin.post("/api/v1/grants/filed/rotate", json!({})).await.is_problem(409, "/etc/toolgate.yaml");
}

#[tokio::test]
async fn a_revoked_grant_is_gone_and_one_of_the_file_is_buried() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let made = admin.post("/api/v1/grants", json!({"label": "g", "servers": {}})).await.is(201);
    admin.delete("/api/v1/grants/g", "").await.is_problem(428, "If-Match");
    admin.delete("/api/v1/grants/g", "\"999\"").await.is_problem(412, "meanwhile");
    admin.delete("/api/v1/grants/g", &made.etag()).await.is(204);
    admin.get("/api/v1/grants/g").await.is(404);
    let filed = admin.get("/api/v1/grants/filed").await.is(200);
    admin
        .put("/api/v1/grants/filed", &filed.etag(), json!({"servers": {}}))
        .await
        .is_problem(409, "/etc/toolgate.yaml");
    admin.delete("/api/v1/grants/filed", "\"old\"").await.is_problem(412, "meanwhile");
    app.noted();
    // Even if the settings cannot be used just now, what is revoked stays revoked.
    *app.fake.refuse.lock().unwrap() = vec!["no".to_owned()];
    admin.delete("/api/v1/grants/filed", &filed.etag()).await.is_problem(500, "stands in the store");
    assert_eq!(app.noted()[0].1, "grant `filed` was revoked, which the config file has");
    let now = admin.get("/api/v1/grants/filed").await.json();
    assert_eq!((&now["revoked"], &now["author"]), (&json!("2026-10-01T00:00:00Z"), &json!("token:admin")));
    assert_eq!(app.store.grants().tombstones().await.unwrap().len(), 1);
}

#[tokio::test]
async fn pages_of_grants_leave_none_out() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    // A row that only keeps tokens for the file's grant stands among those of the API.
    let file = app.fake.file.lock().unwrap().names.clone();
    let change = toolgate_store::Change::new("start", 0, &file);
    app.store
        .grants()
        .mint_for_file("filed", toolgate_store::TokenHash::new([1; 32]), &change)
        .await
        .unwrap();
    app.store
        .grants()
        .mint_for_file("former", toolgate_store::TokenHash::new([2; 32]), &change)
        .await
        .unwrap();
    for label in ["a", "c", "g", "h"] {
        admin.post("/api/v1/grants", json!({"label": label, "servers": {}})).await.is(201);
    }
    for size in 1..8 {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("/api/v1/grants?limit={size}{cursor}")).await.is(200).json();
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|i| i["label"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "c", "filed", "g", "h"], "{size}");
    }
}
