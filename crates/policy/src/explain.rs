//! A decision in words: every rule in the order of decision, what it said and why.

use std::ops::ControlFlow;

use crate::call::Call;
use crate::decide::{Decider, Trace};
use crate::decision::{Decision, Demand, Denial};
use crate::limit::{amount_in_words, limit_denial_text};
use crate::plan::{Mode, Plan};

/// What every rule says about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'p> {
    /// The decision itself.
    pub decision: Decision<'p>,
    /// The rules in the order of decision, those behind the deciding one included.
    pub steps: Vec<Step>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// JSON pointer of the rule, or a code such as `(hidden)`.
    pub rule: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
}

/// What a rule says about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It lets the call through.
    Passed,
    /// It denies the call; the first that does decides.
    Denied,
    /// It is in shadow mode and would deny the call.
    WouldDeny,
    /// It does not apply or could not be asked.
    Skipped,
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Denied => "denied",
            Verdict::WouldDeny => "would deny",
            Verdict::Skipped => "skipped",
        }
    }
}

impl Plan {
    /// Asks every rule about a call, those behind the deciding one too.
    #[must_use]
    pub fn explain(&self, call: &Call<'_>) -> Explanation<'_> {
        let mut recorder = Recorder::default();
        // The recorder never ends the walk.
        let _whole: ControlFlow<()> = self.walk_tool(call, &mut recorder);
        Explanation { decision: recorder.decider.finish(), steps: recorder.steps }
    }
}

/// Lets a decider decide, and writes every step down.
#[derive(Debug, Default)]
struct Recorder<'p> {
    decider: Decider<'p>,
    decided: bool,
    steps: Vec<Step>,
}

impl Recorder<'_> {
    fn step(&mut self, rule: &str, verdict: Verdict, why: String) {
        self.steps.push(Step { rule: rule.to_owned(), verdict, why });
    }
}

impl<'p> Trace<'p> for Recorder<'p> {
    fn pass(&mut self, rule: &'p str, why: impl FnOnce() -> String) {
        self.step(rule, Verdict::Passed, why());
    }

    fn skip(&mut self, rule: &'p str, why: impl FnOnce() -> String) {
        self.step(rule, Verdict::Skipped, why());
    }

    fn demand(&mut self, demand: Demand<'p>) {
        let draws = format!(
            "draws {} from counter `{}`; {}",
            amount_in_words(demand.amount),
            demand.limit.counter,
            limit_denial_text(demand.limit, None)
        );
        self.step(demand.rule, Verdict::Passed, draws);
        self.decider.demand(demand);
    }

    fn deny(&mut self, denial: Denial<'p>, mode: Mode) -> ControlFlow<()> {
        let verdict = match mode {
            Mode::Enforce => Verdict::Denied,
            Mode::Shadow => Verdict::WouldDeny,
        };
        self.step(&denial.rule, verdict, denial.message.clone().into_owned());
        if !self.decided {
            self.decided = self.decider.deny(denial, mode).is_break();
        }
        ControlFlow::Continue(())
    }
}
