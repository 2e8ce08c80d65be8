//! What a POST carries: read strictly, told apart by era and kind, and sent the way that its method goes.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use tokio::sync::mpsc;
use toolgate_json::{Document, Value};
use toolgate_mcp::error::{self, Code};
use toolgate_mcp::headers;
use toolgate_mcp::message::{Message, MessageError, Notification, Request};
use toolgate_mcp::meta::Meta;
use toolgate_mcp::method::{Judged, Kind, Method, Side};
use toolgate_mcp::params::Cancelled;
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::{batch, message};

use super::flow::Flow;
use super::visit::Visit;
use super::{calls, lifecycle, shape};
use crate::body::Body;
use crate::refusal::{Early, Refusal, empty, json};
use crate::session::Session;
use crate::upstream::{Leg, UpstreamError, event_of};

/// A request whose way is known.
#[derive(Debug)]
pub(super) struct Inquiry<'d> {
    pub(super) visit: &'d Arc<Visit>,
    pub(super) body: &'d Bytes,
    pub(super) request: &'d Request<'d>,
    pub(super) method: Method,
    pub(super) session: Option<Arc<Session>>,
    pub(super) leg: Leg,
}

impl Inquiry<'_> {
    pub(super) fn era(&self) -> Era {
        self.leg.era()
    }

    /// An error answer to this request.
    pub(super) fn error(&self, code: Code, text: impl Into<String>) -> Refusal {
        Refusal::error(self.request.id.raw(), code, text, self.era())
    }

    /// What went wrong with the server, as the client is told.
    pub(super) fn upstream_error(&self, error: &UpstreamError) -> Refusal {
        Refusal::of_upstream(error, self.visit.binding.server.name(), self.request.id.raw(), self.era())
    }
}

/// Receives the body of a POST.
pub(super) async fn receive(visit: Arc<Visit>, body: Bytes) -> Result<Response<Body>, Refusal> {
    let limits = visit.gateway.message_limits(&visit.snapshot);
    let document = Document::read(&body, &limits)
        .map_err(|e| Refusal::of_message(&MessageError::from(e), Era::Legacy))?;
    let era = era_of(&visit, &document);
    let message = Message::read(&document).map_err(|e| Refusal::of_message(&e, era))?;
    match (message, era) {
        (Message::Request(request), Era::Modern) => modern_request(&visit, &body, &request).await,
        (Message::Request(request), Era::Legacy) => legacy_request(&visit, &body, &request).await,
        (Message::Notification(note), Era::Modern) => modern_notification(&visit, &note),
        (Message::Notification(note), Era::Legacy) => {
            Box::pin(legacy_notification(&visit, &body, &note)).await
        }
        (Message::Response(response), Era::Legacy) => Box::pin(client_answer(&visit, &body, &response)).await,
        (Message::Response(_), Era::Modern) => Err(Refusal::Message {
            id: None,
            code: Code::InvalidRequest,
            text: "this revision has no requests of the server that a client could answer".to_owned(),
            data: None,
            era,
        }),
        (Message::Batch(array), _) => Box::pin(split_batch(&visit, array)).await,
    }
}

/// The era of a message: its body says so, else its version header. It is known before anything of the
/// message is acted on, and never taken from another message.
fn era_of(visit: &Visit, document: &Document<'_>) -> Era {
    let params = document.root().get("params");
    let meta = params.and_then(|p| p.get("_meta"));
    if meta.and_then(|m| m.get(toolgate_mcp::meta::PROTOCOL_VERSION)).is_some() {
        return Era::Modern;
    }
    match visit.headers.get(headers::PROTOCOL_VERSION).map(|v| v.to_str().unwrap_or_default().trim()) {
        // A date after the last legacy revision is one without a handshake, known or not.
        Some(version) if version > Revision::NEWEST_LEGACY.as_str() && looks_like_date(version) => {
            Era::Modern
        }
        _ => Era::Legacy,
    }
}

fn looks_like_date(version: &str) -> bool {
    let shape: Vec<bool> = version.bytes().map(|b| b.is_ascii_digit()).collect();
    shape == [true, true, true, true, false, true, true, false, true, true]
}

async fn modern_request(
    visit: &Arc<Visit>,
    body: &Bytes,
    request: &Request<'_>,
) -> Result<Response<Body>, Refusal> {
    let error = |code, text: String| Refusal::error(request.id.raw(), code, text, Era::Modern);
    let meta = request.meta().ok_or_else(|| {
        error(Code::InvalidParams, format!("`params._meta` needs `{}`", toolgate_mcp::meta::PROTOCOL_VERSION))
    })?;
    let modern = meta.modern().map_err(|fault| error(Code::InvalidParams, fault.to_string()))?;
    let version = modern.protocol_version.as_str();
    let revision = Revision::parse(version).filter(|r| r.era() == Era::Modern);
    let Some(revision) = revision else { return Err(unsupported_version(request, version)) };
    let method = Method::admit(request.method.as_str(), revision, Side::Client, Kind::Request);
    headers::check_modern(&visit.headers, request, &[]).map_err(|f| error(f.code(), f.to_string()))?;
    let method = method.ok_or_else(|| error(Code::MethodNotFound, unknown_method(request)))?;
    let server = &visit.binding.server;
    let leg = server
        .modern_leg()
        .await
        .map_err(|e| Refusal::of_upstream(&e, server.name(), request.id.raw(), Era::Modern))?;
    dispatch(Inquiry { visit, body, request, method, session: None, leg }).await
}

fn unsupported_version(request: &Request<'_>, version: &str) -> Refusal {
    let supported: Vec<String> = Revision::ALL.iter().rev().map(|r| format!("\"{r}\"")).collect();
    let mut requested = Vec::new();
    toolgate_json::write_string(version, &mut requested);
    let requested = String::from_utf8(requested).unwrap_or_default();
    Refusal::Message {
        id: Some(request.id.raw().to_owned()),
        code: Code::UnsupportedVersion,
        text: "this protocol version is not served here".to_owned(),
        data: Some(format!(r#"{{"supported":[{}],"requested":{requested}}}"#, supported.join(","))),
        era: Era::Modern,
    }
}

fn unknown_method(request: &Request<'_>) -> String {
    let name: String = request.method.as_str().chars().filter(|c| !c.is_control()).take(64).collect();
    format!("the method `{name}` does not exist in this revision")
}

async fn legacy_request(
    visit: &Arc<Visit>,
    body: &Bytes,
    request: &Request<'_>,
) -> Result<Response<Body>, Refusal> {
    if request.method.as_str() == Method::Initialize.name() {
        return Box::pin(lifecycle::initialize(visit, body, request)).await;
    }
    let session = session_of(visit)?;
    check_version_header(visit, Some(request.id.raw()))?;
    let method = Method::admit(request.method.as_str(), session.revision, Side::Client, Kind::Request);
    let method = method.ok_or_else(|| {
        Refusal::error(request.id.raw(), Code::MethodNotFound, unknown_method(request), Era::Legacy)
    })?;
    let _hold = session.hold();
    let leg = session.leg.clone();
    dispatch(Inquiry { visit, body, request, method, session: Some(session), leg }).await
}

/// The session that a legacy message belongs to.
pub(super) fn session_of(visit: &Visit) -> Result<Arc<Session>, Refusal> {
    let Some(id) = visit.headers.get(headers::SESSION_ID) else {
        return Err(Refusal::Message {
            id: None,
            code: Code::InvalidRequest,
            text: "no session: send `initialize` first, and its `Mcp-Session-Id` with every later request; \
                   a request of 2026-07-28 needs no session but `params._meta` and its headers"
                .to_owned(),
            data: None,
            era: Era::Legacy,
        });
    };
    let id = id.to_str().map_err(|_| Early::SessionNotFound)?;
    let found = visit.gateway.sessions.find(id, &visit.grant.label, visit.binding.server.name());
    let session = found.ok_or(Early::SessionNotFound)?;
    session.touch(visit.arrived.mono);
    Ok(session)
}

/// A version header of the legacy era names a legacy revision, or is not there.
pub(super) fn check_version_header(visit: &Visit, id: Option<&str>) -> Result<(), Refusal> {
    let known = match visit.headers.get(headers::PROTOCOL_VERSION) {
        None => true,
        Some(_) => visit
            .header(&headers::PROTOCOL_VERSION)
            .and_then(Revision::parse)
            .is_some_and(|r| r.era() == Era::Legacy),
    };
    if known {
        return Ok(());
    }
    Err(Refusal::Message {
        id: id.map(str::to_owned),
        code: Code::InvalidRequest,
        text: "the `MCP-Protocol-Version` header names no revision that is served in a session".to_owned(),
        data: None,
        era: Era::Legacy,
    })
}

/// Sends a request the way that its method goes.
async fn dispatch(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    match inquiry.method.judged() {
        Judged::Ping => Ok(answered(&inquiry, "{}")),
        Judged::Logging if shares_child(&inquiry) => Ok(answered(&inquiry, "{}")),
        Judged::Lifecycle => forward(&inquiry, shape::Shape::Discover).await,
        Judged::Logging => forward(&inquiry, shape::Shape::Plain).await,
        Judged::List(listed) => forward(&inquiry, shape::Shape::List(listed)).await,
        Judged::Tool => calls::tool(inquiry).await,
        Judged::Resource => Box::pin(calls::resource(inquiry)).await,
        Judged::Prompt => Box::pin(calls::prompt(inquiry)).await,
        Judged::Completion => Box::pin(calls::completion(inquiry)).await,
        Judged::Subscription => Box::pin(calls::listen(inquiry)).await,
        Judged::Task => Box::pin(calls::task(inquiry)).await,
        // No client's request is judged as one of these; the table of methods says so.
        Judged::Asked(_) | Judged::Cancel | Judged::Progress | Judged::Note => {
            Err(inquiry.error(Code::MethodNotFound, unknown_method(inquiry.request)))
        }
    }
}

/// Sends a request on that nothing judges but its answer.
async fn forward(inquiry: &Inquiry<'_>, shape: shape::Shape) -> Result<Response<Body>, Refusal> {
    Box::pin(Flow::of(inquiry, shape, None).start(inquiry)).await
}

fn shares_child(inquiry: &Inquiry<'_>) -> bool {
    matches!(inquiry.leg, Leg::Child { own: false, .. }) && inquiry.era() == Era::Legacy
}

fn answered(inquiry: &Inquiry<'_>, result: &str) -> Response<Body> {
    json(StatusCode::OK, error::result_body(inquiry.request.id.raw(), result))
}

fn modern_notification(visit: &Visit, note: &Notification<'_>) -> Result<Response<Body>, Refusal> {
    let fault =
        |code: Code, text: String| Refusal::Message { id: None, code, text, data: None, era: Era::Modern };
    headers::check_modern_notification(&visit.headers, note).map_err(|f| fault(f.code(), f.to_string()))?;
    match Method::admit(note.method.as_str(), Revision::NEWEST_MODERN, Side::Client, Kind::Notification) {
        // Over HTTP a modern client cancels by closing the stream; some tell it as well.
        Some(_) => Ok(empty(StatusCode::ACCEPTED)),
        None => {
            Err(fault(Code::MethodNotFound, "this notification does not exist in this revision".to_owned()))
        }
    }
}

async fn legacy_notification(
    visit: &Visit,
    body: &Bytes,
    note: &Notification<'_>,
) -> Result<Response<Body>, Refusal> {
    let session = session_of(visit)?;
    check_version_header(visit, None)?;
    let refused = |code: Code, text: &str| Refusal::Message {
        id: None,
        code,
        text: text.to_owned(),
        data: None,
        era: Era::Legacy,
    };
    let method = Method::admit(note.method.as_str(), session.revision, Side::Client, Kind::Notification)
        .ok_or_else(|| refused(Code::MethodNotFound, "this notification does not exist in this revision"))?;
    let forwarded = match method {
        Method::Cancelled => {
            let cancelled: Cancelled<'_> = note.view().map_err(|e| Refusal::of_message(&e, Era::Legacy))?;
            let request = cancelled.request_id.map(|id| id.key().into_owned());
            let in_flight = request.is_some_and(|id| session.cancel(&id));
            // A child is told under the id that it knows, by the exchange that ends.
            in_flight && matches!(session.leg, Leg::Web { .. })
        }
        // The gateway shook hands with a shared child itself.
        Method::Initialized => !matches!(session.leg, Leg::Child { own: false, .. }),
        Method::RootsListChanged => {
            visit.binding.plan.allows_server_request(toolgate_policy::ServerRequest::Roots)
        }
        _ => true,
    };
    if forwarded {
        let told = visit.binding.server.tell(&session.leg, body.clone(), false).await;
        if let Err(error) = told {
            if matches!(error, UpstreamError::SessionGone) {
                lifecycle::forget(visit, &session);
                return Err(Early::SessionNotFound.into());
            }
            tracing::debug!(server = visit.binding.server.name(), %error, "a notification was not delivered");
        }
    }
    Ok(empty(StatusCode::ACCEPTED))
}

/// A client's answer to a request of the server: passed on once, and only if it was asked.
async fn client_answer(
    visit: &Visit,
    body: &Bytes,
    response: &message::Response<'_>,
) -> Result<Response<Body>, Refusal> {
    let session = session_of(visit)?;
    check_version_header(visit, None)?;
    let expected = response.id.is_some_and(|id| session.take_expected(&id.key()));
    if !expected {
        return Err(Refusal::Message {
            id: None,
            code: Code::InvalidRequest,
            text: "no request of the server with this id waits for an answer in this session".to_owned(),
            data: None,
            era: Era::Legacy,
        });
    }
    let told = visit.binding.server.tell(&session.leg, body.clone(), true).await;
    told.map_err(|e| Refusal::of_upstream(&e, visit.binding.server.name(), "null", Era::Legacy))?;
    Ok(empty(StatusCode::ACCEPTED))
}

/// A batch of 2025-03-26: each element goes its own way, and the answers come on one stream.
async fn split_batch(visit: &Visit, array: Value<'_>) -> Result<Response<Body>, Refusal> {
    let revision = match session_of(visit) {
        Ok(session) => session.revision,
        // Without a session no revision was agreed on that has batches.
        Err(_) => Revision::NEWEST_LEGACY,
    };
    let elements = batch::split(array, revision).map_err(|e| Refusal::of_message(&e, Era::Legacy))?;
    let bodies: Vec<Bytes> = elements.iter().map(|e| Bytes::copy_from_slice(e.raw().as_bytes())).collect();
    let mut answers = Vec::new();
    for body in bodies {
        let request_id = visit.gateway.request_ids.next().into();
        let element = Arc::new(Visit { request_id, ..visit.clone() });
        let response = Box::pin(receive(element, body)).await.unwrap_or_else(Refusal::into_response);
        if response.status() != StatusCode::ACCEPTED {
            answers.push(response.into_body());
        }
    }
    if answers.is_empty() {
        return Ok(empty(StatusCode::ACCEPTED));
    }
    Ok(gather(visit, answers))
}

/// One stream of what several bodies hold, in their order.
fn gather(visit: &Visit, answers: Vec<Body>) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(super::relay::WAITING);
    visit.gateway.tasks.spawn(async move {
        for answer in answers {
            match answer {
                Body::Whole(bytes) => {
                    if sender.send(event_of(&bytes.unwrap_or_default())).await.is_err() {
                        return;
                    }
                }
                Body::Events { mut first, mut events } => {
                    while let Some(event) = match first.take() {
                        Some(first) => Some(first),
                        None => events.recv().await,
                    } {
                        if sender.send(event).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    });
    super::relay::event_stream(Body::Events { first: None, events: receiver })
}

/// The raw progress token of a request, if it has one.
pub(super) fn progress_token<'d>(request: &Request<'d>) -> Option<message::Id<'d>> {
    request.meta().and_then(|meta: &Meta<'d>| meta.progress_token())
}

/// The value of a header that is passed on to a server.
pub(super) fn passes_on(name: &header::HeaderName) -> bool {
    *name == headers::METHOD || *name == headers::NAME || name.as_str().starts_with(headers::PARAM_PREFIX)
}
