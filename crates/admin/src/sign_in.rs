//! The sign-in by a link: a page with a button, so that a program that only looks at links does not use it up,
//! and the exchange of the link's code for a session.

use axum::extract::{Extension, Request, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use toolgate_gateway::ConsoleRefusal;
use toolgate_store::{NewSession, StoreError};
use utoipa::{IntoParams, ToSchema};

use crate::admin::{Shared, State};
use crate::credential::{self, IDLE_LIFE, SESSION_LIFE};
use crate::guard::{check_same_origin, too_many};
use crate::identity::Peer;
use crate::input::{Asked, read_body};
use crate::problem::{Problem, Refused};
use crate::running::{Noted, Subject};

const HTML: &str = "text/html; charset=utf-8";
/// Of the page alone: it has a style and a form. Its referrer policy lets the form's request say its origin.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                           frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1b1f24}\
main{max-width:26rem;margin:20vh auto;padding:2rem;background:#fff;border:1px solid #dde1e6;border-radius:8px}\
button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:6px;background:#0b5fff;color:#fff;cursor:pointer}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}main{background:#161b22;border-color:#30363d}}";

/// What a link brings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkQuery {
    /// The link's code.
    code: Option<String>,
}

/// What the page behind a link sends.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only describes what `redeem` reads by itself")]
pub(crate) struct SignInForm {
    /// The link's code.
    code: String,
}

/// The page behind a sign-in link
#[utoipa::path(get, path = "/sign-in", tag = "Sign-in", operation_id = "signInPage", params(LinkQuery),
    responses((status = 200, description = "A page with a button", body = String, content_type = "text/html")))]
pub(crate) async fn page(Asked(query): Asked<LinkQuery>) -> Response {
    // Only what has the form of a code gets into the page; that form needs no escaping.
    let body = match query.code.filter(|code| credential::is_link(code)) {
        Some(code) => format!(
            "<p>This link signs you in on this browser, once.</p><form method=post action=/sign-in>\
             <input type=hidden name=code value=\"{code}\"><button autofocus>Sign in</button></form>"
        ),
        None => "<p>This is no sign-in link. The gateway prints one when it starts; \
                 an administrator can make another.</p>"
            .to_owned(),
    };
    html(StatusCode::OK, &body)
}

/// Sign in
///
/// Exchanges a link's code for a session cookie. Sent by the page behind the link.
#[utoipa::path(post, path = "/sign-in", tag = "Sign-in", operation_id = "signIn",
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in; on to the console"),
        (status = 410, description = "The link was used, is over, or is none", body = String, content_type = "text/html")))]
pub(crate) async fn redeem(
    Extract(state): Extract<State>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Result<Response, Problem> {
    check_same_origin(&request, state.url().as_deref())?;
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if !is_form {
        let detail = "send the form of the sign-in page";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = read_body(request.into_body()).await?;
    let peer = peer.map(|Extension(peer)| peer.0);
    let mono = state.parts.clock.now().mono;
    if !state.attempts.may_try(peer, None, mono) {
        return Err(too_many());
    }
    // A code needs no decoding: its characters are those that forms leave as they are.
    let code = std::str::from_utf8(&body).ok().and_then(|text| text.strip_prefix("code="));
    match state.redeem(code.unwrap_or_default()).await? {
        Some(cookie) => Ok(signed_in(&state, &cookie)),
        None => {
            state.attempts.failed(peer, None, mono);
            let text = "<p>This link was used already, or is more than ten minutes old. \
                        Restart the gateway for another, or ask an administrator.</p>";
            let mut gone = html(StatusCode::GONE, text);
            gone.extensions_mut().insert(Refused(ConsoleRefusal::Link));
            Ok(gone)
        }
    }
}

impl Shared {
    /// A new session's cookie for a link's code; none if the code opens nothing.
    async fn redeem(&self, code: &str) -> Result<Option<String>, Problem> {
        if !credential::is_link(code) {
            return Ok(None);
        }
        let (cookie, now) = (credential::mint_cookie()?, self.wall());
        let session = NewSession {
            hash: credential::hash(&cookie),
            csrf: credential::hash(&credential::csrf_of(&cookie)),
            idle_expires: now.saturating_add(credential::micros(IDLE_LIFE)),
            expires: now.saturating_add(credential::micros(SESSION_LIFE)),
        };
        match self.store().sign_in().redeem(credential::hash(code), &session, now).await {
            Ok(session) => {
                let detail = format!("signed in by a link, role `{}`", session.role.as_str());
                let (author, subject) = (&session.user, Subject::Session);
                self.note_only(&Noted { author, subject, name: author, detail: &detail });
                Ok(Some(cookie))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn signed_in(state: &Shared, cookie: &str) -> Response {
    let seconds = SESSION_LIFE.as_secs();
    let cookie = set_cookie(state, cookie, seconds);
    let to = HeaderValue::from_static("/");
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, to)]).into_response()
}

/// The session cookie. `Secure` and `__Host-` need https: over plain http some browsers would not keep it, on
/// loopback either.
pub(crate) fn set_cookie(state: &Shared, value: &str, seconds: u64) -> HeaderValue {
    let secure = if state.parts.https { "; Secure" } else { "" };
    let name = state.cookie_name();
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    // A minted value holds nothing that a header cannot.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn html(status: StatusCode, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Sign in – Toolgate</title><style>{STYLE}</style><main><h1>Toolgate</h1>{body}</main>"
    );
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(HTML)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (status, headers, page).into_response()
}
