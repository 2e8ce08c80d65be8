//! Who looks at the gateway: one asks every second how it is, one listens to what happens. A gateway that went away
//! is looked for again, with the address and the token that it has by then.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::api::{Api, Target, read};
use crate::shell::Shell;

/// How often the gateway is asked, and looked for when it is gone.
const PAUSE: Duration = Duration::from_secs(1);
/// News that may wait for the screen; more events are left out, and counted.
const WAITING: usize = 4096;

/// Something to be shown.
#[derive(Debug)]
pub(super) enum News {
    /// How the gateway is.
    Polled(Box<Polled>),
    /// Something happened.
    Happened {
        /// The kind of the journal's record, or `health`, or `missed`.
        kind: String,
        /// A JSON object.
        json: Vec<u8>,
    },
    /// The gateway does not answer.
    Lost(String),
    /// Events are seen from now on.
    Listening,
    /// Events are not seen.
    Deaf(String),
}

/// How the gateway is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Polled {
    pub(super) health: Health,
    pub(super) servers: Vec<Server>,
    pub(super) limits: Vec<Limit>,
}

/// What is shown of a gateway's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Health {
    pub(super) condition: String,
    pub(super) version: String,
    pub(super) data_plane: Option<String>,
    pub(super) sessions: u64,
    pub(super) calls_in_flight: u64,
    pub(super) index: Index,
}

/// How far the audit index is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Index {
    pub(super) lag_records: u64,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) health: Option<ServerHealth>,
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ServerHealth {
    pub(super) down: bool,
    pub(super) in_flight: u64,
    pub(super) places: u64,
    pub(super) tools: Option<u64>,
}

/// How full a limit is: decimal numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Limit {
    pub(super) policy: String,
    pub(super) counter: String,
    pub(super) subject: String,
    pub(super) shadow: bool,
    pub(super) used: String,
    pub(super) max: String,
}

/// The onlookers of a gateway; they end with the process.
pub(super) struct Onlookers {
    news: Receiver<News>,
}

impl Onlookers {
    /// Begins to look.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub(super) fn start(target: &Target, shell: &Shell) -> io::Result<Self> {
        let (sender, news) = sync_channel(WAITING);
        again_and_again(poll, News::Lost, (target.clone(), sender.clone()), shell)?;
        again_and_again(watch, News::Deaf, (target.clone(), sender), shell)?;
        Ok(Self { news })
    }

    /// What is new; no more than can have waited, so that a flood of events does not keep the keys waiting.
    pub(super) fn news(&self) -> impl Iterator<Item = News> {
        self.news.try_iter().take(WAITING)
    }
}

/// Looks in a thread, and again whenever that ended, which is told.
fn again_and_again(
    look: fn(&Api, &SyncSender<News>) -> Result<(), Failure>,
    told: fn(String) -> News,
    (target, sender): (Target, SyncSender<News>),
    shell: &Shell,
) -> io::Result<()> {
    // What is said beside the picture would spoil the screen.
    let mut quiet = Shell { err: Box::new(io::sink()), ..shell.another() };
    let thread = Builder::new().name("onlooker".to_owned()).spawn(move || {
        loop {
            let ended = target.reach(&mut quiet).and_then(|api| look(&api, &sender));
            let reason = match ended {
                Ok(()) => "the gateway ended it".to_owned(),
                Err(failure) => format!("{:#}", failure.error),
            };
            if sender.send(told(reason)).is_err() {
                // Nobody looks any more.
                return;
            }
            std::thread::sleep(PAUSE);
        }
    });
    thread.map(drop)
}

/// Asks until the gateway does not answer, or nobody wants to know any more.
fn poll(api: &Api, sender: &SyncSender<News>) -> Result<(), Failure> {
    loop {
        let polled = read(ask(api)?)?;
        if sender.send(News::Polled(Box::new(polled))).is_err() {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// All that is shown but events, as the API says it.
pub(super) fn ask(api: &Api) -> Result<Value, Failure> {
    let limits = api.get("limits")?.get_mut("items").map(Value::take);
    Ok(json!({ "health": api.get("health")?, "servers": api.list("servers")?, "limits": limits }))
}

/// Listens until the stream ends.
fn watch(api: &Api, sender: &SyncSender<News>) -> Result<(), Failure> {
    let mut left_out = 0_u64;
    // Nobody there to be told is found out by the loop.
    let opened = || sender.send(News::Listening).unwrap_or_default();
    api.watch("events", opened, |kind, data| {
        if left_out > 0 {
            let json = json!({ "count": left_out }).to_string().into_bytes();
            if sender.try_send(News::Happened { kind: "missed".to_owned(), json }).is_ok() {
                left_out = 0;
            }
        }
        let news = News::Happened { kind: kind.to_owned(), json: data.to_vec() };
        if let Err(TrySendError::Full(_)) = sender.try_send(news) {
            left_out += 1;
        }
    })
}
