//! The client's requests that are not answered yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use toolgate_mcp::revision::Era;

use super::outgoing::Kind;

/// Requests by the one spelling of their ids.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashMap<String, Entry>>);

struct Entry {
    era: Era,
    /// Whether it is a subscription, which ends only when somebody ends it.
    listens: bool,
    life: CancellationToken,
}

impl InFlight {
    /// Notes a request; cancelled when its answer is no longer wanted. What has no single id is not noted.
    pub(super) fn enter(&self, kind: &Kind) -> CancellationToken {
        let life = CancellationToken::new();
        if let Kind::Request { key, era, listens, .. } = kind {
            let entry = Entry { era: *era, listens: *listens, life: life.clone() };
            self.lock().insert(key.clone(), entry);
        }
        life
    }

    /// Forgets a request.
    pub(super) fn leave(&self, kind: &Kind) {
        if let Kind::Request { key, .. } = kind {
            self.lock().remove(key);
        }
    }

    /// Cancels a modern request by closing it, which is how this transport says so; no other.
    pub(super) fn cancel_modern(&self, key: &str) -> bool {
        let mut entries = self.lock();
        let modern = entries.get(key).is_some_and(|entry| entry.era == Era::Modern);
        if modern && let Some(entry) = entries.remove(key) {
            entry.life.cancel();
        }
        modern
    }

    /// Ends all subscriptions.
    pub(super) fn cancel_listeners(&self) {
        self.lock().values().filter(|entry| entry.listens).for_each(|entry| entry.life.cancel());
    }

    /// Ends all requests.
    pub(super) fn cancel_all(&self) {
        self.lock().values().for_each(|entry| entry.life.cancel());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
