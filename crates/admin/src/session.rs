//! The session of whoever asks.

use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::State;
use crate::identity::Who;
use crate::moment;
use crate::people::RoleName;
use crate::problem::Problem;
use crate::running::{Noted, Subject};
use crate::sign_in;

/// Who is signed in, and how.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// How changes are signed.
    author: String,
    /// What may be done.
    role: RoleName,
    /// How it was proved.
    by: By,
    /// The value of `X-Toolgate-Csrf` for changes by a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// When it ends in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// When it ends unless it is used before.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_expires: Option<String>,
}

/// How somebody is signed in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// A browser with a cookie.
    Session,
    /// A program with a token.
    Token,
}

/// Who is signed in
#[utoipa::path(get, path = "/api/v1/session", tag = "Sign-in", operation_id = "getSession",
    responses((status = 200, description = "Who asks", body = SessionView)))]
pub(crate) async fn get(Extension(who): Extension<Who>) -> Json<SessionView> {
    let author = who.author();
    let role = who.role().into();
    Json(match who {
        Who::Person { session, csrf } => SessionView {
            author,
            role,
            by: By::Session,
            csrf: Some(csrf),
            expires: Some(moment::show(session.expires)),
            idle_expires: Some(moment::show(session.idle_expires)),
        },
        Who::Program(token) => SessionView {
            author,
            role,
            by: By::Token,
            csrf: None,
            expires: token.expires.map(moment::show),
            idle_expires: None,
        },
    })
}

/// Sign out
///
/// Ends the session and takes the cookie away. A token has no session to end: revoke it.
#[utoipa::path(delete, path = "/api/v1/session", tag = "Sign-in", operation_id = "endSession",
    responses((status = 204, description = "Signed out")))]
pub(crate) async fn end(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
) -> Result<Response, Problem> {
    let Who::Person { session, .. } = &who else {
        let detail = "a token has no session: revoke it under `/api/v1/admin-tokens`";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    state.store().sign_in().end(session.hash).await?;
    let (author, subject) = (&session.user, Subject::Session);
    state.note_only(&Noted { author, subject, name: author, detail: "signed out" });
    let cookie = sign_in::set_cookie(&state, "", 0);
    Ok((StatusCode::NO_CONTENT, [(http::header::SET_COOKIE, cookie)]).into_response())
}
