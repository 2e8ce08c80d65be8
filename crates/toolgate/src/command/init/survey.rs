//! What the files of clients say: which servers can be imported, which lead to the gateway already, and which are
//! left as they are, and why.

use std::path::{Path, PathBuf};

use toolgate_clients::{Entry, Held, Launch, Place, Scope, Variables, entries, hold, launch, places};
use toolgate_gateway::rules::{UrlFault, server_url};

use super::Arguments;
use super::surroundings::Surroundings;

/// A client's file with its servers.
pub(super) struct File {
    pub(super) place: Place,
    pub(super) held: Held,
    pub(super) servers: Vec<Seen>,
}

/// One server of a file.
pub(super) struct Seen {
    pub(super) entry: Entry,
    pub(super) state: State,
}

/// What is to become of it.
pub(super) enum State {
    /// Its server is imported.
    Import(Launch),
    /// It leads to this gateway already.
    Ours,
    /// It stays as it is.
    Left(String),
}

/// Something that cannot be read, and why; the others go on.
pub(super) struct Trouble {
    pub(super) path: PathBuf,
    pub(super) message: String,
}

/// Looks at all files of the chosen clients.
pub(super) fn survey(arguments: &Arguments, surroundings: &Surroundings) -> (Vec<File>, Vec<Trouble>) {
    let chosen = |place: &Place| arguments.clients.is_empty() || arguments.clients.contains(&place.client);
    let mut files: Vec<File> = Vec::new();
    let mut troubles = Vec::new();
    for place in places(&surroundings.folders, &surroundings.projects).into_iter().filter(chosen) {
        let path = place.path.clone();
        match read(place, surroundings, &mut troubles) {
            // Two places may be one file, by a link.
            Ok(file) if files.iter().any(|other| other.held.real == file.held.real) => {}
            Ok(file) if file.servers.is_empty() => {}
            Ok(file) => files.push(file),
            Err(message) => troubles.push(Trouble { path, message }),
        }
    }
    (files, troubles)
}

fn read(place: Place, surroundings: &Surroundings, troubles: &mut Vec<Trouble>) -> Result<File, String> {
    let project = match &place.scope {
        Scope::User => None,
        Scope::Project(folder) => Some(folder.as_path()),
    };
    let held = hold(&place.path, project).map_err(|error| error.to_string())?;
    let text = held.text().map_err(|error| error.to_string())?;
    let mut servers = Vec::new();
    for found in entries(place.client, place.syntax, text).map_err(|error| error.to_string())? {
        match found {
            Ok(entry) => {
                let state = state(&place, &entry, project, surroundings);
                servers.push(Seen { entry, state });
            }
            Err(error) => troubles.push(Trouble { path: place.path.clone(), message: error.to_string() }),
        }
    }
    Ok(File { place, held, servers })
}

fn state(place: &Place, entry: &Entry, project: Option<&Path>, surroundings: &Surroundings) -> State {
    let environment = &surroundings.environment;
    let pair = |name: &str| Some((name.to_owned(), environment.get(name)?.to_owned()));
    let variables = Variables {
        environment: environment.names().filter_map(pair).collect(),
        home: surroundings.folders.home.clone(),
        project: project.map(Path::to_owned).or_else(|| entry.project.as_ref().map(PathBuf::from)),
        folder: place.path.parent().map(Path::to_owned).unwrap_or_default(),
    };
    match launch(place.client, entry, &variables) {
        Ok(launch) if is_ours(&launch, surroundings) => State::Ours,
        Ok(Launch::Web { url, headers }) => match server_url(&url) {
            Ok(_) => State::Import(Launch::Web { url, headers }),
            Err(UrlFault::Form) => State::Left("its URL is none of `http` or `https`".to_owned()),
            Err(UrlFault::Credentials) => {
                State::Left("its URL holds a password: put that into a header `Authorization`".to_owned())
            }
        },
        Ok(launch @ Launch::Command { .. }) => State::Import(launch),
        Err(why) => State::Left(why),
    }
}

/// Whether an entry leads to the gateway, by URL or through `toolgate connect`.
fn is_ours(launch: &Launch, surroundings: &Surroundings) -> bool {
    let base = surroundings.url("");
    match launch {
        Launch::Web { url, .. } => url.starts_with(&base),
        Launch::Command { program, args, .. } => {
            let name = Path::new(program).file_stem();
            name.is_some_and(|name| name == "toolgate") && args.first().is_some_and(|arg| arg == "connect")
        }
    }
}
