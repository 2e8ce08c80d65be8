//! How the database goes about each statement: none reads or sorts the whole table of events.

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::*;
use crate::database::open_writer;
use crate::event::EVENTS;
use crate::options::Options;
use crate::search::merge::{FIRST_OF, MORE, newest};
use crate::search::range::{BOUNDS, FIRST, LAST};
use crate::writer::sums::{DAILY, HOURLY};
use crate::writer::{CLOSED, OPEN};

async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(connection).await;
    rows.unwrap().iter().map(|row| sqlx::Row::get(row, "detail")).collect()
}

async fn open(directory: &Path) -> SqliteConnection {
    open_writer(&Options::new(directory)).await.unwrap()
}

/// Large tables are searched by a key, and events come in order by themselves.
fn check(plan: &[String], sql: &str) {
    for table in ["event", "hourly", "daily", "sum", "mark"] {
        let scan = format!("SCAN {table}");
        assert!(!plan.iter().any(|step| step.starts_with(&scan)), "{plan:#?}\n{sql}");
    }
}

fn sorts(plan: &[String]) -> bool {
    plan.iter().any(|step| step.contains("TEMP B-TREE"))
}

#[tokio::test]
async fn no_search_reads_or_sorts_all_events() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = open(directory.path()).await;
    let range = Range { first: 5, last: 1000 };
    for chosen in 0..1 << Dimension::OF_CLASS.len() {
        let terms: Vec<_> = Dimension::OF_CLASS
            .into_iter()
            .enumerate()
            .filter(|(position, _)| chosen >> position & 1 == 1)
            .map(|(_, dimension)| (dimension, 7))
            .collect();
        for (from, until) in [(i64::MIN, i64::MAX), (3, 9)] {
            let terms = terms.clone();
            let query = Query { terms, request_id: Some("x"), from, until, wanted: 100 };
            let statements: [(QueryBuilder<Sqlite>, bool); 3] = [
                (probe(&query, range, 100), false),
                (of_request(&query, range), false),
                // Puts classes in order, each by its newest event.
                (newest(&query, range, 100), true),
            ];
            for (sql, may_sort) in statements {
                let sql = sql.into_string();
                let plan = plan(&mut connection, &sql).await;
                check(&plan, &sql);
                assert!(may_sort || !sorts(&plan), "{plan:#?}\n{sql}");
            }
        }
    }
}

#[tokio::test]
async fn the_other_statements_go_by_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = open(directory.path()).await;
    for sql in [MORE, FIRST, LAST, BOUNDS, NTH] {
        let plan = plan(&mut connection, sql).await;
        check(&plan, sql);
        assert!(!sorts(&plan), "{plan:#?}\n{sql}");
    }
    for list in [TIMES, FIRST_OF, OPEN, CLOSED, EVENTS, HOURLY.read, DAILY.read] {
        let sql = list.sql(3);
        let plan = plan(&mut connection, &sql).await;
        check(&plan, &sql);
    }
}
