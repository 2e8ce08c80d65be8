//! The catalogue as a registry for others: read-only, without sign-in, only the servers that the config file names, and
//! nothing at all unless it names some. The form is that of the MCP registry's API, `/v0.1`.

use axum::Json;
use axum::extract::State as Extract;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use toolgate_registry::{Listing, VersionEntry};
use utoipa::{IntoParams, ToSchema};

use crate::admin::State;
use crate::input::{Asked, Named};
use crate::moment;
use crate::problem::{Problem, printable};

/// Most servers of a page, and what holds where nothing is asked for.
const MOST: u32 = 100;
const USUAL: u32 = 30;

/// Which part of the list is wanted. Parameters that are not known are passed over, as registries do.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 30)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// What names must hold, in any case.
    search: Option<String>,
    /// Servers that changed at or after this time (RFC 3339).
    updated_since: Option<String>,
    /// `latest`, which holds in any case: one version of each server is listed.
    version: Option<String>,
}

/// A page of the list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegistryList)]
pub(crate) struct List {
    /// The servers.
    servers: Vec<Item>,
    /// What the next page is asked for with.
    metadata: Metadata,
}

/// Of a page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RegistryMetadata)]
struct Metadata {
    /// Servers of this page.
    count: usize,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A version of a server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegistryItem)]
pub(crate) struct Item {
    /// `server.json`.
    #[schema(value_type = Object)]
    server: Box<RawValue>,
    /// What the registry that it came from says beside it.
    #[serde(rename = "_meta")]
    #[schema(value_type = Object)]
    meta: Box<RawValue>,
}

impl From<VersionEntry> for Item {
    fn from(entry: VersionEntry) -> Self {
        let raw = |text| RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { server: raw(entry.document), meta: raw(entry.meta) }
    }
}

/// List the servers that are offered
///
/// The newest version of each server whose name the config file offers, in the form of the MCP registry.
#[utoipa::path(get, path = "/v0.1/servers", tag = "Registry", operation_id = "listOfferedServers", params(ListQuery),
    responses((status = 200, description = "A page of servers", body = List),
        (status = 404, description = "Nothing is offered")))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<List>, Problem> {
    let names = offered(&state)?;
    let limit = match query.limit.unwrap_or(USUAL) {
        limit @ 1..=MOST => usize::try_from(limit).unwrap_or(usize::MAX),
        _ => return Err(bad(&format!("`limit` must be 1 to {MOST}"))),
    };
    if query.version.is_some_and(|version| version != "latest") {
        return Err(bad("`version` must be `latest`: one version of each server is listed"));
    }
    let since = query.updated_since.as_deref().map(since).transpose()?;
    let after = query.cursor.as_deref().filter(|text| !text.is_empty()).map(read_cursor).transpose()?;
    let listing = Listing {
        names,
        after: after.as_deref(),
        holding: query.search.as_deref(),
        since: since.as_deref(),
        limit: limit + 1,
    };
    let mut found = state.parts.catalog.listed(&listing).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(&last.name));
    let servers: Vec<Item> = found.into_iter().map(Item::from).collect();
    Ok(Json(List { metadata: Metadata { count: servers.len(), next_cursor }, servers }))
}

/// Look at a version of a server that is offered
#[utoipa::path(get, path = "/v0.1/servers/{server}/versions/{version}", tag = "Registry",
    operation_id = "getOfferedVersion",
    params(("server" = String, Path, description = "The server's name, `/` written as `%2F`"),
        ("version" = String, Path, description = "The version, or `latest`")),
    responses((status = 200, description = "The version", body = Item)))]
pub(crate) async fn version(
    Extract(state): Extract<State>,
    Named((server, version)): Named<(String, String)>,
) -> Result<Json<Item>, Problem> {
    let names = offered(&state)?;
    let missing = || {
        let detail = format!("no version `{}` of `{}` is offered", printable(&version), printable(&server));
        Problem::new(StatusCode::NOT_FOUND, detail)
    };
    let catalog = &state.parts.catalog;
    let shown = catalog.server(&server).await?.filter(|_| names.iter().any(|name| covers(name, &server)));
    if shown.is_none_or(|shown| shown.status == toolgate_registry::Status::Deleted) {
        return Err(missing());
    }
    let versions = catalog.versions(&server).await?;
    let wanted = versions.into_iter().find(|entry| match version.as_str() {
        "latest" => entry.is_newest,
        version => entry.version == version,
    });
    Ok(Json(wanted.ok_or_else(missing)?.into()))
}

/// The names that are offered; a problem if there are none.
fn offered(state: &State) -> Result<&[String], Problem> {
    match state.parts.offer.as_slice() {
        [] => Err(Problem::new(StatusCode::NOT_FOUND, "this gateway offers no servers to others")),
        names => Ok(names),
    }
}

/// Whether a pattern covers a name: `*` at its end stands for any characters.
fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn read_cursor(text: &str) -> Result<String, Problem> {
    let name = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| bad("`cursor` is none of this list: begin again without one"))
}

/// The time as registries write it, so that texts can be compared.
fn since(text: &str) -> Result<String, Problem> {
    let moment = moment::read(text).and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    let moment = moment.ok_or_else(|| bad("`updated_since` is no time: write `2027-01-01T12:00:00Z`"))?;
    Ok(moment.to_string())
}
