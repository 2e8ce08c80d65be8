//! What comes back: every message of a body goes to the client, and a few are looked at on the way.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use toolgate_json::Document;
use toolgate_mcp::headers::{is_event_stream, is_json};
use toolgate_mcp::message::{Id, Message, Outcome, Response};
use toolgate_mcp::sse::{Event, Splitter};

use super::Bridge;
use super::endpoint::Body;
use super::fault::Fault;
use super::outgoing::{Kind, LIMITS, Outgoing};

/// The longest answer, or event of an answer, that is carried.
const MAX_MESSAGE: usize = 256 << 20;

/// What is awaited of an answer.
pub(super) struct Awaited {
    /// Ids of requests without an answer so far, in their own bytes.
    pub(super) ids: Vec<String>,
    /// What else the messages are looked at for.
    pub(super) interest: Interest,
    /// Id of the last event.
    pub(super) last_event: Option<Bytes>,
    /// How long to wait before coming back, as the stream said.
    pub(super) retry: Option<Duration>,
}

/// What an answer is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Nothing: it goes to the client.
    Nothing,
    /// The version of a new session.
    Version,
    /// The version of a session that the client does not know to be another: nothing goes to it.
    VersionOnly,
    /// The headers of tools.
    Tools,
}

impl Awaited {
    /// What a message of the client is to be answered with.
    pub(super) fn by(outgoing: &Outgoing) -> Self {
        let interest = match &outgoing.kind {
            Kind::Initialize { .. } => Interest::Version,
            Kind::Request { lists_tools: true, .. } => Interest::Tools,
            _ => Interest::Nothing,
        };
        let ids = outgoing.ids().into_iter().map(str::to_owned).collect();
        Self { ids, interest, last_event: None, retry: None }
    }

    /// Nothing in particular: a stream of the server's own messages.
    pub(super) fn nothing() -> Self {
        Self { ids: Vec::new(), interest: Interest::Nothing, last_event: None, retry: None }
    }

    /// Which of the requests has this id; it may be spelt in another way, with escapes or without.
    fn position(&self, id: &Id<'_>) -> Option<usize> {
        let same = |raw: &str| {
            let document = Document::read(raw.as_bytes(), &LIMITS).ok();
            document.and_then(|own| Id::of(own.root()).map(|own| own == *id)).unwrap_or(false)
        };
        self.ids.iter().position(|raw| raw == id.raw() || same(raw))
    }

    /// Whether every request has its answer.
    pub(super) fn is_done(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Bridge {
    /// Delivers the body of a good answer, to its end or as far as it goes.
    pub(super) async fn deliver(
        &self,
        headers: &HeaderMap,
        body: Body,
        awaited: &mut Awaited,
    ) -> Result<(), Fault> {
        if is_event_stream(headers) {
            return self.deliver_events(body, awaited).await;
        }
        let text = body.collect(MAX_MESSAGE).await;
        let text =
            text.map_err(|error| Fault::Broken(format!("the gateway's answer cannot be read: {error}")))?;
        if is_json(headers) {
            self.pass(text, awaited).await;
        }
        if awaited.is_done() { Ok(()) } else { Err(Fault::Broken("the gateway sent no answer".to_owned())) }
    }

    /// Delivers events as they come. That a stream ends before the answer is no fault yet: it may go on.
    pub(super) async fn deliver_events(&self, mut body: Body, awaited: &mut Awaited) -> Result<(), Fault> {
        let mut splitter = Splitter::new(MAX_MESSAGE);
        while let Some(chunk) = body.chunk().await {
            let Ok(chunk) = chunk else { return Ok(()) };
            splitter.push(chunk);
            while let Some(event) = splitter.next_event().map_err(|error| Fault::Broken(error.to_string()))? {
                self.deliver_event(event, awaited).await;
            }
        }
        Ok(())
    }

    async fn deliver_event(&self, event: Event, awaited: &mut Awaited) {
        if let Some(id) = &event.id {
            awaited.last_event = Some(id.clone());
        }
        awaited.retry = event.retry.map(Duration::from_millis).or(awaited.retry);
        if let Some(data) = event.data.filter(|data| !data.is_empty()) {
            self.pass(data.to_vec(), awaited).await;
        }
    }

    /// Passes a message on to the client.
    pub(super) async fn pass(&self, message: Vec<u8>, awaited: &mut Awaited) {
        self.look_at(&message, awaited);
        if awaited.interest != Interest::VersionOnly {
            self.output.write(message).await;
        }
    }

    fn look_at(&self, message: &[u8], awaited: &mut Awaited) {
        let Ok(document) = Document::read(message, &LIMITS) else { return };
        match Message::read(&document) {
            Ok(Message::Response(response)) => self.look_at_response(&response, awaited),
            Ok(Message::Batch(batch)) => {
                for element in batch.elements() {
                    if let Ok(Message::Response(response)) = Message::of(element) {
                        self.look_at_response(&response, awaited);
                    }
                }
            }
            Ok(Message::Request(_) | Message::Notification(_)) | Err(_) => {}
        }
    }

    fn look_at_response(&self, response: &Response<'_>, awaited: &mut Awaited) {
        let Some(id) = response.id else { return };
        let Some(index) = awaited.position(&id) else { return };
        awaited.ids.swap_remove(index);
        let Outcome::Result(result) = response.outcome else { return };
        match awaited.interest {
            Interest::Nothing => {}
            Interest::Tools => self.param_headers.learn(result),
            Interest::Version | Interest::VersionOnly => {
                if let Some(version) = result.get("protocolVersion").and_then(|version| version.as_str()) {
                    self.session.agree_on(&version);
                }
            }
        }
    }

    /// What is to be said about an answer with a status of failure. An error of the protocol that answers
    /// the request goes to the client as it is.
    pub(super) async fn refusal(
        &self,
        response: http::Response<Body>,
        awaited: &mut Awaited,
    ) -> Result<(), Fault> {
        const MOST: usize = 1 << 20;
        let (head, body) = response.into_parts();
        let text = body.collect(MOST).await.unwrap_or_default();
        let mut message = None;
        if let Ok(document) = Document::read(&text, &LIMITS)
            && let Ok(Message::Response(refused)) = Message::read(&document)
        {
            if refused.id.is_some_and(|id| awaited.position(&id).is_some()) {
                drop(document);
                self.pass(text, awaited).await;
                return Ok(());
            }
            if let Outcome::Error(error) = refused.outcome {
                message = error.message.as_str().map(|text| text.chars().take(300).collect());
            }
        }
        Err(Fault::Refused { status: head.status, message })
    }
}
