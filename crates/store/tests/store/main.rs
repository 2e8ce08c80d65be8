//! The store as its callers see it.
#![expect(clippy::unwrap_used, reason = "a test stops at its first mistake")]

mod bench;
mod resources;
