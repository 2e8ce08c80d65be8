//! Pointing entries of a file at a gateway: the members that say how a server is reached are replaced, all else
//! stays as it is, and what was written is read again before anybody else sees it.

use std::fmt;

use crate::client::Client;
use crate::entry::{Entry, entries};
use crate::launch::{Launch, launch};
use crate::reference::Variables;
use crate::syntax::{New, Syntax, apply, set_members};

/// Where an entry is to lead.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The server's endpoint at the gateway.
    pub url: String,
    /// The token that opens it.
    pub token: String,
    /// The program that carries messages of clients that cannot send a header.
    pub program: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The members that say how a server is reached.
const REACH: [&str; 20] = [
    "type",
    "transport",
    "command",
    "args",
    "env",
    "environment",
    "envFile",
    "env_vars",
    "cwd",
    "url",
    "httpUrl",
    "serverUrl",
    "headers",
    "http_headers",
    "env_http_headers",
    "bearer_token_env_var",
    "requestOptions",
    "apiKey",
    "authProviderType",
    "headersHelper",
];

/// The text with these entries of it led to a gateway.
///
/// # Errors
///
/// The entries are not of this text, or what came out does not read as it should; the text says which.
pub fn point(
    client: Client,
    syntax: Syntax,
    text: &str,
    changes: &[(&Entry, Target)],
) -> Result<String, String> {
    let (mark, body) = match text.strip_prefix('\u{FEFF}') {
        Some(body) => ("\u{FEFF}", body),
        None => ("", text),
    };
    let mut edits = Vec::new();
    for (entry, target) in changes {
        let goes = |name: &str| REACH.contains(&name);
        let map = entry.node.map();
        let made =
            map.and_then(|map| set_members((body, syntax), map, &goes, &members(client, syntax, target)));
        edits.extend(
            made.ok_or_else(|| format!("`{}` is written in a way that cannot be changed here", entry.name))?,
        );
    }
    let changed = apply(body, edits);
    check((client, syntax), (body, &changed), changes)?;
    Ok(format!("{mark}{changed}"))
}

/// What an entry says that leads to a gateway.
fn members(client: Client, syntax: Syntax, target: &Target) -> Vec<(&'static str, New)> {
    let text = |text: &str| New::Text(text.to_owned());
    let bearer =
        || New::Pairs(vec![("Authorization".to_owned(), New::Text(format!("Bearer {}", target.token)))]);
    let url = text(&target.url);
    match client {
        Client::ClaudeDesktop => vec![
            ("command", text(&target.program)),
            ("args", New::Texts(vec!["connect".to_owned(), target.url.clone()])),
            ("env", New::Pairs(vec![("TOOLGATE_TOKEN".to_owned(), text(&target.token))])),
        ],
        Client::ClaudeCode | Client::VsCode => {
            vec![("type", text("http")), ("url", url), ("headers", bearer())]
        }
        Client::Cursor | Client::Zed => vec![("url", url), ("headers", bearer())],
        Client::Windsurf => vec![("serverUrl", url), ("headers", bearer())],
        Client::Codex => vec![("url", url), ("http_headers", bearer())],
        Client::Gemini => vec![("httpUrl", url), ("headers", bearer())],
        Client::OpenCode => vec![("type", text("remote")), ("url", url), ("headers", bearer())],
        Client::Continue if syntax == Syntax::Json => {
            vec![("type", text("http")), ("url", url), ("headers", bearer())]
        }
        Client::Continue => {
            let options = New::Pairs(vec![("headers".to_owned(), bearer())]);
            vec![("type", text("streamable-http")), ("url", url), ("requestOptions", options)]
        }
    }
}

/// Reads what was written: the changed entries lead to the gateway, the others where they did.
fn check(
    (client, syntax): (Client, Syntax),
    (before, after): (&str, &str),
    changes: &[(&Entry, Target)],
) -> Result<(), String> {
    let read = |text: &str| {
        entries(client, syntax, text).map_err(|error| format!("the changed file would not read: {error}"))
    };
    let (before, after) = (read(before)?, read(after)?);
    let variables = Variables::default();
    if before.len() != after.len() {
        return Err("the changed file would not have the same servers".to_owned());
    }
    for pair in before.iter().zip(&after) {
        let (Ok(before), Ok(after)) = pair else {
            if pair.0.is_err() && pair.1.is_err() {
                continue;
            }
            return Err("the changed file would not have the same servers".to_owned());
        };
        let target = changes.iter().find(|(entry, _)| *entry == before).map(|(_, target)| target);
        let good = match target {
            Some(target) => launch(client, after, &variables).is_ok_and(|launch| leads_to(&launch, target)),
            None => launch(client, after, &variables) == launch(client, before, &variables),
        };
        if !good || before.name != after.name {
            return Err(format!("`{}` would not read as it should after the change", before.name));
        }
    }
    Ok(())
}

fn leads_to(launch: &Launch, target: &Target) -> bool {
    match launch {
        Launch::Command { program, args, env } => {
            *program == target.program
                && args.iter().map(String::as_str).eq(["connect", target.url.as_str()])
                && env.get("TOOLGATE_TOKEN") == Some(&target.token)
        }
        Launch::Web { url, headers } => {
            *url == target.url
                && headers.get("authorization").is_some_and(|v| *v == format!("Bearer {}", target.token))
        }
    }
}
