//! A registry that is read page by page, broken off, busy and odd.

use serde_json::json;

use super::*;
use crate::catalog::Catalog;
use crate::fake_server::{Asked, FakeServer, Told};

const PACE: Pace = Pace { between: Duration::ZERO, before_second: Duration::ZERO, most: Duration::ZERO };
const OK: &str = "200 OK\r\ncontent-type: application/json";

fn item(name: &str, version: &str) -> serde_json::Value {
    json!({"server": {"name": name, "description": "d", "version": version},
        "_meta": {"io.modelcontextprotocol.registry/official": {"status": "active"}}})
}

/// Three pages: `/v0.1/servers`, then those of the cursors `1` and `2`.
fn pages(asked: &Asked) -> Told {
    let page = |number: u32, next: Option<&str>| {
        let servers: Vec<_> = (0..3).map(|n| item(&format!("com.example/s{number}-{n}"), "1.0.0")).collect();
        (OK, json!({"servers": servers, "metadata": {"count": 3, "nextCursor": next}}).to_string())
    };
    match asked.line.split("cursor=").nth(1) {
        None => page(0, Some("1")),
        Some("1") => page(1, Some("2")),
        Some("2") => page(2, None),
        Some(other) => panic!("{other}"),
    }
}

fn options(directory: &std::path::Path, url: &str, now: i64) -> FeedOptions {
    let (data_directory, url) = (directory.to_owned(), url.to_owned());
    FeedOptions { data_directory, url, everything: false, now, pace: PACE }
}

#[tokio::test]
async fn all_pages_are_read_and_then_what_changed() {
    let directory = tempfile::tempdir().unwrap();
    let server = FakeServer::start(|asked, _| pages(asked)).await;
    let mut steps = 0;
    let summary = pull(&options(directory.path(), &server.url, 2_000_000_000_000_000), &mut |_| steps += 1)
        .await
        .unwrap();
    assert_eq!((summary.read, summary.tally.servers_added, summary.bad, summary.complete), (9, 9, 0, true));
    assert_eq!(steps, 4);
    assert_eq!(server.lines()[0], "GET /v0.1/servers?limit=100");
    assert!(server.asked.lock().unwrap()[0].head.contains("user-agent: toolgate/"));
    let again =
        pull(&options(directory.path(), &server.url, 2_000_000_100_000_000), &mut |_| {}).await.unwrap();
    assert_eq!((again.tally.servers_added, again.tally.servers_unchanged), (0, 9));
    // Ten minutes before the first reading began.
    assert_eq!(server.lines()[3], "GET /v0.1/servers?limit=100&updated_since=2033-05-18T03%3A23%3A20Z");
    let catalog = Catalog::open(directory.path()).await.unwrap();
    assert_eq!(catalog.versions("com.example/s2-2").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_broke_off_goes_on_at_the_page_that_did_not_come() {
    let directory = tempfile::tempdir().unwrap();
    let broken = FakeServer::start(|asked, _| match asked.line.contains("cursor=2") {
        true => ("500 Internal Server Error", String::new()),
        false => pages(asked),
    });
    let server = broken.await;
    let error = pull(&options(directory.path(), &server.url, 1), &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("500") && error.contains("import again to go on"), "{error}");
    assert_eq!(server.lines().len(), 2 + TRIES as usize);
    // The same place, now whole: the name of the place is the address, so the position is moved to the new one.
    let whole = FakeServer::start(|asked, _| pages(asked)).await;
    let mut writer = import::open(directory.path()).await.unwrap();
    let at = writer.position(&format!("{}/v0.1/servers", server.url)).await.unwrap().unwrap();
    let place = format!("{}/v0.1/servers", whole.url);
    writer.store(Vec::new(), Some(&Position { place, ..at })).await.unwrap();
    writer.close().await.unwrap();
    let summary = pull(&options(directory.path(), &whole.url, 2), &mut |_| {}).await.unwrap();
    assert_eq!((summary.resumed_after, summary.read, summary.tally.servers_added), (Some(6), 3, 3));
    assert_eq!(whole.lines(), ["GET /v0.1/servers?limit=100&cursor=2"]);
}

#[tokio::test]
async fn a_busy_registry_is_waited_for_and_an_odd_one_is_left() {
    let check = async |answer: fn(&Asked, usize) -> Told, part: &str| {
        let directory = tempfile::tempdir().unwrap();
        let server = FakeServer::start(answer).await;
        match pull(&options(directory.path(), &server.url, 1), &mut |_| {}).await {
            Ok(summary) => assert!(part.is_empty() && summary.read == 9, "{summary:?}"),
            Err(error) => assert!(!part.is_empty() && error.to_string().contains(part), "{error}"),
        }
    };
    check(
        |asked, n| {
            if n == 1 { ("429 Too Many Requests\r\nretry-after: 7", String::new()) } else { pages(asked) }
        },
        "",
    )
    .await;
    check(|_, _| (OK, "[]".to_owned()), "no list of servers").await;
    check(|_, _| (OK, r#"{"servers":[],"metadata":{"nextCursor":"x"}}"#.to_owned()), "same cursor").await;
    check(|_, _| ("301 Moved\r\nlocation: http://127.0.0.1/", String::new()), "somewhere else").await;
    check(|_, _| ("401 Unauthorized", String::new()), "401").await;
}

#[tokio::test]
async fn an_old_cursor_begins_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = FakeServer::start(|asked, _| {
        if asked.line.contains("cursor=gone") { ("400 Bad Request", String::new()) } else { pages(asked) }
    })
    .await;
    let mut writer = import::open(directory.path()).await.unwrap();
    let at = Position {
        place: format!("{}/v0.1/servers", server.url),
        cursor: Some("gone".to_owned()),
        line: 500,
        ..Position::default()
    };
    writer.store(Vec::new(), Some(&at)).await.unwrap();
    writer.close().await.unwrap();
    let summary = pull(&options(directory.path(), &server.url, 1), &mut |_| {}).await.unwrap();
    assert_eq!((summary.read, summary.resumed_after), (9, None));
}
