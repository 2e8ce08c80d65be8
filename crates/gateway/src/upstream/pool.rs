//! Connections to one HTTP origin: opened when needed, kept while they are good, and exact about whether
//! a byte of a request was written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

/// Idle connections kept per origin.
const MAX_IDLE: usize = 256;
/// Rounds of [`Origin::age`] after which a connection that lay idle is closed.
const MOST_ROUNDS: u8 = 2;
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Why a request got no answer.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    /// Not one byte of the request was written: it did not happen.
    #[error("{0}")]
    NotWritten(String),
    /// The connection broke after bytes were written: it may have happened.
    #[error("{0}")]
    Broken(String),
}

/// One origin and its connections.
pub(crate) struct Origin {
    authority: Authority,
    host: HeaderValue,
    path: PathAndQuery,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<Idle>>,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").field("address", &self.address()).finish_non_exhaustive()
    }
}

struct Idle {
    sender: SendRequest<Full<Bytes>>,
    /// Rounds that it has lain idle.
    rounds: u8,
}

/// A URL that cannot be an upstream.
#[derive(Debug, Error)]
#[error("`{url}` is not an http or https URL with a host")]
pub(crate) struct BadUrl {
    url: String,
}

impl Origin {
    /// The origin and path of an `http` or `https` URL.
    ///
    /// # Errors
    ///
    /// Another scheme, no host, or a host that no certificate could name.
    pub(crate) fn new(url: &Uri, tls: Option<&TlsConnector>, tasks: TaskTracker) -> Result<Self, BadUrl> {
        let bad = || BadUrl { url: url.to_string() };
        let authority = url.authority().ok_or_else(bad)?.clone();
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?;
        let tls = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => None,
            Some(scheme) if *scheme == Scheme::HTTPS => {
                let name = authority.host().trim_matches(['[', ']']).to_owned();
                Some((tls.ok_or_else(bad)?.clone(), ServerName::try_from(name).map_err(|_| bad())?))
            }
            _ => return Err(bad()),
        };
        let path = url.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { authority, host, path, tls, idle: Mutex::default(), tasks })
    }

    /// Where requests go, as `host:port`, for messages.
    #[must_use]
    pub(crate) fn address(&self) -> String {
        let port = self.authority.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        format!("{}:{port}", self.authority.host())
    }

    /// What requests name in `Host`.
    #[must_use]
    pub(crate) fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// Sends a request whose URI is filled in here. It is sent at most once: repeated on
    /// another connection only while no byte of it was written.
    ///
    /// # Errors
    ///
    /// Tells whether anything was written.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Answer>, SendError> {
        *request.uri_mut() = Uri::from(self.path.clone());
        loop {
            let (mut sender, fresh) = match self.take_idle().await {
                Some(sender) => (sender, false),
                // Boxed: opening is rare, and its state would make every call's larger.
                None => (Box::pin(self.connect()).await?, true),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let origin = Arc::clone(self);
                    return Ok(response.map(|body| Answer {
                        body,
                        ended: false,
                        lease: Some(Lease { origin, sender }),
                    }));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    Some(_) => return Err(SendError::NotWritten(self.describe(error.error()))),
                    None => return Err(SendError::Broken(self.describe(error.error()))),
                },
            }
        }
    }

    async fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let mut sender = idle.sender;
            if sender.is_ready() || sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, SendError> {
        let refused =
            |error: &dyn std::fmt::Display| SendError::NotWritten(format!("{}: {error}", self.address()));
        let stream = timeout(CONNECT, TcpStream::connect(self.address()))
            .await
            .map_err(|_| refused(&"no connection within 10 seconds"))?
            .map_err(|e| refused(&e))?;
        stream.set_nodelay(true).map_err(|e| refused(&e))?;
        match &self.tls {
            None => self.handshake(stream).await,
            Some((connector, name)) => {
                let stream = timeout(CONNECT, connector.connect(name.clone(), stream))
                    .await
                    .map_err(|_| refused(&"no TLS handshake within 10 seconds"))?
                    .map_err(|e| refused(&e))?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, SendError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| SendError::NotWritten(self.describe(&e)))?;
        // How the connection ends shows at the requests on it.
        self.tasks.spawn(async move { connection.await.unwrap_or_default() });
        Ok(sender)
    }

    fn describe(&self, error: &hyper::Error) -> String {
        let cause = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
        format!("{}: {error}{cause}", self.address())
    }

    /// Closes the connections that lie idle since the round before last. Called every [`super::AGE`], so that no call
    /// has to look at a clock for it.
    pub(crate) fn age(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain_mut(|idle| {
            idle.rounds += 1;
            idle.rounds < MOST_ROUNDS && !idle.sender.is_closed()
        });
    }

    /// Closes the connections that wait for use.
    pub(crate) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn put_back(&self, sender: SendRequest<Full<Bytes>>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(Idle { sender, rounds: 0 });
        }
    }
}

struct Lease {
    origin: Arc<Origin>,
    sender: SendRequest<Full<Bytes>>,
}

/// The body of an upstream's answer. The connection goes back to its origin when the body has been read
/// to its end, and is closed when it is dropped before.
pub(crate) struct Answer {
    body: Incoming,
    ended: bool,
    lease: Option<Lease>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && (self.ended || self.body.is_end_stream())
        {
            lease.origin.put_back(lease.sender);
        }
    }
}

/// The TLS client that upstreams are reached with: the system's certificates are read once.
///
/// # Errors
///
/// The system has no readable certificate.
pub(crate) fn tls_connector(roots: rustls::RootCertStore) -> io::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
