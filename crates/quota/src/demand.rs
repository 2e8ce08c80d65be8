//! What a call asks of the counters, and by what a counter is known.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::amount::Amount;
use crate::window::{LimitSpec, Window};

/// What one limit asks for one call.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// The counter's name. Demands of one name, window, session and mode count on one counter.
    pub key: &'a str,
    /// For a counter that counts by session.
    pub session: Option<SessionRef<'a>>,
    /// The limit as the policy that judges this call states it.
    pub spec: &'a LimitSpec,
    /// How much the call counts. Zero fits unless the counter is above its limit already, as it can be after
    /// `max` was lowered.
    pub amount: Amount,
    /// Whether the limit may refuse.
    pub mode: Mode,
}

/// A session and those whose usage it inherits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRef<'a> {
    /// Sessions of one group (a grant on a server) inherit from each other.
    pub group: &'a str,
    /// The session, unique within its group.
    pub session: &'a str,
}

/// Whether a limit may refuse a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It may.
    Enforce,
    /// It counts on a counter of its own, tells what it would have refused, and never refuses.
    Shadow,
}

impl<'a> Demand<'a> {
    pub(crate) fn counter(&self) -> KeyRef<'a> {
        KeyRef { name: self.key, window: self.spec.window(), mode: self.mode }
    }
}

/// By what a counter is known. The window belongs to it, so that a changed window never mixes with the old one's
/// history, also while calls judged by the old policy are still coming in.
#[derive(Clone, Debug)]
pub(crate) struct CounterKey {
    pub(crate) name: Box<str>,
    pub(crate) window: Window,
    pub(crate) mode: Mode,
}

/// A [`CounterKey`] in borrowed parts, to look one up without allocating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyRef<'a> {
    pub(crate) name: &'a str,
    pub(crate) window: &'a Window,
    pub(crate) mode: Mode,
}

/// What has the parts of a counter's key; as a trait object it is the form that a map can borrow.
pub(crate) trait KeyParts {
    fn parts(&self) -> KeyRef<'_>;
}

impl KeyRef<'_> {
    pub(crate) fn to_key(self) -> Arc<CounterKey> {
        Arc::new(CounterKey { name: self.name.into(), window: self.window.clone(), mode: self.mode })
    }
}

impl KeyParts for KeyRef<'_> {
    fn parts(&self) -> KeyRef<'_> {
        *self
    }
}

impl KeyParts for CounterKey {
    fn parts(&self) -> KeyRef<'_> {
        KeyRef { name: &self.name, window: &self.window, mode: self.mode }
    }
}

impl<'a> Borrow<dyn KeyParts + 'a> for Arc<CounterKey> {
    fn borrow(&self) -> &(dyn KeyParts + 'a) {
        self.as_ref()
    }
}

impl Hash for dyn KeyParts + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl PartialEq for dyn KeyParts + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn KeyParts + '_ {}

impl Hash for CounterKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl PartialEq for CounterKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for CounterKey {}
