//! `toolgate grant list`

mod shown;

use clap::Args;
use serde::Serialize;
use toolgate_gateway::settings::GrantSettings;
use toolgate_store::{Grant, Page, Tombstone};

use crate::answer::{Answer, Done, Failure};
use crate::api::Target;
use crate::config::{self, Finding, Overrides, Surroundings, unit};
use crate::shell::{Shell, Tone, now_micros, printable};
use crate::store::with_store;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// A grant as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    label: String,
    /// `file`: the config file has it; `api`: a command or the admin API made it.
    managed_by: &'static str,
    state: &'static str,
    servers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    tags: Vec<String>,
    /// How many tokens open it now.
    tokens: usize,
    /// When one of them was used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    // A running gateway knows what it has taken over; without one the file and the store tell.
    let rows = match arguments.target.find(shell)? {
        Some(api) => {
            let shown = api.list("grants")?;
            shown.into_iter().map(|grant| shown::row(grant, now_micros())).collect::<Result<_, _>>()?
        }
        None => rows_here(arguments, shell)?,
    };
    if arguments.json {
        let rows: Vec<_> = rows.iter().map(json).collect();
        shell.json(&serde_json::json!({ "grants": rows }))?;
        return Ok(Answer::Yes);
    }
    for row in &rows {
        let line = line(row, shell);
        shell.line(line)?;
    }
    if rows.is_empty() {
        shell.note("no grants: make one with `toolgate grant create`")?;
    }
    Ok(Answer::Yes)
}

/// The grants of config file and store, which are there without a gateway too.
fn rows_here(arguments: &Arguments, shell: &mut Shell) -> Result<Vec<Row>, Failure> {
    let in_file = grants_of_file(arguments, shell)?;
    let directory = arguments.target.data_dir.locate(&shell.environment)?;
    // Nothing was kept where there is no data directory, and listing makes none.
    let (stored, tombstones) = if directory.is_dir() {
        with_store(&directory, async |store| {
            Ok((store.grants().list(Page::ALL).await?, store.grants().tombstones().await?))
        })?
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(rows(&in_file, &stored, &tombstones, now_micros()))
}

/// The grants of the config file; a broken one is passed over with a warning.
fn grants_of_file(arguments: &Arguments, shell: &mut Shell) -> std::io::Result<Vec<GrantSettings>> {
    let Some(path) = arguments.target.data_dir.config() else { return Ok(Vec::new()) };
    let surroundings = Surroundings { environment: &shell.environment, overrides: &Overrides::default() };
    let reading = config::read(&path, surroundings);
    if reading.settings.is_none() {
        let first = reading.findings.iter().find(|finding| finding.is_error()).map(Finding::render);
        let first = first.unwrap_or_default();
        shell.note(format_args!("warning: the grants of the config file are left out: {first}"))?;
    }
    Ok(reading.settings.map(|settings| settings.grants).unwrap_or_default())
}

/// How a grant is that was not revoked.
fn state(expires: Option<i64>, tokens: usize, now: i64) -> &'static str {
    match expires {
        Some(expires) if expires <= now => "expired",
        _ if tokens == 0 => "no token yet",
        _ => "active",
    }
}

fn rows(in_file: &[GrantSettings], stored: &[Grant], tombstones: &[Tombstone], now: i64) -> Vec<Row> {
    let tokens =
        |grant: &Grant| grant.tokens.iter().filter(|token| token.ends.is_none_or(|ends| now < ends)).count();
    let last_used = |grants: &mut dyn Iterator<Item = &Grant>| {
        grants.flat_map(|grant| &grant.tokens).filter_map(|token| token.last_used).max().map(unit::show_time)
    };
    let is_revoked = |label: &str| tombstones.iter().any(|tombstone| tombstone.label == label);
    let state = |expires, tokens| state(expires, tokens, now);
    let of_file = in_file.iter().map(|grant| {
        let minted = stored.iter().filter(|other| other.label == grant.label).map(tokens).sum();
        let tokens = if grant.tokens.is_empty() { minted } else { grant.tokens.len() };
        let revoked = is_revoked(&grant.label);
        Row {
            label: grant.label.clone(),
            managed_by: "file",
            state: if revoked { "revoked" } else { state(grant.expires, tokens) },
            servers: grant.servers.clone(),
            expires: grant.expires.map(unit::show_time),
            tags: grant.tags.clone(),
            tokens: if revoked { 0 } else { tokens },
            last_used: last_used(&mut stored.iter().filter(|other| other.label == grant.label)),
        }
    });
    let made = stored.iter().filter(|grant| !grant.managed_by_file);
    let of_api = made.map(|grant| Row {
        label: grant.label.clone(),
        managed_by: "api",
        state: state(grant.spec.expires, tokens(grant)),
        servers: grant.spec.servers.iter().map(|b| (b.server.clone(), b.policy.clone())).collect(),
        expires: grant.spec.expires.map(unit::show_time),
        tags: grant.spec.tags.clone(),
        tokens: tokens(grant),
        last_used: last_used(&mut std::iter::once(grant)),
    });
    of_file.chain(of_api).collect()
}

fn json(row: &Row) -> serde_json::Value {
    let servers: serde_json::Map<_, _> =
        row.servers.iter().map(|(server, policy)| (server.clone(), policy.clone().into())).collect();
    let mut value = serde_json::to_value(row).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("servers".to_owned(), servers.into());
    }
    value
}

fn line(row: &Row, shell: &Shell) -> String {
    let tone = match row.state {
        "active" => Tone::Good,
        "no token yet" => Tone::Doubtful,
        _ => Tone::Bad,
    };
    let servers: Vec<_> = row.servers.iter().map(|(server, policy)| format!("{server}={policy}")).collect();
    let mut parts =
        vec![row.label.clone(), shell.toned(tone, row.state), format!("managed by {}", row.managed_by)];
    parts.push(servers.join(" "));
    parts.extend(row.expires.as_ref().map(|expires| format!("expires {expires}")));
    if !row.tags.is_empty() {
        parts.push(format!("tags {}", row.tags.join(", ")));
    }
    parts.extend(row.last_used.as_ref().map(|last| format!("last used {last}")));
    if row.tokens > 1 {
        parts.push(format!("{} tokens while a rotation overlaps", row.tokens));
    }
    printable_but_colours(parts)
}

/// The first three parts are ours; the others come from files.
fn printable_but_colours(parts: Vec<String>) -> String {
    let texts = parts.into_iter().enumerate();
    texts.map(|(index, text)| if index < 3 { text } else { printable(&text) }).collect::<Vec<_>>().join("  ")
}
