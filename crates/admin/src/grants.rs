//! Grants: made, changed and revoked; their tokens are shown once.

pub(crate) mod bindings;
pub(crate) mod tokens;
mod view;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_gateway::rules::{is_label, is_tag};
use toolgate_policy::escape_pointer;
use toolgate_store::{Binding, FileNames, Grant, GrantSpec, Kind, NameStyle, StoreError};
use utoipa::ToSchema;

use crate::admin::{Shared, State};
use crate::change::{Done, Otherwise, Turn};
use crate::credential;
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::moment;
use crate::page::{Page, Part};
use crate::precondition::{IfMatch, tag};
use crate::problem::{Mistake, Problem};
use crate::running::Subject;
pub(crate) use view::GrantView;
use view::Names;

/// A grant as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    /// Its label; needed to make one, and not to be changed.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("alice-laptop"))]
    label: Option<String>,
    /// The servers that it includes, and the policy that judges its calls on each.
    servers: BTreeMap<String, String>,
    /// From when on it is no longer valid: a day (00:00 UTC) or a time (RFC 3339); never if absent.
    #[schema(examples("2027-01-01"))]
    expires: Option<String>,
    /// Free words for conditions of policies.
    #[serde(default)]
    tags: Vec<String>,
    /// How tool names are shown to its clients; `dotted` if absent.
    names: Option<Names>,
}

/// A grant with its new token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantWithToken {
    /// The grant.
    grant: GrantView,
    /// The token: shown here and nowhere again.
    token: String,
}

/// List grants
#[utoipa::path(get, path = "/api/v1/grants", tag = "Grants", operation_id = "listGrants", params(Part),
    responses((status = 200, description = "A page of grants, by label", body = Page<GrantView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<GrantView>>, Problem> {
    let part = part.checked()?;
    // Those of the config file whose tokens are kept here are in both lists, which changes no page: the file's
    // are all there.
    let stored = state.store().grants().list(part.of_store()).await?;
    let mut items = state.grants_in_file().await?;
    let made = stored.iter().filter(|grant| !grant.managed_by_file);
    items.extend(made.map(|grant| (grant.label.clone(), GrantView::of_store(grant))));
    // The store was asked for one more than a page holds.
    let more = stored.len() > usize::try_from(part.limit).unwrap_or(usize::MAX);
    if let Some(last) = stored.last().filter(|_| more) {
        return Ok(Json(part.page_until(items, &last.label)));
    }
    Ok(Json(part.page(items)))
}

/// Look at a grant
#[utoipa::path(get, path = "/api/v1/grants/{label}", tag = "Grants", operation_id = "getGrant",
    params(("label" = String, Path, description = "Its label")),
    responses((status = 200, description = "The grant", body = GrantView, headers(("ETag" = String)))))]
pub(crate) async fn get(
    Extract(state): Extract<State>,
    Named(label): Named<String>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, state.grant(&label).await?))
}

/// Make a grant
#[utoipa::path(post, path = "/api/v1/grants", tag = "Grants", operation_id = "createGrant", request_body = GrantBody,
    responses((status = 201, description = "Made; the token is shown once", body = GrantWithToken,
        headers(("ETag" = String), ("Location" = String)))))]
pub(crate) async fn create(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Sent(body): Sent<GrantBody>,
) -> Result<Response, Problem> {
    let label = body.label.clone().filter(|label| is_label(label)).ok_or_else(|| {
        let mistake = Mistake::at("/label", "this is no label for a grant");
        Problem::mistake(mistake.help("use 1 to 64 letters, digits, `.`, `_` and `-`"))
    })?;
    let turn = state.turn(&who).await?;
    let spec = state.check_grant(&body, &turn).await?;
    let token = credential::mint_grant_token()?;
    let hash = credential::hash(&token);
    let grant = state.store().grants().create(&label, &spec, hash, &turn.change_new()).await?;
    let (author, revision) = (turn.author.clone(), grant.meta.revision);
    let detail = format!("grant `{label}` was made: {}", view::in_words(&spec));
    let done = Done { subject: Subject::Grant, name: &label, detail: &detail };
    let undo = async {
        let file = FileNames::default();
        let change = toolgate_store::Change::new(&author, state.wall(), &file).if_revision(revision);
        state.store().grants().revoke(&label, &change).await
    };
    turn.take_over(done, Otherwise::undo(undo)).await?;
    let view = GrantView::of_store(&grant);
    let headers =
        [(header::ETAG, view.etag().to_owned()), (header::LOCATION, format!("/api/v1/grants/{label}"))];
    Ok((StatusCode::CREATED, headers, Json(GrantWithToken { grant: view, token })).into_response())
}

/// Change a grant
///
/// Sets everything anew, but for its tokens.
#[utoipa::path(put, path = "/api/v1/grants/{label}", tag = "Grants", operation_id = "updateGrant",
    params(("label" = String, Path, description = "Its label")), request_body = GrantBody,
    responses((status = 200, description = "Changed", body = GrantView, headers(("ETag" = String)))))]
pub(crate) async fn update(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(label): Named<String>,
    condition: IfMatch,
    Sent(body): Sent<GrantBody>,
) -> Result<Response, Problem> {
    if body.label.as_ref().is_some_and(|other| *other != label) {
        let mistake = Mistake::at("/label", "the label cannot be changed").help("leave it out");
        return Err(Problem::mistake(mistake));
    }
    let turn = state.turn(&who).await?;
    let before = state.writable_grant(&label, &turn, &condition).await?;
    let spec = state.check_grant(&body, &turn).await?;
    let after = state.store().grants().update(&label, &spec, &turn.change(&condition)).await?;
    let detail = format!("grant `{label}` was changed: {}", view::in_words(&spec));
    state.take_over_grant(turn, before, &after, &detail).await?;
    Ok(answer(StatusCode::OK, GrantView::of_store(&after)))
}

/// Revoke a grant
///
/// Acts on the next call; open streams end within a second. For a grant of the config file a tombstone stays that
/// wins over the file.
#[utoipa::path(delete, path = "/api/v1/grants/{label}", tag = "Grants", operation_id = "revokeGrant",
    params(("label" = String, Path, description = "Its label")),
    responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(label): Named<String>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    let of_file = turn.file.names.grants.contains(&label);
    if of_file {
        condition.check(state.grant(&label).await?.etag())?;
        state.store().grants().revoke(&label, &turn.change_new()).await?;
    } else {
        state.store().grants().revoke(&label, &turn.change(&condition)).await?;
    }
    let detail =
        format!("grant `{label}` was revoked{}", if of_file { ", which the config file has" } else { "" });
    let done = Done { subject: Subject::Grant, name: &label, detail: &detail };
    turn.take_over(done, Otherwise::Stands).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(status: StatusCode, view: GrantView) -> Response {
    let tag = [(header::ETAG, view.etag().to_owned())];
    (status, tag, Json(view)).into_response()
}

impl Shared {
    /// A grant of the store that may be changed, as it is now.
    async fn writable_grant(
        &self,
        label: &str,
        turn: &Turn<'_>,
        condition: &IfMatch,
    ) -> Result<Grant, Problem> {
        if turn.file.names.grants.contains(label) {
            return Err(Problem::managed_by_file(Kind::Grant, label, &turn.file.names.path));
        }
        let grant = self.store().grants().get(label).await?;
        condition.check(&tag(grant.meta.revision))?;
        Ok(grant)
    }

    /// Ends a change of what is set about a grant.
    async fn take_over_grant(
        &self,
        turn: Turn<'_>,
        before: Grant,
        after: &Grant,
        detail: &str,
    ) -> Result<(), Problem> {
        let (author, revision) = (turn.author.clone(), after.meta.revision);
        let done = Done { subject: Subject::Grant, name: &after.label, detail };
        let undo = async {
            let file = FileNames::default();
            let change = toolgate_store::Change::new(&author, self.wall(), &file).if_revision(revision);
            self.store().grants().update(&after.label, &before.spec, &change).await.map(|_| ())
        };
        turn.take_over(done, Otherwise::undo(undo)).await
    }

    /// What is set about a grant, checked: its servers and policies must be there.
    async fn check_grant(&self, body: &GrantBody, turn: &Turn<'_>) -> Result<GrantSpec, Problem> {
        let mut mistakes = Vec::new();
        let mut servers = Vec::new();
        for (server, policy) in &body.servers {
            let pointer = format!("/servers/{}", escape_pointer(server));
            if !self.has_server(server, turn).await? {
                mistakes.push(Mistake::at(pointer.clone(), "there is no such server").help("add it first"));
            }
            if !self.has_policy(policy, turn).await? {
                mistakes.push(Mistake::at(pointer, "there is no such policy").help("make it first"));
            }
            servers.push(Binding { server: server.clone(), policy: policy.clone() });
        }
        let expires = body.expires.as_deref().map(moment::read);
        if expires == Some(None) {
            let help = "write a day, as in `2027-01-01` (00:00 UTC), or a time, as in `2027-01-01T12:00:00Z`";
            mistakes.push(Mistake::at("/expires", "this is no date").help(help));
        }
        let bad_tags = body.tags.iter().enumerate().filter(|(_, tag)| !is_tag(tag));
        mistakes.extend(bad_tags.map(|(n, _)| {
            Mistake::at(format!("/tags/{n}"), "this is no tag")
                .help("use 1 to 64 characters, none of them control characters")
        }));
        if !mistakes.is_empty() {
            return Err(Problem::invalid("the grant cannot be used as it was sent", mistakes));
        }
        let names = body.names.map_or(NameStyle::Dotted, NameStyle::from);
        Ok(GrantSpec { servers, expires: expires.flatten(), tags: body.tags.clone(), names })
    }

    /// Whether there is a server of this name, in the file or the store.
    async fn has_server(&self, name: &str, turn: &Turn<'_>) -> Result<bool, Problem> {
        Ok(turn.file.names.servers.contains(name) || found(self.store().servers().get(name).await)?)
    }

    /// Whether there is a policy of this name, in the file or the store.
    async fn has_policy(&self, name: &str, turn: &Turn<'_>) -> Result<bool, Problem> {
        Ok(turn.file.names.policies.contains(name) || found(self.store().policies().get(name).await)?)
    }
}

fn found<T>(result: Result<T, StoreError>) -> Result<bool, Problem> {
    match result {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
