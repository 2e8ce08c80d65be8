//! The admin API as the rest of the program knows it: a handle that answers requests.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use toolgate_gateway::clock::Clock;
use toolgate_gateway::door::{Door, origin_of};
use toolgate_index::Index;
use toolgate_registry::Catalog;
use toolgate_store::{FileNames, Link, Role, Store, StoreError};
use tower_service::Service as _;

use crate::attempts::Attempts;
use crate::credential::{self, LINK_LIFE};
use crate::events::Watchers;
use crate::identity::Peer;
use crate::inventory::Surveys;
use crate::problem::Problem;
use crate::running::Running;
use crate::table;

/// What the admin API is put together from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Everything that is kept.
    pub store: Arc<Store>,
    /// The running gateway.
    pub gateway: Arc<dyn Running>,
    /// The audit index.
    pub index: Index,
    /// The catalogue.
    pub catalog: Catalog,
    /// Names of servers of the catalogue that are offered to others; `*` at the end stands for any characters.
    pub offer: Vec<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where the console listens.
    pub listen: SocketAddr,
    /// Whether browsers reach the console by https (`console_tls` or `console_url` in the config file). Without it
    /// the session cookie has neither `Secure` nor the prefix `__Host-`, which browsers keep for https; then the
    /// console belongs on a loopback address.
    pub https: bool,
}

/// The admin API. Clones are of the same one.
#[derive(Clone, Debug)]
pub struct Admin {
    shared: Arc<Shared>,
    router: Router,
}

/// What handlers work with.
#[derive(Clone, Debug)]
pub(crate) struct State {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) attempts: Attempts,
    pub(crate) watchers: Watchers,
    pub(crate) surveys: Surveys,
    /// Held while a change is made, so that one is checked, kept and in force before the next begins.
    pub(crate) changes: tokio::sync::Mutex<()>,
}

impl std::ops::Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Admin {
    /// Puts the API together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let shared = Arc::new(Shared {
            parts,
            attempts: Attempts::default(),
            watchers: Watchers::default(),
            surveys: Surveys::default(),
            changes: tokio::sync::Mutex::default(),
        });
        let router = table::router(&State { shared: Arc::clone(&shared) });
        Self { shared, router }
    }

    /// Whether a path is answered here.
    #[must_use]
    pub fn answers(path: &str) -> bool {
        let is_at =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_at("/api") || is_at("/sign-in") || is_at("/v0.1")
    }

    /// Answers a request of the client at an address.
    pub async fn answer<B>(&self, mut request: Request<B>, peer: IpAddr) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        request.extensions_mut().insert(Peer(peer));
        let answered: Result<Response, Infallible> = self.router.clone().call(request.map(Body::new)).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// The API as a service, for a caller that puts [`Peer`] into each request's extensions itself.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Notes which definitions calls are judged by, so that it can be told later what changed. Nobody is asked.
    pub async fn note_definitions(&self) {
        let parts = &self.shared.parts;
        for server in &parts.gateway.settings().servers {
            if let Some(tools) = parts.gateway.known_tools(&server.name) {
                self.shared.note_sighting(&server.name, &tools).await;
            }
        }
    }

    /// Makes a link that signs in once, within [`LINK_LIFE`]: the path and query to put after the console's
    /// address. Whoever has it has the role.
    ///
    /// # Errors
    ///
    /// The name cannot be one, there is no randomness, or the store cannot be written; the text says so.
    pub async fn sign_in_link(&self, user: &str, role: Role) -> Result<String, String> {
        self.shared.sign_in_link(user, role).await.map_err(|problem| problem.detail().to_owned())
    }

    /// Makes a token of the admin API that this machine's programs use; shown once. Another of the same label is
    /// replaced.
    ///
    /// # Errors
    ///
    /// The label cannot be one, there is no randomness, or the store cannot be written; the text says so.
    pub async fn replace_token(&self, label: &str, role: Role) -> Result<String, String> {
        let parts = &self.shared.parts;
        let token = credential::mint_token().map_err(|problem| problem.detail().to_owned())?;
        let file = FileNames::default();
        let change = toolgate_store::Change::new("toolgate", parts.clock.now().wall, &file);
        let tokens = parts.store.admin_tokens();
        match tokens.revoke(label, &change).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
        let made = tokens.create(label, credential::hash(&token), (role, None), &change).await;
        made.map(|_| token).map_err(|error| error.to_string())
    }
}

impl Shared {
    /// Wall time: Unix microseconds.
    pub(crate) fn wall(&self) -> i64 {
        self.parts.clock.now().wall
    }

    pub(crate) fn store(&self) -> &Store {
        &self.parts.store
    }

    pub(crate) fn gateway(&self) -> &dyn Running {
        &*self.parts.gateway
    }

    /// Who may knock, by the settings in force.
    pub(crate) fn door(&self) -> Door {
        Door::of_console(&self.parts.gateway.settings(), self.parts.listen)
    }

    /// The console's own origin, where the settings say it.
    pub(crate) fn url(&self) -> Option<String> {
        self.gateway().settings().console_url.as_ref().and_then(origin_of)
    }

    /// The name of the session cookie.
    pub(crate) fn cookie_name(&self) -> &'static str {
        if self.parts.https { "__Host-toolgate" } else { "toolgate" }
    }

    /// A new link for a user.
    pub(crate) async fn sign_in_link(&self, user: &str, role: Role) -> Result<String, Problem> {
        let code = credential::mint_link()?;
        let now = self.wall();
        let link = Link {
            hash: credential::hash(&code),
            user: user.to_owned(),
            role,
            expires: now.saturating_add(credential::micros(LINK_LIFE)),
        };
        self.store().sign_in().add_link(&link, now).await?;
        Ok(format!("/sign-in?code={code}"))
    }
}
