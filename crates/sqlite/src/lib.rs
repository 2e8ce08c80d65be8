//! SQLite files: how one is made for its owner alone; how those are opened whose content can be made again from
//! elsewhere, as the audit index from the journal and the catalogue from its sources; and how many rows are written and
//! read in one statement.

mod file;
mod rows;

pub use file::{make_private, options, writing};
pub use rows::{RowList, Statement};
