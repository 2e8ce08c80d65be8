//! The sessions of one grant on one server, and all counters that count by session there.

use std::collections::HashMap;
use std::sync::Arc;

use crate::demand::{CounterKey, KeyParts, KeyRef};
use crate::family::{Family, Order, Seat};
use crate::now::Moment;

/// The live sessions of a group and their counters.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    /// How often a session has opened or ended.
    order: Order,
    sessions: HashMap<Box<str>, Order>,
    families: HashMap<Arc<CounterKey>, Family>,
}

impl Group {
    pub(crate) fn new(name: Arc<str>) -> Group {
        Group { name, order: Order::default(), sessions: HashMap::new(), families: HashMap::new() }
    }

    /// Opens a session; one that is open already stays as it is.
    pub(crate) fn open(&mut self, session: &str, now: Moment) -> Order {
        if let Some(opened) = self.sessions.get(session) {
            return *opened;
        }
        let opened = self.next();
        self.sessions.insert(session.into(), opened);
        self.families.values_mut().for_each(|family| family.open(opened, now));
        opened
    }

    /// Ends a session; one that is not open is no matter.
    pub(crate) fn end(&mut self, session: &str, now: Moment) {
        let Some(opened) = self.sessions.remove(session) else { return };
        let ended = self.next();
        self.families.values_mut().for_each(|family| family.end(opened, ended, now));
    }

    /// Who `session` is among those that count. One that is not open would inherit all that has ended.
    pub(crate) fn seat(&self, session: &str) -> Seat {
        self.sessions.get(session).map_or(Seat::Past, |opened| Seat::Session(*opened))
    }

    /// The counter of this key; made if it is not there.
    pub(crate) fn family(&mut self, key: KeyRef<'_>) -> &mut Family {
        if self.known_family(key).is_none() {
            let owned = key.to_key();
            self.families.insert(Arc::clone(&owned), Family::new(owned));
        }
        #[expect(clippy::expect_used, reason = "it was found or made just above")]
        self.known_family(key).expect("a family that is there")
    }

    /// The counter of this key, if it is there.
    pub(crate) fn known_family(&mut self, key: KeyRef<'_>) -> Option<&mut Family> {
        self.families.get_mut(&key as &dyn KeyParts)
    }

    /// The counters and the live sessions.
    pub(crate) fn contents(&mut self) -> (&HashMap<Box<str>, Order>, impl Iterator<Item = &mut Family>) {
        (&self.sessions, self.families.values_mut())
    }

    /// Drops what no longer counts; says whether anything is left.
    pub(crate) fn sweep(&mut self, now: Moment) -> bool {
        self.families.retain(|_, family| family.sweep(now));
        !self.sessions.is_empty() || !self.families.is_empty()
    }

    fn next(&mut self) -> Order {
        self.order = Order(self.order.0.saturating_add(1));
        self.order
    }
}
