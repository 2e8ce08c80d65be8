//! The tools of a server that no config names: it is started or reached, asked, and left again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::Uri;
use toolgate_catalog::Definition;
use toolgate_gateway::probe;
use toolgate_gateway::settings::{JournalSettings, LimitSettings, Protocol, Reach, ServerSettings, Settings};

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
    let folder =
        tempfile::Builder::new().prefix("toolgate-scan-").tempdir().context("cannot make a folder")?;
    std::fs::create_dir(folder.path().join("logs")).context("cannot make a folder")?;
    let settings = settings(reach(source, shell)?, folder.path());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let environment = shell.environment.for_children();
    let asked = async {
        let server = settings.servers.first().ok_or_else(|| "no server".to_owned())?;
        // Boxed: the probe holds both eras' connections.
        let report = tokio::time::timeout(PATIENCE, Box::pin(probe(&settings, server, &environment))).await;
        report.unwrap_or_else(|_| Err(format!("no answer within {} seconds", PATIENCE.as_secs())))
    };
    let report = runtime.block_on(asked).map_err(|error| {
        let printed = last_lines(folder.path());
        Failure::unreachable(anyhow!(
            "the server cannot be asked for its tools: {}{printed}",
            printable(&error)
        ))
    })?;
    let read = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text)?;
        Ok(Definition::from_value(&value)?)
    };
    let tools: anyhow::Result<Vec<Definition>> =
        report.tools.iter().map(|tool| read(&tool.definition)).collect();
    tools.context("the server's list holds something that is no tool").map_err(Failure::from)
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

fn settings(reach: Reach, folder: &Path) -> Settings {
    let server = ServerSettings {
        name: NAME.to_owned(),
        reach,
        protocol: Protocol::Auto,
        timeout: PATIENCE,
        max_duration: PATIENCE,
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
