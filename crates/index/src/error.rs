//! What can go wrong: questions that cannot be answered, and what keeps the index from following the journal.

use std::io;
use std::path::PathBuf;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A page must hold 1 to 500 events.
    #[error("a page of {0} events is not possible: ask for 1 to 500")]
    Limit(usize),
    /// The cursor is none, or belongs to another question.
    #[error("the cursor `{0}` does not belong to this search: begin again without a cursor")]
    Cursor(String),
    /// A range of time that ends before it begins, or has too many steps.
    #[error("the time range cannot be used ({0}): choose another range or a longer step")]
    Range(&'static str),
    /// A plot that tells each tool of each grant apart, of all grants and tools.
    #[error("a line for each tool of each grant needs a grant, a tool or a server: choose one")]
    TooWide,
    /// The question took too long.
    #[error("the audit index did not answer within {seconds} s: narrow the search or try again")]
    TimedOut {
        /// The time allowed.
        seconds: u64,
    },
    /// There is no index yet, or it is being rebuilt.
    #[error("the audit index is not there yet: it is being built from the journal, try again in a moment")]
    NotReady,
    /// The database cannot be read.
    #[error("cannot read the audit index: {0}")]
    Database(#[source] sqlx::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] toolgate_journal::ReadError),
    /// The index was stopped.
    #[error("the audit index was stopped")]
    Stopped,
    /// Nobody follows the journal.
    #[error("the audit index is switched off; the journal itself can be read with `toolgate audit`")]
    Off,
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> QueryError {
        match Fault::of(&error) {
            // A file without the tables: between its creation and the first transaction.
            Fault::Other if error.to_string().contains("no such table") => QueryError::NotReady,
            Fault::CannotOpen => QueryError::NotReady,
            Fault::Locked | Fault::Full | Fault::Damaged | Fault::Other => QueryError::Database(error),
        }
    }
}

/// Why the index does not follow the journal just now. Nothing is lost: it goes on from where it stood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShipError {
    #[error("another process keeps the audit index locked: it goes on when the lock is gone")]
    Locked,
    #[error("no room for the audit index: make room on its disk or raise its limit ({0})")]
    Full(sqlx::Error),
    #[error("the audit index is damaged and is built again from the journal ({0})")]
    Damaged(sqlx::Error),
    #[error("cannot write the audit index: {0}")]
    Database(sqlx::Error),
    #[error("`{}` has format {found}, and this version knows format {known}: delete it to have it built again from the journal", path.display())]
    Format { path: PathBuf, found: i64, known: i64 },
    #[error("the audit index was changed by another process")]
    Overtaken,
    #[error("cannot use `{}`: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the journal that the audit index was made from is not there: it goes on when there is one")]
    NoJournal,
    #[error(transparent)]
    Journal(#[from] toolgate_journal::ReadError),
}

impl From<sqlx::Error> for ShipError {
    fn from(error: sqlx::Error) -> ShipError {
        match Fault::of(&error) {
            Fault::Locked => ShipError::Locked,
            Fault::Full => ShipError::Full(error),
            Fault::Damaged => ShipError::Damaged(error),
            Fault::CannotOpen | Fault::Other => ShipError::Database(error),
        }
    }
}

/// What a database error comes down to.
enum Fault {
    Locked,
    Full,
    Damaged,
    CannotOpen,
    Other,
}

impl Fault {
    /// By SQLite's primary result code.
    fn of(error: &sqlx::Error) -> Fault {
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .and_then(|code| code.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Fault::Locked,
            Some(13) => Fault::Full,
            Some(11 | 26) => Fault::Damaged,
            Some(14) => Fault::CannotOpen,
            Some(_) | None => Fault::Other,
        }
    }
}
