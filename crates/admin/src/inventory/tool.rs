//! One tool: its page, and what a person says of its risk.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_catalog::{Category, Page, Surroundings};
use toolgate_store::{Change, FileNames, Kind, RiskOverride, RiskWord, StoreError};
use utoipa::{IntoParams, ToSchema};

use super::rows::Selected;
use super::seen::{Seen, Tool, Wanted};
use super::verdicts::{OverrideView, severity};
use super::view::ToolFacts;
use super::window;
use crate::admin::{Shared, State};
use crate::change::{Done, Otherwise};
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::precondition::{IfMatch, tag};
use crate::problem::{Mistake, Problem, ProblemDocument, printable};
use crate::running::Subject;

/// Longest reason in characters.
const LONGEST_REASON: usize = 1_000;
/// Longest name of a tool in bytes.
const LONGEST_TOOL: usize = 512;

/// How a page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Tokens of the context window that shares are told of.
    #[param(minimum = 1, default = 200_000)]
    context: Option<u64>,
}

/// A tool's page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToolPage {
    /// The server.
    server: String,
    /// The tool.
    tool: String,
    /// What it is.
    facts: ToolFacts,
    /// The page in sections: what it is, what an agent can do with it, how risky it is and why, attacks, the policy to
    /// put on it, questions and answers.
    #[schema(value_type = Object)]
    page: Page,
    /// The page as plain text.
    text: String,
    /// The page as Markdown.
    markdown: String,
}

/// Look at a tool's page
#[utoipa::path(get, path = "/api/v1/servers/{server}/tools/{tool}", tag = "Inventory", operation_id = "getToolPage",
    params(("server" = String, Path, description = "The server"), ("tool" = String, Path, description = "The tool"), PageQuery),
    responses((status = 200, description = "The page", body = ToolPage),
        (status = 424, description = "The server cannot be asked", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn page(
    Extract(state): Extract<State>,
    Named((server, name)): Named<(String, String)>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<ToolPage>, Problem> {
    let window = window(query.context)?;
    let (seen, tool) = state.tool(&server, &name).await?;
    let words = state.words(std::iter::once(server.as_str())).await?;
    state.count_tokens(&[(server.clone(), Arc::clone(&tool))]).await?;
    let around =
        Surroundings { server: server.clone(), tools_of_server: seen.tools.len(), ..Surroundings::default() };
    let page = Page::write(&tool.read(&server), &words.verdict(&server, &tool), &around)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let facts = ToolFacts::new(&server, &tool, &words, window);
    let (text, markdown) = (page.to_text(), page.to_markdown());
    Ok(Json(ToolPage { server, tool: name, facts, page, text, markdown }))
}

/// What a person says of a tool's risk.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideBody {
    /// What one ordinary call can do at worst: `read`, `write`, `execute`, `destructive` or `financial`.
    category: String,
    /// How bad that is: `low`, `medium`, `high` or `critical`; that of the category if absent.
    severity: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

impl OverrideBody {
    fn checked(self) -> Result<RiskWord, Problem> {
        let category = Category::ALL.into_iter().find(|category| category.name() == self.category);
        let category = category.ok_or_else(|| {
            Problem::mistake(
                Mistake::at("/category", "this is no category")
                    .help("use `read`, `write`, `execute`, `destructive` or `financial`"),
            )
        })?;
        if self.severity.as_deref().is_some_and(|word| severity(word).is_none()) {
            let mistake = Mistake::at("/severity", "this is no severity");
            return Err(Problem::mistake(mistake.help("use `low`, `medium`, `high` or `critical`")));
        }
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            let mistake = Mistake::at("/reason", "a reason is needed");
            return Err(Problem::mistake(mistake.help(format!("write 1 to {LONGEST_REASON} characters"))));
        }
        Ok(RiskWord {
            category: category.name().to_owned(),
            severity: self.severity,
            reason: reason.to_owned(),
        })
    }
}

/// Look at what a person says of a tool's risk
#[utoipa::path(get, path = "/api/v1/servers/{server}/tools/{tool}/override", tag = "Inventory", operation_id = "getOverride",
    params(("server" = String, Path, description = "The server"), ("tool" = String, Path, description = "The tool")),
    responses((status = 200, description = "The override", body = OverrideView, headers(("ETag" = String)))))]
pub(crate) async fn get_override(
    Extract(state): Extract<State>,
    Named((server, tool)): Named<(String, String)>,
) -> Result<Response, Problem> {
    Ok(answer(&state.store().risk_overrides().get(&server, &tool).await?))
}

/// Say what a tool's risk is
///
/// It holds in place of the machine's word, which stays beside it. `If-Match: "0"` sets it only if there is none.
#[utoipa::path(put, path = "/api/v1/servers/{server}/tools/{tool}/override", tag = "Inventory", operation_id = "setOverride",
    params(("server" = String, Path, description = "The server"), ("tool" = String, Path, description = "The tool")),
    request_body = OverrideBody,
    responses((status = 200, description = "Set", body = OverrideView, headers(("ETag" = String)))))]
pub(crate) async fn set_override(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named((server, tool)): Named<(String, String)>,
    condition: IfMatch,
    Sent(body): Sent<OverrideBody>,
) -> Result<Response, Problem> {
    let word = body.checked()?;
    if !state.gateway().settings().servers.iter().any(|known| known.name == server) {
        return Err(Problem::not_found(Kind::Server, &server));
    }
    if tool.is_empty() || tool.len() > LONGEST_TOOL {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "this is no name of a tool"));
    }
    let turn = state.turn(&who).await?;
    let overrides = state.store().risk_overrides();
    let before = found(overrides.get(&server, &tool).await)?;
    let kept = overrides.set((&server, &tool), &word, &turn.change(&condition)).await?;
    let name = format!("{server}/{tool}");
    let severity = word.severity.as_deref().map(|word| format!(", {word}")).unwrap_or_default();
    let detail = format!(
        "the risk of `{}` is said to be {}{severity}: {}",
        printable(&name),
        word.category,
        printable(&word.reason)
    );
    let done = Done { subject: Subject::Override, name: &name, detail: &detail };
    let undo = restore(&state, (&server, &tool), before, kept.meta.revision, turn.author.clone());
    turn.take_over(done, Otherwise::undo(undo)).await?;
    Ok(answer(&kept))
}

/// Take back what a person said of a tool's risk
///
/// The machine's word holds again.
#[utoipa::path(delete, path = "/api/v1/servers/{server}/tools/{tool}/override", tag = "Inventory", operation_id = "removeOverride",
    params(("server" = String, Path, description = "The server"), ("tool" = String, Path, description = "The tool")),
    responses((status = 204, description = "Taken back")))]
pub(crate) async fn remove_override(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named((server, tool)): Named<(String, String)>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    state.store().risk_overrides().remove(&server, &tool, &turn.change(&condition)).await?;
    let name = format!("{server}/{tool}");
    let detail = format!("what was said of the risk of `{}` is taken back", printable(&name));
    turn.take_over(Done { subject: Subject::Override, name: &name, detail: &detail }, Otherwise::Stands)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// None where there is nothing.
fn found(result: Result<RiskOverride, StoreError>) -> Result<Option<RiskOverride>, StoreError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts an override back as it was.
async fn restore(
    state: &Shared,
    (server, tool): (&str, &str),
    before: Option<RiskOverride>,
    revision: i64,
    author: String,
) -> Result<(), StoreError> {
    let file = FileNames::default();
    let change = Change::new(&author, state.wall(), &file).if_revision(revision);
    let overrides = state.store().risk_overrides();
    match before {
        Some(before) => overrides.set((server, tool), &before.word, &change).await.map(drop),
        None => overrides.remove(server, tool, &change).await,
    }
}

fn answer(kept: &RiskOverride) -> Response {
    ([(header::ETAG, tag(kept.meta.revision))], Json(OverrideView::from(kept))).into_response()
}

impl Shared {
    /// A tool of a server, as it was seen last.
    async fn tool(&self, server: &str, name: &str) -> Result<(Arc<Seen>, Arc<Tool>), Problem> {
        let selected = Selected::of(self.gateway().settings(), Some(server.to_owned()), None)?;
        let seen = self.seen(&selected.servers(), Wanted::Recent).await;
        let Some((_, seen)) = seen.into_iter().next() else {
            return Err(Problem::not_found(Kind::Server, server));
        };
        match (seen.tools.iter().find(|tool| tool.name == name), &seen.problem) {
            (Some(tool), _) => {
                let tool = Arc::clone(tool);
                Ok((seen, tool))
            }
            (None, Some(problem)) if seen.tools.is_empty() => Err(Problem::new(
                StatusCode::FAILED_DEPENDENCY,
                format!("the server `{server}` cannot be asked: {problem}"),
            )),
            (None, _) => {
                let detail = format!("the server `{server}` has no tool `{}`", printable(name));
                Err(Problem::new(StatusCode::NOT_FOUND, detail))
            }
        }
    }
}
