//! Connections to hosts that somebody else named, kept from what only this machine and its neighbours can reach
//! (server-side request forgery, CWE-918): which addresses are public, and a resolver that finds no others.

mod guard;
mod public;

pub use guard::Guard;
pub use public::is_public;
