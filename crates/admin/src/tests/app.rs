//! A whole admin API in a folder of its own, and callers that send it requests.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::broadcast;
use toolgate_gateway::clock::{Clock as _, ManualClock};
use toolgate_gateway::settings::{
    GrantSettings, JournalSettings, LimitSettings, Names, Protocol, Reach, ServerSettings, Settings,
    TokenSettings,
};
use toolgate_gateway::{
    ConsoleRefusal, LiveEvent, Occupancy, Pending, ProbeReport, ProbedTool, ServerState, Survey,
};
use toolgate_index::Index;
use toolgate_policy::Format;
use toolgate_quota::Amount;
use toolgate_store::{FileNames, Options, Role, Store};

use crate::running::{FilePolicy, FileView, GatewayHealth, Noted};
use crate::{Admin, Parts, Running};

/// 2026-10-01 in microseconds.
pub(super) const START: u64 = 1_790_812_800_000_000;
pub(super) const POLICY: &str = r#"{"version": "1", "tools": {"echo": {}}}"#;
pub(super) const FILE_SECRET: &str = "canary-of-the-file-0b7e";

/// A gateway that remembers what it was told.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) settings: Settings,
    pub(super) file: Mutex<FileView>,
    /// Why settings cannot be used; empty if they can.
    pub(super) refuse: Mutex<Vec<String>>,
    pub(super) journal_problem: Mutex<Option<String>>,
    /// What was noted: author and detail.
    pub(super) notes: Mutex<Vec<(String, String)>>,
    /// Whom it refused, and why.
    pub(super) refused: Mutex<Vec<(IpAddr, &'static str)>>,
    pub(super) reloads: AtomicU32,
    pub(super) events: broadcast::Sender<LiveEvent>,
    pub(super) tested: Mutex<Vec<ServerSettings>>,
    /// What the server `filed` offers when it is asked.
    pub(super) offers: Mutex<Result<Survey, String>>,
    /// The tools that calls to it are judged by.
    pub(super) known: Mutex<Option<Vec<ProbedTool>>>,
}

impl Running for Fake {
    fn settings(&self) -> Arc<Settings> {
        Arc::new(self.settings.clone())
    }

    fn file(&self) -> Arc<FileView> {
        Arc::new(self.file.lock().unwrap().clone())
    }

    fn reload(&self) -> Pending<'_, Result<(), Vec<String>>> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        let refuse = self.refuse.lock().unwrap().clone();
        Box::pin(async move { if refuse.is_empty() { Ok(()) } else { Err(refuse) } })
    }

    fn servers(&self) -> Vec<ServerState> {
        vec![ServerState { name: "filed".to_owned(), down: true, in_flight: 1, places: 512, tools: Some(2) }]
    }

    fn tools<'a>(&'a self, server: &'a str) -> Pending<'a, Result<Vec<ProbedTool>, String>> {
        Box::pin(async move {
            if server == "filed" {
                let tool = |name: &str| ProbedTool {
                    name: name.to_owned(),
                    definition: format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#).into(),
                    hash: "ab".repeat(32),
                    schema_error: None,
                };
                return Ok(vec![tool("echo"), tool("add")]);
            }
            Err("nobody answers".to_owned())
        })
    }

    fn known_tools(&self, _: &str) -> Option<Vec<ProbedTool>> {
        self.known.lock().unwrap().clone()
    }

    fn survey<'a>(&'a self, _: &'a str) -> Pending<'a, Result<Survey, String>> {
        let offers = self.offers.lock().unwrap().clone();
        Box::pin(async move { offers })
    }

    fn test<'a>(&'a self, server: &'a ServerSettings) -> Pending<'a, Result<ProbeReport, String>> {
        self.tested.lock().unwrap().push(server.clone());
        Box::pin(async move {
            let Reach::Http { url, headers } = &server.reach else {
                return Err("it ended at once".to_owned());
            };
            if url.host() == Some("down.example") {
                let told: Vec<_> = headers.iter().map(|(_, v)| v.to_str().unwrap_or_default()).collect();
                return Err(format!("{url} answered 401 to {}", told.join(", ")));
            }
            let tool = ProbedTool {
                name: "echo".to_owned(),
                definition: "{}".into(),
                hash: String::new(),
                schema_error: None,
            };
            let speaks = vec!["2025-11-25".to_owned()];
            Ok(ProbeReport { speaks, tools: vec![tool], elapsed: Duration::from_millis(7) })
        })
    }

    fn limits(&self) -> Vec<Occupancy> {
        let (policy, counter, subject) = ("filed".to_owned(), "c".to_owned(), "g@filed".to_owned());
        let (used, max) = (Amount::whole(2), Amount::whole(3));
        vec![Occupancy { policy, counter, subject, shadow: false, used, max }]
    }

    fn events(&self) -> broadcast::Receiver<LiveEvent> {
        self.events.subscribe()
    }

    fn note(&self, noted: &Noted<'_>) -> Result<(), String> {
        self.notes.lock().unwrap().push((noted.author.to_owned(), noted.detail.to_owned()));
        Ok(())
    }

    fn refused(&self, client: IpAddr, refused: ConsoleRefusal) {
        self.refused.lock().unwrap().push((client, refused.reason()));
    }

    fn health(&self) -> GatewayHealth {
        let journal_problem = self.journal_problem.lock().unwrap().clone();
        GatewayHealth { journal_problem, sessions: 3, ..GatewayHealth::default() }
    }
}

fn settings(folder: &TempDir) -> Settings {
    let mut secret = http::HeaderValue::from_static(FILE_SECRET);
    secret.set_sensitive(true);
    let server = ServerSettings {
        name: "filed".to_owned(),
        reach: Reach::Http {
            url: "http://127.0.0.1:3001/mcp?key=canary-of-the-file-0b7e".parse().unwrap(),
            headers: vec![(http::HeaderName::from_static("x-api-key"), secret)],
        },
        protocol: Protocol::Auto,
        timeout: Duration::from_secs(60),
        max_duration: Duration::from_mins(10),
    };
    let grant = GrantSettings {
        label: "filed".to_owned(),
        tokens: vec![TokenSettings::lasting([7; 32])],
        servers: vec![("filed".to_owned(), "filed".to_owned())],
        expires: None,
        tags: Vec::new(),
        names: Names::Dotted,
    };
    Settings {
        listen: "127.0.0.1:8420".parse().unwrap(),
        console: "127.0.0.1:8421".parse().unwrap(),
        data_dir: folder.path().to_path_buf(),
        workers: 0,
        tls: None,
        console_tls: None,
        console_url: None,
        trusted_proxies: Vec::new(),
        servers: vec![server],
        policies: vec![Arc::new(toolgate_policy::load(POLICY, Format::Json, "filed").unwrap().plan)],
        grants: vec![grant],
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        limits: LimitSettings::default(),
        journal: JournalSettings::default(),
    }
}

/// The API under test.
pub(super) struct App {
    pub(super) admin: Admin,
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) fake: Arc<Fake>,
    pub(super) index: Index,
    pub(super) folder: TempDir,
    peers: AtomicU32,
}

impl App {
    pub(super) async fn new() -> Self {
        Self::reached_by(false).await
    }

    pub(super) async fn reached_by(https: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(Options::new(folder.path())).await.unwrap());
        let clock = Arc::new(ManualClock::new(START));
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        let names = FileNames {
            path: PathBuf::from("/etc/toolgate.yaml"),
            servers: one("filed"),
            policies: one("filed"),
            grants: one("filed"),
            unread: false,
        };
        let document = FilePolicy { format: Format::Json, text: POLICY.to_owned() };
        let policies = [("filed".to_owned(), document)].into();
        let fake = Arc::new(Fake {
            settings: settings(&folder),
            file: Mutex::new(FileView {
                names,
                policies,
                allow_commands: false,
                limits: BTreeSet::from(["depth".to_owned()]),
            }),
            refuse: Mutex::default(),
            journal_problem: Mutex::default(),
            notes: Mutex::default(),
            refused: Mutex::default(),
            reloads: AtomicU32::new(0),
            events: broadcast::Sender::new(64),
            tested: Mutex::default(),
            offers: Mutex::new(Ok(Survey::default())),
            known: Mutex::default(),
        });
        let wall = Arc::clone(&clock);
        let index =
            Index::start(toolgate_index::Options::new(folder.path()), Arc::new(move || wall.now().wall));
        let index = index.unwrap();
        let parts = Parts {
            store: Arc::clone(&store),
            gateway: Arc::clone(&fake) as Arc<dyn Running>,
            index: index.clone(),
            catalog: toolgate_registry::Catalog::open(folder.path()).await.unwrap(),
            offer: vec!["com.example/*".to_owned()],
            clock: Arc::clone(&clock) as Arc<dyn toolgate_gateway::clock::Clock>,
            listen: "127.0.0.1:8421".parse().unwrap(),
            https,
        };
        let admin = Admin::new(parts);
        Self { admin, store, clock, fake, index, folder, peers: AtomicU32::new(1) }
    }

    /// A program with a token of this role.
    pub(super) async fn program(&self, role: Role) -> Caller<'_> {
        let token = self.admin.replace_token(role.as_str(), role).await.unwrap();
        self.anyone().with("authorization", format!("Bearer {token}"))
    }

    /// A browser that signed in with this role, and knows what its changes must carry.
    pub(super) async fn browser(&self, role: Role) -> Caller<'_> {
        let cookie = self.cookie(role).await;
        let caller = self.anyone().with("cookie", format!("toolgate={cookie}"));
        let session = caller.get("/api/v1/session").await;
        let csrf = session.json()["csrf"].as_str().unwrap().to_owned();
        caller.with("x-toolgate-csrf", csrf).with("origin", "http://localhost:8421")
    }

    /// The cookie of a new session.
    pub(super) async fn cookie(&self, role: Role) -> String {
        let link = self.admin.sign_in_link("somebody", role).await.unwrap();
        let answer = self.anyone().redeem(link.strip_prefix("/sign-in?").unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
    }

    pub(super) fn anyone(&self) -> Caller<'_> {
        Caller { app: self, headers: vec![("host".to_owned(), "localhost:8421".to_owned())] }
    }

    /// Why callers were refused since the last time.
    pub(super) fn refusals(&self) -> Vec<&'static str> {
        let refused = std::mem::take(&mut *self.fake.refused.lock().unwrap());
        refused
            .into_iter()
            .map(|(client, reason)| {
                assert!(!client.is_unspecified());
                reason
            })
            .collect()
    }

    /// The details that were noted since the last time.
    pub(super) fn noted(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.fake.notes.lock().unwrap())
    }
}

/// Somebody who sends requests.
#[derive(Clone)]
pub(super) struct Caller<'a> {
    app: &'a App,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) text: String,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(super) fn etag(&self) -> String {
        self.headers[header::ETAG].to_str().unwrap().to_owned()
    }

    /// Panics unless it is a problem of this status whose text holds `part`.
    pub(super) fn is_problem(&self, status: u16, part: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["type"].is_string());
        assert!(self.text.contains(part), "`{part}` is not in {}", self.text);
        problem
    }

    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

impl Caller<'_> {
    /// The same with another line in each head; an empty value takes the line away.
    pub(super) fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut headers: Vec<_> = self.headers.iter().filter(|(n, _)| n != name).cloned().collect();
        let value = value.into();
        if !value.is_empty() {
            headers.push((name.to_owned(), value));
        }
        Self { app: self.app, headers }
    }

    pub(super) async fn get(&self, path: &str) -> Told {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Told {
        self.send(Method::POST, path, Some(&body)).await
    }

    pub(super) async fn put(&self, path: &str, tag: &str, body: Value) -> Told {
        self.with("if-match", tag).send(Method::PUT, path, Some(&body)).await
    }

    pub(super) async fn delete(&self, path: &str, tag: &str) -> Told {
        self.with("if-match", tag).send(Method::DELETE, path, None).await
    }

    /// The sign-in form, as the page sends it.
    pub(super) async fn redeem(&self, form: &str) -> Told {
        let from_page = self
            .with("content-type", "application/x-www-form-urlencoded")
            .with("origin", "http://localhost:8421");
        from_page.read(Method::POST, "/sign-in", Body::from(form.to_owned())).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Told {
        match body {
            Some(body) => {
                self.with("content-type", "application/json")
                    .read(method, path, Body::from(body.to_string()))
                    .await
            }
            None => self.read(method, path, Body::empty()).await,
        }
    }

    pub(super) async fn read(&self, method: Method, path: &str, body: Body) -> Told {
        let response = self.open(method, path, body).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Told { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The answer with its body unread. Each request comes from an address of its own.
    pub(super) async fn open(&self, method: Method, path: &str, body: Body) -> Response<Body> {
        let peer = Ipv4Addr::from_bits(0x0a00_0000 + self.app.peers.fetch_add(1, Ordering::SeqCst));
        self.open_from(IpAddr::V4(peer), method, path, body).await
    }

    pub(super) async fn open_from(
        &self,
        peer: IpAddr,
        method: Method,
        path: &str,
        body: Body,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        self.app.admin.answer(request.body(body).unwrap(), peer).await
    }
}
