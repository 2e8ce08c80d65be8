//! The admin API under `/api/v1` and the sign-in under `/sign-in`: what people and programs see of a running
//! gateway, and how they change it. One table says which route needs which role (`table`), one place asks who
//! comes and what they may do (`guard`), one place makes changes act (`change`).
//!
//! The gateway is known through [`Running`] alone; everything that is kept is in `toolgate-store`.

mod admin;
mod attempts;
mod audit;
mod catalog;
mod change;
mod credential;
mod events;
mod grants;
mod guard;
mod identity;
mod input;
mod inventory;
mod live;
mod moment;
mod offer;
mod page;
mod people;
mod policies;
mod precondition;
mod problem;
mod running;
mod servers;
mod session;
mod settings;
mod sign_in;
mod state;
mod table;

pub use admin::{Admin, Parts};
pub use credential::{LINK_LIFE, TOKEN_PREFIX};
pub use identity::Peer;
pub use live::{FileSource, Live};
pub use running::{FilePolicy, FileView, GatewayHealth, Noted, Running, Subject};
pub use settings::LIMITS_SETTING;

#[cfg(test)]
mod tests;
