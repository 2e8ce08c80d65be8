//! The server as clients meet it: over pipes and HTTP, in both protocol eras, and as a process.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their harness")]

mod contract;
mod dotenv;
mod failures;
mod faked;
mod fidelity;
mod harness;
mod listing;
mod over_http;
mod patience;
mod pictures;
mod process;
mod protocol;
mod replay;
