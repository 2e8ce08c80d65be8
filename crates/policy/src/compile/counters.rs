//! The counters of a document, each once. Entries of one name are one counter and must agree in all
//! that a counter has only one of; in shadow mode a name is a counter of its own.

use std::collections::HashMap;

use super::Compiler;
use crate::limit::{Limit, UNIT};
use crate::located::Place;
use crate::plan::{Amount, Charge, Rules};

#[derive(Debug, Default)]
pub(super) struct Counters {
    limits: Vec<Limit>,
    by_name: HashMap<(String, bool), usize>,
}

impl Counters {
    fn get(&self, limit: &Limit) -> Option<&Limit> {
        self.by_name.get(&(limit.counter.clone(), limit.shadow)).and_then(|at| self.limits.get(*at))
    }

    /// Adds an entry; tells how it differs from an earlier one of its name.
    fn add(&mut self, limit: &Limit) -> Result<(), (&'static str, String)> {
        let key = (limit.counter.clone(), limit.shadow);
        let Some(known) = self.by_name.get(&key).and_then(|at| self.limits.get_mut(*at)) else {
            self.by_name.insert(key, self.limits.len());
            self.limits.push(limit.clone());
            return Ok(());
        };
        known.constant_unit &= limit.constant_unit;
        let difference = if known.window != limit.window {
            "window or align"
        } else if known.max != limit.max {
            "max"
        } else if known.scope != limit.scope {
            "scope"
        } else if known.count != limit.count {
            "count"
        } else if known.on_store_failure != limit.on_store_failure {
            "on_store_failure"
        } else {
            return Ok(());
        };
        Err((difference, known.pointer.clone()))
    }

    /// Tells each entry what is known of its counter once all entries were seen.
    pub(super) fn settle(&self, rules: &mut Rules) {
        for charge in &mut rules.limits {
            if let Some(constant) = self.get(&charge.limit).map(|limit| limit.constant_unit) {
                charge.limit.constant_unit = constant;
            }
        }
    }

    pub(super) fn into_limits(self) -> Vec<Limit> {
        self.limits
    }
}

impl Compiler {
    /// Makes the entry at `place` part of its counter.
    pub(super) fn charge(&mut self, place: Place<'_>, mut limit: Limit, amount: Amount) -> Charge {
        limit.constant_unit = matches!(amount, Amount::Fixed(UNIT));
        if let Err((field, earlier)) = self.counters.add(&limit) {
            let message =
                format!("counter `{}` differs in {field} from its entry at {earlier}", limit.counter);
            self.problems.error_with_help(place, message, "give it another name, or make both agree");
        }
        Charge { limit, amount }
    }
}
