//! Everything that calls are judged by, of one moment: what a gateway builds its snapshot from.

use crate::change::Page;
use crate::error::StoreError;
use crate::grant::{self, Grant, Tombstone};
use crate::pin::{self, Pin};
use crate::policy::{self, Policy};
use crate::secret::Secret;
use crate::server::{self, Server};
use crate::setting::{self, Setting};
use crate::store::{self, Changes, Store};

/// What calls are judged by, with the secrets of servers. For the data plane alone.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Of which moment this is: compare with [`Store::changes`].
    pub changes: Changes,
    /// All servers, by name.
    pub servers: Vec<LoadedServer>,
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

/// A server with its secrets, or the reason why they do not open: such a server must not be called, for it
/// would be called without its headers. The others are not touched by it.
#[derive(Clone, Debug)]
pub struct LoadedServer {
    /// The server.
    pub server: Server,
    /// Its headers or variables; else why there are none, for people.
    pub secrets: Result<Vec<(String, Secret)>, String>,
}

impl Store {
    /// Reads everything that calls are judged by, all of one moment.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn contents(&self) -> Result<Contents, StoreError> {
        let mut tx = self.database.read().await?;
        let changes = store::changes(&mut tx).await?;
        let mut servers = Vec::new();
        for (id, mut server) in server::list(&mut tx, Page::ALL).await? {
            let secrets = match server::open_secrets(self, &mut tx, id, &mut server).await {
                Ok(_) if server.spec.reach.is_cut() => {
                    Err("the values in the query of its URL are gone: set it anew with its whole URL"
                        .to_owned())
                }
                Ok(secrets) => Ok(secrets),
                Err(StoreError::Key(error)) => Err(error.to_string()),
                Err(error) => return Err(error),
            };
            servers.push(LoadedServer { server, secrets });
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
