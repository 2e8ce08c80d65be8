//! The index against real journals, compared with a plain reading of the same records.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fixture;
mod follow;
mod reference;
mod search;
mod sums;
