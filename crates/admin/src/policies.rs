//! Policies: checked whole before they are kept, every version kept. Those of the config file are shown.

pub(crate) mod history;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_gateway::rules::is_policy_name;
use toolgate_policy::{Format, Plan};
use toolgate_store::{Document, FileNames, Kind, Policy, StoreError, Syntax};
use utoipa::ToSchema;

use crate::admin::{Shared, State};
use crate::change::{Done, Otherwise};
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::moment;
use crate::page::{Page, Part};
use crate::precondition::{IfMatch, file_tag, tag};
use crate::problem::{Mistake, Problem};
use crate::running::{FilePolicy, Subject};
use crate::servers::ManagedBy;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notation {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

impl Notation {
    fn format(self) -> Format {
        match self {
            Self::Json => Format::Json,
            Self::Yaml => Format::Yaml,
        }
    }
}

impl From<Format> for Notation {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Yaml => Self::Yaml,
        }
    }
}

impl From<Syntax> for Notation {
    fn from(syntax: Syntax) -> Self {
        match syntax {
            Syntax::Json => Self::Json,
            Syntax::Yaml => Self::Yaml,
        }
    }
}

/// A policy's document as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyBody {
    /// Its name; needed to make one, and not to be changed.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("images"))]
    name: Option<String>,
    /// How the text is written.
    notation: Notation,
    /// The text, kept as it is.
    #[schema(examples("{\"version\": \"1\", \"tools\": {\"echo\": {}}}"))]
    text: String,
    /// Why it is changed, for people.
    #[schema(max_length = 500)]
    comment: Option<String>,
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// Its name.
    name: String,
    /// Who has the say over it.
    managed_by: ManagedBy,
    /// What the journal calls its current version by.
    version: String,
    /// The number of the current version; absent for the config file's.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    /// How the text is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    notation: Option<Notation>,
    /// The text of the current version; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// What should be looked at, though it is no error; only after a change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Mistake>,
    /// The `ETag` that changes must name.
    etag: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// When it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

impl PolicyView {
    fn of_store(policy: Policy) -> Self {
        let Policy { name, current, meta } = policy;
        Self {
            name,
            managed_by: ManagedBy::Api,
            version: current.document.hash,
            number: Some(current.number),
            notation: Some(current.document.syntax.into()),
            text: Some(current.document.text),
            comment: current.document.comment,
            warnings: Vec::new(),
            etag: tag(meta.revision),
            created: Some(moment::show(meta.created)),
            updated: Some(moment::show(meta.updated)),
            author: Some(meta.author),
        }
    }

    fn of_file(plan: &Plan, document: Option<&FilePolicy>) -> Self {
        Self {
            name: plan.name().to_owned(),
            managed_by: ManagedBy::File,
            version: plan.version().to_owned(),
            number: None,
            notation: document.map(|document| document.format.into()),
            text: document.map(|document| document.text.clone()),
            comment: None,
            warnings: Vec::new(),
            etag: file_tag(plan.version()),
            created: None,
            updated: None,
            author: None,
        }
    }

    fn without_text(self) -> Self {
        Self { text: None, ..self }
    }
}

/// List policies
#[utoipa::path(get, path = "/api/v1/policies", tag = "Policies", operation_id = "listPolicies", params(Part),
    responses((status = 200, description = "A page of policies, by name, without their texts", body = Page<PolicyView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<PolicyView>>, Problem> {
    let part = part.checked()?;
    let stored = state.store().policies().list(part.of_store()).await?;
    let mut items: Vec<_> = state
        .policies_of_file()
        .iter()
        .map(|plan| (plan.name().to_owned(), PolicyView::of_file(plan, None)))
        .collect();
    items.extend(stored.into_iter().map(|p| (p.name.clone(), PolicyView::of_store(p).without_text())));
    Ok(Json(part.page(items)))
}

/// Look at a policy
#[utoipa::path(get, path = "/api/v1/policies/{name}", tag = "Policies", operation_id = "getPolicy",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The policy", body = PolicyView, headers(("ETag" = String)))))]
pub(crate) async fn get(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let of_file = state.policies_of_file().into_iter().find(|plan| plan.name() == name);
    let view = match of_file {
        Some(plan) => PolicyView::of_file(&plan, state.gateway().file().policies.get(&name)),
        None => PolicyView::of_store(state.store().policies().get(&name).await?),
    };
    Ok(answer(StatusCode::OK, view))
}

/// Make a policy
#[utoipa::path(post, path = "/api/v1/policies", tag = "Policies", operation_id = "createPolicy", request_body = PolicyBody,
    responses((status = 201, description = "Made", body = PolicyView, headers(("ETag" = String), ("Location" = String)))))]
pub(crate) async fn create(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Sent(body): Sent<PolicyBody>,
) -> Result<Response, Problem> {
    let name = body.name.clone().filter(|name| is_policy_name(name)).ok_or_else(|| {
        let mistake = Mistake::at("/name", "this is no name for a policy");
        Problem::mistake(mistake.help("use 1 to 64 letters, digits, `.`, `_` and `-`"))
    })?;
    let (document, warnings) = document(&name, body)?;
    let turn = state.turn(&who).await?;
    let policy = state.store().policies().create(&name, &document, &turn.change_new()).await?;
    let (author, revision) = (turn.author.clone(), policy.meta.revision);
    let detail = format!("policy `{name}` was made, version {}", document.hash);
    let done = Done { subject: Subject::Policy, name: &name, detail: &detail };
    let undo = async {
        let file = FileNames::default();
        let change = toolgate_store::Change::new(&author, state.wall(), &file).if_revision(revision);
        state.store().policies().remove(&name, &change).await
    };
    turn.take_over(done, Otherwise::undo(undo)).await?;
    let mut answer = answer(StatusCode::CREATED, PolicyView { warnings, ..PolicyView::of_store(policy) });
    if let Ok(place) = format!("/api/v1/policies/{name}").parse() {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    Ok(answer)
}

/// Give a policy a new version
///
/// It judges from the next call on; the versions before are kept.
#[utoipa::path(put, path = "/api/v1/policies/{name}", tag = "Policies", operation_id = "updatePolicy",
    params(("name" = String, Path, description = "Its name")), request_body = PolicyBody,
    responses((status = 200, description = "Changed", body = PolicyView, headers(("ETag" = String)))))]
pub(crate) async fn update(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
    Sent(body): Sent<PolicyBody>,
) -> Result<Response, Problem> {
    check_same_name(&body, &name)?;
    let turn = state.turn(&who).await?;
    if turn.file.names.policies.contains(&name) {
        return Err(Problem::managed_by_file(Kind::Policy, &name, &turn.file.names.path));
    }
    let before = state.store().policies().get(&name).await?;
    condition.check(&tag(before.meta.revision))?;
    let (document, warnings) = document(&name, body)?;
    let policy = state.store().policies().add_version(&name, &document, &turn.change(&condition)).await?;
    let (author, revision) = (turn.author.clone(), policy.meta.revision);
    let detail = format!("policy `{name}` {} -> {}", before.current.document.hash, document.hash);
    let done = Done { subject: Subject::Policy, name: &name, detail: &detail };
    let undo = async {
        let file = FileNames::default();
        let change = toolgate_store::Change::new(&author, state.wall(), &file).if_revision(revision);
        let comment = Some(format!("version {} could not be taken over", policy.current.number));
        let earlier = Document { comment, ..before.current.document };
        state.store().policies().add_version(&name, &earlier, &change).await.map(|_| ())
    };
    turn.take_over(done, Otherwise::undo(undo)).await?;
    Ok(answer(StatusCode::OK, PolicyView { warnings, ..PolicyView::of_store(policy.clone()) }))
}

/// Remove a policy
///
/// Refused while a grant uses it. Its versions stay, for the journal names them.
#[utoipa::path(delete, path = "/api/v1/policies/{name}", tag = "Policies", operation_id = "deletePolicy",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Removed")))]
pub(crate) async fn delete(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    let by = state.grants_of_file(|_, policy| policy == name);
    if !by.is_empty() && !turn.file.names.policies.contains(&name) {
        return Err(StoreError::InUse { kind: Kind::Policy, name, by }.into());
    }
    state.store().policies().remove(&name, &turn.change(&condition)).await?;
    let detail = format!("policy `{name}` was removed");
    let done = Done { subject: Subject::Policy, name: &name, detail: &detail };
    turn.take_over(done, Otherwise::Stands).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Validation {
    /// Whether it can be used.
    valid: bool,
    /// What the journal would call it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Errors, and warnings about what can be used all the same.
    findings: Vec<Mistake>,
}

/// Check a policy without keeping it
#[utoipa::path(post, path = "/api/v1/policies/{name}/validate", tag = "Policies", operation_id = "validatePolicy",
    params(("name" = String, Path, description = "Its name, whether or not there is one")), request_body = PolicyBody,
    responses((status = 200, description = "What was found", body = Validation)))]
pub(crate) async fn validate(
    Named(name): Named<String>,
    Sent(body): Sent<PolicyBody>,
) -> Result<Json<Validation>, Problem> {
    check_same_name(&body, &name)?;
    let found = toolgate_policy::load(&body.text, body.notation.format(), &name);
    Ok(Json(match found {
        Ok(loaded) => Validation {
            valid: true,
            version: Some(loaded.plan.version().to_owned()),
            findings: loaded.warnings.into_iter().map(Mistake::from).collect(),
        },
        Err(problems) => {
            let findings = problems.into_iter().map(Mistake::from).collect();
            Validation { valid: false, version: None, findings }
        }
    }))
}

/// The document as it is kept, and what should be looked at; every mistake if it cannot be used.
fn document(name: &str, body: PolicyBody) -> Result<(Document, Vec<Mistake>), Problem> {
    /// Longest comment in characters.
    const COMMENT: usize = 500;
    if body.comment.as_deref().is_some_and(|comment| comment.chars().count() > COMMENT) {
        let mistake = Mistake::at("/comment", format!("the comment is longer than {COMMENT} characters"));
        return Err(Problem::mistake(mistake));
    }
    let loaded = toolgate_policy::load(&body.text, body.notation.format(), name).map_err(|problems| {
        let detail =
            format!("the policy `{name}` cannot be used; line, column and pointer are those of its text");
        Problem::invalid(detail, problems.into_iter().map(Mistake::from).collect())
    })?;
    let syntax = match body.notation {
        Notation::Json => Syntax::Json,
        Notation::Yaml => Syntax::Yaml,
    };
    let hash = loaded.plan.version().to_owned();
    let document = Document { syntax, text: body.text, hash, comment: body.comment };
    Ok((document, loaded.warnings.into_iter().map(Mistake::from).collect()))
}

fn check_same_name(body: &PolicyBody, name: &str) -> Result<(), Problem> {
    match &body.name {
        Some(other) if other != name => {
            Err(Problem::mistake(Mistake::at("/name", "the name cannot be changed").help("leave it out")))
        }
        Some(_) | None => Ok(()),
    }
}

fn answer(status: StatusCode, view: PolicyView) -> Response {
    let tag = [(header::ETAG, view.etag.clone())];
    (status, tag, Json(view)).into_response()
}

impl Shared {
    /// The policies of the config file.
    fn policies_of_file(&self) -> Vec<Arc<Plan>> {
        let (settings, file) = (self.gateway().settings(), self.gateway().file());
        settings.policies.iter().filter(|plan| file.names.policies.contains(plan.name())).cloned().collect()
    }
}
