//! Who comes: the credentials of a request, and what they prove.

use std::net::IpAddr;

use http::{HeaderMap, header};
use toolgate_store::{AdminToken, Role, Session, TokenHash};

use crate::credential;

/// The client's address, put into a request's extensions by whoever accepted the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The credentials of a request. A request that brings both a token and a cookie is judged by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// `Authorization: Bearer`.
    Token(TokenHash),
    /// The session cookie.
    Cookie {
        /// Of the cookie.
        hash: TokenHash,
        /// The token that its changes must carry.
        csrf: String,
    },
    /// Something that cannot be a credential of this API.
    Unusable,
}

impl Credential {
    /// What a request brings; none if it brings nothing.
    pub(crate) fn of(headers: &HeaderMap, cookie_name: &str) -> Option<Self> {
        if headers.contains_key(header::AUTHORIZATION) {
            return Some(
                bearer(headers).map_or(Self::Unusable, |token| Self::Token(credential::hash(token))),
            );
        }
        let mut values = cookies(headers).filter(|(name, _)| *name == cookie_name).map(|(_, value)| value);
        let value = values.next()?;
        let is_one = values.next().is_none() && credential::is_cookie(value);
        Some(if is_one {
            Self::Cookie { hash: credential::hash(value), csrf: credential::csrf_of(value) }
        } else {
            Self::Unusable
        })
    }

    /// What is looked up for it.
    pub(crate) fn hash(&self) -> Option<TokenHash> {
        match self {
            Self::Token(hash) | Self::Cookie { hash, .. } => Some(*hash),
            Self::Unusable => None,
        }
    }
}

/// The one bearer token of a request, if it has the form of an admin token.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let good =
        values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && credential::is_token(token);
    good.then_some(token)
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A person with a browser.
    Person {
        /// The session.
        session: Session,
        /// The token that its changes must carry.
        csrf: String,
    },
    /// A program.
    Program(AdminToken),
}

impl Who {
    /// What it may do.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Person { session, .. } => session.role,
            Self::Program(token) => token.role,
        }
    }

    /// How the journal and the store name it.
    pub(crate) fn author(&self) -> String {
        match self {
            Self::Person { session, .. } => session.user.clone(),
            Self::Program(token) => format!("token:{}", token.label),
        }
    }

    /// What it proved itself by.
    pub(crate) fn hash(&self) -> TokenHash {
        match self {
            Self::Person { session, .. } => session.hash,
            Self::Program(token) => token.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_gateway::token;

    fn read(lines: &[(&'static str, String)]) -> Option<Credential> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        Credential::of(&headers, "toolgate")
    }

    #[test]
    fn tokens_and_cookies_are_read() {
        let (token, cookie) = (credential::mint_token().unwrap(), credential::mint_cookie().unwrap());
        assert_eq!(read(&[]), None);
        let expected = Some(Credential::Token(credential::hash(&token)));
        assert_eq!(read(&[("authorization", format!("Bearer {token}"))]), expected);
        assert_eq!(
            read(&[("authorization", format!("bearer {token}")), ("cookie", format!("toolgate={cookie}"))]),
            expected
        );
        let found = read(&[("cookie", format!("a=b; toolgate={cookie}"))]).unwrap();
        assert_eq!(found.hash(), Some(credential::hash(&cookie)));
        assert_eq!(read(&[("cookie", "other=1".to_owned())]), None);
    }

    #[test]
    fn what_cannot_be_a_credential_is_none() {
        let (token, cookie) = (credential::mint_token().unwrap(), credential::mint_cookie().unwrap());
        for lines in [
            vec![("authorization", "Bearer".to_owned())],
            vec![("authorization", format!("Basic {token}"))],
            vec![("authorization", format!("Bearer {}", token::mint().unwrap()))],
            vec![("authorization", format!("Bearer {token}x"))],
            vec![("authorization", format!("Bearer {token}")), ("authorization", format!("Bearer {token}"))],
            vec![("authorization", "nothing".to_owned()), ("cookie", format!("toolgate={cookie}"))],
            vec![("cookie", format!("toolgate={cookie}; toolgate={cookie}"))],
            vec![("cookie", "toolgate=guess".to_owned())],
        ] {
            assert_eq!(read(&lines), Some(Credential::Unusable), "{lines:?}");
        }
    }
}
