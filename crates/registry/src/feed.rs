//! Reading a registry by its API: `GET /v0.1/servers`, page by page, one request at a time. Each page is stored with
//! the cursor behind it, so that a reading that broke off goes on there; the next reading asks for changes only.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::ImportError;
use crate::import::{self, Summary, unsigned};
use crate::read;
use crate::web::{self, Reach};
use crate::writer::{Position, Writer};

/// Entries of a page.
const LIMIT: &str = "100";
/// Longest page in bytes.
const PAGE: usize = 32 << 20;
/// Most pages of one reading.
const PAGES: u64 = 100_000;
/// Times that a page is asked for.
const TRIES: u32 = 6;
/// A reading asks for what changed since the one before began, and somewhat before that.
const OVERLAP: i64 = 600 * 1_000_000;

/// How a registry is read.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// The data directory.
    pub data_directory: PathBuf,
    /// Where the registry is, up to `/v0.1` or the whole address of its list.
    pub url: String,
    /// Whether everything is read again in place of what changed.
    pub everything: bool,
    /// Wall time, microseconds since 1970.
    pub now: i64,
    /// How long is waited.
    pub pace: Pace,
}

/// How long is waited between requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two pages.
    pub between: Duration,
    /// Before the second try of a request; each further one waits twice as long.
    pub before_second: Duration,
    /// At most, whatever the other side asks for.
    pub most: Duration,
}

impl Default for Pace {
    /// A quarter of a second between pages; a second, then more, after a failure; five minutes at most.
    fn default() -> Self {
        Self {
            between: Duration::from_millis(250),
            before_second: Duration::from_secs(1),
            most: Duration::from_mins(5),
        }
    }
}

/// A page as the registry gives it.
#[derive(Deserialize)]
struct RawPage {
    #[serde(default)]
    servers: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    metadata: Option<RawMetadata>,
}

#[derive(Deserialize)]
struct RawMetadata {
    #[serde(default, rename = "nextCursor", alias = "next_cursor")]
    next: Option<String>,
}

/// A registry that is being read.
struct Feed<'a> {
    client: Client,
    list: Url,
    options: &'a FeedOptions,
}

/// Why a page did not come.
enum Refused {
    /// Asking again may help, after this time if the registry named one.
    Passing(String, Option<Duration>),
    /// It will not.
    Lasting(String),
    /// What was asked for cannot be: the cursor is too old.
    Cursor(String),
}

/// Reads a registry to its end. `told` is told of each page that is stored.
///
/// # Errors
///
/// The registry cannot be read, or the catalogue cannot be written. Items that are no servers are no error.
pub async fn pull(
    options: &FeedOptions,
    told: &mut (dyn FnMut(&Summary) + Send),
) -> Result<Summary, ImportError> {
    let feed = Feed::new(options)?;
    let mut writer = import::open(&options.data_directory).await?;
    let before = writer.position(feed.list.as_str()).await?;
    let mut summary = Summary { source: feed.list.to_string(), ..Summary::default() };
    let mut at = feed.begin(before, &mut summary);
    told(&summary);
    for _ in 0..PAGES {
        let page = match feed.page(&at).await {
            Err(Refused::Cursor(_)) if summary.read == 0 && at.cursor.is_some() => {
                // A cursor of an earlier run: begin again.
                at = Position { cursor: None, position: 0, line: 0, ..at };
                summary.resumed_after = None;
                continue;
            }
            page => page.map_err(|refused| feed.failed(refused))?,
        };
        let next = page.metadata.and_then(|metadata| metadata.next).filter(|next| !next.is_empty());
        if next.is_some() && next == at.cursor {
            return Err(feed.error("gives the same cursor again: it would never end"));
        }
        store(&mut writer, (&mut at, next.clone()), page.servers.unwrap_or_default(), &mut summary).await?;
        told(&summary);
        if next.is_none() {
            at.finished = Some(options.now);
            writer.store(Vec::new(), Some(&at)).await?;
            if summary.tally.servers_added > 0 {
                writer.settle().await?;
            }
            writer.close().await?;
            summary.complete = true;
            return Ok(summary);
        }
        tokio::time::sleep(options.pace.between).await;
    }
    Err(feed.error("has more pages than can be: the reading was given up"))
}

/// Stores the items of a page, with the cursor behind it.
async fn store(
    writer: &mut Writer,
    (at, next): (&mut Position, Option<String>),
    items: Vec<Box<RawValue>>,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        at.line += 1;
        summary.read += 1;
        match read::server(item.get().as_bytes()) {
            Ok(entry) => entries.push(entry),
            Err(problem) => summary.problem(unsigned(at.line), problem),
        }
    }
    at.position += 1;
    at.cursor = next;
    summary.tally.add(writer.store(entries, Some(at)).await?);
    summary.position = unsigned(at.position);
    Ok(())
}

impl<'a> Feed<'a> {
    fn new(options: &'a FeedOptions) -> Result<Self, ImportError> {
        let failed = |why: String| ImportError::Registry { host: "the given address".to_owned(), why };
        let mut list =
            Reach::Any.url(&options.url).map_err(|why| failed(format!("cannot be asked: {why}")))?;
        let path = list.path().trim_end_matches('/').to_owned();
        let whole = if path.ends_with("/servers") {
            path
        } else if path.ends_with("/v0.1") || path.ends_with("/v0") {
            format!("{path}/servers")
        } else {
            format!("{path}/v0.1/servers")
        };
        list.set_path(&whole);
        list.set_fragment(None);
        list.set_query(None);
        Ok(Self { client: Reach::Any.client().map_err(failed)?, list, options })
    }

    /// Where reading begins: where an earlier run broke off, else at what changed since the last one began.
    fn begin(&self, before: Option<Position>, summary: &mut Summary) -> Position {
        let fresh =
            Position { place: self.list.to_string(), started: self.options.now, ..Position::default() };
        match before.filter(|_| !self.options.everything) {
            Some(before) if before.finished.is_none() && before.cursor.is_some() => {
                summary.resumed_after = Some(unsigned(before.line));
                before
            }
            Some(before) if before.finished.is_some() => {
                let since = jiff::Timestamp::from_microsecond(before.started.saturating_sub(OVERLAP));
                Position { since: since.ok().map(|since| since.to_string()), ..fresh }
            }
            Some(before) => Position { since: before.since, ..fresh },
            None => fresh,
        }
    }

    /// A page, asked for as often as it takes.
    async fn page(&self, at: &Position) -> Result<RawPage, Refused> {
        let pace = self.options.pace;
        let mut pause = pace.before_second;
        for attempt in 1.. {
            match self.once(at).await {
                Err(Refused::Passing(_, wanted)) if attempt < TRIES => {
                    tokio::time::sleep(wanted.unwrap_or(pause).min(pace.most)).await;
                    pause = pause.saturating_mul(2);
                }
                done => return done,
            }
        }
        Err(Refused::Lasting("was not asked".to_owned()))
    }

    async fn once(&self, at: &Position) -> Result<RawPage, Refused> {
        let mut url = self.list.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", LIMIT);
            if let Some(since) = &at.since {
                query.append_pair("updated_since", since);
            }
            if let Some(cursor) = &at.cursor {
                query.append_pair("cursor", cursor);
            }
        }
        let sent = self.client.get(url).header(header::ACCEPT, "application/json").send().await;
        let response = sent
            .map_err(|error| Refused::Passing(format!("cannot be asked: {}", web::causes(&error)), None))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status, &response));
        }
        let body = web::body(response, PAGE)
            .await
            .map_err(|why| Refused::Passing(format!("broke off: {why}"), None))?;
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Refused::Lasting("gives a page that is no list of servers".to_owned()));
        }
        serde_json::from_slice(&body)
            .map_err(|error| Refused::Lasting(format!("gives a page that is no list of servers: {error}")))
    }

    fn failed(&self, refused: Refused) -> ImportError {
        match refused {
            Refused::Passing(why, _) => {
                self.error(&format!("{why}; what came is kept, import again to go on"))
            }
            Refused::Lasting(why) | Refused::Cursor(why) => self.error(&why),
        }
    }

    fn error(&self, why: &str) -> ImportError {
        let host = self.list.host_str().unwrap_or_default().to_owned();
        ImportError::Registry { host, why: why.to_owned() }
    }
}

fn refused(status: StatusCode, response: &Response) -> Refused {
    let said = format!("answered {status}");
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Refused::Passing(said, toolgate_egress::retry_after(response.headers()));
    }
    if status.is_redirection() {
        return Refused::Lasting(format!("{said}: it is somewhere else; name that address"));
    }
    match status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
            Refused::Cursor(said)
        }
        _ => Refused::Lasting(said),
    }
}

/// Whether a text is the address of a registry rather than of a file.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

#[cfg(test)]
mod tests;
