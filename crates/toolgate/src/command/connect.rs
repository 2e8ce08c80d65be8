//! `toolgate connect`: for clients that speak only stdio, or cannot send a header.

use anyhow::Context as _;
use clap::Args;
use http::{HeaderValue, Uri};
use tokio::runtime;

use crate::answer::{Done, Failure};
use crate::bridge::endpoint::is_loopback;
use crate::bridge::{self, Parts, standard_input, standard_output};
use crate::shell::Shell;
use crate::telemetry::{self, LogFormat};

/// The variable that holds the token. It is no option: the arguments of a process can be read by others.
const TOKEN: &str = "TOOLGATE_TOKEN";

#[derive(Debug, Args)]
#[command(after_help = "The grant's token is read from the variable TOOLGATE_TOKEN.")]
pub(crate) struct Arguments {
    /// The gateway's endpoint, such as http://127.0.0.1:8420/mcp/imagegen
    #[arg(value_name = "URL", value_parser = parse_url)]
    url: Uri,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    telemetry::start(&shell.environment, LogFormat::Text, "warn")?;
    let authorization = authorization(shell)?;
    let loopback = arguments.url.host().is_some_and(is_loopback);
    if arguments.url.scheme_str() == Some("http") && !loopback {
        shell.note("warning: the token travels in clear text to another machine; use `https`")?;
    }
    let parts = Parts {
        url: arguments.url.clone(),
        authorization,
        input: standard_input()?,
        output: standard_output()?,
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(bridge::run(parts)).map_err(Failure::unreachable)
}

fn authorization(shell: &Shell) -> Result<HeaderValue, Failure> {
    let help = "set it to the grant's token, as `toolgate grant create` or `toolgate up` printed it";
    let token = shell.environment.get(TOKEN).map(str::trim).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Failure::usage(format_args!("{TOKEN} is not set: {help}")))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Failure::usage(format_args!("{TOKEN} holds a character that no token has: {help}")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn parse_url(text: &str) -> Result<Uri, String> {
    let uri = text.parse::<Uri>().ok();
    uri.filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    })
    .filter(|uri| uri.authority().is_some_and(|authority| !authority.as_str().contains('@')))
    .ok_or_else(|| "write it as in `http://127.0.0.1:8420/mcp/imagegen`".to_owned())
}
