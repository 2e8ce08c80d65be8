//! The store as its callers see it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first mistake")]

mod addresses;
mod backups;
mod bench;
mod imports;
mod inventory;
mod keys;
mod model;
mod people;
mod resources;
