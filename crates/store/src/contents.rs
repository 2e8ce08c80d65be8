//! Everything that calls are judged by, of one moment: what a gateway builds its snapshot from.

use crate::change::Page;
use crate::error::StoreError;
use crate::grant::{self, Grant, Tombstone};
use crate::pin::{self, Pin};
use crate::policy::{self, Policy};
use crate::server::{self, OpenServer};
use crate::setting::{self, Setting};
use crate::store::{self, Changes, Store};

/// What calls are judged by, with the secrets of servers. For the data plane alone.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Of which moment this is: compare with [`Store::changes`].
    pub changes: Changes,
    /// All servers with their secrets, by name.
    pub servers: Vec<OpenServer>,
    /// All policies with their current versions, by name.
    pub policies: Vec<Policy>,
    /// All grants, by label.
    pub grants: Vec<Grant>,
    /// The grants of the config file that were revoked.
    pub tombstones: Vec<Tombstone>,
    /// All pins, by server and tool.
    pub pins: Vec<Pin>,
    /// All settings, by key.
    pub settings: Vec<Setting>,
}

impl Store {
    /// Reads everything that calls are judged by, all of one moment.
    ///
    /// # Errors
    ///
    /// The database cannot be read, or a secret does not open: then nothing is given, rather than a server
    /// without its headers.
    pub async fn contents(&self) -> Result<Contents, StoreError> {
        let mut tx = self.database.read().await?;
        let changes = store::changes(&mut tx).await?;
        let mut servers = Vec::new();
        for (id, server) in server::list(&mut tx, Page::ALL).await? {
            servers.push(server::opened(self, &mut tx, id, server).await?);
        }
        Ok(Contents {
            changes,
            servers,
            policies: policy::list(&mut tx, Page::ALL).await?,
            grants: grant::list(&mut tx, Page::ALL).await?,
            tombstones: grant::tombstones(&mut tx).await?,
            pins: pin::all(&mut tx).await?,
            settings: setting::list(&mut tx, Page::ALL).await?,
        })
    }
}
