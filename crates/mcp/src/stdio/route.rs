//! Where each line from a server goes: to the request that it belongs to, to the gateway, or nowhere.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use toolgate_json::{Document, Limits, Splice, Value};

use crate::revision::Era;
use crate::stdio::compose;
use crate::stdio::event::Event;
use crate::stdio::fault::Fault;
use crate::stdio::inbound::{About, Inbound, Reference, Refusal, inbound, seems_to_answer};
use crate::stdio::leg::Leg;
use crate::stdio::line::Line;

/// The one place that takes lines from a server.
#[derive(Debug)]
pub(crate) struct Router {
    leg: Arc<Leg>,
    events: mpsc::Sender<Event>,
    limits: Limits,
}

impl Router {
    pub(crate) fn new(leg: Arc<Leg>, events: mpsc::Sender<Event>) -> Self {
        let limits = Limits { bytes: leg.limits.line, depth: leg.limits.depth, values: leg.limits.values };
        Self { leg, events, limits }
    }

    /// Takes one line of the server's standard output.
    pub(crate) fn line(&self, line: &Line<'_>) {
        match line {
            Line::Whole(text) if text.trim_ascii().is_empty() => {}
            Line::Whole(text) => self.message(text.trim_ascii()),
            Line::TooLong { head, tail, length } => self.too_long(head, tail, *length),
        }
    }

    fn message(&self, text: &[u8]) {
        let document = match Document::read(text, &self.limits) {
            Ok(document) => document,
            Err(error) => return self.refuse(text, Refusal::NotJson(error)),
        };
        match inbound(&document) {
            Err(refusal) => self.refuse(text, refusal),
            Ok(Inbound::Response { number, id, subscription }) => {
                let id = id.map(|span| Reference { span, number });
                self.response(text, id, subscription);
            }
            Ok(Inbound::Request { id, method }) => self.request(text, id, &method),
            Ok(Inbound::Notification { method, about }) => self.notification(text, &method, about),
        }
    }

    fn response(&self, text: &[u8], id: Option<Reference>, subscription: Option<Reference>) {
        let named = id.and_then(|id| Some((id.span, id.number?)));
        let pending = named.and_then(|(span, number)| Some((span, self.leg.table().close(number)?)));
        let Some((span, pending)) = pending else {
            self.leg.counters.unmatched.one();
            return;
        };
        let mut splice = Splice::new();
        splice.replace(span, pending.id.to_vec());
        if let Some(subscription) = subscription.filter(|s| s.number == id.and_then(|id| id.number)) {
            splice.replace(subscription.span, pending.id.to_vec());
        }
        pending.mailbox.answer(delivered(splice.apply(text)));
    }

    fn request(&self, text: &[u8], id: Value<'_>, method: &str) {
        match self.leg.era.get() {
            // A modern server sends no requests and may not be written a response.
            Some(Era::Modern) | None => {
                if self.leg.counters.dropped_requests.one() {
                    tracing::warn!(
                        server = self.leg.label,
                        "dropped a request of a server that may send none"
                    );
                }
            }
            Some(Era::Legacy) => {
                let id_raw = Bytes::copy_from_slice(id.raw().as_bytes());
                let body = delivered(text.to_vec());
                let event = Event::ServerRequest { id_raw, method: method.to_owned(), body };
                if self.events.try_send(event).is_err() {
                    self.leg.counters.dropped_requests.one();
                    self.leg.post_own(compose::refusal(id.raw()));
                }
            }
        }
    }

    fn notification(&self, text: &[u8], method: &str, about: About) {
        let passed_on = match about {
            About::Nothing => self.event(text, method),
            About::Progress(token) => self.progress(text, token),
            About::Subscription(id) => self.subscribed(text, id),
            About::Cancelled(id) => self.cancelled(text, method, id),
        };
        if !passed_on {
            self.leg.counters.dropped_notifications.one();
        }
    }

    fn event(&self, text: &[u8], method: &str) -> bool {
        let body = delivered(text.to_vec());
        self.events.try_send(Event::Notification { method: method.to_owned(), body }).is_ok()
    }

    fn progress(&self, text: &[u8], token: Reference) -> bool {
        let pending = token.number.and_then(|number| self.leg.table().get(number).cloned());
        let Some(pending) = pending.filter(|p| p.wants_notifications) else { return false };
        let Some(own) = pending.token else { return false };
        pending.mailbox.push(restored(text, token, &own))
    }

    fn subscribed(&self, text: &[u8], id: Reference) -> bool {
        let Some(number) = id.number else { return false };
        let pending = self.leg.table().subscribed(number);
        let Some(pending) = pending.filter(|p| p.wants_notifications) else { return false };
        let taken = pending.mailbox.push(restored(text, id, &pending.id));
        if !taken && self.leg.fail(number, Fault::Overflow) {
            // A subscription with a gap would mislead; it ends, and its caller may open it anew.
            self.leg.post_own(compose::cancelled(number, "its messages are not taken in time"));
        }
        taken
    }

    /// A legacy server cancels requests of its own. A modern one has none, so that it means one of the
    /// gateway's: most likely a subscription, whose end the specification asks for in one place as this
    /// and in another as an empty result, which is what the caller gets.
    fn cancelled(&self, text: &[u8], method: &str, id: Reference) -> bool {
        let pending = match self.leg.era.get() {
            Some(Era::Legacy) => return self.event(text, method),
            Some(Era::Modern) | None => id.number.and_then(|number| self.leg.table().close(number)),
        };
        let Some(pending) = pending else { return false };
        if pending.subscribed {
            pending.mailbox.answer(compose::subscription_end(&pending.id));
        } else {
            pending.mailbox.fail(Fault::GivenUp);
        }
        true
    }

    fn refuse(&self, text: &[u8], refusal: Refusal) {
        if !text.starts_with(b"{") && !text.starts_with(b"[") {
            if self.leg.counters.noise.one() {
                tracing::debug!(server = self.leg.label, "skipped a line that is no message");
            }
            return self.leg.logs.noise(text);
        }
        let (fault, why) = match refusal {
            Refusal::NotJson(error) => (Fault::AnswerUnreadable(error), error.to_string()),
            Refusal::NotAMessage => (Fault::AnswerInvalid, "not a JSON-RPC 2.0 message".to_owned()),
        };
        // What it says may be a result: only its size and the reason are kept.
        let (server, bytes) = (&self.leg.label, text.len());
        if self.leg.counters.refused.one() {
            tracing::warn!(server, bytes, why, "refused a message of the server");
        }
        self.leg.logs.noise(format!("refused a message of {bytes} bytes: {why}").as_bytes());
        self.fail_guessed(text, fault);
    }

    fn too_long(&self, head: &[u8], tail: &[u8], length: u64) {
        let (server, limit) = (&self.leg.label, self.leg.limits.line);
        if self.leg.counters.long_lines.one() {
            tracing::warn!(server, length, limit, "skipped a line of the server beyond the limit");
        }
        let note = format!("skipped a line of {length} bytes: the limit is {limit}");
        self.leg.logs.noise(note.as_bytes());
        let guessed = seems_to_answer(head, tail);
        guessed.map(|number| self.leg.fail(number, Fault::AnswerTooLong { length, limit }));
    }

    fn fail_guessed(&self, text: &[u8], fault: Fault) {
        if let Some(number) = seems_to_answer(text, text) {
            self.leg.fail(number, fault);
        }
    }
}

fn restored(text: &[u8], place: Reference, own: &[u8]) -> Bytes {
    let mut splice = Splice::new();
    splice.replace(place.span, own);
    delivered(splice.apply(text))
}

fn delivered(message: Vec<u8>) -> Bytes {
    Bytes::from(compose::flat(message))
}
