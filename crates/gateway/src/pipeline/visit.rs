//! A request that was let in: who asks, for which server, and under which snapshot.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use tokio_util::sync::CancellationToken;
use toolgate_policy::Context;
use toolgate_quota::Now;

use crate::gateway::Gateway;
use crate::grant::{Access, Binding, Grant};
use crate::refusal::Early;
use crate::snapshot::Snapshot;

/// The head of an admitted request, and all that it is judged by: one snapshot from here to the last byte
/// of its answer.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) gateway: Arc<Gateway>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) request_id: Arc<str>,
    pub(super) grant: Arc<Grant>,
    pub(super) binding: Arc<Binding>,
    /// Cancelled when the token ends.
    pub(super) life: CancellationToken,
    pub(super) client: IpAddr,
    pub(super) headers: HeaderMap,
    /// When the request arrived.
    pub(super) arrived: Now,
}

impl Visit {
    /// Lets a request in: a valid token, and a server that its grant includes.
    ///
    /// # Errors
    ///
    /// Without a valid token 401; a server that is not included is answered like one that does not exist.
    pub(super) fn admit(
        gateway: &Arc<Gateway>,
        head: Parts,
        client: IpAddr,
        request_id: Arc<str>,
        server: &str,
    ) -> Result<Arc<Self>, Early> {
        let snapshot = gateway.snapshot.load_full();
        let arrived = gateway.clock.now();
        let access = authorize(&snapshot, &head, arrived.wall)?;
        let binding = access.grant.bindings.get(server).ok_or(Early::NotFound)?;
        if gateway.stop.is_cancelled() {
            return Err(Early::Stopping);
        }
        Ok(Arc::new(Self {
            gateway: Arc::clone(gateway),
            request_id,
            grant: Arc::clone(&access.grant),
            binding: Arc::clone(binding),
            life: access.life.clone(),
            client,
            headers: head.headers,
            arrived,
            snapshot,
        }))
    }

    /// The same without the request's headers, which keep the buffer alive that they were read into: for
    /// streams that stay open.
    pub(super) fn without_headers(&self) -> Arc<Self> {
        Arc::new(Self {
            gateway: Arc::clone(&self.gateway),
            snapshot: Arc::clone(&self.snapshot),
            request_id: Arc::clone(&self.request_id),
            grant: Arc::clone(&self.grant),
            binding: Arc::clone(&self.binding),
            life: self.life.clone(),
            client: self.client,
            headers: HeaderMap::new(),
            arrived: self.arrived,
        })
    }

    /// What conditions may ask.
    pub(super) fn context(&self, now: Now) -> Context<'_> {
        self.grant.context(self.binding.server.name(), Some(self.client), now.wall)
    }

    /// A header that stands once; none if it is absent, doubled or not visible ASCII.
    pub(super) fn header(&self, name: &header::HeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() { None } else { first.to_str().ok().map(str::trim) }
    }
}

/// What the token of a request gives access to.
///
/// # Errors
///
/// There is none, or none that is valid; or one stands in the URL.
pub(super) fn authorize<'s>(snapshot: &'s Snapshot, head: &Parts, wall: i64) -> Result<&'s Access, Early> {
    if head.uri.query().is_some_and(holds_token) {
        return Err(Early::TokenInUrl);
    }
    let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (Some(value), None) => bearer(value),
        _ => None,
    };
    let access = token.and_then(|t| snapshot.access(t, wall));
    let access = access.filter(|a| !a.life.is_cancelled()).ok_or(Early::Unauthorized)?;
    access.used.store(wall, Ordering::Relaxed);
    Ok(access)
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn holds_token(query: &str) -> bool {
    query.contains(crate::token::PREFIX)
        || query.split('&').any(|pair| pair.starts_with("access_token=") || pair.starts_with("token="))
}
