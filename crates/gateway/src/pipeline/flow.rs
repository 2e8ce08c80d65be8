//! A request under way to a server, and its answer on the way back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toolgate_journal::Outcome;
use toolgate_mcp::method::Method;
use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::exchange::OnDrop;

use super::messages::{Inquiry, passes_on, progress_token};
use super::relay::{self, Relay};
use super::shape::{Answered, Shape, Shaped, shape};
use super::visit::Visit;
use crate::body::Body;
use crate::grant::StreamPlace;
use crate::refusal::{Refusal, json};
use crate::session::{Hold, InFlight, Session};
use crate::ticket::Ticket;
use crate::upstream::{Content, Leg, Outgoing, Reply, UpstreamError};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How a flow ends when its client goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    /// The work goes on: a legacy client's disconnect is no cancellation (2025-03-26, transports).
    GoesOn,
    /// The work is cancelled (2026-07-28, cancellation).
    Cancels,
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) visit: Arc<Visit>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) leg: Leg,
    /// The raw id of the request.
    pub(super) id: String,
    /// The one spelling of that id.
    key: String,
    pub(super) shape: Shape,
    pub(super) ticket: Option<Box<Ticket>>,
    pub(super) method: Method,
    /// Whether it ends with an answer in due time; a subscription stays open.
    pub(super) bounded: bool,
    /// Monotonic nanoseconds at which it was sent.
    sent: u64,
    /// Keeps the session from counting as idle.
    pub(super) _hold: Option<Hold>,
    /// The place of a stream that stays open.
    pub(super) _place: Option<StreamPlace>,
}

impl Flow {
    /// The flow of a request.
    pub(super) fn of(inquiry: &Inquiry<'_>, shape: Shape, ticket: Option<Box<Ticket>>) -> Self {
        Self {
            visit: Arc::clone(inquiry.visit),
            _hold: inquiry.session.as_ref().map(Session::hold),
            session: inquiry.session.clone(),
            leg: inquiry.leg.clone(),
            id: inquiry.request.id.raw().to_owned(),
            key: inquiry.request.id.key().into_owned(),
            shape,
            ticket,
            method: inquiry.method,
            bounded: true,
            sent: 0,
            _place: None,
        }
    }

    /// Sends the request as it came.
    pub(super) fn start(
        self,
        inquiry: &Inquiry<'_>,
    ) -> impl Future<Output = Result<Response<Body>, Refusal>> + use<> {
        let outgoing = self.outgoing(inquiry);
        self.send(outgoing)
    }

    /// The request as it came, with the headers that go on.
    pub(super) fn outgoing(&self, inquiry: &Inquiry<'_>) -> Outgoing {
        Outgoing {
            body: inquiry.body.clone(),
            id: inquiry.request.id.span(),
            progress_token: progress_token(inquiry.request).map(|t| t.span()),
            headers: self.headers(),
            on_drop: OnDrop::Cancel,
        }
    }

    /// Headers that go on: those of the modern era, which were proved equal to the body, and the trace.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        if self.leg.era() == Era::Modern {
            let passed = self.visit.headers.iter().filter(|(name, _)| passes_on(name));
            headers.extend(passed.map(|(name, value)| (name.clone(), value.clone())));
        }
        if let Some(traceparent) =
            self.visit.header(&TRACEPARENT).and_then(|t| continued(t, &self.visit.request_id))
        {
            headers.push((TRACEPARENT, traceparent));
            if let Some(state) = self.visit.headers.get(TRACESTATE) {
                headers.push((TRACESTATE, state.clone()));
            }
        }
        headers
    }

    /// Sends a request and answers the client.
    pub(super) async fn send(self, outgoing: Outgoing) -> Result<Response<Body>, Refusal> {
        let departure = match self.leg.era() {
            Era::Legacy => Departure::GoesOn,
            Era::Modern => Departure::Cancels,
        };
        let in_flight = self.session.as_ref().map(|session| session.begin(&self.key));
        let tasks = self.visit.gateway.tasks.clone();
        Ok(match departure {
            Departure::Cancels => self.run(outgoing, in_flight).await,
            Departure::GoesOn => {
                Detached { work: Some(Box::pin(self.run(outgoing, in_flight))), tasks }.await
            }
        })
    }

    async fn run(mut self, outgoing: Outgoing, in_flight: Option<InFlight>) -> Response<Body> {
        self.sent = self.visit.gateway.clock.mono();
        if let Some(ticket) = &mut self.ticket {
            ticket.sent = Some(self.sent);
        }
        if let Some(outlet) = self.outlet() {
            return Box::pin(self.run_beside_child(outgoing, in_flight, outlet)).await;
        }
        let cancelled = in_flight.as_ref().map(|f| f.cancelled.clone());
        let server = Arc::clone(&self.visit.binding.server);
        let leg = self.leg.clone();
        let answered = tokio::select! {
            biased;
            reply = server.request(&leg, outgoing) => Some(reply),
            () = ended(cancelled.as_ref()) => None,
        };
        match answered {
            Some(reply) => self.reply(reply, in_flight),
            None => self.gone(Outcome::Cancelled),
        }
    }

    /// As `run`, while the session's own child may say things that belong to no request.
    async fn run_beside_child(
        mut self,
        outgoing: Outgoing,
        in_flight: Option<InFlight>,
        (sender, mut receiver, place): Outlet,
    ) -> Response<Body> {
        let cancelled = in_flight.as_ref().map(|f| f.cancelled.clone());
        let server = Arc::clone(&self.visit.binding.server);
        let leg = self.leg.clone();
        let mut reply = Box::pin(async move { server.request(&leg, outgoing).await });
        tokio::select! {
            biased;
            reply = &mut reply => self.reply(reply, in_flight),
            () = ended(cancelled.as_ref()) => self.gone(Outcome::Cancelled),
            Some(first) = receiver.recv() => {
                // The child says something before its answer: what comes is a stream.
                let tasks = self.visit.gateway.tasks.clone();
                tasks.spawn(async move {
                    let _place = place;
                    let reply = tokio::select! {
                        reply = reply => reply,
                        () = ended(cancelled.as_ref()) => return self.settle(Outcome::Cancelled),
                    };
                    self.finish_stream(reply, sender, in_flight).await;
                });
                relay::event_stream(Body::Events { first: Some(first), events: receiver })
            }
        }
    }

    /// When its answer must have ended, by the server's `max_duration`.
    fn deadline(&self) -> Instant {
        let elapsed = self.visit.gateway.clock.mono().saturating_sub(self.sent);
        let most = self.visit.binding.server.settings().max_duration;
        Instant::now() + most.saturating_sub(Duration::from_nanos(elapsed))
    }

    /// A place for messages of the session's own child that belong to no request, while this one waits.
    fn outlet(&self) -> Option<Outlet> {
        let session = self.session.as_ref()?;
        let Leg::Child { own: true, .. } = &self.leg else { return None };
        let (sender, receiver) = mpsc::channel(relay::WAITING);
        let place = session.open_outlet(sender.clone());
        Some((sender, receiver, place))
    }

    fn reply(mut self, reply: Result<Reply, UpstreamError>, in_flight: Option<InFlight>) -> Response<Body> {
        let content = match reply {
            Ok(reply) => reply.content,
            Err(error) => return self.fail(&error),
        };
        match content {
            Content::Whole { status, body } => match self.conclude(body) {
                Ok(shaped) => self.answer(status, shaped),
                Err(error) => self.fail(&error),
            },
            Content::Events(events) => {
                let (sender, receiver) = mpsc::channel(relay::WAITING);
                let tasks = self.visit.gateway.tasks.clone();
                self.visit = self.visit.without_headers();
                let deadline = self.deadline();
                let relay = Relay { flow: self, events: *events, sender, deadline, in_flight };
                tasks.spawn(relay.run());
                relay::event_stream(Body::Events { first: None, events: receiver })
            }
            Content::Nothing => {
                self.fail(&UpstreamError::Protocol("it took the request without an answer".to_owned()))
            }
        }
    }

    /// Ends a stream that was begun before the answer was there.
    async fn finish_stream(
        mut self,
        reply: Result<Reply, UpstreamError>,
        sender: mpsc::Sender<Bytes>,
        in_flight: Option<InFlight>,
    ) {
        let last = match reply.map(|r| r.content) {
            Ok(Content::Events(events)) => {
                let deadline = self.deadline();
                return Relay { flow: self, events: *events, sender, deadline, in_flight }.run().await;
            }
            Ok(Content::Whole { body, .. }) => self.conclude(body),
            Ok(Content::Nothing) => {
                Err(UpstreamError::Protocol("it took the request without an answer".to_owned()))
            }
            Err(error) => Err(error),
        };
        let event = match last {
            Ok(shaped) => {
                self.settle_shaped(&shaped);
                crate::upstream::event_of(&shaped.body)
            }
            Err(error) => self.failure_event(&error),
        };
        if sender.send(event).await.is_err() {
            tracing::debug!("the client went away before its answer");
        }
    }

    /// Shapes the answer.
    pub(super) fn conclude(&mut self, body: Bytes) -> Result<Shaped, UpstreamError> {
        if let Some(ticket) = &mut self.ticket {
            ticket.answered = Some(ticket.gateway.clock.mono());
        }
        let budget = self.ticket.as_ref().and_then(|t| t.budget.as_deref());
        let answer = Answered { era: self.leg.era(), id: &self.id, key: &self.key, budget };
        shape(&self.visit, self.shape, &answer, body)
    }

    fn answer(&mut self, status: StatusCode, shaped: Shaped) -> Response<Body> {
        self.settle_shaped(&shaped);
        json(status, shaped.body)
    }

    /// Settles the ticket by what the answer says; a task keeps it until the task has ended.
    pub(super) fn settle_shaped(&mut self, shaped: &Shaped) {
        let group = &self.visit.binding.group;
        let task_ids = &self.visit.gateway.task_ids;
        match (&shaped.task, self.shape) {
            (Some((id, ended)), Shape::Tool) => {
                task_ids.issue(group, id);
                match self.ticket.take() {
                    Some(ticket) if !ended => {
                        let until = ticket.gateway.clock.mono().saturating_add(TASK_PATIENCE);
                        task_ids.park(group, id, ticket, until);
                        return;
                    }
                    ticket => self.ticket = ticket,
                }
            }
            (Some((id, true)), Shape::Task) => task_ids.settle(group, id, shaped.outcome),
            _ => {}
        }
        self.settle(shaped.outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            ticket.finish(outcome);
        }
    }

    /// The answer when there is none of the server.
    fn fail(mut self, error: &UpstreamError) -> Response<Body> {
        self.settle_failure(error);
        Refusal::of_upstream(error, self.visit.binding.server.name(), &self.id, self.leg.era())
            .into_response()
    }

    /// The same as an event, for a stream that has begun.
    pub(super) fn failure_event(&mut self, error: &UpstreamError) -> Bytes {
        self.settle_failure(error);
        let era = self.leg.era();
        let text = format!("server `{}`: {error}", self.visit.binding.server.name());
        let body = toolgate_mcp::error::error_body(Some(&self.id), error.code(era), &text, None);
        crate::upstream::event_of(&body)
    }

    fn settle_failure(&mut self, error: &UpstreamError) {
        let outcome = if error.is_unreached() { Outcome::Unreached } else { Outcome::Error };
        self.settle(outcome);
        tracing::info!(
            request_id = &*self.visit.request_id,
            server = self.visit.binding.server.name(),
            method = self.method.name(),
            %error,
            "the server gave no good answer"
        );
        match error {
            UpstreamError::SessionGone => {
                if let Some(session) = &self.session {
                    super::lifecycle::forget(&self.visit, session);
                }
            }
            UpstreamError::Silent(_) | UpstreamError::TooSlow(_) => self.cancel_upstream(),
            _ => {}
        }
    }

    /// Tells a legacy server over HTTP that nobody waits any more; a child is told by its exchange, and a
    /// modern server by the end of the connection.
    fn cancel_upstream(&self) {
        let Leg::Web { revision, .. } = &self.leg else { return };
        if revision.era() == Era::Modern {
            return;
        }
        let body = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":"the gateway's time for it is over"}}}}"#,
            self.id
        );
        let (server, leg) = (Arc::clone(&self.visit.binding.server), self.leg.clone());
        self.visit.gateway.tasks.spawn(async move {
            if let Err(error) = server.tell(&leg, Bytes::from(body), false).await {
                tracing::debug!(%error, "the server was not told that a request is over");
            }
        });
    }

    /// The answer to a request that was cancelled or whose grant has ended.
    fn gone(mut self, outcome: Outcome) -> Response<Body> {
        self.settle(outcome);
        let code = toolgate_mcp::error::Code::Cancelled;
        Refusal::error(&self.id, code, "the request was cancelled", self.leg.era()).into_response()
    }
}

/// Both ends of a channel for what a child says of itself, and its place in the session.
type Outlet = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>, crate::session::Outlet);

/// Nanoseconds for which a task's call is kept open when nobody asks how it went: an hour.
const TASK_PATIENCE: u64 = 3_600_000_000_000;

/// A trace context continued under a span of our own (W3C Trace Context, 3.2); none for a malformed one.
fn continued(traceparent: &str, request_id: &str) -> Option<HeaderValue> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    let valid =
        version == "00" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2) && parts.next().is_none();
    if !valid || !nonzero(trace) || !nonzero(parent) {
        return None;
    }
    let hash = crate::token::hash(request_id);
    let span = crate::token::hex(hash.get(..8)?);
    HeaderValue::from_str(&format!("00-{trace}-{span}-{flags}")).ok()
}

/// Waits until the client cancels; for ever where it cannot.
async fn ended(cancelled: Option<&CancellationToken>) {
    match cancelled {
        Some(cancelled) => cancelled.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Work that is finished in the background if its client goes away.
struct Detached<F: Future + Send + 'static>
where
    F::Output: Send,
{
    work: Option<Pin<Box<F>>>,
    tasks: TaskTracker,
}

impl<F: Future + Send + 'static> Future for Detached<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut self.work {
            // A future is not polled after it was ready.
            None => Poll::Pending,
            Some(work) => {
                let output = work.as_mut().poll(context);
                if output.is_ready() {
                    self.work = None;
                }
                output
            }
        }
    }
}

impl<F: Future + Send + 'static> Drop for Detached<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.tasks.spawn(work);
        }
    }
}
