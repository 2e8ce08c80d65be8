//! What those who run a gateway may see of it and have it do, while it serves.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot};
use toolgate_journal::{Kind, Record, Urgency};
use toolgate_mcp::revision::Era;
use toolgate_quota::{Amount, Mode};

use crate::gateway::Gateway;
use crate::live::LiveEvent;
use crate::probe::{ProbedTool, probe, tools_of};
use crate::refusal::{ConsoleRefusal, RefusedBy};
use crate::reload::{Reloader, Wish};
use crate::settings::{ServerSettings, Settings};
use crate::snapshot::Snapshot;
use crate::survey::{Survey, survey};
use crate::upstream::{Definitions, Server};

/// A handle to a running gateway; copies lead to the same one.
#[derive(Clone)]
pub struct Control {
    gateway: Arc<Gateway>,
    reloader: Arc<Reloader>,
    wishes: mpsc::Sender<Wish>,
    base_env: Arc<[(String, String)]>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// How a server is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// Its name.
    pub name: String,
    /// Whether the last attempt to reach it failed; every call tries again all the same.
    pub down: bool,
    /// Calls in flight.
    pub in_flight: usize,
    /// Calls that may be in flight at once.
    pub places: usize,
    /// Tools of its list as it was fetched last; none while it was never fetched.
    pub tools: Option<usize>,
}

/// How full a limit's window is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The policy that has the limit.
    pub policy: String,
    /// The counter.
    pub counter: String,
    /// What counts together: `GRANT@SERVER`, `@SERVER`, or nothing where the whole policy does.
    pub subject: String,
    /// Whether the limit is in shadow.
    pub shadow: bool,
    /// What its window holds.
    pub used: Amount,
    /// What it may hold, as of the last call; zero after a restart until the first one.
    pub max: Amount,
}

impl Control {
    /// A handle to a gateway and its reloads.
    #[must_use]
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        reloader: Arc<Reloader>,
        wishes: mpsc::Sender<Wish>,
        base_env: Arc<[(String, String)]>,
    ) -> Self {
        Self { gateway, reloader, wishes, base_env }
    }

    /// Loads the settings anew and takes them over: the next call is judged by them.
    ///
    /// # Errors
    ///
    /// Every reason why they cannot be used, a line each; nothing has changed then.
    pub async fn reload(&self) -> Result<(), Vec<String>> {
        let stopping = || vec!["the gateway is stopping".to_owned()];
        let (asker, answer) = oneshot::channel();
        self.wishes.send(Wish(Some(asker))).await.map_err(|_| stopping())?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.gateway.snapshot.load().settings)
    }

    /// Where the data plane listens.
    #[must_use]
    pub fn listen_address(&self) -> SocketAddr {
        self.gateway.listen_address()
    }

    /// Why the settings as they are now cannot be used, so that older ones are in force; empty where all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.reloader.state().problems
    }

    /// Why the journal cannot be written; calls are refused then.
    #[must_use]
    pub fn journal_ailment(&self) -> Option<String> {
        self.gateway.journal.ailment().map(|error| error.to_string())
    }

    /// The servers in the order of the settings.
    #[must_use]
    pub fn servers(&self) -> Vec<ServerState> {
        let snapshot = self.snapshot();
        let state = |settings: &ServerSettings| {
            let server = snapshot.servers.get(&settings.name)?;
            let (in_flight, places) = server.load();
            let tools = known_definitions(server).map(|definitions| definitions.iter().count());
            Some(ServerState {
                name: settings.name.clone(),
                down: server.is_down(),
                in_flight,
                places,
                tools,
            })
        };
        snapshot.settings.servers.iter().filter_map(state).collect()
    }

    /// Sessions of the legacy era that are open.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.gateway.sessions.count()
    }

    /// A server's tools: those that calls are judged by, or, where none were needed yet, asked for now.
    ///
    /// # Errors
    ///
    /// There is no such server, or it cannot be asked; the text says which.
    pub async fn tools(&self, name: &str) -> Result<Vec<ProbedTool>, String> {
        let snapshot = self.snapshot();
        let server = snapshot.servers.get(name).ok_or_else(|| format!("there is no server `{name}`"))?;
        match known_definitions(server) {
            Some(definitions) => Ok(tools_of(&definitions)),
            None => Ok(probe(&snapshot.settings, server.settings(), &self.base_env).await?.tools),
        }
    }

    /// The tools that a server's calls are judged by; none where none were needed yet. Nobody is asked.
    #[must_use]
    pub fn known_tools(&self, name: &str) -> Option<Vec<ProbedTool>> {
        let snapshot = self.snapshot();
        known_definitions(snapshot.servers.get(name)?).map(|definitions| tools_of(&definitions))
    }

    /// Asks a server for all that it offers now; a command is started for it and ended again. Where its tools are no
    /// longer those that calls are judged by, the next call asks for them afresh.
    ///
    /// # Errors
    ///
    /// There is no such server, or it cannot be asked; the text says which.
    pub async fn survey(&self, name: &str) -> Result<Survey, String> {
        let snapshot = self.snapshot();
        let server = snapshot.servers.get(name).ok_or_else(|| format!("there is no server `{name}`"))?;
        let found = Box::pin(survey(&snapshot.settings, server.settings(), &self.base_env)).await?;
        if known_definitions(server).is_some_and(|known| tools_of(&known) != found.tools) {
            [Era::Modern, Era::Legacy].into_iter().for_each(|era| server.inventory(era).invalidate());
        }
        Ok(found)
    }

    /// Asks a server that need not be one of the settings what it speaks and offers.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or speaks neither era; the text says why.
    pub async fn probe(&self, server: &ServerSettings) -> Result<crate::probe::ProbeReport, String> {
        probe(&self.snapshot().settings, server, &self.base_env).await
    }

    /// Every counter in use, with what it holds.
    #[must_use]
    pub fn limits(&self) -> Vec<Occupancy> {
        let counters = self.gateway.counters.occupancy(self.gateway.clock.now());
        let occupancy = |counter: toolgate_quota::Occupancy| {
            let mut parts = counter.key.split('\u{1f}').map(str::to_owned);
            let mut part = || parts.next().unwrap_or_default();
            Occupancy {
                policy: part(),
                counter: part(),
                subject: part(),
                shadow: counter.mode == Mode::Shadow,
                used: counter.used,
                max: counter.max,
            }
        };
        counters.into_iter().map(occupancy).collect()
    }

    /// Looks on: every record of the journal from now on, and servers that go down or come back. An onlooker that
    /// does not keep up misses some.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<LiveEvent> {
        self.gateway.live.watch()
    }

    /// Records a change and who made it; the record is in the file when this returns.
    ///
    /// # Errors
    ///
    /// It cannot be written; the text says why.
    pub fn note(&self, kind: Kind, by: &str, grant: Option<&str>, detail: &str) -> Result<(), String> {
        let ts = self.gateway.clock.now().wall;
        let record = Record { ts, kind, grant, by: Some(by), detail: Some(detail), ..Record::default() };
        self.gateway.append(&record, Urgency::Now).map(drop).map_err(|error| error.to_string())
    }

    /// Counts a request that the console refused: all of one client and reason within a second make one record.
    pub fn note_refused(&self, client: IpAddr, refused: ConsoleRefusal) {
        self.gateway.note_refused(RefusedBy { client, reason: refused.reason() });
    }

    /// The tokens that were used since the last time this was asked: their hashes, and when, in Unix
    /// microseconds.
    #[must_use]
    pub fn take_uses(&self) -> HashMap<[u8; 32], i64> {
        self.snapshot().take_uses()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.gateway.snapshot.load_full()
    }
}

/// The definitions of a server's tools as they were fetched last, in whichever era it is spoken to.
fn known_definitions(server: &Server) -> Option<Arc<Definitions>> {
    [Era::Modern, Era::Legacy].into_iter().find_map(|era| server.inventory(era).known())
}
