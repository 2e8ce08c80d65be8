//! What can be reached, how risky it is, how much it is used, and what became of it.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use toolgate_gateway::token::hex;
use toolgate_gateway::{Offer, ProbedTool, Survey};
use toolgate_journal::{Journal, Kind, Outcome, Record, Urgency};
use toolgate_policy::{Format, Prospect, load};
use toolgate_store::{Change, FileNames, PinState, Role};

use super::app::{App, START};

fn tool(name: &str, description: &str) -> ProbedTool {
    let definition =
        json!({"name": name, "description": description, "inputSchema": {"type": "object"}}).to_string();
    let hash = hex(&Sha256::digest(definition.as_bytes()));
    ProbedTool { name: name.to_owned(), definition: definition.into(), hash, schema_error: None }
}

fn offer(name: &str) -> Offer {
    Offer { name: name.to_owned(), description: String::new() }
}

fn offers(app: &App, tools: Vec<ProbedTool>) {
    let survey = Survey {
        tools,
        resources: vec![offer("file:///a")],
        templates: vec![offer("file:///{name}")],
        prompts: vec![offer("greet")],
        problems: Vec::new(),
    };
    *app.fake.offers.lock().unwrap() = Ok(survey);
}

fn usual() -> Vec<ProbedTool> {
    vec![tool("delete_user", "Deletes a user."), tool("echo", "Returns what it is given."), tool("spare", "")]
}

/// Writes calls of `echo` into the journal: three let through within a minute, one denied.
async fn calls(app: &App) {
    let ts = i64::try_from(START).unwrap() - 3_600_000_000;
    let options = toolgate_journal::Options::new(app.folder.path(), "node".to_owned());
    let (journal, _) = Journal::open(&options, ts, None).unwrap();
    let mut last = 0;
    for (n, tool) in [(0, "echo"), (1, "echo"), (2, "echo"), (3, "delete_user")] {
        let outcome = if tool == "echo" { Outcome::Allow } else { Outcome::Deny };
        let record = Record {
            ts: ts + n,
            kind: Kind::Decision,
            request_id: Some("r"),
            grant: Some("filed"),
            server: Some("filed"),
            tool: Some(tool),
            method: Some("tools/call"),
            outcome: Some(outcome),
            ..Record::default()
        };
        last = journal.append(&record, Urgency::Now).unwrap().seq;
    }
    assert!(app.index.reached(last).await);
}

fn item<'v>(page: &'v Value, name: &str) -> &'v Value {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("{page}"))
}

#[tokio::test]
async fn everything_that_is_offered_is_listed_with_what_is_known_of_it() {
    let app = App::new().await;
    offers(&app, usual());
    calls(&app).await;
    let viewer = app.program(Role::Viewer).await;
    let page = viewer.get("/api/v1/inventory").await.is(200).json();
    let names: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["delete_user", "echo", "spare", "file:///a", "file:///{name}", "greet"]);
    let (echo, deletes) = (item(&page, "echo"), item(&page, "delete_user"));
    assert_eq!(
        (&deletes["tool"]["category"], &deletes["tool"]["severity"], &deletes["tool"]["pin"]),
        (&json!("destructive"), &json!("critical"), &json!("unpinned"))
    );
    assert!(echo["tool"]["tokens"].as_u64() > Some(10), "{echo}");
    assert!(echo["tool"]["context_share"].as_f64() > Some(0.0));
    let used = json!({"calls": 3, "denials": 0, "last_used": "2026-09-30T23:00:00.000002Z"});
    assert_eq!((&echo["use"], &echo["unused"]), (&used, &json!(false)));
    assert_eq!(deletes["use"]["denials"], 1);
    assert_eq!((&deletes["unused"], item(&page, "greet").get("unused")), (&json!(true), None));
    let reach = json!([{"grant": "filed", "policy": "filed", "decision": "allowed", "conditional": false, "use": used}]);
    assert_eq!(echo["grants"], reach);
    assert_eq!((&deletes["grants"][0]["decision"], &page["use"]["known"]), (&json!("denied"), &json!("all")));
    assert_eq!((&page["servers"][0]["tools"], &page["context"]), (&json!(3), &json!(200_000)));

    let few =
        viewer.get("/api/v1/inventory?kind=tool&unused=true&grant=filed&context=100").await.is(200).json();
    assert_eq!(few["items"].as_array().unwrap().len(), 2);
    assert!(item(&few, "spare")["tool"]["context_share"].as_f64() > Some(0.05));
    let first = viewer.get("/api/v1/inventory?limit=4&server=filed").await.is(200).json();
    let next = first["next"].as_str().unwrap();
    let rest =
        viewer.get(&format!("/api/v1/inventory?limit=4&server=filed&cursor={next}")).await.is(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), rest.get("next")), (2, None));
    viewer.get("/api/v1/inventory?server=none").await.is_problem(404, "no server `none`");
    viewer.get("/api/v1/inventory?grant=none").await.is_problem(404, "no grant `none`");
    viewer.get("/api/v1/inventory?days=0").await.is_problem(400, "`days`");
    viewer.get("/api/v1/inventory?context=0").await.is_problem(400, "`context`");
    app.index.stop().await;
}

#[tokio::test]
async fn grants_by_tools_and_what_each_grant_has() {
    let app = App::new().await;
    offers(&app, usual());
    calls(&app).await;
    let viewer = app.program(Role::Viewer).await;
    let matrix = viewer.get("/api/v1/inventory/matrix").await.is(200).json();
    assert_eq!(matrix["grants"], json!(["filed"]));
    assert_eq!(matrix["items"][1], json!({"server": "filed", "tool": "echo", "decisions": ["allowed"]}));
    assert_eq!(matrix["items"][2]["decisions"], json!(["denied"]));
    let none = viewer.get("/api/v1/inventory/matrix?grants_after=filed").await.is(200).json();
    assert_eq!((&none["grants"], &none["items"][0]["decisions"]), (&json!([]), &json!([])));
    let grants = viewer.get("/api/v1/inventory/grants").await.is(200).json();
    let grant = &grants["items"][0];
    assert_eq!(
        (&grant["tools"], &grant["tools_unused"], &grant["unused"]),
        (&json!(1), &json!(0), &json!(false))
    );
    assert!(grant["tokens"].as_u64() > Some(10));
    assert_eq!((&grant["use"]["calls"], &grant["use"]["denials"]), (&json!(4), &json!(1)));
    let unused = viewer.get("/api/v1/inventory/grants?unused=true").await.is(200).json();
    assert_eq!(unused["items"], json!([]));
    // Long after.
    app.clock.advance(Duration::from_hours(24 * 40));
    let unused = viewer.get("/api/v1/inventory/grants?unused=true").await.is(200).json();
    assert_eq!(unused["items"][0]["grant"], "filed");
    app.index.stop().await;
}

#[tokio::test]
async fn without_the_index_nothing_is_called_unused() {
    let app = App::new().await;
    offers(&app, usual());
    app.index.stop().await;
    std::fs::remove_file(app.folder.path().join("index.db")).ok();
    let viewer = app.program(Role::Viewer).await;
    let page = viewer.get("/api/v1/inventory?kind=tool").await.is(200).json();
    if page["use"]["known"] == "none" {
        assert_eq!((page["items"][0].get("unused"), page["items"][0].get("use")), (None, None));
        assert!(page["use"]["problem"].is_string(), "{page}");
    } else {
        // A reader may still have the file that was removed; then it answers, and says that it stands still.
        assert_eq!(page["use"]["known"], "behind", "{page}");
    }
}

#[tokio::test]
async fn what_came_went_and_changed_is_told() {
    let app = App::new().await;
    offers(&app, usual());
    let manager = app.program(Role::PolicyManager).await;
    let none = manager.get("/api/v1/inventory/drift").await.is(200).json();
    assert_eq!(
        (&none["items"], &none["watched_since"]["filed"]),
        (&json!([]), &json!("2026-10-01T00:00:00Z"))
    );
    app.clock.advance(Duration::from_secs(60));
    offers(&app, vec![tool("echo", "Returns it, and sends it on."), tool("new", ""), tool("spare", "")]);
    // It was asked a minute ago.
    assert_eq!(manager.get("/api/v1/inventory/drift").await.is(200).json()["items"], json!([]));
    let asked = manager.post("/api/v1/inventory/refresh", json!({})).await.is(200).json();
    assert_eq!((&asked["servers"][0]["tools"], asked["servers"][0].get("problem")), (&json!(3), None));
    let drift = manager.get("/api/v1/inventory/drift?server=filed").await.is(200).json();
    let told: Vec<_> = drift["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["tool"].as_str().unwrap(), d["what"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("delete_user", "vanished"), ("echo", "changed"), ("new", "appeared")]);
    assert_ne!(drift["items"][1]["before"], drift["items"][1]["definition_hash"]);
    // Calls are judged by others now, which is seen without asking.
    *app.fake.known.lock().unwrap() = Some(vec![tool("echo", "Once more.")]);
    app.admin.note_definitions().await;
    assert_eq!(
        app.store.sightings().of("filed").await.unwrap().iter().filter(|s| s.tool == "echo").count(),
        3
    );
    let page = manager.get("/api/v1/inventory?kind=tool").await.is(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    // A server that cannot be asked keeps what was seen of it, and nothing is said to have gone.
    *app.fake.offers.lock().unwrap() = Err("nobody answers".to_owned());
    let asked = manager.post("/api/v1/inventory/refresh?server=filed", json!({})).await.is(200).json();
    assert_eq!(asked["servers"][0]["problem"], "nobody answers");
    let drift = manager.get("/api/v1/inventory/drift").await.is(200).json();
    assert!(drift["items"].as_array().unwrap().iter().all(|d| d["what"] != "vanished"), "{drift}");
    // A week later it is as it was then.
    app.clock.advance(Duration::from_hours(24 * 8));
    assert_eq!(manager.get("/api/v1/inventory/drift").await.is(200).json()["items"], json!([]));
    manager.post("/api/v1/inventory/refresh?server=none", json!({})).await.is_problem(404, "no server");
    app.program(Role::Viewer)
        .await
        .post("/api/v1/inventory/refresh", json!({}))
        .await
        .is_problem(403, "role");
}

#[tokio::test]
async fn a_page_tells_all_about_a_tool_and_an_override_holds() {
    let app = App::new().await;
    offers(&app, usual());
    let manager = app.program(Role::PolicyManager).await;
    let path = "/api/v1/servers/filed/tools/delete_user";
    let page = manager.get(path).await.is(200).json();
    assert!(page["text"].as_str().unwrap().contains("Questions and answers"), "{page}");
    assert!(page["markdown"].as_str().unwrap().starts_with("# delete\\_user\n"), "{page}");
    assert_eq!(page["page"]["policy"]["hide"], json!(["delete_user"]));
    assert!(page["facts"]["tokens"].as_u64() > Some(10));
    manager.get("/api/v1/servers/filed/tools/none").await.is_problem(404, "no tool `none`");
    manager.get("/api/v1/servers/none/tools/none").await.is_problem(404, "no server `none`");

    let said = format!("{path}/override");
    manager.get(&said).await.is_problem(404, "no override `filed/delete_user`");
    let body = json!({"category": "write", "severity": "high", "reason": "it only marks the user"});
    manager.put(&said, "\"7\"", body.clone()).await.is_problem(412, "changed meanwhile");
    let kept = manager.put(&said, "\"0\"", body.clone()).await.is(200);
    assert_eq!(
        (&kept.json()["category"], &kept.json()["author"]),
        (&json!("write"), &json!("token:policy_manager"))
    );
    assert!(
        app.noted()
            .iter()
            .any(|(_, detail)| detail.contains("`filed/delete_user` is said to be write, high"))
    );
    let facts = manager.get(path).await.is(200).json()["facts"].take();
    assert_eq!((&facts["category"], &facts["machine"]["category"]), (&json!("write"), &json!("destructive")));
    assert_eq!(facts["override"]["reason"], "it only marks the user");
    let policy = manager.get("/api/v1/inventory/recommendation?server=filed&from=risk").await.is(200).json();
    assert_eq!(policy["policy"]["tools"]["delete_user"]["limits"][0]["max"], 30);
    // What the gateway cannot take over is taken back.
    *app.fake.refuse.lock().unwrap() = vec!["broken file".to_owned()];
    let other = json!({"category": "read", "reason": "no"});
    manager.put(&said, &kept.etag(), other.clone()).await.is_problem(500, "taken back");
    app.fake.refuse.lock().unwrap().clear();
    let now = manager.get(&said).await.is(200);
    assert_eq!(now.json()["category"], "write");
    for (body, part) in [
        (json!({"category": "harmless", "reason": "x"}), "/category"),
        (json!({"category": "read", "severity": "none", "reason": "x"}), "/severity"),
        (json!({"category": "read", "reason": "  "}), "/reason"),
    ] {
        manager.put(&said, "*", body).await.is_problem(422, part);
    }
    app.program(Role::Viewer).await.put(&said, "*", other).await.is_problem(403, "role");
    manager.delete(&said, &now.etag()).await.is(204);
    assert_eq!(manager.get(path).await.is(200).json()["facts"]["category"], "destructive");
}

#[tokio::test]
async fn a_pin_is_compared_with_the_definition() {
    let app = App::new().await;
    offers(&app, usual());
    let (viewer, file) = (app.program(Role::Viewer).await, FileNames::default());
    let change = Change::new("alice", 1, &file);
    let echo = tool("echo", "Returns what it is given.");
    for (hash, state, shown) in [
        (echo.hash.as_str(), PinState::Pinned, "pinned"),
        ("another", PinState::Pinned, "changed"),
        ("another", PinState::Quarantined, "quarantined"),
    ] {
        app.store.pins().set(("filed", "echo"), hash, state, &change).await.unwrap();
        let page = viewer.get("/api/v1/servers/filed/tools/echo").await.is(200).json();
        assert_eq!(page["facts"]["pin"], shown);
    }
}

#[tokio::test]
async fn a_policy_from_traffic_lets_through_what_was_used() {
    let app = App::new().await;
    offers(&app, usual());
    calls(&app).await;
    let viewer = app.program(Role::Viewer).await;
    let found =
        viewer.get("/api/v1/inventory/recommendation?server=filed&grant=filed&days=2").await.is(200).json();
    let plan = load(found["text"].as_str().unwrap(), Format::Json, "p").unwrap().plan;
    assert_eq!(plan.outlook("echo").prospect, Prospect::Limited);
    assert_eq!(found["policy"]["tools"]["echo"]["limits"][0]["max"], 8);
    assert_eq!(plan.outlook("delete_user").prospect, Prospect::Denied);
    assert!(found["notes"][0].as_str().unwrap().contains("`delete_user` is left out"), "{found}");
    viewer.get("/api/v1/inventory/recommendation?server=filed&days=31").await.is_problem(400, "`days`");
    viewer.get("/api/v1/inventory/recommendation").await.is_problem(400, "server");
    app.index.stop().await;
}
