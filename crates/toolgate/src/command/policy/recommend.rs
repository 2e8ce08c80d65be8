//! `toolgate policy recommend`: a policy to begin with, by the risk of a server's tools, or by what was used of a
//! server of a running gateway.

use clap::{Args, ValueEnum};
use http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value};
use toolgate_catalog::{
    Definition, Preset, Rated, Recommendation, Verdict, classify, recommend, recommend_stack,
};

use crate::answer::{Answer, Done, Failure};
use crate::api::{Query, Target, parse_url, read};
use crate::command::scan::{Source, listing};
use crate::data_dir;
use crate::shell::{Shell, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// How much it lets through
    #[arg(long, value_enum, default_value_t)]
    preset: Choice,
    #[command(flatten)]
    traffic: Traffic,
}

/// What was used of a server of a running gateway.
#[derive(Debug, Args)]
struct Traffic {
    /// From what was used: a limit of half as much again as the peak of a minute for each tool, all else denied
    #[arg(long, requires = "server", conflicts_with_all = ["url", "command", "definitions", "preset"])]
    from_traffic: bool,
    /// With --from-traffic: the server, by its name in the gateway
    #[arg(long, value_name = "NAME", requires = "from_traffic")]
    server: Option<String>,
    /// With --from-traffic: only what this grant used
    #[arg(long, value_name = "LABEL", requires = "from_traffic")]
    grant: Option<String>,
    /// With --from-traffic: how many days back use counts
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=30), requires = "from_traffic")]
    days: u16,
    /// With --from-traffic: console address of the gateway; the token is read from TOOLGATE_ADMIN_TOKEN [default: the
    /// gateway that runs on the data directory]
    #[arg(long, value_name = "URL", value_parser = parse_url, requires = "from_traffic")]
    gateway: Option<Uri>,
    /// With --from-traffic: its data directory
    #[command(flatten)]
    data_dir: data_dir::Options,
}

impl Traffic {
    /// Whether anything is named that only traffic needs.
    fn is_named(&self) -> bool {
        self.server.is_some() || self.grant.is_some() || self.gateway.is_some()
    }
}

/// What the API proposes.
#[derive(Debug, Deserialize)]
struct Proposed {
    text: String,
    notes: Vec<String>,
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
    if arguments.traffic.from_traffic {
        return from_traffic(&arguments.traffic, shell);
    }
    if arguments.traffic.is_named() {
        return Err(Failure::usage("`--server`, `--grant` and `--gateway` go with `--from-traffic` only"));
    }
    let tools = listing::list(&arguments.source, shell)?;
    print(&tools, arguments.preset.preset(), shell)
}

fn from_traffic(traffic: &Traffic, shell: &mut Shell) -> Done {
    let target = Target { url: traffic.gateway.clone(), data_dir: traffic.data_dir.clone() };
    let query = Query::default()
        .with("server", traffic.server.as_deref())
        .with("grant", traffic.grant.as_deref())
        .with("days", Some(&traffic.days.to_string()));
    let found = target.reach(shell)?.get(&format!("inventory/recommendation{query}"))?;
    let Proposed { text, notes } = read(found)?;
    shell.line(text)?;
    for note in notes {
        shell.note(format_args!("note: {}", printable(&note)))?;
    }
    Ok(Answer::Yes)
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
