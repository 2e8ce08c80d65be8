//! What runs beside the data plane of `toolgate up`: the admin API over store, audit index and gateway, and the
//! file by which other commands find it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::json;
use tokio::runtime::Handle;
use toolgate_admin::{Admin, Live, Parts};
use toolgate_gateway::clock::SystemClock;
use toolgate_gateway::{Control, Pages, Ready, token};
use toolgate_index::{Index, Options};
use toolgate_registry::Catalog;
use toolgate_store::{Change, FileNames, Role, Store, TokenHash, Uses};

use crate::config::Administration;
use crate::resources::Resources;
use crate::shell::now_micros;
use crate::welcome::reachable_url;

/// The file in the data directory that leads commands to the running gateway; readable by its owner alone.
pub(crate) const FILE: &str = "admin.json";
/// The label of the token in that file.
const TOKEN: &str = "local-commands";
/// Who signs in by the link that is printed at start.
const USER: &str = "admin";
/// How often uses of tokens go to the store.
const NOTE_USES: Duration = Duration::from_secs(10);
/// How often it is noted which definitions calls are judged by.
const NOTE_DEFINITIONS: Duration = Duration::from_secs(60);
/// How often what has ended is forgotten.
const SWEEP: Duration = Duration::from_hours(1);

/// The control plane of one run. Clones are of the same one.
#[derive(Clone)]
pub(crate) struct ControlPlane {
    resources: Arc<Resources>,
    index: Index,
    catalog: Catalog,
    offer: Vec<String>,
    runtime: Handle,
    data_dir: PathBuf,
    /// There once the gateway runs.
    admin: Arc<OnceLock<Arc<Admin>>>,
}

impl ControlPlane {
    /// Begins to follow the journal of a data directory, and takes away the file for commands that a run which was
    /// killed has left: its token opens nothing any more.
    ///
    /// # Errors
    ///
    /// The system has no thread left, or that file stays.
    pub(crate) fn start(
        resources: Arc<Resources>,
        administration: Administration,
        data_dir: &Path,
        runtime: Handle,
    ) -> anyhow::Result<Self> {
        let left = data_dir.join(FILE);
        take_away(&left).with_context(|| format!("{} cannot be removed", left.display()))?;
        let options = Options {
            keep_events: administration.keep_events,
            keep_sums: administration.keep_sums,
            ..Options::new(data_dir)
        };
        let index = if administration.index {
            Index::start(options, Arc::new(now_micros)).context("the audit index cannot be started")?
        } else {
            Index::off(&options)
        };
        // Its connections belong to a runtime from the beginning.
        let catalog = runtime.block_on(async { Catalog::at(data_dir) });
        let data_dir = data_dir.to_path_buf();
        let offer = administration.offer;
        Ok(Self { resources, index, catalog, offer, runtime, data_dir, admin: Arc::default() })
    }

    /// The pages of a gateway that is about to serve.
    pub(crate) fn pages(&self, control: Control, ready: &Ready) -> Arc<dyn Pages> {
        let resources = Arc::clone(&self.resources);
        let https = control.settings().console_is_https();
        self.runtime.spawn(keep_uses(control.clone(), resources.store()));
        self.runtime.spawn(sweep(resources.store()));
        let admin = Arc::new(Admin::new(Parts {
            store: resources.store(),
            gateway: Arc::new(Live::new(control, Arc::new(move || resources.view()))),
            index: self.index.clone(),
            catalog: self.catalog.clone(),
            offer: self.offer.clone(),
            clock: Arc::new(SystemClock::new()),
            listen: ready.console,
            https,
        }));
        self.runtime.spawn(note_definitions(Arc::clone(&admin)));
        // Called once.
        Arc::clone(self.admin.get_or_init(|| admin)) as Arc<dyn Pages>
    }

    /// Lets commands of this machine in, and makes the link that signs a person in: its path and query.
    ///
    /// # Errors
    ///
    /// The store or the file cannot be written.
    pub(crate) async fn open(&self, ready: &Ready) -> anyhow::Result<String> {
        let admin = self.admin.get().context("the gateway does not serve yet")?;
        let secret = admin.replace_token(TOKEN, Role::Admin).await.map_err(|e| anyhow!("{e}"))?;
        let path = self.data_dir.join(FILE);
        let mut address = json!({ "url": reachable_url(ready), "token": secret });
        if let (Some(certificate), Some(members)) = (&ready.console_certificate, address.as_object_mut()) {
            // Names in it may be those that people use; commands of this machine know it by itself.
            members.insert("certificate".to_owned(), token::hex(certificate).into());
        }
        write_private(&path, &address.to_string())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        admin.sign_in_link(USER, Role::Admin).await.map_err(|e| anyhow!("{e}"))
    }

    /// Ends what was begun: the file and its token go, the index writes what it has.
    pub(crate) async fn stop(&self) {
        let path = self.data_dir.join(FILE);
        if let Err(error) = take_away(&path) {
            tracing::warn!(path = %path.display(), %error, "the file for commands stays behind; its token ends all the same");
        }
        let (names, store) = (FileNames::default(), self.resources.store());
        let revoked = store.admin_tokens().revoke(TOKEN, &Change::new("stop", now_micros(), &names)).await;
        if let Err(error) = revoked {
            tracing::debug!(%error, "the token for commands was not there to end");
        }
        self.index.stop().await;
        self.catalog.close().await;
        store.close().await;
    }
}

/// Removes a file that may not be there.
fn take_away(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("json.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Keeps when tokens of grants were used last; no call waits for it.
async fn keep_uses(control: Control, store: Arc<Store>) {
    loop {
        tokio::time::sleep(NOTE_USES).await;
        let used = control.take_uses().into_iter().map(|(hash, at)| (TokenHash::new(hash), at));
        let uses = Uses { grant_tokens: used.collect(), ..Uses::default() };
        if let Err(error) = store.note_uses(&uses).await {
            tracing::warn!(%error, "when tokens were used last is not kept this time");
        }
    }
}

/// Keeps which definitions calls were judged by, so that drift can be told.
async fn note_definitions(admin: Arc<Admin>) {
    loop {
        tokio::time::sleep(NOTE_DEFINITIONS).await;
        admin.note_definitions().await;
    }
}

/// Forgets sign-in links and sessions that have ended.
async fn sweep(store: Arc<Store>) {
    loop {
        if let Err(error) = store.sign_in().sweep(now_micros()).await {
            tracing::warn!(%error, "ended sessions are still kept");
        }
        tokio::time::sleep(SWEEP).await;
    }
}
