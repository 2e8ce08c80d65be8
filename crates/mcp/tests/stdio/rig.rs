//! A server under test: the scripted one, or whatever command a test names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use toolgate_json::{Document, Limits as JsonLimits, Span};
use toolgate_mcp::stdio::StdioChild;
use toolgate_mcp::stdio::event::Event;
use toolgate_mcp::stdio::exchange::{Exchange, Incoming, OnDrop, Outgoing};
use toolgate_mcp::stdio::fault::SendError;
use toolgate_mcp::stdio::logs::{LogSink, Source};
use toolgate_mcp::stdio::spec::{ChildSpec, Limits};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, what it says unasked, and what it prints on standard error.
pub(crate) struct Rig {
    pub(crate) child: StdioChild,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) heard: mpsc::UnboundedReceiver<String>,
    pub(crate) tracker: TaskTracker,
}

/// Limits whose waits are short enough for a test that exhausts them.
pub(crate) fn hasty() -> Limits {
    let moment = Duration::from_millis(50);
    Limits { grace: moment, term: moment, drain: moment, ..Limits::default() }
}

/// The path of the scripted server, which `cargo test` builds with the tests.
pub(crate) fn scripted() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.ancestors().nth(2).expect("the test lies in the target directory");
    let server = profile.join("examples/scripted_server");
    assert!(server.exists(), "build it first: cargo build -p toolgate-mcp --examples");
    server
}

impl Rig {
    /// The scripted server.
    pub(crate) fn scripted(limits: Limits) -> Self {
        Self::start(scripted().to_str().expect("a path in UTF-8"), &[], limits)
    }

    /// A shell script; `$0` is the scripted server.
    pub(crate) fn shell(script: &str, limits: Limits) -> Self {
        Self::start("/bin/sh", &["-c", script, scripted().to_str().expect("a path in UTF-8")], limits)
    }

    fn start(program: &str, args: &[&str], limits: Limits) -> Self {
        let spec = ChildSpec {
            program: program.into(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: vec![("GIVEN".to_owned(), "1".to_owned())],
            base_env: [("PATH", "/usr/bin:/bin"), ("HOME", "/nonexistent"), ("LANG", "C"), ("SECRET", "s")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            directory: None,
            label: "scripted".to_owned(),
        };
        let (sender, heard) = mpsc::unbounded_channel();
        let on_line = move |source: Source, line: &str| {
            if source == Source::Stderr {
                sender.send(line.to_owned()).ok();
            }
        };
        let redact = |line: &str| line.replace("s3cret", "***");
        let sink = LogSink { redact: Arc::new(redact), on_line: Some(Arc::new(on_line)) };
        let tracker = TaskTracker::new();
        let (child, events) = StdioChild::spawn(&spec, limits, sink, &tracker).expect("the server starts");
        Self { child, events, heard, tracker }
    }

    /// Sends a request that must get through.
    pub(crate) fn send(&self, id: &str, method: &str, params: &str) -> Exchange {
        self.child.request(&outgoing(id, method, params)).expect("the request is taken")
    }

    /// Sends a request and returns its answer.
    pub(crate) async fn ask(&self, id: &str, method: &str, params: &str) -> Result<String, SendError> {
        answer(&mut self.send(id, method, params)).await
    }

    /// Waits for a line on standard error that holds `part`.
    pub(crate) async fn hear(&mut self, part: &str) -> String {
        loop {
            let line = patient(self.heard.recv()).await.expect("the server says it before it ends");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Stops the server and waits until nothing of it is left.
    pub(crate) async fn stop(self) {
        drop(self.child);
        self.tracker.close();
        patient(self.tracker.wait()).await;
    }
}

/// Fails the test instead of waiting for ever.
pub(crate) async fn patient<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// The answer to a request; notifications before it are a mistake.
pub(crate) async fn answer(exchange: &mut Exchange) -> Result<String, SendError> {
    match patient(exchange.next()).await.expect("the exchange is not over")? {
        Incoming::Response(body) => Ok(text(&body)),
        Incoming::Notification(body) => panic!("a notification before the answer: {}", text(&body)),
    }
}

/// A request with its spans found.
pub(crate) fn outgoing(id: &str, method: &str, params: &str) -> Outgoing {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
    let token = span(&body, &["params", "_meta", "progressToken"]);
    Outgoing {
        id: span(&body, &["id"]).expect("an id"),
        progress_token: token,
        body: Bytes::from(body),
        wants_notifications: true,
        on_drop: OnDrop::Cancel,
    }
}

/// Where the value at a path of member names stands.
pub(crate) fn span(body: &str, path: &[&str]) -> Option<Span> {
    let document = Document::read(body.as_bytes(), &JsonLimits::default()).expect("strict JSON");
    path.iter().try_fold(document.root(), |value, name| value.get(name)).map(|value| value.span())
}

/// Bytes as text.
pub(crate) fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
