//! Conditions against calls.
