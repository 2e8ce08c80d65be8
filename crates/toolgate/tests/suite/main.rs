//! The program as its users meet it: arguments in, text and exit code out.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their harness")]

mod api;
mod audit;
mod backup;
mod check;
mod connect;
mod doctor;
mod explain;
mod grant;
mod harness;
mod inventory;
mod logs;
mod precheck;
mod scan;
mod scripted;
mod secrets;
mod up;
