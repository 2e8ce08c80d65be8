//! The gateway: one pipeline from the listener to the upstream, and what it needs.
//!
//! This crate knows grants, sessions, the journal's use, and the wire through `toolgate-mcp`; it does
//! not know the command line.

mod body;
mod child_log;
pub mod clock;
mod door;
mod gateway;
mod grant;
pub mod grants;
mod guarded;
mod judge;
mod listener;
mod metrics;
mod pipeline;
mod refusal;
mod request_id;
mod session;
pub mod settings;
mod snapshot;
mod task_ids;
mod ticket;
pub mod token;
mod upstream;
