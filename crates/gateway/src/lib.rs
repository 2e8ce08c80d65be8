//! The gateway: one pipeline from the listener to the upstream, and what it needs.
