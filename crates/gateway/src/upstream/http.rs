//! The leg to a server over Streamable HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use toolgate_json::{Document, Kind};
use toolgate_mcp::headers::{self, is_event_stream, is_json};
use toolgate_mcp::message::{Message, Outcome};
use toolgate_mcp::method::Method;
use toolgate_mcp::revision::Revision;

use crate::ready::within;

use super::pool::{Answer, BadUrl, Origin};
use super::reply::{Content, Events, Reply};
use super::{Outgoing, Server, UpstreamError};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Errors that only a modern server answers (2026-07-28, error codes).
pub(crate) const MODERN_ERRORS: std::ops::RangeInclusive<i64> = -32_022..=-32_020;
/// How long ending a session may take.
const DELETE: Duration = Duration::from_secs(5);

/// A server at a URL.
#[derive(Debug)]
pub(crate) struct Web {
    origin: Arc<Origin>,
    /// Sent with every request of a revision: the configured headers and those that never change.
    base: [(Revision, HeaderMap); Revision::ALL.len()],
}

impl Web {
    /// The server at `url`; `headers` go with every request, and cannot replace what the protocol sets.
    ///
    /// # Errors
    ///
    /// The URL cannot be an upstream.
    pub(crate) fn new(
        url: &Uri,
        headers: &[(HeaderName, HeaderValue)],
        tls: Option<&TlsConnector>,
        tasks: TaskTracker,
    ) -> Result<Self, BadUrl> {
        let origin = Origin::new(url, tls, tasks)?;
        let mut base: HeaderMap = headers.iter().cloned().collect();
        let agent = HeaderValue::from_static(concat!("toolgate/", env!("CARGO_PKG_VERSION")));
        base.insert(header::USER_AGENT, agent);
        base.insert(header::HOST, origin.host());
        base.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        base.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let of_revision = |revision: Revision| {
            let mut base = base.clone();
            base.insert(headers::PROTOCOL_VERSION, HeaderValue::from_static(revision.as_str()));
            (revision, base)
        };
        Ok(Self { origin: Arc::new(origin), base: Revision::ALL.map(of_revision) })
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// No answer, or none of the protocol.
    pub(crate) async fn request(
        &self,
        revision: Revision,
        session: Option<&HeaderValue>,
        outgoing: Outgoing,
        server: &Server,
    ) -> Result<Reply, UpstreamError> {
        let mut headers = self.headers(revision, session);
        for (name, value) in outgoing.headers {
            headers.insert(name, value);
        }
        let response = self.post(headers, outgoing.body, server).await?;
        self.read(response, server, session.is_some()).await
    }

    /// Sends what expects no answer.
    ///
    /// # Errors
    ///
    /// It was not accepted.
    pub(crate) async fn tell(
        &self,
        revision: Revision,
        session: Option<&HeaderValue>,
        body: Bytes,
        server: &Server,
    ) -> Result<(), UpstreamError> {
        let response = self.post(self.headers(revision, session), body, server).await?;
        let accepted = response.status().is_success();
        let failed = fault_of(response.status(), session.is_some());
        // Read to its end, so that the connection can be used again.
        collect(response.into_body(), server).await?;
        if accepted { Ok(()) } else { Err(failed) }
    }

    /// Opens the stream of messages that belong to no request; none where the server has none.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub(crate) async fn stream(
        &self,
        revision: Revision,
        session: Option<&HeaderValue>,
        last_event_id: Option<&HeaderValue>,
        server: &Server,
    ) -> Result<Option<Events>, UpstreamError> {
        let mut headers = self.headers(revision, session);
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.remove(header::CONTENT_TYPE);
        if let Some(id) = last_event_id {
            headers.insert(LAST_EVENT_ID, id.clone());
        }
        let response = self.send(Verb::GET, headers, Bytes::new(), server).await?;
        match response.status() {
            StatusCode::OK if is_event_stream(response.headers()) => {
                Ok(Some(Events::of_http(response.into_body(), server.limits().bytes)))
            }
            StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            other => Err(fault_of(other, session.is_some())),
        }
    }

    /// Ends a session; a server that does not know how to is left alone.
    pub(crate) async fn delete(&self, revision: Revision, session: &HeaderValue, server: &Server) {
        let headers = self.headers(revision, Some(session));
        let ended = timeout(DELETE, self.send(Verb::DELETE, headers, Bytes::new(), server)).await;
        if let Ok(Err(error)) = ended {
            tracing::debug!(server = server.name(), %error, "the session could not be ended");
        }
    }

    /// Closes connections that have lain idle for long.
    pub(crate) fn age(&self) {
        self.origin.age();
    }

    /// Closes the connections that wait for use.
    pub(crate) fn close_idle(&self) {
        self.origin.close_idle();
    }

    /// Whether the server answers `server/discover` as the modern era has it.
    ///
    /// # Errors
    ///
    /// It cannot be reached.
    pub(crate) async fn speaks_modern(&self, server: &Server) -> Result<bool, UpstreamError> {
        let id = server.own_id();
        let version = Revision::NEWEST_MODERN.as_str();
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"server/discover","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"toolgate","version":"{}"}}}}}}}}"#,
            env!("CARGO_PKG_VERSION")
        );
        let mut headers = self.headers(Revision::NEWEST_MODERN, None);
        headers::write_modern(&mut headers, Revision::NEWEST_MODERN, Method::ServerDiscover, None, &[]);
        let response = self.post(headers, Bytes::from(body), server).await?;
        let reply = match self.read(response, server, false).await {
            Ok(reply) => reply,
            Err(UpstreamError::Unreached(why)) => return Err(UpstreamError::Unreached(why)),
            Err(UpstreamError::Refused(status)) => return Err(UpstreamError::Refused(status)),
            Err(_) => return Ok(false),
        };
        let Some(answer) = reply.content.final_message(server).await? else { return Ok(false) };
        let Ok(document) = Document::read(&answer, server.limits()) else { return Ok(false) };
        Ok(is_modern(&document))
    }

    fn headers(&self, revision: Revision, session: Option<&HeaderValue>) -> HeaderMap {
        let base = self.base.iter().find(|(of, _)| *of == revision);
        let mut headers = base.map(|(_, base)| base.clone()).unwrap_or_default();
        if let Some(session) = session {
            headers.insert(SESSION_ID, session.clone());
        }
        headers
    }

    async fn post(
        &self,
        headers: HeaderMap,
        body: Bytes,
        server: &Server,
    ) -> Result<Response<Answer>, UpstreamError> {
        self.send(Verb::POST, headers, body, server).await
    }

    async fn send(
        &self,
        verb: Verb,
        headers: HeaderMap,
        body: Bytes,
        server: &Server,
    ) -> Result<Response<Answer>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = verb;
        *request.headers_mut() = headers;
        let patience = server.settings().timeout;
        let response = timeout(patience, self.origin.send(request)).await;
        Ok(response.map_err(|_| UpstreamError::Silent(patience.as_secs()))??)
    }

    /// Reads the head of an answer, and its body where it is one message.
    async fn read(
        &self,
        response: Response<Answer>,
        server: &Server,
        sent_session: bool,
    ) -> Result<Reply, UpstreamError> {
        let session = response.headers().get(SESSION_ID).cloned();
        let status = response.status();
        let json = is_json(response.headers());
        if status.is_success() && !json && is_event_stream(response.headers()) {
            let events = Events::of_http(response.into_body(), server.limits().bytes);
            return Ok(Reply { session, content: Content::Events(Box::new(events)) });
        }
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            return Err(UpstreamError::Refused(status.as_u16()));
        }
        let body = collect(response.into_body(), server).await?;
        if status == StatusCode::NOT_FOUND && sent_session {
            return Err(UpstreamError::SessionGone);
        }
        if status == StatusCode::ACCEPTED {
            return Ok(Reply { session, content: Content::Nothing });
        }
        // An error of the protocol comes with a status of its own, and may be told apart by its body.
        if json && (status.is_success() || is_response(&body, server)) {
            return Ok(Reply { session, content: Content::Whole { status, body } });
        }
        Err(fault_of(status, sent_session))
    }
}

fn is_response(body: &[u8], server: &Server) -> bool {
    let document = Document::read(body, server.limits());
    document.is_ok_and(|d| matches!(Message::read(&d), Ok(Message::Response(_))))
}

fn is_modern(document: &Document<'_>) -> bool {
    match Message::read(document) {
        Ok(Message::Response(response)) => match response.outcome {
            Outcome::Result(result) => {
                result.get("supportedVersions").is_some_and(|v| v.kind() == Kind::Array)
            }
            Outcome::Error(error) => MODERN_ERRORS.contains(&error.code),
        },
        _ => false,
    }
}

fn fault_of(status: StatusCode, session: bool) -> UpstreamError {
    match status {
        StatusCode::NOT_FOUND if session => UpstreamError::SessionGone,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => UpstreamError::Refused(status.as_u16()),
        other => UpstreamError::Status(other.as_u16()),
    }
}

/// Reads a body to its end, within the limit on results and the server's timeout between bytes.
async fn collect(mut body: Answer, server: &Server) -> Result<Bytes, UpstreamError> {
    let limit = server.limits().bytes;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut deadline = None;
    while let Some(frame) = next_frame(&mut body, server).await? {
        // A body that drips keeps coming in time and must end all the same.
        if !first.is_empty() {
            let (now, most) = (Instant::now(), server.settings().max_duration);
            if now > *deadline.get_or_insert(now + most) {
                return Err(UpstreamError::TooSlow(most.as_secs()));
            }
        }
        if first.len() + rest.len() + frame.len() > limit {
            return Err(UpstreamError::TooLarge(limit));
        }
        if first.is_empty() {
            first = frame;
        } else {
            rest.extend_from_slice(&frame);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// The next bytes of a body; none at its end.
async fn next_frame(body: &mut Answer, server: &Server) -> Result<Option<Bytes>, UpstreamError> {
    use hyper::body::Body as _;
    if body.is_end_stream() {
        return Ok(None);
    }
    let patience = server.settings().timeout;
    let frame =
        within(patience, body.frame()).await.map_err(|_| UpstreamError::Silent(patience.as_secs()))?;
    match frame {
        None => Ok(None),
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(error)) => Err(UpstreamError::Broken(error.to_string())),
    }
}
