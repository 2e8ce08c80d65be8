//! The gateway's endpoint as an HTTP client sees it: connections are opened when needed and kept, and a
//! request is repeated only if no byte of it was written.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

use super::trust::Trust;

/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Connections kept while nothing goes over them.
const MAX_IDLE: usize = 16;

type Sender = SendRequest<Full<Bytes>>;

/// Where requests go.
pub(crate) struct Endpoint {
    authority: Authority,
    host: HeaderValue,
    path: PathAndQuery,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<Sender>>,
    connections: TaskTracker,
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    /// No byte of it was written.
    #[error("cannot reach the gateway at {address}: {reason}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// No byte of it was written, since no secure connection came about.
    #[error("no secure connection to the gateway at {address}: {reason}")]
    Insecure {
        /// Host and port.
        address: String,
        /// What is wrong with the certificate or the handshake.
        reason: String,
    },
    /// The connection broke after bytes were written.
    #[error("the connection to the gateway broke: {0}")]
    Broken(String),
}

impl Endpoint {
    /// The endpoint of an `http` or `https` URL.
    pub(crate) fn new(url: &Uri, trust: &Trust) -> anyhow::Result<Self> {
        let authority = url.authority().cloned().context("the URL has no host")?;
        let tls = match url.scheme_str() {
            Some("http") => None,
            Some("https") => {
                let name = authority.host().trim_matches(['[', ']']).to_owned();
                Some((
                    trust.connector()?,
                    ServerName::try_from(name).context("the URL's host is no name for a certificate")?,
                ))
            }
            _ => return Err(anyhow!("the URL is neither `http` nor `https`")),
        };
        Ok(Self {
            host: HeaderValue::from_str(authority.as_str())?,
            path: url.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            authority,
            tls,
            idle: Mutex::default(),
            connections: TaskTracker::new(),
        })
    }

    fn address(&self) -> String {
        let port = self.authority.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        format!("{}:{port}", self.authority.host())
    }

    fn unreachable(&self, reason: impl std::fmt::Display) -> SendError {
        SendError::Unreachable { address: self.address(), reason: reason.to_string() }
    }

    /// Sends a request; its URI and `Host` are filled in here.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>, SendError> {
        *request.uri_mut() = Uri::from(self.path.clone());
        request.headers_mut().insert(header::HOST, self.host.clone());
        loop {
            let (mut sender, fresh) = match self.take_idle().await {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let lease = Some((Arc::clone(self), sender));
                    return Ok(response.map(|incoming| Body { incoming, lease }));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    Some(_) => return Err(self.unreachable(error.into_error())),
                    None => return Err(SendError::Broken(error.into_error().to_string())),
                },
            }
        }
    }

    async fn take_idle(&self) -> Option<Sender> {
        loop {
            let mut sender = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<Sender, SendError> {
        let late = |_| self.unreachable("no connection within 10 seconds");
        let stream = timeout(CONNECT, TcpStream::connect(self.address())).await.map_err(late)?;
        let stream = stream.map_err(|error| self.unreachable(error))?;
        stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
        match &self.tls {
            None => self.handshake(stream).await,
            Some((connector, name)) => {
                let stream = timeout(CONNECT, connector.connect(name.clone(), stream)).await.map_err(late)?;
                let insecure = |error: std::io::Error| SendError::Insecure {
                    address: self.address(),
                    reason: error.to_string(),
                };
                self.handshake(stream.map_err(insecure)?).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<Sender, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.unreachable(error))?;
        // How a connection ends shows at the requests on it.
        self.connections.spawn(async move { connection.await.unwrap_or_default() });
        Ok(sender)
    }
}

/// Whether a host is this machine by its name or address.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The body of an answer. Read to its end it gives its connection back; dropped before, it closes it.
pub(crate) struct Body {
    incoming: Incoming,
    lease: Option<(Arc<Endpoint>, Sender)>,
}

impl Body {
    /// The next piece; none at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            match self.incoming.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Some(Ok(data)),
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.give_back();
                    return None;
                }
            }
        }
    }

    /// The whole body, if it is at most `limit` bytes long.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await {
            bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            if bytes.len() > limit {
                return Err(format!("it is longer than {limit} bytes"));
            }
        }
        Ok(bytes)
    }

    /// Reads what nobody wants, so that the connection can be used again.
    pub(crate) async fn discard(self) {
        const LITTLE: usize = 64 << 10;
        drop(self.collect(LITTLE).await);
    }

    fn give_back(&mut self) {
        let Some((endpoint, sender)) = self.lease.take() else { return };
        let mut idle = endpoint.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE && !sender.is_closed() {
            idle.push(sender);
        }
    }
}
