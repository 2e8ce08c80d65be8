//! When tokens and sessions were used last: noted in batches, so that no call waits for it, and without a
//! change that a watcher would see.

use crate::database::values;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::Store;

/// What was used since the last batch. What is no longer there is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Tokens of grants, and when: Unix microseconds.
    pub grant_tokens: Vec<(TokenHash, i64)>,
    /// Tokens of the admin API, and when: Unix microseconds.
    pub admin_tokens: Vec<(TokenHash, i64)>,
    /// Sessions, and until when they now stay without use: Unix microseconds.
    pub sessions: Vec<(TokenHash, i64)>,
}

impl Store {
    /// Notes uses; an earlier time never takes a later one's place.
    ///
    /// # Errors
    ///
    /// The database cannot be written; the batch may be tried again.
    pub async fn note_uses(&self, uses: &Uses) -> Result<(), StoreError> {
        if uses == &Uses::default() {
            return Ok(());
        }
        let mut tx = self.database.write_quietly().await?;
        let sql = "UPDATE grant_tokens SET last_used = $2 \
                   WHERE sha256 = $1 AND (last_used IS NULL OR last_used < $2)";
        for (hash, at) in &uses.grant_tokens {
            tx.run(sql, values![*hash, *at]).await?;
        }
        let sql = "UPDATE admin_tokens SET last_used = $2 \
                   WHERE sha256 = $1 AND (last_used IS NULL OR last_used < $2)";
        for (hash, at) in &uses.admin_tokens {
            tx.run(sql, values![*hash, *at]).await?;
        }
        let sql = "UPDATE console_sessions SET idle_expires = $2 WHERE sha256 = $1 AND idle_expires < $2";
        for (hash, until) in &uses.sessions {
            tx.run(sql, values![*hash, *until]).await?;
        }
        tx.commit().await
    }
}
