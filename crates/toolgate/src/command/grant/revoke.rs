//! `toolgate grant revoke`

use clap::Args;
use toolgate_gateway::grants::{StoredGrants, Tombstone};

use super::parse_label;
use super::rotate::unknown;
use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, now_micros};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The grant
    #[arg(value_parser = parse_label)]
    label: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

/// Where a grant comes from, as far as can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The config file has it.
    File,
    /// The config file does not have it, or there is none.
    NotFile,
    /// There is a config file, and it cannot be parsed.
    Unclear,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let label = &arguments.label;
    let outline = arguments.data_dir.outline(&shell.environment);
    let origin = match (&outline, arguments.data_dir.config()) {
        (Some(outline), _) if outline.grants.iter().any(|grant| grant.label == *label) => Origin::File,
        (Some(_), _) | (None, None) => Origin::NotFile,
        (None, Some(_)) => Origin::Unclear,
    };
    let directory = arguments.data_dir.ensured(&shell.environment)?;
    let now = now_micros();
    StoredGrants::update(&directory, |stored| revoke(stored, label, origin, now))?;
    if arguments.json {
        shell.json(&serde_json::json!({ "label": label, "revoked": true }))?;
        return Ok(Answer::Yes);
    }
    shell.line(format_args!("The grant `{label}` is revoked."))?;
    match origin {
        Origin::File => {
            shell.note("The config file still has it; the revocation wins, also after a restart.")?
        }
        Origin::Unclear => {
            shell.note("warning: the config file cannot be read; if it has this grant, it is revoked too")?
        }
        Origin::NotFile => {}
    }
    Ok(Answer::Yes)
}

/// Takes the tokens away, and leaves a tombstone wherever the config file may have the grant: a revocation
/// that is not needed harms nobody, one that is missing might.
fn revoke(stored: &mut StoredGrants, label: &str, origin: Origin, now: i64) -> Result<(), Failure> {
    let of_file = stored.grants.iter().any(|grant| grant.label == label && grant.managed_by_file);
    let before = stored.grants.len();
    stored.grants.retain(|grant| grant.label != label);
    let removed = stored.grants.len() < before;
    if !removed && origin == Origin::NotFile {
        return Err(unknown(label));
    }
    let buried = stored.tombstones.iter().any(|tombstone| tombstone.label == label);
    if (origin != Origin::NotFile || of_file) && !buried {
        stored.tombstones.push(Tombstone { label: label.to_owned(), revoked: now });
    }
    Ok(())
}
