//! Everything that a call needs to know, compiled and immutable: swapped whole when settings change, so
//! that each call is judged by exactly one version of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;
use toolgate_policy::Plan;

use crate::grant::{Access, Binding, Grant, Shares};
use crate::settings::{GrantSettings, Settings, TokenSettings};
use crate::token;
use crate::upstream::{Server, Servers};

/// One version of all settings.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// What it was made from.
    pub(crate) settings: Arc<Settings>,
    /// Servers by name.
    pub(crate) servers: HashMap<String, Arc<Server>>,
    tokens: HashMap<[u8; 32], Access>,
    shares: HashMap<String, Arc<Shares>>,
}

impl Snapshot {
    /// Compiles settings. Servers, connections and places taken are kept from the
    /// previous snapshot where their settings are the same.
    #[must_use]
    pub(crate) fn build(settings: Settings, servers: &Servers, previous: Option<&Snapshot>) -> Self {
        let servers: HashMap<_, _> = settings
            .servers
            .iter()
            .map(|s| {
                (s.name.clone(), servers.open(s, &settings, previous.and_then(|p| p.servers.get(&s.name))))
            })
            .collect();
        let settings = Arc::new(settings);
        let shared = Arc::clone(&settings);
        let mut snapshot = Self { settings: shared, servers, tokens: HashMap::new(), shares: HashMap::new() };
        for grant in &settings.grants {
            snapshot.add(grant, previous);
        }
        snapshot
    }

    fn add(&mut self, settings: &GrantSettings, previous: Option<&Snapshot>) {
        let most = self.settings.limits.in_flight_per_grant;
        let shares = previous
            .filter(|p| p.settings.limits.in_flight_per_grant == most)
            .and_then(|p| p.shares.get(&settings.label))
            .cloned()
            .unwrap_or_else(|| Arc::new(Shares::new(most)));
        self.shares.insert(settings.label.clone(), Arc::clone(&shares));
        let bindings = settings.servers.iter().filter_map(|(server, policy)| {
            let server_object = Arc::clone(self.servers.get(server)?);
            let plan = self.plan(policy)?;
            Some((server.clone(), Arc::new(Binding::new(&settings.label, server_object, plan))))
        });
        let grant = Arc::new(Grant {
            label: settings.label.clone(),
            tags: settings.tags.clone(),
            names: settings.names,
            bindings: bindings.collect(),
            shares,
        });
        for TokenSettings { hash, ends } in settings.tokens.iter().copied() {
            let ends = [ends, settings.expires].into_iter().flatten().min();
            let known = previous.and_then(|p| p.tokens.get(&hash)).filter(|a| a.grant.label == grant.label);
            let life = known.map_or_else(CancellationToken::new, |a| a.life.clone());
            let used = known.map_or_else(Arc::default, |a| Arc::clone(&a.used));
            self.tokens.insert(hash, Access { grant: Arc::clone(&grant), ends, life, used });
        }
    }

    fn plan(&self, name: &str) -> Option<Arc<Plan>> {
        self.settings.policies.iter().find(|p| p.name() == name).cloned()
    }

    /// What a token gives access to at a time; none for an unknown or ended one.
    #[must_use]
    pub(crate) fn access(&self, token: &str, wall_micros: i64) -> Option<&Access> {
        self.tokens.get(&token::hash(token)).filter(|a| a.ends.is_none_or(|ends| wall_micros < ends))
    }

    /// The tokens used since the last time this was asked, and when.
    #[must_use]
    pub(crate) fn take_uses(&self) -> HashMap<[u8; 32], i64> {
        let used = |(hash, access): (&[u8; 32], &Access)| (*hash, access.used.swap(0, Ordering::Relaxed));
        self.tokens.iter().map(used).filter(|(_, at)| *at != 0).collect()
    }

    /// Whether a grant exists and includes a server.
    #[must_use]
    pub(crate) fn includes(&self, grant: &str, server: &str) -> bool {
        self.tokens.values().any(|a| a.grant.label == grant && a.grant.bindings.contains_key(server))
    }

    /// The version of the policy that judges a grant's calls to a server.
    #[must_use]
    pub(crate) fn policy_of(&self, grant: &str, server: &str) -> Option<&str> {
        let of_grant = self.tokens.values().find(|a| a.grant.label == grant)?;
        of_grant.grant.bindings.get(server).map(|b| b.plan.version())
    }

    /// How many tokens another snapshot does not have.
    #[must_use]
    pub(crate) fn tokens_not_in(&self, other: &Snapshot) -> usize {
        self.tokens.keys().filter(|hash| !other.tokens.contains_key(*hash)).count()
    }

    /// Ends the lives of tokens that this snapshot knows and `next` does not, or that are over at
    /// `wall_micros`. Returns the labels of the grants concerned.
    pub(crate) fn end_lives(&self, next: &Snapshot, wall_micros: i64) -> Vec<String> {
        let over = self.tokens.iter().filter(|(hash, access)| {
            let kept = next.tokens.get(*hash).is_some_and(|n| n.ends.is_none_or(|ends| wall_micros < ends));
            !access.life.is_cancelled() && !kept
        });
        over.map(|(_, access)| {
            access.life.cancel();
            access.grant.label.clone()
        })
        .collect()
    }
}
