//! Does what a plan says: policies and servers into the store, then for each file a grant, a backup, and the file
//! itself. One file that fails does not keep the others.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use toolgate_clients::{Entry, Target, point, replace};
use toolgate_gateway::token;
use toolgate_policy::Format;
use toolgate_store::{Binding, Change, Document, GrantSpec, NameStyle, Store, StoreError, Syntax, TokenHash};

use super::plan::{Plan, PlannedFile, PlannedServer};
use super::record::{Changed, Made, Run, fingerprint};
use super::surroundings::Surroundings;
use super::survey::Seen;
use crate::answer::Failure;
use crate::data_dir;
use crate::store::{AUTHOR, with_secrets};

/// What a run did.
pub(super) struct Done {
    pub(super) plan: Plan,
    /// Files that were changed, and where their backups are.
    pub(super) changed: Vec<(PathBuf, PathBuf)>,
    /// Files that were left, and why.
    pub(super) failed: Vec<(PathBuf, String)>,
    /// The config file, if it was made.
    pub(super) config: Option<PathBuf>,
}

/// Carries a plan out. Where it stops halfway, `--undo` takes back what was done.
pub(super) fn run(plan: Plan, surroundings: &Surroundings, now: i64) -> Result<Done, Failure> {
    let directory = &surroundings.data_dir;
    data_dir::create(directory)?;
    let mut run = Run::begin(directory, now)?;
    let config = make_config(surroundings, &mut run)?;
    let mut done = Done { plan, changed: Vec::new(), failed: Vec::new(), config };
    let change = Change::new(AUTHOR, now, &surroundings.names);
    let worked = with_secrets(directory, surroundings.key()?, async |store| {
        let mut work = Work { store, change: &change, run: &mut run, surroundings };
        for server in done.plan.used() {
            work.make(server).await?;
        }
        for file in done.plan.files.iter().filter(|file| !file.bindings.is_empty()) {
            let path = file.file.place.path.clone();
            match work.change(file, &done.plan).await? {
                Ok(backup) => done.changed.push((path, backup)),
                Err(why) => done.failed.push((path, why)),
            }
        }
        Ok(())
    });
    worked.map_err(|failure| Failure {
        answer: failure.answer,
        error: anyhow!("{:#}; `toolgate init --undo` takes back what was done before", failure.error),
    })?;
    Ok(done)
}

/// Without a config file a gateway does not start.
fn make_config(surroundings: &Surroundings, run: &mut Run) -> Result<Option<PathBuf>, Failure> {
    let (path, there) = &surroundings.config;
    if *there {
        return Ok(None);
    }
    let data_dir = serde_json::Value::from(surroundings.data_dir.to_string_lossy().into_owned());
    let text = format!(
        "# Toolgate's config file. The servers, policies and grants that `toolgate init` made are not here but in the\n\
         # store, in the data directory: `toolgate server list` and `toolgate grant list` show them.\n\
         data_dir: {data_dir}\nlisten: 127.0.0.1:8420\nconsole: 127.0.0.1:8421\n"
    );
    run.record.config = Some((path.clone(), fingerprint(&text)));
    run.save()?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(Some(path.clone()))
}

struct Work<'a> {
    store: &'a Store,
    change: &'a Change<'a>,
    run: &'a mut Run,
    surroundings: &'a Surroundings,
}

impl Work<'_> {
    /// Makes a server and its policy, as far as they are new.
    async fn make(&mut self, server: &PlannedServer) -> Result<(), StoreError> {
        if let Some((_, proposal)) = &server.found {
            let document = document(&server.policy, &proposal.document)?;
            let made = self.store.policies().create(&server.policy, &document, self.change).await?;
            self.run.record.policies.push(Made { name: made.name, revision: made.meta.revision });
            self.save()?;
        }
        if !server.known {
            let (spec, secrets) = (server.kept.spec(), server.kept.changes());
            let made = self.store.servers().create(&server.name, &spec, &secrets, self.change).await?;
            self.run.record.servers.push(Made { name: made.name, revision: made.meta.revision });
            self.save()?;
        }
        Ok(())
    }

    /// Gives a file's client its grant, and points the file at the gateway. The inner error is the file's own.
    async fn change(
        &mut self,
        planned: &PlannedFile,
        plan: &Plan,
    ) -> Result<Result<PathBuf, String>, StoreError> {
        let Ok(token) = token::mint() else { return Ok(Err("the system gives no random bytes".to_owned())) };
        let text = match self.pointed(planned, plan, &token) {
            Ok(text) => text,
            Err(why) => return Ok(Err(why)),
        };
        let held = &planned.file.held;
        let backup = format!("{:04}.backup", self.run.record.files.len());
        self.run.keep(&backup, &held.bytes).map_err(|error| self.broken(error))?;
        self.run.record.files.push(Changed {
            path: held.path.clone(),
            real: held.real.clone(),
            backup: backup.clone(),
            before: held.text().map(fingerprint).unwrap_or_default(),
            after: fingerprint(&text),
            grant: planned.label.clone(),
        });
        self.save()?;
        let hash = TokenHash::new(token::hash(&token));
        self.store.grants().create(&planned.label, &spec(planned, plan), hash, self.change).await?;
        match replace(held, text.as_bytes()) {
            Ok(()) => Ok(Ok(self.run.folder.join(backup))),
            Err(error) => {
                self.store.grants().revoke(&planned.label, self.change).await?;
                self.run.record.files.pop();
                self.save()?;
                Ok(Err(error.to_string()))
            }
        }
    }

    /// The file's text with its entries pointed at the gateway.
    fn pointed(&self, planned: &PlannedFile, plan: &Plan, token: &str) -> Result<String, String> {
        let file = &planned.file;
        let change = |(at, server): &(usize, usize)| -> Option<(&Entry, Target)> {
            let (seen, server): (&Seen, _) = (file.servers.get(*at)?, plan.servers.get(*server)?);
            let target = Target {
                url: self.surroundings.url(&server.name),
                token: token.to_owned(),
                program: self.surroundings.program.clone(),
            };
            Some((&seen.entry, target))
        };
        let changes: Vec<_> = planned.bindings.iter().filter_map(change).collect();
        let text = file.held.text().map_err(|error| error.to_string())?;
        point(file.place.client, file.place.syntax, text, &changes)
    }

    fn save(&self) -> Result<(), StoreError> {
        self.run.save().map_err(|error| self.broken(error))
    }

    fn broken(&self, source: io::Error) -> StoreError {
        StoreError::Io { path: self.run.folder.clone(), source }
    }
}

fn document(name: &str, text: &str) -> Result<Document, StoreError> {
    let loaded = toolgate_policy::load(text, Format::Json, name).map_err(|problems| StoreError::Invalid {
        what: problems.first().map(|problem| problem.render(name)).unwrap_or_default(),
        advice: "choose another preset",
    })?;
    let hash = loaded.plan.version().to_owned();
    let comment = Some("proposed by `toolgate init`".to_owned());
    Ok(Document { syntax: Syntax::Json, text: text.to_owned(), hash, comment })
}

/// A grant of a file's servers, each once.
fn spec(planned: &PlannedFile, plan: &Plan) -> GrantSpec {
    let mut servers: Vec<Binding> = Vec::new();
    for server in planned.bindings.iter().filter_map(|(_, server)| plan.servers.get(*server)) {
        if servers.iter().all(|binding| binding.server != server.name) {
            servers.push(Binding { server: server.name.clone(), policy: server.policy.clone() });
        }
    }
    GrantSpec { servers, expires: None, tags: vec!["init".to_owned()], names: NameStyle::Dotted }
}

/// Where a path is, for people: as short as it can be told.
pub(super) fn shown(path: &Path) -> String {
    crate::shell::printable(&path.display().to_string())
}
