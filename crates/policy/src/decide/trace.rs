//! Who watches the walk over the rules.

use std::ops::ControlFlow;

use crate::decision::{Decision, Demand, Denial, Outcome};
use crate::plan::Mode;

/// Hears of every rule in the order of decision.
pub(crate) trait Trace<'p> {
    /// The rule was asked and lets the call through.
    fn pass(&mut self, rule: &'p str, why: impl FnOnce() -> String);

    /// The rule could not be asked, or does not apply.
    fn skip(&mut self, rule: &'p str, why: impl FnOnce() -> String);

    /// The rule draws from a counter.
    fn demand(&mut self, demand: Demand<'p>);

    /// The rule refuses. The walk ends where this breaks.
    fn deny(&mut self, denial: Denial<'p>, mode: Mode) -> ControlFlow<()>;
}

/// Keeps what a decision is made of and ends at the first enforced denial.
#[derive(Debug, Default)]
pub(crate) struct Decider<'p> {
    denied: Option<Denial<'p>>,
    shadowed: Vec<Denial<'p>>,
    demands: Vec<Demand<'p>>,
}

impl<'p> Decider<'p> {
    pub(crate) fn finish(self) -> Decision<'p> {
        let outcome = match self.denied {
            Some(denial) => Outcome::Deny(denial),
            None => Outcome::Allow { demands: self.demands },
        };
        Decision { outcome, shadowed: self.shadowed }
    }
}

impl<'p> Trace<'p> for Decider<'p> {
    fn pass(&mut self, _rule: &'p str, _why: impl FnOnce() -> String) {}

    fn skip(&mut self, _rule: &'p str, _why: impl FnOnce() -> String) {}

    /// One call counts once in a counter: of two entries that draw from it the larger amount stands.
    fn demand(&mut self, demand: Demand<'p>) {
        let same = |known: &&mut Demand<'p>| {
            known.limit.shadow == demand.limit.shadow && known.limit.counter == demand.limit.counter
        };
        match self.demands.iter_mut().find(same) {
            Some(known) if known.amount >= demand.amount => {}
            Some(known) => *known = demand,
            None => self.demands.push(demand),
        }
    }

    fn deny(&mut self, denial: Denial<'p>, mode: Mode) -> ControlFlow<()> {
        match mode {
            Mode::Shadow => {
                self.shadowed.push(denial);
                ControlFlow::Continue(())
            }
            Mode::Enforce => {
                self.denied.get_or_insert(denial);
                ControlFlow::Break(())
            }
        }
    }
}
