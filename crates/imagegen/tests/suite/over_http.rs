//! What the listener answers to plain HTTP: health, refusals, bounds.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Rig;

/// Sends one request head and body as they are, and reads the whole answer.
async fn raw(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn post(host: &str, more: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream{more}"
    )
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#;

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn paths_and_methods() {
    let mut rig = Rig::placeholder();
    let address = rig.listen().await;
    for (line, expected) in [
        ("GET /healthz", "200"),
        ("POST /healthz", "405"),
        ("GET /mcp", "405"),
        ("PUT /mcp", "405"),
        ("GET /", "404"),
        ("POST /mcp/", "404"),
    ] {
        let answer = raw(address, &format!("{line} HTTP/1.1\r\nHost: localhost"), "").await;
        assert_eq!(status(&answer), expected, "{line}: {answer}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn other_sites_are_refused() {
    let mut rig = Rig::placeholder();
    let address = rig.listen().await;
    for (host, more, expected) in [
        ("localhost", "", "200"),
        ("127.0.0.1:9", "", "200"),
        ("localhost", "\r\nOrigin: http://localhost:3000", "200"),
        ("evil.example", "", "403"),
        ("localhost", "\r\nOrigin: http://evil.example", "403"),
        ("localhost", "\r\nOrigin: https://localhost", "403"),
        ("localhost", "\r\nOrigin: null", "403"),
    ] {
        let answer = raw(address, &post(host, more), INITIALIZE).await;
        assert_eq!(status(&answer), expected, "{host} {more}: {answer}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_server_goes_on() {
    let mut rig = Rig::placeholder();
    let address = rig.listen().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{}\r\nContent-Length: 9000000\r\n\r\n", post("localhost", ""));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413", "refused by its announced length, before it is sent");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{}\r\nTransfer-Encoding: chunked\r\n\r\n400001\r\n", post("localhost", ""));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 0x40_0001]).await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413", "refused where its unannounced length passes the limit");
    let answer = raw(address, &post("localhost", ""), "{not json").await;
    assert_eq!(status(&answer).chars().next(), Some('4'), "{answer}");
    let answer = raw(address, &post("localhost", ""), INITIALIZE).await;
    assert_eq!(status(&answer), "200", "{answer}");
    rig.stop().await;
}

#[tokio::test]
async fn sessions_are_counted_and_refused_beyond_the_bound() {
    let mut rig = Rig::placeholder();
    let address = rig.listen().await;
    for _ in 0..256 {
        let answer = raw(address, &post("localhost", ""), INITIALIZE).await;
        assert_eq!(status(&answer), "200", "{answer}");
    }
    let answer = raw(address, &post("localhost", ""), INITIALIZE).await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert!(answer.to_ascii_lowercase().contains("retry-after"), "{answer}");
    rig.stop().await;
}

#[tokio::test]
async fn stopping_lets_a_call_in_progress_finish() {
    let mut rig = Rig::placeholder();
    let address = rig.listen().await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let arguments = r#""name":"image.generate.openai","arguments":{"prompt":"p","size":"32x32"}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{arguments},{meta}}}}}"#);
    let headers = "\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
                   Mcp-Name: image.generate.openai\r\nExpect: 100-continue";
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{}\r\nContent-Length: {}\r\n\r\n", post("localhost", headers), body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).await.unwrap();
    // The server has the head and waits for the body: the call is in progress.
    let rest = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (answer, ()) = tokio::join!(rest, rig.stop());
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(answer.contains("provider=placeholder"), "{answer}");
    assert_eq!(rig.files(), 1);
}
