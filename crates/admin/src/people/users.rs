//! People: their roles, and links by which they sign in.

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_store::User;
use utoipa::ToSchema;

use super::RoleName;
use crate::admin::State;
use crate::change::Done;
use crate::credential::{self, LINK_LIFE};
use crate::identity::Who;
use crate::input::{Asked, Named, Sent};
use crate::moment;
use crate::page::{Page, Part};
use crate::precondition::{IfMatch, tag};
use crate::problem::Problem;
use crate::running::Subject;

/// A person who signs in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    /// The name, which may be a mail address.
    name: String,
    /// What the person may do.
    role: RoleName,
    /// The `ETag` that changes must name.
    etag: String,
    /// When it was made.
    created: String,
    /// When it was changed last.
    updated: String,
    /// Who changed it last.
    author: String,
}

impl From<User> for UserView {
    fn from(User { name, role, meta }: User) -> Self {
        Self {
            name,
            role: role.into(),
            etag: tag(meta.revision),
            created: moment::show(meta.created),
            updated: moment::show(meta.updated),
            author: meta.author,
        }
    }
}

/// A person to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    /// The name: 1 to 254 visible ASCII characters.
    #[schema(pattern = "^[!-~]{1,254}$", examples("alice@example.com"))]
    name: String,
    /// What the person may do.
    role: RoleName,
}

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// What the person may do from now on, in sessions that are open too.
    role: RoleName,
}

/// A link that signs in once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    /// The path and query to put after the console's address; shown here and nowhere again.
    path: String,
    /// Until when it works.
    expires: String,
}

/// List users
#[utoipa::path(get, path = "/api/v1/users", tag = "People", operation_id = "listUsers", params(Part),
    responses((status = 200, description = "A page of users, by name", body = Page<UserView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<UserView>>, Problem> {
    let part = part.checked()?;
    let users = state.store().users().list(part.of_store()).await?;
    Ok(Json(part.page(users.into_iter().map(|user| (user.name.clone(), user.into())).collect())))
}

/// Look at a user
#[utoipa::path(get, path = "/api/v1/users/{name}", tag = "People", operation_id = "getUser",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The user", body = UserView, headers(("ETag" = String)))))]
pub(crate) async fn get(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, state.store().users().get(&name).await?.into()))
}

/// Make a user
#[utoipa::path(post, path = "/api/v1/users", tag = "People", operation_id = "createUser", request_body = UserBody,
    responses((status = 201, description = "Made", body = UserView, headers(("ETag" = String)))))]
pub(crate) async fn create(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Sent(body): Sent<UserBody>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let user = state.store().users().create(&body.name, body.role.into(), &turn.change_new()).await?;
    let detail = format!("user `{}` was made, role `{}`", user.name, user.role.as_str());
    turn.keep(Done { subject: Subject::User, name: &user.name, detail: &detail });
    Ok(answer(StatusCode::CREATED, user.into()))
}

/// Give a user another role
#[utoipa::path(put, path = "/api/v1/users/{name}", tag = "People", operation_id = "updateUser",
    params(("name" = String, Path, description = "The name")), request_body = RoleBody,
    responses((status = 200, description = "Changed", body = UserView, headers(("ETag" = String)))))]
pub(crate) async fn update(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
    Sent(body): Sent<RoleBody>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let user = state.store().users().set_role(&name, body.role.into(), &turn.change(&condition)).await?;
    let detail = format!("user `{name}` has the role `{}`", user.role.as_str());
    turn.keep(Done { subject: Subject::User, name: &name, detail: &detail });
    Ok(answer(StatusCode::OK, user.into()))
}

/// Remove a user
///
/// Ends the user's sessions and links at once.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "People", operation_id = "deleteUser",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Removed")))]
pub(crate) async fn delete(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    condition: IfMatch,
) -> Result<StatusCode, Problem> {
    let turn = state.turn(&who).await?;
    state.store().users().remove(&name, &turn.change(&condition)).await?;
    let detail = format!("user `{name}` was removed");
    turn.keep(Done { subject: Subject::User, name: &name, detail: &detail });
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link that signs a user in
///
/// It works once, within ten minutes.
#[utoipa::path(post, path = "/api/v1/users/{name}/sign-in-link", tag = "People", operation_id = "createSignInLink",
    params(("name" = String, Path, description = "The name")),
    responses((status = 201, description = "The link is shown once", body = LinkView)))]
pub(crate) async fn link(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let user = state.store().users().get(&name).await?;
    let expires = moment::show(turn.now.saturating_add(credential::micros(LINK_LIFE)));
    let path = state.sign_in_link(&user.name, user.role).await?;
    let detail = format!("a sign-in link was made for user `{name}`");
    turn.keep(Done { subject: Subject::User, name: &name, detail: &detail });
    Ok((StatusCode::CREATED, Json(LinkView { path, expires })).into_response())
}

fn answer(status: StatusCode, view: UserView) -> Response {
    let tag = [(header::ETAG, view.etag.clone())];
    (status, tag, Json(view)).into_response()
}
