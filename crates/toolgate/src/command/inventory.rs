//! `toolgate inventory`: what the grants of a running gateway can reach, how risky that is, and how much it is used.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use toolgate_catalog::CONTEXT_WINDOW;

use crate::answer::{Answer, Done, Failure};
use crate::api::{Query, Target, read};
use crate::shell::{Shell, Tone, counted, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only the servers that this grant includes, with its use
    #[arg(long, value_name = "LABEL")]
    grant: Option<String>,
    /// Only this server
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Only tools of which no call was let through
    #[arg(long)]
    unused: bool,
    /// Over how many days use is summed up
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Tokens of the context window that shares are told of
    #[arg(long, value_name = "TOKENS", default_value_t = CONTEXT_WINDOW, value_parser = clap::value_parser!(u64).range(1..))]
    context: u64,
    /// Ask the servers now, however short ago they were asked
    #[arg(long)]
    refresh: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What is shown of a thing that a server offers.
#[derive(Debug, Deserialize)]
struct Thing {
    server: String,
    kind: String,
    name: String,
    tool: Option<Tool>,
    grants: Vec<Reach>,
    #[serde(rename = "use")]
    used: Option<Use>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    category: String,
    severity: String,
    pin: String,
    tokens: u64,
    context_share: f64,
    #[serde(rename = "override")]
    overridden: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Reach {
    grant: String,
    decision: String,
    conditional: bool,
}

#[derive(Debug, Deserialize)]
struct Use {
    calls: u64,
    denials: u64,
    last_used: Option<String>,
}

/// What is shown of a grant.
#[derive(Debug, Deserialize)]
struct Grant {
    grant: String,
    tools: u64,
    tools_unused: Option<u64>,
    tokens: u64,
    context_share: f64,
    #[serde(rename = "use")]
    used: Option<Use>,
}

/// How a server answered, and how far use is known.
#[derive(Debug, Deserialize)]
struct Beside {
    servers: Vec<Asked>,
    #[serde(rename = "use")]
    used: Known,
}

#[derive(Debug, Deserialize)]
struct Asked {
    server: String,
    problem: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Known {
    known: String,
    lag_records: u64,
    problem: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let api = arguments.target.reach(shell)?;
    if arguments.refresh {
        let query = Query::default().with("server", arguments.server.as_deref());
        api.post(&format!("inventory/refresh{query}"), &json!({}))?;
    }
    let of_grants = Query::default()
        .with("days", Some(&arguments.days.to_string()))
        .with("context", Some(&arguments.context.to_string()))
        .with("unused", arguments.unused.then_some("true"));
    let of_things = of_grants
        .clone()
        .with("grant", arguments.grant.as_deref())
        .with("server", arguments.server.as_deref());
    let (things, beside) = api.pages("inventory", &of_things)?;
    let (mut grants, _) = api.pages("inventory/grants", &of_grants)?;
    if let Some(label) = &arguments.grant {
        grants.retain(|grant| grant.get("grant").and_then(Value::as_str) == Some(label));
    }
    if arguments.json {
        let of_page = |name: &str| beside.get(name).cloned().unwrap_or_default();
        let (servers, used) = (of_page("servers"), of_page("use"));
        let context = arguments.context;
        shell.json(&json!({ "items": things, "grants": grants, "servers": servers, "use": used, "context": context }))?;
        return Ok(Answer::Yes);
    }
    print(things, grants, shell)?;
    warnings(&read(beside)?, shell)?;
    Ok(Answer::Yes)
}

fn print(things: Vec<Value>, grants: Vec<Value>, shell: &mut Shell) -> Result<(), Failure> {
    let mut server = String::new();
    for thing in things {
        let thing: Thing = read(thing)?;
        if thing.server != server {
            let name = shell.toned(Tone::Strong, &printable(&thing.server));
            shell.line(name)?;
            server.clone_from(&thing.server);
        }
        let line = line(&thing, shell);
        shell.line(line)?;
    }
    if !grants.is_empty() {
        let heading = shell.toned(Tone::Strong, "grants");
        shell.line(heading)?;
    }
    for grant in grants {
        let Grant { grant, tools, tools_unused, tokens, context_share, used } = read(grant)?;
        let unused = tools_unused.map(|count| format!(", {count} of them unused")).unwrap_or_default();
        shell.line(format_args!(
            "  {}  {}{unused}  {}  {}",
            printable(&grant),
            counted(tools, "tool"),
            tokens_in_words(tokens, context_share),
            use_in_words(used.as_ref())
        ))?;
    }
    Ok(())
}

fn line(thing: &Thing, shell: &Shell) -> String {
    let mut parts = Vec::new();
    match &thing.tool {
        Some(tool) => {
            let tone = match tool.severity.as_str() {
                "low" => Tone::Good,
                "critical" => Tone::Bad,
                _ => Tone::Doubtful,
            };
            let severity = shell.toned(tone, &format!("{:<8}", printable(&tool.severity)));
            parts.push(format!("{severity} {:<11} {}", printable(&tool.category), printable(&thing.name)));
            parts.push(tokens_in_words(tool.tokens, tool.context_share));
            parts.push(use_in_words(thing.used.as_ref()));
            if tool.pin != "unpinned" {
                parts.push(printable(&tool.pin));
            }
            if tool.overridden.is_some() {
                parts.push("by a person's word".to_owned());
            }
        }
        None => parts.push(format!("{:<20} {}", printable(&thing.kind), printable(&thing.name))),
    }
    let grants: Vec<String> = thing
        .grants
        .iter()
        .map(|reach| {
            let condition = if reach.conditional { " on conditions" } else { "" };
            format!("{}: {}{condition}", printable(&reach.grant), printable(&reach.decision))
        })
        .collect();
    parts.push(if grants.is_empty() { "no grant".to_owned() } else { grants.join(", ") });
    format!("  {}", parts.join("  "))
}

fn tokens_in_words(tokens: u64, share: f64) -> String {
    format!("{} ({:.2} %)", counted(tokens, "token"), share * 100.0)
}

fn use_in_words(used: Option<&Use>) -> String {
    match used {
        None => "use unknown".to_owned(),
        Some(Use { calls: 0, .. }) => "not used".to_owned(),
        Some(Use { calls, denials, last_used }) => {
            let denied = if *denials > 0 { format!(", {denials} denied") } else { String::new() };
            let last =
                last_used.as_deref().map(|last| format!(", last {}", printable(last))).unwrap_or_default();
            format!("{}{denied}{last}", counted(*calls, "call"))
        }
    }
}

/// Says what the figures leave out.
fn warnings(beside: &Beside, shell: &mut Shell) -> std::io::Result<()> {
    for asked in &beside.servers {
        if let Some(problem) = &asked.problem {
            let server = printable(&asked.server);
            shell.note(format_args!(
                "warning: the server `{server}` could not be asked for all: {}",
                printable(problem)
            ))?;
        }
    }
    let Known { known, lag_records, problem } = &beside.used;
    let why = problem.as_deref().map(|problem| format!(": {}", printable(problem))).unwrap_or_default();
    match known.as_str() {
        "all" => Ok(()),
        "none" => shell.note(format_args!("warning: use is not known{why}")),
        _ => shell.note(format_args!(
            "warning: the last calls are missing, {} behind{why}",
            counted(*lag_records, "record")
        )),
    }
}
