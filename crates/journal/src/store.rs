//! The journal's files: `DATA/journal/<first seq>.jsonl`, `DATA/journal.key` and `DATA/journal.pub`.
//! What stands in them is decided elsewhere; this module and its children only read and write them.

pub(crate) mod audit;
pub(crate) mod disk;
pub(crate) mod keys;
pub(crate) mod records;
pub(crate) mod retention;
pub(crate) mod segments;
pub(crate) mod tail;
pub(crate) mod unsynced;
pub(crate) mod writer;
