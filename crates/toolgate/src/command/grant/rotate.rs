//! `toolgate grant rotate`

use std::time::Duration;

use clap::Args;
use serde_json::json;
use toolgate_gateway::token;
use toolgate_store::{Change, StoreError, TokenHash};

use super::{file_names, mint, parse_label, show_token, token_of};
use crate::answer::{Answer, Done, Failure};
use crate::api::Target;
use crate::config::unit;
use crate::shell::{Shell, now_micros};
use crate::store::{AUTHOR, with_store};

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
    target: Target,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let now = now_micros();
    let overlap = arguments.overlap.unwrap_or_default();
    let ends = now.saturating_add(i64::try_from(overlap.as_micros()).unwrap_or(i64::MAX));
    let token = match arguments.target.find(shell)? {
        Some(api) => {
            // In whole seconds, and not less than was asked for.
            let seconds = overlap.as_secs().saturating_add(u64::from(overlap.subsec_nanos() > 0));
            let body = json!({ "overlap_seconds": seconds });
            token_of(&api.post(&format!("grants/{}/rotate", arguments.label), &body)?)?
        }
        None => on_store(arguments, (now, ends), shell)?,
    };
    if arguments.overlap.is_some() && !arguments.json {
        shell.note(format_args!("The old token stays valid until {}.", unit::show_time(ends)))?;
    }
    let json = json!({
        "label": arguments.label, "token": token, "previous_valid_until": unit::show_time(ends),
    });
    show_token(&token, arguments.json.then_some(json), shell)?;
    Ok(Answer::Yes)
}

/// Rotates in the store.
fn on_store(arguments: &Arguments, (now, ends): (i64, i64), shell: &Shell) -> Result<String, Failure> {
    let outline = arguments.target.data_dir.outline(&shell.environment);
    let directory = arguments.target.data_dir.existing(&shell.environment)?;
    let label = &arguments.label;
    let in_file = outline.as_ref().and_then(|o| o.grants.iter().find(|grant| grant.label == *label));
    if in_file.is_some_and(|grant| grant.brings_token) {
        return Err(Failure::no(format_args!(
            "the config file says what the token of `{label}` is: change `token_sha256` or the variable there"
        )));
    }
    let names = file_names(&arguments.target.data_dir, outline.as_ref());
    let change = Change::new(AUTHOR, now, &names);
    let token = mint()?;
    let hash = TokenHash::new(token::hash(&token));
    with_store(&directory, async |store| {
        match store.grants().rotate(label, hash, ends, &change).await {
            // A grant of the config file whose token was never minted gets its first one.
            Err(StoreError::NotFound { .. }) if in_file.is_some() => {
                store.grants().mint_for_file(label, hash, &change).await.map(drop)
            }
            rotated => rotated.map(drop),
        }
    })?;
    Ok(token)
}
