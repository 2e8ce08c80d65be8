//! A grant as the admin API shows it, as a row of the list.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Row, state};
use crate::answer::Failure;
use crate::api::read;
use crate::config::unit;

#[derive(Debug, Deserialize)]
struct Grant {
    label: String,
    managed_by: ManagedBy,
    servers: BTreeMap<String, String>,
    expires: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    tokens: Vec<Token>,
    revoked: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ManagedBy {
    File,
    Api,
}

#[derive(Debug, Deserialize)]
struct Token {
    ends: Option<String>,
    last_used: Option<String>,
}

/// The row of a grant at a time.
pub(super) fn row(grant: Value, now: i64) -> Result<Row, Failure> {
    let grant: Grant = read(grant)?;
    let is_good = |token: &&Token| {
        token.ends.as_deref().is_none_or(|ends| unit::parse_date(ends).is_some_and(|ends| now < ends))
    };
    let shown = grant.tokens.iter().filter(is_good).count();
    let (managed_by, tokens) = match grant.managed_by {
        // A running gateway has minted a token for every grant of its file that brings none.
        ManagedBy::File if grant.tokens.is_empty() => ("file", 1),
        ManagedBy::File => ("file", shown),
        ManagedBy::Api => ("api", shown),
    };
    let last_used =
        grant.tokens.iter().filter_map(|token| unit::parse_date(token.last_used.as_deref()?)).max();
    let is_revoked = grant.revoked.is_some();
    let expires = grant.expires.as_deref().and_then(unit::parse_date);
    Ok(Row {
        label: grant.label,
        managed_by,
        state: if is_revoked { "revoked" } else { state(expires, tokens, now) },
        servers: grant.servers.into_iter().collect(),
        expires: expires.map(unit::show_time),
        tags: grant.tags,
        tokens: if is_revoked { 0 } else { tokens },
        last_used: last_used.map(unit::show_time),
    })
}
