//! The ImageGen MCP server: tools that make a picture from a text, save it to a file and return its path.
//!
//! [`Server`] answers the protocol; [`stdio`] and [`http`] carry it. What a tool accepts stands in one table
//! ([`Tool::fields`]), from which both its schema and its check are made. What models take, cost and how long they
//! live stands in another ([`catalogue::Catalogue`]), which is data.

pub mod arguments;
mod call;
pub mod catalogue;
pub mod failure;
pub mod fake_vendors;
pub mod gallery;
pub mod http;
mod inputs;
pub mod money;
pub mod picture;
pub mod reply;
#[cfg(test)]
mod scripted;
pub mod secret;
pub mod server;
pub mod settings;
pub mod stdio;
pub mod storage;
pub mod tool;
mod vendor;
mod wire;

pub use server::{Clock, Server};
pub use settings::{Provider, Settings};
pub use tool::Tool;
