//! The answer to a call that a limit does not let through.

use std::time::Duration;

/// Nothing was counted: at least one limit refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Those that refuse, in order of the demands; never empty.
    pub limits: Vec<RefusedLimit>,
    /// Demands in shadow that would have refused as well, by index.
    pub would_refuse: Vec<usize>,
}

/// A limit that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedLimit {
    /// Which of the call's demands.
    pub index: usize,
    /// After what wait it would let this call through, if nothing else comes; `None` where waiting cannot help.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// After what wait all limits would let the call through: the latest of them; `None` where waiting cannot help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let waits: Option<Vec<Duration>> = self.limits.iter().map(|limit| limit.retry_after).collect();
        waits?.into_iter().max()
    }
}
