//! Search: words and what narrows them become questions to the index of words, the best kind of hit first. Whole
//! names come before names that hold the words, those before names and servers, those before texts.

mod cursor;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};
use toolgate_catalog::{Category, Label, Severity};

use crate::entry::Transport;
use crate::error::CatalogError;
use crate::terms::{self, Class, Facets, Place};
use crate::words::{self, Word};

pub(crate) use cursor::Cursor;

/// Most entries of a page.
pub const PAGE_MOST: usize = 200;
/// Hits that are put in order together: within them short names come first, as they are nearer to what was asked.
const WINDOW: usize = 256;

/// What to search for; what is absent may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words of name, title, description and server, all of which must be there. A star behind a word asks for all
    /// that begin so; behind a single letter it asks names and servers alone. Any other sign only parts words.
    pub words: String,
    /// The category; of tools.
    pub category: Option<Category>,
    /// The severity; of tools.
    pub severity: Option<Severity>,
    /// A label; of tools.
    pub label: Option<Label>,
    /// The whole name of a server; of tools.
    pub server: Option<String>,
    /// How the server is reached.
    pub transport: Option<Transport>,
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tools,
    Servers,
}

/// Hits in order, and where to go on.
#[derive(Debug)]
pub(crate) struct Hits {
    pub(crate) ids: Vec<i64>,
    pub(crate) next: Option<Cursor>,
}

/// The questions of a search, the best kind of hit first; none if nothing can be found.
struct Tiers {
    kind: Kind,
    questions: Vec<String>,
}

/// The hits of a page.
pub(crate) async fn hits(
    connection: &mut SqliteConnection,
    (kind, search): (Kind, &Search),
    limit: usize,
    cursor: Option<Cursor>,
) -> Result<Hits, CatalogError> {
    let server = match &search.server {
        None => None,
        Some(name) => match id_of(connection, name).await? {
            Some(id) => Some(id),
            None => return Ok(Hits { ids: Vec::new(), next: None }),
        },
    };
    let tiers = Tiers::of(kind, search, server);
    let mut at = cursor.unwrap_or_default();
    let mut ids = Vec::with_capacity(limit);
    while let Some(question) = tiers.questions.get(at.tier) {
        let window = tiers.window(connection, question, at.after).await?;
        let full = window.len() == WINDOW;
        let last = window.iter().map(|(_, id)| *id).max();
        for (place, id) in in_order(window).into_iter().enumerate().skip(at.offset) {
            if ids.len() == limit {
                return Ok(Hits { ids, next: Some(Cursor { offset: place, ..at }) });
            }
            ids.push(id);
        }
        at = match last {
            Some(last) if full => Cursor { after: last, offset: 0, ..at },
            Some(_) | None => Cursor { tier: at.tier + 1, ..Cursor::default() },
        };
    }
    Ok(Hits { ids, next: None })
}

/// The number of a server.
async fn id_of(connection: &mut SqliteConnection, name: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM server WHERE name = ?")
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await
}

/// Short names first, then in order of arrival.
fn in_order(mut window: Vec<(i64, i64)>) -> Vec<i64> {
    window.sort_unstable();
    window.into_iter().map(|(_, id)| id).collect()
}

impl Tiers {
    fn of(kind: Kind, search: &Search, server: Option<i64>) -> Self {
        let words = words::question(&search.words);
        let facets = facets(kind, search, server);
        if words.is_empty() {
            // Without words that could be used, what was typed finds nothing; without any, everything is meant.
            let typed = !search.words.trim().is_empty();
            let questions = if typed { Vec::new() } else { vec![facets] };
            return Self { kind, questions };
        }
        let places: &[Place] = match kind {
            Kind::Tools => &[Place::Name, Place::NameOrServer, Place::Anywhere],
            Kind::Servers => &[Place::Name, Place::Anywhere],
        };
        let whole = terms::whole_question(&words);
        let mut questions: Vec<String> = Vec::with_capacity(places.len() + 1);
        let mut before: Option<String> = None;
        for matches in std::iter::once(whole).chain(places.iter().map(|place| all_of(&words, *place))) {
            let mut question = matches.clone();
            if !facets.is_empty() {
                question = format!("{question} AND {facets}");
            }
            if let Some(before) = before.replace(matches) {
                question = format!("({question}) NOT {before}");
            }
            questions.push(question);
        }
        Self { kind, questions }
    }

    /// The next hits of a question: lengths of names, and numbers.
    async fn window(
        &self,
        connection: &mut SqliteConnection,
        question: &str,
        after: i64,
    ) -> Result<Vec<(i64, i64)>, CatalogError> {
        // What belongs to a server that its registry took away is not found.
        let (table, words, there) = match self.kind {
            Kind::Tools => (
                "tool",
                "tool_words",
                "CROSS JOIN server ON server.id = entry.server_id AND server.status < 2",
            ),
            Kind::Servers => ("server", "server_words", ""),
        };
        let (from, condition) = if question.is_empty() {
            let there = if there.is_empty() { "AND entry.status < 2" } else { "" };
            (format!("{table} AS entry"), format!("?1 = '' {there}"))
        } else {
            let entries = format!("{words} AS hit CROSS JOIN {table} AS entry ON entry.id = hit.rowid");
            (entries, format!("{words} MATCH ?1"))
        };
        let at = if question.is_empty() { "entry.id" } else { "hit.rowid" };
        let text = format!(
            "SELECT length(entry.name) AS length, {at} AS id FROM {from} {there} \
             WHERE {condition} AND {at} > ?2 ORDER BY {at} LIMIT {WINDOW}"
        );
        // Made of this program's own text; values are bound.
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(question.to_owned())
            .bind(after)
            .fetch_all(connection)
            .await?;
        let hit = |row: sqlx::sqlite::SqliteRow| Ok((row.try_get("length")?, row.try_get("id")?));
        rows.into_iter().map(hit).collect()
    }
}

/// What narrows a search, as a question; empty if nothing does.
fn facets(kind: Kind, search: &Search, server: Option<i64>) -> String {
    let Search { category, severity, transport, label, .. } = *search;
    let facets = match kind {
        Kind::Tools => Facets { class: Class { category, severity, transport }, label, server },
        Kind::Servers => Facets { class: Class { transport, ..Class::default() }, ..Facets::default() },
    };
    facets.questions().join(" AND ")
}

fn all_of(words: &[Word], place: Place) -> String {
    let questions: Vec<String> = words.iter().map(|word| terms::question(word, place)).collect();
    format!("({})", questions.join(" AND "))
}

#[cfg(test)]
mod tests;
