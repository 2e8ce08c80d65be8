//! Placing of values, read from both notations.
