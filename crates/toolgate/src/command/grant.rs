//! `toolgate grant`: the grants of a running gateway, over its admin API, or else those in the store. Only hashes of
//! tokens are kept.

mod create;
mod list;
mod revoke;
mod rotate;

use anyhow::anyhow;
use clap::Subcommand;
use toolgate_gateway::token;
use toolgate_store::FileNames;

use crate::answer::{Done, Failure};
use crate::config::{Outline, is_label};
use crate::data_dir;
use crate::shell::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum Arguments {
    /// Make a grant; its token is printed once
    Create(create::Arguments),
    /// List the grants of config file and data directory
    List(list::Arguments),
    /// Give a grant a new token, printed once
    Rotate(rotate::Arguments),
    /// End a grant; wins over the config file
    Revoke(revoke::Arguments),
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    match arguments {
        Arguments::Create(arguments) => create::run(arguments, shell),
        Arguments::List(arguments) => list::run(arguments, shell),
        Arguments::Rotate(arguments) => rotate::run(arguments, shell),
        Arguments::Revoke(arguments) => revoke::run(arguments, shell),
    }
}

fn parse_label(text: &str) -> Result<String, String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    Err("use 1 to 64 letters, digits, `.`, `_` and `-`".to_owned())
}

/// What the config file manages, as far as it can be told.
fn file_names(options: &data_dir::Options, outline: Option<&Outline>) -> FileNames {
    let grants = outline.into_iter().flat_map(|o| &o.grants).map(|grant| grant.label.clone());
    let path = options.config();
    FileNames {
        unread: path.is_some() && outline.is_none(),
        path: path.unwrap_or_default(),
        grants: grants.collect(),
        ..FileNames::default()
    }
}

/// The new token in an answer of the admin API.
fn token_of(answer: &serde_json::Value) -> Result<String, Failure> {
    let token = answer.get("token").and_then(serde_json::Value::as_str).map(str::to_owned);
    token.ok_or_else(|| {
        Failure::unreachable(anyhow!("the gateway's answer holds no token: try `grant rotate`"))
    })
}

fn mint() -> Result<String, Failure> {
    token::mint().map_err(|error| Failure::unreachable(anyhow!("the system gives no random bytes: {error}")))
}

/// Prints a new token: alone on standard output, so that it can be caught there, or within JSON.
fn show_token(token: &str, json: Option<serde_json::Value>, shell: &mut Shell) -> Result<(), Failure> {
    match json {
        Some(value) => shell.json(&value)?,
        None => {
            shell.line(token)?;
            shell.note("This token is shown once; only its hash is kept.")?;
        }
    }
    Ok(())
}
