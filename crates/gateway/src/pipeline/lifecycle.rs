//! Sessions of the legacy era: opened by `initialize`, ended by DELETE.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use tokio::sync::mpsc;
use toolgate_json::{Document, Splice};
use toolgate_mcp::capabilities;
use toolgate_mcp::error::Code;
use toolgate_mcp::headers::SESSION_ID;
use toolgate_mcp::message::{Message, Outcome, Request};
use toolgate_mcp::method::Asked;
use toolgate_mcp::params::Initialize;
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::stdio::event::Event;
use toolgate_mcp::stdio::exchange::OnDrop;
use toolgate_policy::{Plan, ServerRequest};
use toolgate_quota::SessionRef;

use super::messages::session_of;
use super::shape::discover;
use super::streams;
use super::visit::Visit;
use crate::body::Body;
use crate::refusal::{Refusal, empty, json};
use crate::session::{Opening, Session};
use crate::settings::{Protocol, Reach};
use crate::upstream::{Leg, MODERN_ERRORS, Outgoing, UpstreamError};

const METHOD_NOT_FOUND: i64 = -32_601;

/// What a server's handshake came to.
struct Shaken {
    leg: Leg,
    answer: Bytes,
    /// The messages of the session's own child.
    events: Option<mpsc::Receiver<Event>>,
}

/// Opens a session.
pub(super) async fn initialize(
    visit: &Arc<Visit>,
    body: &Bytes,
    request: &Request<'_>,
) -> Result<Response<Body>, Refusal> {
    let view: Initialize<'_> = request.view().map_err(|e| Refusal::of_message(&e, Era::Legacy))?;
    let asked = Revision::parse(view.protocol_version.as_str()).filter(|r| r.era() == Era::Legacy);
    let revision = asked.unwrap_or(Revision::NEWEST_LEGACY);
    let refused = |e: UpstreamError| {
        Refusal::of_upstream(&e, visit.binding.server.name(), request.id.raw(), Era::Legacy)
    };
    if visit.binding.server.settings().protocol == Protocol::Modern {
        return Err(refused(UpstreamError::OtherEra(Era::Modern)));
    }
    let mut splice = Splice::new();
    if asked.is_none() {
        splice.replace(view.protocol_version.span(), format!("\"{revision}\""));
    }
    capabilities::strip(view.capabilities, &closed_to_servers(&visit.binding.plan), &mut splice);
    let sent = if splice.is_empty() { body.clone() } else { Bytes::from(splice.apply(body)) };
    let shaken = shake_hands(visit, sent, revision).await.map_err(refused)?;
    open(visit, request, shaken)
}

/// The capabilities of a client that the policy keeps from servers.
pub(super) fn closed_to_servers(plan: &Plan) -> Vec<&'static str> {
    [
        (ServerRequest::Sampling, Asked::Sampling),
        (ServerRequest::Elicitation, Asked::Elicitation),
        (ServerRequest::Roots, Asked::Roots),
    ]
    .into_iter()
    .filter(|(kind, _)| !plan.allows_server_request(*kind))
    .map(|(_, asked)| capabilities::needed_for(asked))
    .collect()
}

async fn shake_hands(visit: &Visit, body: Bytes, revision: Revision) -> Result<Shaken, UpstreamError> {
    let server = &visit.binding.server;
    let (leg, events) = match (&server.settings().reach, server.children()) {
        (Reach::Command { .. }, Some(children)) if children.is_shared() => {
            let (leg, answer) = children.shared_legacy().await?;
            return Ok(Shaken { leg, answer, events: None });
        }
        (Reach::Command { .. }, Some(children)) => {
            let opened = children.open()?;
            (Leg::Child { revision, child: opened.child, own: true }, Some(opened.events))
        }
        _ => (Leg::Web { revision, session: None }, None),
    };
    let id = id_span(&body)?;
    let outgoing = Outgoing { body, id, progress_token: None, headers: Vec::new(), on_drop: OnDrop::Abandon };
    let reply = server.request(&leg, outgoing).await?;
    let session = reply.session.clone();
    let answer = reply.content.final_message(server).await?;
    let answer = answer.ok_or_else(|| UpstreamError::Protocol("no answer to `initialize`".to_owned()))?;
    let leg = match leg {
        Leg::Web { revision, .. } => Leg::Web { revision, session },
        child @ Leg::Child { .. } => child,
    };
    Ok(Shaken { leg, answer, events })
}

fn id_span(body: &[u8]) -> Result<toolgate_json::Span, UpstreamError> {
    let document = Document::read(body, &toolgate_json::Limits { bytes: body.len(), ..Default::default() })
        .map_err(|e| UpstreamError::Protocol(e.to_string()))?;
    let id = document.root().get("id").map(|id| id.span());
    id.ok_or_else(|| UpstreamError::Protocol("no id".to_owned()))
}

/// Makes the session of a handshake that went well, and answers with its id.
fn open(visit: &Arc<Visit>, request: &Request<'_>, shaken: Shaken) -> Result<Response<Body>, Refusal> {
    let server = &visit.binding.server;
    let refused = |e: UpstreamError| Refusal::of_upstream(&e, server.name(), request.id.raw(), Era::Legacy);
    let protocol = |text: &str| refused(UpstreamError::Protocol(text.to_owned()));
    let document = Document::read(&shaken.answer, server.limits()).map_err(|e| protocol(&e.to_string()))?;
    let Ok(Message::Response(response)) = Message::read(&document) else {
        return Err(protocol("no answer to `initialize`"));
    };
    let result = match response.outcome {
        Outcome::Error(error) => {
            end_leg(visit, shaken.leg);
            if MODERN_ERRORS.contains(&error.code) || error.code == METHOD_NOT_FOUND {
                return Err(refused(UpstreamError::OtherEra(Era::Modern)));
            }
            return Ok(json(StatusCode::OK, shaken.answer.clone()));
        }
        Outcome::Result(result) => result,
    };
    let version = result.get("protocolVersion").and_then(|v| v.as_str());
    let revision = version.and_then(|v| Revision::parse(&v)).filter(|r| r.era() == Era::Legacy);
    let revision = revision.ok_or_else(|| protocol("an unknown `protocolVersion`"))?;
    let mut splice = discover(&visit.binding.plan, result);
    if let Some(id) = response.id.filter(|id| id.raw() != request.id.raw()) {
        // The answer of a shared child, which the gateway itself has asked for.
        splice.replace(id.span(), request.id.raw());
    }
    let body = splice.apply(document.text().as_bytes());
    let session = admit(visit, request, shaken.leg, revision)?;
    if let Some(events) = shaken.events {
        visit.gateway.tasks.spawn(streams::pump(Arc::clone(visit), Arc::clone(&session), events));
    }
    let mut response = json(StatusCode::OK, body);
    if let Ok(id) = HeaderValue::from_str(&session.id) {
        response.headers_mut().insert(SESSION_ID, id);
    }
    Ok(response)
}

fn admit(
    visit: &Visit,
    request: &Request<'_>,
    leg: Leg,
    revision: Revision,
) -> Result<Arc<Session>, Refusal> {
    let gateway = &visit.gateway;
    let leg = match leg {
        Leg::Web { session, .. } => Leg::Web { revision, session },
        Leg::Child { child, own, .. } => Leg::Child { revision, child, own },
    };
    let opening = Opening {
        grant: visit.grant.label.clone(),
        server: visit.binding.server.name().to_owned(),
        group: visit.binding.group.clone(),
        revision,
        leg,
    };
    let full = |text: &str| Refusal::error(request.id.raw(), Code::RateLimited, text, Era::Legacy);
    let now = gateway.clock.now();
    let session = Session::new(opening, now.mono).map_err(|_| full("no session id could be made"))?;
    let session = Arc::new(session);
    let most = visit.snapshot.settings.limits.sessions_per_grant;
    match gateway.sessions.add(Arc::clone(&session), most, now.mono) {
        Ok(None) => {}
        Ok(Some(evicted)) => gateway.end_session(evicted),
        Err(session) => {
            gateway.end_session(session);
            return Err(full("all sessions of this grant are in use; end one of them"));
        }
    }
    gateway.counters.open_session(SessionRef { group: &session.group, session: &session.id }, now);
    Ok(session)
}

/// Ends a leg that no session came of.
fn end_leg(visit: &Visit, leg: Leg) {
    let server = Arc::clone(&visit.binding.server);
    visit.gateway.tasks.spawn(async move { server.end(&leg).await });
}

/// Ends a session on the client's wish.
pub(super) fn end(visit: &Visit) -> Result<Response<Body>, Refusal> {
    if visit.headers.get(SESSION_ID).is_none() {
        return Err(crate::refusal::Early::Verb.into());
    }
    let session = session_of(visit)?;
    if let Some(session) = visit.gateway.sessions.remove(&session.id) {
        visit.gateway.end_session(session);
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Ends a session that the server no longer knows.
pub(super) fn forget(visit: &Visit, session: &Session) {
    if let Some(session) = visit.gateway.sessions.remove(&session.id) {
        visit.gateway.end_session(session);
    }
}
