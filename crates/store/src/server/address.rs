//! The addresses of servers as they are kept: a query sealed, and the rest as it is shown.

use super::{OWNER, Reach, Server, Servers};
use crate::address::Address;
use crate::database::{Area, Transaction, Write, values};
use crate::error::StoreError;
use crate::key::Place;
use crate::secret::Secret;
use crate::vault;

/// The field of a sealed address; those of headers and variables begin with their kind and a colon.
pub(super) const FIELD: &str = "url";

impl Servers<'_> {
    /// Seals the addresses that an earlier format kept in clear; how many there were.
    ///
    /// # Errors
    ///
    /// The key is missing or is another one, or the database cannot be read or written.
    pub async fn seal_addresses(&self) -> Result<usize, StoreError> {
        if open_addresses(&mut self.store.database.read().await?).await?.is_empty() {
            return Ok(0);
        }
        let mut write = self.store.database.write(Area::Calls).await?;
        let open = open_addresses(&mut write).await?;
        for (id, address) in &open {
            self.put_address(&mut write, *id, address).await?;
            let sql = "UPDATE servers SET url = $1 WHERE id = $2";
            write.run(sql, values![address.shown().to_owned(), *id]).await?;
        }
        write.commit().await?;
        Ok(open.len())
    }

    /// Keeps what of a way to a server is a secret by itself; forgets what no longer belongs to it.
    pub(super) async fn put_reach(
        &self,
        write: &mut Write,
        id: i64,
        reach: &Reach,
    ) -> Result<(), StoreError> {
        match reach {
            Reach::Http { url } if url.has_query() => self.put_address(write, id, url).await,
            Reach::Http { .. } | Reach::Command { .. } => {
                vault::remove(write, place(id)).await?;
                Ok(())
            }
        }
    }

    /// One that was not opened stays as it is.
    async fn put_address(&self, write: &mut Write, id: i64, address: &Address) -> Result<(), StoreError> {
        match address.secret() {
            Some(whole) => self.store.vault.put(write, place(id), whole).await,
            None => Ok(()),
        }
    }
}

/// Takes the sealed address out of what was opened for a server.
pub(super) fn take(server: &mut Server, opened: &mut Vec<(String, Secret)>) {
    let Some(at) = opened.iter().position(|(field, _)| field == FIELD) else { return };
    let (_, whole) = opened.swap_remove(at);
    if let Reach::Http { url } = &mut server.spec.reach {
        url.open(whole);
    }
}

fn place(id: i64) -> Place<'static> {
    Place { owner: OWNER, id, field: FIELD }
}

/// Those that stand whole in their column.
async fn open_addresses(tx: &mut Transaction) -> Result<Vec<(i64, Address)>, StoreError> {
    let rows = tx.rows("SELECT id, url FROM servers WHERE url LIKE '%?%' ORDER BY id", values![]).await?;
    let mut found = Vec::new();
    for row in rows {
        let address = Address::kept(row.get("url")?);
        if address.secret().is_some() {
            found.push((row.get("id")?, address));
        }
    }
    Ok(found)
}
