//! The Model Context Protocol on the wire: envelope, revisions, headers, event streams, client legs.
//!
//! Bytes in, typed views out. This crate knows nothing of grants, policies or storage.

pub mod stdio;
