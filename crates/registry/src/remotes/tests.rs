//! Remotes that list their tools, and those that must not be asked.

use serde_json::{Value, json};

use super::*;
use crate::fake_server::{Asked, FakeServer, Told};

const JSON: &str = "200 OK\r\ncontent-type: application/json\r\nmcp-session-id: s1";
const STREAM: &str = "200 OK\r\ncontent-type: text/event-stream";

/// A server with two pages of tools; the second comes as a stream of events.
fn mcp(asked: &Asked) -> Told {
    if asked.line.starts_with("DELETE") {
        return ("405 Method Not Allowed", String::new());
    }
    let message: Value = serde_json::from_str(&asked.body).unwrap();
    let answer = |result: Value| json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    match message["method"].as_str().unwrap() {
        "initialize" => (JSON, answer(json!({"protocolVersion": "2025-06-18", "capabilities": {}}))),
        "notifications/initialized" => ("202 Accepted", String::new()),
        "tools/list" if message["params"]["cursor"].is_null() => {
            assert!(asked.head.contains("mcp-session-id: s1") && asked.head.contains("version: 2025-06-18"));
            (
                JSON,
                answer(json!({"tools": [{"name": "delete_file", "description": "Deletes a file.",
                "inputSchema": {"type": "object"}, "server": "com.example/other"}], "nextCursor": "2"})),
            )
        }
        "tools/list" => {
            let note = r#"data: {"jsonrpc":"2.0","method":"notifications/message"}"#;
            let last =
                answer(json!({"tools": [{"name": "read_file", "inputSchema": {}}, {"nameless": true}]}));
            (STREAM, format!("{note}\n\ndata: {last}\n\n"))
        }
        other => panic!("{other}"),
    }
}

async fn with_servers(directory: &std::path::Path, remotes: &[(&str, Value)]) {
    let mut writer = import::open(directory).await.unwrap();
    let entry = |(name, remote): &(&str, Value)| {
        let text = json!({"name": format!("com.example/{name}"), "version": "1.0.0", "remotes": [remote]})
            .to_string();
        crate::read::server(text.as_bytes()).unwrap()
    };
    writer.store(remotes.iter().map(entry).collect(), None).await.unwrap();
    writer.close().await.unwrap();
}

fn options(directory: &std::path::Path) -> RemotesOptions {
    RemotesOptions { data_directory: directory.to_owned(), now: 1, between: Duration::ZERO }
}

#[tokio::test]
async fn tools_are_listed_and_belong_to_their_server() {
    let directory = tempfile::tempdir().unwrap();
    let server = FakeServer::start(|asked, _| mcp(asked)).await;
    let url = format!("{}/mcp", server.url);
    let of = |url: &str| json!({"type": "streamable-http", "url": url});
    let with_key =
        json!({"type": "streamable-http", "url": url, "headers": [{"name": "K", "isRequired": true}]});
    with_servers(
        directory.path(),
        &[
            ("a", of(&url)),
            ("b", of(&format!("{}/{{tenant}}", server.url))),
            ("c", with_key),
            ("d", of("http://127.0.0.1:1/mcp")),
            ("e", json!({"type": "sse", "url": url})),
        ],
    )
    .await;
    let summary = ask(&options(directory.path()), Reach::Any, &mut |_| {}).await.unwrap();
    assert_eq!((summary.asked, summary.answered, summary.passed_over, summary.bad), (2, 1, 3, 1));
    assert_eq!(summary.tally.tools_added, 2);
    let catalog = Catalog::open(directory.path()).await.unwrap();
    let tool = catalog.tool("com.example/a", "delete_file").await.unwrap().unwrap();
    assert_eq!(tool.hit.category, toolgate_catalog::Category::Destructive);
    assert!(catalog.tool("com.example/other", "delete_file").await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_at_home_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let server = FakeServer::start(|asked, _| mcp(asked)).await;
    let port = server.url.rsplit(':').next().unwrap();
    let remotes: Vec<(String, Value)> =
        ["http://127.0.0.1", "https://127.0.0.1", "https://localhost", "https://[::1]"]
            .iter()
            .enumerate()
            .map(|(n, host)| {
                (format!("s{n}"), json!({"type": "streamable-http", "url": format!("{host}:{port}/mcp")}))
            })
            .collect();
    let remotes: Vec<(&str, Value)> =
        remotes.iter().map(|(name, remote)| (name.as_str(), remote.clone())).collect();
    with_servers(directory.path(), &remotes).await;
    let summary = list_remotes(&options(directory.path()), &mut |_| {}).await.unwrap();
    // The name passes the first look; that it leads home is seen when it is resolved.
    assert_eq!((summary.asked, summary.answered, summary.passed_over), (1, 0, 3));
    assert!(server.lines().is_empty());
}
