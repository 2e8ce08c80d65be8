//! `toolgate scan`: what the tools of a server can do, and which policy to begin with; or what is wrong with
//! the servers of a client's config.

pub(crate) mod definitions;
mod filling;
pub(crate) mod listing;
mod precheck;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use toolgate_catalog::CONTEXT_WINDOW;

use crate::answer::{Answer, Done, Failure};
use crate::shell::Shell;

use report::{Scale, Scanned};

#[derive(Debug, Args)]
#[command(
    after_help = "A command gets PATH, HOME, LANG, TMPDIR and the variables named by --env, as from a gateway; \
                  those of a config get PATH, HOME, LANG, TMPDIR and what their entry says."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    precheck: precheck::Options,
    /// Print one JSON object a line, one for each tool; of a config, one JSON object
    #[arg(long, conflicts_with = "policy")]
    json: bool,
    /// Print the recommended policy in place of the tools
    #[arg(long, conflicts_with_all = ["definitions", "config"])]
    policy: bool,
    /// Tokens of the context window that shares are told of
    #[arg(long, value_name = "TOKENS", default_value_t = CONTEXT_WINDOW, value_parser = clap::value_parser!(u64).range(1..))]
    context: u64,
    /// With --definitions: count tokens too, which takes longer than judging
    #[arg(long, conflicts_with_all = ["url", "command"])]
    tokens: bool,
}

/// Where tools come from.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The server's endpoint, such as `https://example.com/mcp`
    #[arg(value_name = "URL", conflicts_with_all = ["command", "definitions"])]
    url: Option<String>,
    /// The command that starts the server
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "definitions")]
    command: Vec<String>,
    /// A variable of this environment that the command gets; may be repeated
    #[arg(long = "env", value_name = "NAME", requires = "command")]
    env: Vec<String>,
    /// A header for the URL, its value from this environment, as in 'X-Api-Key: ${KEY}'; may be repeated
    #[arg(long = "header", value_name = "NAME: ${NAME}", requires = "url")]
    headers: Vec<String>,
    /// The variable of this environment that holds the bearer token for the URL
    #[arg(long, value_name = "NAME", requires = "url")]
    token_env: Option<String>,
    /// How long a server may take to start and answer
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = patience)]
    timeout: Duration,
    /// A file of tool definitions in place of a server, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    definitions: Option<PathBuf>,
}

impl Source {
    /// The file of definitions, if that is where tools come from.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.definitions.as_deref()
    }

    fn sends_credentials(&self) -> bool {
        self.token_env.is_some() || !self.headers.is_empty()
    }
}

fn patience(text: &str) -> Result<Duration, String> {
    let most = Duration::from_hours(1);
    let wanted = toolgate_policy::parse_duration(text).ok().filter(|wanted| *wanted <= most);
    wanted.ok_or_else(|| "write a whole number and a unit, at most an hour, as in `30s` or `2m`".to_owned())
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    if let Some(config) = arguments.precheck.config() {
        let json = if arguments.json { precheck::Json::Asked } else { precheck::Json::NotAsked };
        return precheck::run(config, &arguments.precheck, (arguments.source.timeout, json), shell);
    }
    if arguments.precheck.is_asked() {
        return Err(Failure::usage("this option belongs to `--config FILE`; name the config to check"));
    }
    if let Some(path) = arguments.source.file() {
        let scale = arguments.tokens.then(|| Scale::new(arguments.context)).transpose()?;
        return definitions::run(path, scale.as_ref(), shell);
    }
    let tools = listing::list(&arguments.source, shell)?;
    if arguments.policy {
        return super::policy::print_recommended(&tools, toolgate_catalog::Preset::Recommended, shell);
    }
    let scale = Scale::new(arguments.context)?;
    let scanned: Vec<Scanned<'_>> = tools.iter().map(|tool| Scanned::new(tool, Some(&scale))).collect();
    if arguments.json {
        for tool in &scanned {
            shell.json(tool)?;
        }
    } else {
        report::print(&scanned, arguments.context, shell)?;
    }
    Ok(Answer::Yes)
}
