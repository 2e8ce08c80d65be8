//! The child processes of one stdio server: one for all modern clients, one for each legacy session or
//! one that these share, and no start within the pause that follows a crash.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use toolgate_json::{Document, Limits};
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::stdio::StdioChild;
use toolgate_mcp::stdio::backoff::Backoff;
use toolgate_mcp::stdio::event::Event;
use toolgate_mcp::stdio::exchange::{Incoming, OnDrop, Outgoing};
use toolgate_mcp::stdio::logs::LogSink;
use toolgate_mcp::stdio::probe::{PROBE_TIMEOUT, Probe, ProbeError, probe};
use toolgate_mcp::stdio::spec::{self, ChildSpec};

use super::{Leg, UpstreamError};
use crate::child_log;
use crate::held::lock;
use crate::settings::{Protocol, Reach, ServerSettings};

/// Children of one server that may live at once.
const MOST: usize = 32;
/// How long a shared legacy child may take to answer `initialize`.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// The children of one server.
#[derive(Debug)]
pub(crate) struct Children {
    spec: ChildSpec,
    limits: spec::Limits,
    protocol: Protocol,
    shared: bool,
    sink: LogSink,
    tasks: TaskTracker,
    /// Where messages of shared children go that belong to no request.
    events: Mutex<Option<mpsc::Sender<Event>>>,
    modern: tokio::sync::Mutex<Option<Arc<StdioChild>>>,
    legacy: tokio::sync::Mutex<Option<SharedLegacy>>,
    state: Arc<State>,
}

#[derive(Clone, Debug)]
struct SharedLegacy {
    child: Arc<StdioChild>,
    initialize: Bytes,
    revision: Revision,
}

#[derive(Debug, Default)]
struct State {
    live: AtomicUsize,
    /// Processes that the gateway is ending: their end is no crash.
    closing: Mutex<HashSet<u32>>,
    crashes: Mutex<Crashes>,
}

#[derive(Debug, Default)]
struct Crashes {
    backoff: Backoff,
    not_before: Option<Instant>,
    last: String,
}

/// A child that was started for one session.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The process.
    pub(crate) child: Arc<StdioChild>,
    /// Its messages that belong to no request.
    pub(crate) events: mpsc::Receiver<Event>,
}

impl Children {
    /// No child yet.
    #[must_use]
    pub(crate) fn new(
        settings: &ServerSettings,
        base_env: &[(String, String)],
        limits: Limits,
        logs: &Path,
        tasks: TaskTracker,
    ) -> Self {
        let (program, args, env, shared) = match &settings.reach {
            Reach::Command { program, args, env, shared } => {
                (program.clone(), args.clone(), env.clone(), *shared)
            }
            Reach::Http { .. } => (String::new(), Vec::new(), Vec::new(), false),
        };
        let sink = child_log::sink(logs, &settings.name, &env);
        let spec = ChildSpec {
            program: PathBuf::from(program),
            args,
            env,
            base_env: base_env.to_vec(),
            directory: None,
            label: settings.name.clone(),
        };
        let limits = spec::Limits {
            line: limits.bytes,
            depth: limits.depth,
            values: limits.values,
            ..spec::Limits::default()
        };
        Self {
            spec,
            limits,
            protocol: settings.protocol,
            shared,
            sink,
            tasks,
            events: Mutex::default(),
            modern: tokio::sync::Mutex::default(),
            legacy: tokio::sync::Mutex::default(),
            state: Arc::default(),
        }
    }

    /// Whether all legacy sessions use one child.
    #[must_use]
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// The messages of shared children that belong to no request; given out once.
    #[must_use]
    pub(crate) fn take_events(&self) -> Option<mpsc::Receiver<Event>> {
        let mut events = lock(&self.events);
        if events.is_some() {
            return None;
        }
        let (sender, receiver) = mpsc::channel(self.limits.events);
        *events = Some(sender);
        Some(receiver)
    }

    /// Starts a child for one legacy session; its handshake is the client's.
    ///
    /// # Errors
    ///
    /// It cannot be started, too many live already, or the last one crashed just now.
    pub(crate) fn open(&self) -> Result<Opened, UpstreamError> {
        if self.protocol == Protocol::Modern {
            return Err(UpstreamError::OtherEra(Era::Modern));
        }
        let (child, events) = self.start()?;
        child.set_era(Era::Legacy);
        Ok(Opened { child, events })
    }

    /// Ends a child.
    pub(crate) fn close(&self, child: &StdioChild) {
        lock(&self.state.closing).insert(child.pid());
        child.close();
    }

    /// The leg to the child that serves all modern clients, started if need be.
    ///
    /// # Errors
    ///
    /// It cannot be started, or speaks only the legacy era.
    pub(crate) async fn modern(&self) -> Result<Leg, UpstreamError> {
        let mut modern = self.modern.lock().await;
        let child = match modern.as_ref().filter(|c| c.exit().is_none()) {
            Some(child) => Arc::clone(child),
            None => {
                let child = self.start_modern().await?;
                *modern = Some(Arc::clone(&child));
                child
            }
        };
        Ok(Leg::Child { revision: Revision::NEWEST_MODERN, child, own: false })
    }

    async fn start_modern(&self) -> Result<Arc<StdioChild>, UpstreamError> {
        let (child, events) = self.start()?;
        // Some legacy servers end when the first message is no `initialize`: that is no crash.
        lock(&self.state.closing).insert(child.pid());
        match probe(&child, Revision::NEWEST_MODERN.as_str(), PROBE_TIMEOUT).await {
            Ok(Probe::Modern { .. }) => {
                lock(&self.state.closing).remove(&child.pid());
                child.set_era(Era::Modern);
                self.forward(events);
                Ok(child)
            }
            Ok(Probe::Legacy) | Err(ProbeError::Ended(_)) => {
                self.close(&child);
                Err(UpstreamError::OtherEra(Era::Legacy))
            }
            Err(ProbeError::NotAsked(error)) => {
                self.close(&child);
                Err(UpstreamError::Unreached(format!("{error}{}", last_words(&child))))
            }
        }
    }

    /// The leg to the child that all legacy sessions share, and its whole answer to the gateway's
    /// `initialize`, which told it that the client can do nothing.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not take the handshake.
    pub(crate) async fn shared_legacy(&self) -> Result<(Leg, Bytes), UpstreamError> {
        if self.protocol == Protocol::Modern {
            return Err(UpstreamError::OtherEra(Era::Modern));
        }
        let mut legacy = self.legacy.lock().await;
        let shared = match legacy.as_ref().filter(|s| s.child.exit().is_none()) {
            Some(shared) => shared.clone(),
            None => {
                let shared = self.start_shared().await?;
                *legacy = Some(shared.clone());
                shared
            }
        };
        let leg = Leg::Child { revision: shared.revision, child: shared.child, own: false };
        Ok((leg, shared.initialize))
    }

    async fn start_shared(&self) -> Result<SharedLegacy, UpstreamError> {
        let (child, events) = self.start()?;
        child.set_era(Era::Legacy);
        let handshake = tokio::time::timeout(HANDSHAKE, initialize(&child)).await;
        match handshake.unwrap_or_else(|_| Err(UpstreamError::Silent(HANDSHAKE.as_secs()))) {
            Ok((initialize, revision)) => {
                self.forward(events);
                Ok(SharedLegacy { child, initialize, revision })
            }
            Err(error) => {
                self.close(&child);
                Err(error)
            }
        }
    }

    fn start(&self) -> Result<(Arc<StdioChild>, mpsc::Receiver<Event>), UpstreamError> {
        self.may_start()?;
        let (child, events) = StdioChild::spawn(&self.spec, self.limits, self.sink.clone(), &self.tasks)
            .map_err(|e| UpstreamError::Unreached(e.to_string()))?;
        let child = Arc::new(child);
        self.state.live.fetch_add(1, Ordering::AcqRel);
        self.watch(&child);
        Ok((child, events))
    }

    fn may_start(&self) -> Result<(), UpstreamError> {
        let live = self.state.live.load(Ordering::Acquire);
        if live >= MOST {
            return Err(UpstreamError::Unreached(format!(
                "{live} processes of it run already, the most allowed"
            )));
        }
        let crashes = lock(&self.state.crashes);
        match crashes.not_before.map(|at| at.saturating_duration_since(Instant::now())) {
            Some(wait) if !wait.is_zero() => Err(UpstreamError::Unreached(format!(
                "{}; it is started again in {:.1} seconds at the earliest",
                crashes.last,
                wait.as_secs_f64()
            ))),
            _ => Ok(()),
        }
    }

    /// Notes how a child ends.
    fn watch(&self, child: &Arc<StdioChild>) {
        let (state, weak, pid) = (Arc::clone(&self.state), Arc::downgrade(child), child.pid());
        let exited = child.exit_watch();
        self.tasks.spawn(async move {
            let exit = exited.await;
            state.live.fetch_sub(1, Ordering::AcqRel);
            let expected = lock(&state.closing).remove(&pid);
            if expected || weak.upgrade().is_none() {
                return;
            }
            let mut crashes = lock(&state.crashes);
            let now = Instant::now();
            let wait = crashes.backoff.next(now.into_std());
            crashes.not_before = now.checked_add(wait);
            crashes.last = format!("its process ended with {exit}");
            let words = weak.upgrade().map(|c| last_words(&c)).unwrap_or_default();
            crashes.last += &words;
        });
    }

    fn forward(&self, mut events: mpsc::Receiver<Event>) {
        let Some(sender) = lock(&self.events).clone() else { return };
        self.tasks.spawn(async move {
            while let Some(event) = events.recv().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Ends all shared children.
    pub(crate) async fn stop(&self) {
        for child in self
            .modern
            .lock()
            .await
            .take()
            .into_iter()
            .chain(self.legacy.lock().await.take().map(|s| s.child))
        {
            self.close(&child);
        }
    }
}

/// The last line that a child wrote to standard error, in words.
fn last_words(child: &StdioChild) -> String {
    child.stderr_tail(1).pop().map(|line| format!("; its last words: {line}")).unwrap_or_default()
}

/// Shakes hands as a client that can do nothing; returns the answer with the id `0`.
async fn initialize(child: &StdioChild) -> Result<(Bytes, Revision), UpstreamError> {
    let body = crate::probe::own_initialize();
    let answer = ask(child, &body).await?;
    let revision = crate::probe::agreed(&answer)?;
    child.notify(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
    Ok((answer, revision))
}

async fn ask(child: &StdioChild, body: &str) -> Result<Bytes, UpstreamError> {
    let document = Document::read(body.as_bytes(), &Limits::default())
        .map_err(|e| UpstreamError::Protocol(e.to_string()))?;
    let id = document.root().get("id").map(|id| id.span());
    let request = Outgoing {
        id: id.ok_or_else(|| UpstreamError::Protocol("no id".to_owned()))?,
        body: Bytes::copy_from_slice(body.as_bytes()),
        progress_token: None,
        wants_notifications: false,
        on_drop: OnDrop::Abandon,
    };
    let mut exchange = child.request(&request)?;
    loop {
        match exchange.next().await {
            Some(Ok(Incoming::Response(answer))) => return Ok(answer),
            Some(Ok(Incoming::Notification(_))) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Err(UpstreamError::Broken("the server ended without an answer".to_owned())),
        }
    }
}
