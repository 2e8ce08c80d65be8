//! Grants: who may use which servers under which policies, opened by tokens of which only hashes are kept;
//! and the tombstones of grants that the config file has and that were revoked.

mod import;
mod rows;

use crate::change::{Change, Meta, Page, check_name};
use crate::database::{Area, values, words};
use crate::error::{Kind, ManagedBy, StoreError};
use crate::secret::TokenHash;
use crate::store::Store;

pub use import::{GRANTS_FILE, Imported};
pub(crate) use rows::{including_server, is_token, list, tombstones, using_policy};

/// One server of a grant, and the policy that judges its calls there; either may stand in the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The server's name.
    pub server: String,
    /// The policy's name.
    pub policy: String,
}

/// How tool names are shown to a grant's clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameStyle {
    /// As the server gives them.
    #[default]
    Dotted,
    /// With underscores in place of dots.
    Underscore,
}

words!(NameStyle { Dotted = "dotted", Underscore = "underscore" });

/// What is set about a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantSpec {
    /// Its servers, each once, in the order given.
    pub servers: Vec<Binding>,
    /// Unix microseconds from which on it is no longer valid.
    pub expires: Option<i64>,
    /// Free words.
    pub tags: Vec<String>,
    /// How tool names are shown.
    pub names: NameStyle,
}

/// A token of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// All that is kept of it.
    pub hash: TokenHash,
    /// When it was minted: Unix microseconds.
    pub created: i64,
    /// Unix microseconds from which on it opens nothing, where a newer one has taken its place.
    pub ends: Option<i64>,
    /// When it was used last: Unix microseconds.
    pub last_used: Option<i64>,
}

/// A grant, or the tokens minted for one of the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub label: String,
    /// What is set about it; empty where the config file says it.
    pub spec: GrantSpec,
    /// Whether the grant itself stands in the config file, and only its tokens here.
    pub managed_by_file: bool,
    /// Its tokens by age: one, or more while a rotation overlaps.
    pub tokens: Vec<Token>,
    /// Its changes.
    pub meta: Meta,
}

/// A grant of the config file that no longer is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The grant's label.
    pub label: String,
    /// When it was revoked: Unix microseconds.
    pub revoked: i64,
    /// Who revoked it.
    pub author: String,
}

/// The grants of a store.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'s> {
    pub(crate) store: &'s Store,
}

impl Store {
    /// The grants.
    #[must_use]
    pub fn grants(&self) -> Grants<'_> {
        Grants { store: self }
    }
}

impl Grants<'_> {
    /// A page of all grants, by label.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, page: Page<'_>) -> Result<Vec<Grant>, StoreError> {
        let mut tx = self.store.database.read().await?;
        list(&mut tx, page).await
    }

    /// One grant.
    ///
    /// # Errors
    ///
    /// There is none of this label, or the database cannot be read.
    pub async fn get(&self, label: &str) -> Result<Grant, StoreError> {
        let mut tx = self.store.database.read().await?;
        Ok(rows::find(&mut tx, label).await?.1)
    }

    /// All grants of the config file that were revoked, by label.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreError> {
        let mut tx = self.store.database.read().await?;
        tombstones(&mut tx).await
    }

    /// Makes a grant that a token opens. Whether its servers and policies exist is the caller's to check.
    ///
    /// # Errors
    ///
    /// The label is in use or cannot be one, the token is in use, a server stands twice, or the database
    /// cannot be written.
    pub async fn create(
        &self,
        label: &str,
        spec: &GrantSpec,
        token: TokenHash,
        change: &Change<'_>,
    ) -> Result<Grant, StoreError> {
        check_name(Kind::Grant, label)?;
        change.file.check_free(Kind::Grant, label)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        if rows::exists(&mut write, label).await? {
            let (_, other) = rows::find(&mut write, label).await?;
            let path = change.file.path.clone();
            let managed_by = if other.managed_by_file { ManagedBy::File(path) } else { ManagedBy::Api };
            return Err(StoreError::NameTaken { kind: Kind::Grant, name: label.to_owned(), managed_by });
        }
        let id = write.revision();
        let of_file = false;
        rows::insert(&mut write, label, of_file, change).await?;
        rows::set(&mut write, id, spec, change).await?;
        rows::add_token(&mut write, id, &Token::new(token, change.now)).await?;
        let grant = rows::find(&mut write, label).await?.1;
        write.commit().await?;
        Ok(grant)
    }

    /// Sets everything about a grant anew, but for its tokens.
    ///
    /// # Errors
    ///
    /// There is none of this label, it was changed meanwhile, the config file manages it, a server stands
    /// twice, or the database cannot be written.
    pub async fn update(
        &self,
        label: &str,
        spec: &GrantSpec,
        change: &Change<'_>,
    ) -> Result<Grant, StoreError> {
        self.change_spec(label, change, |current| {
            *current = spec.clone();
            Ok(())
        })
        .await
    }

    /// Adds a server to a grant, or puts another policy in place of the one that judges there.
    ///
    /// # Errors
    ///
    /// As [`Grants::update`].
    pub async fn attach(
        &self,
        label: &str,
        binding: &Binding,
        change: &Change<'_>,
    ) -> Result<Grant, StoreError> {
        self.change_spec(label, change, |spec| {
            match spec.servers.iter_mut().find(|other| other.server == binding.server) {
                Some(other) => other.policy.clone_from(&binding.policy),
                None => spec.servers.push(binding.clone()),
            }
            Ok(())
        })
        .await
    }

    /// Takes a server from a grant.
    ///
    /// # Errors
    ///
    /// The grant does not include it, or as [`Grants::update`].
    pub async fn detach(&self, label: &str, server: &str, change: &Change<'_>) -> Result<Grant, StoreError> {
        self.change_spec(label, change, |spec| {
            let before = spec.servers.len();
            spec.servers.retain(|binding| binding.server != server);
            if spec.servers.len() == before {
                return Err(StoreError::not_found(Kind::Server, server));
            }
            Ok(())
        })
        .await
    }

    async fn change_spec(
        &self,
        label: &str,
        change: &Change<'_>,
        edit: impl FnOnce(&mut GrantSpec) -> Result<(), StoreError> + Send,
    ) -> Result<Grant, StoreError> {
        change.file.check_writable(Kind::Grant, label)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = rows::find(&mut write, label).await?;
        change.check_revision(Kind::Grant, label, before.meta.revision)?;
        if before.managed_by_file {
            // Left behind by a config file that had it; without the file it opens nothing.
            let path = change.file.path.clone();
            return Err(StoreError::ManagedByFile { kind: Kind::Grant, name: label.to_owned(), path });
        }
        let mut spec = before.spec;
        edit(&mut spec)?;
        rows::set(&mut write, id, &spec, change).await?;
        let grant = rows::find(&mut write, label).await?.1;
        write.commit().await?;
        Ok(grant)
    }

    /// Gives a grant a new token. The others end at `ends`, or when they already would; those that have
    /// ended are forgotten.
    ///
    /// # Errors
    ///
    /// There is none of this label, it was changed meanwhile, the token is in use, or the database cannot be
    /// written.
    pub async fn rotate(
        &self,
        label: &str,
        token: TokenHash,
        ends: i64,
        change: &Change<'_>,
    ) -> Result<Grant, StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = rows::find(&mut write, label).await?;
        change.check_revision(Kind::Grant, label, before.meta.revision)?;
        rows::end_tokens(&mut write, id, ends, change.now).await?;
        rows::add_token(&mut write, id, &Token::new(token, change.now)).await?;
        rows::mark(&mut write, id, change).await?;
        let grant = rows::find(&mut write, label).await?.1;
        write.commit().await?;
        Ok(grant)
    }

    /// Keeps the first token of a grant that stands in the config file and brings none of its own. A grant
    /// that has one is left as it is, so that two that start at once do not both mint.
    ///
    /// # Errors
    ///
    /// The label belongs to a grant of the API, was revoked, or cannot be one; the token is in use; or the
    /// database cannot be written.
    pub async fn mint_for_file(
        &self,
        label: &str,
        token: TokenHash,
        change: &Change<'_>,
    ) -> Result<Minted, StoreError> {
        check_name(Kind::Grant, label)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        if rows::is_revoked(&mut write, label).await? {
            return Err(StoreError::Revoked { label: label.to_owned() });
        }
        if rows::exists(&mut write, label).await? {
            let (_, grant) = rows::find(&mut write, label).await?;
            if grant.managed_by_file {
                return Ok(Minted::Before(grant));
            }
            let managed_by = ManagedBy::Api;
            return Err(StoreError::NameTaken { kind: Kind::Grant, name: label.to_owned(), managed_by });
        }
        let id = write.revision();
        let of_file = true;
        rows::insert(&mut write, label, of_file, change).await?;
        rows::add_token(&mut write, id, &Token::new(token, change.now)).await?;
        let grant = rows::find(&mut write, label).await?.1;
        write.commit().await?;
        Ok(Minted::Now(grant))
    }

    /// Ends a grant with all its tokens. Where the config file has it, or may have it, a tombstone stays
    /// that wins over the file.
    ///
    /// # Errors
    ///
    /// There is none of this label, it was changed meanwhile, or the database cannot be written.
    pub async fn revoke(&self, label: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let in_file = change.file.unread || change.file.manages(Kind::Grant, label);
        let mut of_file = in_file;
        if rows::exists(&mut write, label).await? {
            let (id, grant) = rows::find(&mut write, label).await?;
            change.check_revision(Kind::Grant, label, grant.meta.revision)?;
            of_file |= grant.managed_by_file;
            write.run("DELETE FROM grants WHERE id = $1", values![id]).await?;
        } else if !in_file {
            return Err(StoreError::not_found(Kind::Grant, label));
        }
        if of_file {
            check_name(Kind::Grant, label)?;
            rows::bury(&mut write, label, change.now, change.author).await?;
        }
        write.commit().await
    }
}

/// What became of a token for a grant of the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Minted {
    /// It is the grant's first.
    Now(Grant),
    /// The grant has one already; the new one was not kept.
    Before(Grant),
}

impl Token {
    fn new(hash: TokenHash, created: i64) -> Self {
        Self { hash, created, ends: None, last_used: None }
    }
}
