//! Servers: those of the config file, which are shown, and those that the API manages.

mod candidate;
mod view;

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use toolgate_gateway::rules::is_server_name;
use toolgate_store::{Kind, OpenServer, Server, StoreError};
use utoipa::ToSchema;

use crate::admin::{Shared, State};
use crate::change::{Done, Otherwise};
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::page::{Page, Part};
use crate::precondition::{IfMatch, tag};
use crate::problem::{Mistake, Problem, ProblemDocument};
use crate::running::Subject;
use candidate::Candidate;
pub(crate) use candidate::ServerBody;
pub(crate) use view::{ManagedBy, ServerView};

/// List servers
#[utoipa::path(get, path = "/api/v1/servers", tag = "Servers", operation_id = "listServers", params(Part),
    responses((status = 200, description = "A page of servers, by name", body = Page<ServerView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<ServerView>>, Problem> {
    let part = part.checked()?;
    let stored = state.store().servers().list(part.of_store()).await?;
    let role = who.role();
    let mut items = state.servers_of_file(role);
    items.extend(stored.iter().map(|server| (server.name.clone(), ServerView::of_store(server, role))));
    let mut page = part.page(items);
    let health = state.gateway().servers();
    for server in &mut page.items {
        server.set_health(&health);
    }
    Ok(Json(page))
}

/// Look at a server
#[utoipa::path(get, path = "/api/v1/servers/{name}", tag = "Servers", operation_id = "getServer",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The server", body = ServerView, headers(("ETag" = String)))))]
pub(crate) async fn get(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let mut of_file = state.servers_of_file(who.role());
    let view = match of_file.iter().position(|(other, _)| *other == name) {
        Some(at) => of_file.swap_remove(at).1,
        None => ServerView::of_store(&state.store().servers().get(&name).await?, who.role()),
    };
    Ok(answer(&state, StatusCode::OK, view))
}

/// Add a server
///
/// By its URL; by a command only where the config file says `allow_commands_from_api: true`. Headers and variables
/// are kept encrypted and never shown.
#[utoipa::path(post, path = "/api/v1/servers", tag = "Servers", operation_id = "createServer", request_body = ServerBody,
    responses((status = 201, description = "Made", body = ServerView, headers(("ETag" = String), ("Location" = String)))))]
pub(crate) async fn create(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Sent(body): Sent<ServerBody>,
) -> Result<Response, Problem> {
    let name = body.name.clone().unwrap_or_default();
    if !is_server_name(&name) {
        return Err(Problem::mistake(bad_name()));
    }
    let turn = state.turn(&who).await?;
    let Candidate { spec, secrets, .. } = Candidate::check(&name, &body, None, turn.file.allow_commands)?;
    let server = state.store().servers().create(&name, &spec, &secrets, &turn.change_new()).await?;
    let undo_change = turn.author.clone();
    let undo = remove_again(&state, &server, undo_change);
    let detail = format!("server `{name}` was added: {}", view::place(&spec));
    let done = Done { subject: Subject::Server, name: &name, detail: &detail };
    turn.take_over(done, Otherwise::undo(undo)).await?;
    let mut answer = answer(&state, StatusCode::CREATED, ServerView::of_store(&server, who.role()));
    if let Ok(place) = format!("/api/v1/servers/{name}").parse() {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    Ok(answer)
}

async fn remove_again(state: &Shared, server: &Server, author: String) -> Result<(), StoreError> {
    let file = toolgate_store::FileNames::default();
    let change = toolgate_store::Change::new(&author, state.wall(), &file).if_revision(server.meta.revision);
    state.store().servers().remove(&server.name, &change).await
}

/// Change a server
///
/// Sets everything anew, but for secrets that are not named; `null` removes one. Where the address changes, secrets
/// must be entered again or removed.
#[utoipa::path(put, path = "/api/v1/servers/{name}", tag = "Servers", operation_id = "updateServer",
    params(("name" = String, Path, description = "Its name")), request_body = ServerBody,
    responses((status = 200, description = "Changed", body = ServerView, headers(("ETag" = String)))))]
pub(crate) async fn update(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
    Sent(body): Sent<ServerBody>,
) -> Result<Response, Problem> {
    check_same_name(&body, &name)?;
    let turn = state.turn(&who).await?;
    if turn.file.names.servers.contains(&name) {
        return Err(Problem::managed_by_file(Kind::Server, &name, &turn.file.names.path));
    }
    let before = state.opened(&name).await?;
    condition.check(&tag(before.server.meta.revision))?;
    let candidate = Candidate::check(&name, &body, Some(&before), turn.file.allow_commands)?;
    let Candidate { spec, secrets, .. } = candidate;
    let server = state.store().servers().update(&name, &spec, &secrets, &turn.change(&condition)).await?;
    let author = turn.author.clone();
    let undo = restore(&state, &server, before, author);
    let named: Vec<&str> = secrets.keys().map(String::as_str).collect();
    let detail =
        format!("server `{name}` was changed: {}; secrets set: [{}]", view::place(&spec), named.join(", "));
    let done = Done { subject: Subject::Server, name: &name, detail: &detail };
    turn.take_over(done, Otherwise::undo(undo)).await?;
    Ok(answer(&state, StatusCode::OK, ServerView::of_store(&server, who.role())))
}

/// Puts a server back as it was, with its secrets.
async fn restore(state: &Shared, now: &Server, before: OpenServer, author: String) -> Result<(), StoreError> {
    let file = toolgate_store::FileNames::default();
    let change = toolgate_store::Change::new(&author, state.wall(), &file).if_revision(now.meta.revision);
    let mut secrets: toolgate_store::SecretChanges =
        now.secrets.iter().map(|name| (name.clone(), None)).collect();
    secrets.extend(before.secrets.into_iter().map(|(name, secret)| (name, Some(secret))));
    state.store().servers().update(&now.name, &before.server.spec, &secrets, &change).await.map(|_| ())
}

/// Remove a server
///
/// Refused while a grant includes it.
#[utoipa::path(delete, path = "/api/v1/servers/{name}", tag = "Servers", operation_id = "deleteServer",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Removed")))]
pub(crate) async fn delete(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    let by: Vec<String> = state.grants_of_file(|server, _| server == name);
    if !by.is_empty() && !turn.file.names.servers.contains(&name) {
        return Err(StoreError::InUse { kind: Kind::Server, name, by }.into());
    }
    state.store().servers().remove(&name, &turn.change(&condition)).await?;
    let detail = format!("server `{name}` was removed");
    let done = Done { subject: Subject::Server, name: &name, detail: &detail };
    turn.take_over(done, Otherwise::Stands).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a test found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestResult {
    /// Whether it answered as a server.
    ok: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The revisions of the protocol that it answered in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    speaks: Vec<String>,
    /// Its tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<TestedTool>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
}

/// A tool that a test found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestedTool {
    /// Its name.
    name: String,
    /// Why its calls would be denied: its schema cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_error: Option<String>,
}

/// Test a server before it is saved
///
/// Connects to it as it would be saved. Secrets that are not given are those that are kept, if the address is the
/// same.
#[utoipa::path(post, path = "/api/v1/servers/{name}/test", tag = "Servers", operation_id = "testServer",
    params(("name" = String, Path, description = "Its name, whether or not there is one")), request_body = ServerBody,
    responses((status = 200, description = "What was found", body = TestResult)))]
pub(crate) async fn test(
    Extract(state): Extract<State>,
    Extension(_): Extension<Who>,
    Named(name): Named<String>,
    Sent(body): Sent<ServerBody>,
) -> Result<Json<TestResult>, Problem> {
    if !is_server_name(&name) {
        return Err(Problem::mistake(bad_name()));
    }
    check_same_name(&body, &name)?;
    let saved = match state.opened(&name).await {
        Ok(saved) => Some(saved),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let allow_commands = state.gateway().file().allow_commands;
    let candidate = Candidate::check(&name, &body, saved.as_ref(), allow_commands)?;
    let found = state.gateway().test(&candidate.settings(&name, saved.as_ref())?).await;
    Ok(Json(match found {
        Ok(report) => TestResult {
            ok: true,
            error: None,
            speaks: report.speaks,
            tools: report
                .tools
                .into_iter()
                .map(|tool| TestedTool { name: tool.name, schema_error: tool.schema_error })
                .collect(),
            elapsed_ms: u64::try_from(report.elapsed.as_millis()).ok(),
        },
        Err(error) => TestResult {
            ok: false,
            error: Some(candidate.without_secrets(&error)),
            speaks: Vec::new(),
            tools: Vec::new(),
            elapsed_ms: None,
        },
    }))
}

/// A tool of a server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToolView {
    /// Its name.
    name: String,
    /// Hash of its definition, as the journal names it.
    definition_hash: String,
    /// Its definition as the server gave it.
    #[schema(value_type = Object)]
    definition: Box<RawValue>,
}

/// List a server's tools
#[utoipa::path(get, path = "/api/v1/servers/{name}/tools", tag = "Servers", operation_id = "listTools",
    params(("name" = String, Path, description = "The server"), Part),
    responses((status = 200, description = "A page of tools with their definitions, by name", body = Page<ToolView>),
        (status = 424, description = "The server cannot be asked", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn tools(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<ToolView>>, Problem> {
    let part = part.checked()?;
    if !state.gateway().settings().servers.iter().any(|server| server.name == name) {
        return Err(Problem::not_found(Kind::Server, &name));
    }
    let found = state.gateway().tools(&name).await;
    let tools = found.map_err(|error| {
        Problem::new(StatusCode::FAILED_DEPENDENCY, format!("the server `{name}` cannot be asked: {error}"))
    })?;
    let views = tools.into_iter().filter_map(|tool| {
        let definition = RawValue::from_string(tool.definition.to_string()).ok()?;
        Some((tool.name.clone(), ToolView { name: tool.name, definition_hash: tool.hash, definition }))
    });
    Ok(Json(part.page(views.collect())))
}

fn bad_name() -> Mistake {
    Mistake::at("/name", "this is no name for a server").help(
        "use at most 64 of `a-z`, `0-9`, `_` and `-`, begin with a letter or digit, and take no route's name",
    )
}

fn check_same_name(body: &ServerBody, name: &str) -> Result<(), Problem> {
    match &body.name {
        Some(other) if other != name => {
            Err(Problem::mistake(Mistake::at("/name", "the name cannot be changed").help("leave it out")))
        }
        Some(_) | None => Ok(()),
    }
}

fn answer(state: &Shared, status: StatusCode, mut view: ServerView) -> Response {
    view.set_health(&state.gateway().servers());
    let tag = [(header::ETAG, view.etag().to_owned())];
    (status, tag, Json(view)).into_response()
}

impl Shared {
    /// A server with its secrets; without them if they do not open, so that it can be set anew.
    async fn opened(&self, name: &str) -> Result<OpenServer, StoreError> {
        match self.store().servers().open(name).await {
            Err(StoreError::Key(_)) => {
                let server = self.store().servers().get(name).await?;
                Ok(OpenServer { server, secrets: Vec::new() })
            }
            opened => opened,
        }
    }

    /// The servers of the config file, by name.
    fn servers_of_file(&self, role: toolgate_store::Role) -> Vec<(String, ServerView)> {
        let (settings, file) = (self.gateway().settings(), self.gateway().file());
        let of_file = settings.servers.iter().filter(|server| file.names.servers.contains(&server.name));
        of_file.map(|server| (server.name.clone(), ServerView::of_file(server, role))).collect()
    }

    /// The labels of the config file's grants that bind a server and policy which `wanted` picks.
    pub(crate) fn grants_of_file(&self, wanted: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let (settings, file) = (self.gateway().settings(), self.gateway().file());
        let of_file = settings.grants.iter().filter(|grant| file.names.grants.contains(&grant.label));
        let binding =
            of_file.filter(|grant| grant.servers.iter().any(|(server, policy)| wanted(server, policy)));
        binding.map(|grant| grant.label.clone()).collect()
    }
}
