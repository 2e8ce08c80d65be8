//! A plan, and what became of it, for people and for programs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use toolgate_clients::Scope;

use super::apply::{Done, shown};
use super::listing::{Listing, Tool};
use super::plan::{Plan, PlannedFile, PlannedServer};
use super::surroundings::Surroundings;
use super::survey::{Seen, State};
use crate::data_dir::is_in_use;
use crate::shell::{Shell, Tone, counted, printable};

/// Prints the plan.
pub(super) fn print(plan: &Plan, surroundings: &Surroundings, shell: &mut Shell) -> io::Result<()> {
    if plan.files.is_empty() && plan.troubles.is_empty() {
        shell.line("No file of an MCP client with a server in it was found.")?;
    }
    for file in &plan.files {
        print_file(file, plan, shell)?;
    }
    if plan.changes_anything() {
        let title = shell.toned(Tone::Strong, "Behind the gateway");
        shell.line(format_args!("{title}, {}", surroundings.gateway))?;
        let width = plan.used().map(|server| server.name.len()).max().unwrap_or_default();
        for server in plan.used() {
            print_server(server, width, shell)?;
        }
    } else if !plan.files.is_empty() {
        shell.line("There is nothing to do.")?;
    }
    for trouble in &plan.troubles {
        let label = shell.toned(Tone::Doubtful, "passed over");
        shell.note(format_args!("{label}: {}: {}", shown(&trouble.path), printable(&trouble.message)))?;
    }
    for note in notes(plan) {
        shell.note(format_args!("note: {}", printable(&note)))?;
    }
    Ok(())
}

fn print_file(file: &PlannedFile, plan: &Plan, shell: &mut Shell) -> io::Result<()> {
    let client = shell.toned(Tone::Strong, file.file.place.client.title());
    let grant =
        if file.label.is_empty() { String::new() } else { format!(", with the grant `{}`", file.label) };
    shell.line(format_args!("{client}: {}{grant}", shown(&file.file.place.path)))?;
    let width =
        file.file.servers.iter().map(|seen| seen.entry.name.chars().count()).max().unwrap_or_default();
    for (at, seen) in file.file.servers.iter().enumerate() {
        let name = printable(&seen.entry.name);
        let said = match (&seen.state, server_of(file, at, plan)) {
            (_, Some(server)) if server.known => format!("becomes `{}`, which is there already", server.name),
            (_, Some(server)) => format!("becomes `{}`", server.name),
            (State::Ours, None) => "leads to the gateway already".to_owned(),
            (State::Left(why), None) => format!("stays as it is: {}", printable(why)),
            (State::Import(_), None) => "stays as it is".to_owned(),
        };
        let within =
            seen.entry.project.as_ref().map(|p| format!(" (in {})", printable(p))).unwrap_or_default();
        shell.line(format_args!("  {name:<width$}  {said}{within}"))?;
    }
    shell.line("")
}

fn server_of<'p>(file: &PlannedFile, at: usize, plan: &'p Plan) -> Option<&'p PlannedServer> {
    let (_, server) = file.bindings.iter().find(|(entry, _)| *entry == at)?;
    plan.servers.get(*server)
}

fn print_server(server: &PlannedServer, width: usize, shell: &mut Shell) -> io::Result<()> {
    let (name, indent) = (&server.name, " ".repeat(width + 4));
    shell.line(format_args!("  {name:<width$}  {}", printable(&server.kept.shown())))?;
    let secrets: Vec<&str> = server.kept.secret_names().collect();
    if !secrets.is_empty() && !server.known {
        shell.line(format_args!("{indent}sealed in the store: {}", printable(&secrets.join(", "))))?;
    }
    match &server.found {
        None => shell.line(format_args!("{indent}its policy `{}` is there already", server.policy)),
        Some((Listing::Tools(tools), _)) => shell.line(format_args!(
            "{indent}{}: {}; policy `{}`: {}",
            counted(u64::try_from(tools.len()).unwrap_or(u64::MAX), "tool"),
            sums(tools, |tool| tool.category.name()),
            server.policy,
            sums(tools, |tool| tool.treatment)
        )),
        Some((Listing::Silent(why), _)) => {
            let label = shell.toned(Tone::Doubtful, "cannot be asked for its tools");
            let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" | ");
            shell.line(format_args!("{indent}{label}, so its policy denies everything: {}", printable(&why)))
        }
        Some((Listing::Refused, _)) => Ok(()),
    }
}

/// `8 read, 2 write`
fn sums(tools: &[Tool], word: impl Fn(&Tool) -> &'static str) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tool in tools {
        *counts.entry(word(tool)).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// What a reader should know before he agrees.
fn notes(plan: &Plan) -> Vec<String> {
    let mut notes: Vec<String> = plan
        .used()
        .filter_map(|server| server.found.as_ref().map(|(_, proposal)| (server, proposal)))
        .flat_map(|(server, proposal)| proposal.notes.iter().map(|note| format!("{}: {note}", server.name)))
        .collect();
    for file in plan.files.iter().filter(|file| !file.bindings.is_empty()) {
        if let Scope::Project(folder) = &file.file.place.scope
            && folder.ancestors().any(|folder| folder.join(".git").exists())
        {
            let path = file.file.place.path.display();
            notes.push(format!("{path} is in a Git work tree, and gets a token: do not commit it"));
        }
    }
    notes.extend(plan.hints.iter().cloned());
    notes
}

/// Prints what was done.
pub(super) fn print_done(done: &Done, surroundings: &Surroundings, shell: &mut Shell) -> io::Result<()> {
    shell.line("")?;
    for (path, backup) in &done.changed {
        shell.line(format_args!("{} is changed; its backup is {}", shown(path), shown(backup)))?;
    }
    for (path, why) in &done.failed {
        let label = shell.toned(Tone::Bad, "left as it is");
        shell.line(format_args!("{}: {label}: {}", shown(path), printable(why)))?;
    }
    if let Some(path) = &done.config {
        shell.line(format_args!("{} is made.", shown(path)))?;
    }
    let running = is_in_use(&surroundings.data_dir);
    let config = shown(&surroundings.config.0);
    if running {
        shell.line("The gateway that runs takes it over within a second. Start your clients anew.")
    } else {
        shell.line(format_args!(
            "Start the gateway with `toolgate up --config {config}`, then your clients anew."
        ))
    }?;
    shell.line("`toolgate init --undo` takes it back.")
}

/// The plan as JSON, with what was done where it was carried out.
pub(super) fn json(plan: &Plan, surroundings: &Surroundings, done: Option<&Done>) -> Value {
    let troubles =
        plan.troubles.iter().map(|trouble| json!({ "path": trouble.path, "reason": trouble.message }));
    let mut value = json!({
        "gateway": surroundings.gateway,
        "data_dir": surroundings.data_dir,
        "files": plan.files.iter().map(|file| json_file(file, plan)).collect::<Vec<_>>(),
        "servers": plan.used().map(json_server).collect::<Vec<_>>(),
        "problems": troubles.collect::<Vec<_>>(),
        "notes": notes(plan),
    });
    if let (Some(done), Value::Object(members)) = (done, &mut value) {
        let changed = |(path, backup): &(_, _)| json!({ "path": path, "backup": backup });
        let failed = |(path, why): &(_, String)| json!({ "path": path, "reason": why });
        let done = json!({
            "changed": done.changed.iter().map(changed).collect::<Vec<_>>(),
            "failed": done.failed.iter().map(failed).collect::<Vec<_>>(),
            "config": done.config,
        });
        members.insert("done".to_owned(), done);
    }
    value
}

fn json_file(file: &PlannedFile, plan: &Plan) -> Value {
    let project: Option<&Path> = match &file.file.place.scope {
        Scope::User => None,
        Scope::Project(folder) => Some(folder),
    };
    let servers: Vec<Value> = file
        .file
        .servers
        .iter()
        .enumerate()
        .map(|(at, seen)| json_seen(seen, server_of(file, at, plan)))
        .collect();
    json!({
        "client": file.file.place.client.name(),
        "path": file.file.place.path,
        "project": project,
        "grant": (!file.label.is_empty()).then_some(&file.label),
        "servers": servers,
    })
}

fn json_seen(seen: &Seen, server: Option<&PlannedServer>) -> Value {
    let (action, reason) = match (&seen.state, server) {
        (_, Some(_)) => ("import", None),
        (State::Ours, None) => ("none", Some("it leads to the gateway already")),
        (State::Left(why), None) => ("leave", Some(why.as_str())),
        (State::Import(_), None) => ("leave", None),
    };
    json!({
        "name": seen.entry.name,
        "line": seen.entry.line,
        "project": seen.entry.project,
        "action": action,
        "server": server.map(|server| &server.name),
        "reason": reason,
    })
}

fn json_server(server: &PlannedServer) -> Value {
    let tool =
        |tool: &Tool| json!({ "name": tool.name, "category": tool.category, "treatment": tool.treatment });
    let (tools, error) = match &server.found {
        Some((Listing::Tools(tools), _)) => (Some(tools.iter().map(tool).collect::<Vec<_>>()), None),
        Some((Listing::Silent(why), _)) => (None, Some(why)),
        Some((Listing::Refused, _)) | None => (None, None),
    };
    let document = server.found.as_ref().map(|(_, proposal)| &proposal.document);
    let document: Option<Value> = document.and_then(|text| serde_json::from_str(text).ok());
    json!({
        "name": server.name,
        "new": !server.known,
        "reach": server.kept.shown(),
        "secrets": server.kept.secret_names().collect::<Vec<_>>(),
        "tools": tools,
        "error": error,
        "policy": { "name": server.policy, "document": document },
    })
}
