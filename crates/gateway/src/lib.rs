//! The gateway: one pipeline from the listener to the upstream, and what it needs.
//!
//! This crate knows grants, sessions, the journal's use, and the wire through `toolgate-mcp`; it does
//! not know the command line.

mod body;
mod child_log;
pub mod clock;
mod console;
mod control;
pub mod data_dir;
pub mod door;
mod gateway;
mod grant;
mod guarded;
mod held;
mod judge;
mod listener;
mod live;
mod metrics;
mod pipeline;
mod probe;
mod ready;
mod recovery;
mod refusal;
mod reload;
mod request_id;
mod rounds;
pub mod rules;
mod run;
mod seldom;
mod session;
pub mod settings;
mod snapshot;
mod survey;
mod task_ids;
mod ticket;
pub mod token;
mod upkeep;
mod upstream;

pub use crate::console::{PageBody, Pages};
pub use crate::control::{Control, Occupancy, ServerState};
pub use crate::live::LiveEvent;
pub use crate::probe::{ProbeReport, ProbedTool, probe};
pub use crate::refusal::ConsoleRefusal;
pub use crate::reload::{Loaded, Pending, Source};
pub use crate::run::{MakePages, Ready, RunError, RunOptions, run};
pub use crate::survey::Survey;
pub use crate::upstream::Offer;

#[cfg(test)]
mod tests;
