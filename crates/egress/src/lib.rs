//! Connections to hosts that somebody else named, kept from what only this machine and its neighbours can reach
//! (server-side request forgery, CWE-918): which addresses are public, and a resolver that finds no others. Also how long
//! such a host asks to wait.

mod guard;
mod public;
mod retry;

pub use guard::Guard;
pub use public::is_public;
pub use retry::retry_after;
