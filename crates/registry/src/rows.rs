//! Many rows in one statement: a statement for each would cost more than the rows themselves.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite};

/// A statement whose values are bound later.
pub(crate) type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Rows in one statement.
const ROWS: usize = 100;

/// A statement around a list of rows: `before (?, …), (?, …) after`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowList {
    pub(crate) before: &'static str,
    pub(crate) columns: usize,
    pub(crate) after: &'static str,
}

impl RowList {
    fn statement(&self, rows: usize) -> Statement {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let text = format!("{} {} {}", self.before, vec![row; rows].join(","), self.after);
        // Made of this program's own text; values are bound. Only those of full length are worth keeping prepared.
        sqlx::query(AssertSqlSafe(text)).persistent(rows == ROWS)
    }

    /// Executes the statement for all items, as often as needed.
    pub(crate) async fn execute<T>(
        &self,
        connection: &mut SqliteConnection,
        items: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<(), sqlx::Error> {
        for chunk in items.chunks(ROWS) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            statement.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The rows that the statement gives for all items, executed as often as needed.
    pub(crate) async fn fetch<T>(
        &self,
        connection: &mut SqliteConnection,
        items: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut rows = Vec::new();
        for chunk in items.chunks(ROWS) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            rows.extend(statement.fetch_all(&mut *connection).await?);
        }
        Ok(rows)
    }
}
