//! The rows of grants: read into whole grants, and written within a change.

use std::collections::BTreeMap;

use super::{Binding, Grant, GrantSpec, NameStyle, Token, Tombstone};
use crate::change::{Change, Meta, Page};
use crate::database::{Row, Transaction, Write, values};
use crate::error::{Kind, StoreError};
use crate::secret::TokenHash;

pub(super) async fn exists(tx: &mut Transaction, label: &str) -> Result<bool, StoreError> {
    Ok(tx.row("SELECT 1 AS one FROM grants WHERE label = $1", values![label]).await?.is_some())
}

pub(super) async fn find(tx: &mut Transaction, label: &str) -> Result<(i64, Grant), StoreError> {
    let rows = tx.rows("SELECT * FROM grants WHERE label = $1", values![label]).await?;
    let found = read_all(tx, &rows).await?.pop();
    found.ok_or_else(|| StoreError::not_found(Kind::Grant, label))
}

/// A page of grants.
pub(crate) async fn list(tx: &mut Transaction, page: Page<'_>) -> Result<Vec<Grant>, StoreError> {
    let sql = "SELECT * FROM grants WHERE label > $1 ORDER BY label LIMIT $2";
    let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
    Ok(read_all(tx, &rows).await?.into_iter().map(|(_, grant)| grant).collect())
}

/// Reads rows that are ordered by label, with their servers and tokens.
async fn read_all(tx: &mut Transaction, rows: &[Row]) -> Result<Vec<(i64, Grant)>, StoreError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let (first, last): (String, String) = (first.get("label")?, last.get("label")?);
    let mut servers: BTreeMap<i64, Vec<Binding>> = BTreeMap::new();
    let sql = "SELECT s.* FROM grant_servers s JOIN grants g ON g.id = s.grant_id \
               WHERE g.label >= $1 AND g.label <= $2 ORDER BY s.grant_id, s.position";
    for row in tx.rows(sql, values![&first, &last]).await? {
        let binding = Binding { server: row.get("server")?, policy: row.get("policy")? };
        servers.entry(row.get("grant_id")?).or_default().push(binding);
    }
    let mut tokens: BTreeMap<i64, Vec<Token>> = BTreeMap::new();
    let sql = "SELECT t.* FROM grant_tokens t JOIN grants g ON g.id = t.grant_id \
               WHERE g.label >= $1 AND g.label <= $2 ORDER BY t.grant_id, t.position";
    for row in tx.rows(sql, values![&first, &last]).await? {
        tokens.entry(row.get("grant_id")?).or_default().push(read_token(&row)?);
    }
    let mut grants = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.get("id")?;
        let servers = servers.remove(&id).unwrap_or_default();
        let tokens = tokens.remove(&id).unwrap_or_default();
        grants.push((id, read(row, servers, tokens)?));
    }
    Ok(grants)
}

fn read(row: &Row, servers: Vec<Binding>, tokens: Vec<Token>) -> Result<Grant, StoreError> {
    let tags: String = row.get("tags")?;
    let tags = serde_json::from_str(&tags).map_err(|error| row.damaged(&error.to_string()))?;
    let names = row.word("names", NameStyle::parse)?;
    Ok(Grant {
        label: row.get("label")?,
        spec: GrantSpec { servers, expires: row.get("expires")?, tags, names },
        managed_by_file: row.get("managed_by_file")?,
        tokens,
        meta: Meta::read(row)?,
    })
}

fn read_token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        hash: row.word("sha256", TokenHash::parse)?,
        created: row.get("created")?,
        ends: row.get("ends")?,
        last_used: row.get("last_used")?,
    })
}

/// Writes a grant's row, with nothing set about it; its id is the change's number.
pub(crate) async fn insert(
    write: &mut Write,
    label: &str,
    of_file: bool,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO grants (id, revision, label, tags, names, managed_by_file, created, updated, author) \
               VALUES ($1, $1, $2, '[]', $3, $4, $5, $5, $6)";
    let values = values![write.revision(), label, NameStyle::Dotted, of_file, change.now, change.author];
    write.run(sql, values).await?;
    Ok(())
}

/// Sets everything about a grant but its tokens.
pub(crate) async fn set(
    write: &mut Write,
    id: i64,
    spec: &GrantSpec,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let tags = serde_json::Value::from(spec.tags.clone()).to_string();
    let sql = "UPDATE grants SET expires = $1, tags = $2, names = $3 WHERE id = $4";
    write.run(sql, values![spec.expires, tags, spec.names, id]).await?;
    mark(write, id, change).await?;
    write.run("DELETE FROM grant_servers WHERE grant_id = $1", values![id]).await?;
    let sql = "INSERT INTO grant_servers (grant_id, server, policy, position) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (grant_id, server) DO NOTHING";
    for (position, Binding { server, policy }) in (0_i64..).zip(&spec.servers) {
        if write.run(sql, values![id, server, policy, position]).await? == 0 {
            let what = format!("the server `{server}` stands twice");
            return Err(StoreError::Invalid { what, advice: "name each server once" });
        }
    }
    Ok(())
}

/// Says that a grant was changed.
pub(super) async fn mark(write: &mut Write, id: i64, change: &Change<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE grants SET updated = $1, author = $2, revision = $3 WHERE id = $4";
    let revision = write.revision();
    write.run(sql, values![change.now, change.author, revision, id]).await?;
    Ok(())
}

/// Gives a grant one more token; no token opens two things.
pub(crate) async fn add_token(write: &mut Write, id: i64, token: &Token) -> Result<(), StoreError> {
    if is_token(write, token.hash).await? {
        return Err(StoreError::TokenTaken);
    }
    // The newest token comes last, whatever the clock says.
    let sql = "INSERT INTO grant_tokens (sha256, grant_id, position, created, ends) VALUES ($1, $2, \
               (SELECT COALESCE(MAX(position), 0) + 1 FROM grant_tokens WHERE grant_id = $2), $3, $4)";
    write.run(sql, values![token.hash, id, token.created, token.ends]).await?;
    Ok(())
}

/// Whether a token opens anything: data plane or admin API.
pub(crate) async fn is_token(tx: &mut Transaction, hash: TokenHash) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM grant_tokens WHERE sha256 = $1 \
               UNION ALL SELECT 1 AS one FROM admin_tokens WHERE sha256 = $1";
    Ok(!tx.rows(sql, values![hash]).await?.is_empty())
}

/// Ends a grant's tokens at a time, or when they already would; forgets those that have ended.
pub(super) async fn end_tokens(write: &mut Write, id: i64, ends: i64, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE grant_tokens SET ends = $1 WHERE grant_id = $2 AND (ends IS NULL OR ends > $1)";
    write.run(sql, values![ends, id]).await?;
    write.run("DELETE FROM grant_tokens WHERE grant_id = $1 AND ends <= $2", values![id, now]).await?;
    Ok(())
}

pub(super) async fn is_revoked(tx: &mut Transaction, label: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM grant_tombstones WHERE label = $1";
    Ok(tx.row(sql, values![label]).await?.is_some())
}

/// Leaves a tombstone; whether there was none before.
pub(crate) async fn bury(
    write: &mut Write,
    label: &str,
    revoked: i64,
    author: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO grant_tombstones (label, revoked, author) VALUES ($1, $2, $3) \
               ON CONFLICT (label) DO NOTHING";
    Ok(write.run(sql, values![label, revoked, author]).await? > 0)
}

pub(crate) async fn tombstones(tx: &mut Transaction) -> Result<Vec<Tombstone>, StoreError> {
    let rows = tx.rows("SELECT * FROM grant_tombstones ORDER BY label", values![]).await?;
    let read = |row: &Row| {
        let (label, author) = (row.get("label")?, row.get("author")?);
        Ok(Tombstone { label, revoked: row.get("revoked")?, author })
    };
    rows.iter().map(read).collect()
}

/// The labels of grants that include a server.
pub(crate) async fn including_server(tx: &mut Transaction, server: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT g.label FROM grants g JOIN grant_servers s ON s.grant_id = g.id \
               WHERE s.server = $1 ORDER BY g.label";
    let rows = tx.rows(sql, values![server]).await?;
    rows.iter().map(|row| row.get("label")).collect()
}

/// The labels of grants that use a policy.
pub(crate) async fn using_policy(tx: &mut Transaction, policy: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT g.label FROM grants g JOIN grant_servers s ON s.grant_id = g.id \
               WHERE s.policy = $1 ORDER BY g.label";
    let rows = tx.rows(sql, values![policy]).await?;
    rows.iter().map(|row| row.get("label")).collect()
}
