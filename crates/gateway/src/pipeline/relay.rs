//! Event streams of servers on their way to clients, event by event: each is looked at, and goes on as it
//! came unless a rule says otherwise.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use toolgate_journal::{Kind, Outcome, Record};
use toolgate_json::Document;
use toolgate_mcp::error::{self, Code};
use toolgate_mcp::message::{Message, Notification, Request};
use toolgate_mcp::method::{self, Asked, Method, Side};
use toolgate_mcp::revision::{Era, Revision};
use toolgate_policy::ServerRequest;

use super::flow::Flow;
use super::visit::Visit;
use crate::body::Body;
use crate::session::{InFlight, Session};
use crate::upstream::{Events, Item, Leg, UpstreamError};

/// Events that may wait for a client.
pub(super) const WAITING: usize = 16;
/// A comment goes out when nothing else did for this long.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
pub(super) const KEEP_ALIVE_COMMENT: &[u8] = b": keep-alive\n\n";
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An answer that is an event stream.
pub(super) fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// What becomes of one event.
#[derive(Debug)]
pub(super) enum Passage {
    /// It goes on.
    Forward(Bytes),
    /// It does not.
    Drop,
    /// It is the answer to the request, to be shaped.
    Answer(Bytes),
}

/// The stream that answers one request.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) flow: Flow,
    pub(super) events: Events,
    pub(super) sender: mpsc::Sender<Bytes>,
    pub(super) deadline: Instant,
    pub(super) in_flight: Option<InFlight>,
}

/// What the relay waits for came.
#[expect(clippy::large_enum_variant, reason = "it lives for one turn of the loop")]
enum Next {
    Item(Result<Option<Item>, UpstreamError>),
    Quiet,
    Cut,
    Gone,
}

impl Relay {
    /// Passes events on until the answer, the end, or the time is over.
    pub(super) async fn run(mut self) {
        let streams = self.flow.visit.gateway.metrics.streams.clone();
        streams.inc();
        let mut last = Instant::now();
        loop {
            match self.next().await {
                Next::Item(Ok(Some(item))) => {
                    last = Instant::now();
                    if !self.pass(item).await {
                        break;
                    }
                }
                Next::Item(Ok(None)) => {
                    let broken = UpstreamError::Broken("its stream ended".to_owned());
                    if self.flow.ticket.is_some() || self.flow.bounded {
                        self.fail(&broken).await;
                    }
                    break;
                }
                Next::Item(Err(error)) => {
                    self.fail(&error).await;
                    break;
                }
                Next::Quiet => {
                    if let Some(error) = self.overdue(last) {
                        self.fail(&error).await;
                        break;
                    }
                    if !self.emit(Bytes::from_static(KEEP_ALIVE_COMMENT)).await {
                        break;
                    }
                }
                Next::Cut | Next::Gone => break,
            }
        }
        streams.dec();
    }

    async fn next(&mut self) -> Next {
        let modern = self.flow.leg.era() == Era::Modern;
        let cancelled = self.in_flight.as_ref().map(|f| f.cancelled.clone()).unwrap_or_default();
        tokio::select! {
            biased;
            () = self.flow.visit.life.cancelled() => Next::Cut,
            () = cancelled.cancelled() => Next::Cut,
            () = self.flow.visit.gateway.stop.cancelled(), if !self.flow.bounded => Next::Cut,
            () = self.sender.closed(), if modern => Next::Gone,
            item = timeout(KEEP_ALIVE, self.events.next()) => item.map_or(Next::Quiet, Next::Item),
        }
    }

    /// Whether the server has been silent, or the call under way, for too long.
    fn overdue(&self, last: Instant) -> Option<UpstreamError> {
        if !self.flow.bounded {
            return None;
        }
        let settings = self.flow.visit.binding.server.settings();
        if Instant::now() >= self.deadline {
            return Some(UpstreamError::TooSlow(settings.max_duration.as_secs()));
        }
        (last.elapsed() >= settings.timeout).then_some(UpstreamError::Silent(settings.timeout.as_secs()))
    }

    /// Passes one event on; false at the end of the stream.
    async fn pass(&mut self, item: Item) -> bool {
        if self.flow.bounded && Instant::now() >= self.deadline {
            let seconds = self.flow.visit.binding.server.settings().max_duration.as_secs();
            self.fail(&UpstreamError::TooSlow(seconds)).await;
            return false;
        }
        let watch =
            Watch { visit: &self.flow.visit, session: self.flow.session.as_ref(), leg: &self.flow.leg };
        match Box::pin(watch.passage(&item, Some(&self.flow.id))).await {
            Ok(Passage::Forward(raw)) => self.emit(raw).await,
            Ok(Passage::Drop) => true,
            Ok(Passage::Answer(data)) => {
                match self.flow.conclude(data.clone()) {
                    Ok(shaped) => {
                        self.flow.settle_shaped(&shaped);
                        let event =
                            if shaped.body == data { item.raw.clone() } else { item.with_data(&shaped.body) };
                        self.emit(event).await;
                    }
                    Err(error) => self.fail(&error).await,
                }
                false
            }
            Err(error) => {
                self.fail(&error).await;
                false
            }
        }
    }

    /// Sends an event. A legacy client that went away changes nothing; a modern one ends the stream.
    async fn emit(&self, event: Bytes) -> bool {
        self.sender.send(event).await.is_ok() || self.flow.leg.era() == Era::Legacy
    }

    async fn fail(&mut self, error: &UpstreamError) {
        let event = self.flow.failure_event(error);
        self.emit(event).await;
    }
}

/// Looks at what a server sends.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) visit: &'a Visit,
    pub(super) session: Option<&'a std::sync::Arc<Session>>,
    pub(super) leg: &'a Leg,
}

impl Watch<'_> {
    /// What becomes of an event; `answers` is the raw id of the request that the stream answers.
    pub(super) async fn passage(&self, item: &Item, answers: Option<&str>) -> Result<Passage, UpstreamError> {
        let Some(data) = &item.data else { return Ok(Passage::Forward(item.raw.clone())) };
        let document = Document::read(data, self.visit.binding.server.limits())
            .map_err(|e| UpstreamError::Protocol(e.to_string()))?;
        let message = Message::read(&document).map_err(|e| UpstreamError::Protocol(e.to_string()))?;
        let passes = match message {
            // Without a request it can only be the replay of one that was answered before.
            Message::Response(_) if answers.is_none() => self.session.is_some(),
            Message::Response(_) => return Ok(Passage::Answer(data.clone())),
            Message::Notification(note) => self.notification(&note),
            Message::Request(request) => self.request(&request).await,
            Message::Batch(_) => return Err(UpstreamError::Protocol("it sent a batch".to_owned())),
        };
        Ok(if passes { Passage::Forward(item.raw.clone()) } else { Passage::Drop })
    }

    fn revision(&self) -> Revision {
        match self.leg {
            Leg::Web { revision, .. } | Leg::Child { revision, .. } => *revision,
        }
    }

    /// Whether a notification goes on.
    pub(super) fn notification(&self, note: &Notification<'_>) -> bool {
        let kind = method::Kind::Notification;
        let server = &self.visit.binding.server;
        let Some(method) = Method::admit(note.method.as_str(), self.revision(), Side::Server, kind) else {
            tracing::debug!(server = server.name(), "an unknown notification of the server is dropped");
            return false;
        };
        match method {
            Method::ToolsListChanged => {
                server.inventory(self.leg.era()).invalidate();
                true
            }
            Method::ResourcesUpdated => {
                let uri = note.params.as_ref().and_then(|p| p.get("uri")).and_then(|u| u.as_str());
                uri.is_some_and(|uri| self.visit.binding.plan.lists_resource(&uri))
            }
            Method::TasksStatus | Method::Tasks => {
                let id = note.params.as_ref().and_then(|p| p.get("taskId")).and_then(|t| t.as_str());
                id.is_some_and(|id| self.visit.gateway.task_ids.belongs(&self.visit.binding.group, &id))
            }
            _ => true,
        }
    }

    /// Whether a server's request goes on to the client; one that does not is answered here.
    pub(super) async fn request(&self, request: &Request<'_>) -> bool {
        let kind = method::Kind::Request;
        let method = Method::admit(request.method.as_str(), self.revision(), Side::Server, kind);
        let (Some(session), Some(method), Era::Legacy) = (self.session, method, self.leg.era()) else {
            if self.leg.era() == Era::Legacy {
                self.answer(
                    request,
                    &refusal(request, Code::MethodNotFound, "the method does not exist here"),
                )
                .await;
            }
            return false;
        };
        if method == Method::Ping {
            self.answer(request, &error::result_body(request.id.raw(), "{}")).await;
            return false;
        }
        let allowed = asked(method).is_some_and(|kind| self.visit.binding.plan.allows_server_request(kind));
        self.record(method, allowed);
        if !allowed {
            let text = "the policy does not let servers ask this of the client";
            self.answer(request, &refusal(request, Code::PolicyDenied, text)).await;
            return false;
        }
        if session.expect_answer(&request.id.key()) {
            return true;
        }
        let text = "too many requests of the server wait for an answer, or one has this id";
        self.answer(request, &refusal(request, Code::InternalError, text)).await;
        false
    }

    async fn answer(&self, request: &Request<'_>, body: &[u8]) {
        let told = self.visit.binding.server.tell(self.leg, Bytes::copy_from_slice(body), true).await;
        if let Err(error) = told {
            tracing::debug!(method = request.method.as_str(), %error, "the server's request was not answered");
        }
    }

    fn record(&self, method: Method, allowed: bool) {
        let plan = &self.visit.binding.plan;
        self.visit.gateway.note(&Record {
            ts: self.visit.gateway.clock.now().wall,
            kind: Kind::Decision,
            request_id: Some(&self.visit.request_id),
            grant: Some(&self.visit.grant.label),
            server: Some(self.visit.binding.server.name()),
            method: Some(method.name()),
            outcome: Some(if allowed { Outcome::Allow } else { Outcome::Deny }),
            rule: (!allowed).then_some("/server_requests"),
            policy: Some(plan.name()),
            policy_version: Some(plan.version()),
            ..Record::default()
        });
    }
}

fn refusal(request: &Request<'_>, code: Code, text: &str) -> Vec<u8> {
    error::error_body(Some(request.id.raw()), code, text, None)
}

/// What a server's method asks of the client.
pub(super) fn asked(method: Method) -> Option<ServerRequest> {
    match method.judged() {
        method::Judged::Asked(Asked::Sampling) => Some(ServerRequest::Sampling),
        method::Judged::Asked(Asked::Elicitation) => Some(ServerRequest::Elicitation),
        method::Judged::Asked(Asked::Roots) => Some(ServerRequest::Roots),
        _ => None,
    }
}
