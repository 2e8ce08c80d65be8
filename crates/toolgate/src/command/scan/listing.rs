//! The tools of a server that no gateway runs: it is started or reached, asked, and left again.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use http::{HeaderName, HeaderValue};
use toolgate_catalog::Definition;
use toolgate_gateway::rules::{UrlFault, is_own_header, server_url};
use toolgate_gateway::settings::{JournalSettings, LimitSettings, Protocol, Reach, ServerSettings, Settings};
use toolgate_gateway::{ProbedTool, probe};

use super::filling::fill;
use super::{Source, definitions as file};
use crate::answer::Failure;
use crate::config::{default_console, default_listen};
use crate::shell::{Shell, printable};

/// What the server is called while it is asked.
const NAME: &str = "scanned";
/// How many of the last lines that a command printed are shown when it fails.
const LAST_LINES: usize = 5;

/// Why a server's tools are not known.
#[derive(Debug)]
pub(super) struct Unlisted {
    /// Why, on one line; nothing of what it was given.
    pub(super) why: String,
    /// What a command printed last; values of its variables are taken out.
    pub(super) printed: Vec<String>,
    /// Whether it wants other credentials.
    pub(super) refused: bool,
}

impl Unlisted {
    /// Something went wrong on the way.
    pub(super) fn because(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), printed: Vec::new(), refused: false }
    }
}

/// The tools of a source.
pub(crate) fn list(source: &Source, shell: &Shell) -> Result<Vec<Definition>, Failure> {
    if let Some(path) = source.file() {
        return file::read_all(path);
    }
    let reach = reach(source, shell)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let environment = shell.environment.for_children();
    runtime.block_on(definitions(reach, &environment, source.timeout)).map_err(|unlisted| {
        let mut message =
            format!("the server cannot be asked for its tools: {}", printable(&unlisted.why));
        message.extend(unlisted.printed.iter().map(|line| format!("\n  {}", printable(line))));
        if unlisted.refused {
            message.push_str(if source.sends_credentials() {
                "; the credentials that were given are not good for it: look whether the variable holds the right ones"
            } else {
                "; name the variable that holds its token with `--token-env NAME`, or a header with `--header 'Name: ${NAME}'`"
            });
        }
        Failure::unreachable(anyhow!("{message}"))
    })
}

/// Asks a server for its tools, within a time. The error is fit to be shown, with what a command printed last.
pub(crate) async fn ask(
    reach: Reach,
    environment: &[(String, String)],
    patience: Duration,
) -> Result<Vec<ProbedTool>, String> {
    probed(reach, environment, patience).await.map_err(|unlisted| {
        let printed = unlisted.printed.iter().map(|line| format!("\n  {}", printable(line)));
        printable(&unlisted.why) + &printed.collect::<String>()
    })
}

/// The definitions that a server gave.
pub(crate) fn definitions_of(tools: &[ProbedTool]) -> anyhow::Result<Vec<Definition>> {
    let read = |tool: &ProbedTool| {
        let value: serde_json::Value = serde_json::from_str(&tool.definition)?;
        Ok(Definition::from_value(&value)?)
    };
    tools.iter().map(read).collect()
}

/// The definitions of one server's tools.
pub(super) async fn definitions(
    reach: Reach,
    environment: &[(String, String)],
    patience: Duration,
) -> Result<Vec<Definition>, Unlisted> {
    let tools = probed(reach, environment, patience).await?;
    definitions_of(&tools).map_err(|error| {
        Unlisted::because(format_args!("its list holds something that is no tool: {error:#}"))
    })
}

/// The tools of one server. A child is ended before this returns.
async fn probed(
    reach: Reach,
    environment: &[(String, String)],
    patience: Duration,
) -> Result<Vec<ProbedTool>, Unlisted> {
    let cannot = |error: std::io::Error| Unlisted::because(format_args!("cannot make a folder: {error}"));
    let folder = tempfile::Builder::new().prefix("toolgate-scan-").tempdir().map_err(cannot)?;
    std::fs::create_dir(folder.path().join("logs")).map_err(cannot)?;
    let settings = settings(reach, folder.path(), patience);
    let Some(server) = settings.servers.first() else { return Err(Unlisted::because("no server")) };
    // Boxed: the probe holds both eras' connections.
    let report = tokio::time::timeout(patience, Box::pin(probe(&settings, server, environment))).await;
    let report =
        report.unwrap_or_else(|_| Err(format!("no answer within {} seconds", patience.as_secs_f32())));
    let report = report.map_err(|why| Unlisted {
        refused: ["HTTP status 401", "HTTP status 403"].iter().any(|status| why.contains(status)),
        printed: last_lines(folder.path()),
        why,
    })?;
    Ok(report.tools)
}

fn reach(source: &Source, shell: &Shell) -> Result<Reach, Failure> {
    if let Some(url) = &source.url {
        return Ok(Reach::Http { url: address(url)?, headers: headers(source, shell)? });
    }
    let (program, args) =
        source.command.split_first().ok_or_else(|| Failure::usage("name a URL or a command"))?;
    if source.sends_credentials() {
        return Err(Failure::usage(
            "`--header` and `--token-env` are for a URL; a command takes `--env NAME`",
        ));
    }
    let variable = |name: &String| Ok((name.clone(), variable("--env", name, shell)?));
    let env = source.env.iter().map(variable).collect::<Result<_, Failure>>()?;
    Ok(Reach::Command { program: program.clone(), args: args.to_vec(), env, shared: false })
}

/// The value of a variable that an option names.
fn variable(option: &str, name: &str, shell: &Shell) -> Result<String, Failure> {
    let value = shell.environment.get(name).map(str::to_owned);
    value.ok_or_else(|| {
        Failure::usage(format_args!("`{option} {}`: this variable is not set", printable(name)))
    })
}

/// The headers that the options name. What a command line holds is seen by other programs and kept in
/// histories, so values come from the environment.
fn headers(source: &Source, shell: &Shell) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let mut headers = Vec::new();
    if let Some(name) = &source.token_env {
        let token = variable("--token-env", name, shell)?;
        headers.push(header("Authorization", &format!("Bearer {token}"))?);
    }
    for text in &source.headers {
        let Some((name, value)) = text.split_once(':') else {
            return Err(Failure::usage("`--header` takes a name and a value, as in 'X-Api-Key: ${KEY}'"));
        };
        let filled = fill(value.trim(), &shell.environment).map_err(|unfilled| {
            Failure::usage(format_args!("`--header`, `{}`: {unfilled}", printable(name)))
        })?;
        if filled == value.trim() {
            return Err(Failure::usage(format_args!(
                "the value of `--header`, `{}`, stands on the command line, where other programs can read it; put it into a variable and write `${{NAME}}`",
                printable(name)
            )));
        }
        headers.push(header(name.trim(), &filled)?);
    }
    Ok(headers)
}

/// A header of a server; messages do not repeat its value.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let shown = printable(name);
    let parsed = name.parse::<HeaderName>().ok().filter(|name| !is_own_header(name));
    let name =
        parsed.ok_or_else(|| Failure::usage(format_args!("`{shown}` is no header that can be sent")))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Failure::usage(format_args!("the value of `{shown}` holds a character that no header can carry"))
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A URL may hold a secret, so no message repeats it.
fn address(text: &str) -> Result<http::Uri, Failure> {
    server_url(text).map_err(|fault| {
        Failure::usage(match fault {
            UrlFault::Form => "not an `http` or `https` URL with a host; a command stands behind `--`",
            UrlFault::Credentials => {
                "the URL holds credentials, which other programs on this machine can read"
            }
        })
    })
}

fn settings(reach: Reach, folder: &Path, patience: Duration) -> Settings {
    let server = ServerSettings {
        name: NAME.to_owned(),
        reach,
        protocol: Protocol::Auto,
        timeout: patience,
        max_duration: patience,
    };
    Settings {
        listen: default_listen(),
        console: default_console(),
        data_dir: folder.to_owned(),
        workers: 0,
        tls: None,
        console_tls: None,
        console_url: None,
        trusted_proxies: Vec::new(),
        servers: vec![server],
        policies: Vec::new(),
        grants: Vec::new(),
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        limits: LimitSettings::default(),
        journal: JournalSettings::default(),
    }
}

fn last_lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("logs").join(format!("{NAME}.log"))).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(LAST_LINES)).map(|line| (*line).to_owned()).collect()
}
