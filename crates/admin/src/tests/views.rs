//! Looking at the gateway, now and back in time.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;
use toolgate_gateway::LiveEvent;
use toolgate_journal::{Journal, Kind, Outcome, Record, Urgency};
use toolgate_store::Role;

use super::app::{App, START};

#[tokio::test]
async fn state_is_shown() {
    let app = App::new().await;
    let viewer = app.program(Role::Viewer).await;
    let health = viewer.get("/api/v1/health").await.is(200).json();
    assert_eq!(
        (&health["condition"], &health["servers"]["condition"]),
        (&json!("degraded"), &json!("degraded"))
    );
    assert_eq!((&health["journal"]["condition"], &health["sessions"]), (&json!("ok"), &json!(3)));
    *app.fake.journal_problem.lock().unwrap() = Some("disk full".to_owned());
    let health = viewer.get("/api/v1/health").await.is(200).json();
    assert_eq!(
        (&health["condition"], &health["journal"]["problems"]),
        (&json!("failed"), &json!(["disk full"]))
    );
    let limits = viewer.get("/api/v1/limits").await.is(200).json();
    assert_eq!((&limits["items"][0]["used"], &limits["items"][0]["max"]), (&json!("2"), &json!("3")));
    let settings = viewer.get("/api/v1/settings").await.is(200).json();
    assert_eq!(
        (&settings["file"], &settings["limits"]["body"]),
        (&json!("/etc/toolgate.yaml"), &json!(16 << 20))
    );
}

#[tokio::test]
async fn the_journal_is_searched_plotted_and_shown() {
    let app = App::new().await;
    let ts = i64::try_from(START).unwrap() - 3_600_000_000;
    let options = toolgate_journal::Options::new(app.folder.path(), "node".to_owned());
    let (journal, _) = Journal::open(&options, ts, None).unwrap();
    let mut last = 0;
    for n in 0..5_i64 {
        let outcome = Some(if n == 4 { Outcome::Deny } else { Outcome::Allow });
        let record = Record {
            ts: ts + n,
            kind: Kind::Decision,
            request_id: Some("r1"),
            grant: Some("g"),
            server: Some("s"),
            tool: Some("echo"),
            method: Some("tools/call"),
            outcome,
            ..Record::default()
        };
        last = journal.append(&record, Urgency::Now).unwrap().seq;
    }
    assert!(app.index.reached(last).await);
    let viewer = app.program(Role::Viewer).await;
    let page = viewer.get("/api/v1/audit/events?grant=g&limit=3").await.is(200).json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["decision"]), (3, &json!("deny")));
    let next = page["next"].as_str().unwrap();
    let rest =
        viewer.get(&format!("/api/v1/audit/events?grant=g&limit=3&cursor={next}")).await.is(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), rest.get("next")), (2, None));
    viewer.get(&format!("/api/v1/audit/events?grant=x&cursor={next}")).await.is_problem(400, "cursor");
    viewer.get("/api/v1/audit/events?from=now").await.is_problem(400, "`from` is no time");
    viewer.get("/api/v1/audit/events?limit=201").await.is_problem(400, "limit");
    let seq = page["items"][0]["seq"].as_u64().unwrap();
    let detail = viewer.get(&format!("/api/v1/audit/events/{seq}")).await.is(200).json();
    assert_eq!((&detail["record"]["seq"], &detail["record"]["tool"]), (&json!(seq), &json!("echo")));
    viewer.get("/api/v1/audit/events/99").await.is_problem(404, "99");
    viewer.get("/api/v1/audit/events/18446744073709551615").await.is_problem(404, "no event");
    viewer.get("/api/v1/audit/events/x").await.is(400);
    let chart = viewer.get("/api/v1/audit/plot?by=tool").await.is(200).json();
    assert_eq!(
        (&chart["lines"][0]["key"]["tool"], &chart["lines"][0]["points"][0]["calls"]),
        (&json!("echo"), &json!(5))
    );
    assert_eq!(chart["lines"][0]["points"][0]["denials"], 1);
    viewer
        .get("/api/v1/audit/plot?from=2026-10-02&until=2026-10-01")
        .await
        .is_problem(400, "before it begins");
    viewer.get("/api/v1/audit/plot?lines=0").await.is_problem(400, "lines");
    let usage = viewer.get("/api/v1/audit/usage?by=grant").await.is(200).json();
    assert_eq!((&usage["items"][0]["key"]["grant"], &usage["items"][0]["calls"]), (&json!("g"), &json!(5)));
    assert_eq!(viewer.get("/api/v1/audit/names/tool").await.is(200).json()["items"], json!(["echo"]));
    viewer.get("/api/v1/audit/names/nothing").await.is(400);
    app.index.stop().await;
}

#[tokio::test]
async fn events_are_streamed_to_few() {
    let app = App::new().await;
    let viewer = app.program(Role::Viewer).await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let answer = viewer.open(Method::GET, "/api/v1/events", Body::empty()).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        streams.push(answer.into_body());
    }
    viewer.get("/api/v1/events").await.is_problem(429, "4 open streams");
    app.fake.events.send(LiveEvent { kind: "decision", json: r#"{"tool":"echo"}"#.into() }).unwrap();
    let stream = &mut streams[0];
    let mut said = String::new();
    while !said.contains("\n\nevent: decision\ndata: {\"tool\":\"echo\"}\n\n") {
        let frame = tokio::time::timeout(Duration::from_secs(30), stream.frame()).await.unwrap();
        said.push_str(std::str::from_utf8(&frame.unwrap().unwrap().into_data().unwrap()).unwrap());
    }
    assert!(said.starts_with(": alive"), "{said}");
    streams.pop();
    assert_eq!(viewer.open(Method::GET, "/api/v1/events", Body::empty()).await.status(), 200);
}

#[tokio::test]
async fn a_stream_of_somebody_who_lost_the_right_ends() {
    let app = App::new().await;
    let admin = app.program(Role::Admin).await;
    let made = admin.post("/api/v1/admin-tokens", json!({"label": "ci", "role": "viewer"})).await.is(201);
    let ci = app.anyone().with("authorization", format!("Bearer {}", made.json()["token"].as_str().unwrap()));
    let mut stream = ci.open(Method::GET, "/api/v1/events", Body::empty()).await.into_body();
    admin.delete("/api/v1/admin-tokens/ci", &made.etag()).await.is(204);
    // Its first beat asks at once.
    let frame = tokio::time::timeout(Duration::from_secs(30), stream.frame()).await.unwrap();
    assert!(frame.is_none());
}

#[tokio::test]
async fn the_catalogue_is_searched_and_shown() {
    let app = App::new().await;
    let viewer = app.program(Role::Viewer).await;
    let found = viewer.get("/api/v1/catalog/tools?q=repl*&category=financial&limit=1").await.is(200).json();
    let none = viewer.get("/api/v1/catalog/tools?q=%22%29%20OR%20*&transport=sse").await.is(200).json();
    assert_eq!(none["items"], json!([]));
    let first = viewer.get("/api/v1/catalog/tools?limit=3").await.is(200).json();
    let rest = format!("/api/v1/catalog/tools?limit=3&cursor={}", first["next"].as_str().unwrap());
    let rest = viewer.get(&rest).await.is(200).json();
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (3, 1));
    let tool = viewer.get("/api/v1/catalog/tools/imagegen-mcp/image.generate.replicate").await.is(200).json();
    assert_eq!(tool["definition"]["name"], "image.generate.replicate");
    let names: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| item["tool"].clone()).collect();
    assert_eq!(names.len(), usize::from(tool["category"] == "financial"), "{names:?}");
    let servers = viewer.get("/api/v1/catalog/servers?q=imagegen").await.is(200).json();
    assert_eq!(servers["items"][0]["tools"], 4);
    let server = viewer.get("/api/v1/catalog/servers/imagegen-mcp").await.is(200).json();
    assert_eq!(server["versions"], json!([]));
    viewer.get("/api/v1/catalog/servers/com.example%2Fnobody").await.is(404);
    viewer.get("/api/v1/catalog/tools?cursor=nonsense").await.is(400);
    viewer.get("/api/v1/catalog/tools?limit=0").await.is(400);
    viewer.get("/api/v1/catalog/tools?category=odd").await.is(400);
}

#[tokio::test]
async fn only_what_the_config_names_is_offered_to_others() {
    let app = App::new().await;
    let item = |name: &str, version: &str| {
        let server = json!({"name": name, "version": version, "description": "d"});
        json!({"server": server, "_meta": {"io.modelcontextprotocol.registry/official":
            {"status": "active", "updatedAt": "2026-03-01T00:00:00Z"}}})
        .to_string()
    };
    let file = app.folder.path().join("servers.jsonl");
    let names = ["com.example/a", "com.example/b", "com.other/c"];
    let lines: Vec<String> =
        names.iter().flat_map(|name| ["1.0.0", "1.1.0"].map(|version| item(name, version))).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let options = toolgate_registry::ImportOptions {
        data_directory: app.folder.path().to_owned(),
        server: None,
        threads: 1,
        now: 1,
    };
    let read = move || toolgate_registry::import(&toolgate_registry::Dump::File(file), &options, &mut |_| {});
    tokio::task::spawn_blocking(read).await.unwrap().unwrap();
    let anyone = app.anyone();
    let page = anyone.get("/v0.1/servers?limit=1&anything=else").await.is(200).json();
    assert_eq!(
        page["servers"][0]["server"],
        json!({"name": "com.example/a", "version": "1.1.0", "description": "d"})
    );
    let rest = format!("/v0.1/servers?cursor={}", page["metadata"]["nextCursor"].as_str().unwrap());
    let rest = anyone.get(&rest).await.is(200).json();
    assert_eq!(
        (&rest["metadata"], &rest["servers"][0]["server"]["name"]),
        (&json!({"count": 1}), &json!("com.example/b"))
    );
    for (query, count) in
        [("search=EXAMPLE/b", 1), ("updated_since=2026-03-01", 2), ("updated_since=2026-03-02", 0)]
    {
        let page = anyone.get(&format!("/v0.1/servers?{query}")).await.is(200).json();
        assert_eq!(page["metadata"]["count"], count, "{query}");
    }
    let old = anyone.get("/v0.1/servers/com.example%2Fa/versions/1.0.0").await.is(200).json();
    let latest = anyone.get("/v0.1/servers/com.example%2Fa/versions/latest").await.is(200).json();
    assert_eq!((&old["server"]["version"], &latest["server"]["version"]), (&json!("1.0.0"), &json!("1.1.0")));
    anyone.get("/v0.1/servers/com.other%2Fc/versions/latest").await.is(404);
    anyone.get("/v0.1/servers/com.example%2Fa/versions/9").await.is(404);
    anyone.get("/v0.1/servers?version=1.0.0").await.is(400);
    anyone.get("/v0.1/servers?limit=101").await.is(400);
}
