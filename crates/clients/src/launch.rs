//! How a client reaches a server: what its entry says, with every reference replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::client::Client;
use crate::entry::Entry;
use crate::reference::{Variables, expand};
use crate::syntax::{Content, Node};

/// A way to a server. Two clients have the same server if its launches are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Launch {
    /// As a child process.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its variables; secret.
        env: BTreeMap<String, String>,
    },
    /// By HTTP.
    Web {
        /// Where.
        url: String,
        /// Headers by lower-case names; secret.
        headers: BTreeMap<String, String>,
    },
}

impl fmt::Debug for Launch {
    /// Arguments and values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { program, .. } => write!(f, "Command({program}, …)"),
            Self::Web { .. } => f.write_str("Web(…)"),
        }
    }
}

/// How an entry's server is reached.
///
/// # Errors
///
/// Why the entry is to be left as it is, for people: it is switched off, something that it refers to is not known,
/// or it needs what a gateway does not give its servers.
pub fn launch(client: Client, entry: &Entry, variables: &Variables) -> Result<Launch, String> {
    let reading = Reading { client, node: &entry.node, variables };
    reading.refuse_special()?;
    match (reading.address(), entry.node.get("command")) {
        (Some(url), None) => reading.web(url),
        (None, Some(command)) => reading.command(command),
        (Some(_), Some(_)) => Err("it has both a command and a URL".to_owned()),
        (None, None) => Err("it names neither a command nor a URL".to_owned()),
    }
}

struct Reading<'a> {
    client: Client,
    node: &'a Node,
    variables: &'a Variables,
}

impl Reading<'_> {
    fn refuse_special(&self) -> Result<(), String> {
        let flag = |name| self.node.get(name).and_then(Node::flag);
        if flag("disabled") == Some(true) || flag("enabled") == Some(false) {
            return Err("it is switched off".to_owned());
        }
        for (name, what) in [
            ("cwd", "it is started in a folder of its own (`cwd`), which a gateway's servers are not"),
            ("envFile", "its variables come from a file (`envFile`): write them under `env`"),
            ("headersHelper", "a program of the client makes its headers (`headersHelper`)"),
            ("oauth", "the client signs in to it by OAuth, which a gateway cannot do in its place"),
        ] {
            if self
                .node
                .get(name)
                .is_some_and(|node| !matches!(node.content, Content::Other | Content::Bool(_)))
            {
                return Err(what.to_owned());
            }
        }
        if self.node.get("type").and_then(Node::text) == Some("sse") {
            return Err("it speaks the transport `sse` of 2024, which the gateway does not speak to servers"
                .to_owned());
        }
        Ok(())
    }

    fn address(&self) -> Option<&Node> {
        ["url", "httpUrl", "serverUrl"].iter().find_map(|name| self.node.get(name))
    }

    fn web(&self, url: &Node) -> Result<Launch, String> {
        let url = self.expanded(url.text().ok_or("its URL is no text")?)?;
        let mut headers = BTreeMap::new();
        let options = self.node.get("requestOptions").and_then(|options| options.get("headers"));
        for node in [self.node.get("headers"), self.node.get("http_headers"), options].into_iter().flatten() {
            for (name, value) in self.pairs(node, "a header")? {
                headers.insert(name.to_ascii_lowercase(), value);
            }
        }
        if let Some(node) = self.node.get("env_http_headers") {
            for (name, variable) in self.pairs(node, "a header")? {
                headers.insert(name.to_ascii_lowercase(), self.variable(&variable)?);
            }
        }
        if let Some(variable) = self.node.get("bearer_token_env_var").and_then(Node::text) {
            headers.insert("authorization".to_owned(), format!("Bearer {}", self.variable(variable)?));
        }
        Ok(Launch::Web { url, headers })
    }

    fn command(&self, command: &Node) -> Result<Launch, String> {
        let (program, mut args) = match &command.content {
            Content::List(_) => {
                let mut words = self.texts(command)?;
                if words.is_empty() {
                    return Err("its command names no program".to_owned());
                }
                (words.remove(0), words)
            }
            // Older settings of Zed.
            Content::Map(map) => {
                let path = map.get("path").and_then(Node::text).ok_or("its command names no program")?;
                (self.expanded(path)?, map.get("args").map_or(Ok(Vec::new()), |args| self.texts(args))?)
            }
            Content::Other | Content::Bool(_) | Content::Number(_) | Content::Text(_) => {
                (self.expanded(command.text().ok_or("its command is no text")?)?, Vec::new())
            }
        };
        if let Some(more) = self.node.get("args") {
            args.extend(self.texts(more)?);
        }
        let mut env = BTreeMap::new();
        let inner = command.map().and_then(|map| map.get("env"));
        for node in [self.node.get("env"), self.node.get("environment"), inner].into_iter().flatten() {
            env.extend(self.pairs(node, "a variable")?);
        }
        if let Some(names) = self.node.get("env_vars") {
            for name in self.texts(names)? {
                if let Ok(value) = self.variable(&name) {
                    env.insert(name, value);
                }
            }
        }
        Ok(Launch::Command { program: self.program(&program)?, args, env })
    }

    /// A program by its path is found from the project's folder; no other folder is known.
    fn program(&self, program: &str) -> Result<String, String> {
        if program.is_empty() {
            return Err("its command names no program".to_owned());
        }
        if let Some(rest) = program.strip_prefix("~/") {
            return Ok(self.variables.home.join(rest).to_string_lossy().into_owned());
        }
        if !program.contains('/') || Path::new(program).is_absolute() {
            return Ok(program.to_owned());
        }
        match &self.variables.project {
            Some(project) => Ok(project.join(program).to_string_lossy().into_owned()),
            None => Err("its program is a relative path, and no project says where it begins".to_owned()),
        }
    }

    fn texts(&self, node: &Node) -> Result<Vec<String>, String> {
        let Content::List(items) = &node.content else { return Err("its arguments are no list".to_owned()) };
        let text = |item: &Node| self.expanded(&item.word().ok_or("an argument is no text")?);
        items.iter().map(text).collect()
    }

    fn pairs(&self, node: &Node, what: &str) -> Result<Vec<(String, String)>, String> {
        let Some(map) = node.map() else {
            let nothing = matches!(node.content, Content::Other);
            return if nothing { Ok(Vec::new()) } else { Err(format!("{what} has no name")) };
        };
        if map.repeated.is_some() {
            return Err(format!("{what} stands twice"));
        }
        let pair = |member: &crate::syntax::Member| {
            let value =
                member.value.word().ok_or_else(|| format!("{what}, `{}`, is no text", member.name))?;
            Ok((member.name.clone(), self.expanded(&value)?))
        };
        map.members.iter().map(pair).collect()
    }

    fn expanded(&self, text: &str) -> Result<String, String> {
        expand(text, self.client.references(), self.variables)
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        let value = self.variables.environment.get(name).cloned();
        value.ok_or_else(|| {
            format!("the variable `{name}` that it refers to is not set: set it and run this again")
        })
    }
}
