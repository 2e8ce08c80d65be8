//! Upstream servers and their secret headers or variables.

mod address;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::Address;
use crate::change::{Change, Meta, Page, check_name};
use crate::database::{Area, Row, Transaction, Value, Write, values, words};
use crate::error::{Kind, ManagedBy, StoreError};
use crate::grant;
use crate::key::Place;
use crate::secret::Secret;
use crate::store::Store;
use crate::vault;

const OWNER: &str = "servers";
const HEADER: &str = "header";
const VARIABLE: &str = "env";

/// What is set about a server, but for its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// How it is reached.
    pub reach: Reach,
    /// Which era of its protocol it is spoken to in.
    pub protocol: Protocol,
    /// How long it may stay without a byte or progress.
    pub timeout: Duration,
    /// How long one call may take in all.
    pub max_duration: Duration,
    /// Whether calls go there.
    pub enabled: bool,
}

/// The two ways to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By HTTP; its secrets are headers, and the values in the query of its URL.
    Http {
        /// Where; without credentials. As it is shown, unless the server was opened.
        url: Address,
    },
    /// As a child process; its secrets are variables of its environment.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Whether one child serves all sessions.
        shared: bool,
    },
}

impl Reach {
    /// Which kind of secret goes there.
    fn secrets(&self) -> &'static str {
        match self {
            Self::Http { .. } => HEADER,
            Self::Command { .. } => VARIABLE,
        }
    }

    /// Whether the values in its URL's query are not there.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self, Self::Http { url } if url.whole().is_none())
    }

    /// Whether secrets entered for one would go to the same place with the other.
    fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Http { url }, Self::Http { url: other }) => url == other,
            (Self::Command { program, args, .. }, Self::Command { program: p, args: a, .. }) => {
                program == p && args == a
            }
            (Self::Http { .. }, Self::Command { .. }) | (Self::Command { .. }, Self::Http { .. }) => false,
        }
    }
}

/// The arguments of a command as it gets them: one of its secrets, named as in `${NAME}`, stands in its place, so
/// that an argument that is a secret is kept like one. What is no name of a secret stays.
#[must_use]
pub fn filled_arguments<'s>(args: &[String], secret: impl Fn(&str) -> Option<&'s str>) -> Vec<String> {
    let fill = |arg: &String| {
        let mut out = String::new();
        let mut rest = arg.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            match after.split_once('}').and_then(|(name, behind)| Some((secret(name)?, behind))) {
                Some((value, behind)) => {
                    out.push_str(value);
                    rest = behind;
                }
                None => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    };
    args.iter().map(fill).collect()
}

/// The era of the protocol that a server is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Found by asking.
    Auto,
    /// The older one only.
    Legacy,
    /// The newer one only.
    Modern,
}

words!(Protocol { Auto = "auto", Legacy = "legacy", Modern = "modern" });

/// Changes of secrets by the name of header or variable: a new value, or none to remove it. The caller
/// spells a name always alike.
pub type SecretChanges = BTreeMap<String, Option<Secret>>;

/// A server as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// What is set about it.
    pub spec: ServerSpec,
    /// The names of its secret headers or variables; the values are not shown.
    pub secrets: Vec<String>,
    /// Its changes.
    pub meta: Meta,
}

/// A server as it is used: with its secrets. For the data plane alone.
#[derive(Clone, Debug)]
pub struct OpenServer {
    /// The server.
    pub server: Server,
    /// Its headers or variables.
    pub secrets: Vec<(String, Secret)>,
}

/// The servers of a store.
#[derive(Clone, Copy, Debug)]
pub struct Servers<'s> {
    store: &'s Store,
}

impl Store {
    /// The servers.
    #[must_use]
    pub fn servers(&self) -> Servers<'_> {
        Servers { store: self }
    }
}

impl Servers<'_> {
    /// A page of all servers, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, page: Page<'_>) -> Result<Vec<Server>, StoreError> {
        let mut tx = self.store.database.read().await?;
        Ok(list(&mut tx, page).await?.into_iter().map(|(_, server)| server).collect())
    }

    /// One server.
    ///
    /// # Errors
    ///
    /// There is none of this name, or the database cannot be read.
    pub async fn get(&self, name: &str) -> Result<Server, StoreError> {
        let mut tx = self.store.database.read().await?;
        Ok(find(&mut tx, name).await?.1)
    }

    /// One server with its secrets.
    ///
    /// # Errors
    ///
    /// There is none of this name, a secret does not open, or the database cannot be read.
    pub async fn open(&self, name: &str) -> Result<OpenServer, StoreError> {
        let mut tx = self.store.database.read().await?;
        let (id, mut server) = find(&mut tx, name).await?;
        let secrets = open_secrets(self.store, &mut tx, id, &mut server).await?;
        Ok(OpenServer { server, secrets })
    }

    /// Makes a server.
    ///
    /// # Errors
    ///
    /// The name is in use or cannot be one, a value cannot be kept, or the database cannot be written.
    pub async fn create(
        &self,
        name: &str,
        spec: &ServerSpec,
        secrets: &SecretChanges,
        change: &Change<'_>,
    ) -> Result<Server, StoreError> {
        check_name(Kind::Server, name)?;
        change.file.check_free(Kind::Server, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        if row_of(&mut write, name).await?.is_some() {
            let managed_by = ManagedBy::Api;
            return Err(StoreError::NameTaken { kind: Kind::Server, name: name.to_owned(), managed_by });
        }
        let id = write.revision();
        insert(&mut write, name, spec, change).await?;
        self.put_secrets(&mut write, id, &spec.reach, secrets).await?;
        self.put_reach(&mut write, id, &spec.reach).await?;
        let server = find(&mut write, name).await?.1;
        write.commit().await?;
        Ok(server)
    }

    /// Sets everything about a server anew, but for secrets that are not named. Where the server is reached
    /// in another way than before, secrets must be entered again or removed: else whoever may change the
    /// address could have them sent to a place of his own.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, the config file manages it, a secret must be
    /// entered again, a value cannot be kept, or the database cannot be written.
    pub async fn update(
        &self,
        name: &str,
        spec: &ServerSpec,
        secrets: &SecretChanges,
        change: &Change<'_>,
    ) -> Result<Server, StoreError> {
        change.file.check_writable(Kind::Server, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, mut before) = find(&mut write, name).await?;
        change.check_revision(Kind::Server, name, before.meta.revision)?;
        match open_secrets(self.store, &mut write, id, &mut before).await {
            // Where the key is lost, what is shown is all that two addresses can be compared by.
            Ok(_) | Err(StoreError::Key(_)) => {}
            Err(error) => return Err(error),
        }
        replace(&mut write, id, spec, change).await?;
        if before.spec.reach.same_place(&spec.reach) {
            self.put_secrets(&mut write, id, &spec.reach, secrets).await?;
        } else {
            let entered = entered_again(&before, secrets)?;
            check_known(&spec.reach)?;
            vault::remove_all(&mut write, OWNER, id).await?;
            self.put_secrets(&mut write, id, &spec.reach, &entered).await?;
        }
        self.put_reach(&mut write, id, &spec.reach).await?;
        let server = find(&mut write, name).await?.1;
        write.commit().await?;
        Ok(server)
    }

    /// Changes secrets of a server, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Servers::update`].
    pub async fn set_secrets(
        &self,
        name: &str,
        secrets: &SecretChanges,
        change: &Change<'_>,
    ) -> Result<Server, StoreError> {
        change.file.check_writable(Kind::Server, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = find(&mut write, name).await?;
        change.check_revision(Kind::Server, name, before.meta.revision)?;
        replace(&mut write, id, &before.spec, change).await?;
        self.put_secrets(&mut write, id, &before.spec.reach, secrets).await?;
        let server = find(&mut write, name).await?.1;
        write.commit().await?;
        Ok(server)
    }

    /// Removes a server with its secrets.
    ///
    /// # Errors
    ///
    /// There is none of this name, it was changed meanwhile, a grant includes it, the config file manages it,
    /// or the database cannot be written.
    pub async fn remove(&self, name: &str, change: &Change<'_>) -> Result<(), StoreError> {
        change.file.check_writable(Kind::Server, name)?;
        let mut write = self.store.database.write(Area::Calls).await?;
        let (id, before) = find(&mut write, name).await?;
        change.check_revision(Kind::Server, name, before.meta.revision)?;
        let by = grant::including_server(&mut write, name).await?;
        if !by.is_empty() {
            return Err(StoreError::InUse { kind: Kind::Server, name: name.to_owned(), by });
        }
        vault::remove_all(&mut write, OWNER, id).await?;
        write.run("DELETE FROM servers WHERE id = $1", values![id]).await?;
        write.commit().await
    }

    async fn put_secrets(
        &self,
        write: &mut Write,
        id: i64,
        reach: &Reach,
        secrets: &SecretChanges,
    ) -> Result<(), StoreError> {
        for (name, secret) in secrets {
            check_name(Kind::Secret, name)?;
            let field = format!("{}:{name}", reach.secrets());
            let place = Place { owner: OWNER, id, field: &field };
            match secret {
                Some(secret) => self.store.vault.put(write, place, secret).await?,
                None if vault::remove(write, place).await? => {}
                None => return Err(StoreError::not_found(Kind::Secret, name)),
            }
        }
        Ok(())
    }
}

/// The secrets of a server that moves: all that it had must be entered again or removed.
fn entered_again(before: &Server, secrets: &SecretChanges) -> Result<SecretChanges, StoreError> {
    let kept = before.secrets.iter().filter(|name| !secrets.contains_key(*name));
    let names: Vec<String> = kept.cloned().collect();
    if !names.is_empty() {
        return Err(StoreError::SecretsNeeded { server: before.name.clone(), names });
    }
    let mut entered = secrets.clone();
    entered.retain(|name, secret| secret.is_some() || !before.secrets.contains(name));
    Ok(entered)
}

/// Only the whole address of a new place will do.
fn check_known(reach: &Reach) -> Result<(), StoreError> {
    if reach.is_cut() {
        return Err(StoreError::Invalid {
            what: "the values in the query of the URL are not known".to_owned(),
            advice: "give the whole URL",
        });
    }
    Ok(())
}

/// A server's columns but for name, id and changes.
fn columns(spec: &ServerSpec) -> Result<[Value; 9], StoreError> {
    let (url, program, args, shared) = match &spec.reach {
        Reach::Http { url } => (Some(url.shown().to_owned()), None, None, false),
        Reach::Command { program, args, shared } => {
            let args = serde_json::Value::from(args.clone()).to_string();
            (None, Some(program.clone()), Some(args), *shared)
        }
    };
    let reach = if url.is_some() { "http" } else { "command" };
    let (timeout, max_duration) = (micros(spec.timeout)?, micros(spec.max_duration)?);
    Ok(values![reach, url, program, args, shared, spec.protocol, timeout, max_duration, spec.enabled])
}

fn micros(duration: Duration) -> Result<i64, StoreError> {
    i64::try_from(duration.as_micros()).map_err(|_| StoreError::Invalid {
        what: "a duration is longer than can be kept".to_owned(),
        advice: "give less than 290,000 years",
    })
}

async fn insert(
    write: &mut Write,
    name: &str,
    spec: &ServerSpec,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO servers (reach, url, program, args, shared, protocol, timeout, max_duration, \
               enabled, name, author, created, updated, id, revision) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $13)";
    let rest = values![name, change.author, change.now, write.revision()];
    write.run(sql, columns(spec)?.into_iter().chain(rest)).await?;
    Ok(())
}

async fn replace(
    write: &mut Write,
    id: i64,
    spec: &ServerSpec,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let sql = "UPDATE servers SET reach = $1, url = $2, program = $3, args = $4, shared = $5, protocol = $6, \
               timeout = $7, max_duration = $8, enabled = $9, author = $10, updated = $11, revision = $12 \
               WHERE id = $13";
    let rest = values![change.author, change.now, write.revision(), id];
    write.run(sql, columns(spec)?.into_iter().chain(rest)).await?;
    Ok(())
}

async fn row_of(tx: &mut Transaction, name: &str) -> Result<Option<Row>, StoreError> {
    tx.row("SELECT * FROM servers WHERE name = $1", values![name]).await
}

async fn find(tx: &mut Transaction, name: &str) -> Result<(i64, Server), StoreError> {
    let row = row_of(tx, name).await?.ok_or_else(|| StoreError::not_found(Kind::Server, name))?;
    let found = read_all(tx, &[row]).await?.pop();
    found.ok_or_else(|| StoreError::not_found(Kind::Server, name))
}

/// A page of servers with their ids.
pub(crate) async fn list(tx: &mut Transaction, page: Page<'_>) -> Result<Vec<(i64, Server)>, StoreError> {
    let sql = "SELECT * FROM servers WHERE name > $1 ORDER BY name LIMIT $2";
    let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
    read_all(tx, &rows).await
}

/// Reads rows that are ordered by name, with the names of their secrets.
async fn read_all(tx: &mut Transaction, rows: &[Row]) -> Result<Vec<(i64, Server)>, StoreError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let (first, last): (String, String) = (first.get("name")?, last.get("name")?);
    let sql = "SELECT owner_id, field FROM secrets WHERE owner = $1 AND field <> $4 \
               AND owner_id IN (SELECT id FROM servers WHERE name >= $2 AND name <= $3) ORDER BY field";
    let mut secrets: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in tx.rows(sql, values![OWNER, first, last, address::FIELD]).await? {
        secrets.entry(row.get("owner_id")?).or_default().push(secret_name(row.get("field")?));
    }
    let mut servers = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.get("id")?;
        let secrets = secrets.remove(&id).unwrap_or_default();
        let (spec, meta) = (read_spec(row)?, Meta::read(row)?);
        servers.push((id, Server { name: row.get("name")?, spec, secrets, meta }));
    }
    Ok(servers)
}

fn read_spec(row: &Row) -> Result<ServerSpec, StoreError> {
    let duration = |column| row.get::<i64>(column).map(|n| Duration::from_micros(n.unsigned_abs()));
    let reach = match row.get::<Option<String>>("url")? {
        Some(url) => Reach::Http { url: Address::kept(url) },
        None => {
            let args: String = row.get("args")?;
            Reach::Command {
                program: row.get("program")?,
                args: serde_json::from_str(&args).map_err(|error| row.damaged(&error.to_string()))?,
                shared: row.get("shared")?,
            }
        }
    };
    Ok(ServerSpec {
        reach,
        protocol: row.word("protocol", Protocol::parse)?,
        timeout: duration("timeout")?,
        max_duration: duration("max_duration")?,
        enabled: row.get("enabled")?,
    })
}

/// The name within a field, which begins with its kind.
fn secret_name(field: String) -> String {
    match field.split_once(':') {
        Some((_, name)) => name.to_owned(),
        None => field,
    }
}

/// Opens the secrets of a server: its address, and what is given back.
pub(crate) async fn open_secrets(
    store: &Store,
    tx: &mut Transaction,
    id: i64,
    server: &mut Server,
) -> Result<Vec<(String, Secret)>, StoreError> {
    let mut opened = store.vault.open_all(tx, OWNER, id).await?;
    address::take(server, &mut opened);
    Ok(opened.into_iter().map(|(field, secret)| (secret_name(field), secret)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_filled_with_secrets_alone() {
        let check = |arg: &str, expected: &str| {
            let secret = |name: &str| (name == "KEY").then_some("${OTHER}");
            assert_eq!(filled_arguments(&[arg.to_owned()], secret), [expected]);
        };
        check("--key=${KEY}", "--key=${OTHER}");
        check("${KEY}${KEY}", "${OTHER}${OTHER}");
        check("${OTHER} $KEY ${", "${OTHER} $KEY ${");
        check("${${KEY}}", "${${OTHER}}");
    }
}
