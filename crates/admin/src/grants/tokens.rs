//! New tokens for grants that have one, with a time in which both are good.

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use toolgate_store::{Kind, StoreError};
use utoipa::ToSchema;

use super::GrantWithToken;
use crate::admin::State;
use crate::change::{Done, Otherwise};
use crate::credential;
use crate::identity::Who;
use crate::input::{Named, Sent};
use crate::problem::{Mistake, Problem};
use crate::running::Subject;

/// Longest overlap: thirty days.
const LONGEST: u32 = 30 * 86_400;

/// How a token is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// How long the tokens before stay good, in seconds; 0 if absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: u32,
}

/// Give a grant a new token
#[utoipa::path(post, path = "/api/v1/grants/{label}/rotate", tag = "Grants", operation_id = "rotateGrant",
    params(("label" = String, Path, description = "Its label")), request_body = RotateBody,
    responses((status = 200, description = "The token is shown once", body = GrantWithToken, headers(("ETag" = String)))))]
pub(crate) async fn rotate(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    Named(label): Named<String>,
    Sent(body): Sent<RotateBody>,
) -> Result<Response, Problem> {
    if body.overlap_seconds > LONGEST {
        let mistake = Mistake::at("/overlap_seconds", "this is longer than thirty days, 2592000 seconds");
        return Err(Problem::mistake(mistake));
    }
    let turn = state.turn(&who).await?;
    let token = credential::mint_grant_token()?;
    let ends = turn.now.saturating_add(i64::from(body.overlap_seconds).saturating_mul(1_000_000));
    let rotated =
        state.store().grants().rotate(&label, credential::hash(&token), ends, &turn.change_new()).await;
    match rotated {
        Ok(_) => {}
        // Its token stands in the file.
        Err(StoreError::NotFound { .. }) if turn.file.names.grants.contains(&label) => {
            return Err(Problem::managed_by_file(Kind::Grant, &label, &turn.file.names.path));
        }
        Err(error) => return Err(error.into()),
    }
    let detail = format!("grant `{label}` has a new token; those before end in {} s", body.overlap_seconds);
    let done = Done { subject: Subject::Grant, name: &label, detail: &detail };
    turn.take_over(done, Otherwise::Stands).await?;
    let grant = state.grant(&label).await?;
    let tag = [(header::ETAG, grant.etag().to_owned())];
    Ok((StatusCode::OK, tag, Json(GrantWithToken { grant, token })).into_response())
}
