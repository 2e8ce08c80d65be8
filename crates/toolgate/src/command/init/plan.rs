//! What a run would do: which servers it makes under which names and policies, and which entries of which files it
//! points at them.

use std::collections::BTreeSet;

use toolgate_clients::{Scope, places};
use toolgate_gateway::rules::is_server_name;
use toolgate_store::{OpenServer, Page};

use super::Arguments;
use super::kept::Kept;
use super::listing::{Listing, Proposal, ask_all};
use super::surroundings::Surroundings;
use super::survey::{File, State, Trouble, survey};
use crate::answer::Failure;
use crate::shell::{Shell, counted};
use crate::store::with_secrets;

/// Longest name of a server, policy or grant.
const LONGEST: usize = 64;

/// See the module.
pub(super) struct Plan {
    pub(super) files: Vec<PlannedFile>,
    pub(super) servers: Vec<PlannedServer>,
    pub(super) troubles: Vec<Trouble>,
    /// What else its reader should know.
    pub(super) hints: Vec<String>,
}

/// A file, and the grant that its client gets.
pub(super) struct PlannedFile {
    pub(super) file: File,
    /// The label of the grant.
    pub(super) label: String,
    /// Which of its servers become which.
    pub(super) bindings: Vec<(usize, usize)>,
}

/// A server behind the gateway.
pub(super) struct PlannedServer {
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) kept: Kept,
    /// Whether the store has it already.
    pub(super) known: bool,
    /// Its tools and the policy for them; none where its policy is there already.
    pub(super) found: Option<(Listing, Proposal)>,
}

/// What the store has.
#[derive(Default)]
struct Known {
    servers: Vec<OpenServer>,
    policies: BTreeSet<String>,
    grants: BTreeSet<String>,
}

impl Plan {
    /// Looks at clients and store, and asks the servers that are new.
    pub(super) fn make(
        arguments: &Arguments,
        surroundings: &Surroundings,
        shell: &mut Shell,
    ) -> Result<Self, Failure> {
        let (files, troubles) = survey(arguments, surroundings);
        let known = known(surroundings)?;
        let mut names = Names::of(&known, surroundings);
        let mut servers = Vec::new();
        let mut planned = Vec::new();
        for mut file in files {
            let bindings = bind(&mut file, &mut servers, &known, &mut names);
            planned.push(PlannedFile { file, label: String::new(), bindings });
        }
        ask(&mut servers, arguments, surroundings, shell)?;
        for file in &mut planned {
            leave_refused(file, &servers);
            if !file.bindings.is_empty() {
                file.label = names.label(&file.file);
            }
        }
        let hints = hints(arguments, surroundings);
        Ok(Self { files: planned, servers, troubles, hints })
    }

    /// Whether anything is to be done.
    pub(super) fn changes_anything(&self) -> bool {
        self.files.iter().any(|file| !file.bindings.is_empty())
    }

    /// The servers that a file is to use, with their place in the list.
    pub(super) fn used(&self) -> impl Iterator<Item = &PlannedServer> {
        let used: BTreeSet<usize> =
            self.files.iter().flat_map(|f| f.bindings.iter().map(|(_, s)| *s)).collect();
        self.servers.iter().enumerate().filter(move |(at, _)| used.contains(at)).map(|(_, server)| server)
    }
}

fn known(surroundings: &Surroundings) -> Result<Known, Failure> {
    if !surroundings.data_dir.join(toolgate_store::FILE).exists() {
        return Ok(Known::default());
    }
    with_secrets(&surroundings.data_dir, surroundings.key()?, async |store| {
        let mut servers = Vec::new();
        for server in store.servers().list(Page::ALL).await? {
            servers.push(store.servers().open(&server.name).await?);
        }
        let policies =
            store.policies().list(Page::ALL).await?.into_iter().map(|policy| policy.name).collect();
        let mut grants: BTreeSet<String> =
            store.grants().list(Page::ALL).await?.into_iter().map(|grant| grant.label).collect();
        grants.extend(store.grants().tombstones().await?.into_iter().map(|tombstone| tombstone.label));
        Ok(Known { servers, policies, grants })
    })
}

/// Finds the server of each entry that can be imported; the same server is found once.
fn bind(
    file: &mut File,
    servers: &mut Vec<PlannedServer>,
    known: &Known,
    names: &mut Names,
) -> Vec<(usize, usize)> {
    let mut bindings = Vec::new();
    for (at, seen) in file.servers.iter_mut().enumerate() {
        let State::Import(launch) = &seen.state else { continue };
        let kept = match Kept::of(launch) {
            Ok(kept) => kept,
            Err(why) => {
                seen.state = State::Left(why);
                continue;
            }
        };
        let server = servers.iter().position(|server| server.kept == kept).unwrap_or_else(|| {
            servers.push(planned(kept, &seen.entry.name, known, names));
            servers.len() - 1
        });
        bindings.push((at, server));
    }
    bindings
}

fn planned(kept: Kept, wish: &str, known: &Known, names: &mut Names) -> PlannedServer {
    let before = known.servers.iter().find(|server| kept.is(server)).map(|server| server.server.name.clone());
    let name = before.clone().unwrap_or_else(|| names.server(wish));
    let policy = if before.is_none() { name.clone() } else { names.policy_of(&name, known) };
    PlannedServer { name, policy, kept, known: before.is_some(), found: None }
}

/// Asks the servers whose policy is still to be made.
fn ask(
    servers: &mut [PlannedServer],
    arguments: &Arguments,
    surroundings: &Surroundings,
    shell: &mut Shell,
) -> Result<(), Failure> {
    let known = known(surroundings)?;
    let mut asked: Vec<&mut PlannedServer> =
        servers.iter_mut().filter(|server| !known.policies.contains(&server.policy)).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let count = counted(u64::try_from(asked.len()).unwrap_or(u64::MAX), "server");
    shell.note(format_args!("Asking {count} for their tools …"))?;
    let kept: Vec<Kept> = asked.iter().map(|server| server.kept.clone()).collect();
    let how = (arguments.timeout, arguments.preset.preset());
    let answers = ask_all(&kept, &surroundings.environment.for_children(), how)?;
    for (server, answer) in asked.iter_mut().zip(answers) {
        server.found = Some(answer);
    }
    Ok(())
}

/// An entry whose server wants its client's own sign-in stays as it is.
fn leave_refused(file: &mut PlannedFile, servers: &[PlannedServer]) {
    let refused = |server: &usize| {
        servers.get(*server).is_some_and(|server| matches!(server.found, Some((Listing::Refused, _))))
    };
    for (at, _) in file.bindings.iter().filter(|(_, server)| refused(server)) {
        if let Some(seen) = file.file.servers.get_mut(*at) {
            let why = "it refuses what the file has for it: if the client signs in by OAuth, the gateway cannot do so";
            seen.state = State::Left(why.to_owned());
        }
    }
    file.bindings.retain(|(_, server)| !refused(server));
}

/// Names that are in use, and those that were given out.
struct Names {
    servers: BTreeSet<String>,
    grants: BTreeSet<String>,
}

impl Names {
    /// A server and its policy have one name, which neither may have already.
    fn of(known: &Known, surroundings: &Surroundings) -> Self {
        let of_file = &surroundings.names;
        let servers = known.servers.iter().map(|server| server.server.name.clone());
        Self {
            servers: servers
                .chain(known.policies.iter().cloned())
                .chain(of_file.servers.iter().cloned())
                .chain(of_file.policies.iter().cloned())
                .collect(),
            grants: known.grants.iter().chain(&of_file.grants).cloned().collect(),
        }
    }

    fn server(&mut self, wish: &str) -> String {
        let mut name = slug(wish);
        if !is_server_name(&name) {
            name = if name.is_empty() { "server".to_owned() } else { format!("{name}-server") };
        }
        free(&name, &mut self.servers)
    }

    /// The policy of a server that is there already: the one of its name, or a new one.
    fn policy_of(&mut self, server: &str, known: &Known) -> String {
        if known.policies.contains(server) { server.to_owned() } else { free(server, &mut self.servers) }
    }

    fn label(&mut self, file: &File) -> String {
        let client = file.place.client.name();
        let wish = match &file.place.scope {
            Scope::User => client.to_owned(),
            Scope::Project(folder) => {
                let folder = slug(&folder.file_name().unwrap_or_default().to_string_lossy());
                if folder.is_empty() { client.to_owned() } else { format!("{client}-{folder}") }
            }
        };
        free(&wish, &mut self.grants)
    }
}

/// The name in the letters that every name may have.
fn slug(wish: &str) -> String {
    let plain = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-') { c } else { '-' }
    };
    let text: String = wish.chars().map(plain).collect();
    let text = text.trim_matches(['-', '_']);
    // One byte a character, by now.
    text.chars().take(LONGEST - 12).collect::<String>().trim_matches(['-', '_']).to_owned()
}

/// The wish, or the wish with a number behind it.
fn free(wish: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number: u32| format!("{wish}-{number}"));
    let name = std::iter::once(wish.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let name = name.unwrap_or_default();
    taken.insert(name.clone());
    name
}

/// Projects are looked at only where they are named; that there is one here is worth a word.
fn hints(arguments: &Arguments, surroundings: &Surroundings) -> Vec<String> {
    let Ok(here) = std::env::current_dir() else { return Vec::new() };
    if !arguments.projects.is_empty() || here == surroundings.folders.home {
        return Vec::new();
    }
    let found = places(&surroundings.folders, &[here]);
    let found: Vec<String> = found
        .iter()
        .filter(|place| place.scope != Scope::User)
        .map(|place| place.path.display().to_string())
        .collect();
    if found.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "this folder has files of clients, too ({}): `--project .` includes them, which starts the commands that \
         they name and writes tokens into them",
        found.join(", ")
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_clients_call_their_servers() {
        for (wish, expected) in
            [("GitHub (work)", "github--work"), ("mcp", "mcp"), ("-ü-", ""), ("a.b", "a-b"), ("__x", "x")]
        {
            assert_eq!(slug(wish), expected);
        }
        assert!(slug(&"a".repeat(200)).len() < LONGEST);
        let mut names = Names { servers: BTreeSet::from(["github".to_owned()]), grants: BTreeSet::new() };
        assert_eq!(names.server("GitHub"), "github-2");
        assert_eq!(names.server("github"), "github-3");
        assert_eq!(names.server("mcp"), "mcp-server");
        assert_eq!(names.server("日本"), "server");
        assert!(names.servers.iter().all(|name| is_server_name(name)));
    }
}
