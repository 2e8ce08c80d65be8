//! `toolgate grant rotate`

use std::time::Duration;

use clap::Args;
use toolgate_gateway::grants::{StoredGrant, StoredGrants, StoredToken};

use super::{mint, parse_label, show_token};
use crate::answer::{Answer, Done, Failure};
use crate::config::{Outline, unit};
use crate::data_dir;
use crate::shell::{Shell, now_micros};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The grant
    #[arg(value_parser = parse_label)]
    label: String,
    /// How long the old token stays valid beside the new one [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = toolgate_policy::parse_duration)]
    overlap: Option<Duration>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let now = now_micros();
    let overlap = i64::try_from(arguments.overlap.unwrap_or_default().as_micros()).unwrap_or(i64::MAX);
    let ends = now.saturating_add(overlap);
    let outline = arguments.data_dir.outline(&shell.environment);
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let token = mint()?;
    let new = StoredToken::of(&token);
    StoredGrants::update(&directory, |stored| {
        let grant = find(stored, &arguments.label, outline.as_ref(), now)?;
        replace_token(grant, new, now, ends);
        Ok::<_, Failure>(())
    })?;
    if arguments.overlap.is_some() && !arguments.json {
        shell.note(format_args!("The old token stays valid until {}.", unit::show_time(ends)))?;
    }
    let json = serde_json::json!({
        "label": arguments.label, "token": token, "previous_valid_until": unit::show_time(ends),
    });
    show_token(&token, arguments.json.then_some(json), shell)?;
    Ok(Answer::Yes)
}

/// Puts a token in place of the others, which end at `ends` or when they already would.
fn replace_token(grant: &mut StoredGrant, new: StoredToken, now: i64, ends: i64) {
    for token in &mut grant.tokens {
        token.ends = Some(token.ends.map_or(ends, |before| before.min(ends)));
    }
    grant.tokens.retain(|token| token.ends.is_none_or(|ends| now < ends));
    grant.tokens.push(new);
}

/// The grant whose token is kept in the data directory.
fn find<'s>(
    stored: &'s mut StoredGrants,
    label: &str,
    outline: Option<&Outline>,
    now: i64,
) -> Result<&'s mut StoredGrant, Failure> {
    let in_file = outline.and_then(|outline| outline.grants.iter().find(|grant| grant.label == label));
    if in_file.is_some_and(|grant| grant.brings_token) {
        return Err(Failure::no(format_args!(
            "the config file says what the token of `{label}` is: change `token_sha256` or the variable there"
        )));
    }
    let revoked = stored.tombstones.iter().any(|tombstone| tombstone.label == label);
    if revoked && (in_file.is_some() || outline.is_none()) {
        return Err(Failure::no(format_args!(
            "the grant `{label}` was revoked: make one with another label"
        )));
    }
    if let Some(index) = stored.grants.iter().position(|grant| grant.label == label) {
        return stored.grants.get_mut(index).ok_or_else(|| unknown(label));
    }
    if in_file.is_none() {
        return Err(unknown(label));
    }
    // A grant of the config file whose token was never minted gets its first one.
    stored.grants.push(StoredGrant {
        label: label.to_owned(),
        tokens: Vec::new(),
        servers: Vec::new(),
        expires: None,
        tags: Vec::new(),
        underscore_names: false,
        managed_by_file: true,
        created: now,
    });
    stored.grants.last_mut().ok_or_else(|| unknown(label))
}

pub(super) fn unknown(label: &str) -> Failure {
    Failure::no(format_args!("there is no grant `{label}`: `toolgate grant list` tells which there are"))
}
