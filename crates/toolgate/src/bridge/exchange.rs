//! A request and its answer, whatever happens between.

use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use toolgate_mcp::headers::{self, is_event_stream};

use super::Bridge;
use super::answer::{Awaited, Interest};
use super::endpoint::{Body, SendError};
use super::fault::Fault;
use super::outgoing::{Kind, Outgoing};

/// How long to wait before a stream that ended is asked for again, if it does not say.
const RETRY: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// How often a stream that brings nothing new is asked for again.
const ATTEMPTS: usize = 10;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

impl Bridge {
    /// Sends a request and delivers its answer; where there is none, the client gets an error.
    pub(super) async fn request(self: &Arc<Self>, outgoing: &Outgoing) {
        let mut awaited = Awaited::by(outgoing);
        let exchanged = self.exchange(outgoing, &mut awaited).await;
        self.answer_for(exchanged, &awaited).await;
    }

    /// Opens a session, unless the gateway works without.
    pub(super) async fn initialize(self: &Arc<Self>, outgoing: Outgoing) {
        if let Kind::Initialize { id } = &outgoing.kind {
            self.session.begin(outgoing.body.clone(), id);
        }
        let mut awaited = Awaited::by(&outgoing);
        let opened = self.open(&outgoing, &mut awaited).await;
        self.answer_for(opened, &awaited).await;
    }

    async fn answer_for(&self, exchanged: Result<(), Fault>, awaited: &Awaited) {
        if let Err(fault) = exchanged {
            for id in &awaited.ids {
                self.output.write(fault.answer(id)).await;
            }
        }
    }

    async fn open(&self, outgoing: &Outgoing, awaited: &mut Awaited) -> Result<(), Fault> {
        let response = self.post(outgoing).await?;
        if !response.status().is_success() {
            return self.refusal(response, awaited).await;
        }
        let (head, body) = response.into_parts();
        self.session.opened(head.headers.get(headers::SESSION_ID).cloned());
        self.deliver(&head.headers, body, awaited).await?;
        if awaited.is_done() { Ok(()) } else { Err(broken_off()) }
    }

    async fn exchange(self: &Arc<Self>, outgoing: &Outgoing, awaited: &mut Awaited) -> Result<(), Fault> {
        let seen = self.session.generation();
        let mut response = self.post(outgoing).await?;
        // The gateway says so before it looks at the message, so that nothing is done twice.
        let forgotten =
            response.status() == StatusCode::NOT_FOUND && outgoing.is_legacy() && self.session.is_open();
        if forgotten {
            self.reopen(seen).await?;
            response = self.post(outgoing).await?;
        }
        if !response.status().is_success() {
            return self.refusal(response, awaited).await;
        }
        let (head, body) = response.into_parts();
        self.deliver(&head.headers, body, awaited).await?;
        if !awaited.is_done() && outgoing.is_legacy() {
            self.resume(awaited).await?;
        }
        if awaited.is_done() { Ok(()) } else { Err(broken_off()) }
    }

    /// Opens a new session with the client's own words, unless another request has done so.
    async fn reopen(self: &Arc<Self>, seen: u64) -> Result<(), Fault> {
        let _one = self.session.reopening.lock().await;
        if self.session.generation() != seen {
            return Ok(());
        }
        let Some((body, id)) = self.session.opened_by() else { return Ok(()) };
        let outgoing = Outgoing { body, headers: HeaderMap::new(), kind: Kind::Initialize { id } };
        let mut awaited = Awaited::by(&outgoing);
        awaited.interest = Interest::VersionOnly;
        self.open(&outgoing, &mut awaited).await?;
        tracing::info!("the gateway had ended the session; a new one is open");
        self.post_and_forget(&Outgoing::note(INITIALIZED)).await;
        self.start_listening();
        Ok(())
    }

    /// Asks for the rest of an answer whose stream ended (2025-11-25, SSE polling).
    async fn resume(&self, awaited: &mut Awaited) -> Result<(), Fault> {
        let mut attempts = 0;
        while let Some(last_event) =
            awaited.last_event.clone().filter(|_| !awaited.is_done() && attempts < ATTEMPTS)
        {
            tokio::time::sleep(awaited.retry.unwrap_or(RETRY).min(LONGEST_RETRY)).await;
            match self.get(Some(&last_event)).await {
                Ok(response) if opens_stream(&response) => {
                    self.deliver_events(response.into_body(), awaited).await?
                }
                Ok(_) => return Ok(()),
                Err(error) => tracing::debug!(%error, "an answer cannot be resumed yet"),
            }
            attempts = if awaited.last_event.as_ref() == Some(&last_event) { attempts + 1 } else { 0 };
        }
        Ok(())
    }

    /// Asks for an event stream of the session.
    pub(super) async fn get(&self, last_event: Option<&[u8]>) -> Result<http::Response<Body>, SendError> {
        let mut headers = HeaderMap::new();
        self.session.write(&mut headers);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = last_event.and_then(|id| HeaderValue::from_bytes(id).ok()) {
            headers.insert(headers::LAST_EVENT_ID, id);
        }
        self.send(Method::GET, headers, bytes::Bytes::new()).await
    }
}

/// Whether an event stream follows.
pub(super) fn opens_stream(response: &http::Response<Body>) -> bool {
    response.status() == StatusCode::OK && is_event_stream(response.headers())
}

fn broken_off() -> Fault {
    Fault::Broken(
        "the gateway's answer broke off before its end; the request may have been carried out".to_owned(),
    )
}
