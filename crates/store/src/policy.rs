//! Policies with every version that they ever had. A version is a document as it was given; what it means is
//! not known here.

use crate::change::{Change, Meta, Page, check_name};
use crate::database::{Area, Row, Transaction, Write, values, words};
use crate::error::{Kind, ManagedBy, StoreError};
use crate::grant;
use crate::store::Store;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

words!(Syntax { Json = "json", Yaml = "yaml" });

/// A document as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// How it is written.
    pub syntax: Syntax,
    /// Its text, kept as it is.
    pub text: String,
    /// What the journal calls this version by; the caller computes it.
    pub hash: String,
    /// Why it was changed, for people.
    pub comment: Option<String>,
}

/// One version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy.
    pub policy: String,
    /// 1, 2, 3 …
    pub number: i64,
    /// The document.
    pub document: Document,
    /// When it was made: Unix microseconds.
    pub created: i64,
    /// Who made it.
    pub author: String,
}

/// A policy as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The version that judges.
    pub current: PolicyVersion,
    /// Its changes.
    pub meta: Meta,
}

/// The policies of a store.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'s> {
    store: &'s Store,
}

impl Store {
    /// The policies.
    #[must_use]
    pub fn policies(&self) -> Policies<'_> {
        Policies { store: self }
    }
}

impl Policies<'_> {
    /// A page of all policies with their current versions, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, page: Page<'_>) -> Result<Vec<Policy>, StoreError> {
        let mut tx = self.store.database.read().await?;
        list(&mut tx, page).await
    }

    /// One policy.
    ///
    /// # Errors
    ///
    /// There is none of this name, or the database cannot be read.
    pub async fn get(&self, name: &str) -> Result<Policy, StoreError> {
        let mut tx = self.store.database.read().await?;
        Ok(find(&mut tx, name).await?.1)
    }

    /// Versions of a policy, the newest first: at most `limit` with numbers below `before`.
    ///
    /// # Errors
    ///
    /// There is no such policy, or the database cannot be read.
    pub async fn versions(
        &self,
        name: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<PolicyVersion>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let (id, _) = find(&mut tx, name).await?;
        let sql = "SELECT v.*, p.name AS policy FROM policy_versions v JOIN policies p ON p.id = v.policy_id \
                   WHERE v.policy_id = $1 AND v.number < $2 ORDER BY v.number DESC LIMIT $3";
        let rows = tx.rows(sql, values![id, before.unwrap_or(i64::MAX), limit]).await?;
        rows.iter().map(read_version).collect()
    }

    /// One version of a policy.
    ///
    /// # Errors
    ///
    /// There is none of this name and number, or the database cannot be read.
    pub async fn version(&self, name: &str, number: i64) -> Result<PolicyVersion, StoreError> {
        let mut tx = self.store.database.read().await?;
        let (id, _) = find(&mut tx, name).await?;
        let sql = "SELECT v.*, p.name AS policy FROM policy_versions v JOIN policies p ON p.id = v.policy_id \
                   WHERE v.policy_id = $1 AND v.number = $2";
        match tx.row(sql, values![id, number]).await? {
            Some(row) => read_version(&row),
            None => Err(StoreError::not_found(Kind::PolicyVersion, format!("{name}/{number}"))),
        }
    }

    /// The newest version of this hash, also of a policy that was removed.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn version_by_hash(&self, hash: &str) -> Result<Option<PolicyVersion>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT v.*, p.name AS policy FROM policy_versions v JOIN policies p ON p.id = v.policy_id \
                   WHERE v.hash = $1 ORDER BY v.policy_id DESC, v.number DESC LIMIT 1";
        tx.row(sql, values![hash]).await?.as_ref().map(read_version).transpose()
    }

    /// Makes a policy with its first version.
    ///
    /// # Errors
    ///
    /// The name is in use or cannot be one, or the database cannot be written.
    pub async fn create(
        &self,
        name: &str,
        document: &Document,
        change: &Change<'_>,
    ) -> Result<Policy, StoreError> {
        check_name(Kind::Policy, name)?;
        change.file.check_free(Kind::Policy, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let living = "SELECT 1 AS one FROM policies WHERE name = $1 AND removed IS NULL";
        if write.row(living, values![name]).await?.is_some() {
            let managed_by = ManagedBy::Api;
            return Err(StoreError::NameTaken { kind: Kind::Policy, name: name.to_owned(), managed_by });
        }
        let sql = "INSERT INTO policies (id, revision, name, current_version, created, updated, author) \
                   VALUES ($1, $1, $2, 1, $3, $3, $4)";
        let id = write.revision();
        write.run(sql, values![id, name, change.now, change.author]).await?;
        add(&mut write, (id, 1), document, change).await?;
        let policy = find(&mut write, name).await?.1;
        write.commit().await?;
        Ok(policy)
    }

    /// Gives a policy a new version, which judges from now on.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, the config file manages it, or the database
    /// cannot be written.
    pub async fn add_version(
        &self,
        name: &str,
        document: &Document,
        change: &Change<'_>,
    ) -> Result<Policy, StoreError> {
        change.file.check_writable(Kind::Policy, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = find(&mut write, name).await?;
        change.check_revision(Kind::Policy, name, before.meta.revision)?;
        let number = before.current.number + 1;
        add(&mut write, (id, number), document, change).await?;
        let sql = "UPDATE policies SET current_version = $1, updated = $2, author = $3, revision = $4 \
                   WHERE id = $5";
        let revision = write.revision();
        write.run(sql, values![number, change.now, change.author, revision, id]).await?;
        let policy = find(&mut write, name).await?.1;
        write.commit().await?;
        Ok(policy)
    }

    /// Removes a policy. Its versions stay, found by their hashes alone.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, a grant uses it, the config file manages it, or
    /// the database cannot be written.
    pub async fn remove(&self, name: &str, change: &Change<'_>) -> Result<(), StoreError> {
        change.file.check_writable(Kind::Policy, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = find(&mut write, name).await?;
        change.check_revision(Kind::Policy, name, before.meta.revision)?;
        let by = grant::using_policy(&mut write, name).await?;
        if !by.is_empty() {
            return Err(StoreError::InUse { kind: Kind::Policy, name: name.to_owned(), by });
        }
        let sql = "UPDATE policies SET removed = $1, updated = $1, author = $2, revision = $3 WHERE id = $4";
        let revision = write.revision();
        write.run(sql, values![change.now, change.author, revision, id]).await?;
        write.commit().await
    }
}

async fn add(
    write: &mut Write,
    (id, number): (i64, i64),
    document: &Document,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO policy_versions (policy_id, number, syntax, document, hash, comment, created, author) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Document { syntax, text, hash, comment } = document;
    let values = values![id, number, *syntax, text, hash, comment.clone(), change.now, change.author];
    write.run(sql, values).await?;
    Ok(())
}

async fn find(tx: &mut Transaction, name: &str) -> Result<(i64, Policy), StoreError> {
    let sql = "SELECT p.id, p.name, p.name AS policy, p.updated, p.revision, p.created AS first, \
               p.author AS last, v.* FROM policies p \
               JOIN policy_versions v ON v.policy_id = p.id AND v.number = p.current_version \
               WHERE p.name = $1 AND p.removed IS NULL";
    let row = tx.row(sql, values![name]).await?;
    let row = row.ok_or_else(|| StoreError::not_found(Kind::Policy, name))?;
    Ok((row.get("id")?, read(&row)?))
}

/// A page of policies.
pub(crate) async fn list(tx: &mut Transaction, page: Page<'_>) -> Result<Vec<Policy>, StoreError> {
    let sql = "SELECT p.id, p.name, p.name AS policy, p.updated, p.revision, p.created AS first, \
               p.author AS last, v.* FROM policies p \
               JOIN policy_versions v ON v.policy_id = p.id AND v.number = p.current_version \
               WHERE p.name > $1 AND p.removed IS NULL ORDER BY p.name LIMIT $2";
    let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Policy, StoreError> {
    let meta = Meta {
        created: row.get("first")?,
        updated: row.get("updated")?,
        revision: row.get("revision")?,
        author: row.get("last")?,
    };
    Ok(Policy { name: row.get("name")?, current: read_version(row)?, meta })
}

fn read_version(row: &Row) -> Result<PolicyVersion, StoreError> {
    Ok(PolicyVersion {
        policy: row.get("policy")?,
        number: row.get("number")?,
        document: Document {
            syntax: row.word("syntax", Syntax::parse)?,
            text: row.get("document")?,
            hash: row.get("hash")?,
            comment: row.get("comment")?,
        },
        created: row.get("created")?,
        author: row.get("author")?,
    })
}
