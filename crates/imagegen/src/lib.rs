//! The ImageGen MCP server: four tools that make a picture from a text, save it to a file and return its path.
//!
//! [`Server`] answers the protocol; [`stdio`] and [`http`] carry it. What a tool accepts stands in one table
//! ([`Tool::fields`]), from which both its schema and its check are made.

pub mod arguments;
pub mod fake_vendors;
pub mod http;
pub mod picture;
pub mod reply;
pub mod server;
pub mod settings;
pub mod stdio;
pub mod storage;
pub mod tool;

pub use server::Server;
pub use settings::{Provider, Settings};
pub use tool::Tool;
