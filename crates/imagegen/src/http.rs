//! The protocol over Streamable HTTP at `/mcp`, and `/healthz`. There are no credentials: the listener is for this
//! machine, checks Host and Origin against other sites' pages, and bounds what a client can make it hold.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Server;

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to send the head of a request; also how long an idle connection stays open.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long calls in progress may take after the request to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// A pause after a failure to accept, which would else repeat at once (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const MOST_CONNECTIONS: usize = 512;
/// Sessions of the revisions that have them; each ends after five idle minutes.
const MOST_SESSIONS: usize = 256;
/// The first revision without sessions. Revisions are dates, so that text order is time order.
const SESSIONLESS: &str = "2026-07-28";

/// Names by which the server answers without further configuration, and whose pages may call it.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

type Body = BoxBody<Bytes, Infallible>;

/// Where to listen, and under which names to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    address: SocketAddr,
    hosts: Vec<String>,
}

/// An address that other machines can reach, without a name to answer by.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` can be reached from other machines, and this server asks for no credentials; listen on 127.0.0.1, or \
     name each host that clients may call it by with --allow-host"
)]
pub struct ExposedError(SocketAddr);

impl Listen {
    /// Loopback addresses need no names; any other address needs at least one in `hosts`.
    ///
    /// # Errors
    /// The address is not loopback and `hosts` is empty.
    pub fn new(address: SocketAddr, hosts: Vec<String>) -> Result<Self, ExposedError> {
        if address.ip().is_loopback() || !hosts.is_empty() {
            Ok(Self { address, hosts })
        } else {
            Err(ExposedError(address))
        }
    }

    /// Binds the address.
    ///
    /// # Errors
    /// The operating system's refusal.
    pub async fn bind(self) -> io::Result<Bound> {
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address, hosts: self.hosts })
    }
}

/// A bound listener.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    hosts: Vec<String>,
}

impl Bound {
    /// The address with the port that was really given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then lets the calls in progress finish.
    pub async fn serve(self, server: Server, stop: CancellationToken) {
        let app = App::new(server, &self.hosts);
        let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &slots) => accepted,
                Some(_) = connections.join_next() => continue,
                () = stop.cancelled() => break,
            };
            let Some((stream, slot)) = accepted else { continue };
            let app = app.clone();
            let service = service_fn(move |request| {
                let app = app.clone();
                async move { Ok::<_, Infallible>(app.answer(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            connections.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection broke off");
                }
                drop(slot);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(STOP_PATIENCE, graceful.shutdown()).await.is_err() {
            tracing::warn!("calls in progress did not finish within {STOP_PATIENCE:?} and are given up");
        }
        app.sessions_end.cancel();
    }
}

/// Waits for a free slot first, so that further clients wait in the operating system's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

#[derive(Clone)]
struct App {
    mcp: StreamableHttpService<Server, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
    sessions_end: CancellationToken,
}

impl App {
    fn new(server: Server, hosts: &[String]) -> Self {
        let sessions_end = CancellationToken::new();
        let mut manager = LocalSessionManager::default();
        manager.session_config.sse_retry = None;
        let sessions = Arc::new(manager);
        let config = StreamableHttpServerConfig::default()
            .with_cancellation_token(sessions_end.clone())
            .with_max_request_body_bytes(LARGEST_BODY)
            // Without a stream to resume, no stream tells how.
            .with_sse_retry(None)
            .with_allowed_hosts(LOOPBACK.map(str::to_owned).into_iter().chain(hosts.iter().cloned()))
            .with_allowed_origins(LOOPBACK.map(|name| format!("http://{name}:*")))
            .enforce_origin_validation();
        let mcp = StreamableHttpService::new(move || Ok(server.clone()), Arc::clone(&sessions), config);
        Self { mcp, sessions, sessions_end }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        match (request.uri().path(), request.method()) {
            ("/healthz", &Method::GET | &Method::HEAD) => plain(StatusCode::OK, "ok"),
            ("/healthz", _) => not_allowed("GET, HEAD"),
            ("/mcp", &Method::POST) => self.post(request).await,
            ("/mcp", &Method::DELETE) => self.mcp.handle(request).await,
            // The server sends nothing on its own, so there is no stream to listen to; the protocol allows that.
            ("/mcp", _) => not_allowed("POST, DELETE"),
            _ => plain(StatusCode::NOT_FOUND, "nothing here; the protocol is at /mcp"),
        }
    }

    async fn post(&self, request: Request<Incoming>) -> Response<Body> {
        if opens_session(request.headers()) && self.sessions.sessions.read().await.len() >= MOST_SESSIONS {
            let mut full = plain(StatusCode::SERVICE_UNAVAILABLE, "too many sessions; try again later");
            full.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            return full;
        }
        let (head, body) = request.into_parts();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > LARGEST_BODY {
            return too_large();
        }
        let body = match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await
        {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return too_large();
            }
            Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the request broke off"),
            Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"),
        };
        self.mcp.handle(Request::from_parts(head, Full::new(body))).await
    }
}

/// Whether a POST may be the start of a session: it belongs to none, and its revision knows them.
fn opens_session(headers: &HeaderMap) -> bool {
    let revision = headers.get("mcp-protocol-version").and_then(|value| value.to_str().ok());
    !headers.contains_key("mcp-session-id") && revision.is_none_or(|revision| revision < SESSIONLESS)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn too_large() -> Response<Body> {
    plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 4 MiB")
}

fn not_allowed(allowed: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_can_reach_needs_a_name() {
        let listen = |address: &str, hosts: &[&str]| {
            Listen::new(address.parse().unwrap(), hosts.iter().map(|&host| host.to_owned()).collect())
        };
        assert!(listen("127.0.0.1:8430", &[]).is_ok());
        assert!(listen("[::1]:0", &[]).is_ok());
        assert!(listen("0.0.0.0:8430", &["pictures.example"]).is_ok());
        let error = listen("0.0.0.0:8430", &[]).unwrap_err();
        assert!(error.to_string().contains("--allow-host"), "{error}");
    }

    #[test]
    fn only_an_older_post_without_a_session_may_open_one() {
        let opens = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|&(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            opens_session(&headers.collect())
        };
        assert!(opens(&[]));
        assert!(opens(&[("mcp-protocol-version", "2025-11-25")]));
        assert!(!opens(&[("mcp-protocol-version", "2026-07-28")]));
        assert!(!opens(&[("mcp-session-id", "x")]));
    }
}
