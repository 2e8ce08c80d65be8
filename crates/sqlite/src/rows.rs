//! Many rows in one statement: a statement for each would cost more than the rows themselves.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite};

/// A statement whose values are bound later.
pub type Statement = Query<'static, Sqlite, SqliteArguments>;

/// A statement around a list of at most `ROWS` rows: `before (?, …), (?, …) after`.
///
/// The number is part of the type, so that all statements of a database are of one length: those are kept prepared.
#[derive(Clone, Copy, Debug)]
pub struct RowList<const ROWS: usize> {
    /// The text before the rows.
    pub before: &'static str,
    /// How many values a row has.
    pub columns: usize,
    /// The text behind the rows.
    pub after: &'static str,
}

impl<const ROWS: usize> RowList<ROWS> {
    /// The text of the statement for `rows` rows.
    #[must_use]
    pub fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        format!("{} {} {}", self.before, vec![row; rows].join(","), self.after)
    }

    /// Executes the statement for all items, as often as needed.
    ///
    /// # Errors
    ///
    /// The database's; items before the one that failed may be written.
    pub async fn execute<T>(
        &self,
        connection: &mut SqliteConnection,
        items: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<(), sqlx::Error> {
        for chunk in chunks::<T, ROWS>(items) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            statement.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The rows that the statement gives for all items, executed as often as needed.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn fetch<T>(
        &self,
        connection: &mut SqliteConnection,
        items: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut rows = Vec::new();
        for chunk in chunks::<T, ROWS>(items) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            rows.extend(statement.fetch_all(&mut *connection).await?);
        }
        Ok(rows)
    }

    /// The statement for `rows` rows. Only those of full length are worth keeping prepared.
    fn statement(&self, rows: usize) -> Statement {
        // Safe: made of this program's own text; values are bound.
        sqlx::query(AssertSqlSafe(self.sql(rows))).persistent(rows == ROWS)
    }
}

/// The items in parts, each for one statement.
fn chunks<T, const ROWS: usize>(items: &[T]) -> std::slice::Chunks<'_, T> {
    const { assert!(ROWS > 0, "a statement has at least one row") };
    items.chunks(ROWS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::{Connection as _, Executor as _, Row as _};

    use super::*;

    const WRITE: RowList<3> = RowList {
        before: "INSERT INTO thing (id, text) VALUES",
        columns: 2,
        after: "ON CONFLICT DO NOTHING",
    };
    const READ: RowList<3> = RowList {
        before: "WITH wanted (id) AS (VALUES",
        columns: 1,
        after: ") SELECT thing.id, thing.text FROM wanted CROSS JOIN thing ON thing.id = wanted.id",
    };

    async fn memory() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        connection.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT)").await.unwrap();
        connection
    }

    async fn write(connection: &mut SqliteConnection, items: &[(i64, String)]) {
        WRITE.execute(connection, items, |s, (id, text)| s.bind(*id).bind(text.clone())).await.unwrap();
    }

    #[test]
    fn the_text_has_a_place_for_each_value() {
        assert_eq!(WRITE.sql(2), "INSERT INTO thing (id, text) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING");
        assert_eq!(READ.sql(1), READ.sql(3).replace("(?),(?),(?)", "(?)"));
    }

    #[tokio::test]
    async fn only_statements_of_full_length_are_kept() {
        let mut connection = memory().await;
        let items: Vec<_> = (0..20).map(|id| (id, String::new())).collect();
        let kept = connection.cached_statements_size();
        for most in [1, 2] {
            write(&mut connection, &items[..most]).await;
        }
        assert_eq!(connection.cached_statements_size(), kept);
        for most in [3, 6, 20] {
            write(&mut connection, &items[..most]).await;
        }
        assert_eq!(connection.cached_statements_size(), kept + 1);
    }

    #[tokio::test]
    async fn an_error_of_the_database_is_told() {
        let mut connection = memory().await;
        let wrong: RowList<3> = RowList { before: "INSERT INTO nothing VALUES", ..WRITE };
        assert!(wrong.execute(&mut connection, &[1_i64], |s, id| s.bind(*id)).await.is_err());
        assert!(wrong.fetch(&mut connection, &[1_i64], |s, id| s.bind(*id)).await.is_err());
        wrong.execute(&mut connection, &[], |s, id: &i64| s.bind(*id)).await.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// As if each item had a statement of its own.
        #[test]
        fn all_items_are_written_and_found(
            items in prop::collection::vec((0..30_i64, "[a-z]{0,3}"), 0..20),
            wanted in prop::collection::vec(0..30_i64, 0..20),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let found: Vec<(i64, String)> = runtime.block_on(async {
                let mut connection = memory().await;
                write(&mut connection, &items).await;
                let rows = READ.fetch(&mut connection, &wanted, |s, id| s.bind(*id)).await.unwrap();
                rows.iter().map(|row| (row.get("id"), row.get("text"))).collect()
            });
            let first = |id: &i64| items.iter().find(|(other, _)| other == id).cloned();
            let expected: Vec<_> = wanted.iter().filter_map(first).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
