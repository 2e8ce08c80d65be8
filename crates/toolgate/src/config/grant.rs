//! The grants of the config file.

use std::collections::{HashMap, HashSet};

use toolgate_gateway::rules::{is_label, is_tag};
use toolgate_gateway::settings::{GrantSettings, Names, TokenSettings};
use toolgate_gateway::token;
use toolgate_json::Kind;
use toolgate_policy::{Place, nearest};

use super::policy::PolicyFile;
use super::scalar::Reader;
use super::secret::weakness;

const NAMES: [(&str, Names); 2] = [("dotted", Names::Dotted), ("underscore", Names::Underscore)];

/// What a grant may name.
pub(super) struct Known<'a> {
    servers: HashSet<&'a str>,
    policies: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    /// All names of the file, also of servers and policies that have mistakes of their own.
    pub(super) fn new(root: Place<'a>, policies: &'a [PolicyFile]) -> Self {
        let members =
            |name: &str| root.get(name).into_iter().flat_map(Place::members).filter_map(Place::name);
        let policies = members("policies").chain(policies.iter().map(|policy| policy.name.as_str()));
        Self { servers: members("servers").collect(), policies: policies.collect() }
    }
}

impl Reader<'_> {
    pub(super) fn grants(&mut self, place: Option<Place<'_>>, known: &Known<'_>) -> Vec<GrantSettings> {
        let mut labels_by_hash: HashMap<[u8; 32], &str> = HashMap::new();
        let mut grants = Vec::new();
        for member in place.into_iter().flat_map(Place::members) {
            let label = member.name().unwrap_or_default();
            if !is_label(label) {
                let help = "use at most 64 letters, digits, `.`, `_` and `-`".to_owned();
                self.problems.name_error(member, format!("`{label}` is no label for a grant"), Some(help));
            }
            let token_sha256 = self.token_hash(member);
            if let Some(hash) = token_sha256
                && let Some(other) = labels_by_hash.insert(hash, label)
            {
                let message = format!("the grants `{other}` and `{label}` have the same token");
                self.problems.error_with_help(member, message, "give each grant a token of its own");
            }
            grants.push(self.grant(member, token_sha256, known));
        }
        grants
    }

    fn grant(
        &mut self,
        place: Place<'_>,
        token_sha256: Option<[u8; 32]>,
        known: &Known<'_>,
    ) -> GrantSettings {
        let servers = self.bindings(place.get("servers"), known);
        GrantSettings {
            label: place.name().unwrap_or_default().to_owned(),
            tokens: token_sha256.into_iter().map(TokenSettings::lasting).collect(),
            servers,
            // Where one of these is wrong the file is refused, so that what stands in its place has no effect.
            expires: place.get("expires").and_then(|expires| self.date(expires)),
            tags: self.list(place.get("tags"), Self::tag),
            names: place.get("names").and_then(|names| self.word(names, &NAMES)).unwrap_or_default(),
        }
    }

    fn tag(&mut self, place: Place<'_>) -> Option<String> {
        self.parsed(place, "a tag", "write 1 to 64 characters", |text| is_tag(text).then(|| text.to_owned()))
    }

    fn bindings(&mut self, place: Option<Place<'_>>, known: &Known<'_>) -> Vec<(String, String)> {
        let mut bindings = Vec::new();
        if let Some(place) = place.filter(|p| p.kind() == Kind::Object && p.members().next().is_none()) {
            self.problems.warning(place, "the grant includes no server, so its token opens nothing");
        }
        for member in place.into_iter().flat_map(Place::members) {
            let server = member.name().unwrap_or_default();
            if !known.servers.contains(server) {
                let help = suggestion(server, &known.servers, "add it under `servers`");
                self.problems.name_error(member, format!("there is no server `{server}`"), Some(help));
            }
            let Some(policy) = self.text(member) else { continue };
            if !known.policies.contains(policy.as_str()) {
                let help = suggestion(&policy, &known.policies, "add it under `policies`");
                self.problems.error_with_help(member, format!("there is no policy `{policy}`"), help);
            }
            bindings.push((server.to_owned(), policy));
        }
        bindings
    }

    /// The hash of the grant's token. No message repeats a value: it may be a token in the wrong place.
    fn token_hash(&mut self, grant: Place<'_>) -> Option<[u8; 32]> {
        match (grant.get("token_sha256"), grant.get("token_env")) {
            (None, None) => None,
            (Some(place), None) => self.written_hash(place),
            (None, Some(place)) => self.token_from_environment(place),
            (Some(_), Some(place)) => {
                let message = "a grant has `token_sha256` or `token_env`, not both".to_owned();
                self.problems.name_error(place, message, Some("remove one of them".to_owned()));
                None
            }
        }
    }

    fn written_hash(&mut self, place: Place<'_>) -> Option<[u8; 32]> {
        let hash = token::parse_hex(&self.text(place)?);
        match hash {
            None => {
                let help = "print it with `printf %s \"$TOKEN\" | sha256sum`, or leave it out to have a token minted";
                self.problems.error_with_help(place, "not a SHA-256 in 64 hexadecimal digits", help);
            }
            Some(hash) if hash == token::hash("") => {
                self.problems.error_with_help(
                    place,
                    "this is the hash of an empty token",
                    "hash the token itself",
                );
            }
            Some(_) => {}
        }
        hash
    }

    fn token_from_environment(&mut self, place: Place<'_>) -> Option<[u8; 32]> {
        let name = self.text(place)?;
        let Some(token) = self.environment.get(&name) else {
            let help = suggestion(&name, &self.environment.names().collect(), "set it");
            self.problems.error_with_help(place, format!("the environment has no variable `{name}`"), help);
            return None;
        };
        if let Some(weakness) = weakness(token) {
            let help =
                "use a random one, as from `openssl rand -base64 32`, or leave it out to have one minted";
            self.problems.error_with_help(place, format!("the token in `{name}` {weakness}"), help);
            return None;
        }
        Some(token::hash(token))
    }
}

fn suggestion(name: &str, known: &HashSet<&str>, otherwise: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => otherwise.to_owned(),
    }
}
