//! What is summed up together. A plot over many weeks must not add up every tool of every grant, so sums
//! are kept on several levels, from everything together to each tool of each grant.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::dimension::{Class, Dimension, NameId, fit};

/// What lines of a plot, or rows of a table of usage, are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum By {
    /// Nothing: all calls together.
    #[default]
    All,
    Server,
    /// The tool together with its server.
    Tool,
    Grant,
    /// Each tool of each grant.
    GrantTool,
    Decision,
}

/// Which calls are looked at. What is `None` may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope {
    pub server: Option<String>,
    pub tool: Option<String>,
    pub grant: Option<String>,
    pub decision: Option<String>,
}

/// What a line or row is of. What it is not told apart by is `None`, and so is what its calls do not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key {
    pub server: Option<String>,
    pub tool: Option<String>,
    pub grant: Option<String>,
    pub decision: Option<String>,
}

/// The numbers of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct KeyIds {
    pub(crate) server: NameId,
    pub(crate) tool: NameId,
    pub(crate) grant: NameId,
    pub(crate) decision: NameId,
}

impl By {
    fn tells_server(self) -> bool {
        matches!(self, By::Server | By::Tool | By::GrantTool)
    }

    fn tells_tool(self) -> bool {
        matches!(self, By::Tool | By::GrantTool)
    }

    fn tells_grant(self) -> bool {
        matches!(self, By::Grant | By::GrantTool)
    }
}

impl KeyIds {
    fn of(series: &Series, by: By) -> KeyIds {
        KeyIds {
            server: if by.tells_server() { series.server } else { 0 },
            tool: if by.tells_tool() { series.tool } else { 0 },
            grant: if by.tells_grant() { series.grant } else { 0 },
            decision: if by == By::Decision { series.decision } else { 0 },
        }
    }

    /// The numbers of all names in it.
    pub(crate) fn numbers(self) -> impl Iterator<Item = NameId> {
        [self.server, self.tool, self.grant, self.decision].into_iter().filter(|number| *number != 0)
    }

    /// The key by its names.
    pub(crate) fn key(self, names: &HashMap<NameId, String>) -> Key {
        let name = |number: NameId| names.get(&number).cloned();
        Key {
            server: name(self.server),
            tool: name(self.tool),
            grant: name(self.grant),
            decision: name(self.decision),
        }
    }
}

/// Which dimensions a series tells apart, besides the decision, which all do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Level {
    All = 0,
    Server = 1,
    Tool = 2,
    Grant = 3,
    GrantServer = 4,
    GrantTool = 5,
}

impl Level {
    const EACH: [Level; 6] =
        [Level::All, Level::Server, Level::Tool, Level::Grant, Level::GrantServer, Level::GrantTool];

    /// The level with the fewest series that tells these dimensions apart. A tool is one of its server's.
    pub(crate) fn telling(server: bool, tool: bool, grant: bool) -> Level {
        match (server, tool, grant) {
            (false, false, false) => Level::All,
            (true, false, false) => Level::Server,
            (_, true, false) => Level::Tool,
            (false, false, true) => Level::Grant,
            (true, false, true) => Level::GrantServer,
            (_, true, true) => Level::GrantTool,
        }
    }

    fn tells_server(self) -> bool {
        match self {
            Level::Server | Level::Tool | Level::GrantServer | Level::GrantTool => true,
            Level::All | Level::Grant => false,
        }
    }

    fn tells_tool(self) -> bool {
        match self {
            Level::Tool | Level::GrantTool => true,
            Level::All | Level::Server | Level::Grant | Level::GrantServer => false,
        }
    }

    fn tells_grant(self) -> bool {
        match self {
            Level::Grant | Level::GrantServer | Level::GrantTool => true,
            Level::All | Level::Server | Level::Tool => false,
        }
    }
}

/// A series number in the database.
pub(crate) type SeriesId = u32;

/// Calls that are summed up together; 0 where the level tells nothing apart, or where there is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) level: u8,
    pub(crate) server: NameId,
    pub(crate) tool: NameId,
    pub(crate) grant: NameId,
    pub(crate) decision: NameId,
}

impl Series {
    /// The finest series of a call.
    pub(crate) fn finest(class: &Class) -> Series {
        Series {
            level: Level::GrantTool as u8,
            server: class.server,
            tool: class.tool,
            grant: class.grant,
            decision: class.decision,
        }
    }

    /// All series that a call of the finest series counts in.
    pub(crate) fn each_level(&self) -> [Series; 6] {
        Level::EACH.map(|level| Series {
            level: level as u8,
            server: if level.tells_server() { self.server } else { 0 },
            tool: if level.tells_tool() { self.tool } else { 0 },
            grant: if level.tells_grant() { self.grant } else { 0 },
            decision: self.decision,
        })
    }
}

/// The series that answer a question.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Each series with the key that it belongs to, and whether its calls were denied.
    pub(crate) series: HashMap<SeriesId, (KeyIds, bool)>,
    level: Level,
    numbers: Vec<(&'static str, NameId)>,
}

/// Finds the series that answer a question; none if a name in the scope is in no event.
pub(crate) async fn select(
    connection: &mut SqliteConnection,
    scope: &Scope,
    by: By,
) -> Result<Selection, sqlx::Error> {
    let level = Level::telling(
        scope.server.is_some() || by.tells_server(),
        scope.tool.is_some() || by.tells_tool(),
        scope.grant.is_some() || by.tells_grant(),
    );
    let mut selection = Selection { series: HashMap::new(), level, numbers: Vec::new() };
    for (dimension, text) in [
        (Dimension::Server, &scope.server),
        (Dimension::Tool, &scope.tool),
        (Dimension::Grant, &scope.grant),
        (Dimension::Decision, &scope.decision),
    ] {
        let Some(text) = text else { continue };
        let Some(number) = number(connection, dimension, text).await? else { return Ok(selection) };
        selection.numbers.push((dimension.column(), number));
    }
    let deny = number(connection, Dimension::Decision, "deny").await?;
    let mut sql =
        QueryBuilder::new("SELECT id, server_id, tool_id, grant_id, decision_id FROM series WHERE ");
    selection.push_condition(&mut sql);
    for row in sql.build().fetch_all(connection).await? {
        let series = Series {
            level: level as u8,
            server: row.try_get("server_id")?,
            tool: row.try_get("tool_id")?,
            grant: row.try_get("grant_id")?,
            decision: row.try_get("decision_id")?,
        };
        let denied = deny == Some(series.decision);
        selection.series.insert(row.try_get("id")?, (KeyIds::of(&series, by), denied));
    }
    Ok(selection)
}

impl Selection {
    /// Appends the condition that finds these series in their table.
    pub(crate) fn push_condition(&self, sql: &mut QueryBuilder<Sqlite>) {
        sql.push("level = ").push_bind(self.level as u8);
        for (column, number) in &self.numbers {
            sql.push(" AND ").push(column).push(" = ").push_bind(*number);
        }
    }

    /// The names of all keys.
    pub(crate) async fn names(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<NameId, String>, sqlx::Error> {
        let mut wanted: Vec<NameId> = self.series.values().flat_map(|(key, _)| key.numbers()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        crate::event::texts(connection, &wanted).await
    }
}

/// The number of a name; `None` if no event has it.
pub(crate) async fn number(
    connection: &mut SqliteConnection,
    dimension: Dimension,
    text: &str,
) -> Result<Option<NameId>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM name WHERE dimension = ? AND text = ?")
        .bind(dimension as u8)
        .bind(fit(text).to_owned())
        .fetch_optional(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_tells_apart_what_it_was_chosen_for() {
        for bits in 0..8 {
            let (server, tool, grant) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
            let level = Level::telling(server, tool, grant);
            assert!(level.tells_server() >= server && level.tells_grant() == grant, "{level:?}");
            assert_eq!(level.tells_tool(), tool, "{level:?}");
        }
    }
}
