//! The tools of a server that no config names: it is started or reached, asked, and left again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::Uri;
use toolgate_catalog::Definition;
use toolgate_gateway::settings::{JournalSettings, LimitSettings, Protocol, Reach, ServerSettings, Settings};
use toolgate_gateway::{ProbedTool, probe};

use super::{Source, definitions};
use crate::answer::Failure;
use crate::config::{default_console, default_listen};
use crate::shell::{Shell, printable};

/// How long the server may take for everything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the server is called in this command.
const NAME: &str = "scanned";
/// How many of the last lines that a command printed are shown when it fails.
const LAST_LINES: usize = 5;

/// The tools of a source.
pub(crate) fn list(source: &Source, shell: &Shell) -> Result<Vec<Definition>, Failure> {
    if let Some(path) = source.file() {
        return definitions::read_all(path);
    }
    let reach = reach(source, shell)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let environment = shell.environment.for_children();
    let tools = runtime.block_on(ask(reach, &environment, PATIENCE)).map_err(|error| {
        Failure::unreachable(anyhow!("the server cannot be asked for its tools: {error}"))
    })?;
    definitions_of(&tools).context("the server's list holds something that is no tool").map_err(Failure::from)
}

/// Asks a server for its tools, within a time. The error is fit to be shown, with what a command printed last.
pub(crate) async fn ask(
    reach: Reach,
    environment: &[(String, String)],
    patience: Duration,
) -> Result<Vec<ProbedTool>, String> {
    let cannot = |error: std::io::Error| format!("cannot make a folder: {error}");
    let folder = tempfile::Builder::new().prefix("toolgate-scan-").tempdir().map_err(cannot)?;
    std::fs::create_dir(folder.path().join("logs")).map_err(cannot)?;
    let settings = settings(reach, folder.path(), patience);
    let server = settings.servers.first().ok_or_else(|| "no server".to_owned())?;
    // Boxed: the probe holds both eras' connections.
    let report = tokio::time::timeout(patience, Box::pin(probe(&settings, server, environment))).await;
    let report = report.unwrap_or_else(|_| Err(format!("no answer within {} seconds", patience.as_secs())));
    match report {
        Ok(report) => Ok(report.tools),
        Err(error) => Err(format!("{}{}", printable(&error), last_lines(folder.path()))),
    }
}

/// The definitions that a server gave.
pub(crate) fn definitions_of(tools: &[ProbedTool]) -> anyhow::Result<Vec<Definition>> {
    let read = |tool: &ProbedTool| {
        let value: serde_json::Value = serde_json::from_str(&tool.definition)?;
        Ok(Definition::from_value(&value)?)
    };
    tools.iter().map(read).collect()
}

fn reach(source: &Source, shell: &Shell) -> Result<Reach, Failure> {
    if let Some(url) = &source.url {
        return Ok(Reach::Http { url: address(url)?, headers: Vec::new() });
    }
    let (program, args) =
        source.command.split_first().ok_or_else(|| Failure::usage("name a URL or a command"))?;
    let variable = |name: &String| match shell.environment.get(name) {
        Some(value) => Ok((name.clone(), value.to_owned())),
        None => Err(Failure::usage(format_args!("`--env {}`: this variable is not set", printable(name)))),
    };
    let env = source.env.iter().map(variable).collect::<Result<_, _>>()?;
    Ok(Reach::Command { program: program.clone(), args: args.to_vec(), env, shared: false })
}

/// A URL may hold a secret, so no message repeats it.
fn address(text: &str) -> Result<Uri, Failure> {
    let url = text.parse::<Uri>().ok().filter(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
    });
    let url = url.ok_or_else(|| {
        Failure::usage("not an `http` or `https` URL with a host; a command stands behind `--`")
    })?;
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Failure::usage(
            "the URL holds credentials, which other programs on this machine can read",
        ));
    }
    Ok(url)
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

/// What a command printed last, where it printed anything; values of its variables are taken out.
fn last_lines(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("logs").join(format!("{NAME}.log"))).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
    last.map(|line| format!("\n  {}", printable(line))).collect()
}
