//! What opens the admin API: tokens of programs, links that sign in once, session cookies, and the token
//! against forged requests. All are 256 random bits; of none more than the SHA-256 is kept.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use sha2::{Digest as _, Sha256};
use toolgate_gateway::token;
use toolgate_store::TokenHash;

use crate::problem::Problem;

/// Every token of the admin API begins with this; its form is that of the data plane's tokens.
pub const TOKEN_PREFIX: &str = "tga_";
/// How long a link signs in.
pub const LINK_LIFE: Duration = Duration::from_mins(10);
/// How long a session lasts without use.
pub(crate) const IDLE_LIFE: Duration = Duration::from_hours(12);
/// How long a session lasts in any case.
pub(crate) const SESSION_LIFE: Duration = Duration::from_hours(7 * 24);
const LINK_PREFIX: &str = "tgl_";
const COOKIE_PREFIX: &str = "tgs_";

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> TokenHash {
    TokenHash::new(token::hash(secret))
}

/// A new token of the admin API.
pub(crate) fn mint_token() -> Result<String, Problem> {
    minted(token::mint_as(TOKEN_PREFIX))
}

/// A new token of the data plane.
pub(crate) fn mint_grant_token() -> Result<String, Problem> {
    minted(token::mint())
}

/// The code of a new link.
pub(crate) fn mint_link() -> Result<String, Problem> {
    minted(token::mint_as(LINK_PREFIX))
}

/// A new session cookie's value.
pub(crate) fn mint_cookie() -> Result<String, Problem> {
    minted(token::mint_as(COOKIE_PREFIX))
}

fn minted(result: Result<String, impl std::fmt::Display>) -> Result<String, Problem> {
    result.map_err(|error| {
        let detail = format!("the system gives no random numbers: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })
}

/// Whether the text can be a token of the admin API. The checksum finds guesses without a look at the store.
pub(crate) fn is_token(text: &str) -> bool {
    token::is_minted_as(text, TOKEN_PREFIX)
}

/// Whether the text can be a link's code.
pub(crate) fn is_link(text: &str) -> bool {
    token::is_minted_as(text, LINK_PREFIX)
}

/// Whether the text can be a session cookie's value.
pub(crate) fn is_cookie(text: &str) -> bool {
    token::is_minted_as(text, COOKIE_PREFIX)
}

/// The token that changes of a session must carry. It follows from the cookie, which no script can read, so
/// that it can be told again without being kept.
pub(crate) fn csrf_of(cookie: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"toolgate csrf\0");
    hash.update(cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// A lifetime in microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let (token, link, cookie) = (mint_token().unwrap(), mint_link().unwrap(), mint_cookie().unwrap());
        assert!(is_token(&token) && is_link(&link) && is_cookie(&cookie));
        assert!(!is_token(&link) && !is_link(&cookie) && !is_cookie(&token));
        assert!(!is_token(&mint_grant_token().unwrap()), "a token of the data plane is none of ours");
        assert!(!token::is_minted(&token), "and the other way round");
    }

    #[test]
    fn the_csrf_token_follows_from_the_cookie_and_does_not_tell_it() {
        let (one, other) = (mint_cookie().unwrap(), mint_cookie().unwrap());
        assert_eq!(csrf_of(&one), csrf_of(&one));
        assert_ne!(csrf_of(&one), csrf_of(&other));
        assert!(!one.contains(&csrf_of(&one)));
    }
}
