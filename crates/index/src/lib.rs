//! The audit index: a copy of the journal that can be searched, and sums that plots and limits are made from.
//! It lies in a file of its own, `index.db`, which may be deleted at any time: it is built again from the
//! journal, which stays the truth.
//!
//! [`Index::start`] begins to follow the journal in the background; the other methods of [`Index`] ask.
//! Nothing here knows the gateway, HTTP, MCP or policies, and no clock is read: it is a parameter.

mod batch;
mod database;
mod dimension;
mod error;
mod event;
mod index;
mod ledger;
mod number;
mod options;
mod plot;
mod readers;
mod retention;
mod rows;
mod search;
mod series;
mod shipper;
mod sketch;
mod status;
mod sums;
mod timeline;
mod usage;
mod writer;

pub use dimension::Dimension;
pub use error::QueryError;
pub use event::Event;
pub use index::{Detail, Index};
pub use options::{Clock, Options};
pub use plot::{Chart, Line, Plot, Point, Step};
pub use search::{Cursor, PAGE_MOST, Page, Search};
pub use series::{By, Key, Scope};
pub use status::{State, Status};
pub use usage::Usage;
