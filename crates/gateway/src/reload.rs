//! Settings that change while the gateway runs: files are watched by their content, a good change acts on
//! the next call, and a bad one changes nothing and is reported.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use toolgate_journal::Kind;

use crate::door::Door;
use crate::gateway::Gateway;
use crate::grant::limit_spec;
use crate::grants::{self, StoredGrants};
use crate::pipeline::pump_shared;
use crate::session::Session;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::token;
use crate::upstream::{Servers, event_of};

/// How often files are looked at. Whatever way a file is replaced (rename, symlink, delete and create),
/// its content is what is compared.
const LOOK: Duration = Duration::from_millis(250);

/// Settings that were read, and the files they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The files to watch.
    pub files: Vec<PathBuf>,
    /// What should be looked at, though it is no error.
    pub warnings: Vec<String>,
}

/// Reads the settings again: all of them, or every reason why not, a line each.
pub type Load = dyn Fn() -> Result<Loaded, Vec<String>> + Send + Sync;

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
    load: Arc<Load>,
    data_dir: PathBuf,
    state: Mutex<ReloadState>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The content of each watched file, hashed; none for one that is not there.
type Contents = BTreeMap<PathBuf, Option<[u8; 32]>>;

impl Reloader {
    /// Watches for a gateway.
    #[must_use]
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        servers: Arc<Servers>,
        load: Arc<Load>,
        data_dir: PathBuf,
    ) -> Self {
        Self { gateway, servers, load, data_dir, state: Mutex::default() }
    }

    /// How the last reload went.
    #[must_use]
    pub(crate) fn state(&self) -> ReloadState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files until the gateway stops; `wishes` asks for a look at once.
    pub(crate) async fn watch(self: Arc<Self>, mut files: Vec<PathBuf>, mut wishes: mpsc::Receiver<()>) {
        let mut used = self.contents(&files);
        let mut seen = used.clone();
        loop {
            let wished = tokio::select! {
                () = self.gateway.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => false,
                wish = wishes.recv() => wish.is_some(),
            };
            let now = self.contents(&files);
            if now == used && !wished {
                seen = now;
                continue;
            }
            // A file that is being written is tried at once, and its faults are told only when it has
            // stood still.
            let settled = now == seen || wished;
            match self.apply() {
                Ok(loaded) => {
                    files = loaded;
                    used = self.contents(&files);
                    seen = used.clone();
                }
                Err(problems) if settled => {
                    self.report(problems);
                    used = now.clone();
                    seen = now;
                }
                Err(_) => seen = now,
            }
        }
    }

    fn contents(&self, files: &[PathBuf]) -> Contents {
        let stored = self.data_dir.join(grants::FILE);
        let read = |path: &PathBuf| (path.clone(), std::fs::read(path).ok().map(|b| hash(&b)));
        files.iter().chain([&stored]).map(read).collect()
    }

    /// Loads and takes over; returns the files to watch.
    fn apply(&self) -> Result<Vec<PathBuf>, Vec<String>> {
        let loaded = (self.load)()?;
        let stored = StoredGrants::load(&self.data_dir).map_err(|e| vec![e.to_string()])?;
        let previous = self.gateway.snapshot.load_full();
        let next = Snapshot::build(loaded.settings, &stored, &self.servers, Some(&previous));
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
        Ok(loaded.files)
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
        told.push(format!("{} servers and {} grants in the file", new.servers.len(), new.grants.len()));
    }
    let restart = [
        ("listen", old.listen != new.listen),
        ("console", old.console != new.console),
        ("data_dir", old.data_dir != new.data_dir),
        ("workers", old.workers != new.workers),
        ("tls", old.tls != new.tls),
        ("journal", old.journal != new.journal),
    ];
    for (name, _) in restart.into_iter().filter(|(_, changed)| *changed) {
        told.push(format!("`{name}` changed and acts at the next start"));
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

/// Mints tokens for grants of the file that have none, and keeps their hashes.
///
/// # Errors
///
/// The store cannot be written, or there is no randomness.
pub(crate) fn mint_missing(
    data_dir: &std::path::Path,
    settings: &Settings,
    wall: i64,
) -> Result<Vec<(String, String)>, String> {
    let stored = StoredGrants::load(data_dir).map_err(|e| e.to_string())?;
    let has = |label: &str| stored.grants.iter().any(|g| g.label == label && !g.tokens.is_empty());
    let revoked = |label: &str| stored.tombstones.iter().any(|t| t.label == label);
    let missing: Vec<&str> = settings
        .grants
        .iter()
        .filter(|g| g.token_sha256.is_none() && !has(&g.label) && !revoked(&g.label))
        .map(|g| g.label.as_str())
        .collect();
    let mut minted = Vec::new();
    for label in missing {
        let token = token::mint().map_err(|e| e.to_string())?;
        let grant = grants::StoredGrant {
            label: label.to_owned(),
            tokens: vec![grants::StoredToken::of(&token)],
            servers: Vec::new(),
            expires: None,
            tags: Vec::new(),
            underscore_names: false,
            managed_by_file: true,
            created: wall,
        };
        StoredGrants::update(data_dir, |s| {
            s.grants.push(grant);
            Ok::<_, grants::StoreError>(())
        })
        .map_err(|e| e.to_string())?;
        minted.push((label.to_owned(), token));
    }
    Ok(minted)
}
