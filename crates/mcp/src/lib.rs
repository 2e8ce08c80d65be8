//! The Model Context Protocol on the wire: envelope, revisions, headers, event streams, client legs.
//!
//! Bytes in, typed views out. This crate knows nothing of grants, policies or storage.

pub mod batch;
pub mod capabilities;
pub mod definition;
pub mod edit;
pub mod error;
pub mod headers;
pub mod list;
pub mod message;
pub mod meta;
pub mod method;
mod names;
pub mod params;
pub mod revision;
pub mod sse;
pub mod stdio;
