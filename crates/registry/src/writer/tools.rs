//! Tools: those that are new are added, those that differ take the place of what was there.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use toolgate_catalog::{Category, Severity};

use super::Tally;
use super::servers::Placed;
use crate::entry::{Stored, Transports, definition_of, labels_of};
use crate::rows::RowList;
use crate::terms;

const FIND: RowList = RowList {
    before: "WITH wanted (server_id, name) AS (VALUES",
    columns: 2,
    after: ") SELECT tool.id, tool.server_id, tool.name, hash, category, severity, labels, reason FROM wanted \
            CROSS JOIN tool ON tool.server_id = wanted.server_id AND tool.name = wanted.name",
};
const TOOLS: RowList = RowList {
    before: "INSERT OR REPLACE INTO tool (id, server_id, name, category, severity, confidence, labels, hash, title, \
             reason, definition) VALUES",
    columns: 11,
    after: "",
};
const WORDS: RowList =
    RowList { before: "INSERT INTO tool_words (rowid, terms) VALUES", columns: 2, after: "" };
const NO_WORDS: RowList =
    RowList { before: "DELETE FROM tool_words WHERE rowid IN (VALUES", columns: 1, after: ")" };

/// What is stored of a tool, as far as it tells whether a new one differs.
struct Found {
    id: i64,
    hash: Vec<u8>,
    word: (i64, i64, i64, String),
}

/// Stores tools; of two of one name the later counts.
pub(super) async fn store(
    connection: &mut SqliteConnection,
    tools: Vec<Placed>,
    (next, tally): (&mut i64, &mut Tally),
) -> Result<(), sqlx::Error> {
    let tools = last_of_each(tools);
    let found = find(connection, &tools).await?;
    let (mut changed, mut added) = (Vec::new(), Vec::new());
    for placed in tools {
        let before = found.get(&placed.server).and_then(|of_server| of_server.get(&placed.tool.name));
        match before {
            Some(before) if before.hash == placed.tool.hash && before.word == word(&placed.tool.verdict) => {
                tally.tools_unchanged += 1;
            }
            Some(before) => changed.push((before.id, placed)),
            None => {
                added.push((*next, placed));
                *next += 1;
            }
        }
    }
    tally.tools_changed += counted(changed.len());
    tally.tools_added += counted(added.len());
    // In order of their numbers, as the index of words likes them: those that were there come first.
    changed.sort_unstable_by_key(|(id, _)| *id);
    NO_WORDS.execute(connection, &changed, |statement, (id, _)| statement.bind(*id)).await?;
    changed.append(&mut added);
    insert(connection, &changed).await
}

/// Changes what tools are found by after their server's transports changed.
pub(super) async fn place_anew(
    connection: &mut SqliteConnection,
    moved: &[(i64, Transports)],
) -> Result<(), sqlx::Error> {
    for (server, transports) in moved {
        let rows = sqlx::query(
            "SELECT tool.id, category, severity, labels, definition, server.name AS server FROM tool \
             JOIN server ON server.id = server_id WHERE server_id = ? ORDER BY tool.id",
        )
        .bind(*server)
        .fetch_all(&mut *connection)
        .await?;
        let mut fresh = Vec::new();
        for row in rows {
            let of: String = row.try_get("server")?;
            let Ok(definition) = definition_of(&of, &row.try_get::<String, _>("definition")?) else {
                continue;
            };
            let verdict = Stored {
                category: category_of(row.try_get("category")?),
                severity: severity_of(row.try_get("severity")?),
                confidence: 0.0,
                labels: labels_of(row.try_get("labels")?),
                reason: String::new(),
            };
            let terms =
                terms::of_place(&terms::of_tool(&definition, &verdict), &verdict, (*server, *transports));
            fresh.push((row.try_get::<i64, _>("id")?, terms));
        }
        NO_WORDS.execute(connection, &fresh, |statement, (id, _)| statement.bind(*id)).await?;
        WORDS
            .execute(connection, &fresh, |statement, (id, terms)| statement.bind(*id).bind(terms.clone()))
            .await?;
    }
    Ok(())
}

/// The category of a number in the database.
pub(crate) fn category_of(number: i64) -> Category {
    usize::try_from(number).ok().and_then(|n| Category::ALL.get(n).copied()).unwrap_or(Category::Financial)
}

/// The severity of a number in the database.
pub(crate) fn severity_of(number: i64) -> Severity {
    usize::try_from(number).ok().and_then(|n| Severity::ALL.get(n).copied()).unwrap_or(Severity::Critical)
}

fn last_of_each(tools: Vec<Placed>) -> Vec<Placed> {
    let mut at: HashMap<(i64, String), usize, foldhash::fast::RandomState> = HashMap::default();
    let mut kept: Vec<Placed> = Vec::with_capacity(tools.len());
    for placed in tools {
        match at.get(&(placed.server, placed.tool.name.clone())).and_then(|at| kept.get_mut(*at)) {
            Some(before) => *before = placed,
            None => {
                at.insert((placed.server, placed.tool.name.clone()), kept.len());
                kept.push(placed);
            }
        }
    }
    kept
}

type ByServer = HashMap<i64, HashMap<String, Found>>;

async fn find(connection: &mut SqliteConnection, tools: &[Placed]) -> Result<ByServer, sqlx::Error> {
    let rows = FIND
        .fetch(connection, tools, |statement, placed| {
            statement.bind(placed.server).bind(placed.tool.name.clone())
        })
        .await?;
    let mut found = ByServer::new();
    for row in rows {
        let stored = Found {
            id: row.try_get("id")?,
            hash: row.try_get("hash")?,
            word: (
                row.try_get("category")?,
                row.try_get("severity")?,
                row.try_get("labels")?,
                row.try_get("reason")?,
            ),
        };
        found.entry(row.try_get("server_id")?).or_default().insert(row.try_get("name")?, stored);
    }
    Ok(found)
}

async fn insert(connection: &mut SqliteConnection, tools: &[(i64, Placed)]) -> Result<(), sqlx::Error> {
    TOOLS
        .execute(connection, tools, |statement, (id, Placed { server, tool, .. })| {
            let (category, severity, labels, reason) = word(&tool.verdict);
            statement
                .bind(*id)
                .bind(*server)
                .bind(tool.name.clone())
                .bind(category)
                .bind(severity)
                .bind(tool.verdict.confidence)
                .bind(labels)
                .bind(tool.hash.to_vec())
                .bind(tool.title.clone())
                .bind(reason)
                .bind(tool.definition.clone())
        })
        .await?;
    WORDS
        .execute(connection, tools, |statement, (id, Placed { server, transports, tool })| {
            statement.bind(*id).bind(terms::of_place(&tool.terms, &tool.verdict, (*server, *transports)))
        })
        .await
}

/// The machine's word as it is stored.
fn word(verdict: &Stored) -> (i64, i64, i64, String) {
    let number = |at: Option<usize>| at.and_then(|at| i64::try_from(at).ok()).unwrap_or_default();
    (
        number(Category::ALL.iter().position(|category| *category == verdict.category)),
        number(Severity::ALL.iter().position(|severity| *severity == verdict.severity)),
        verdict.label_bits(),
        verdict.reason.clone(),
    )
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
