//! Everything that requests share: the snapshot, counters, journal, sessions and figures.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolgate_journal::{AppendError, Journal, Kind, Record, SyncState, Urgency};
use toolgate_json::Limits;
use toolgate_quota::{Counters, SessionRef};

use crate::clock::Clock;
use crate::door::Door;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::refusal::RefusedBy;
use crate::request_id::RequestIds;
use crate::session::{Session, Sessions};
use crate::snapshot::Snapshot;
use crate::task_ids::TaskIds;

/// A gateway at work.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What the next call is judged by.
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// Who may knock at the data plane.
    pub(crate) door: ArcSwap<Door>,
    /// What calls have used.
    pub(crate) counters: Arc<Counters>,
    /// What happened.
    pub(crate) journal: Journal,
    /// How far the journal is synced, where it is synced at all.
    pub(crate) synced: Option<watch::Receiver<SyncState>>,
    /// Hashes arguments for the journal.
    pub(crate) argument_key: ArgumentKey,
    /// Live sessions of the legacy era.
    pub(crate) sessions: Sessions,
    /// Tasks by the grant that they were issued to.
    pub(crate) task_ids: TaskIds,
    /// Figures.
    pub(crate) metrics: Metrics,
    /// What happens, for those who look on.
    pub(crate) live: Live,
    /// Ids for requests.
    pub(crate) request_ids: RequestIds,
    /// All tasks, so that the end can wait for them.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the gateway stops taking requests.
    pub(crate) stop: CancellationToken,
    listen: SocketAddr,
    refused: Mutex<HashMap<RefusedBy, u64>>,
}

/// What a gateway is put together from.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The first snapshot.
    pub(crate) snapshot: Snapshot,
    /// Who may knock.
    pub(crate) door: Door,
    /// Counters, rebuilt.
    pub(crate) counters: Arc<Counters>,
    /// The journal, open.
    pub(crate) journal: Journal,
    /// How far it is synced.
    pub(crate) synced: Option<watch::Receiver<SyncState>>,
    /// The key of arguments.
    pub(crate) argument_key: ArgumentKey,
    /// What happens, for those who look on.
    pub(crate) live: Live,
    /// Ids for requests.
    pub(crate) request_ids: RequestIds,
    /// All tasks.
    pub(crate) tasks: TaskTracker,
    /// Cancelled at the end.
    pub(crate) stop: CancellationToken,
    /// Where the data plane listens.
    pub(crate) listen: SocketAddr,
}

/// The key under which arguments are hashed for the journal, so that equal arguments can be found again
/// and guessed ones cannot.
#[derive(Clone)]
pub(crate) struct ArgumentKey(Hmac<Sha256>);

impl std::fmt::Debug for ArgumentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArgumentKey")
    }
}

impl ArgumentKey {
    /// The key of these 64 bytes, the block size of SHA-256.
    #[must_use]
    pub(crate) fn new(key: &[u8; 64]) -> Self {
        Self(Hmac::new(&(*key).into()))
    }

    /// HMAC-SHA256 of canonical arguments, hexadecimal.
    #[must_use]
    pub(crate) fn hash(&self, canonical: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(canonical);
        crate::token::hex(&mac.finalize().into_bytes())
    }
}

impl Gateway {
    /// Puts a gateway together.
    #[must_use]
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            clock: parts.clock,
            snapshot: ArcSwap::from_pointee(parts.snapshot),
            door: ArcSwap::from_pointee(parts.door),
            counters: parts.counters,
            journal: parts.journal,
            synced: parts.synced,
            argument_key: parts.argument_key,
            sessions: Sessions::default(),
            task_ids: TaskIds::default(),
            metrics: Metrics::new(),
            live: parts.live,
            request_ids: parts.request_ids,
            tasks: parts.tasks,
            stop: parts.stop,
            listen: parts.listen,
            refused: Mutex::default(),
        })
    }

    /// What a message of a client is held to.
    #[must_use]
    pub(crate) fn message_limits(&self, snapshot: &Snapshot) -> Limits {
        let limits = &snapshot.settings.limits;
        Limits { bytes: limits.body, depth: limits.depth, values: limits.values }
    }

    /// Appends a record, and shows it to those who look on.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn append(&self, record: &Record<'_>, urgency: Urgency) -> Result<u64, AppendError> {
        let sequence = self.journal.append(record, urgency)?.seq;
        self.live.show(record.kind.as_str(), || record.to_json(self.journal.node()));
        Ok(sequence)
    }

    /// Appends a record that no call waits for.
    pub(crate) fn note(&self, record: &Record<'_>) {
        if let Err(error) = self.append(record, Urgency::Soon) {
            tracing::error!(kind = record.kind.as_str(), %error, "a record is not in the journal");
        }
    }

    /// Appends a record of something that happened to the gateway itself.
    pub(crate) fn note_event(&self, kind: Kind, grant: Option<&str>, detail: &str) {
        let ts = self.clock.now().wall;
        self.note(&Record { ts, kind, grant, detail: Some(detail), ..Record::default() });
    }

    /// Counts a refusal; all of one client and reason within a second make one record.
    pub(crate) fn note_refused(&self, by: RefusedBy) {
        /// Clients told apart within a second; the rest count as one.
        const MOST: usize = 10_000;
        self.metrics.refused(by.reason);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let by = if refused.len() < MOST { by } else { RefusedBy { client: [0, 0, 0, 0].into(), ..by } };
        *refused.entry(by).or_default() += 1;
    }

    /// Writes the records of the refusals since the last time.
    pub(crate) fn flush_refused(&self) {
        let refused = std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let ts = self.clock.now().wall;
        for (by, count) in refused {
            let client = by.client.to_string();
            self.note(&Record {
                ts,
                kind: Kind::Refused,
                client: Some(&client),
                detail: Some(by.reason),
                count: Some(count),
                ..Record::default()
            });
        }
    }

    /// Calls that were let through and have no outcome yet.
    #[must_use]
    pub(crate) fn calls_in_flight(&self) -> usize {
        let snapshot = self.snapshot.load();
        let most = snapshot.settings.limits.in_flight_per_server;
        snapshot.servers.values().map(|s| most.saturating_sub(s.calls.available_permits())).sum()
    }

    /// Where the data plane listens.
    #[must_use]
    pub(crate) fn listen_address(&self) -> SocketAddr {
        self.listen
    }

    /// Ends a session: its usage is handed on, its server is told in the background.
    pub(crate) fn end_session(self: &Arc<Self>, session: Arc<Session>) {
        self.end_session_on(session, &self.snapshot.load());
    }

    /// As [`Gateway::end_session`], with the servers of a given snapshot.
    pub(crate) fn end_session_on(self: &Arc<Self>, session: Arc<Session>, snapshot: &Snapshot) {
        session.ended.cancel();
        let reference = SessionRef { group: &session.group, session: &session.id };
        self.counters.end_session(reference, self.clock.now());
        if let Some(server) = snapshot.servers.get(&session.server).cloned() {
            self.tasks.spawn(async move { server.end(&session.leg).await });
        }
    }
}
