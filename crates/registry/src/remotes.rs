//! Asking the remotes that servers of the catalogue name for their tools: only if the operator wants it, only public
//! addresses, no credentials, one request at a time for each host. What a server answers is stored, never trusted.

mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Listing, VersionEntry};
use crate::entry::Entry;
use crate::error::ImportError;
use crate::import;
use crate::web::Reach;
use crate::writer::{Position, Tally};

/// Servers that are looked at together; what they gave is stored together.
const GROUP: usize = 64;
/// Hosts that are asked at the same time.
const HOSTS: usize = 8;
/// How long one server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A round that broke off longer ago begins anew.
const ROUND: i64 = 24 * 3600 * 1_000_000;
/// The place of the position of a round.
const PLACE: &str = "remotes";

/// How remotes are asked.
#[derive(Clone, Debug)]
pub struct RemotesOptions {
    /// The data directory.
    pub data_directory: PathBuf,
    /// Wall time, microseconds since 1970.
    pub now: i64,
    /// How long is waited between two servers of one host.
    pub between: Duration,
}

/// What asking remotes came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RemotesSummary {
    /// Servers with a remote that could be asked.
    pub asked: u64,
    /// Of those, the ones that listed their tools.
    pub answered: u64,
    /// Servers whose remotes need something first (a key, a variable of the URL) or must not be asked.
    pub passed_over: u64,
    /// What became of the tools.
    #[serde(flatten)]
    pub tally: Tally,
    /// Tools that cannot be read.
    pub bad: u64,
    /// The server behind which an earlier round broke off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_after: Option<String>,
}

/// A server with the address that its tools are asked for at.
struct Target {
    server: String,
    url: Url,
}

/// What is needed of `server.json`.
#[derive(Deserialize)]
struct RawServer {
    #[serde(default)]
    remotes: Option<Vec<RawRemote>>,
}

#[derive(Deserialize)]
struct RawRemote {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    headers: Option<Vec<RawHeader>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHeader {
    #[serde(default)]
    is_required: Option<bool>,
}

/// Asks all remotes of the catalogue. `told` is told of each group that is stored.
///
/// # Errors
///
/// The catalogue cannot be read or written. Remotes that do not answer are no error.
pub async fn list_remotes(
    options: &RemotesOptions,
    told: &mut (dyn FnMut(&RemotesSummary) + Send),
) -> Result<RemotesSummary, ImportError> {
    ask(options, Reach::Public, told).await
}

async fn ask(
    options: &RemotesOptions,
    reach: Reach,
    told: &mut (dyn FnMut(&RemotesSummary) + Send),
) -> Result<RemotesSummary, ImportError> {
    let client = reach.client().map_err(ImportError::Broken)?;
    let mut writer = import::open(&options.data_directory).await?;
    let catalog = Catalog::open(&options.data_directory).await?;
    let mut summary = RemotesSummary::default();
    let before = writer.position(PLACE).await?;
    let goes_on = |at: &Position| at.finished.is_none() && options.now.saturating_sub(at.started) < ROUND;
    let mut at = before.filter(goes_on).unwrap_or_else(|| Position {
        place: PLACE.to_owned(),
        started: options.now,
        ..Position::default()
    });
    summary.resumed_after.clone_from(&at.cursor);
    loop {
        let all = Listing {
            names: &["*".to_owned()],
            after: at.cursor.as_deref(),
            holding: None,
            since: None,
            limit: GROUP,
        };
        let group = catalog.listed(&all).await?;
        let Some(last) = group.last().map(|entry| entry.name.clone()) else { break };
        let mut hosts: BTreeMap<String, Vec<Target>> = BTreeMap::new();
        for entry in &group {
            match target(entry, reach) {
                Found::Target(target) => {
                    let host = target.url.host_str().unwrap_or_default().to_owned();
                    hosts.entry(host).or_default().push(target);
                }
                Found::Closed => summary.passed_over += 1,
                Found::Nothing => {}
            }
        }
        let found = stream::iter(hosts.into_values().map(|targets| host(&client, targets, options.between)));
        let found: Vec<Vec<Vec<Entry>>> = found
            .buffer_unordered(HOSTS)
            .map(|(answers, counts)| {
                summary.asked += counts.asked;
                summary.answered += counts.answered;
                summary.bad += counts.bad;
                answers
            })
            .collect()
            .await;
        at.cursor = Some(last);
        at.position += 1;
        let entries = found.into_iter().flatten().flatten().collect();
        summary.tally.add(writer.store(entries, Some(&at)).await?);
        told(&summary);
    }
    at.finished = Some(options.now);
    writer.store(Vec::new(), Some(&at)).await?;
    writer.close().await?;
    catalog.close().await;
    Ok(summary)
}

#[derive(Default)]
struct Counts {
    asked: u64,
    answered: u64,
    bad: u64,
}

/// Asks the servers of one host, one after the other.
async fn host(client: &Client, targets: Vec<Target>, between: Duration) -> (Vec<Vec<Entry>>, Counts) {
    let (mut answers, mut counts) = (Vec::new(), Counts::default());
    for (number, target) in targets.into_iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(between).await;
        }
        counts.asked += 1;
        let asked = tokio::time::timeout(PATIENCE, session::tools(client, &target.url)).await;
        match asked.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            Ok(tools) => {
                counts.answered += 1;
                let read = |tool: &String| crate::read::listed(tool.as_bytes(), &target.server);
                let entries: Vec<Entry> = tools.iter().filter_map(|tool| read(tool).ok()).collect();
                counts.bad += u64::try_from(tools.len() - entries.len()).unwrap_or(u64::MAX);
                answers.push(entries);
            }
            Err(why) => tracing::debug!(server = target.server, why, "a remote does not list its tools"),
        }
    }
    (answers, counts)
}

/// Whether a server has a remote to ask.
enum Found {
    Target(Target),
    Closed,
    Nothing,
}

fn target(entry: &VersionEntry, reach: Reach) -> Found {
    let raw = serde_json::from_str::<RawServer>(&entry.document).ok().and_then(|raw| raw.remotes);
    let remotes = raw.unwrap_or_default();
    let open = remotes.iter().find_map(|remote| {
        let needs = |header: &RawHeader| header.is_required == Some(true);
        if remote.kind.as_deref() != Some("streamable-http")
            || remote.headers.as_deref().unwrap_or_default().iter().any(needs)
        {
            return None;
        }
        let url = remote.url.as_deref().filter(|url| !url.contains('{'))?;
        reach.url(url).ok()
    });
    match open {
        Some(url) => Found::Target(Target { server: entry.name.clone(), url }),
        None if remotes.is_empty() => Found::Nothing,
        None => Found::Closed,
    }
}

#[cfg(test)]
mod tests;
