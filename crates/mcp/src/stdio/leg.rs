//! What the handle, the exchanges and the tasks of one server share. No await happens here: each lock
//! is held for a look-up.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toolgate_json::Span;

use crate::revision::Era;
use crate::stdio::compose;
use crate::stdio::counts::Counters;
use crate::stdio::exchange::{Exchange, OnDrop, Outgoing, Written};
use crate::stdio::fault::{Exit, Fault, SendError};
use crate::stdio::logs::{LogSink, Logs};
use crate::stdio::mailbox::{Mailbox, Room};
use crate::stdio::outbox::{Outbox, Parcel, Ticket};
use crate::stdio::spec::Limits;
use crate::stdio::table::{Pending, Table};

/// The state of one server's process.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) label: String,
    pub(crate) pid: u32,
    pub(crate) limits: Limits,
    pub(crate) era: OnceLock<Era>,
    pub(crate) outbox: Outbox,
    pub(crate) logs: Logs,
    pub(crate) counters: Counters,
    /// Set once the server shall end.
    pub(crate) closing: CancellationToken,
    /// How the process ended, once it has.
    pub(crate) exit: watch::Sender<Option<Exit>>,
    table: Mutex<Table>,
}

impl Leg {
    pub(crate) fn new(label: String, pid: u32, limits: Limits, sink: LogSink) -> Self {
        Self {
            label,
            pid,
            limits,
            era: OnceLock::new(),
            outbox: Outbox::new(limits.queue_messages, limits.queue_bytes),
            logs: Logs::new(sink),
            counters: Counters::default(),
            closing: CancellationToken::new(),
            exit: watch::Sender::new(None),
            table: Mutex::new(Table::default()),
        }
    }

    /// Puts a request on its way.
    pub(crate) fn request(self: &Arc<Self>, outgoing: &Outgoing) -> Result<Exchange, SendError> {
        self.enqueue(outgoing)
            .map(|ticket| Exchange { leg: Arc::clone(self), ticket, on_drop: outgoing.on_drop })
            .map_err(SendError::NotWritten)
    }

    fn enqueue(&self, outgoing: &Outgoing) -> Result<Ticket, Fault> {
        let number = self.table().number();
        let composed = compose::request(outgoing, number)?;
        let room = Room { messages: self.limits.mailbox_messages, bytes: self.limits.mailbox_bytes };
        let ticket = Ticket { number, mailbox: Arc::new(Mailbox::new(room)) };
        let pending = Pending {
            id: composed.id,
            token: composed.token,
            wants_notifications: outgoing.wants_notifications,
            subscribed: false,
            mailbox: Arc::clone(&ticket.mailbox),
        };
        // Known before it is sent: the answer may come at once.
        self.table().open(number, pending)?;
        let parcel = Parcel { line: composed.line, ticket: Some(ticket.clone()) };
        if let Err(fault) = self.outbox.push(parcel) {
            self.table().close(number);
            return Err(fault);
        }
        Ok(ticket)
    }

    /// Puts a line on its way that no answer belongs to.
    pub(crate) fn post(&self, line: Vec<u8>) -> Result<(), Fault> {
        self.outbox.push(Parcel { line, ticket: None })
    }

    /// Puts a line of the leg's own on its way; one that finds no room is counted.
    pub(crate) fn post_own(&self, line: Vec<u8>) {
        if self.post(line).is_err() && self.counters.lost_messages.one() {
            tracing::debug!(server = self.label, "a message to the server found no room");
        }
    }

    /// Ends a request from the caller's side; true if it was in flight. The server hears of it only if
    /// it may have seen the request.
    pub(crate) fn cancel(&self, number: u64, message: impl FnOnce() -> Vec<u8>) -> bool {
        let Some(pending) = self.table().close(number) else { return false };
        if !self.outbox.withdraw(number) {
            self.post_own(message());
        }
        pending.mailbox.fail(Fault::Cancelled);
        true
    }

    /// Ends a request by the caller's own `notifications/cancelled`.
    pub(crate) fn cancel_by(&self, number: u64, body: &Bytes, request_id: Span) -> Result<bool, Fault> {
        let line = compose::cancelled_by(body, request_id, number)?;
        Ok(self.cancel(number, || line))
    }

    /// Ends a request whose caller went away and tells how much of it was written.
    pub(crate) fn release(&self, ticket: &Ticket, on_drop: OnDrop) -> Written {
        match on_drop {
            OnDrop::Cancel => {
                self.cancel(ticket.number, || compose::cancelled(ticket.number, "the caller went away"));
            }
            OnDrop::Abandon => {
                if self.table().close(ticket.number).is_some() {
                    self.outbox.withdraw(ticket.number);
                }
            }
        }
        ticket.mailbox.written()
    }

    /// Ends a request with a fault; false if it was not in flight.
    pub(crate) fn fail(&self, number: u64, fault: Fault) -> bool {
        let pending = self.table().close(number);
        pending.is_some_and(|pending| {
            pending.mailbox.fail(fault);
            true
        })
    }

    /// Takes no more messages: what waits is still written, then the server's input is closed.
    pub(crate) fn close(&self) {
        self.outbox.close(Fault::Closing);
        self.closing.cancel();
    }

    /// Ends all that waits to be written.
    pub(crate) fn clear_outbox(&self, fault: Fault) {
        for parcel in self.outbox.clear(fault) {
            if let Some(ticket) = parcel.ticket {
                self.fail(ticket.number, fault);
            }
        }
    }

    /// Ends everything: the process is gone.
    pub(crate) fn finish(&self, exit: Exit) {
        let fault = Fault::Exited(exit);
        self.closing.cancel();
        self.clear_outbox(fault);
        let pending = self.table().end(fault);
        for request in pending {
            request.mailbox.fail(fault);
        }
        self.exit.send_replace(Some(exit));
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
