//! The units by their names, spread over shards so that threads seldom wait for each other.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use crate::memory::unit::{State, Unit};
use crate::now::Moment;

/// How many shards: a power of two.
const SHARDS: usize = 64;

type Units<K> = HashMap<K, Arc<Unit>, RandomState>;

/// Units by name.
#[derive(Debug)]
pub(crate) struct Store<K> {
    hasher: RandomState,
    shards: [Mutex<Units<K>>; SHARDS],
}

impl<K> Default for Store<K> {
    fn default() -> Store<K> {
        Store { hasher: RandomState::default(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl<K: Eq + Hash> Store<K> {
    pub(crate) fn find<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> Option<Arc<Unit>>
    where
        K: Borrow<Q>,
    {
        self.shard(name).get(name).cloned()
    }

    /// The unit of this name; if there is none, what `make` makes.
    pub(crate) fn find_or_make<Q: Hash + Eq + ?Sized>(
        &self,
        name: &Q,
        make: impl FnOnce() -> (K, State),
    ) -> Arc<Unit>
    where
        K: Borrow<Q>,
    {
        let mut shard = self.shard(name);
        if let Some(unit) = shard.get(name) {
            return Arc::clone(unit);
        }
        let (name, state) = make();
        let unit = Arc::new(Unit::new(state));
        shard.insert(name, Arc::clone(&unit));
        unit
    }

    /// Visits every unit; no shard is locked meanwhile.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&mut State)) {
        for shard in &self.shards {
            let units: Vec<Arc<Unit>> = lock(shard).values().cloned().collect();
            units.iter().for_each(|unit| each(&mut unit.lock()));
        }
    }

    /// Drops the units on which nothing counts, one shard at a time.
    ///
    /// A unit that only its shard knows is in nobody's hands, and no one can get hold of it while the shard is
    /// locked; so nothing can be counted on it after it was found unused. That is why its holders come first.
    pub(crate) fn sweep(&self, now: Moment) {
        for shard in &self.shards {
            let mut units = lock(shard);
            units.retain(|_, unit| {
                let held = Arc::strong_count(unit) > 1;
                unit.lock().sweep(now) || held
            });
            if units.capacity() > 4 * units.len() + 16 {
                units.shrink_to_fit();
            }
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, name: &Q) -> MutexGuard<'_, Units<K>> {
        let hash = self.hasher.hash_one(name);
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below the number of shards")]
        let place = (hash % SHARDS as u64) as usize;
        #[expect(clippy::indexing_slicing, reason = "a remainder of the number of shards")]
        lock(&self.shards[place])
    }
}

/// Locks; a thread that panicked elsewhere has left the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
