//! Everything that a call needs to know, compiled and immutable: swapped whole when settings change, so
//! that each call is judged by exactly one version of it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use toolgate_policy::Plan;

use crate::grant::{Access, Binding, Grant, Shares};
use crate::grants::StoredGrants;
use crate::settings::{Names, Settings};
use crate::token;
use crate::upstream::{Server, Servers};

/// One version of all settings.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// What it was made from.
    pub(crate) settings: Settings,
    /// Servers by name.
    pub(crate) servers: HashMap<String, Arc<Server>>,
    tokens: HashMap<[u8; 32], Access>,
    shares: HashMap<String, Arc<Shares>>,
}

/// A grant from the file or the store, before it is bound to servers.
struct Plain<'a> {
    label: &'a str,
    tokens: Vec<([u8; 32], Option<i64>)>,
    servers: &'a [(String, String)],
    expires: Option<i64>,
    tags: &'a [String],
    names: Names,
}

impl Snapshot {
    /// Compiles settings and stored grants. Servers, connections and places taken are kept from the
    /// previous snapshot where their settings are the same.
    #[must_use]
    pub(crate) fn build(
        settings: Settings,
        stored: &StoredGrants,
        servers: &Servers,
        previous: Option<&Snapshot>,
    ) -> Self {
        let servers: HashMap<_, _> = settings
            .servers
            .iter()
            .map(|s| {
                (s.name.clone(), servers.open(s, &settings, previous.and_then(|p| p.servers.get(&s.name))))
            })
            .collect();
        let mut snapshot = Self { servers, tokens: HashMap::new(), shares: HashMap::new(), settings };
        let settings = snapshot.settings.clone();
        for plain in plain_grants(&settings, stored) {
            snapshot.add(plain, previous);
        }
        snapshot
    }

    fn add(&mut self, plain: Plain<'_>, previous: Option<&Snapshot>) {
        let most = self.settings.limits.in_flight_per_grant;
        let shares = previous
            .filter(|p| p.settings.limits.in_flight_per_grant == most)
            .and_then(|p| p.shares.get(plain.label))
            .cloned()
            .unwrap_or_else(|| Arc::new(Shares::new(most)));
        self.shares.insert(plain.label.to_owned(), Arc::clone(&shares));
        let bindings = plain.servers.iter().filter_map(|(server, policy)| {
            let server_object = Arc::clone(self.servers.get(server)?);
            let plan = self.plan(policy)?;
            Some((server.clone(), Arc::new(Binding::new(plain.label, server_object, plan))))
        });
        let grant = Arc::new(Grant {
            label: plain.label.to_owned(),
            tags: plain.tags.to_vec(),
            names: plain.names,
            bindings: bindings.collect(),
            shares,
        });
        for (hash, ends) in plain.tokens {
            let ends = [ends, plain.expires].into_iter().flatten().min();
            let known = previous.and_then(|p| p.tokens.get(&hash)).filter(|a| a.grant.label == grant.label);
            let life = known.map_or_else(CancellationToken::new, |a| a.life.clone());
            self.tokens.insert(hash, Access { grant: Arc::clone(&grant), ends, life });
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

fn plain_grants<'a>(settings: &'a Settings, stored: &'a StoredGrants) -> Vec<Plain<'a>> {
    let revoked = |label: &str| stored.tombstones.iter().any(|t| t.label == label);
    let kept_tokens = |label: &str| {
        let of_label = stored.grants.iter().filter(move |g| g.label == label);
        of_label
            .flat_map(|g| &g.tokens)
            .filter_map(|t| Some((token::parse_hex(&t.sha256)?, t.ends)))
            .collect()
    };
    let from_file = settings.grants.iter().filter(|g| !revoked(&g.label)).map(|g| Plain {
        label: &g.label,
        tokens: g.token_sha256.map_or_else(|| kept_tokens(&g.label), |hash| vec![(hash, None)]),
        servers: &g.servers,
        expires: g.expires,
        tags: &g.tags,
        names: g.names,
    });
    let in_file = |label: &str| settings.grants.iter().any(|g| g.label == label);
    let from_store =
        stored.grants.iter().filter(move |g| !g.managed_by_file && !in_file(&g.label)).map(|g| Plain {
            label: &g.label,
            tokens: kept_tokens(&g.label),
            servers: &g.servers,
            expires: g.expires,
            tags: &g.tags,
            names: g.names(),
        });
    from_file.chain(from_store).collect()
}
