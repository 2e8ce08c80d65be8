//! The requests in flight on one leg, under the leg's own numbers: unique while the leg lives, so a
//! late answer can meet no other request.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::stdio::fault::Fault;
use crate::stdio::mailbox::Mailbox;

/// What is known of a request in flight.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// The caller's id in its own spelling.
    pub(crate) id: Bytes,
    /// The caller's progress token in its own spelling.
    pub(crate) token: Option<Bytes>,
    /// Whether the caller wants notifications.
    pub(crate) wants_notifications: bool,
    /// Whether a message of a subscription has come for it.
    pub(crate) subscribed: bool,
    /// Where what the server says goes.
    pub(crate) mailbox: Arc<Mailbox>,
}

/// Requests by number. A number serves as id and as progress token.
#[derive(Debug, Default)]
pub(crate) struct Table {
    last: u64,
    open: HashMap<u64, Pending>,
    ended: Option<Fault>,
}

impl Table {
    /// The next unused number.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Opens a request under a number; refused once the server has ended.
    pub(crate) fn open(&mut self, number: u64, pending: Pending) -> Result<(), Fault> {
        match self.ended {
            Some(fault) => Err(fault),
            None => {
                self.open.insert(number, pending);
                Ok(())
            }
        }
    }

    /// A request in flight.
    pub(crate) fn get(&self, number: u64) -> Option<&Pending> {
        self.open.get(&number)
    }

    /// Notes that a message of a subscription has come for the request, and returns it.
    pub(crate) fn subscribed(&mut self, number: u64) -> Option<Pending> {
        let pending = self.open.get_mut(&number)?;
        pending.subscribed = true;
        Some(pending.clone())
    }

    /// Takes a request out; what the server says to it from now on is dropped.
    pub(crate) fn close(&mut self, number: u64) -> Option<Pending> {
        self.open.remove(&number)
    }

    /// Takes all requests out, and no more in.
    pub(crate) fn end(&mut self, fault: Fault) -> Vec<Pending> {
        self.ended.get_or_insert(fault);
        self.open.drain().map(|(_, pending)| pending).collect()
    }

    /// Requests in flight.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}
