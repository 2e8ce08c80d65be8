//! One request on its way to a server and what comes back for it.

use std::sync::Arc;

use bytes::Bytes;
use toolgate_json::Span;

use crate::stdio::fault::{Fault, SendError};
use crate::stdio::leg::Leg;
use crate::stdio::outbox::Ticket;

/// A request as its caller has it: the leg puts its own id and progress token in by span, and the
/// caller's back into what the server says. Line feeds between tokens become spaces.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The JSON-RPC request, already read strictly.
    pub body: Bytes,
    /// Where the value of `id` stands in the body.
    pub id: Span,
    /// Where the value of `params._meta.progressToken` stands, if there is one.
    pub progress_token: Option<Span>,
    /// Whether notifications that belong to the request are wanted; else they are dropped.
    pub wants_notifications: bool,
    /// What becomes of the request when its exchange is dropped before the end.
    pub on_drop: OnDrop,
}

/// What becomes of a request whose caller went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrop {
    /// The server is told by `notifications/cancelled`. Not for `initialize`, which may not be
    /// cancelled, nor for a task-augmented call, which `tasks/cancel` ends.
    Cancel,
    /// The server works on and its answer is swallowed.
    Abandon,
}

/// How much of a request has been written to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Not one byte.
    Nothing,
    /// Writing has begun, so that the server may have got some of it.
    Part,
    /// All of it.
    Whole,
}

impl Written {
    /// The error for a request that failed when this much of it was written.
    pub(crate) fn failed(self, fault: Fault) -> SendError {
        match self {
            Written::Nothing => SendError::NotWritten(fault),
            Written::Part | Written::Whole => SendError::Broken(fault),
        }
    }
}

/// Something that the server says to one request, with the caller's id and token in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Progress on the request, or a message of the subscription that it opened.
    Notification(Bytes),
    /// The answer, a result or an error: the last thing of an exchange.
    Response(Bytes),
}

/// Names a request on its leg, for as long as the leg lives; callers' own ids may coincide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey(pub(crate) u64);

/// A request in flight. Dropping it before the end does what [`Outgoing::on_drop`] says.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) leg: Arc<Leg>,
    pub(crate) ticket: Ticket,
    pub(crate) on_drop: OnDrop,
}

impl Exchange {
    /// The name by which the request can be cancelled from elsewhere.
    #[must_use]
    pub fn key(&self) -> RequestKey {
        RequestKey(self.ticket.number)
    }

    /// What the server says next; none after the answer or an error. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Incoming, SendError>> {
        self.ticket.mailbox.next().await
    }

    /// Waits until the request is written whole. Safe to cancel.
    ///
    /// # Errors
    ///
    /// The request failed before that; [`Exchange::next`] will tell the same.
    pub async fn sent(&mut self) -> Result<(), SendError> {
        self.ticket.mailbox.sent().await
    }

    /// Gives the request up, as dropping does, and tells for good how much of it was written: after
    /// [`Written::Nothing`] the server will never see it.
    #[must_use]
    pub fn give_up(self) -> Written {
        self.leg.release(&self.ticket, self.on_drop)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.leg.release(&self.ticket, self.on_drop);
    }
}
