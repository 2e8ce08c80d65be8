//! The catalogue: servers and tools that exist, whether or not this gateway knows them. Looking is all there is:
//! nothing is enabled here.

mod view;

use axum::Json;
use axum::extract::State as Extract;
use http::{StatusCode, header};
use serde::Deserialize;
use toolgate_catalog::{Category, Label, Severity};
use toolgate_registry::{CatalogError, Search, Transport};
use utoipa::IntoParams;

use crate::admin::State;
use crate::input::{Asked, Named};
use crate::page::{Page, limit};
use crate::problem::{Problem, printable};

use view::{ServerDetail, ServerView, ToolDetail, ToolView};

/// What tools to search for; what is absent may be anything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ToolQuery {
    /// Words of name, title, description and server, all of which must be there; `crea*` finds all that begin so.
    q: Option<String>,
    /// The category.
    #[param(inline)]
    category: Option<Category>,
    /// The severity.
    #[param(inline)]
    severity: Option<Severity>,
    /// A flow label.
    #[param(inline)]
    label: Option<Label>,
    /// The whole name of the server.
    server: Option<String>,
    /// How the server is reached.
    #[param(inline)]
    transport: Option<Transport>,
    /// `next` of the page before; none begins at the best hit.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// What servers to search for; what is absent may be anything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ServerQuery {
    /// Words of name, title and description, all of which must be there; `crea*` finds all that begin so.
    q: Option<String>,
    /// How the server is reached.
    #[param(inline)]
    transport: Option<Transport>,
    /// `next` of the page before; none begins at the best hit.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Search the catalogue's tools
///
/// The best hits first: whole names, then names that hold the words, then servers, then descriptions.
#[utoipa::path(get, path = "/api/v1/catalog/tools", tag = "Catalogue", operation_id = "searchCatalogTools",
    params(ToolQuery), responses((status = 200, description = "A page of tools", body = Page<ToolView>)))]
pub(crate) async fn tools(
    Extract(state): Extract<State>,
    Asked(query): Asked<ToolQuery>,
) -> Result<Json<Page<ToolView>>, Problem> {
    let search = Search {
        words: query.q.unwrap_or_default(),
        category: query.category,
        severity: query.severity,
        label: query.label,
        server: query.server,
        transport: query.transport,
    };
    let page = state.parts.catalog.tools(&search, page_of(query.limit)?, query.cursor.as_deref()).await?;
    Ok(Json(Page { items: page.items.into_iter().map(ToolView::from).collect(), next: page.next }))
}

/// Look at a tool of the catalogue
#[utoipa::path(get, path = "/api/v1/catalog/tools/{server}/{tool}", tag = "Catalogue", operation_id = "getCatalogTool",
    params(("server" = String, Path, description = "The server's name, `/` written as `%2F`"),
        ("tool" = String, Path, description = "The tool's name")),
    responses((status = 200, description = "The tool with its definition and the attacks it invites", body = ToolDetail)))]
pub(crate) async fn tool(
    Extract(state): Extract<State>,
    Named((server, tool)): Named<(String, String)>,
) -> Result<Json<ToolDetail>, Problem> {
    let found = state.parts.catalog.tool(&server, &tool).await?;
    let missing = || nowhere("tool", &format!("{tool}` of `{server}"));
    Ok(Json(ToolDetail::from(found.ok_or_else(missing)?)))
}

/// Search the catalogue's servers
#[utoipa::path(get, path = "/api/v1/catalog/servers", tag = "Catalogue", operation_id = "searchCatalogServers",
    params(ServerQuery), responses((status = 200, description = "A page of servers", body = Page<ServerView>)))]
pub(crate) async fn servers(
    Extract(state): Extract<State>,
    Asked(query): Asked<ServerQuery>,
) -> Result<Json<Page<ServerView>>, Problem> {
    let search =
        Search { words: query.q.unwrap_or_default(), transport: query.transport, ..Search::default() };
    let page = state.parts.catalog.servers(&search, page_of(query.limit)?, query.cursor.as_deref()).await?;
    Ok(Json(Page { items: page.items.into_iter().map(ServerView::from).collect(), next: page.next }))
}

/// Look at a server of the catalogue
#[utoipa::path(get, path = "/api/v1/catalog/servers/{server}", tag = "Catalogue", operation_id = "getCatalogServer",
    params(("server" = String, Path, description = "The server's name, `/` written as `%2F`")),
    responses((status = 200, description = "The server with its versions", body = ServerDetail)))]
pub(crate) async fn server(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
) -> Result<Json<ServerDetail>, Problem> {
    let catalog = &state.parts.catalog;
    let found = catalog.server(&name).await?.ok_or_else(|| nowhere("server", &name))?;
    Ok(Json(ServerDetail::new(found, catalog.versions(&name).await?)))
}

fn page_of(wanted: Option<u32>) -> Result<usize, Problem> {
    Ok(usize::try_from(limit(wanted)?).unwrap_or(usize::MAX))
}

fn nowhere(kind: &str, name: &str) -> Problem {
    let detail = format!("the catalogue has no {kind} `{}`", printable(name));
    Problem::new(StatusCode::NOT_FOUND, detail)
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        let detail = error.to_string();
        match error {
            CatalogError::Limit(_) | CatalogError::Cursor => Self::new(StatusCode::BAD_REQUEST, detail),
            CatalogError::TimedOut { .. } | CatalogError::Importing => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(header::RETRY_AFTER, "1")
            }
            CatalogError::Format { .. } | CatalogError::File { .. } | CatalogError::Database(_) => {
                tracing::error!(error = detail, "the catalogue cannot answer");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}
