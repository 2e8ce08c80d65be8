//! Streams that answer no request: a legacy client's GET, and what children say of themselves.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::sync::mpsc;
use toolgate_json::Document;
use toolgate_mcp::headers::{self, Accepted};
use toolgate_mcp::message::Message;
use toolgate_mcp::method::Method;
use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::event::Event;

use super::messages::{check_version_header, session_of};
use super::relay::{self, Passage, Watch};
use super::visit::Visit;
use crate::body::Body;
use crate::gateway::Gateway;
use crate::grant::StreamPlace;
use crate::refusal::{Early, Refusal};
use crate::session::{Hold, Session};
use crate::upstream::{Events, Leg, Server, UpstreamError, event_of};

/// Opens the stream of a session.
pub(super) async fn open(visit: Arc<Visit>) -> Result<Response<Body>, Refusal> {
    if !Accepted::read(&visit.headers).event_stream {
        return Err(Early::Accept.into());
    }
    if visit.headers.get(headers::SESSION_ID).is_none() {
        return Err(Early::Verb.into());
    }
    let session = session_of(&visit)?;
    check_version_header(&visit, None)?;
    let place = visit
        .grant
        .shares
        .open_stream(visit.snapshot.settings.limits.streams_per_grant)
        .ok_or(Early::Streams)?;
    let (sender, receiver) = mpsc::channel(relay::WAITING);
    let hold = session.hold();
    let tasks = visit.gateway.tasks.clone();
    match &session.leg {
        Leg::Web { .. } => {
            session.open_stream(sender.clone());
            let last = visit.headers.get(headers::LAST_EVENT_ID);
            let events = visit.binding.server.open_stream(&session.leg, last).await;
            let events = events.map_err(|e| stream_refusal(&visit, &session, &e))?.ok_or(Early::NoStream)?;
            let stream =
                Stream { visit: visit.without_headers(), session, sender, _place: place, _hold: hold };
            tasks.spawn(stream.relay(events));
        }
        Leg::Child { .. } => {
            session.open_stream(sender.clone());
            let stream =
                Stream { visit: visit.without_headers(), session, sender, _place: place, _hold: hold };
            tasks.spawn(stream.idle());
        }
    }
    Ok(relay::event_stream(Body::Events { first: None, events: receiver }))
}

fn stream_refusal(visit: &Visit, session: &Arc<Session>, error: &UpstreamError) -> Refusal {
    if matches!(error, UpstreamError::SessionGone) {
        super::lifecycle::forget(visit, session);
    }
    Refusal::of_upstream(error, visit.binding.server.name(), "null", Era::Legacy)
}

/// An open GET stream.
#[derive(Debug)]
struct Stream {
    visit: Arc<Visit>,
    session: Arc<Session>,
    sender: mpsc::Sender<Bytes>,
    _place: StreamPlace,
    _hold: Hold,
}

impl Stream {
    /// Passes a server's stream on until either side or the session ends.
    async fn relay(self, mut events: Events) {
        let streams = self.visit.gateway.metrics.streams.clone();
        streams.inc();
        loop {
            let next = tokio::select! {
                biased;
                () = self.over() => break,
                item = tokio::time::timeout(relay::KEEP_ALIVE, events.next()) => item,
            };
            let watch = Watch { visit: &self.visit, session: Some(&self.session), leg: &self.session.leg };
            let event = match next {
                Err(_) => Bytes::from_static(relay::KEEP_ALIVE_COMMENT),
                // Boxed: a stream that waits does not carry the state of a message.
                Ok(Ok(Some(item))) => match Box::pin(watch.passage(&item, None)).await {
                    Ok(Passage::Forward(raw)) => raw,
                    Ok(Passage::Drop | Passage::Answer(_)) => continue,
                    Err(error) => {
                        tracing::info!(server = self.visit.binding.server.name(), %error, "a stream is cut");
                        break;
                    }
                },
                Ok(Ok(None) | Err(_)) => break,
            };
            if self.sender.send(event).await.is_err() {
                break;
            }
        }
        streams.dec();
        self.session.close_stream(&self.sender);
    }

    /// Keeps the stream of a child's session open; what the child says comes through the session.
    async fn idle(self) {
        let streams = self.visit.gateway.metrics.streams.clone();
        streams.inc();
        loop {
            tokio::select! {
                () = self.over() => break,
                () = tokio::time::sleep(relay::KEEP_ALIVE) => {}
            }
            if self.sender.send(Bytes::from_static(relay::KEEP_ALIVE_COMMENT)).await.is_err() {
                break;
            }
        }
        streams.dec();
        self.session.close_stream(&self.sender);
    }

    /// Waits until the client goes, or the grant, the session or the gateway ends.
    async fn over(&self) {
        tokio::select! {
            () = self.sender.closed() => {}
            () = self.visit.life.cancelled() => {}
            () = self.session.ended.cancelled() => {}
            () = self.visit.gateway.stop.cancelled() => {}
        }
    }
}

/// Takes what a session's own child says that belongs to no request, until the child ends.
pub(super) async fn pump(visit: Arc<Visit>, session: Arc<Session>, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        let watch = Watch { visit: &visit, session: Some(&session), leg: &session.leg };
        let (Event::ServerRequest { body, .. } | Event::Notification { body, .. }) = &event;
        let Ok(document) = Document::read(body, visit.binding.server.limits()) else { continue };
        let passes = match Message::read(&document) {
            Ok(Message::Notification(note)) => watch.notification(&note),
            Ok(Message::Request(request)) => watch.request(&request).await,
            _ => false,
        };
        if !passes {
            continue;
        }
        let delivered = match session.outlet() {
            Some(outlet) => outlet.send(event_of(body)).await.is_ok(),
            None => false,
        };
        if !delivered && let Event::ServerRequest { id_raw, .. } = &event {
            let id = String::from_utf8_lossy(id_raw).into_owned();
            nobody_listens(&visit, &session, &id).await;
        }
    }
    if visit.gateway.sessions.remove(&session.id).is_some() {
        visit.gateway.end_session(session);
    }
}

/// Tells a child that no stream of its client is open to carry its request.
async fn nobody_listens(visit: &Visit, session: &Session, id: &str) {
    if !session.take_expected(&super::shape::key_of(id)) {
        return;
    }
    let text = "the client has no stream open on which it could be asked";
    let body =
        toolgate_mcp::error::error_body(Some(id), toolgate_mcp::error::Code::InternalError, text, None);
    if let Err(error) = visit.binding.server.tell(&session.leg, Bytes::from(body), true).await {
        tracing::debug!(%error, "a request of the server was not answered");
    }
}

/// Takes what the shared children of a server say that belongs to no request.
pub(crate) async fn pump_shared(
    gateway: Arc<Gateway>,
    server: Arc<Server>,
    mut events: mpsc::Receiver<Event>,
) {
    while let Some(event) = next_event(&gateway, &mut events).await {
        let Event::Notification { method, body } = event else {
            // A shared child was told that its client can do nothing.
            continue;
        };
        match Method::parse(&method) {
            Some(Method::ToolsListChanged) => {
                server.inventory(Era::Legacy).invalidate();
                server.inventory(Era::Modern).invalidate();
            }
            Some(Method::ResourcesUpdated | Method::ResourcesListChanged | Method::PromptsListChanged) => {}
            _ => continue,
        }
        let uri = updated_uri(&body);
        let listening = gateway
            .sessions
            .pick(|s| s.server == server.name() && uri.as_ref().is_none_or(|uri| s.is_subscribed(uri)));
        for session in listening {
            if let Some(stream) = session.stream() {
                // A client that does not read misses what it could ask for again.
                stream.try_send(event_of(&body)).ok();
            }
        }
    }
}

/// The next event, until the gateway stops.
async fn next_event(gateway: &Gateway, events: &mut mpsc::Receiver<Event>) -> Option<Event> {
    tokio::select! {
        event = events.recv() => event,
        () = gateway.stop.cancelled() => None,
    }
}

/// The resource that an update is about.
fn updated_uri(body: &[u8]) -> Option<String> {
    let document = Document::read(body, &toolgate_json::Limits::default()).ok()?;
    let uri = document.root().get("params")?.get("uri")?.as_str()?.into_owned();
    Some(uri)
}
