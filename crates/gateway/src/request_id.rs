//! The id that each request gets: unique over restarts and nodes, short enough to be read out.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::token::hex;

/// Makes request ids: a random part of the process and a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    /// Ids of a new process.
    ///
    /// # Errors
    ///
    /// The system's source of randomness failed.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut random = [0; 6];
        getrandom::fill(&mut random)?;
        Ok(Self { process: hex(&random), next: AtomicU64::new(1) })
    }

    /// The next id.
    #[must_use]
    pub(crate) fn next(&self) -> String {
        format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
