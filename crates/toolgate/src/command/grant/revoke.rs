//! `toolgate grant revoke`

use clap::Args;
use toolgate_store::Change;

use super::{file_names, parse_label};
use crate::answer::{Answer, Done};
use crate::api::Target;
use crate::shell::{Shell, now_micros};
use crate::store::{AUTHOR, with_store};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The grant
    #[arg(value_parser = parse_label)]
    label: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let label = &arguments.label;
    let outline = arguments.target.data_dir.outline(&shell.environment);
    let names = file_names(&arguments.target.data_dir, outline.as_ref());
    if let Some(api) = arguments.target.find(shell)? {
        api.delete(&format!("grants/{label}"))?;
    } else {
        let directory = arguments.target.data_dir.ensured(&shell.environment)?;
        let change = Change::new(AUTHOR, now_micros(), &names);
        with_store(&directory, async |store| store.grants().revoke(label, &change).await)?;
    }
    if arguments.json {
        shell.json(&serde_json::json!({ "label": label, "revoked": true }))?;
        return Ok(Answer::Yes);
    }
    shell.line(format_args!("The grant `{label}` is revoked."))?;
    if arguments.target.is_elsewhere() {
        return Ok(Answer::Yes);
    }
    if names.unread {
        shell.note("warning: the config file cannot be read; if it has this grant, it is revoked too")?;
    } else if names.grants.contains(label) {
        shell.note("The config file still has it; the revocation wins, also after a restart.")?;
    }
    Ok(Answer::Yes)
}
