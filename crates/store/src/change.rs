//! What every change brings along, what every resource keeps of it, and how lists are paged.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::database::Row;
use crate::error::{Kind, ManagedBy, StoreError};

/// The names that the config file manages: nothing of these names is made or changed in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileNames {
    /// The config file, for messages.
    pub path: PathBuf,
    /// Its servers.
    pub servers: BTreeSet<String>,
    /// Its policies.
    pub policies: BTreeSet<String>,
    /// The labels of its grants.
    pub grants: BTreeSet<String>,
    /// The file is there but cannot be read, so that its names are not known. What is revoked then is
    /// revoked for the file too: a tombstone that is not needed harms nobody, one that is missing might.
    pub unread: bool,
}

impl FileNames {
    fn of(&self, kind: Kind) -> Option<&BTreeSet<String>> {
        match kind {
            Kind::Server => Some(&self.servers),
            Kind::Policy => Some(&self.policies),
            Kind::Grant => Some(&self.grants),
            Kind::PolicyVersion
            | Kind::User
            | Kind::AdminToken
            | Kind::SignInLink
            | Kind::Session
            | Kind::Pin
            | Kind::RiskOverride
            | Kind::Approval
            | Kind::Setting
            | Kind::Secret => None,
        }
    }

    pub(crate) fn manages(&self, kind: Kind, name: &str) -> bool {
        self.of(kind).is_some_and(|names| names.contains(name))
    }

    /// Refuses to make what the file has.
    pub(crate) fn check_free(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        if self.manages(kind, name) {
            let managed_by = ManagedBy::File(self.path.clone());
            return Err(StoreError::NameTaken { kind, name: name.to_owned(), managed_by });
        }
        Ok(())
    }

    /// Refuses to change what the file has.
    pub(crate) fn check_writable(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        if self.manages(kind, name) {
            return Err(StoreError::ManagedByFile { kind, name: name.to_owned(), path: self.path.clone() });
        }
        Ok(())
    }
}

/// On which condition a change is made (`If-Match`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// On none.
    #[default]
    Any,
    /// The resource still has this revision.
    Revision(i64),
}

/// Who changes something, when, and on which condition.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Who does it, for people: a user, an admin token's label, `command line`.
    pub author: &'a str,
    /// Unix microseconds. Kept for people; nothing is ordered by it.
    pub now: i64,
    /// What the config file manages.
    pub file: &'a FileNames,
    /// The condition; making something new heeds none.
    pub expect: Expect,
}

impl<'a> Change<'a> {
    /// A change without a condition.
    #[must_use]
    pub fn new(author: &'a str, now: i64, file: &'a FileNames) -> Self {
        Self { author, now, file, expect: Expect::Any }
    }

    /// The same change, made only if the resource still has this revision.
    #[must_use]
    pub fn if_revision(mut self, revision: i64) -> Self {
        self.expect = Expect::Revision(revision);
        self
    }

    /// Refuses if the resource has another revision than the caller knew.
    pub(crate) fn check_revision(&self, kind: Kind, name: &str, current: i64) -> Result<(), StoreError> {
        match self.expect {
            Expect::Revision(expected) if expected != current => {
                Err(StoreError::Conflict { kind, name: name.to_owned(), current })
            }
            Expect::Any | Expect::Revision(_) => Ok(()),
        }
    }
}

/// What is kept of a resource's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// When it was made: Unix microseconds.
    pub created: i64,
    /// When it was changed last: Unix microseconds.
    pub updated: i64,
    /// Grows with every change and is never used twice, also not by another resource: an `ETag`.
    pub revision: i64,
    /// Who changed it last.
    pub author: String,
}

impl Meta {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            created: row.get("created")?,
            updated: row.get("updated")?,
            revision: row.get("revision")?,
            author: row.get("author")?,
        })
    }
}

/// Which part of a list is wanted; lists are ordered by name.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The last name of the page before; none begins at the front.
    pub after: Option<&'a str>,
    /// How many at most.
    pub limit: u32,
}

impl Page<'_> {
    /// Everything.
    pub const ALL: Page<'static> = Page { after: None, limit: u32::MAX };

    /// The name after which the page begins; no name is empty.
    pub(crate) fn after(&self) -> &str {
        self.after.unwrap_or_default()
    }
}

/// Longest name in characters.
const LONGEST_NAME: usize = 64;
/// Longest name of a user, which may be a mail address.
const LONGEST_USER: usize = 254;

/// Refuses names that no resource of the kind may have; callers may be stricter.
pub(crate) fn check_name(kind: Kind, name: &str) -> Result<(), StoreError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let (good, advice) = match kind {
        Kind::User => (
            (1..=LONGEST_USER).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic()),
            "use 1 to 254 visible ASCII characters",
        ),
        Kind::Secret => (
            (1..=256).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'='),
            "use 1 to 256 visible ASCII characters without `=`",
        ),
        Kind::Server
        | Kind::Policy
        | Kind::PolicyVersion
        | Kind::Grant
        | Kind::AdminToken
        | Kind::SignInLink
        | Kind::Session
        | Kind::Pin
        | Kind::RiskOverride
        | Kind::Approval
        | Kind::Setting => (
            (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain),
            "use 1 to 64 letters, digits, `.`, `_` and `-`",
        ),
    };
    if good {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_USER).flat_map(char::escape_default).collect();
    Err(StoreError::Invalid { what: format!("`{shown}` is no name for a {kind}"), advice })
}
