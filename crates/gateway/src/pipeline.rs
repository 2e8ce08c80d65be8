//! One request, from the wire to the wire. Its phases, in order, each a function:
//!
//! door (Host, Origin) ▶ grant (token) ▶ route (server) ▶ strict read ▶ era (header = body) ▶ judge
//! (policy, limits, decision record) ▶ forward ▶ answer (shape, settle, outcome record).
//!
//! Data goes one way: no phase reaches back, and nothing decides after the decision's record.

mod calls;
mod flow;
mod lifecycle;
mod messages;
mod relay;
mod shape;
mod streams;
mod visit;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use toolgate_mcp::headers::{Accepted, is_json};

use crate::body::Body;
use crate::door::{Fault, client_address};
use crate::gateway::Gateway;
use crate::listener::HEAD_BYTES;
use crate::ready::within;
use crate::refusal::{Early, Refusal, RefusedBy, json};

use self::visit::Visit;

pub(crate) use self::streams::pump_shared;

const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");

/// Answers one request of the data plane.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let request_id: Arc<str> = gateway.request_ids.next().into();
    let name = HeaderValue::from_str(&request_id);
    let client = client_address(&gateway.snapshot.load().settings, &request, peer);
    let has_body = !hyper::body::Body::is_end_stream(request.body());
    // Boxed: a connection that waits or streams does not carry the state of a call.
    let mut response = match Box::pin(route(&gateway, request, client, request_id)).await {
        Ok(response) => response,
        Err(refusal) => refuse(&gateway, refusal, client, has_body),
    };
    if let Ok(name) = name {
        response.headers_mut().insert(REQUEST_ID, name);
    }
    response
}

/// Counts what was refused before a decision, and words it.
fn refuse(gateway: &Gateway, refusal: Refusal, client: IpAddr, has_body: bool) -> Response<Body> {
    let reason = match &refusal {
        Refusal::Early(early) => Some(early.reason()),
        Refusal::Message { code, .. } => Some(code_reason(code.number())),
        Refusal::Ready(_) => None,
    };
    if let Some(reason) = reason {
        gateway.note_refused(RefusedBy { client, reason });
    }
    let closes = has_body && matches!(&refusal, Refusal::Early(early) if early.leaves_body());
    let mut response = refusal.into_response();
    if closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn code_reason(code: i32) -> &'static str {
    match code {
        -32_700 => "unreadable",
        -32_600 => "invalid_request",
        -32_601 => "unknown_method",
        -32_602 => "invalid_params",
        -32_022..=-32_020 => "protocol",
        _ => "failed",
    }
}

async fn route(
    gateway: &Arc<Gateway>,
    request: Request<Incoming>,
    client: IpAddr,
    request_id: Arc<str>,
) -> Result<Response<Body>, Refusal> {
    gateway.door.load().check(&request).map_err(|fault| match fault {
        Fault::Host => Early::Host,
        Fault::Origin => Early::Origin,
    })?;
    let (head, body) = request.into_parts();
    if head_bytes(&head) > HEAD_BYTES {
        return Err(Early::HeadTooLarge.into());
    }
    let path = head.uri.path().to_owned();
    match path.as_str() {
        "/healthz" => return Ok(json(StatusCode::OK, r#"{"status":"ok"}"#)),
        "/readyz" => return Ok(ready(gateway)),
        _ => {}
    }
    let Some(rest) = path.strip_prefix("/mcp") else { return Err(Early::NotFound.into()) };
    match rest.strip_prefix('/').map(|name| name.strip_suffix('/').unwrap_or(name)) {
        Some(server) if !server.is_empty() && !server.contains('/') => {
            let verb = head.method.clone();
            let visit = Visit::admit(gateway, head, client, request_id, server)?;
            to_server(visit, &verb, body).await
        }
        None if rest.is_empty() => Err(all_servers(gateway, &head)),
        Some("") => Err(all_servers(gateway, &head)),
        None | Some(_) => Err(Early::NotFound.into()),
    }
}

/// Bytes of a head's names and values.
fn head_bytes(head: &Parts) -> usize {
    head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Whether requests would be served: counters were rebuilt before the listener was bound, so it is up to
/// the journal.
fn ready(gateway: &Gateway) -> Response<Body> {
    match gateway.journal.ailment() {
        None if !gateway.stop.is_cancelled() => json(StatusCode::OK, r#"{"status":"ready"}"#),
        None => json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#),
        Some(error) => {
            let mut body = br#"{"status":"journal","detail":"#.to_vec();
            toolgate_json::write_string(&error.to_string(), &mut body);
            body.push(b'}');
            json(StatusCode::SERVICE_UNAVAILABLE, body)
        }
    }
}

/// `/mcp` alone: tells which addresses this grant has instead.
fn all_servers(gateway: &Gateway, head: &Parts) -> Refusal {
    let snapshot = gateway.snapshot.load();
    let access = match visit::authorize(&snapshot, head, gateway.clock.now().wall) {
        Ok(access) => access,
        Err(early) => return early.into(),
    };
    let mut names: Vec<&String> = access.grant.bindings.keys().collect();
    names.sort();
    let urls: Vec<String> = names.iter().map(|name| format!("/mcp/{name}")).collect();
    let text = format!("each server has its own address; this grant includes: {}", urls.join(", "));
    let body = toolgate_mcp::error::error_body(None, toolgate_mcp::error::Code::InvalidRequest, &text, None);
    Refusal::Ready(Box::new(json(StatusCode::NOT_FOUND, body)))
}

async fn to_server(visit: Arc<Visit>, verb: &Verb, body: Incoming) -> Result<Response<Body>, Refusal> {
    match *verb {
        Verb::POST => {
            if !is_json(&visit.headers) {
                return Err(Early::ContentType.into());
            }
            if !Accepted::read(&visit.headers).both() {
                return Err(Early::Accept.into());
            }
            let body = read_body(&visit, body).await?;
            messages::receive(visit, body).await
        }
        Verb::GET => Box::pin(streams::open(visit)).await,
        Verb::DELETE => lifecycle::end(&visit),
        _ => Err(Early::Verb.into()),
    }
}

async fn read_body(visit: &Visit, body: Incoming) -> Result<Bytes, Refusal> {
    let limits = &visit.snapshot.settings.limits;
    let declared = hyper::body::Body::size_hint(&body).lower();
    if declared > limits.body as u64 {
        return Err(Early::TooLarge.into());
    }
    let body = Limited::new(body, limits.body).collect();
    match within(limits.body_timeout, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Early::TooLarge.into()),
        Ok(Err(_)) => Err(Early::BodyBroken.into()),
        Err(_) => Err(Early::BodyTimeout.into()),
    }
}
