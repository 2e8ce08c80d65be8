//! The servers behind the gateway: how each is reached, what it is known to speak and offer.

mod children;
mod fault;
mod http;
mod inventory;
mod offers;
mod pool;
mod reply;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use rustls::RootCertStore;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use toolgate_json::{Limits, Span};
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::stdio::StdioChild;
use toolgate_mcp::stdio::exchange::OnDrop;

use crate::clock::{Clock, nanos};
use crate::live::Live;
use crate::settings::{Protocol, Reach, ServerSettings, Settings};

pub(crate) use self::children::Children;
pub(crate) use self::fault::{UpstreamError, era_words};
pub(crate) use self::http::{MODERN_ERRORS, Web};
pub(crate) use self::inventory::{Definitions, Inventory, ToolDefinition};
pub use self::offers::Offer;
pub(crate) use self::reply::{Content, Events, Item, Reply, event_of};

/// How often idle connections grow older: one is closed after one to two of these.
pub(crate) const AGE: Duration = Duration::from_secs(30);
/// How long it is remembered that a server does not speak the modern era.
const ERA_MEMORY: Duration = Duration::from_secs(60);

/// What all servers share.
#[derive(Debug)]
pub(crate) struct Servers {
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    base_env: Vec<(String, String)>,
    logs: PathBuf,
    live: Live,
    tls: OnceLock<Result<Connector, String>>,
}

#[derive(Clone)]
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    settings: ServerSettings,
    limits: Limits,
    reach: Reaching,
    clock: Arc<dyn Clock>,
    live: Live,
    /// Calls in flight to it.
    pub(crate) calls: Arc<Semaphore>,
    places: usize,
    legacy: Inventory,
    modern: Inventory,
    /// Monotonic nanoseconds until which it counts as not speaking the modern era; 0 is not known.
    not_modern_until: AtomicU64,
    known_modern: AtomicBool,
    down: AtomicBool,
    next_id: AtomicU64,
}

#[derive(Debug)]
enum Reaching {
    Web(Box<Web>),
    Command(Box<Children>),
    /// It cannot be reached at all, and why.
    Unusable(String),
}

/// The way of one message to a server, in one era.
#[derive(Clone, Debug)]
pub(crate) enum Leg {
    /// Streamable HTTP.
    Web {
        /// The revision spoken.
        revision: Revision,
        /// The server's session, in the legacy era, if it keeps one.
        session: Option<HeaderValue>,
    },
    /// A child process.
    Child {
        /// The revision spoken.
        revision: Revision,
        /// The process.
        child: Arc<StdioChild>,
        /// Whether it serves this session alone.
        own: bool,
    },
}

impl Leg {
    /// The era spoken on this leg.
    #[must_use]
    pub(crate) fn era(&self) -> Era {
        match self {
            Leg::Web { revision, .. } | Leg::Child { revision, .. } => revision.era(),
        }
    }
}

/// A request on its way to a server.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The JSON-RPC request.
    pub(crate) body: Bytes,
    /// Where its id stands.
    pub(crate) id: Span,
    /// Where its progress token stands.
    pub(crate) progress_token: Option<Span>,
    /// Headers beside those of the leg: `Mcp-*` of the modern era, trace context.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What becomes of it when nobody waits any more.
    pub(crate) on_drop: OnDrop,
}

impl Servers {
    /// No connections yet. Logs of children go to the folder `logs`.
    #[must_use]
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        tasks: TaskTracker,
        base_env: Vec<(String, String)>,
        logs: PathBuf,
        live: Live,
    ) -> Self {
        Self { clock, tasks, base_env, logs, live, tls: OnceLock::new() }
    }

    /// The server of these settings: the previous one if nothing about it has changed.
    #[must_use]
    pub(crate) fn open(
        &self,
        settings: &ServerSettings,
        all: &Settings,
        previous: Option<&Arc<Server>>,
    ) -> Arc<Server> {
        let limits =
            Limits { bytes: all.limits.result, depth: all.limits.depth, values: 4 * all.limits.values };
        let places = all.limits.in_flight_per_server;
        match previous {
            Some(p) if p.settings == *settings && p.limits == limits && p.places == places => {
                return Arc::clone(p);
            }
            _ => {}
        }
        Arc::new(Server {
            reach: self.reach(settings, limits),
            settings: settings.clone(),
            limits,
            clock: Arc::clone(&self.clock),
            live: self.live.clone(),
            calls: Arc::new(Semaphore::new(places)),
            places,
            legacy: Inventory::default(),
            modern: Inventory::default(),
            not_modern_until: AtomicU64::new(0),
            known_modern: AtomicBool::new(false),
            down: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
        })
    }

    fn reach(&self, settings: &ServerSettings, limits: Limits) -> Reaching {
        match &settings.reach {
            Reach::Http { url, headers } => {
                let tls = match (url.scheme_str(), self.connector()) {
                    (Some("https"), Err(error)) => return Reaching::Unusable(error),
                    (_, connector) => connector.ok(),
                };
                match Web::new(url, headers, tls.as_ref().map(|c| &c.0), self.tasks.clone()) {
                    Ok(web) => Reaching::Web(Box::new(web)),
                    Err(error) => Reaching::Unusable(error.to_string()),
                }
            }
            Reach::Command { .. } => {
                let children =
                    Children::new(settings, &self.base_env, limits, &self.logs, self.tasks.clone());
                Reaching::Command(Box::new(children))
            }
        }
    }

    fn connector(&self) -> Result<Connector, String> {
        self.tls
            .get_or_init(|| {
                let mut roots = RootCertStore::empty();
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
                pool::tls_connector(roots).map(Connector).map_err(|e| format!("TLS cannot be set up: {e}"))
            })
            .clone()
    }
}

impl Server {
    /// Its name in settings.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its settings.
    #[must_use]
    pub(crate) fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// What its messages are held to.
    #[must_use]
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Its definitions as known in an era.
    #[must_use]
    pub(crate) fn inventory(&self, era: Era) -> &Inventory {
        match era {
            Era::Legacy => &self.legacy,
            Era::Modern => &self.modern,
        }
    }

    /// Whether the last attempt to reach it failed. For information: every call tries again.
    #[must_use]
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Calls in flight to it, and how many there may be.
    #[must_use]
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.places.saturating_sub(self.calls.available_permits()), self.places)
    }

    /// Its child processes, if it is a command.
    #[must_use]
    pub(crate) fn children(&self) -> Option<&Children> {
        match &self.reach {
            Reaching::Command(children) => Some(children),
            Reaching::Web(_) | Reaching::Unusable(_) => None,
        }
    }

    /// Sends a request. The reply's content may still be under way.
    ///
    /// # Errors
    ///
    /// Tells whether anything was written.
    pub(crate) async fn request(&self, leg: &Leg, outgoing: Outgoing) -> Result<Reply, UpstreamError> {
        let reply = match (&self.reach, leg) {
            (Reaching::Web(web), Leg::Web { revision, session }) => {
                web.request(*revision, session.as_ref(), outgoing, self).await
            }
            (Reaching::Command(_), Leg::Child { child, .. }) => Reply::of_child(child, outgoing, self).await,
            (Reaching::Unusable(why), _) => Err(UpstreamError::Unreached(why.clone())),
            // The settings changed under a session.
            _ => Err(UpstreamError::SessionGone),
        };
        self.note_reached(&reply);
        reply
    }

    /// Sends a notification, or the client's answer to a request of the server.
    ///
    /// # Errors
    ///
    /// It was not taken.
    pub(crate) async fn tell(&self, leg: &Leg, body: Bytes, answer: bool) -> Result<(), UpstreamError> {
        match (&self.reach, leg) {
            (Reaching::Web(web), Leg::Web { revision, session }) => {
                web.tell(*revision, session.as_ref(), body, self).await
            }
            (Reaching::Command(_), Leg::Child { child, .. }) => {
                let told = if answer { child.respond(&body) } else { child.notify(&body) };
                told.map_err(UpstreamError::from)
            }
            _ => Err(UpstreamError::SessionGone),
        }
    }

    /// Opens the stream of messages that belong to no request (legacy HTTP); none if the server has none.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub(crate) async fn open_stream(
        &self,
        leg: &Leg,
        last_event_id: Option<&HeaderValue>,
    ) -> Result<Option<Events>, UpstreamError> {
        match (&self.reach, leg) {
            (Reaching::Web(web), Leg::Web { revision, session }) => {
                web.stream(*revision, session.as_ref(), last_event_id, self).await
            }
            _ => Ok(None),
        }
    }

    /// Ends a session on the server's side.
    pub(crate) async fn end(&self, leg: &Leg) {
        match (&self.reach, leg) {
            (Reaching::Web(web), Leg::Web { revision, session: Some(session) }) => {
                web.delete(*revision, session, self).await;
            }
            (Reaching::Command(children), Leg::Child { child, own: true, .. }) => children.close(child),
            _ => {}
        }
    }

    /// Closes connections that have lain idle for long; called every [`AGE`].
    pub(crate) fn age(&self) {
        if let Reaching::Web(web) = &self.reach {
            web.age();
        }
    }

    /// Ends what it runs.
    pub(crate) async fn stop(&self) {
        match &self.reach {
            Reaching::Web(web) => web.close_idle(),
            Reaching::Command(children) => children.stop().await,
            Reaching::Unusable(_) => {}
        }
    }

    /// An id for a request of the gateway's own; no client can have sent it on the same leg by chance.
    #[must_use]
    pub(crate) fn own_id(&self) -> String {
        format!("\"toolgate-{}\"", self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// The leg of a modern request.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or speaks only the legacy era.
    pub(crate) async fn modern_leg(&self) -> Result<Leg, UpstreamError> {
        let known = self.settings.protocol == Protocol::Modern || self.known_modern.load(Ordering::Relaxed);
        match &self.reach {
            Reaching::Web(_) if known => Ok(Leg::Web { revision: Revision::NEWEST_MODERN, session: None }),
            _ => Box::pin(self.find_modern_leg()).await,
        }
    }

    async fn find_modern_leg(&self) -> Result<Leg, UpstreamError> {
        let now = self.clock.mono();
        if self.settings.protocol == Protocol::Legacy || now < self.not_modern_until.load(Ordering::Relaxed) {
            return Err(UpstreamError::OtherEra(Era::Legacy));
        }
        let leg = match &self.reach {
            Reaching::Unusable(why) => return Err(UpstreamError::Unreached(why.clone())),
            Reaching::Web(web) if web.speaks_modern(self).await? => {
                Ok(Leg::Web { revision: Revision::NEWEST_MODERN, session: None })
            }
            Reaching::Web(_) => Err(UpstreamError::OtherEra(Era::Legacy)),
            Reaching::Command(children) => children.modern().await,
        };
        match &leg {
            Ok(_) => self.known_modern.store(true, Ordering::Relaxed),
            Err(UpstreamError::OtherEra(_)) => {
                self.not_modern_until.store(now.saturating_add(nanos(ERA_MEMORY)), Ordering::Relaxed);
            }
            Err(_) => {}
        }
        leg
    }

    fn note_reached(&self, reply: &Result<Reply, UpstreamError>) {
        let down = matches!(reply, Err(UpstreamError::Unreached(_)));
        if self.down.swap(down, Ordering::Relaxed) != down {
            let name = self.name();
            self.live.show("health", || format!(r#"{{"kind":"health","server":"{name}","down":{down}}}"#));
            match reply {
                Err(error) => tracing::warn!(server = self.name(), %error, "the server cannot be reached"),
                Ok(_) => tracing::info!(server = self.name(), "the server is reached again"),
            }
        }
    }
}
