//! A gateway in process, an upstream that counts, and a client.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolgate_journal::{Journal, Options, Records};
use toolgate_policy::{Format, Plan};
use toolgate_quota::Counters;

use crate::clock::{Clock, ManualClock};
use crate::door::Door;
use crate::gateway::{ArgumentKey, Gateway, Parts};
use crate::listener::Listener;
use crate::live::Live;
use crate::pipeline;
use crate::request_id::RequestIds;
use crate::settings::{
    GrantSettings, JournalSettings, LimitSettings, Names, Protocol, Reach, ServerSettings, Settings,
    TokenSettings,
};
use crate::snapshot::Snapshot;
use crate::token;
use crate::upstream::Servers;

/// Tokens of the two grants of each app.
pub(super) const ALICE: &str = "alice-token-of-22-characters";
pub(super) const BOB: &str = "bob-token-of-enough-characters";

/// A gateway named `images` in front of a counting upstream.
pub(super) struct TestApp {
    pub(super) gateway: Arc<Gateway>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) upstream: Arc<Upstream>,
    address: SocketAddr,
    data: tempfile::TempDir,
}

/// What the upstream has seen, and how it answers.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    /// The bodies of `tools/call`, in order.
    pub(super) calls: Mutex<Vec<Value>>,
    /// Every body.
    pub(super) bodies: Mutex<Vec<String>>,
    /// What a call is answered with in place of a plain text.
    pub(super) result: Mutex<Option<Value>>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|l| l.split_once(": "));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
    }

    /// The text of a tool result, and whether it is an error.
    pub(super) fn result(&self) -> (String, bool) {
        let result = &self.json()["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        (text, result["isError"] == json!(true))
    }
}

impl TestApp {
    /// Starts an app under a policy, JSON.
    pub(super) async fn start(policy: &str) -> Self {
        Self::start_with(policy, Names::Dotted).await
    }

    /// The same, for clients that see tool names in a given form.
    pub(super) async fn start_with(policy: &str, names: Names) -> Self {
        let upstream = Arc::new(Upstream::default());
        let origin = serve_upstream(Arc::clone(&upstream)).await;
        let plan = Arc::new(toolgate_policy::load(policy, Format::Json, "p").unwrap().plan);
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(1_780_000_000_000_000));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let settings = settings(&origin, plan, names, &data);
        let shared: Arc<dyn Clock> = clock.clone();
        let servers = Servers::new(
            Arc::clone(&shared),
            tasks.clone(),
            Vec::new(),
            data.path().to_path_buf(),
            Live::default(),
        );
        let (journal, _) =
            Journal::open(&Options::new(data.path(), "test"), shared.now().wall, None).unwrap();
        let limits = settings.limits;
        let listener =
            Listener::bind(settings.listen, None, limits, stop.clone(), tasks.clone()).await.unwrap();
        let address = listener.address().unwrap();
        let gateway = Gateway::new(Parts {
            clock: shared,
            door: Door::new(&settings, address),
            snapshot: Snapshot::build(settings, &servers, None),
            counters: Arc::new(Counters::new()),
            journal,
            synced: None,
            argument_key: ArgumentKey::new(&[7; 64]),
            live: Live::default(),
            request_ids: RequestIds::new().unwrap(),
            tasks: tasks.clone(),
            stop,
            listen: address,
        });
        let serving = Arc::clone(&gateway);
        tasks.spawn(listener.run(move |request, peer| pipeline::serve(Arc::clone(&serving), request, peer)));
        Self { gateway, clock, upstream, address, data }
    }

    /// Moves time.
    pub(super) fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Sends a request with these headers and body.
    pub(super) async fn send(&self, verb: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_to("/mcp/images", verb, headers, body).await
    }

    /// The same, to another path.
    pub(super) async fn send_to(
        &self,
        path: &str,
        verb: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut head = format!("{verb} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// A modern request of Alice's.
    pub(super) async fn modern(&self, method: &str, mut params: Value) -> Answer {
        let name = params["name"].as_str().or(params["uri"].as_str()).unwrap_or_default().to_owned();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let token = format!("Bearer {ALICE}");
        let mut headers = common(&token).to_vec();
        headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)]);
        if !name.is_empty() {
            headers.push(("Mcp-Name", &name));
        }
        self.send("POST", &headers, &body).await
    }

    /// A modern tool call of Alice's.
    pub(super) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.modern("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// Opens a legacy session and returns its id.
    pub(super) async fn open_session(&self, token: &str) -> String {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        let token = format!("Bearer {token}");
        let answer = self.send("POST", &common(&token), &body.to_string()).await;
        answer.header("mcp-session-id").unwrap_or_else(|| panic!("no session: {answer:?}"))
    }

    /// A request in a legacy session.
    pub(super) async fn in_session(&self, token: &str, session: &str, method: &str, params: Value) -> Answer {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let token = format!("Bearer {token}");
        let mut headers = common(&token).to_vec();
        headers.push(("Mcp-Session-Id", session));
        self.send("POST", &headers, &body).await
    }

    /// All records of the journal so far.
    pub(super) fn journal(&self) -> Vec<Value> {
        self.gateway.journal.flush().unwrap();
        let mut records = Records::open(self.data.path(), 1).unwrap();
        let mut found = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            found.push(serde_json::from_slice(record.bytes).unwrap());
        }
        found
    }

    /// The decisions among them: outcome and rule.
    pub(super) fn decisions(&self) -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let all = self.journal();
        let decisions = all.iter().filter(|r| r["kind"] == "decision");
        decisions.map(|r| (text(&r["outcome"]), text(&r["rule"]))).collect()
    }

    /// How many tool calls the upstream has seen.
    pub(super) fn seen(&self) -> usize {
        self.upstream.calls.lock().unwrap().len()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.gateway.stop.cancel();
    }
}

/// The headers of every POST.
pub(super) fn common(authorization: &str) -> [(&str, &str); 3] {
    [
        ("Authorization", authorization),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ]
}

fn settings(origin: &str, plan: Arc<Plan>, names: Names, data: &tempfile::TempDir) -> Settings {
    let grant = |label: &str, token: &str| GrantSettings {
        label: label.to_owned(),
        tokens: vec![TokenSettings::lasting(token::hash(token))],
        servers: vec![("images".to_owned(), "p".to_owned())],
        expires: None,
        tags: Vec::new(),
        names,
    };
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        console: "127.0.0.1:0".parse().unwrap(),
        data_dir: data.path().to_path_buf(),
        workers: 1,
        tls: None,
        console_tls: None,
        console_url: None,
        trusted_proxies: Vec::new(),
        servers: vec![ServerSettings {
            name: "images".to_owned(),
            reach: Reach::Http { url: origin.parse().unwrap(), headers: Vec::new() },
            protocol: Protocol::Auto,
            timeout: Duration::from_secs(20),
            max_duration: Duration::from_secs(60),
        }],
        policies: vec![plan],
        grants: vec![grant("alice", ALICE), grant("bob", BOB)],
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        limits: LimitSettings::default(),
        journal: JournalSettings::default(),
    }
}

/// An upstream of both eras with the four tools of the image server, and two more.
async fn serve_upstream(upstream: Arc<Upstream>) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let tasks = TaskTracker::new();
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let upstream = Arc::clone(&upstream);
            let service = service_fn(move |request| answer(Arc::clone(&upstream), request));
            let connection = hyper::server::conn::http1::Builder::new();
            connections.spawn(async move {
                connection.serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
            });
        }
    });
    format!("http://{address}/mcp")
}

async fn answer(
    upstream: Arc<Upstream>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let verb = request.method().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    upstream.bodies.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut response = Response::builder();
    if verb != hyper::Method::POST || message["id"].is_null() {
        return Ok(response.status(202).body(Full::default()).unwrap());
    }
    if message["method"] == "initialize" {
        response = response.header("mcp-session-id", "upstream-session");
    }
    let result = upstream.result_of(&message);
    let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    Ok(response.header("content-type", "application/json").body(Full::from(body)).unwrap())
}

impl Upstream {
    fn result_of(&self, message: &Value) -> Value {
        match message["method"].as_str().unwrap_or_default() {
            "initialize" => {
                json!({"protocolVersion": "2025-11-25", "serverInfo": {"name": "u", "version": "1"},
                "capabilities": {"tools": {"listChanged": true}, "resources": {}, "prompts": {}, "logging": {}}})
            }
            "server/discover" => {
                json!({"resultType": "complete", "supportedVersions": ["2026-07-28", "2025-11-25", "2099-01-01"],
                "capabilities": {"tools": {}, "resources": {}}, "ttlMs": 1000, "cacheScope": "public"})
            }
            "tools/list" => {
                json!({"resultType": "complete", "ttlMs": 60000, "cacheScope": "public", "tools": tools()})
            }
            "tools/call" => {
                self.calls.lock().unwrap().push(message["params"].clone());
                let set = self.result.lock().unwrap().clone();
                set.unwrap_or_else(
                    || json!({"resultType": "complete", "content": [{"type": "text", "text": "drawn"}]}),
                )
            }
            _ => json!({"resultType": "complete"}),
        }
    }
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({"name": name, "description": "draws", "inputSchema": {"type": "object", "required": ["prompt"],
            "properties": {"prompt": {"type": "string"}, "width": {"type": "integer"}}}})
    };
    json!([
        tool("image.generate.replicate"),
        tool("image.generate.openai"),
        tool("image.generate.google"),
        tool("image.generate.gemini"),
    ])
}
