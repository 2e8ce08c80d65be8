//! How people come in: links that sign in once, and the sessions of signed-in browsers. Only hashes of
//! links, session cookies and CSRF tokens are kept.

use crate::change::check_name;
use crate::database::{Area, Row, Write, values};
use crate::error::{Kind, StoreError};
use crate::person::Role;
use crate::secret::TokenHash;
use crate::store::Store;

/// A link that signs in once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Of the token in the link.
    pub hash: TokenHash,
    /// Who comes in by it.
    pub user: String,
    /// What that person may do.
    pub role: Role,
    /// Unix microseconds from which on it no longer works.
    pub expires: i64,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie.
    pub hash: TokenHash,
    /// Who it is.
    pub user: String,
    /// What that person may do now.
    pub role: Role,
    /// Of the token that changes must carry.
    pub csrf: TokenHash,
    /// When it began: Unix microseconds.
    pub created: i64,
    /// Unix microseconds at which it ends unless it is used before.
    pub idle_expires: i64,
    /// Unix microseconds at which it ends in any case.
    pub expires: i64,
}

/// What a session begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Of the cookie.
    pub hash: TokenHash,
    /// Of the token that changes must carry.
    pub csrf: TokenHash,
    /// Unix microseconds at which it ends unless it is used before.
    pub idle_expires: i64,
    /// Unix microseconds at which it ends in any case.
    pub expires: i64,
}

/// The links and sessions of a store.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'s> {
    store: &'s Store,
}

impl Store {
    /// Links and sessions.
    #[must_use]
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn { store: self }
    }
}

impl SignIn<'_> {
    /// Keeps a link.
    ///
    /// # Errors
    ///
    /// The token or the user's name cannot be one, or the database cannot be written.
    pub async fn add_link(&self, link: &Link, now: i64) -> Result<(), StoreError> {
        check_name(Kind::User, &link.user)?;
        let mut write = self.store.database.write(Area::People).await?;
        let sql = "INSERT INTO sign_in_links (sha256, user_name, role, created, expires) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sha256) DO NOTHING";
        let values = values![link.hash, &link.user, link.role, now, link.expires];
        if write.run(sql, values).await? == 0 {
            return Err(StoreError::TokenTaken);
        }
        write.commit().await
    }

    /// Turns a link into a session; works once, whoever else tries at the same time.
    ///
    /// # Errors
    ///
    /// There is no such link, or it was used or is over: one answer for all three. Or the database cannot be
    /// written.
    pub async fn redeem(
        &self,
        link: TokenHash,
        session: &NewSession,
        now: i64,
    ) -> Result<Session, StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        let sql = "UPDATE sign_in_links SET used = $1 \
                   WHERE sha256 = $2 AND used IS NULL AND expires > $1 RETURNING user_name, role";
        let Some(row) = write.row(sql, values![now, link]).await? else {
            return Err(StoreError::not_found(Kind::SignInLink, format!("{link:?}")));
        };
        let (user, role): (String, _) = (row.get("user_name")?, row.word("role", Role::parse)?);
        let session = insert(&mut write, session, (&user, role), now).await?;
        write.commit().await?;
        Ok(session)
    }

    /// Begins a session of somebody who proved who it is in another way.
    ///
    /// # Errors
    ///
    /// The token or the user's name cannot be one, or the database cannot be written.
    pub async fn begin(
        &self,
        session: &NewSession,
        (user, role): (&str, Role),
        now: i64,
    ) -> Result<Session, StoreError> {
        check_name(Kind::User, user)?;
        let mut write = self.store.database.write(Area::People).await?;
        let session = insert(&mut write, session, (user, role), now).await?;
        write.commit().await?;
        Ok(session)
    }

    /// The session of this cookie, if it is one now.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn find(&self, hash: TokenHash, now: i64) -> Result<Option<Session>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT * FROM console_sessions WHERE sha256 = $1 AND idle_expires > $2 AND expires > $2";
        tx.row(sql, values![hash, now]).await?.as_ref().map(read).transpose()
    }

    /// Ends a session; one that is over already is no error.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn end(&self, hash: TokenHash) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        write.run("DELETE FROM console_sessions WHERE sha256 = $1", values![hash]).await?;
        write.commit().await
    }

    /// Ends all sessions of a user; tells how many there were.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn end_all(&self, user: &str) -> Result<u64, StoreError> {
        let mut write = self.store.database.write(Area::People).await?;
        let ended = write.run("DELETE FROM console_sessions WHERE user_name = $1", values![user]).await?;
        write.commit().await?;
        Ok(ended)
    }

    /// Forgets sessions and links that are over; tells how many there were.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn sweep(&self, now: i64) -> Result<u64, StoreError> {
        let mut tx = self.store.database.write_quietly().await?;
        let sql = "DELETE FROM console_sessions WHERE idle_expires <= $1 OR expires <= $1";
        let sessions = tx.run(sql, values![now]).await?;
        // A used link stays as long as it could have been used, so that its token is not taken twice.
        let links = tx.run("DELETE FROM sign_in_links WHERE expires <= $1", values![now]).await?;
        tx.commit().await?;
        Ok(sessions + links)
    }
}

async fn insert(
    write: &mut Write,
    session: &NewSession,
    (user, role): (&str, Role),
    now: i64,
) -> Result<Session, StoreError> {
    let NewSession { hash, csrf, idle_expires, expires } = *session;
    let sql = "INSERT INTO console_sessions \
               (sha256, user_name, role, csrf_sha256, created, idle_expires, expires) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING";
    let values = values![hash, user, role, csrf, now, idle_expires, expires];
    if write.run(sql, values).await? == 0 {
        return Err(StoreError::TokenTaken);
    }
    Ok(Session { hash, user: user.to_owned(), role, csrf, created: now, idle_expires, expires })
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        hash: row.word("sha256", TokenHash::parse)?,
        user: row.get("user_name")?,
        role: row.word("role", Role::parse)?,
        csrf: row.word("csrf_sha256", TokenHash::parse)?,
        created: row.get("created")?,
        idle_expires: row.get("idle_expires")?,
        expires: row.get("expires")?,
    })
}
