//! `toolgate catalog show`: a tool's page, from a running gateway, from the catalogue, or from a file of definitions.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use toolgate_catalog::{
    CONTEXT_WINDOW, Definition, Page, Surroundings, Tokenizer, Verdict, classify, context_share,
};
use toolgate_registry::{Catalog, CatalogError};

use super::failure;
use crate::answer::{Answer, Done, Failure};
use crate::api::{Query, Target, read, segment};
use crate::command::scan::definitions;
use crate::shell::{Shell, counted, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server and the tool: of a running gateway, else of the catalogue
    #[arg(value_name = "SERVER/TOOL", value_parser = parse_tool)]
    tool: (String, String),
    /// A file of tool definitions in place of a gateway, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "data_dir", "config"])]
    definitions: Option<PathBuf>,
    /// Print the page as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Tokens of the context window that the tool's share is told of
    #[arg(long, value_name = "TOKENS", default_value_t = CONTEXT_WINDOW, value_parser = clap::value_parser!(u64).range(1..))]
    context: u64,
    #[command(flatten)]
    target: Target,
}

/// What is needed of the API's answer.
#[derive(Debug, Deserialize)]
struct Shown {
    text: String,
    markdown: String,
    facts: Facts,
}

#[derive(Debug, Deserialize)]
struct Facts {
    tokens: u64,
    context_share: f64,
    pin: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let (server, tool) = &arguments.tool;
    let page = match &arguments.definitions {
        Some(file) => of_file(file, (server, tool), arguments.context)?,
        None => known(arguments, shell)?,
    };
    if arguments.json {
        shell.json(&page)?;
        return Ok(Answer::Yes);
    }
    let Shown { text, markdown, facts } = read(page)?;
    shell.line(if arguments.markdown { markdown.trim_end() } else { text.trim_end() })?;
    let Facts { tokens, context_share, pin } = facts;
    let share = context_share * 100.0;
    let pin = pin.map(|pin| format!("; {}", printable(&pin))).unwrap_or_default();
    let size =
        format!("{}, {share:.2} % of a context of {}{pin}", counted(tokens, "token"), arguments.context);
    shell.line(format_args!("\n{size}"))?;
    Ok(Answer::Yes)
}

/// The page of a tool of a running gateway; of the catalogue where none runs, or has no such tool.
fn known(arguments: &Arguments, shell: &mut Shell) -> Result<Value, Failure> {
    let target = &arguments.target;
    let answer = match target.find(shell)? {
        Some(api) => {
            let (server, tool) = &arguments.tool;
            let query = Query::default().with("context", Some(&arguments.context.to_string()));
            api.get(&format!("servers/{}/tools/{}{query}", segment(server), segment(tool)))
        }
        None => Err(Failure::unreachable(anyhow!(
            "no gateway runs here, and the catalogue has no such tool: start one with `toolgate up`, or look for the tool \
             with `toolgate catalog search`"
        ))),
    };
    match answer {
        Err(refused) if !target.is_elsewhere() => catalogued(arguments, shell)?.ok_or(refused),
        answer => answer,
    }
}

/// The page of a tool of the catalogue, if it is there.
fn catalogued(arguments: &Arguments, shell: &Shell) -> Result<Option<Value>, Failure> {
    let directory = arguments.target.data_dir.ensured(&shell.environment)?;
    let whole = format!("{}/{}", arguments.tool.0, arguments.tool.1);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let found: Result<_, CatalogError> = runtime.block_on(async {
        let catalog = Catalog::open(&directory).await?;
        let mut found = None;
        for (server, tool) in readings(&whole) {
            let Some(entry) = catalog.tool(server, tool).await? else { continue };
            let tools = catalog.server(server).await?.map_or(1, |server| server.tools);
            found = Some((entry.definition, tools));
            break;
        }
        catalog.close().await;
        Ok(found)
    });
    let Some((tool, tools)) = found.map_err(failure)? else { return Ok(None) };
    page_of(&tool, usize::try_from(tools).unwrap_or(usize::MAX), arguments.context).map(Some)
}

/// What server and tool a text may mean, the shortest server first. Names of both may hold a `/`, or begin or end with
/// one, so each may be the one between them.
fn readings(whole: &str) -> impl Iterator<Item = (&str, &str)> {
    whole
        .match_indices('/')
        .filter_map(|(at, slash)| Some((whole.get(..at)?, whole.get(at + slash.len()..)?)))
}

/// The page of a tool in a file. Rows without a server's name are of every server.
fn of_file(file: &Path, (server, name): (&str, &str), window: u64) -> Result<Value, Failure> {
    let all = definitions::read_all(file)?;
    let of_server: Vec<Definition> =
        all.into_iter().filter(|tool| tool.server.is_empty() || tool.server == server).collect();
    let tool = of_server.iter().find(|tool| tool.name == name).ok_or_else(|| {
        Failure::no(format_args!(
            "`{}` has no tool `{}` of the server `{}`",
            file.display(),
            printable(name),
            printable(server)
        ))
    })?;
    let tool = Definition { server: server.to_owned(), ..tool.clone() };
    page_of(&tool, of_server.len(), window)
}

/// The page of a tool that is only known by its definition.
fn page_of(tool: &Definition, tools_of_server: usize, window: u64) -> Result<Value, Failure> {
    let verdict = Verdict { machine: classify(tool), overridden: None };
    let around = Surroundings { server: tool.server.clone(), tools_of_server, ..Surroundings::default() };
    let page = Page::write(tool, &verdict, &around).map_err(Failure::no)?;
    let tokens = Tokenizer::load()?.count_definition(tool);
    Ok(json!({
        "server": tool.server,
        "tool": tool.name,
        "facts": {"category": verdict.category(), "severity": verdict.severity(), "machine": verdict.machine,
            "tokens": tokens, "context_share": context_share(tokens, window)},
        "page": page,
        "text": page.to_text(),
        "markdown": page.to_markdown(),
    }))
}

/// Servers of a gateway have no `/` in their names; tools may.
fn parse_tool(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((server, tool)) if !server.is_empty() && !tool.is_empty() => {
            Ok((server.to_owned(), tool.to_owned()))
        }
        _ => Err("write it as in `images/image.generate`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slash_may_be_the_one_before_the_tool() {
        for (whole, expected) in [
            ("s/t", vec![("s", "t")]),
            ("com.example/s/t", vec![("com.example", "s/t"), ("com.example/s", "t")]),
            ("s//t", vec![("s", "/t"), ("s/", "t")]),
            ("s///t", vec![("s", "//t"), ("s/", "/t"), ("s//", "t")]),
            ("s/t/", vec![("s", "t/"), ("s/t", "")]),
            ("é/ü", vec![("é", "ü")]),
        ] {
            assert_eq!(readings(whole).collect::<Vec<_>>(), expected, "{whole}");
        }
    }
}
