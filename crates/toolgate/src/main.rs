//! The `toolgate` binary: turns the command line into calls of the gateway.
fn main() {}
