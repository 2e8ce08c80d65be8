//! What every request passes before a handler sees it: `Host` and `Origin`, then who comes and whether that is
//! enough for the route, then for browsers the proof that a page of our own sent it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use toolgate_gateway::ConsoleRefusal;
use toolgate_store::{Role, StoreError, Uses};

use crate::admin::{Shared, State};
use crate::attempts::REFILL_SECONDS;
use crate::credential::{self, IDLE_LIFE};
use crate::identity::{Credential, Peer, Who};
use crate::problem::{Problem, Refused};
use crate::table::{Least, Roles};

/// The header that changes by a session must carry.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-toolgate-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SECURITY_POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A use is noted when the last note is older than this, in microseconds.
const NOTE_EVERY: i64 = 60_000_000;

/// A request without its body.
type Head = http::Request<()>;

/// What the guard needs.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) state: State,
    pub(crate) roles: Arc<Roles>,
}

/// The middleware.
pub(crate) async fn guard(Extract(guard): Extract<Guard>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let head = http::Request::from_parts(head, ());
    let peer = head.extensions().get::<Peer>().map(|peer| peer.0);
    let answer = match guard.admit(&head).await {
        Ok(who) => {
            let (mut head, ()) = head.into_parts();
            if let Some(who) = who {
                head.extensions.insert(who);
            }
            next.run(Request::from_parts(head, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(Refused(refused)) = answer.extensions().get() {
        let client = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        guard.state.gateway().refused(client, *refused);
    }
    with_security_headers(answer)
}

fn with_security_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

impl Guard {
    /// Who may go on; none where the route is for anyone.
    async fn admit(&self, request: &Head) -> Result<Option<Who>, Problem> {
        self.state.door().check(request).map_err(|fault| {
            Problem::new(StatusCode::FORBIDDEN, fault.advice()).refused(ConsoleRefusal::from(fault))
        })?;
        let Some(path) = request.extensions().get::<MatchedPath>() else {
            return Ok(None);
        };
        let least = self.roles.of(path.as_str(), request.method()).ok_or_else(|| {
            let detail =
                format!("`{}` is not possible here", crate::problem::printable(request.method().as_str()));
            let allowed = self.roles.methods(path.as_str());
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).header(header::ALLOW, &allowed)
        })?;
        let Least::Role(least) = least else { return Ok(None) };
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let who = self.state.authenticate(request.headers(), peer).await?;
        check_origin_of_change(request, &who, self.state.url().as_deref())?;
        check_role(&who, least)?;
        Ok(Some(who))
    }
}

fn check_role(who: &Who, least: Role) -> Result<(), Problem> {
    if who.role() >= least {
        return Ok(());
    }
    let detail = format!("this needs the role `{}`, and yours is `{}`", least.as_str(), who.role().as_str());
    Err(Problem::new(StatusCode::FORBIDDEN, detail).refused(ConsoleRefusal::Role))
}

/// A browser sends its cookie whoever wrote the page; only our own pages know the token.
fn check_origin_of_change(request: &Head, who: &Who, url: Option<&str>) -> Result<(), Problem> {
    let Who::Person { csrf, .. } = who else { return Ok(()) };
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let sent = request.headers().get(CSRF).and_then(|value| value.to_str().ok());
    // Hashes are compared, so that the time taken tells nothing.
    if sent.map(credential::hash) != Some(credential::hash(csrf)) {
        let detail = "a change by a session needs the header `X-Toolgate-Csrf` from `GET /api/v1/session`";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).refused(ConsoleRefusal::Forged));
    }
    check_same_origin(request, url)
}

/// Refuses what no page of this origin sent; `url` is the console's own where it is known.
pub(crate) fn check_same_origin<B>(request: &http::Request<B>, url: Option<&str>) -> Result<(), Problem> {
    let headers = request.headers();
    let host = request.uri().authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| headers.get(header::HOST).and_then(|value| value.to_str().ok()));
    if is_same_origin(headers, host.unwrap_or_default(), url) {
        return Ok(());
    }
    let detail =
        "this must come from a page of this console: its `Origin` or `Sec-Fetch-Site` says otherwise";
    Err(Problem::new(StatusCode::FORBIDDEN, detail).refused(ConsoleRefusal::Forged))
}

fn is_same_origin(headers: &HeaderMap, host: &str, url: Option<&str>) -> bool {
    let origin = headers.get(header::ORIGIN).map(|value| {
        let origin = value.to_str().unwrap_or_default();
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        // A proxy may say another `Host` than the browser did.
        rest.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
            || url.is_some_and(|url| url.eq_ignore_ascii_case(origin))
    });
    let site = headers.get(FETCH_SITE).map(|value| value == "same-origin");
    // At least one of them must be there, and none may say otherwise.
    (origin.is_some() || site.is_some()) && origin != Some(false) && site != Some(false)
}

impl Shared {
    /// Who a request comes from.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<Who, Problem> {
        let now = self.parts.clock.now();
        let credential = Credential::of(headers, self.cookie_name());
        let hash = credential.as_ref().and_then(Credential::hash);
        if !self.attempts.may_try(peer, hash, now.mono) {
            return Err(too_many());
        }
        let found = match credential {
            None | Some(Credential::Unusable) => None,
            Some(credential) => self.look_up(&credential, now.wall).await?,
        };
        let Some(who) = found else {
            self.attempts.failed(peer, hash, now.mono);
            let detail = "sign in, or send `Authorization: Bearer` with a token of the admin API";
            let problem =
                Problem::new(StatusCode::UNAUTHORIZED, detail).refused(ConsoleRefusal::Unauthorized);
            return Err(problem.header(header::WWW_AUTHENTICATE, "Bearer realm=\"toolgate admin\""));
        };
        self.attempts.proved(who.hash());
        self.note_use(&who, now.wall).await;
        Ok(who)
    }

    /// Who a credential belongs to, if it opens anything now.
    pub(crate) async fn look_up(&self, credential: &Credential, now: i64) -> Result<Option<Who>, StoreError> {
        Ok(match credential {
            Credential::Unusable => None,
            Credential::Token(hash) => self.store().admin_tokens().find(*hash, now).await?.map(Who::Program),
            Credential::Cookie { hash, csrf } => {
                let session = self.store().sign_in().find(*hash, now).await?;
                session.map(|session| Who::Person { session, csrf: csrf.clone() })
            }
        })
    }

    /// Notes that a credential was used, at most once a minute; a session stays for another while.
    async fn note_use(&self, who: &Who, now: i64) {
        let mut uses = Uses::default();
        match who {
            Who::Person { session, .. } => {
                let until = now.saturating_add(credential::micros(IDLE_LIFE)).min(session.expires);
                if until.saturating_sub(session.idle_expires) >= NOTE_EVERY {
                    uses.sessions.push((session.hash, until));
                }
            }
            Who::Program(token) => {
                if token.last_used.is_none_or(|last| now.saturating_sub(last) >= NOTE_EVERY) {
                    uses.admin_tokens.push((token.hash, now));
                }
            }
        }
        if uses != Uses::default()
            && let Err(error) = self.store().note_uses(&uses).await
        {
            tracing::warn!(%error, "that a sign-in was used could not be noted");
        }
    }
}

/// The refusal to look at another credential from an address.
pub(crate) fn too_many() -> Problem {
    let detail = "too many failed attempts from your address: wait a little";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).refused(ConsoleRefusal::TooMany);
    problem.header(header::RETRY_AFTER, &REFILL_SECONDS.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_origin_change_anything() {
        let check = |lines: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            is_same_origin(&headers, "localhost:8421", Some("https://gate.example"))
        };
        for good in [
            &[("origin", "http://localhost:8421")][..],
            &[("origin", "https://LOCALHOST:8421"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin")],
            &[("origin", "https://gate.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(check(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://gate.example")],
            &[("origin", "https://gate.example:8421")],
            &[("origin", "http://localhost")],
            &[("origin", "http://localhost:3000")],
            &[("origin", "http://127.0.0.1:8421")],
            &[("origin", "http://localhost:8421"), ("sec-fetch-site", "same-site")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }
}
