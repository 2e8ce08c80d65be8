//! Roles, the people who sign in, and the tokens by which programs use the admin API.

use crate::change::{Change, Meta, Page, check_name};
use crate::database::{Area, Row, Transaction, values, words};
use crate::error::{Kind, ManagedBy, StoreError};
use crate::grant::is_token;
use crate::secret::TokenHash;
use crate::store::Store;

/// What somebody may do; each may do what those below may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Changes policies.
    PolicyManager,
    /// Changes everything.
    Admin,
}

words!(Role { Viewer = "viewer", PolicyManager = "policy_manager", Admin = "admin" });

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, which may be a mail address.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Its changes.
    pub meta: Meta,
}

/// A token of the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// Its name.
    pub label: String,
    /// All that is kept of it.
    pub hash: TokenHash,
    /// What its bearer may do.
    pub role: Role,
    /// Unix microseconds from which on it opens nothing.
    pub expires: Option<i64>,
    /// When it was used last: Unix microseconds.
    pub last_used: Option<i64>,
    /// Its changes.
    pub meta: Meta,
}

/// The people of a store.
#[derive(Clone, Copy, Debug)]
pub struct Users<'s> {
    store: &'s Store,
}

/// The admin tokens of a store.
#[derive(Clone, Copy, Debug)]
pub struct AdminTokens<'s> {
    store: &'s Store,
}

impl Store {
    /// The people.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users { store: self }
    }

    /// The tokens of the admin API.
    #[must_use]
    pub fn admin_tokens(&self) -> AdminTokens<'_> {
        AdminTokens { store: self }
    }
}

impl Users<'_> {
    /// A page of all users, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, page: Page<'_>) -> Result<Vec<User>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT * FROM users WHERE name > $1 ORDER BY name LIMIT $2";
        let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
        rows.iter().map(read_user).collect()
    }

    /// One user.
    ///
    /// # Errors
    ///
    /// There is none of this name, or the database cannot be read.
    pub async fn get(&self, name: &str) -> Result<User, StoreError> {
        let mut tx = self.store.database.read().await?;
        find_user(&mut tx, name).await
    }

    /// Makes a user.
    ///
    /// # Errors
    ///
    /// The name is in use or cannot be one, or the database cannot be written.
    pub async fn create(&self, name: &str, role: Role, change: &Change<'_>) -> Result<User, StoreError> {
        check_name(Kind::User, name)?;
        let mut write = self.store.database.write(Area::People).await?;
        let sql = "INSERT INTO users (id, revision, name, role, created, updated, author) \
                   VALUES ($1, $1, $2, $3, $4, $4, $5) ON CONFLICT (name) DO NOTHING";
        let values = values![write.revision(), name, role, change.now, change.author];
        if write.run(sql, values).await? == 0 {
            let managed_by = ManagedBy::Api;
            return Err(StoreError::NameTaken { kind: Kind::User, name: name.to_owned(), managed_by });
        }
        let user = find_user(&mut write, name).await?;
        write.commit().await?;
        Ok(user)
    }

    /// Gives a user another role; sessions and links that are open get it too.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, or the database cannot be written.
    pub async fn set_role(&self, name: &str, role: Role, change: &Change<'_>) -> Result<User, StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        let before = find_user(&mut write, name).await?;
        change.check_revision(Kind::User, name, before.meta.revision)?;
        let sql = "UPDATE users SET role = $1, updated = $2, author = $3, revision = $4 WHERE name = $5";
        let values = values![role, change.now, change.author, write.revision(), name];
        write.run(sql, values).await?;
        let sql = "UPDATE console_sessions SET role = $1 WHERE user_name = $2";
        write.run(sql, values![role, name]).await?;
        let sql = "UPDATE sign_in_links SET role = $1 WHERE user_name = $2";
        write.run(sql, values![role, name]).await?;
        let user = find_user(&mut write, name).await?;
        write.commit().await?;
        Ok(user)
    }

    /// Removes a user with all sessions and links.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, or the database cannot be written.
    pub async fn remove(&self, name: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        let before = find_user(&mut write, name).await?;
        change.check_revision(Kind::User, name, before.meta.revision)?;
        write.run("DELETE FROM users WHERE name = $1", values![name]).await?;
        write.run("DELETE FROM console_sessions WHERE user_name = $1", values![name]).await?;
        write.run("DELETE FROM sign_in_links WHERE user_name = $1", values![name]).await?;
        write.commit().await
    }
}

async fn find_user(tx: &mut Transaction, name: &str) -> Result<User, StoreError> {
    match tx.row("SELECT * FROM users WHERE name = $1", values![name]).await? {
        Some(row) => read_user(&row),
        None => Err(StoreError::not_found(Kind::User, name)),
    }
}

fn read_user(row: &Row) -> Result<User, StoreError> {
    Ok(User { name: row.get("name")?, role: row.word("role", Role::parse)?, meta: Meta::read(row)? })
}

impl AdminTokens<'_> {
    /// A page of all tokens, by label.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, page: Page<'_>) -> Result<Vec<AdminToken>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT * FROM admin_tokens WHERE label > $1 ORDER BY label LIMIT $2";
        let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
        rows.iter().map(read_token).collect()
    }

    /// The token of this hash, if it opens anything now.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn find(&self, hash: TokenHash, now: i64) -> Result<Option<AdminToken>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT * FROM admin_tokens WHERE sha256 = $1 AND (expires IS NULL OR expires > $2)";
        tx.row(sql, values![hash, now]).await?.as_ref().map(read_token).transpose()
    }

    /// Keeps a token.
    ///
    /// # Errors
    ///
    /// The label is in use or cannot be one, the token is in use, or the database cannot be written.
    pub async fn create(
        &self,
        label: &str,
        hash: TokenHash,
        (role, expires): (Role, Option<i64>),
        change: &Change<'_>,
    ) -> Result<AdminToken, StoreError> {
        check_name(Kind::AdminToken, label)?;
        let mut write = self.store.database.write(Area::People).await?;
        if is_token(&mut write, hash).await? {
            return Err(StoreError::TokenTaken);
        }
        let sql = "INSERT INTO admin_tokens \
                   (id, revision, label, sha256, role, expires, created, updated, author) \
                   VALUES ($1, $1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (label) DO NOTHING";
        let values = values![write.revision(), label, hash, role, expires, change.now, change.author];
        if write.run(sql, values).await? == 0 {
            let (kind, managed_by) = (Kind::AdminToken, ManagedBy::Api);
            return Err(StoreError::NameTaken { kind, name: label.to_owned(), managed_by });
        }
        let token = find_token(&mut write, label).await?;
        write.commit().await?;
        Ok(token)
    }

    /// Ends a token.
    ///
    /// # Errors
    ///
    /// There is none of this label, it was changed meanwhile, or the database cannot be written.
    pub async fn revoke(&self, label: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        let before = find_token(&mut write, label).await?;
        change.check_revision(Kind::AdminToken, label, before.meta.revision)?;
        write.run("DELETE FROM admin_tokens WHERE label = $1", values![label]).await?;
        write.commit().await
    }
}

async fn find_token(tx: &mut Transaction, label: &str) -> Result<AdminToken, StoreError> {
    match tx.row("SELECT * FROM admin_tokens WHERE label = $1", values![label]).await? {
        Some(row) => read_token(&row),
        None => Err(StoreError::not_found(Kind::AdminToken, label)),
    }
}

fn read_token(row: &Row) -> Result<AdminToken, StoreError> {
    Ok(AdminToken {
        label: row.get("label")?,
        hash: row.word("sha256", TokenHash::parse)?,
        role: row.word("role", Role::parse)?,
        expires: row.get("expires")?,
        last_used: row.get("last_used")?,
        meta: Meta::read(row)?,
    })
}
