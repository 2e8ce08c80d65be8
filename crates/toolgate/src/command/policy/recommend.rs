//! `toolgate policy recommend`: a policy to begin with, by the risk of a server's tools.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use toolgate_catalog::{
    Definition, Preset, Rated, Recommendation, Verdict, classify, recommend, recommend_stack,
};

use crate::answer::{Answer, Done, Failure};
use crate::command::scan::{Source, listing};
use crate::shell::{Shell, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// How much it lets through
    #[arg(long, value_enum, default_value_t)]
    preset: Choice,
}

/// A preset as it is typed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Choice {
    /// Reads pass; writes 30 and executions 10 times a minute; what destroys is hidden; money waits
    #[default]
    Recommended,
    /// Reads alone
    Strict,
    /// Writes 120 and executions 30 times a minute; what destroys or moves money waits
    Permissive,
}

impl Choice {
    /// The preset that it stands for.
    pub(crate) fn preset(self) -> Preset {
        match self {
            Self::Recommended => Preset::Recommended,
            Self::Strict => Preset::Strict,
            Self::Permissive => Preset::Permissive,
        }
    }
}

pub(super) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let tools = listing::list(&arguments.source, shell)?;
    print(&tools, arguments.preset.preset(), shell)
}

/// Prints a policy for the tools; for those of several servers, an object with one for each.
pub(crate) fn print(tools: &[Definition], preset: Preset, shell: &mut Shell) -> Done {
    let servers = by_server(tools);
    if let [(_, rated)] = servers.as_slice() {
        let found = recommend(rated, preset).map_err(Failure::no)?;
        shell.line(found.policy.to_json())?;
        return notes(&found, shell);
    }
    if servers.is_empty() {
        return Err(Failure::no("there are no tools to write a policy for"));
    }
    let mut policies = Map::new();
    for (server, found) in recommend_stack(&servers, preset).map_err(Failure::no)? {
        policies.insert(server.to_owned(), serde_json::to_value(&found.policy)?);
        notes(&found, shell)?;
    }
    shell.line(serde_json::to_string_pretty(&Value::Object(policies))?)?;
    Ok(Answer::Yes)
}

fn notes(found: &Recommendation, shell: &mut Shell) -> Done {
    for note in &found.notes {
        shell.note(format_args!("note: {}", printable(note)))?;
    }
    Ok(Answer::Yes)
}

fn by_server(tools: &[Definition]) -> Vec<(String, Vec<Rated>)> {
    let mut servers: Vec<(String, Vec<Rated>)> = Vec::new();
    for tool in tools {
        let verdict = Verdict { machine: classify(tool), overridden: None };
        let rated = Rated::new(&tool.name, &verdict);
        match servers.iter_mut().find(|(server, _)| *server == tool.server) {
            Some((_, known)) => known.push(rated),
            None => servers.push((tool.server.clone(), vec![rated])),
        }
    }
    servers
}
