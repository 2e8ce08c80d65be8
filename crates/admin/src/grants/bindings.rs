//! Which policy judges a grant's calls to a server: attached and detached one by one.

use axum::extract::{Extension, State as Extract};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use toolgate_gateway::ConsoleRefusal;
use toolgate_store::{Binding, Kind, Role};
use utoipa::ToSchema;

use super::{GrantView, answer};
use crate::admin::State;
use crate::identity::Who;
use crate::input::{Named, Sent};
use crate::precondition::IfMatch;
use crate::problem::{Mistake, Problem};

/// The policy of a binding.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingBody {
    /// Its name.
    policy: String,
}

/// Attach a policy
///
/// Judges the grant's calls to the server by another policy. To add a server that the grant does not include needs
/// the role `admin`.
#[utoipa::path(put, path = "/api/v1/grants/{label}/servers/{server}", tag = "Grants", operation_id = "attachPolicy",
    params(("label" = String, Path, description = "The grant"), ("server" = String, Path, description = "The server")),
    request_body = BindingBody,
    responses((status = 200, description = "Attached", body = GrantView, headers(("ETag" = String)))))]
pub(crate) async fn attach(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named((label, server)): Named<(String, String)>,
    condition: IfMatch,
    Sent(body): Sent<BindingBody>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let before = state.writable_grant(&label, &turn, &condition).await?;
    let included = before.spec.servers.iter().any(|binding| binding.server == server);
    if !included && who.role() < Role::Admin {
        let detail =
            format!("the grant `{label}` does not include that server; to add one needs the role `admin`");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).refused(ConsoleRefusal::Role));
    }
    if !state.has_server(&server, &turn).await? {
        return Err(Problem::not_found(Kind::Server, &server));
    }
    if !state.has_policy(&body.policy, &turn).await? {
        return Err(Problem::mistake(
            Mistake::at("/policy", "there is no such policy").help("make it first"),
        ));
    }
    let binding = Binding { server, policy: body.policy };
    let after = state.store().grants().attach(&label, &binding, &turn.change(&condition)).await?;
    let detail = format!("grant `{label}`: calls to `{}` are judged by `{}`", binding.server, binding.policy);
    state.take_over_grant(turn, before, &after, &detail).await?;
    Ok(answer(StatusCode::OK, GrantView::of_store(&after)))
}

/// Take a server from a grant
#[utoipa::path(delete, path = "/api/v1/grants/{label}/servers/{server}", tag = "Grants", operation_id = "detachServer",
    params(("label" = String, Path, description = "The grant"), ("server" = String, Path, description = "The server")),
    responses((status = 200, description = "Detached", body = GrantView, headers(("ETag" = String)))))]
pub(crate) async fn detach(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named((label, server)): Named<(String, String)>,
    condition: IfMatch,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let before = state.writable_grant(&label, &turn, &condition).await?;
    let after = state.store().grants().detach(&label, &server, &turn.change(&condition)).await?;
    let detail = format!("grant `{label}`: the server `{server}` was taken away");
    state.take_over_grant(turn, before, &after, &detail).await?;
    Ok(answer(StatusCode::OK, GrantView::of_store(&after)))
}
