//! Messages that wait to be written to a server: bounded, in order, each taken back whole or written
//! whole.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;

use crate::stdio::exchange::Written;
use crate::stdio::fault::Fault;
use crate::stdio::mailbox::Mailbox;

/// A request's number on this leg and the mailbox that hears of its fate.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// One message: a line with its line feed, and for a request its ticket.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) line: Vec<u8>,
    pub(crate) ticket: Option<Ticket>,
}

/// The queue between all callers and the one task that writes.
#[derive(Debug)]
pub(crate) struct Outbox {
    max_messages: usize,
    max_bytes: usize,
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Parcel>,
    bytes: usize,
    /// Set once nothing more is taken.
    closed: Option<Fault>,
}

impl Outbox {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { max_messages, max_bytes, state: Mutex::new(State::default()), bell: Notify::new() }
    }

    /// Puts a message at the end of the queue. A message larger than all the room is taken when
    /// nothing else waits.
    pub(crate) fn push(&self, parcel: Parcel) -> Result<(), Fault> {
        let mut state = self.lock();
        if let Some(fault) = state.closed {
            return Err(fault);
        }
        let bytes = state.bytes.saturating_add(parcel.line.len());
        let fits =
            state.queue.len() < self.max_messages && (state.queue.is_empty() || bytes <= self.max_bytes);
        if !fits {
            return Err(Fault::QueueFull);
        }
        state.bytes = bytes;
        state.queue.push_back(parcel);
        drop(state);
        self.bell.notify_one();
        Ok(())
    }

    /// Takes a request back; true if not one byte of it was written, nor will be.
    pub(crate) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.lock();
        let at = state.queue.iter().position(|p| p.ticket.as_ref().is_some_and(|t| t.number == number));
        let Some(parcel) = at.and_then(|at| state.queue.remove(at)) else { return false };
        state.bytes = state.bytes.saturating_sub(parcel.line.len());
        true
    }

    /// The next message to write, from then on beyond recall; none once closed and empty.
    pub(crate) async fn next(&self) -> Option<Parcel> {
        loop {
            if let Poll::Ready(next) = self.take() {
                return next;
            }
            self.bell.notified().await;
        }
    }

    /// Takes no more messages; those that wait are still written.
    pub(crate) fn close(&self, fault: Fault) {
        self.lock().closed.get_or_insert(fault);
        self.bell.notify_one();
    }

    /// Takes no more messages and returns those that were not written.
    pub(crate) fn clear(&self, fault: Fault) -> Vec<Parcel> {
        let mut state = self.lock();
        // The latest word is the most telling: that the process ended, not that it was asked to.
        state.closed = Some(fault);
        state.bytes = 0;
        let parcels = state.queue.drain(..).collect();
        drop(state);
        self.bell.notify_one();
        parcels
    }

    fn take(&self) -> Poll<Option<Parcel>> {
        let mut state = self.lock();
        let Some(parcel) = state.queue.pop_front() else {
            return if state.closed.is_some() { Poll::Ready(None) } else { Poll::Pending };
        };
        state.bytes = state.bytes.saturating_sub(parcel.line.len());
        if let Some(ticket) = &parcel.ticket {
            // Marked before the first attempt and under the queue's lock: whoever cannot withdraw
            // a request finds it marked.
            ticket.mailbox.mark(Written::Part);
        }
        Poll::Ready(Some(parcel))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stdio::mailbox::Room;

    fn parcel(number: u64, length: usize) -> (Parcel, Arc<Mailbox>) {
        let mailbox = Arc::new(Mailbox::new(Room { messages: 1, bytes: 1 }));
        let ticket = Ticket { number, mailbox: Arc::clone(&mailbox) };
        (Parcel { line: vec![b'x'; length], ticket: Some(ticket) }, mailbox)
    }

    #[test]
    fn room_is_bounded_in_messages_and_bytes() {
        let outbox = Outbox::new(3, 10);
        outbox.push(parcel(1, 100).0).expect("an empty queue takes any message");
        assert_eq!(outbox.push(parcel(2, 1).0), Err(Fault::QueueFull), "bytes");
        assert!(outbox.withdraw(1));
        for number in 3..6 {
            outbox.push(parcel(number, 1).0).expect("room");
        }
        assert_eq!(outbox.push(parcel(6, 1).0), Err(Fault::QueueFull), "messages");
    }

    #[tokio::test]
    async fn a_request_is_either_withdrawn_or_marked() {
        let outbox = Outbox::new(10, 10);
        let (first, first_mailbox) = parcel(1, 1);
        let (second, second_mailbox) = parcel(2, 1);
        outbox.push(first).expect("room");
        outbox.push(second).expect("room");
        assert_eq!(outbox.next().await.and_then(|p| p.ticket).map(|t| t.number), Some(1));
        assert!(!outbox.withdraw(1));
        assert_eq!(first_mailbox.written(), Written::Part);
        assert!(outbox.withdraw(2));
        assert!(!outbox.withdraw(2));
        assert_eq!(second_mailbox.written(), Written::Nothing);
        outbox.close(Fault::Closing);
        assert!(outbox.next().await.is_none());
        assert_eq!(outbox.push(parcel(3, 1).0), Err(Fault::Closing));
    }
}
