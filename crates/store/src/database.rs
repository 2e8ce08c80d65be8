//! The seam to the database: statements with values in, rows out, in transactions. Everything above speaks
//! SQL that SQLite and PostgreSQL both understand; what differs stands in the backend's own file.
//!
//! The common language: `BIGINT`, `TEXT` and `BOOLEAN` columns, `$1` parameters, `ON CONFLICT`, `RETURNING`,
//! partial indexes. An enum rather than a trait, because the set of backends is closed and a further one is
//! one more arm in each of a dozen short functions here.

mod sqlite;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _, Type};

use crate::error::StoreError;

pub(crate) use sqlite::{SqliteFile, translate};
pub(crate) use value::{Value, values, words};

/// An open database.
#[derive(Debug)]
pub(crate) struct Database {
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Sqlite(SqliteFile),
}

/// What a write is about, so that a watcher can tell what is worth another look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// What calls are judged by: servers, policies, grants, pins, settings.
    Calls,
    /// Approvals.
    Approvals,
    /// Users, tokens and sessions of the console and the admin API.
    People,
}

impl Database {
    /// Opens the file, makes it if need be, and brings it to the newest format.
    pub(crate) async fn open(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        Ok(Self { backend: Backend::Sqlite(SqliteFile::open(path, busy).await?) })
    }

    /// The file.
    pub(crate) fn file(&self) -> &SqliteFile {
        match &self.backend {
            Backend::Sqlite(file) => file,
        }
    }

    /// Begins to read; all that is read is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction, StoreError> {
        match &self.backend {
            Backend::Sqlite(file) => file.read().await,
        }
    }

    /// Begins to write what no watcher needs to see; waits for other writers.
    pub(crate) async fn write_quietly(&self) -> Result<Transaction, StoreError> {
        match &self.backend {
            Backend::Sqlite(file) => file.write().await,
        }
    }

    /// Begins a change; waits for other writers. The counter's row is what writers queue at, also where the
    /// database itself would let them write side by side.
    pub(crate) async fn write(&self, area: Area) -> Result<Write, StoreError> {
        let mut transaction = self.write_quietly().await?;
        let revision = next_revision(&mut transaction).await?;
        let sql = match area {
            Area::Calls => "UPDATE store_state SET calls = $1 WHERE id = 1",
            Area::Approvals => "UPDATE store_state SET approvals = $1 WHERE id = 1",
            Area::People => "UPDATE store_state SET people = $1 WHERE id = 1",
        };
        transaction.run(sql, values![revision]).await?;
        Ok(Write { transaction, revision })
    }

    /// Writes everything out and closes.
    pub(crate) async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(file) => file.close().await,
        }
    }
}

async fn next_revision(transaction: &mut Transaction) -> Result<i64, StoreError> {
    let sql = "UPDATE store_state SET revision = revision + 1 WHERE id = 1 RETURNING revision";
    match transaction.row(sql, values![]).await? {
        Some(row) => row.get("revision"),
        None => Err(transaction.damaged("`store_state` is empty")),
    }
}

/// A transaction; dropped without a commit, it changes nothing.
#[derive(Debug)]
pub(crate) struct Transaction {
    inner: Inner,
    path: Arc<Path>,
}

#[derive(Debug)]
enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Transaction {
    /// Runs a statement; tells how many rows it touched.
    pub(crate) async fn run(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<u64, StoreError> {
        let done = match &mut self.inner {
            Inner::Sqlite(transaction) => sqlite::bound(sql, values).execute(&mut **transaction).await,
        };
        done.map(|done| done.rows_affected()).map_err(|error| sqlite::translate(&self.path, error))
    }

    /// All rows of a query.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match &mut self.inner {
            Inner::Sqlite(transaction) => sqlite::bound(sql, values).fetch_all(&mut **transaction).await,
        };
        let rows = rows.map_err(|error| sqlite::translate(&self.path, error))?;
        Ok(rows.into_iter().map(|row| self.of(row)).collect())
    }

    /// The only row of a query, if there is one.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<Row>, StoreError> {
        let row = match &mut self.inner {
            Inner::Sqlite(transaction) => sqlite::bound(sql, values).fetch_optional(&mut **transaction).await,
        };
        let row = row.map_err(|error| sqlite::translate(&self.path, error))?;
        Ok(row.map(|row| self.of(row)))
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let done = match self.inner {
            Inner::Sqlite(transaction) => transaction.commit().await,
        };
        done.map_err(|error| sqlite::translate(&self.path, error))
    }

    /// What is read makes no sense.
    pub(crate) fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: self.path.to_path_buf(), detail: detail.into() }
    }

    fn of(&self, row: SqliteRow) -> Row {
        Row { cells: Cells::Sqlite(row), path: Arc::clone(&self.path) }
    }
}

/// A change under way: a transaction that has counted itself.
#[derive(Debug)]
pub(crate) struct Write {
    transaction: Transaction,
    revision: i64,
}

impl Write {
    /// The number of this change: id of what it makes, revision of what it changes.
    pub(crate) fn revision(&self) -> i64 {
        self.revision
    }

    /// The number for one more thing that this change makes.
    pub(crate) async fn next(&mut self) -> Result<i64, StoreError> {
        self.revision = next_revision(&mut self.transaction).await?;
        Ok(self.revision)
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await
    }
}

impl std::ops::Deref for Write {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl std::ops::DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}

/// One row of an answer.
pub(crate) struct Row {
    cells: Cells,
    path: Arc<Path>,
}

enum Cells {
    Sqlite(SqliteRow),
}

/// What a column can be read as, in every backend.
pub(crate) trait Column: for<'r> Decode<'r, Sqlite> + Type<Sqlite> {}

impl<T> Column for T where T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> {}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = match &self.cells {
            Cells::Sqlite(row) => row.try_get(column),
        };
        value.map_err(|error| self.damaged(&error.to_string()))
    }

    /// The value of a column that holds one word of a closed set.
    pub(crate) fn word<T>(
        &self,
        column: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        parse(&text).ok_or_else(|| self.damaged(&format!("column `{column}` holds `{text}`")))
    }

    /// What is read makes no sense.
    pub(crate) fn damaged(&self, detail: &str) -> StoreError {
        StoreError::Corrupt { path: PathBuf::from(&*self.path), detail: detail.to_owned() }
    }
}
