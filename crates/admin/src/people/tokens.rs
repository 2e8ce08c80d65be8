//! Tokens of the admin API, for programs.

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_store::AdminToken;
use utoipa::ToSchema;

use super::RoleName;
use crate::admin::State;
use crate::change::Done;
use crate::credential;
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::moment;
use crate::page::{Page, Part};
use crate::precondition::{IfMatch, tag};
use crate::problem::{Mistake, Problem};
use crate::running::Subject;

/// A token of the admin API; not the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdminTokenView {
    /// Its label.
    label: String,
    /// What its bearer may do.
    role: RoleName,
    /// From when on it opens nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// When it was used last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    /// The `ETag` that its revocation must name.
    etag: String,
    /// When it was made.
    created: String,
    /// Who made it.
    author: String,
}

impl From<AdminToken> for AdminTokenView {
    fn from(token: AdminToken) -> Self {
        Self {
            label: token.label,
            role: token.role.into(),
            expires: token.expires.map(moment::show),
            last_used: token.last_used.map(moment::show),
            etag: tag(token.meta.revision),
            created: moment::show(token.meta.created),
            author: token.meta.author,
        }
    }
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminTokenBody {
    /// Its label.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("ci"))]
    label: String,
    /// What its bearer may do.
    role: RoleName,
    /// From when on it opens nothing: a day (00:00 UTC) or a time (RFC 3339); never if absent.
    expires: Option<String>,
}

/// A token as it is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewAdminToken {
    /// What is kept of it.
    admin_token: AdminTokenView,
    /// The token: shown here and nowhere again.
    token: String,
}

/// List the tokens of the admin API
#[utoipa::path(get, path = "/api/v1/admin-tokens", tag = "People", operation_id = "listAdminTokens", params(Part),
    responses((status = 200, description = "A page of tokens, by label", body = Page<AdminTokenView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<AdminTokenView>>, Problem> {
    let part = part.checked()?;
    let tokens = state.store().admin_tokens().list(part.of_store()).await?;
    Ok(Json(part.page(tokens.into_iter().map(|token| (token.label.clone(), token.into())).collect())))
}

/// Make a token of the admin API
#[utoipa::path(post, path = "/api/v1/admin-tokens", tag = "People", operation_id = "createAdminToken",
    request_body = AdminTokenBody,
    responses((status = 201, description = "Made; the token is shown once", body = NewAdminToken, headers(("ETag" = String)))))]
pub(crate) async fn create(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Sent(body): Sent<AdminTokenBody>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let expires = body.expires.as_deref().map(|text| {
        let mistake = Mistake::at("/expires", "this is no date in the future");
        let help = "write a day, as in `2027-01-01` (00:00 UTC), or a time, as in `2027-01-01T12:00:00Z`";
        moment::read(text).filter(|at| *at > turn.now).ok_or_else(|| Problem::mistake(mistake.help(help)))
    });
    let expires = expires.transpose()?;
    let token = credential::mint_token()?;
    let (hash, role) = (credential::hash(&token), body.role.into());
    let kept =
        state.store().admin_tokens().create(&body.label, hash, (role, expires), &turn.change_new()).await?;
    let until = expires.map_or_else(|| "never".to_owned(), moment::show);
    let detail = format!("admin token `{}` was made, role `{}`, expires {until}", body.label, role.as_str());
    turn.keep(Done { subject: Subject::AdminToken, name: &body.label, detail: &detail });
    let admin_token = AdminTokenView::from(kept);
    let tag = [(header::ETAG, admin_token.etag.clone())];
    Ok((StatusCode::CREATED, tag, Json(NewAdminToken { admin_token, token })).into_response())
}

/// Revoke a token of the admin API
#[utoipa::path(delete, path = "/api/v1/admin-tokens/{label}", tag = "People", operation_id = "revokeAdminToken",
    params(("label" = String, Path, description = "Its label")),
    responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(label): Named<String>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    state.store().admin_tokens().revoke(&label, &turn.change(&condition)).await?;
    let detail = format!("admin token `{label}` was revoked");
    turn.keep(Done { subject: Subject::AdminToken, name: &label, detail: &detail });
    Ok(StatusCode::NO_CONTENT)
}
