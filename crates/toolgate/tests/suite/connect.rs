//! `toolgate connect`

use std::io::{BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::scripted::{Asked, PATIENCE, Reply, Scripted};

/// A stdio client and its bridge.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    err: Receiver<String>,
}

impl Client {
    fn start(url: &str) -> Self {
        Self::with_token(url, "tg_test-token")
    }

    pub(crate) fn with_token(url: &str, token: &str) -> Self {
        let mut child = Folder::new()
            .command()
            .current_dir("/")
            .args(["connect", url])
            .env("TOOLGATE_TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(BufReader::new(child.stdout.take().unwrap()));
        let err = read_lines(BufReader::new(child.stderr.take().unwrap()));
        Self { stdin: child.stdin.take(), child, lines, err }
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn hear(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn hear_json(&self) -> Value {
        serde_json::from_str(&self.hear()).unwrap()
    }

    /// Closes the client's side; the exit code, and what was said last.
    pub(crate) fn finish(mut self) -> (i32, Vec<String>, String) {
        drop(self.stdin.take());
        let rest: Vec<_> = self.lines.iter().collect();
        let code = self.child.wait().unwrap().code().unwrap();
        (code, rest, self.err.iter().collect::<Vec<_>>().join("\n"))
    }
}

pub(crate) fn read_lines(reader: impl std::io::BufRead + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || reader.lines().try_for_each(|line| sender.send(line.unwrap())));
    receiver
}

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const OPENED: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn opened(session: &str) -> Reply {
    Reply::Whole(200, vec![("mcp-session-id", session.to_owned())], "application/json", OPENED.to_owned())
}

/// A server of the legacy era without a stream of its own; `answer` is asked about every other request.
fn legacy(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| match (asked.verb.as_str(), asked.method().as_str()) {
        ("GET", _) => Reply::status(405),
        ("DELETE", _) => Reply::status(200),
        (_, "initialize") => opened("s-1"),
        (_, method) if method.starts_with("notifications/") => Reply::status(202),
        _ => answer(asked),
    })
}

fn result(asked: &Asked) -> Reply {
    Reply::json(json!({"jsonrpc": "2.0", "id": asked.json()["id"], "result": {}}).to_string())
}

fn open(client: &mut Client) {
    client.say(INITIALIZE);
    assert_eq!(client.hear(), OPENED);
    client.say(INITIALIZED);
}

#[test]
fn a_legacy_session() {
    let server = legacy(result);
    let mut client = Client::start(&server.url());
    open(&mut client);
    let call = r#"{ "jsonrpc":"2.0", "id":"a\u0062", "method":"tools/call", "params":{"name":"x","arguments":{"n":1.50}} }"#;
    client.say(call);
    assert_eq!(client.hear_json()["id"], "ab");
    let (code, rest, err) = client.finish();
    assert_eq!((code, rest.len(), err.as_str()), (0, 0, ""));

    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer tg_test-token")));
    assert!(asked.iter().all(|asked| asked.path == "/mcp/images"));
    let posts: Vec<_> = asked.iter().filter(|asked| asked.verb == "POST").collect();
    assert_eq!(
        posts.iter().map(|asked| asked.method()).collect::<Vec<_>>(),
        ["initialize", "notifications/initialized", "tools/call"]
    );
    assert_eq!((posts[0].header("mcp-session-id"), posts[0].header("mcp-protocol-version")), (None, None));
    for later in asked.iter().skip(1) {
        assert_eq!(later.header("mcp-session-id"), Some("s-1"), "{later:?}");
        assert_eq!(later.header("mcp-protocol-version"), Some("2025-06-18"));
    }
    assert_eq!(posts[2].body, call, "the client's bytes are untouched");
    assert_eq!(posts[2].header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(posts[2].header("content-type"), Some("application/json"));
    assert_eq!(asked.last().unwrap().verb, "DELETE");
}

#[test]
fn events_come_through_one_by_one() {
    let (sender, stream) = Reply::stream();
    let stream = Mutex::new(Some(stream));
    let server = legacy(move |_| stream.lock().unwrap().take().unwrap());
    let mut client = Client::start(&server.url());
    open(&mut client);
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
    sender.send(": a comment\n\nid: 1\ndata:\n\n".to_owned()).unwrap();
    let progress =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
    sender.send(format!("id: 2\ndata: {progress}\n\n")).unwrap();
    assert_eq!(client.hear(), progress);
    // In two pieces, and over two lines of data.
    sender.send("data: {\"jsonrpc\":\"2.0\",\n".to_owned()).unwrap();
    sender.send("data: \"id\":1,\"result\":{}}\n\n".to_owned()).unwrap();
    assert_eq!(client.hear(), r#"{"jsonrpc":"2.0", "id":1,"result":{}}"#);
    drop(sender);
    assert_eq!(client.finish().0, 0);
}

#[test]
fn requests_run_side_by_side_and_cancellations_pass() {
    let (sender, stream) = Reply::stream();
    let stream = Mutex::new(Some(stream));
    let server = legacy(move |asked| match asked.json()["id"].as_i64() {
        Some(1) => stream.lock().unwrap().take().unwrap(),
        _ => result(asked),
    });
    let mut client = Client::start(&server.url());
    open(&mut client);
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}"#);
    server.wait_for("slow call", |asked| asked.json()["id"] == 1);
    client.say(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
    assert_eq!(client.hear_json()["id"], 2);
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    server.wait_for("cancellation", |asked| asked.method() == "notifications/cancelled");
    // The end of input waits for what is outstanding.
    sender.send("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n".to_owned()).unwrap();
    drop(sender);
    let (code, rest, _) = client.finish();
    assert_eq!((code, rest), (0, vec![r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned()]));
}

#[test]
fn the_session_has_a_stream_of_its_own() {
    let (sender, stream) = Reply::stream();
    let stream = Mutex::new(Some(stream));
    let server = Scripted::start(move |asked| match (asked.verb.as_str(), asked.method().as_str()) {
        ("GET", _) => stream.lock().unwrap().take().unwrap_or_else(|| Reply::status(405)),
        ("DELETE", _) => Reply::status(200),
        (_, "initialize") => opened("s-1"),
        _ => Reply::status(202),
    });
    let mut client = Client::start(&server.url());
    open(&mut client);
    let asked = r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#;
    sender.send(format!("id: e7\nretry: 1\ndata: {asked}\n\n")).unwrap();
    assert_eq!(client.hear(), asked);
    client.say(r#"{"jsonrpc":"2.0","id":"r","result":{"roots":[]}}"#);
    server.wait_for("answer", |asked| asked.json()["result"]["roots"].is_array());
    // The stream ends, and is asked for again from where it ended.
    drop(sender);
    let again =
        server.wait_for("second GET", |asked| asked.verb == "GET" && asked.header("last-event-id").is_some());
    assert_eq!(again.header("last-event-id"), Some("e7"));
    assert_eq!(again.header("accept"), Some("text/event-stream"));
    assert_eq!(client.finish().0, 0);
}

#[test]
fn an_answer_whose_stream_ended_is_resumed() {
    let server = Scripted::start(|asked| match (asked.verb.as_str(), asked.method().as_str()) {
        ("GET", _) if asked.header("last-event-id") == Some("e1") => {
            Reply::events(&["id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"])
        }
        ("GET", _) => Reply::status(405),
        ("DELETE", _) => Reply::status(200),
        (_, "initialize") => opened("s-1"),
        (_, "tools/call") => Reply::events(&["id: e1\nretry: 1\ndata:\n\n"]),
        _ => Reply::status(202),
    });
    let mut client = Client::start(&server.url());
    open(&mut client);
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
    assert_eq!(client.hear(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert_eq!(client.finish().0, 0);
}

#[test]
fn an_answer_that_broke_off_is_an_error() {
    let server =
        legacy(|_| Reply::events(&["data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n"]));
    let mut client = Client::start(&server.url());
    open(&mut client);
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
    assert_eq!(client.hear_json()["method"], "notifications/message");
    let answer = client.hear_json();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(5020)));
    assert!(answer["error"]["message"].as_str().unwrap().contains("may have been carried out"));
}

#[test]
fn a_session_that_the_gateway_forgot_is_opened_anew() {
    let sessions = Arc::new(AtomicUsize::new(0));
    let server = Scripted::start(move |asked| match (asked.verb.as_str(), asked.method().as_str()) {
        ("GET", _) => Reply::status(405),
        ("DELETE", _) => Reply::status(200),
        (_, "initialize") => opened(&format!("s-{}", sessions.fetch_add(1, Ordering::SeqCst) + 1)),
        (_, "notifications/initialized") => Reply::status(202),
        _ if asked.header("mcp-session-id") == Some("s-1") => Reply::status(404),
        _ => result(asked),
    });
    let mut client = Client::start(&server.url());
    open(&mut client);
    for id in 1..=3 {
        client
            .say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"x"}}}}"#));
    }
    let mut ids: Vec<_> = (0..3).map(|_| client.hear_json()["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3], "each call is answered once, and the second handshake is not seen");
    assert_eq!(client.finish().0, 0);
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|asked| asked.method() == "initialize").count(), 2);
    assert_eq!(asked.last().unwrap().header("mcp-session-id"), Some("s-2"));
}

#[test]
fn a_modern_client() {
    let (held, stream) = Reply::stream();
    let stream = Mutex::new(Some(stream));
    let server = Scripted::start(move |asked| match asked.method().as_str() {
        "tools/list" => Reply::json(
            r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[{"name":"t","inputSchema":
                {"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}}"#,
        ),
        "subscriptions/listen" => stream.lock().unwrap().take().unwrap(),
        _ => result(asked),
    });
    let mut client = Client::start(&server.url());
    client.say(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#));
    assert!(!client.hear().contains('\n'), "an answer over several lines becomes one");
    client.say(&format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"t","arguments":{{"region":"eu"}},{META}}}}}"#
    ));
    assert_eq!(client.hear_json()["id"], 2);
    client.say(&format!(r#"{{"jsonrpc":"2.0","id":3,"method":"subscriptions/listen","params":{{"notifications":{{}},{META}}}}}"#));
    server.wait_for("subscription", |asked| asked.method() == "subscriptions/listen");
    let (code, rest, err) = client.finish();
    assert_eq!((code, rest.len(), err.as_str()), (0, 0, ""), "a subscription does not hold up the end");
    drop(held);

    let call = server.wait_for("call", |asked| asked.method() == "tools/call");
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "t"),
        ("mcp-param-region", "eu"),
    ] {
        assert_eq!(call.header(name), Some(value));
    }
    assert!(server.asked().iter().all(|asked| asked.verb == "POST"));
}

#[test]
fn a_modern_request_is_cancelled_by_closing_it() {
    let (sender, stream) = Reply::stream();
    let stream = Mutex::new(Some(stream));
    let server = Scripted::start(move |asked| match asked.json()["id"].as_i64() {
        Some(1) => stream.lock().unwrap().take().unwrap(),
        _ => result(asked),
    });
    let mut client = Client::start(&server.url());
    client
        .say(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t",{META}}}}}"#));
    server.wait_for("call", |asked| asked.json()["id"] == 1);
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    client
        .say(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"t",{META}}}}}"#));
    assert_eq!(client.hear_json()["id"], 2);
    let (code, rest, _) = client.finish();
    assert_eq!((code, rest.len()), (0, 0), "nothing waits for the cancelled call, and it has no answer");
    assert!(server.asked().iter().all(|asked| asked.method() != "notifications/cancelled"));
    drop(sender);
}

#[test]
fn refusals_become_errors_that_say_what_to_do() {
    let server = Scripted::start(|asked| match asked.json()["id"].as_i64() {
        Some(1) => Reply::status(401),
        Some(2) => Reply::status(404),
        Some(3) => Reply::Whole(
            400,
            Vec::new(),
            "application/json",
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32020,"message":"header mismatch"}}"#.to_owned(),
        ),
        Some(4) => Reply::Whole(
            503,
            Vec::new(),
            "application/json",
            r#"{"jsonrpc":"2.0","error":{"code":5031,"message":"the journal is full"}}"#.to_owned(),
        ),
        _ => Reply::status(202),
    });
    let mut client = Client::start(&server.url());
    let mut ask = |id: i64| {
        client.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        let answer = client.hear_json();
        assert_eq!(answer["id"], id);
        (answer["error"]["code"].as_i64().unwrap(), answer["error"]["message"].as_str().unwrap().to_owned())
    };
    for (id, code, text) in [
        (1, 4010, "check the token in TOOLGATE_TOKEN"),
        (2, 4040, "check the server's name"),
        (3, -32020, "header mismatch"),
        (4, 5030, "the journal is full; try again later"),
        (5, 5020, "the gateway sent no answer"),
    ] {
        let (found, message) = ask(id);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(text), "{message}");
        assert!(!message.contains("tg_test-token"));
    }
    assert_eq!(client.finish().0, 0);
}

#[test]
fn a_gateway_that_is_not_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut client = Client::start(&format!("http://{free}/mcp/images"));
    client.say(INITIALIZE);
    let answer = client.hear_json();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(5030)));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(&free.to_string()) && message.contains("is it running?"), "{message}");
    client.say("not json");
    assert_eq!(client.hear_json()["error"]["code"], -32700);
    assert_eq!(client.finish().0, 3);
}

#[test]
fn without_a_token_or_a_url() {
    let folder = Folder::new();
    let ran = folder.run("connect http://127.0.0.1:1/mcp/x");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("TOOLGATE_TOKEN is not set"), "{}", ran.err);
    for url in ["ftp://h/x", "127.0.0.1:1", "http://u:p@h/x", ""] {
        assert_eq!(folder.run_words(&["connect", url]).code, 2, "{url}");
    }
}
