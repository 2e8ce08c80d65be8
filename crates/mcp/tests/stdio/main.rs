//! The stdio leg against real processes.

#![expect(clippy::expect_used, clippy::panic, reason = "tests and their helpers")]

mod ending;
mod messages;
mod probing;
mod requests;
mod rig;
mod unasked;
