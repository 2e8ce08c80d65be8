//! What can go wrong: with the catalogue itself, and with what is read into it.

use std::io;
use std::path::PathBuf;

/// Why the catalogue cannot be used, or a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A page must hold 1 to 200 entries.
    #[error("a page of {0} entries is not possible: ask for 1 to 200")]
    Limit(usize),
    /// The cursor is none.
    #[error("the cursor does not belong to this search: begin again without a cursor")]
    Cursor,
    /// The question took too long.
    #[error("the catalogue did not answer within {seconds} s: narrow the search or try again")]
    TimedOut {
        /// The time allowed.
        seconds: u64,
    },
    /// Another version of the program made the file.
    #[error("`{}` has format {found}, and this version knows format {known}: delete it and import again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The format of this version.
        known: i64,
    },
    /// The file or its folder cannot be used.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another import runs.
    #[error("another import runs on this data directory: wait until it has ended")]
    Importing,
    /// The database cannot be read or written.
    #[error("the catalogue's database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// Why an import did not come to its end. What was stored stays; the next import of the same source goes on there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The source cannot be read.
    #[error("cannot read `{place}`: {source}")]
    Read {
        /// The file.
        place: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is neither lines of JSON nor one JSON document with a list.
    #[error("`{place}` cannot be imported: {why}")]
    Form {
        /// The file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The registry cannot be reached, or answers something else.
    #[error("the registry at `{host}` {why}")]
    Registry {
        /// Its host.
        host: String,
        /// What happened.
        why: String,
    },
    /// The system has no thread left, or one broke.
    #[error("the import broke off: {0}")]
    Broken(String),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Catalog(CatalogError::Database(error))
    }
}
