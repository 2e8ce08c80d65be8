//! Accepting connections: the bound on them, TLS, what HTTP may cost, and a clean end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guarded::Guarded;
use crate::rounds::Rounds;
use crate::seldom::Seldom;
use crate::settings::{LimitSettings, Tls};

/// Bytes of a request's head.
pub(crate) const HEAD_BYTES: usize = 64 << 10;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The body of an answer as hyper can send it.
pub(crate) trait ServedBody:
    hyper::body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static
{
}

impl<B> ServedBody for B where
    B: hyper::body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static
{
}

/// A bound listener and what its connections are held to.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    certificate: Option<CertificateDer<'static>>,
    limits: LimitSettings,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    ///
    /// The address is taken or not ours, or certificate or key cannot be used; the text says which.
    pub(crate) async fn bind(
        address: SocketAddr,
        tls: Option<&Tls>,
        limits: LimitSettings,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind(address)
            .await
            .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address}: {e}")))?;
        let (tls, certificate) = tls.map(acceptor).transpose()?.unzip();
        let places = Arc::new(Semaphore::new(limits.connections));
        Ok(Self { socket, tls, certificate: certificate.flatten(), limits, places, stop, tasks })
    }

    /// The certificate that is shown to clients, DER; none without TLS.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        self.certificate.as_ref().map(|certificate| certificate.to_vec())
    }

    /// The address that is listened on, its port resolved.
    ///
    /// # Errors
    ///
    /// The socket is gone.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Accepts until told to stop; each request goes to `serve` with its peer.
    pub(crate) async fn run<S, F, B>(self, serve: S)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: ServedBody,
    {
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer, place)) => self.start(stream, peer, place, serve.clone()),
                Err(error) => {
                    // Descriptors or memory are short: the backlog holds clients while we wait.
                    tracing::warn!(%error, "cannot accept a connection; trying again in 100 ms");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer, place))
    }

    fn start<S, F, B>(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit, serve: S)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: ServedBody,
    {
        let (limits, stop, tls) = (self.limits, self.stop.clone(), self.tls.clone());
        self.tasks.spawn(async move {
            let _place = place;
            match tls {
                None => connection(Guarded::new(stream), peer, limits, stop, serve).await,
                // Boxed: a plain connection does not carry the state of a handshake.
                Some(acceptor) => Box::pin(secured(acceptor, stream, peer, limits, (stop, serve))).await,
            }
        });
    }
}

/// Serves a connection after its TLS handshake.
async fn secured<S, F, B>(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    limits: LimitSettings,
    (stop, serve): (CancellationToken, S),
) where
    S: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: ServedBody,
{
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => connection(Guarded::new(stream), peer, limits, stop, serve).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "no TLS handshake within 10 seconds"),
    }
}

async fn connection<I, S, F, B>(
    io: I,
    peer: SocketAddr,
    limits: LimitSettings,
    stop: CancellationToken,
    serve: S,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: ServedBody,
{
    let service = service_fn(|request| {
        let answer = serve(request, peer);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let rounds = Rounds::new();
    let connection = http1::Builder::new()
        .timer(rounds.clone())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers)
        .max_buf_size(HEAD_BYTES)
        .half_close(false)
        .writev(false)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    let mut stop = Some(Seldom::new(stop.cancelled_owned()));
    let mut round = None;
    let ended = std::future::poll_fn(|context| {
        loop {
            if ready(&mut stop, context) {
                connection.as_mut().graceful_shutdown();
            }
            if ready(&mut round, context) {
                rounds.count();
            }
            let polled = connection.as_mut().poll(context);
            // A round is counted only while a head is waited for: a stream that stays open costs no timer.
            if polled.is_ready() || round.is_some() || !rounds.matter() {
                return polled;
            }
            round = Some(Seldom::new(tokio::time::sleep(Rounds::length(limits.header_timeout))));
        }
    });
    let ended = ended.await;
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Whether the future is ready; it is let go of then.
fn ready<F: Future<Output = ()>>(future: &mut Option<Seldom<F>>, context: &mut Context<'_>) -> bool {
    let ready = future.as_mut().is_some_and(|future| Pin::new(future).poll(context).is_ready());
    if ready {
        *future = None;
    }
    ready
}

/// What does the handshakes, and the certificate that it shows.
fn acceptor(tls: &Tls) -> io::Result<(TlsAcceptor, Option<CertificateDer<'static>>)> {
    let at = |path: &std::path::Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect)
        .map_err(|e| at(&tls.cert, &e))?;
    let leaf = chain.first().cloned();
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|e| at(&tls.key, &e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| at(&tls.cert, &e))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| at(&tls.cert, &e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), leaf))
}
