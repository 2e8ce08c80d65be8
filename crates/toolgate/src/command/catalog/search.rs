//! `toolgate catalog search`: tools or servers by words, the best hits first.

use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use toolgate_catalog::{Category, Label, Severity};
use toolgate_registry::{Catalog, CatalogError, Search, ServerHit, ToolHit, Transport};

use super::{FILL, failure};
use crate::answer::{Answer, Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, Tone, printable};

/// Characters of a description that are shown to people.
const SHOWN: usize = 120;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Words of name, title, description and server, all of which must be there; `crea*` finds all that begin so
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Servers in place of tools
    #[arg(long, conflicts_with_all = ["category", "severity", "label", "server"])]
    servers: bool,
    /// `read`, `write`, `execute`, `destructive` or `financial`
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// `low`, `medium`, `high` or `critical`
    #[arg(long, value_parser = severity)]
    severity: Option<Severity>,
    /// A flow label, such as `sink:external`
    #[arg(long, value_parser = label)]
    label: Option<Label>,
    /// The whole name of a server
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// How the server is reached: `stdio`, `streamable-http` or `sse`
    #[arg(long, value_parser = transport)]
    transport: Option<Transport>,
    /// Most hits
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=200))]
    limit: u8,
    /// Where a search before ended, as it said
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.ensured(&shell.environment)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let search = Search {
        words: arguments.words.join(" "),
        category: arguments.category,
        severity: arguments.severity,
        label: arguments.label,
        server: arguments.server.clone(),
        transport: arguments.transport,
    };
    let (limit, after) = (usize::from(arguments.limit), arguments.after.as_deref());
    let found: Result<_, CatalogError> = runtime.block_on(async {
        let catalog = Catalog::open(&directory).await?;
        let (items, next) = if arguments.servers {
            let page = catalog.servers(&search, limit, after).await?;
            (Hits::Servers(page.items), page.next)
        } else {
            let page = catalog.tools(&search, limit, after).await?;
            (Hits::Tools(page.items), page.next)
        };
        let size = catalog.size().await?;
        catalog.close().await;
        Ok((items, next, size))
    });
    let (hits, next, size) = found.map_err(failure)?;
    if arguments.json {
        shell.json(&json!({"items": hits.values(), "next": next}))?;
    } else {
        hits.print(shell)?;
        if let Some(next) = next {
            shell.note(format_args!("more with `--after {next}`"))?;
        }
    }
    if size.is_first() {
        shell.note(format_args!(
            "the catalogue holds only the tools of the image server that comes along; fill it with `toolgate catalog \
             import FILE` or `{FILL}`",
        ))?;
    }
    Ok(if hits.is_empty() { Answer::No } else { Answer::Yes })
}

/// What was found.
enum Hits {
    Tools(Vec<ToolHit>),
    Servers(Vec<ServerHit>),
}

impl Hits {
    fn is_empty(&self) -> bool {
        match self {
            Self::Tools(tools) => tools.is_empty(),
            Self::Servers(servers) => servers.is_empty(),
        }
    }

    fn values(&self) -> Vec<Value> {
        match self {
            Self::Tools(tools) => tools.iter().map(tool_value).collect(),
            Self::Servers(servers) => servers.iter().map(server_value).collect(),
        }
    }

    fn print(&self, shell: &mut Shell) -> Result<(), Failure> {
        match self {
            Self::Tools(tools) => tools.iter().try_for_each(|tool| print_tool(tool, shell))?,
            Self::Servers(servers) => servers.iter().try_for_each(|server| print_server(server, shell))?,
        }
        if self.is_empty() {
            shell.note("nothing found")?;
        }
        Ok(())
    }
}

fn tool_value(tool: &ToolHit) -> Value {
    json!({"server": tool.server, "server_status": tool.server_status.name(), "tool": tool.name, "title": tool.title,
        "description": tool.description, "category": tool.category, "severity": tool.severity,
        "confidence": tool.confidence, "labels": tool.labels, "reason": tool.reason, "hash": tool.hash})
}

fn server_value(server: &ServerHit) -> Value {
    let transports: Vec<&str> = server.transports.iter().map(Transport::name).collect();
    json!({"name": server.name, "title": server.title, "description": server.description, "version": server.version,
        "status": server.status.name(), "transports": transports, "published": server.published,
        "updated": server.updated, "tools": server.tools})
}

fn print_tool(tool: &ToolHit, shell: &mut Shell) -> Result<(), Failure> {
    let tone = match tool.severity {
        Severity::Low => Tone::Good,
        Severity::Medium | Severity::High => Tone::Doubtful,
        Severity::Critical => Tone::Bad,
    };
    let severity = shell.toned(tone, &format!("{:<8}", tool.severity.name()));
    let name = shell.toned(Tone::Strong, &printable(&tool.name));
    shell.line(format_args!(
        "{severity} {:<11} {name}  {}",
        tool.category.name(),
        printable(&tool.server)
    ))?;
    Ok(described(&tool.description, shell)?)
}

fn print_server(server: &ServerHit, shell: &mut Shell) -> Result<(), Failure> {
    let name = shell.toned(Tone::Strong, &printable(&server.name));
    let transports: Vec<&str> = server.transports.iter().map(Transport::name).collect();
    let version = if server.version.is_empty() { "known by its tools alone" } else { &server.version };
    shell.line(format_args!(
        "{name}  {}  {}  {} tools",
        printable(version),
        transports.join(", "),
        server.tools
    ))?;
    Ok(described(&server.description, shell)?)
}

fn described(text: &str, shell: &mut Shell) -> std::io::Result<()> {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    if line.is_empty() { Ok(()) } else { shell.line(format_args!("         {}", printable(&line))) }
}

fn category(text: &str) -> Result<Category, String> {
    Category::parse(text).ok_or_else(|| one_of(Category::ALL.map(Category::name)))
}

fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == text);
    found.ok_or_else(|| one_of(Severity::ALL.map(Severity::name)))
}

fn label(text: &str) -> Result<Label, String> {
    let found = Label::ALL.into_iter().find(|label| label.name() == text);
    found.ok_or_else(|| one_of(Label::ALL.map(Label::name)))
}

fn transport(text: &str) -> Result<Transport, String> {
    Transport::parse(text).ok_or_else(|| one_of(Transport::ALL.map(Transport::name)))
}

fn one_of<const N: usize>(names: [&str; N]) -> String {
    format!("use one of {}", names.map(|name| format!("`{name}`")).join(", "))
}
