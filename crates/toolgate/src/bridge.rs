//! A stdio client on one side, the gateway's HTTP endpoint on the other: each line of input is posted with
//! its bytes untouched, and every message of an answer becomes a line of output as it comes.
//!
//! Both eras of the protocol are carried. In the legacy era the bridge keeps the session (and opens a new
//! one if the gateway forgot it), its version and its event stream; in the modern era it writes the headers
//! that repeat parts of a body, and turns a cancellation into the closing of a request.

mod answer;
pub(crate) mod endpoint;
mod exchange;
mod fault;
mod in_flight;
mod listen;
mod outgoing;
mod session;
mod streams;
pub(crate) mod trust;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use endpoint::{Body, Endpoint, SendError};
use in_flight::InFlight;
use outgoing::{Kind, Outgoing, ParamHeaders};
use session::Session;
use trust::Trust;

pub(crate) use streams::{Input, Output, standard_input, standard_output};

/// How long the goodbye to the gateway may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// One client and its gateway.
struct Bridge {
    endpoint: Arc<Endpoint>,
    /// Sent with every request.
    common: HeaderMap,
    output: Output,
    session: Session,
    in_flight: InFlight,
    /// Headers that calls repeat arguments in, by tool.
    param_headers: ParamHeaders,
    /// The client's requests.
    requests: TaskTracker,
    /// Event streams that no request waits for.
    background: TaskTracker,
    /// Cancelled when the client will send no more.
    closing: CancellationToken,
    tried: AtomicBool,
    reached: AtomicBool,
}

/// What a bridge needs.
pub(crate) struct Parts {
    /// The gateway's endpoint.
    pub(crate) url: Uri,
    /// The grant's token, as the header carries it.
    pub(crate) authorization: HeaderValue,
    /// The client's lines.
    pub(crate) input: Input,
    /// Where lines for the client go.
    pub(crate) output: Output,
}

/// Carries messages until the client closes its side and every answer is delivered, or a signal comes.
pub(crate) async fn run(parts: Parts) -> anyhow::Result<Answer> {
    let mut input = parts.input;
    let bridge = Arc::new(Bridge::new(&parts.url, parts.authorization, parts.output)?);
    tokio::select! {
        () = bridge.serve(&mut input) => {}
        () = bridge.output.closed() => {}
        () = streams::interrupted() => {}
    }
    bridge.closing.cancel();
    bridge.in_flight.cancel_all();
    // A gateway that does not say goodbye is left without one.
    drop(tokio::time::timeout(GOODBYE, bridge.end_session()).await);
    bridge.output.finish().await;
    let in_vain = bridge.tried.load(Ordering::Relaxed) && !bridge.reached.load(Ordering::Relaxed);
    Ok(if in_vain { Answer::Unreachable } else { Answer::Yes })
}

impl Bridge {
    fn new(url: &Uri, authorization: HeaderValue, output: Output) -> anyhow::Result<Self> {
        let mut common = HeaderMap::new();
        common.insert(AUTHORIZATION, authorization);
        common.insert(USER_AGENT, HeaderValue::from_static(concat!("toolgate/", env!("CARGO_PKG_VERSION"))));
        Ok(Self {
            endpoint: Arc::new(Endpoint::new(url, &Trust::Authorities)?),
            common,
            output,
            session: Session::default(),
            in_flight: InFlight::default(),
            param_headers: ParamHeaders::default(),
            requests: TaskTracker::new(),
            background: TaskTracker::new(),
            closing: CancellationToken::new(),
            tried: AtomicBool::new(false),
            reached: AtomicBool::new(false),
        })
    }

    /// Takes the client's lines in order. Requests run side by side; what opens a session or expects no
    /// answer is done before the next line is looked at, so that the gateway sees the client's order.
    async fn serve(self: &Arc<Self>, input: &mut mpsc::Receiver<Vec<u8>>) {
        while let Some(line) = input.recv().await {
            match Outgoing::read(line, &self.param_headers) {
                Ok(outgoing) => self.dispatch(outgoing).await,
                Err(answer) => self.output.write(answer).await,
            }
        }
        self.closing.cancel();
        self.in_flight.cancel_listeners();
        self.requests.close();
        self.requests.wait().await;
    }

    async fn dispatch(self: &Arc<Self>, outgoing: Outgoing) {
        match &outgoing.kind {
            Kind::Initialize { .. } => self.initialize(outgoing).await,
            Kind::Cancelled { key } if self.in_flight.cancel_modern(key) || !self.session.has_begun() => {}
            Kind::Initialized => {
                self.post_and_forget(&outgoing).await;
                self.start_listening();
            }
            Kind::Cancelled { .. } | Kind::Note => self.post_and_forget(&outgoing).await,
            Kind::Request { .. } | Kind::Batch { .. } => {
                let bridge = Arc::clone(self);
                let cancelled = self.in_flight.enter(&outgoing.kind);
                self.requests.spawn(async move {
                    tokio::select! {
                        () = bridge.request(&outgoing) => {}
                        () = cancelled.cancelled() => {}
                    }
                    bridge.in_flight.leave(&outgoing.kind);
                });
            }
        }
    }

    /// Sends one HTTP request to the endpoint.
    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<http::Response<Body>, SendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        request.headers_mut().extend(self.common.clone());
        self.tried.store(true, Ordering::Relaxed);
        let response = self.endpoint.send(request).await?;
        self.reached.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// Posts a message; legacy messages carry the session.
    async fn post(&self, outgoing: &Outgoing) -> Result<http::Response<Body>, SendError> {
        let mut headers = outgoing.headers.clone();
        if outgoing.is_legacy() {
            self.session.write(&mut headers);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        self.send(Method::POST, headers, outgoing.body.clone()).await
    }

    /// Posts what is never answered; what goes wrong can only be told beside the protocol.
    async fn post_and_forget(&self, outgoing: &Outgoing) {
        match self.post(outgoing).await {
            Ok(response) if response.status().is_success() => response.into_body().discard().await,
            Ok(response) => {
                tracing::warn!(status = %response.status(), "the gateway refused a notification or answer")
            }
            Err(error) => tracing::warn!(%error, "a notification or answer did not reach the gateway"),
        }
    }

    /// Ends the session, if there is one.
    async fn end_session(&self) {
        let mut headers = HeaderMap::new();
        self.session.write(&mut headers);
        if !self.session.is_open() {
            return;
        }
        match self.send(Method::DELETE, headers, Bytes::new()).await {
            Ok(response) if response.status().is_success() => {}
            // The session was over already, or ends by itself.
            Ok(response)
                if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {}
            Ok(response) => {
                tracing::warn!(status = %response.status(), "the gateway did not end the session")
            }
            Err(error) => tracing::warn!(%error, "the session could not be ended"),
        }
    }
}
