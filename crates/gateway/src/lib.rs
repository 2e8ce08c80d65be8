//! The gateway: one pipeline from the listener to the upstream, and what it needs.
//!
//! This crate knows grants, sessions, the journal's use, and the wire through `toolgate-mcp`; it does
//! not know the command line.

pub mod grants;
pub mod settings;
pub mod token;
