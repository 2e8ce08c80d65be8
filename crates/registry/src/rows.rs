//! How many rows the import writes in one statement.

/// A statement around a list of rows, 100 at most.
pub(crate) type RowList = toolgate_sqlite::RowList<100>;
