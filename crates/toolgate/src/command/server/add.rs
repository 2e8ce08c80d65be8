//! `toolgate server add`

use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::parse_name;
use crate::answer::{Answer, Done, Failure};
use crate::api::Target;
use crate::config::{Unexpanded, expand};
use crate::environment::Environment;
use crate::shell::{Shell, counted, printable};

#[derive(Debug, Args)]
#[command(
    after_help = "Values of headers and variables come from this environment, since the arguments of a process can \
                  be read by others. A key in an endpoint's query does, too, if it is written as in \
                  'https://example.com/mcp?key=${NAME}', within single quotes. Commands are taken only where the config file says \
                  `allow_commands_from_api: true`."
)]
pub(crate) struct Arguments {
    /// Its name
    #[arg(value_parser = parse_name)]
    name: String,
    /// Its endpoint, as in `https://example.com/mcp`; `${NAME}` is replaced by the variable of that name
    #[arg(value_name = "ENDPOINT", required_unless_present = "command", conflicts_with = "command")]
    endpoint: Option<String>,
    /// The command that starts it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// A header to be sent, and the variable of this environment that holds its value; may be repeated
    #[arg(long = "header", value_name = "NAME=VARIABLE", conflicts_with = "command", value_parser = parse_pair)]
    headers: Vec<(String, String)>,
    /// A variable of this environment that the command gets; may be repeated
    #[arg(long = "env", value_name = "VARIABLE", requires = "command")]
    env: Vec<String>,
    /// Whether one child of the command serves all sessions
    #[arg(long, requires = "command")]
    shared: bool,
    /// Which era of the protocol it is spoken to in
    #[arg(long, value_enum, default_value_t = Protocol::Auto)]
    protocol: Protocol,
    /// How long a call may stay without a byte or progress [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = toolgate_policy::parse_duration)]
    timeout: Option<Duration>,
    /// How long a call may take in all [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = toolgate_policy::parse_duration)]
    max_duration: Option<Duration>,
    /// Add it without asking it first
    #[arg(long)]
    no_test: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// Found by asking
    Auto,
    /// Revisions up to 2025-11-25
    Legacy,
    /// 2026-07-28
    Modern,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let name = &arguments.name;
    let mut body = body(arguments, &shell.environment)?;
    let api = arguments.target.reach(shell)?;
    let test = if arguments.no_test {
        None
    } else {
        let found = api.post(&format!("servers/{name}/test"), &Value::Object(body.clone()))?;
        Some(passed(name, found)?)
    };
    body.insert("name".to_owned(), name.as_str().into());
    let server = api.post("servers", &Value::Object(body))?;
    if arguments.json {
        shell.json(&json!({ "server": server, "test": test }))?;
        return Ok(Answer::Yes);
    }
    shell.line(match &test {
        Some(found) => format!("The server `{name}` is added; {}.", offer(found)),
        None => format!("The server `{name}` is added, untested."),
    })?;
    shell.note(format_args!(
        "No grant includes it yet: `toolgate grant create LABEL --server {name}=POLICY` makes one."
    ))?;
    Ok(Answer::Yes)
}

/// The server as the API takes it, but for its name.
fn body(arguments: &Arguments, environment: &Environment) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    match &arguments.endpoint {
        Some(endpoint) => {
            body.insert("url".to_owned(), url(endpoint, environment)?.into());
            let pairs = arguments.headers.iter().map(|(header, variable)| (header, variable));
            body.insert("headers".to_owned(), values(pairs, environment)?.into());
        }
        None => {
            body.insert("command".to_owned(), json!(arguments.command));
            let pairs = arguments.env.iter().map(|variable| (variable, variable));
            body.insert("env".to_owned(), values(pairs, environment)?.into());
            body.insert("shared".to_owned(), arguments.shared.into());
        }
    }
    let protocol = match arguments.protocol {
        Protocol::Auto => "auto",
        Protocol::Legacy => "legacy",
        Protocol::Modern => "modern",
    };
    body.insert("protocol".to_owned(), protocol.into());
    for (key, duration) in [("timeout_ms", arguments.timeout), ("max_duration_ms", arguments.max_duration)] {
        if let Some(duration) = duration {
            body.insert(key.to_owned(), u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into());
        }
    }
    Ok(body)
}

/// An endpoint with the values of variables.
fn url(endpoint: &str, environment: &Environment) -> Result<String, Failure> {
    expand(endpoint, environment).map_err(|unexpanded| match unexpanded {
        Unexpanded::Form => Failure::usage("the endpoint has `${` without a name and `}`: write `${NAME}`"),
        Unexpanded::Missing(variable) => unset(&variable),
    })
}

fn unset(variable: &str) -> Failure {
    Failure::usage(format_args!("the variable `{}` is not set: set it to the value", printable(variable)))
}

/// Names with the values of variables.
fn values<'a>(
    pairs: impl Iterator<Item = (&'a String, &'a String)>,
    environment: &Environment,
) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for (name, variable) in pairs {
        let value = environment.get(variable).ok_or_else(|| unset(variable))?;
        if values.insert(name.clone(), value.into()).is_some() {
            return Err(Failure::usage(format_args!("`{}` is given twice", printable(name))));
        }
    }
    Ok(values)
}

/// What a test found, if the server answered.
fn passed(name: &str, found: Value) -> Result<Value, Failure> {
    if found.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(found);
    }
    let error = found.get("error").and_then(Value::as_str).unwrap_or("it does not say why");
    Err(Failure::unreachable(anyhow!(
        "the server `{name}` does not answer, so it is not added ({}): see to it, or give `--no-test`",
        printable(error)
    )))
}

/// What a tested server offers, in words.
fn offer(found: &Value) -> String {
    let array = |key: &str| found.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tools = array("tools");
    let unusable = tools.iter().filter(|tool| tool.get("schema_error").is_some()).count();
    let speaks: Vec<_> = array("speaks").iter().filter_map(Value::as_str).map(printable).collect();
    let count = |n: usize| counted(u64::try_from(n).unwrap_or(u64::MAX), "tool");
    let mut text = format!("it speaks {} and offers {}", speaks.join(", "), count(tools.len()));
    if unusable > 0 {
        text.push_str(&format!(", {} with a schema that cannot be used", count(unusable)));
    }
    text
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, variable)) if !name.is_empty() && !variable.is_empty() => {
            Ok((name.to_owned(), variable.to_owned()))
        }
        _ => Err("write the name of a header, `=`, and the name of a variable".to_owned()),
    }
}
