//! The session of the legacy era: its id, its version, and what opened it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use toolgate_mcp::headers;

/// The client's session; none before `initialize` and in the modern era.
#[derive(Default)]
pub(super) struct Session {
    state: Mutex<State>,
    /// Held while a forgotten session is opened anew.
    pub(super) reopening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    id: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// The client's `initialize`, and its id.
    opened_by: Option<(Bytes, String)>,
    /// How often a session was opened.
    generation: u64,
}

impl Session {
    /// A session begins with the client's `initialize`.
    pub(super) fn begin(&self, initialize: Bytes, id: &str) {
        let mut state = self.lock();
        *state = State {
            opened_by: Some((initialize, id.to_owned())),
            generation: state.generation,
            ..State::default()
        };
    }

    /// The gateway opened a session, and says which.
    pub(super) fn opened(&self, id: Option<HeaderValue>) {
        let mut state = self.lock();
        state.id = id.map(sensitive);
        state.generation += 1;
    }

    /// The version that `initialize` was answered with.
    pub(super) fn agree_on(&self, version: &str) {
        self.lock().version = HeaderValue::from_str(version).ok();
    }

    /// Puts the session's headers, if there is one.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let state = self.lock();
        if let Some(id) = &state.id {
            headers.insert(headers::SESSION_ID, id.clone());
        }
        if let Some(version) = &state.version {
            headers.insert(headers::PROTOCOL_VERSION, version.clone());
        }
    }

    /// Whether the gateway keeps a session.
    pub(super) fn is_open(&self) -> bool {
        self.lock().id.is_some()
    }

    /// Whether the client asked for a session.
    pub(super) fn has_begun(&self) -> bool {
        self.lock().opened_by.is_some()
    }

    /// How often a session was opened so far.
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// The client's `initialize`, and its id.
    pub(super) fn opened_by(&self) -> Option<(Bytes, String)> {
        self.lock().opened_by.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
