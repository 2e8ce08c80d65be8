//! Sessions of the legacy era: what ties a client's requests to one upstream session or child.
//!
//! A session id is no proof of identity: each request brings its token, and a session of another grant or
//! server is answered like one that does not exist.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use toolgate_mcp::revision::Revision;

use crate::held::lock;
use crate::upstream::Leg;

/// Requests of a server that may wait for a client's answer in one session.
const MAX_ASKED: usize = 256;
/// Resources that one session may be subscribed to.
const MAX_SUBSCRIBED: usize = 1024;

/// A live session.
#[derive(Debug)]
pub(crate) struct Session {
    /// What the client repeats: 256 random bits.
    pub(crate) id: String,
    /// The grant that opened it.
    pub(crate) grant: String,
    /// The server.
    pub(crate) server: String,
    /// The group whose ended sessions hand their usage on.
    pub(crate) group: String,
    /// The revision that was agreed on.
    pub(crate) revision: Revision,
    /// The way to the server.
    pub(crate) leg: Leg,
    /// Cancelled when the session ends.
    pub(crate) ended: CancellationToken,
    used: AtomicU64,
    busy: AtomicUsize,
    asked: Mutex<HashSet<String>>,
    subscribed: Mutex<HashSet<String>>,
    in_flight: Mutex<Vec<(String, CancellationToken)>>,
    /// Where messages of a child go that belong to no request: the GET stream, and the streams of
    /// requests in flight.
    outlets: Mutex<Outlets>,
}

#[derive(Debug, Default)]
struct Outlets {
    stream: Option<mpsc::Sender<Bytes>>,
    requests: Vec<(u64, mpsc::Sender<Bytes>)>,
    next: u64,
}

/// What opens a session.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The grant.
    pub(crate) grant: String,
    /// The server.
    pub(crate) server: String,
    /// Grant and server.
    pub(crate) group: String,
    /// The agreed revision.
    pub(crate) revision: Revision,
    /// The way to the server.
    pub(crate) leg: Leg,
}

impl Session {
    /// A session with an id of its own.
    ///
    /// # Errors
    ///
    /// The system's source of randomness failed.
    pub(crate) fn new(opening: Opening, mono: u64) -> Result<Self, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(random),
            grant: opening.grant,
            server: opening.server,
            group: opening.group,
            revision: opening.revision,
            leg: opening.leg,
            ended: CancellationToken::new(),
            used: AtomicU64::new(mono),
            busy: AtomicUsize::new(0),
            asked: Mutex::default(),
            subscribed: Mutex::default(),
            in_flight: Mutex::default(),
            outlets: Mutex::default(),
        })
    }

    /// A name for the journal: enough of the id to tell sessions apart, too little to use one.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        self.id.get(..8).unwrap_or_default()
    }

    /// Notes that it was used.
    pub(crate) fn touch(&self, mono: u64) {
        self.used.fetch_max(mono, Ordering::Relaxed);
    }

    /// Marks it as in use while the value lives: a stream or request is open.
    #[must_use]
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.busy.fetch_add(1, Ordering::AcqRel);
        Hold(Arc::clone(self))
    }

    /// Nanoseconds for which nothing was open or used; none while something is open.
    #[must_use]
    pub(crate) fn idle(&self, mono: u64) -> Option<u64> {
        (self.busy.load(Ordering::Acquire) == 0)
            .then(|| mono.saturating_sub(self.used.load(Ordering::Relaxed)))
    }

    /// Notes a server's request that the client may answer; false if too many wait already.
    #[must_use]
    pub(crate) fn expect_answer(&self, id: &str) -> bool {
        let mut asked = lock(&self.asked);
        asked.len() < MAX_ASKED && asked.insert(id.to_owned())
    }

    /// Whether a server's request of that id waits; it no longer does afterwards.
    #[must_use]
    pub(crate) fn take_expected(&self, id: &str) -> bool {
        lock(&self.asked).remove(id)
    }

    /// Notes a subscription; false if there are too many.
    #[must_use]
    pub(crate) fn subscribe(&self, uri: &str) -> bool {
        let mut subscribed = lock(&self.subscribed);
        subscribed.contains(uri) || (subscribed.len() < MAX_SUBSCRIBED && subscribed.insert(uri.to_owned()))
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&self, uri: &str) {
        lock(&self.subscribed).remove(uri);
    }

    /// Whether the session is subscribed to a resource.
    #[must_use]
    pub(crate) fn is_subscribed(&self, uri: &str) -> bool {
        lock(&self.subscribed).contains(uri)
    }

    /// Notes a request in flight under its id. A client that uses one id twice at once gets both answers,
    /// each on the connection that asked.
    #[must_use]
    pub(crate) fn begin(self: &Arc<Self>, id: &str) -> InFlight {
        let cancelled = CancellationToken::new();
        lock(&self.in_flight).push((id.to_owned(), cancelled.clone()));
        InFlight { session: Arc::clone(self), id: id.to_owned(), cancelled }
    }

    /// Cancels the requests in flight under an id; false if there are none.
    #[must_use]
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let in_flight = lock(&self.in_flight);
        let mut found = false;
        for (_, cancelled) in in_flight.iter().filter(|(known, _)| known == id) {
            cancelled.cancel();
            found = true;
        }
        found
    }

    /// Makes `sender` the GET stream; a former one ends.
    pub(crate) fn open_stream(&self, sender: mpsc::Sender<Bytes>) {
        lock(&self.outlets).stream = Some(sender);
    }

    /// Closes the GET stream if it still is `sender`.
    pub(crate) fn close_stream(&self, sender: &mpsc::Sender<Bytes>) {
        let mut outlets = lock(&self.outlets);
        if outlets.stream.as_ref().is_some_and(|s| s.same_channel(sender)) {
            outlets.stream = None;
        }
    }

    /// Adds the stream of a request in flight until the value is dropped.
    #[must_use]
    pub(crate) fn open_outlet(self: &Arc<Self>, sender: mpsc::Sender<Bytes>) -> Outlet {
        let mut outlets = lock(&self.outlets);
        let number = outlets.next;
        outlets.next += 1;
        outlets.requests.push((number, sender));
        Outlet { session: Arc::clone(self), number }
    }

    /// Where a message that belongs to no request goes: the newest request in flight, else the GET
    /// stream, else nowhere.
    #[must_use]
    pub(crate) fn outlet(&self) -> Option<mpsc::Sender<Bytes>> {
        let outlets = lock(&self.outlets);
        outlets.requests.last().map(|(_, sender)| sender.clone()).or_else(|| outlets.stream.clone())
    }

    /// The GET stream, if one is open.
    #[must_use]
    pub(crate) fn stream(&self) -> Option<mpsc::Sender<Bytes>> {
        lock(&self.outlets).stream.clone()
    }
}

/// Keeps a session from counting as idle.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Session>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    session: Arc<Session>,
    id: String,
    /// Cancelled by the client's `notifications/cancelled`.
    pub(crate) cancelled: CancellationToken,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut in_flight = lock(&self.session.in_flight);
        if let Some(place) = in_flight.iter().position(|(id, _)| *id == self.id) {
            in_flight.swap_remove(place);
        }
    }
}

/// A request's place among the outlets of its session.
#[derive(Debug)]
pub(crate) struct Outlet {
    session: Arc<Session>,
    number: u64,
}

impl Drop for Outlet {
    fn drop(&mut self) {
        lock(&self.session.outlets).requests.retain(|(number, _)| *number != self.number);
    }
}

/// All live sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    live: Mutex<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    /// The session of that id, if it belongs to that grant and server.
    #[must_use]
    pub(crate) fn find(&self, id: &str, grant: &str, server: &str) -> Option<Arc<Session>> {
        let live = lock(&self.live);
        live.get(id).filter(|s| s.grant == grant && s.server == server).cloned()
    }

    /// Adds a session. Where its grant has `most` already, the one that was idle longest is taken out
    /// and returned to be ended; with none idle the new one is returned instead.
    ///
    /// # Errors
    ///
    /// The session that could not be added.
    pub(crate) fn add(
        &self,
        session: Arc<Session>,
        most: usize,
        mono: u64,
    ) -> Result<Option<Arc<Session>>, Arc<Session>> {
        let mut live = lock(&self.live);
        let of_grant = live.values().filter(|s| s.grant == session.grant);
        let evicted = if of_grant.clone().count() < most {
            None
        } else {
            let oldest = of_grant.filter_map(|s| Some((s.idle(mono)?, s.id.clone()))).max();
            match oldest.and_then(|(_, id)| live.remove(&id)) {
                Some(evicted) => Some(evicted),
                None => return Err(session),
            }
        };
        live.insert(session.id.clone(), session);
        Ok(evicted)
    }

    /// Takes a session out.
    #[must_use]
    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.live).remove(id)
    }

    /// Takes out all that `over` says.
    #[must_use]
    pub(crate) fn remove_where(&self, over: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut live = lock(&self.live);
        let ids: Vec<String> = live.values().filter(|s| over(s)).map(|s| s.id.clone()).collect();
        ids.iter().filter_map(|id| live.remove(id)).collect()
    }

    /// The live sessions that `of` picks.
    #[must_use]
    pub(crate) fn pick(&self, of: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        lock(&self.live).values().filter(|s| of(s)).cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        lock(&self.live).len()
    }
}
