//! A gateway's life: start, serve, stop.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolgate_journal::{Journal, OnSynced, Options, Recovery, Retention, SyncState};
use toolgate_quota::Counters;

use crate::clock::{Clock, SystemClock};
use crate::console::{Console, Pages, url_of};
use crate::control::Control;
use crate::data_dir::{DataDir, DataDirError};
use crate::door::{Door, origin_of};
use crate::gateway::{ArgumentKey, Gateway, Parts};
use crate::listener::Listener;
use crate::live::Live;
use crate::pipeline;
use crate::recovery::{self, Recovered};
use crate::reload::{Reloader, Source, Wish, listen_to_children};
use crate::request_id::RequestIds;
use crate::settings::{Durability, JournalSettings, Settings};
use crate::snapshot::Snapshot;
use crate::upkeep::{self, JournalKeeper};
use crate::upstream::Servers;

/// Makes the console's pages for a gateway that is about to serve.
pub type MakePages = dyn FnOnce(Control, &Ready) -> Arc<dyn Pages> + Send;

/// How a gateway is run.
pub struct RunOptions {
    /// Where it keeps what it must not lose; held until the end.
    pub data_dir: DataDir,
    /// Where the settings come from, now and whenever something changes.
    pub source: Arc<dyn Source>,
    /// Where everything runs that does not serve calls: console, reloads.
    pub control_plane: Handle,
    /// What the console shows beside metrics and its status page.
    pub pages: Box<MakePages>,
    /// The environment of which children get `PATH`, `HOME`, `LANG` and `TMPDIR`.
    pub base_env: Vec<(String, String)>,
    /// Called once requests are served.
    pub on_ready: Box<dyn FnOnce(&Ready) + Send>,
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions").finish_non_exhaustive()
    }
}

/// A gateway that serves.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where the data plane listens.
    pub listen: SocketAddr,
    /// Where the console listens.
    pub console: SocketAddr,
    /// Whether the data plane speaks TLS.
    pub tls: bool,
    /// The certificate that the console shows, DER; none where it speaks plain HTTP.
    pub console_certificate: Option<Vec<u8>>,
    /// Where browsers reach the console, if not at its address: scheme and authority.
    pub console_url: Option<String>,
    /// The servers' names.
    pub servers: Vec<String>,
}

/// Why a gateway could not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// The settings cannot be used; a line each.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] toolgate_journal::OpenError),
    /// The journal cannot be read to rebuild the counters.
    #[error("the counters cannot be rebuilt: {0}")]
    Counters(#[from] toolgate_journal::ReadError),
    /// The system refused.
    #[error("{0}")]
    System(String),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::System(error.to_string())
    }
}

/// Runs a gateway until SIGTERM or SIGINT.
///
/// # Errors
///
/// It could not start.
pub fn run(options: RunOptions) -> Result<(), RunError> {
    let loaded = options.control_plane.block_on(options.source.load()).map_err(RunError::Settings)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let data_plane = runtime(loaded.settings.workers)?;
    let started = data_plane.block_on(start(loaded.settings, &options, clock))?;
    let path = options.data_dir.path().to_path_buf();
    let keeper = JournalKeeper::start(Arc::clone(&started.gateway), path.clone())?;
    let stopped = data_plane.block_on(serve(started, loaded.files, options))?;
    keeper.stop();
    let Stopped { gateway, grace_over, _data_dir } = stopped;
    data_plane.shutdown_timeout(Duration::from_secs(1));
    finish(&gateway, &path, grace_over);
    Ok(())
}

fn runtime(workers: usize) -> io::Result<Runtime> {
    let workers = match workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    if workers == 1 {
        // One thread needs no stealing of work.
        return Builder::new_current_thread().enable_all().build();
    }
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// A gateway whose listeners are bound.
struct Started {
    gateway: Arc<Gateway>,
    servers: Arc<Servers>,
    listener: Listener,
    console: Listener,
}

struct Stopped {
    gateway: Arc<Gateway>,
    grace_over: bool,
    /// Locked until the journal is closed.
    _data_dir: DataDir,
}

async fn start(settings: Settings, options: &RunOptions, clock: Arc<dyn Clock>) -> Result<Started, RunError> {
    let data_dir = &options.data_dir;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let base_env = options.base_env.clone();
    let live = Live::default();
    let servers = Servers::new(Arc::clone(&clock), tasks.clone(), base_env, data_dir.logs(), live.clone());
    let now = clock.now();
    let (on_synced, synced) = sync_watch(settings.journal.durability);
    let (journal, recovery) =
        Journal::open(&journal_options(&settings.journal, data_dir.path()), now.wall, on_synced)?;
    report_recovery(&recovery);
    let counters = Arc::new(Counters::new());
    let recovered = recovery::recover(data_dir.path(), &settings, &counters, now)?;
    report_counters(recovered);
    let key = ArgumentKey::new(&data_dir.argument_key()?);
    let limits = settings.limits;
    let listener =
        Listener::bind(settings.listen, settings.tls.as_ref(), limits, stop.clone(), tasks.clone()).await?;
    // Bound where it is served.
    let (address, tls) = (settings.console, settings.console_tls.clone());
    let (console_stop, console_tasks) = (stop.clone(), tasks.clone());
    let console = options.control_plane.spawn(async move {
        Listener::bind(address, tls.as_ref(), limits, console_stop, console_tasks).await
    });
    let console = console.await.map_err(io::Error::other)??;
    let listen = listener.address()?;
    let door = Door::new(&settings, listen);
    let snapshot = Snapshot::build(settings, &servers, None);
    let gateway = Gateway::new(Parts {
        clock,
        snapshot,
        door,
        counters,
        journal,
        synced,
        argument_key: key,
        live,
        request_ids: RequestIds::new().map_err(|e| RunError::System(e.to_string()))?,
        tasks,
        stop,
        listen,
    });
    listen_to_children(&gateway, &gateway.snapshot.load());
    Ok(Started { gateway, servers: Arc::new(servers), listener, console })
}

/// The journal's call after each sync, as something that requests can wait for.
fn sync_watch(durability: Durability) -> (Option<OnSynced>, Option<watch::Receiver<SyncState>>) {
    match durability {
        Durability::Process => (None, None),
        Durability::Power => {
            let (sender, receiver) = watch::channel(SyncState::default());
            let on_synced: OnSynced = Box::new(move |state| {
                sender.send_replace(state);
            });
            (Some(on_synced), Some(receiver))
        }
    }
}

fn journal_options(settings: &JournalSettings, data_dir: &Path) -> Options {
    let mut options = Options::new(data_dir, node_name());
    options.about = Some(concat!("toolgate ", env!("CARGO_PKG_VERSION")).to_owned());
    options.rotate_bytes = settings.rotate;
    options.retention = Retention { max_bytes: settings.keep_bytes, max_age: settings.keep_age };
    options.low_water_bytes = settings.low_water;
    options.durability = match settings.durability {
        Durability::Process => toolgate_journal::Durability::Process,
        Durability::Power => toolgate_journal::Durability::Power,
    };
    options
}

/// The machine's name.
fn node_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "toolgate".to_owned() } else { name }
}

fn report_recovery(recovery: &Recovery) {
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "the journal's last record was cut off by a crash and is taken away; all before it is whole"
        );
    }
}

fn report_counters(recovered: Recovered) {
    if recovered.replayed > 0 || recovered.from_checkpoint {
        tracing::info!(
            replayed = recovered.replayed,
            from_checkpoint = recovered.from_checkpoint,
            "the counters are rebuilt"
        );
    }
}

async fn serve(
    started: Started,
    files: Vec<std::path::PathBuf>,
    options: RunOptions,
) -> Result<Stopped, RunError> {
    let Started { gateway, servers, listener, console } = started;
    let RunOptions { data_dir, source, control_plane, pages, base_env, on_ready } = options;
    let (wish, wishes) = mpsc::channel(16);
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ready = ready(&gateway, &listener, &console)?;
    let reloader =
        Arc::new(Reloader::new(Arc::clone(&gateway), servers, Arc::clone(&source), Handle::current()));
    let control = Control::new(Arc::clone(&gateway), Arc::clone(&reloader), wish.clone(), base_env.into());
    let console_pages = Arc::new(Console {
        gateway: Arc::clone(&gateway),
        reloader: Arc::clone(&reloader),
        listen: ready.console,
        data_plane: url_of(ready.listen, ready.tls),
        pages: pages(control, &ready),
    });
    let tasks = gateway.tasks.clone();
    let data_plane = Arc::clone(&gateway);
    tasks.spawn(listener.run(move |request, peer| pipeline::serve(Arc::clone(&data_plane), request, peer)));
    let console = console.run(move |request, peer| Arc::clone(&console_pages).serve(request, peer));
    tasks.spawn_on(console, &control_plane);
    tasks.spawn_on(reloader.watch(files, wishes), &control_plane);
    tasks.spawn(upkeep::rounds(Arc::clone(&gateway)));
    on_ready(&ready);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                // Wishes that wait already are as good.
                wish.try_send(Wish(None)).ok();
            }
        }
    }
    Ok(stop(gateway, data_dir, terminate, interrupt).await)
}

fn ready(gateway: &Gateway, listener: &Listener, console: &Listener) -> io::Result<Ready> {
    let settings = &gateway.snapshot.load().settings;
    Ok(Ready {
        listen: listener.address()?,
        console: console.address()?,
        tls: settings.tls.is_some(),
        console_certificate: console.certificate(),
        console_url: settings.console_url.as_ref().and_then(origin_of),
        servers: settings.servers.iter().map(|s| s.name.clone()).collect(),
    })
}

/// Stops: no new requests, then the time of grace for those in flight, then the children. A second signal
/// ends the grace.
async fn stop(
    gateway: Arc<Gateway>,
    data_dir: DataDir,
    mut terminate: tokio::signal::unix::Signal,
    mut interrupt: tokio::signal::unix::Signal,
) -> Stopped {
    let grace = gateway.snapshot.load().settings.limits.shutdown_grace;
    tracing::info!(seconds = grace.as_secs(), "stopping; requests in flight have this long to end");
    gateway.stop.cancel();
    let idle = async {
        // Calls end by themselves; sessions and children would wait for their clients.
        while gateway.calls_in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::select! {
        () = idle => true,
        () = tokio::time::sleep(grace) => false,
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
    };
    for session in gateway.sessions.remove_where(|_| true) {
        gateway.end_session(session);
    }
    let servers: Vec<_> = gateway.snapshot.load().servers.values().cloned().collect();
    for server in servers {
        server.stop().await;
    }
    gateway.tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(6), gateway.tasks.wait()).await;
    Stopped { gateway, grace_over: !in_time || ended.is_err(), _data_dir: data_dir }
}

/// Closes the journal, with a last checkpoint of the counters.
fn finish(gateway: &Gateway, data_dir: &Path, grace_over: bool) {
    gateway.flush_refused();
    let now = gateway.clock.now();
    let detail = if grace_over { "stopped with requests cut off" } else { "stopped" };
    if let Err(error) = recovery::checkpoint(data_dir, &gateway.journal, &gateway.counters, now, 0) {
        tracing::warn!(%error, "the counters' checkpoint was not written; the journal has all that it would hold");
    }
    match gateway.journal.close(now.wall, Some(detail)) {
        Ok(()) => tracing::info!(detail, "the journal is closed"),
        Err(error) => tracing::error!(%error, "the journal could not be closed"),
    }
}
