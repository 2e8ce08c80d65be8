//! The index against real journals, compared with a plain reading of the same records.
#![expect(clippy::unwrap_used, reason = "tests")]

mod crash;
mod faults;
mod fixture;
mod follow;
mod reference;
mod search;
mod sums;
