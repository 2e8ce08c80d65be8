//! One call's demands, brought to their counters: locked together, judged together, counted together.

use std::sync::{Arc, MutexGuard};

use crate::amount::Amount;
use crate::demand::{Demand, Mode};
use crate::few::Few;
use crate::memory::Counters;
use crate::memory::reservation::{Hold, Reservation};
use crate::memory::unit::{State, Unit};
use crate::now::Moment;
use crate::refusal::{Refusal, RefusedLimit};

/// All that a call demands of one counter.
struct Claim<'a> {
    unit: Arc<Unit>,
    demand: &'a Demand<'a>,
    /// The demand's place among the call's demands.
    index: usize,
    /// The sum of the demands on this counter.
    amount: Amount,
    /// The lowest of their limits.
    max: Amount,
}

/// The claims of a call, in the order in which their units are locked.
struct Claims<'a> {
    claims: Few<Claim<'a>>,
    /// Demands whose counter another demand claims already: their index, and that of the other.
    twins: Vec<(usize, usize)>,
}

/// A locked unit and the claims on it.
type Locked<'a, 'd> = (MutexGuard<'a, State>, &'a [Option<Claim<'d>>]);

/// The demands that do not fit, by index.
#[derive(Default)]
struct Verdict {
    refused: Vec<RefusedLimit>,
    would_refuse: Vec<usize>,
}

/// Counts on all counters or on none.
pub(crate) fn reserve(
    counters: &Counters,
    demands: &[Demand<'_>],
    now: Moment,
) -> Result<Reservation, Refusal> {
    let mut claims = Claims::of(counters, demands);
    let mut locked = lock_all(claims.claims.places());
    let verdict = judge(&mut locked, now);
    if verdict.refused.is_empty() {
        let holds = take_all(&mut locked, demands.len(), now);
        drop(locked);
        let would_refuse = claims.with_twins(verdict.would_refuse, |index| *index, |_, twin| twin);
        return Ok(Reservation::new(holds, would_refuse));
    }
    drop(locked);
    Err(Refusal {
        limits: claims.with_twins(
            verdict.refused,
            |limit| limit.index,
            |limit, twin| RefusedLimit { index: twin, ..limit },
        ),
        would_refuse: claims.with_twins(verdict.would_refuse, |index| *index, |_, twin| twin),
    })
}

/// Counts without judging, at a moment of the past, what had been reserved before a restart.
pub(crate) fn replay(counters: &Counters, demands: &[Demand<'_>], at: Moment) -> Reservation {
    let mut holds = Few::with_room(demands.len());
    for (index, demand) in demands.iter().enumerate() {
        if !demand.spec.window().outlives_process() {
            continue;
        }
        let unit = counters.unit_of(demand);
        let (place, taken) = unit.lock().past_account(demand.counter()).take(demand, demand.amount, at);
        holds.push(Hold { index, unit, place, taken, amount: demand.amount });
    }
    Reservation::new(holds, Vec::new())
}

impl<'a> Claims<'a> {
    fn of(counters: &Counters, demands: &'a [Demand<'a>]) -> Claims<'a> {
        let mut claims: Few<Claim<'a>> = Few::with_room(demands.len());
        let mut twins = Vec::new();
        for (index, demand) in demands.iter().enumerate() {
            let unit = counters.unit_of(demand);
            let on_same = claims.iter_mut().find(|claim| claim.is_on(&unit, demand));
            if let Some(first) = on_same.map(|claim| claim.join(demand)) {
                twins.push((index, first));
            } else {
                claims.push(Claim { unit, demand, index, amount: demand.amount, max: demand.spec.max() });
            }
        }
        // All threads lock in the same order, so none waits in a circle. Empty places stay last.
        claims
            .places()
            .sort_unstable_by_key(|claim| claim.as_ref().map_or(usize::MAX, |c| Arc::as_ptr(&c.unit).addr()));
        Claims { claims, twins }
    }

    /// Adds to a list of demands, in their order, those that share a counter with one of the list.
    fn with_twins<T: Copy>(
        &self,
        mut list: Vec<T>,
        index: impl Fn(&T) -> usize,
        twin: impl Fn(T, usize) -> T,
    ) -> Vec<T> {
        for (later, first) in &self.twins {
            let found = list.iter().find(|item| index(item) == *first).copied();
            list.extend(found.map(|item| twin(item, *later)));
        }
        list.sort_by_key(index);
        list
    }
}

impl Claim<'_> {
    fn is_on(&self, unit: &Arc<Unit>, demand: &Demand<'_>) -> bool {
        Arc::ptr_eq(&self.unit, unit)
            && self.demand.session == demand.session
            && self.demand.counter() == demand.counter()
    }

    /// Adds another demand on the same counter; returns the index of the first.
    fn join(&mut self, demand: &Demand<'_>) -> usize {
        self.amount = self.amount.plus(demand.amount);
        self.max = self.max.min(demand.spec.max());
        self.index
    }
}

/// Locks each unit once.
fn lock_all<'a, 'd>(claims: &'a [Option<Claim<'d>>]) -> Few<Locked<'a, 'd>> {
    let mut locked = Few::with_room(claims.len());
    for on_unit in claims.chunk_by(|a, b| match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(&a.unit, &b.unit),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }) {
        if let Some(Some(first)) = on_unit.first() {
            locked.push((first.unit.lock(), on_unit));
        }
    }
    locked
}

fn judge(locked: &mut Few<Locked<'_, '_>>, now: Moment) -> Verdict {
    let mut verdict = Verdict::default();
    for (state, claims) in locked.iter_mut() {
        for claim in claims.iter().flatten() {
            let mut account = state.account(claim.demand, now);
            if account.fits(claim.amount, claim.max, now) {
                continue;
            }
            match claim.demand.mode {
                Mode::Shadow => verdict.would_refuse.push(claim.index),
                Mode::Enforce => {
                    let retry_after = account.retry_after(claim.amount, claim.max, now);
                    verdict.refused.push(RefusedLimit { index: claim.index, retry_after });
                }
            }
        }
    }
    verdict
}

fn take_all(locked: &mut Few<Locked<'_, '_>>, room: usize, now: Moment) -> Few<Hold> {
    let mut holds = Few::with_room(room);
    for (state, claims) in locked.iter_mut() {
        for claim in claims.iter().flatten() {
            let (place, taken) = state.account(claim.demand, now).take(claim.demand, claim.amount, now);
            let (unit, amount) = (Arc::clone(&claim.unit), claim.amount);
            holds.push(Hold { index: claim.index, unit, place, taken, amount });
        }
    }
    holds
}
