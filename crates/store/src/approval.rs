//! Calls that wait for a person. An approval belongs to one call (grant, server, tool, the tool's definition,
//! the arguments) and lets it through at most once.

use crate::change::{Change, check_name};
use crate::database::{Area, Row, Transaction, values, words};
use crate::error::{Kind, ManagedBy, StoreError};
use crate::store::Store;

/// The call that an approval is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The label of the grant that asks.
    pub grant: String,
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// Hash of the arguments.
    pub argument_hash: String,
    /// Hash of the tool's definition.
    pub definition_hash: String,
}

/// What became of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// It waits.
    Pending,
    /// The call may go, once.
    Approved,
    /// The call may not go.
    Denied,
    /// Nobody decided in time.
    Expired,
}

words!(ApprovalState { Pending = "pending", Approved = "approved", Denied = "denied", Expired = "expired" });

/// A person's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call may go.
    Approve,
    /// The call may not go.
    Deny,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id, which cannot be guessed.
    pub id: String,
    /// Orders approvals by when they were asked for, whatever the clock said.
    pub sequence: i64,
    /// The call.
    pub call: Call,
    /// What became of it.
    pub state: ApprovalState,
    /// When it was asked for: Unix microseconds.
    pub asked: i64,
    /// Unix microseconds from which on it can neither be decided nor used.
    pub expires: i64,
    /// When somebody decided: Unix microseconds.
    pub decided: Option<i64>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// What that person said.
    pub comment: Option<String>,
    /// When the call went: Unix microseconds.
    pub used: Option<i64>,
}

/// The approvals of a store.
#[derive(Clone, Copy, Debug)]
pub struct Approvals<'s> {
    store: &'s Store,
}

impl Store {
    /// The approvals.
    #[must_use]
    pub fn approvals(&self) -> Approvals<'_> {
        Approvals { store: self }
    }
}

impl Approvals<'_> {
    /// Asks for one.
    ///
    /// # Errors
    ///
    /// The id is in use or cannot be one, or the database cannot be written.
    pub async fn ask(&self, id: &str, call: &Call, expires: i64, now: i64) -> Result<Approval, StoreError> {
        check_name(Kind::Approval, id)?;
        let mut write = self.store.database.write(Area::Approvals).await?;
        let sql = "INSERT INTO approvals (sequence, id, grant_label, server, tool, argument_hash, \
                   definition_hash, state, asked, expires) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
        let Call { grant, server, tool, argument_hash, definition_hash } = call;
        let pending = ApprovalState::Pending;
        let sequence = write.revision();
        let values =
            values![sequence, id, grant, server, tool, argument_hash, definition_hash, pending, now, expires];
        if write.run(sql, values).await? == 0 {
            let managed_by = ManagedBy::Api;
            return Err(StoreError::NameTaken { kind: Kind::Approval, name: id.to_owned(), managed_by });
        }
        let approval = find(&mut write, id).await?;
        write.commit().await?;
        Ok(approval)
    }

    /// One approval.
    ///
    /// # Errors
    ///
    /// There is none of this id, or the database cannot be read.
    pub async fn get(&self, id: &str) -> Result<Approval, StoreError> {
        let mut tx = self.store.database.read().await?;
        find(&mut tx, id).await
    }

    /// Approvals, the newest first: at most `limit` of a state, or of any, with sequences below `before`.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(
        &self,
        state: Option<ApprovalState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Approval>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let before = before.unwrap_or(i64::MAX);
        let rows = match state {
            Some(state) => {
                let sql = "SELECT * FROM approvals WHERE state = $1 AND sequence < $2 \
                           ORDER BY sequence DESC LIMIT $3";
                tx.rows(sql, values![state, before, limit]).await?
            }
            None => {
                let sql = "SELECT * FROM approvals WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2";
                tx.rows(sql, values![before, limit]).await?
            }
        };
        rows.iter().map(read).collect()
    }

    /// Decides, once. Who may decide is the caller's to check.
    ///
    /// # Errors
    ///
    /// There is none of this id, it was decided before or is over, or the database cannot be written.
    pub async fn decide(
        &self,
        id: &str,
        verdict: Verdict,
        comment: Option<&str>,
        change: &Change<'_>,
    ) -> Result<Approval, StoreError> {
        let mut write = self.store.database.write(Area::Approvals).await?;
        let before = find(&mut write, id).await?;
        let state = before.state_at(change.now);
        if state != ApprovalState::Pending {
            return Err(StoreError::Decided { id: id.to_owned(), state: state.as_str() });
        }
        let state = match verdict {
            Verdict::Approve => ApprovalState::Approved,
            Verdict::Deny => ApprovalState::Denied,
        };
        let sql =
            "UPDATE approvals SET state = $1, decided = $2, decided_by = $3, comment = $4 WHERE id = $5";
        write.run(sql, values![state, change.now, change.author, comment, id]).await?;
        let approval = find(&mut write, id).await?;
        write.commit().await?;
        Ok(approval)
    }

    /// Uses an approval up for its call: true for exactly one caller, and only if it was approved, is not
    /// over, and the call is the one that was asked for, in every part.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn take(&self, id: &str, call: &Call, now: i64) -> Result<bool, StoreError> {
        let mut write = self.store.database.write(Area::Approvals).await?;
        let sql = "UPDATE approvals SET used = $1 WHERE id = $2 AND state = $3 AND used IS NULL \
                   AND expires > $1 AND grant_label = $4 AND server = $5 AND tool = $6 \
                   AND argument_hash = $7 AND definition_hash = $8";
        let Call { grant, server, tool, argument_hash, definition_hash } = call;
        let approved = ApprovalState::Approved;
        let values = values![now, id, approved, grant, server, tool, argument_hash, definition_hash];
        if write.run(sql, values).await? == 0 {
            return Ok(false);
        }
        write.commit().await?;
        Ok(true)
    }

    /// Gives a taken approval back, where the call was refused before it left.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn give_back(&self, id: &str) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::Approvals).await?;
        write.run("UPDATE approvals SET used = NULL WHERE id = $1", values![id]).await?;
        write.commit().await
    }

    /// Marks those that nobody decided in time; tells how many there were.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn expire(&self, now: i64) -> Result<u64, StoreError> {
        let mut write = self.store.database.write(Area::Approvals).await?;
        let sql = "UPDATE approvals SET state = $1 WHERE state = $2 AND expires <= $3";
        let expired = write.run(sql, values![ApprovalState::Expired, ApprovalState::Pending, now]).await?;
        if expired > 0 {
            write.commit().await?;
        }
        Ok(expired)
    }
}

impl Approval {
    /// What became of it by a time, marked or not.
    #[must_use]
    pub fn state_at(&self, now: i64) -> ApprovalState {
        match self.state {
            ApprovalState::Pending if self.expires <= now => ApprovalState::Expired,
            state => state,
        }
    }
}

async fn find(tx: &mut Transaction, id: &str) -> Result<Approval, StoreError> {
    match tx.row("SELECT * FROM approvals WHERE id = $1", values![id]).await? {
        Some(row) => read(&row),
        None => Err(StoreError::not_found(Kind::Approval, id)),
    }
}

fn read(row: &Row) -> Result<Approval, StoreError> {
    Ok(Approval {
        id: row.get("id")?,
        sequence: row.get("sequence")?,
        call: Call {
            grant: row.get("grant_label")?,
            server: row.get("server")?,
            tool: row.get("tool")?,
            argument_hash: row.get("argument_hash")?,
            definition_hash: row.get("definition_hash")?,
        },
        state: row.word("state", ApprovalState::parse)?,
        asked: row.get("asked")?,
        expires: row.get("expires")?,
        decided: row.get("decided")?,
        decided_by: row.get("decided_by")?,
        comment: row.get("comment")?,
        used: row.get("used")?,
    })
}
