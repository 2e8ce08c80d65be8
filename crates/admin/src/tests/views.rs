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
