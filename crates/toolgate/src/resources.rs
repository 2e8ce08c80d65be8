//! What a gateway is set up with, from both places that it may come from: the config file and the store.

mod limits;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue, Uri};
use toolgate_admin::{FilePolicy, FileView};
use toolgate_gateway::settings::{
    GrantSettings, Names, Protocol, Reach, ServerSettings, Settings, TokenSettings,
};
use toolgate_gateway::{Loaded, Pending, Source, token};
use toolgate_policy::{Format, Plan};
use toolgate_store::{
    Change, Contents, FileNames, KeySource, LoadedServer, Minted, Secret, Server, Store, StoreError, Syntax,
    TokenHash, filled_arguments,
};

use crate::config::Administration;

/// What stands in the config file.
pub(crate) struct FileRead {
    /// The settings, and the files that they came from.
    pub(crate) loaded: Loaded,
    /// The documents of its policies, by name.
    pub(crate) policies: BTreeMap<String, FilePolicy>,
    /// What concerns the control plane alone.
    pub(crate) administration: Administration,
}

/// Reads the config file: all of it, or every reason why not, a line each.
pub(crate) type ReadFile = dyn Fn() -> Result<FileRead, Vec<String>> + Send + Sync;

/// The two places.
pub(crate) struct Resources {
    read_file: Arc<ReadFile>,
    file: PathBuf,
    store: Arc<Store>,
    /// The file as of the last time that it could be read.
    view: ArcSwap<FileView>,
}

/// The two places before the store is open.
pub(crate) struct Opening {
    read_file: Arc<ReadFile>,
    file: PathBuf,
}

impl Opening {
    /// Opens the store of a data directory. A missing key closes the servers that have secrets, and no others.
    pub(crate) async fn open(self, data_dir: &Path, key: KeySource) -> Result<Resources, StoreError> {
        let store = crate::store::open(data_dir, key).await?;
        match store.verify_key().await {
            Ok(_) => {}
            Err(StoreError::Key(error)) => tracing::error!(%error, "the secrets of servers stay closed"),
            Err(error) => return Err(error),
        }
        match store.servers().seal_addresses().await {
            Ok(0) => {}
            Ok(sealed) => {
                tracing::info!(sealed, "the queries in the URLs of servers are kept encrypted from now on");
            }
            Err(StoreError::Key(error)) => {
                tracing::error!(%error, "the queries in the URLs of servers stay in the store in clear");
            }
            Err(error) => return Err(error),
        }
        let view = ArcSwap::default();
        Ok(Resources { read_file: self.read_file, file: self.file, store: Arc::new(store), view })
    }
}

impl Resources {
    /// Both places; `file` is what messages call the config file.
    pub(crate) fn opening(read_file: Arc<ReadFile>, file: PathBuf) -> Opening {
        Opening { read_file, file }
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// What the config file manages, as of the last time that it could be read.
    pub(crate) fn view(&self) -> Arc<FileView> {
        self.view.load_full()
    }

    /// Reads the file, and remembers what it manages.
    fn read(&self) -> Result<Loaded, Vec<String>> {
        let FileRead { loaded, policies, administration } = (self.read_file)()?;
        self.view.store(Arc::new(FileView {
            names: names_of(&loaded.settings, self.file.clone()),
            policies,
            allow_commands: administration.allow_commands,
            limits: administration.limits,
        }));
        Ok(loaded)
    }

    /// Mints a token for each grant of the file that has none and was not revoked. The tokens are shown once.
    pub(crate) async fn mint_missing(&self, now: i64) -> Result<Vec<(String, String)>, Vec<String>> {
        let failed = |error: &dyn std::fmt::Display| vec![error.to_string()];
        let loaded = self.load().await?;
        let view = self.view();
        let (names, change) = (&view.names, Change::new("start", now, &view.names));
        let mut minted = Vec::new();
        for grant in loaded.settings.grants.iter().filter(|grant| grant.tokens.is_empty()) {
            if !names.grants.contains(&grant.label) {
                continue;
            }
            let token = token::mint().map_err(|e| failed(&e))?;
            let hash = TokenHash::new(token::hash(&token));
            let kept = self.store.grants().mint_for_file(&grant.label, hash, &change).await;
            if let Minted::Now(_) = kept.map_err(|e| failed(&e))? {
                minted.push((grant.label.clone(), token));
            }
        }
        Ok(minted)
    }
}

impl Source for Resources {
    fn load(&self) -> Pending<'_, Result<Loaded, Vec<String>>> {
        Box::pin(async {
            let mut loaded = self.read()?;
            let contents = self.store.contents().await.map_err(|error| vec![error.to_string()])?;
            let file = self.file.display().to_string();
            let warnings = &mut loaded.warnings;
            limits::apply(&mut loaded.settings.limits, &contents.settings, &self.view().limits, warnings);
            add(&mut loaded, contents, &file)?;
            Ok(loaded)
        })
    }

    fn stamp(&self) -> Pending<'_, Option<i64>> {
        Box::pin(async { self.store.changes().await.ok().map(|changes| changes.calls) })
    }
}

/// The names that a config file manages.
pub(crate) fn names_of(settings: &Settings, path: PathBuf) -> FileNames {
    FileNames {
        path,
        servers: settings.servers.iter().map(|server| server.name.clone()).collect(),
        policies: settings.policies.iter().map(|plan| plan.name().to_owned()).collect(),
        grants: settings.grants.iter().map(|grant| grant.label.clone()).collect(),
        unread: false,
    }
}

/// Adds what the store has; a name that both have is an error, so that nobody has to guess which counts.
fn add(loaded: &mut Loaded, contents: Contents, file: &str) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let settings = &mut loaded.settings;
    let names = names_of(settings, PathBuf::new());
    let mut clash = |kind: &str, name: &str, of_file: &BTreeSet<String>| {
        let clashes = of_file.contains(name);
        if clashes {
            problems.push(format!(
                "{file} and the store both have a {kind} `{name}`: rename the one in the file, or remove the other \
                 through the API"
            ));
        }
        clashes
    };
    let Contents { servers, policies, grants, tombstones, .. } = contents;
    let servers: Vec<_> =
        servers.into_iter().filter(|s| !clash("server", &s.server.name, &names.servers)).collect();
    let policies: Vec<_> =
        policies.into_iter().filter(|p| !clash("policy", &p.name, &names.policies)).collect();
    let made =
        grants.iter().filter(|g| !g.managed_by_file && !clash("grant", &g.label, &names.grants)).collect();
    for LoadedServer { server, secrets } in servers.into_iter().filter(|loaded| loaded.server.spec.enabled) {
        let name = server.name.clone();
        match secrets.map(|secrets| server_of(server, &secrets)) {
            Ok(Ok(server)) => settings.servers.push(server),
            Ok(Err(problem)) => problems.push(problem),
            // Only this server is closed: without its secrets nothing goes there.
            Err(error) => loaded.warnings.push(format!("the server `{name}` cannot be used: {error}")),
        }
    }
    for policy in policies {
        match plan_of(&policy) {
            Ok(plan) => settings.policies.push(Arc::new(plan)),
            Err(lines) => problems.extend(lines),
        }
    }
    settings.grants.retain(|grant| !tombstones.iter().any(|tombstone| tombstone.label == grant.label));
    take_minted(settings, &grants);
    add_made(settings, made, &mut loaded.warnings);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Gives grants of the file that bring no token those that were minted for them.
fn take_minted(settings: &mut Settings, stored: &[toolgate_store::Grant]) {
    let minted: HashMap<&str, &toolgate_store::Grant> =
        stored.iter().filter(|g| g.managed_by_file).map(|g| (g.label.as_str(), g)).collect();
    for grant in settings.grants.iter_mut().filter(|grant| grant.tokens.is_empty()) {
        grant.tokens = minted.get(grant.label.as_str()).map(|g| tokens_of(g)).unwrap_or_default();
    }
}

fn add_made(settings: &mut Settings, made: Vec<&toolgate_store::Grant>, warnings: &mut Vec<String>) {
    for grant in made {
        let servers: Vec<_> =
            grant.spec.servers.iter().map(|b| (b.server.clone(), b.policy.clone())).collect();
        for (server, policy) in &servers {
            let known = settings.servers.iter().any(|s| s.name == *server)
                && settings.policies.iter().any(|p| p.name() == policy);
            if !known {
                warnings.push(format!(
                    "the grant `{}` names the server `{server}` under the policy `{policy}`; one of them is not \
                     there, so that it opens nothing on that server",
                    grant.label
                ));
            }
        }
        settings.grants.push(GrantSettings {
            label: grant.label.clone(),
            tokens: tokens_of(grant),
            servers,
            expires: grant.spec.expires,
            tags: grant.spec.tags.clone(),
            names: match grant.spec.names {
                toolgate_store::NameStyle::Dotted => Names::Dotted,
                toolgate_store::NameStyle::Underscore => Names::Underscore,
            },
        });
    }
}

fn tokens_of(grant: &toolgate_store::Grant) -> Vec<TokenSettings> {
    grant.tokens.iter().map(|t| TokenSettings { hash: *t.hash.bytes(), ends: t.ends }).collect()
}

fn plan_of(policy: &toolgate_store::Policy) -> Result<Plan, Vec<String>> {
    let document = &policy.current.document;
    let format = match document.syntax {
        Syntax::Json => Format::Json,
        Syntax::Yaml => Format::Yaml,
    };
    let place = format!("policy `{}`, version {}", policy.name, policy.current.number);
    match toolgate_policy::load(&document.text, format, &policy.name) {
        Ok(loaded) => Ok(loaded.plan),
        Err(problems) => Err(problems.iter().map(|problem| problem.render(&place)).collect()),
    }
}

fn server_of(server: Server, secrets: &[(String, Secret)]) -> Result<ServerSettings, String> {
    let (name, spec) = (server.name, server.spec);
    let bad =
        |what: &str| format!("the server `{name}` of the store has {what}: set it anew through the API");
    let reach = match spec.reach {
        toolgate_store::Reach::Http { url } => Reach::Http {
            url: url
                .whole()
                .and_then(|url| url.parse::<Uri>().ok())
                .ok_or_else(|| bad("a URL that cannot be read"))?,
            headers: secrets
                .iter()
                .map(|(header, value)| {
                    let mut value = HeaderValue::from_str(value.expose()).ok()?;
                    value.set_sensitive(true);
                    Some((header.parse::<HeaderName>().ok()?, value))
                })
                .collect::<Option<_>>()
                .ok_or_else(|| bad("a header that cannot be sent"))?,
        },
        toolgate_store::Reach::Command { program, args, shared } => Reach::Command {
            program,
            args: filled_arguments(&args, |name| {
                secrets.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose())
            }),
            env: secrets
                .iter()
                .map(|(variable, value)| (variable.clone(), value.expose().to_owned()))
                .collect(),
            shared,
        },
    };
    let protocol = match spec.protocol {
        toolgate_store::Protocol::Auto => Protocol::Auto,
        toolgate_store::Protocol::Legacy => Protocol::Legacy,
        toolgate_store::Protocol::Modern => Protocol::Modern,
    };
    Ok(ServerSettings { reach, protocol, timeout: spec.timeout, max_duration: spec.max_duration, name })
}
