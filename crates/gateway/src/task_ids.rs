//! Which tasks were issued to which grant: a task's id opens it to no other.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use toolgate_journal::Outcome;

use crate::held::lock;
use crate::ticket::Ticket;

/// Tasks remembered for one grant on one server; the oldest are forgotten first.
const MOST: usize = 4096;

/// Task ids by grant and server, and the calls that go on as tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskIds {
    issued: Mutex<HashMap<String, VecDeque<String>>>,
    parked: Mutex<HashMap<(String, String), Parked>>,
}

/// A call whose answer was a task: it is under way until the task has ended.
#[derive(Debug)]
struct Parked {
    ticket: Box<Ticket>,
    until: u64,
}

impl TaskIds {
    /// Notes that a task was issued to a group: a grant on a server.
    pub(crate) fn issue(&self, group: &str, task_id: &str) {
        let mut issued = lock(&self.issued);
        let of_group = issued.entry(group.to_owned()).or_default();
        if of_group.iter().any(|t| t == task_id) {
            return;
        }
        if of_group.len() == MOST {
            of_group.pop_front();
        }
        of_group.push_back(task_id.to_owned());
    }

    /// Whether a task was issued to a group.
    #[must_use]
    pub(crate) fn belongs(&self, group: &str, task_id: &str) -> bool {
        lock(&self.issued).get(group).is_some_and(|tasks| tasks.iter().any(|t| t == task_id))
    }

    /// Keeps a call open until its task has ended, or until a monotonic time.
    pub(crate) fn park(&self, group: &str, task_id: &str, ticket: Box<Ticket>, until: u64) {
        lock(&self.parked).insert((group.to_owned(), task_id.to_owned()), Parked { ticket, until });
    }

    /// Ends the call of a task.
    pub(crate) fn settle(&self, group: &str, task_id: &str, outcome: Outcome) {
        let parked = lock(&self.parked).remove(&(group.to_owned(), task_id.to_owned()));
        if let Some(parked) = parked {
            parked.ticket.finish(outcome);
        }
    }

    /// Ends the calls whose time is over.
    pub(crate) fn expire(&self, mono: u64) {
        let over: Vec<Parked> = {
            let mut parked = lock(&self.parked);
            let keys: Vec<_> =
                parked.iter().filter(|(_, p)| p.until <= mono).map(|(k, _)| k.clone()).collect();
            keys.iter().filter_map(|key| parked.remove(key)).collect()
        };
        for parked in over {
            parked.ticket.finish(Outcome::Error);
        }
    }
}
