//! The same as the store does, with maps in memory.

use std::collections::BTreeMap;

use toolgate_store::{Binding, Contents, Reach, TokenHash};

use super::{Knows, Outcome, SecretWish, Step};
use crate::bench::{binding, hash};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) revision: i64,
    servers: BTreeMap<String, ModelServer>,
    /// The texts of all versions, and the revision.
    pub(super) policies: BTreeMap<String, (Vec<String>, i64)>,
    grants: BTreeMap<String, ModelGrant>,
    tombstones: Vec<String>,
    settings: BTreeMap<String, (String, i64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ModelServer {
    url: String,
    secrets: BTreeMap<String, String>,
    revision: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ModelGrant {
    servers: Vec<Binding>,
    of_file: bool,
    tokens: Vec<(TokenHash, Option<i64>)>,
    revision: i64,
}

impl Model {
    /// What the store should answer; changes the model only if it should be done.
    pub(super) fn apply(&mut self, step: &Step, now: i64) -> Outcome {
        let mut next = self.clone();
        next.revision += 1;
        let outcome = match next.step(step, now) {
            Ok(()) => {
                *self = next;
                Outcome::Done
            }
            Err(outcome) => outcome,
        };
        self.tombstones.sort();
        outcome
    }

    fn step(&mut self, step: &Step, now: i64) -> Result<(), Outcome> {
        let revision = self.revision;
        match step {
            Step::CreateServer(name, url, wishes) => {
                free(&self.servers, name)?;
                let server = ModelServer { url: (*url).to_owned(), secrets: BTreeMap::new(), revision };
                let server = self.servers.entry((*name).to_owned()).or_insert(server);
                wish(&mut server.secrets, wishes)
            }
            Step::UpdateServer(name, url, wishes, knows) => {
                let server = self.servers.get_mut(*name).ok_or(Outcome::NotFound)?;
                knows.check()?;
                // Of two wishes for one name the later counts, as it does in the map that the store is given.
                let mut wishes: Vec<_> =
                    wishes.iter().copied().collect::<BTreeMap<_, _>>().into_iter().collect();
                if server.url != *url {
                    let named = |name: &String| wishes.iter().any(|(other, _)| other == name);
                    if !server.secrets.keys().all(named) {
                        return Err(Outcome::SecretsNeeded);
                    }
                    wishes.retain(|(name, value)| value.is_some() || !server.secrets.contains_key(*name));
                    server.secrets.clear();
                }
                (*url).clone_into(&mut server.url);
                server.revision = revision;
                wish(&mut server.secrets, &wishes)
            }
            Step::RemoveServer(name, knows) => {
                self.servers.remove(*name).ok_or(Outcome::NotFound)?;
                knows.check()?;
                self.unused(|binding| binding.server == *name)
            }
            Step::CreatePolicy(name, text) => {
                free(&self.policies, name)?;
                self.policies.insert((*name).to_owned(), (vec![(*text).to_owned()], revision));
                Ok(())
            }
            Step::AddVersion(name, text, knows) => {
                let policy = self.policies.get_mut(*name).ok_or(Outcome::NotFound)?;
                knows.check()?;
                policy.0.push((*text).to_owned());
                policy.1 = revision;
                Ok(())
            }
            Step::RemovePolicy(name, knows) => {
                self.policies.remove(*name).ok_or(Outcome::NotFound)?;
                knows.check()?;
                self.unused(|binding| binding.policy == *name)
            }
            Step::Set(key, value, knows) => {
                knows.check()?;
                self.settings.insert((*key).to_owned(), ((*value).to_owned(), revision));
                Ok(())
            }
            Step::Unset(key, knows) => {
                self.settings.remove(*key).ok_or(Outcome::NotFound)?;
                knows.check()
            }
            Step::Reopen => Err(Outcome::Unchanged),
            Step::CreateGrant(..) | Step::Attach(..) | Step::Detach(..) => self.binding_step(step),
            Step::Rotate(..) | Step::Revoke(..) | Step::Mint(..) => self.token_step(step, now),
        }
    }

    fn binding_step(&mut self, step: &Step) -> Result<(), Outcome> {
        let revision = self.revision;
        match step {
            Step::CreateGrant(label, servers, token) => {
                if in_file(label) {
                    return Err(Outcome::Taken);
                }
                free(&self.grants, label)?;
                let servers: Vec<Binding> = servers.iter().map(|(s, p)| binding(s, p)).collect();
                let mut names: Vec<&str> = servers.iter().map(|binding| binding.server.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                if names.len() < servers.len() {
                    return Err(Outcome::Invalid);
                }
                self.fresh(*token)?;
                let tokens = vec![(hash(*token), None)];
                let grant = ModelGrant { servers, of_file: false, tokens, revision };
                self.grants.insert((*label).to_owned(), grant);
            }
            Step::Attach(label, (server, policy), knows) => {
                let grant = self.editable(label, *knows)?;
                match grant.servers.iter_mut().find(|binding| binding.server == *server) {
                    Some(binding) => (*policy).clone_into(&mut binding.policy),
                    None => grant.servers.push(binding(server, policy)),
                }
            }
            Step::Detach(label, server, knows) => {
                let grant = self.editable(label, *knows)?;
                let before = grant.servers.len();
                grant.servers.retain(|binding| binding.server != *server);
                if grant.servers.len() == before {
                    return Err(Outcome::NotFound);
                }
            }
            other => panic!("{other:?} changes no bindings"),
        }
        Ok(())
    }

    fn token_step(&mut self, step: &Step, now: i64) -> Result<(), Outcome> {
        let revision = self.revision;
        match step {
            Step::Rotate(label, token, overlap, knows) => {
                let ends = now + overlap;
                let grant = self.grants.get_mut(*label).ok_or(Outcome::NotFound)?;
                knows.check()?;
                for (_, end) in &mut grant.tokens {
                    *end = Some(end.map_or(ends, |end| end.min(ends)));
                }
                grant.tokens.retain(|(_, end)| end.is_none_or(|end| end > now));
                self.fresh(*token)?;
                let grant = self.grants.get_mut(*label).ok_or(Outcome::NotFound)?;
                grant.tokens.push((hash(*token), None));
                grant.revision = revision;
            }
            Step::Revoke(label, knows) => {
                if let Some(grant) = self.grants.remove(*label) {
                    knows.check()?;
                    if grant.of_file && !self.tombstones.iter().any(|other| other == label) {
                        self.tombstones.push((*label).to_owned());
                    }
                } else if !in_file(label) {
                    return Err(Outcome::NotFound);
                } else if !self.tombstones.iter().any(|other| other == label) {
                    self.tombstones.push((*label).to_owned());
                }
            }
            Step::Mint(label, token) => {
                if self.tombstones.iter().any(|other| other == label) {
                    return Err(Outcome::Revoked);
                }
                if let Some(grant) = self.grants.get(*label) {
                    return Err(if grant.of_file { Outcome::Unchanged } else { Outcome::Taken });
                }
                self.fresh(*token)?;
                let tokens = vec![(hash(*token), None)];
                let grant = ModelGrant { servers: Vec::new(), of_file: true, tokens, revision };
                self.grants.insert((*label).to_owned(), grant);
            }
            other => panic!("{other:?} changes no tokens"),
        }
        Ok(())
    }

    fn editable(&mut self, label: &str, knows: Knows) -> Result<&mut ModelGrant, Outcome> {
        if in_file(label) {
            return Err(Outcome::OfFile);
        }
        let revision = self.revision;
        let grant = self.grants.get_mut(label).ok_or(Outcome::NotFound)?;
        knows.check()?;
        if grant.of_file {
            return Err(Outcome::OfFile);
        }
        grant.revision = revision;
        Ok(grant)
    }

    fn fresh(&self, token: u8) -> Result<(), Outcome> {
        let mut tokens = self.grants.values().flat_map(|grant| &grant.tokens);
        if tokens.any(|(other, _)| *other == hash(token)) { Err(Outcome::TokenTaken) } else { Ok(()) }
    }

    fn unused(&self, uses: impl Fn(&Binding) -> bool) -> Result<(), Outcome> {
        let mut bindings = self.grants.values().flat_map(|grant| &grant.servers);
        if bindings.any(uses) { Err(Outcome::InUse) } else { Ok(()) }
    }

    /// The revision of what a step changes; 0 if there is none.
    pub(super) fn known(&self, step: &Step) -> i64 {
        match step {
            Step::UpdateServer(name, ..) | Step::RemoveServer(name, _) => {
                self.servers.get(*name).map_or(0, |server| server.revision)
            }
            Step::AddVersion(name, ..) | Step::RemovePolicy(name, _) => {
                self.policies.get(*name).map_or(0, |policy| policy.1)
            }
            Step::Set(key, ..) | Step::Unset(key, _) => self.settings.get(*key).map_or(0, |s| s.1),
            Step::Attach(label, ..)
            | Step::Detach(label, ..)
            | Step::Rotate(label, ..)
            | Step::Revoke(label, _) => self.grants.get(*label).map_or(0, |grant| grant.revision),
            _ => 0,
        }
    }

    pub(super) fn of(contents: Contents, revision: i64, histories: BTreeMap<String, Vec<String>>) -> Self {
        let mut histories = histories;
        let servers = contents.servers.into_iter().map(|open| {
            let secrets = open
                .secrets
                .as_ref()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().to_owned()));
            let Reach::Http { url } = open.server.spec.reach else { panic!("a command") };
            let url = url.whole().unwrap().to_owned();
            let server = ModelServer { url, secrets: secrets.collect(), revision: open.server.meta.revision };
            (open.server.name, server)
        });
        let policies = contents.policies.into_iter().map(|policy| {
            let versions = histories.remove(&policy.name).unwrap();
            (policy.name, (versions, policy.meta.revision))
        });
        let grants = contents.grants.into_iter().map(|grant| {
            let tokens = grant.tokens.iter().map(|token| (token.hash, token.ends)).collect();
            let (servers, of_file) = (grant.spec.servers, grant.managed_by_file);
            (grant.label, ModelGrant { servers, of_file, tokens, revision: grant.meta.revision })
        });
        let settings = contents.settings.into_iter().map(|s| (s.key, (s.value, s.meta.revision)));
        Self {
            revision,
            servers: servers.collect(),
            policies: policies.collect(),
            grants: grants.collect(),
            tombstones: contents.tombstones.into_iter().map(|tombstone| tombstone.label).collect(),
            settings: settings.collect(),
        }
    }
}

fn free<T>(map: &BTreeMap<String, T>, name: &str) -> Result<(), Outcome> {
    if map.contains_key(name) { Err(Outcome::Taken) } else { Ok(()) }
}

fn wish(kept: &mut BTreeMap<String, String>, wishes: &[SecretWish]) -> Result<(), Outcome> {
    let wishes: BTreeMap<_, _> = wishes.iter().copied().collect();
    for (name, value) in wishes {
        match value {
            Some(value) => {
                kept.insert(name.to_owned(), value.to_owned());
            }
            None => {
                kept.remove(name).ok_or(Outcome::NotFound)?;
            }
        }
    }
    Ok(())
}

fn in_file(label: &str) -> bool {
    label == "filed"
}
