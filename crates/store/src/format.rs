//! The database's format: which one a file has, and how an older one is brought up to date.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Executor as _, Row as _, SqlSafeStr as _};

use crate::database::translate;
use crate::error::StoreError;

/// Every format with the statements that lead to it from the one before.
const FORMATS: [(i64, &str, &str); 3] = [
    (1, "resources", include_str!("../migrations/0001_resources.sql")),
    (2, "addresses", include_str!("../migrations/0002_addresses.sql")),
    (3, "inventory", include_str!("../migrations/0003_inventory.sql")),
];

/// The newest format that this program knows.
pub const FORMAT: i64 = FORMATS.len() as i64;

/// Brings a database to the newest format: all of the way, or not at all.
pub(crate) async fn bring_up(writer: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let lost = |error| translate(path, error);
    let mut connection = writer.acquire().await.map_err(lost)?;
    if found(&mut connection, path).await? == Some(FORMAT) {
        return Ok(());
    }
    drop(connection);
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(lost)?;
    // Another process may have been faster.
    if found(&mut transaction, path).await? == Some(FORMAT) {
        return Ok(());
    }
    migrator().run(&mut *transaction).await.map_err(|error| refused(path, error))?;
    transaction.commit().await.map_err(lost)
}

/// The format of a database; none for an empty one.
pub(crate) async fn found(connection: &mut SqliteConnection, path: &Path) -> Result<Option<i64>, StoreError> {
    let lost = |error| translate(path, error);
    let tables = connection.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'").await;
    let tables: Vec<String> = tables
        .map_err(lost)?
        .iter()
        .map(|row| row.try_get("name"))
        .collect::<Result<_, _>>()
        .map_err(lost)?;
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return Err(StoreError::Foreign { path: path.to_path_buf() });
    }
    let newest = connection.fetch_one("SELECT MAX(version) AS newest FROM _sqlx_migrations").await;
    let newest: Option<i64> = newest.and_then(|row| row.try_get("newest")).map_err(lost)?;
    match newest {
        Some(found) if found > FORMAT => {
            Err(StoreError::Newer { path: path.to_path_buf(), found, known: FORMAT })
        }
        Some(_) if !tables.iter().any(|name| name == "store_state") => {
            Err(StoreError::Foreign { path: path.to_path_buf() })
        }
        newest => Ok(newest),
    }
}

fn migrator() -> Migrator {
    let migrations = FORMATS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn refused(path: &Path, error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => translate(path, error),
        other => StoreError::Corrupt {
            path: path.to_path_buf(),
            detail: format!("its format cannot be brought up to date: {other}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::{Change, FILE, FileNames, Options, Page, Role, Store};

    #[test]
    fn formats_are_numbered_without_gaps() {
        let numbers: Vec<i64> = FORMATS.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, (1..=FORMAT).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn every_earlier_format_is_brought_up() {
        for earlier in 0..=FORMAT {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(FILE);
            let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            migrator().run_to(earlier, &mut connection).await.unwrap();
            drop(connection);
            let store = Store::open(Options::new(dir.path())).await.unwrap();
            let found = Store::examine(&path).await.unwrap();
            assert_eq!((found.format, found.faults), (Some(FORMAT), Vec::new()), "from {earlier}");
            let file = FileNames::default();
            store.users().create("u", Role::Admin, &Change::new("a", 1, &file)).await.unwrap();
            assert_eq!(store.users().list(Page::ALL).await.unwrap().len(), 1);
        }
    }
}
