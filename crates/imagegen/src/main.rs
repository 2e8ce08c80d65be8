//! The command line of the ImageGen MCP server: which transport, and the exit code. Standard output belongs to the
//! protocol; everything for people goes to standard error.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use imagegen_mcp::fake_vendors::{self, FakeVendors};
use imagegen_mcp::http::Listen;
use imagegen_mcp::{Provider, Server, Settings, Tool, stdio};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Wrong usage or settings.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(name = "imagegen-mcp", version, about = "Makes pictures from text, for MCP clients.")]
#[command(after_help = "\
Environment (also from .env in the working directory; the README lists all):
  REPLICATE_API_TOKEN, OPENAI_API_KEY, GOOGLE_API_KEY   keys of the vendors
  GOOGLE_IMAGEN_ENDPOINT      the endpoint of image.generate.google
  IMAGEGEN_PROVIDER           `placeholder` draws locally, free and without a key
  IMAGEGEN_MAX_COST_PER_CALL, IMAGEGEN_MAX_COST   the most US dollars for a call, and for this process
  IMAGEGEN_TOOL_NAMES         `underscore` for clients that refuse dots
  OUTPUT_DIR                  where pictures are saved [default: outputs]
  RUST_LOG                    what is logged to standard error [default: warn]")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Serve(Transport),
    /// Serve fakes of the vendors, for tests and for trying things without a key or a bill
    #[command(after_help = format!("Twists, named in a prompt as [fake:NAME,NAME=N]:\n{}", fake_vendors::twists()))]
    FakeVendors {
        /// Address and port to listen on
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8440")]
        listen: SocketAddr,
        /// Listen also where other machines can reach it; the fakes ask for no real credentials
        #[arg(long)]
        exposed: bool,
    },
}

#[derive(Subcommand)]
enum Transport {
    /// Serve one client over standard input and output (the default when input is not a terminal)
    Stdio,
    /// Serve clients over Streamable HTTP at /mcp
    Http {
        /// Address and port to listen on
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8430")]
        listen: SocketAddr,
        /// A host name that clients call the server by, besides the loopback names; needed off loopback
        #[arg(long = "allow-host", value_name = "HOST")]
        allow_hosts: Vec<String>,
    },
}

fn main() -> ExitCode {
    let transport = match Cli::parse().command {
        Some(Command::Serve(transport)) => transport,
        Some(Command::FakeVendors { listen, exposed }) => return fakes(listen, exposed),
        None if io::stdin().is_terminal() => return show_usage(),
        None => Transport::Stdio,
    };
    log_to_stderr();
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => return complain(&error.into(), USAGE),
    };
    for said in &settings.without_effect {
        tracing::warn!("{said}");
    }
    if settings.provider == Provider::Vendors
        && Tool::ALL.into_iter().all(|tool| settings.key(tool).is_none())
    {
        tracing::warn!("no vendor's key is set; set one, or IMAGEGEN_PROVIDER=placeholder to draw locally");
    }
    match run(transport, &Server::new(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

fn run(transport: Transport, server: &Server) -> anyhow::Result<()> {
    let runtime = Runtime::new().context("the threads cannot be started")?;
    let outcome = runtime.block_on(async {
        let outcome = serve(transport, server.clone()).await;
        server.end().await;
        outcome
    });
    // A read of a terminal's input cannot be called off, and nothing else is left to wait for.
    runtime.shutdown_background();
    outcome
}

/// Serves the fakes until it is told to stop, and prints the environment that makes the server use them.
fn fakes(listen: SocketAddr, exposed: bool) -> ExitCode {
    log_to_stderr();
    if !listen.ip().is_loopback() && !exposed {
        let error = anyhow::anyhow!(
            "`{listen}` can be reached from other machines; listen on 127.0.0.1, or say --exposed"
        );
        return complain(&error, USAGE);
    }
    let outcome = Runtime::new().context("the threads cannot be started").and_then(|runtime| {
        let outcome = runtime.block_on(async {
            let stop = stop_on_signal()?;
            let vendors =
                FakeVendors::bind(listen).await.with_context(|| format!("cannot listen on `{listen}`"))?;
            for (name, value) in vendors.variables() {
                tell(&format!("export {name}='{value}'"));
            }
            tell(&format!("the fake vendors listen on http://{}", vendors.address()));
            vendors.serve(stop).await;
            Ok(())
        });
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

async fn serve(transport: Transport, server: Server) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    match transport {
        Transport::Stdio => {
            let (input, output) = rmcp::transport::io::stdio_pipes();
            Ok(stdio::serve(server, input, output, stop).await?)
        }
        Transport::Http { listen, allow_hosts } => {
            let listen_on = Listen::new(listen, allow_hosts)?;
            let bound = listen_on.bind().await.with_context(|| format!("cannot listen on `{listen}`"))?;
            tell(&format!("imagegen-mcp listens on http://{}/mcp", bound.address()));
            bound.serve(server, stop).await;
            Ok(())
        }
    }
}

/// A token that the first SIGTERM or SIGINT cancels.
fn stop_on_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let wait = async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "interrupts cannot be watched");
        }
        signalled.cancel();
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it only waits for a signal; shutdown need not wait for it"
    )]
    drop(tokio::spawn(wait));
    Ok(stop)
}

/// Logs to standard error by `RUST_LOG`. Below `info` libraries log whole messages, prompts included, so those lines
/// pass from this program alone.
fn log_to_stderr() {
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let without_messages =
        filter_fn(|line| line.target().starts_with("imagegen_mcp") || *line.level() <= tracing::Level::INFO);
    tracing_subscriber::registry()
        .with(wanted)
        .with(without_messages)
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr))
        .init();
}

fn show_usage() -> ExitCode {
    tell(&Cli::command().render_help().to_string());
    ExitCode::from(USAGE)
}

fn complain(error: &anyhow::Error, code: u8) -> ExitCode {
    tell(&format!("error: {error:#}"));
    ExitCode::from(code)
}

/// Writes a line for people. Where standard error is closed there is nobody to tell.
fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
