//! How many rows the index writes, and looks up, in one statement.

/// Rows in one statement.
pub(crate) const ROWS: usize = 200;

/// A statement around a list of rows.
pub(crate) type RowList = toolgate_sqlite::RowList<ROWS>;
