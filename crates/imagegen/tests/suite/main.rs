//! The server as clients meet it: over pipes and HTTP, in both protocol eras, and as a process.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their harness")]

mod contract;
mod dotenv;
mod harness;
mod over_http;
mod process;
mod protocol;
