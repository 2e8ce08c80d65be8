//! Settings that change while the gateway runs: files are watched by their content, a good change acts on
//! the next call, and a bad one changes nothing and is reported.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use toolgate_journal::Kind;

use crate::door::Door;
use crate::gateway::Gateway;
use crate::grant::limit_spec;
use crate::pipeline::pump_shared;
use crate::session::Session;
use crate::settings::Settings;
use crate::settings::limit::{Acts, LIMITS};
use crate::snapshot::Snapshot;
use crate::upstream::{Servers, event_of};

/// How often files are looked at. Whatever way a file is replaced (rename, symlink, delete and create),
/// its content is what is compared.
const LOOK: Duration = Duration::from_millis(250);

/// Settings that were read, and what they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The files to watch.
    pub files: Vec<PathBuf>,
    /// What should be looked at, though it is no error.
    pub warnings: Vec<String>,
}

/// A future that is not known by name.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where settings come from.
pub trait Source: Send + Sync + 'static {
    /// Reads the settings: all of them, or every reason why not, a line each.
    fn load(&self) -> Pending<'_, Result<Loaded, Vec<String>>>;

    /// A number that is another one once anything beside the files has changed; none while that cannot be
    /// told, which counts as no change.
    fn stamp(&self) -> Pending<'_, Option<i64>>;
}

/// A wish to load at once; who asks may wait for how it went.
#[derive(Debug)]
pub(crate) struct Wish(pub(crate) Option<oneshot::Sender<Result<(), Vec<String>>>>);

/// How the last reload went, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReloadState {
    /// Why the files as they are now cannot be used; empty where they are in use.
    pub(crate) problems: Vec<String>,
    /// Reloads that were taken over.
    pub(crate) applied: u64,
}

/// Watches and applies.
pub(crate) struct Reloader {
    gateway: Arc<Gateway>,
    servers: Arc<Servers>,
    source: Arc<dyn Source>,
    /// Where calls are served: what a reload starts runs there.
    data_plane: Handle,
    state: Mutex<ReloadState>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("state", &self.state).finish_non_exhaustive()
    }
}

/// What settings are made from, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Contents {
    /// The content of each watched file, hashed; none for one that is not there.
    files: BTreeMap<PathBuf, Option<[u8; 32]>>,
    /// The source's stamp.
    stamp: Option<i64>,
}

impl Reloader {
    /// Watches for a gateway.
    #[must_use]
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        servers: Arc<Servers>,
        source: Arc<dyn Source>,
        data_plane: Handle,
    ) -> Self {
        Self { gateway, servers, source, data_plane, state: Mutex::default() }
    }

    /// How the last reload went.
    #[must_use]
    pub(crate) fn state(&self) -> ReloadState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files until the gateway stops; a wish has them loaded at once.
    pub(crate) async fn watch(self: Arc<Self>, mut files: Vec<PathBuf>, mut wishes: mpsc::Receiver<Wish>) {
        let mut used = self.look(&files, None).await;
        let mut seen = used.clone();
        loop {
            let wish = tokio::select! {
                () = self.gateway.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => None,
                wish = wishes.recv() => wish,
            };
            let now = self.look(&files, used.stamp).await;
            if now == used && wish.is_none() {
                seen = now;
                continue;
            }
            // A file that is being written is tried at once, and its faults are told only when it has
            // stood still.
            let settled = now == seen || wish.is_some();
            let answer = match self.apply().await {
                Ok(loaded) => {
                    files = loaded;
                    // What changed while it was loaded is seen as a change in the next round.
                    let same_files = files.iter().all(|file| now.files.contains_key(file));
                    used = if same_files { now } else { self.look(&files, now.stamp).await };
                    seen = used.clone();
                    Ok(())
                }
                Err(problems) if settled => {
                    self.report(problems.clone());
                    used = now.clone();
                    seen = now;
                    Err(problems)
                }
                Err(problems) => {
                    seen = now;
                    Err(problems)
                }
            };
            if let Some(Wish(Some(asker))) = wish {
                // Who asked may have gone away.
                asker.send(answer).ok();
            }
        }
    }

    /// What there is now; a stamp that cannot be had counts as the one before.
    async fn look(&self, files: &[PathBuf], stamp: Option<i64>) -> Contents {
        let read = |path: &PathBuf| (path.clone(), std::fs::read(path).ok().map(|b| hash(&b)));
        let stamp = self.source.stamp().await.or(stamp);
        Contents { files: files.iter().map(read).collect(), stamp }
    }

    /// Loads and takes over; returns the files to watch.
    async fn apply(&self) -> Result<Vec<PathBuf>, Vec<String>> {
        let loaded = self.source.load().await?;
        let _on_the_data_plane = self.data_plane.enter();
        Ok(self.take_over(loaded))
    }

    fn take_over(&self, loaded: Loaded) -> Vec<PathBuf> {
        let previous = self.gateway.snapshot.load_full();
        let next = Snapshot::build(loaded.settings, &self.servers, Some(&previous));
        let told = changes(&previous, &next);
        let door = Door::new(&next.settings, self.gateway.listen_address());
        listen_to_children(&self.gateway, &next);
        let next = Arc::new(next);
        self.gateway.door.store(Arc::new(door));
        self.gateway.snapshot.store(Arc::clone(&next));
        let ended = previous.end_lives(&next, self.gateway.clock.now().wall);
        self.end_sessions(&previous, &next);
        self.tell_clients(&previous, &next);
        for label in &ended {
            self.gateway.note_event(
                Kind::Grant,
                Some(label),
                "a token of the grant has ended; its streams are cut",
            );
        }
        self.gateway.metrics.reloaded("applied");
        self.gateway.note_event(Kind::Reload, None, &told);
        tracing::info!(changes = told, "settings were reloaded");
        for warning in loaded.warnings {
            tracing::warn!("{warning}");
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.problems.clear();
        state.applied += 1;
        loaded.files
    }

    /// Ends the sessions whose grant or server is gone, or whose server is another now.
    fn end_sessions(&self, previous: &Snapshot, next: &Snapshot) {
        let over = self.gateway.sessions.remove_where(|session| {
            let same_server = match (previous.servers.get(&session.server), next.servers.get(&session.server))
            {
                (Some(before), Some(after)) => Arc::ptr_eq(before, after),
                _ => false,
            };
            !same_server || !next.includes(&session.grant, &session.server)
        });
        for session in over {
            self.gateway.end_session_on(session, previous);
        }
    }

    /// Tells the clients whose policy changed, on their open streams, that lists may have changed.
    fn tell_clients(&self, previous: &Snapshot, next: &Snapshot) {
        let changed = |session: &Session| {
            let (grant, server) = (&session.grant, &session.server);
            previous.policy_of(grant, server) != next.policy_of(grant, server)
        };
        for session in self.gateway.sessions.pick(changed) {
            for list in ["tools", "resources", "prompts"] {
                let note = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
                if let Some(stream) = session.stream() {
                    // A client that does not read its stream can list again all the same.
                    stream.try_send(event_of(note.as_bytes())).ok();
                }
            }
        }
    }

    fn report(&self, problems: Vec<String>) {
        self.gateway.metrics.reloaded("refused");
        let text = problems.join("; ");
        self.gateway.note_event(Kind::Reload, None, &format!("refused, nothing changed: {text}"));
        tracing::error!("the changed settings cannot be used, and nothing changed: {text}");
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problems = problems;
    }
}

/// Starts to take what shared children of new servers say.
pub(crate) fn listen_to_children(gateway: &Arc<Gateway>, snapshot: &Snapshot) {
    for server in snapshot.servers.values() {
        if let Some(events) = server.children().and_then(crate::upstream::Children::take_events) {
            gateway.tasks.spawn(pump_shared(Arc::clone(gateway), Arc::clone(server), events));
        }
    }
}

/// What a reload changes, in words; settings that act only at the next start are named.
fn changes(previous: &Snapshot, next: &Snapshot) -> String {
    let (old, new) = (&previous.settings, &next.settings);
    let mut told = Vec::new();
    for plan in &new.policies {
        match old.policies.iter().find(|p| p.name() == plan.name()) {
            None => told.push(format!("policy `{}` is new ({})", plan.name(), plan.version())),
            Some(before) if before.version() != plan.version() => {
                told.push(format!("policy `{}` {} -> {}", plan.name(), before.version(), plan.version()));
                told.extend(restarted_counters(before, plan));
            }
            Some(_) => {}
        }
    }
    let count = |s: &Settings| (s.servers.len(), s.grants.len());
    if count(old) != count(new) || old.servers != new.servers || old.grants != new.grants {
        told.push(format!("{} servers and {} grants", new.servers.len(), new.grants.len()));
    }
    let restart = [
        ("listen", old.listen != new.listen),
        ("console", old.console != new.console),
        ("data_dir", old.data_dir != new.data_dir),
        ("workers", old.workers != new.workers),
        ("tls", old.tls != new.tls),
        ("console_tls", old.console_tls != new.console_tls),
        ("console_url", old.console_url != new.console_url),
        ("journal", old.journal != new.journal),
    ];
    for (name, _) in restart.into_iter().filter(|(_, changed)| *changed) {
        told.push(format!("`{name}` changed and acts at the next start"));
    }
    for key in &LIMITS {
        let (before, after) = (key.of(&old.limits), key.of(&new.limits));
        if before != after {
            let when = match key.acts {
                Acts::AtOnce => "",
                Acts::AtNextStart => ", which acts at the next start",
            };
            told.push(format!("`limits.{}` {before} -> {after}{when}", key.name));
        }
    }
    let (gone, come) = (previous.tokens_not_in(next), next.tokens_not_in(previous));
    if gone + come > 0 {
        told.push(format!("grants: {come} tokens are new and {gone} are no longer valid"));
    }
    if told.is_empty() { "nothing that matters changed".to_owned() } else { told.join("; ") }
}

/// Counters whose window changed: their history does not fit it, so they start anew.
fn restarted_counters(before: &toolgate_policy::Plan, after: &toolgate_policy::Plan) -> Vec<String> {
    let mut told = Vec::new();
    for limit in after.limits() {
        let old = before.limits().iter().find(|l| l.counter == limit.counter && l.shadow == limit.shadow);
        if let (Some(old), Some(new)) = (old.and_then(limit_spec), limit_spec(limit))
            && !new.continues(&old)
        {
            told.push(format!("counter `{}` has another window and starts anew", limit.counter));
        }
    }
    told
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
