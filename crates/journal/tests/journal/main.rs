//! The journal on disk: its life, its end in a crash, and what becomes of it when the disk fails.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at the first failure"
)]

mod concurrency;
mod crash;
mod failing_disk;
mod lifecycle;
mod reading;
mod support;
mod torn;
mod write_failures;
