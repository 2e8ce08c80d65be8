//! The program's own log, on standard error.

use std::io;

use anyhow::Context as _;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::environment::Environment;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging: what `RUST_LOG` asks for, else `default`.
pub(crate) fn start(environment: &Environment, format: LogFormat, default: &str) -> anyhow::Result<()> {
    let directives = environment.get("RUST_LOG").filter(|text| !text.is_empty()).unwrap_or(default);
    let filter =
        EnvFilter::try_new(directives).with_context(|| format!("RUST_LOG is no filter: `{directives}`"))?;
    let colours =
        io::IsTerminal::is_terminal(&io::stderr()) && environment.get("NO_COLOR").is_none_or(str::is_empty);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        // A line that cannot be written, on a full disk say, is lost. To complain about it would go to the same place,
        // and end the request that wrote it.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
