//! The catalogue as the rest of the program asks it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::OnceCell;
use toolgate_catalog::{Category, Definition, Label, Severity};

use crate::database;
use crate::entry::{Status, Transports, definition_of, labels_of, status_of};
use crate::error::CatalogError;
use crate::import;
use crate::search::{Cursor, Kind, PAGE_MOST, Search, hits};
use crate::writer::{category_of, severity_of};

/// Questions that are answered at the same time.
const READERS: u32 = 2;
/// A question that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// The catalogue of a data directory. Clones are of the same one.
#[derive(Clone, Debug)]
pub struct Catalog {
    directory: PathBuf,
    pool: SqlitePool,
    /// Set once it is known to be there.
    made: Arc<OnceCell<()>>,
}

/// A page of hits.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The hits, the best first.
    pub items: Vec<T>,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// A tool as a search shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolHit {
    /// The server.
    pub server: String,
    /// What its registry says of the server.
    pub server_status: Status,
    /// The tool's name.
    pub name: String,
    /// The name shown to people; may be empty.
    pub title: String,
    /// What the server says about it; may be empty.
    pub description: String,
    /// The worst that one ordinary call can do.
    pub category: Category,
    /// How bad that is.
    pub severity: Severity,
    /// How sure the classifier is, from 0 to 1.
    pub confidence: f64,
    /// What it is to flows.
    pub labels: Vec<Label>,
    /// Why, in a sentence.
    pub reason: String,
    /// SHA-256 of the definition in canonical form, hexadecimal.
    pub hash: String,
}

/// A tool of the catalogue, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolEntry {
    /// What a search shows.
    pub hit: ToolHit,
    /// The definition as the classifier reads it.
    pub definition: Definition,
    /// The definition as `tools/list` has it, JSON in canonical form.
    pub text: String,
}

/// A server of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHit {
    /// The name.
    pub name: String,
    /// The name shown to people; may be empty.
    pub title: String,
    /// What its publisher says about it; may be empty.
    pub description: String,
    /// The newest version; empty where only tools of it are known.
    pub version: String,
    /// What its registry says of that version.
    pub status: Status,
    /// How it is reached.
    pub transports: Transports,
    /// When the version was published (RFC 3339), where the registry says so.
    pub published: Option<String>,
    /// When it changed last (RFC 3339), where the registry says so.
    pub updated: Option<String>,
    /// How many of its tools are known.
    pub tools: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Servers, those included of which only tools are known.
    pub servers: u64,
    /// Tools.
    pub tools: u64,
}

/// A version of a server as its registry describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    /// Name of the server.
    pub name: String,
    /// The version.
    pub version: String,
    /// `server.json`, JSON in canonical form.
    pub document: String,
    /// What the registry says beside it (`_meta`), JSON in canonical form.
    pub meta: String,
    /// Whether it is the version that is shown.
    pub is_newest: bool,
}

/// A part of the list of servers.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Names that are listed; `*` stands for any characters.
    pub names: &'a [String],
    /// The name behind which the part begins.
    pub after: Option<&'a str>,
    /// What names must hold, in any case.
    pub holding: Option<&'a str>,
    /// Servers that changed at or after this time (RFC 3339, UTC).
    pub since: Option<&'a str>,
    /// How many at most.
    pub limit: usize,
}

impl Catalog {
    /// Opens the catalogue of a data directory, which must exist; a catalogue that is not there is made, with the
    /// first entries.
    ///
    /// # Errors
    ///
    /// It cannot be made or read, or another version of the program made it.
    pub async fn open(directory: &Path) -> Result<Self, CatalogError> {
        let catalog = Self::at(directory);
        catalog.make().await?;
        Ok(catalog)
    }

    /// The catalogue of a data directory. One that is not there is made when it is first asked something, so that whoever never asks
    /// pays nothing; if it cannot be used, the questions tell why. It must be called within a Tokio runtime.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(database::reading(directory));
        Self { directory: directory.to_owned(), pool, made: Arc::default() }
    }

    /// Makes it with the first entries, unless it is there.
    async fn make(&self) -> Result<(), CatalogError> {
        let made = self.made.get_or_try_init(async || {
            if database::is_ready(&self.directory).await? {
                return Ok(());
            }
            match import::open(&self.directory).await {
                Ok(writer) => writer.close().await,
                // Whoever imports has made it.
                Err(CatalogError::Importing) => Ok(()),
                Err(error) => Err(error),
            }
        });
        made.await.copied()
    }

    /// The answer to a question, in due time.
    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        let late = CatalogError::TimedOut { seconds: PATIENCE.as_secs() };
        self.make().await?;
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(late))
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A page of at most `limit` (1 to 200) tools, after `cursor` if there is one.
    ///
    /// # Errors
    ///
    /// The limit or the cursor cannot be used, or the catalogue cannot answer.
    pub async fn tools(
        &self,
        search: &Search,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ToolHit>, CatalogError> {
        let cursor = checked(limit, cursor)?;
        self.answer(async {
            let mut connection = self.pool.acquire().await?;
            let found = hits(&mut connection, (Kind::Tools, search), limit, cursor).await?;
            let rows = by_id(&mut connection, TOOL, &found.ids).await?;
            let items = rows.iter().map(tool_hit).collect::<Result<_, _>>()?;
            Ok(Page { items, next: found.next.map(Cursor::text) })
        })
        .await
    }

    /// A page of at most `limit` (1 to 200) servers, after `cursor` if there is one.
    ///
    /// # Errors
    ///
    /// The limit or the cursor cannot be used, or the catalogue cannot answer.
    pub async fn servers(
        &self,
        search: &Search,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ServerHit>, CatalogError> {
        let cursor = checked(limit, cursor)?;
        self.answer(async {
            let mut connection = self.pool.acquire().await?;
            let found = hits(&mut connection, (Kind::Servers, search), limit, cursor).await?;
            let rows = by_id(&mut connection, SERVER, &found.ids).await?;
            let items = rows.iter().map(server_hit).collect::<Result<_, _>>()?;
            Ok(Page { items, next: found.next.map(Cursor::text) })
        })
        .await
    }

    /// A tool, if the catalogue has it.
    ///
    /// # Errors
    ///
    /// The catalogue cannot answer.
    pub async fn tool(&self, server: &str, name: &str) -> Result<Option<ToolEntry>, CatalogError> {
        self.answer(async {
            let text = format!("{TOOL} WHERE server.name = ? AND tool.name = ?");
            let row = sqlx::query(AssertSqlSafe(text))
                .bind(server.to_owned())
                .bind(name.to_owned())
                .fetch_optional(&self.pool)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let text: String = row.try_get("definition")?;
            let Ok(definition) = definition_of(server, &text) else { return Ok(None) };
            Ok(Some(ToolEntry { hit: tool_hit(&row)?, definition, text }))
        })
        .await
    }

    /// A server, if the catalogue has it.
    ///
    /// # Errors
    ///
    /// The catalogue cannot answer.
    pub async fn server(&self, name: &str) -> Result<Option<ServerHit>, CatalogError> {
        self.answer(async {
            let text = format!("{SERVER} WHERE server.name = ?");
            let row =
                sqlx::query(AssertSqlSafe(text)).bind(name.to_owned()).fetch_optional(&self.pool).await?;
            row.as_ref().map(server_hit).transpose().map_err(CatalogError::from)
        })
        .await
    }

    /// The versions of a server, the one that is shown first.
    ///
    /// # Errors
    ///
    /// The catalogue cannot answer.
    pub async fn versions(&self, name: &str) -> Result<Vec<VersionEntry>, CatalogError> {
        self.answer(async {
            let rows = sqlx::query(
                "SELECT server.name, version.version, document, meta, version.version = server.version AS newest \
                 FROM version JOIN server ON server.id = server_id WHERE server.name = ? \
                 ORDER BY newest DESC, version.version DESC LIMIT 1000",
            )
            .bind(name.to_owned())
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(version_entry).collect::<Result<_, _>>().map_err(CatalogError::from)
        })
        .await
    }

    /// The newest versions of servers that a registry told of, in order of their names; deleted ones are left out.
    ///
    /// # Errors
    ///
    /// The catalogue cannot answer.
    pub async fn listed(&self, listing: &Listing<'_>) -> Result<Vec<VersionEntry>, CatalogError> {
        let names = serde_json::to_string(listing.names).unwrap_or_default();
        self.answer(async {
            let rows = sqlx::query(
                "SELECT server.name, version.version, document, meta, 1 AS newest FROM server \
                 JOIN version ON server_id = server.id AND version.version = server.version \
                 WHERE server.name > ?1 AND status < 2 AND (?2 = '' OR instr(lower(server.name), ?2) > 0) \
                 AND (?3 = '' OR updated >= ?3) \
                 AND EXISTS (SELECT 1 FROM json_each(?4) WHERE server.name GLOB json_each.value) \
                 ORDER BY server.name LIMIT ?5",
            )
            .bind(listing.after.unwrap_or_default().to_owned())
            .bind(listing.holding.unwrap_or_default().to_lowercase())
            .bind(listing.since.unwrap_or_default().to_owned())
            .bind(names)
            .bind(i64::try_from(listing.limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(version_entry).collect::<Result<_, _>>().map_err(CatalogError::from)
        })
        .await
    }

    /// How much there is.
    ///
    /// # Errors
    ///
    /// The catalogue cannot answer.
    pub async fn size(&self) -> Result<Size, CatalogError> {
        self.answer(async {
            // Entries are never taken out, so that the last number is the count.
            let row = sqlx::query(
                "SELECT coalesce((SELECT max(id) FROM server), 0) AS servers, \
                 coalesce((SELECT max(id) FROM tool), 0) AS tools",
            )
            .fetch_one(&self.pool)
            .await?;
            let count = |name| row.try_get::<i64, _>(name).map(import::unsigned);
            Ok(Size { servers: count("servers")?, tools: count("tools")? })
        })
        .await
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whether nothing but the first entries is there.
impl Size {
    /// Whether nothing was imported yet.
    #[must_use]
    pub fn is_first(self) -> bool {
        self.tools <= 4 && self.servers <= 1
    }
}

const TOOL: &str = "SELECT tool.id, server.name AS server, server.status, tool.name, tool.title, category, severity, \
                    confidence, labels, reason, hash, definition FROM tool JOIN server ON server.id = tool.server_id";
const SERVER: &str = "SELECT server.id, server.name, title, description, version, status, transports, published, \
                      updated, (SELECT count(*) FROM tool WHERE server_id = server.id) AS tools FROM server";

fn checked(limit: usize, cursor: Option<&str>) -> Result<Option<Cursor>, CatalogError> {
    if limit == 0 || limit > PAGE_MOST {
        return Err(CatalogError::Limit(limit));
    }
    cursor.map(|text| Cursor::parse(text).ok_or(CatalogError::Cursor)).transpose()
}

/// The rows of entries in the order of their numbers.
async fn by_id(
    connection: &mut SqliteConnection,
    select: &'static str,
    ids: &[i64],
) -> Result<Vec<SqliteRow>, CatalogError> {
    let table = if select == TOOL { "tool" } else { "server" };
    let places = vec!["?"; ids.len()].join(",");
    let text = format!("{select} WHERE {table}.id IN ({places})");
    let query = ids.iter().fold(sqlx::query(AssertSqlSafe(text)), |query, id| query.bind(*id));
    let mut rows = query.fetch_all(connection).await?;
    let place = |row: &SqliteRow| {
        let id: i64 = row.try_get("id").unwrap_or_default();
        ids.iter().position(|wanted| *wanted == id)
    };
    rows.sort_by_cached_key(place);
    Ok(rows)
}

fn tool_hit(row: &SqliteRow) -> Result<ToolHit, sqlx::Error> {
    let server: String = row.try_get("server")?;
    let text: String = row.try_get("definition")?;
    let description = definition_of(&server, &text).map(|definition| definition.description);
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(ToolHit {
        server,
        server_status: status_of(row.try_get("status")?),
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        description: description.unwrap_or_default(),
        category: category_of(row.try_get("category")?),
        severity: severity_of(row.try_get("severity")?),
        confidence: row.try_get("confidence")?,
        labels: labels_of(row.try_get("labels")?),
        reason: row.try_get("reason")?,
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

fn server_hit(row: &SqliteRow) -> Result<ServerHit, sqlx::Error> {
    Ok(ServerHit {
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        version: row.try_get("version")?,
        status: status_of(row.try_get("status")?),
        transports: Transports::of_bits(row.try_get("transports")?),
        published: row.try_get("published")?,
        updated: row.try_get("updated")?,
        tools: import::unsigned(row.try_get("tools")?),
    })
}

fn version_entry(row: &SqliteRow) -> Result<VersionEntry, sqlx::Error> {
    Ok(VersionEntry {
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        document: row.try_get("document")?,
        meta: row.try_get("meta")?,
        is_newest: row.try_get("newest")?,
    })
}
