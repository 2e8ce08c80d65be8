//! A server as the store keeps it: variables, headers, and arguments that are secret are sealed.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use toolgate_clients::{Launch, is_secret_argument};
use toolgate_gateway::rules::is_own_header;
use toolgate_gateway::settings::Reach as SetReach;
use toolgate_store::{Address, OpenServer, Protocol, Reach, Secret, SecretChanges, ServerSpec};

/// What the name of an argument's secret begins with.
const ARGUMENT: &str = "TOOLGATE_ARG_";
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_DURATION: Duration = Duration::from_secs(600);

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) reach: Reach,
    secrets: BTreeMap<String, String>,
}

impl Kept {
    /// How a launch is kept; or why it cannot be.
    pub(super) fn of(launch: &Launch) -> Result<Self, String> {
        match launch {
            Launch::Web { url, headers } => Ok(Self {
                reach: Reach::Http { url: Address::new(url) },
                secrets: headers
                    .iter()
                    .filter_map(|pair| sent(pair).transpose())
                    .collect::<Result<_, _>>()?,
            }),
            Launch::Command { program, args, env } => {
                let nul = |text: &String| text.contains('\0');
                if nul(program) || args.iter().any(nul) || env.values().any(nul) {
                    return Err("its command holds a NUL character".to_owned());
                }
                if let Some(name) = env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
                    return Err(format!("`{}` is no name of a variable", name.escape_debug()));
                }
                let mut secrets = env.clone();
                let args = sealed(args, &mut secrets);
                Ok(Self { reach: Reach::Command { program: program.clone(), args, shared: false }, secrets })
            }
        }
    }

    /// Whether a server of the store is the same.
    pub(super) fn is(&self, server: &OpenServer) -> bool {
        let secrets = server.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose()));
        server.server.spec.reach == self.reach
            && secrets.collect::<BTreeMap<_, _>>()
                == self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The names of what is sealed.
    pub(super) fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    pub(super) fn spec(&self) -> ServerSpec {
        ServerSpec {
            reach: self.reach.clone(),
            protocol: Protocol::Auto,
            timeout: TIMEOUT,
            max_duration: MAX_DURATION,
            enabled: true,
        }
    }

    pub(super) fn changes(&self) -> SecretChanges {
        let change = |(name, value): (&String, &String)| (name.clone(), Some(Secret::new(value.clone())));
        self.secrets.iter().map(change).collect()
    }

    /// The way to the server, for asking it.
    pub(super) fn settings(&self) -> Result<SetReach, String> {
        match &self.reach {
            Reach::Http { url } => {
                let header = |(name, value): (&String, &String)| {
                    let mut value = HeaderValue::from_str(value).ok()?;
                    value.set_sensitive(true);
                    Some((name.parse::<HeaderName>().ok()?, value))
                };
                let headers = self.secrets.iter().map(header).collect::<Option<_>>();
                Ok(SetReach::Http {
                    url: url
                        .whole()
                        .and_then(|url| url.parse().ok())
                        .ok_or_else(|| "its URL cannot be read".to_owned())?,
                    headers: headers.ok_or_else(|| "it has a header that cannot be sent".to_owned())?,
                })
            }
            Reach::Command { program, args, shared } => Ok(SetReach::Command {
                program: program.clone(),
                args: toolgate_store::filled_arguments(args, |name| {
                    self.secrets.get(name).map(String::as_str)
                }),
                env: self.secrets.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                shared: *shared,
            }),
        }
    }

    /// The server for people: without what may be secret.
    pub(super) fn shown(&self) -> String {
        match &self.reach {
            Reach::Http { url } => url.shown().to_owned(),
            Reach::Command { program, args, .. } => {
                let words: Vec<&str> =
                    std::iter::once(program.as_str()).chain(args.iter().map(String::as_str)).collect();
                words.join(" ")
            }
        }
    }

    /// A text without the values that are sealed, which a server may have repeated.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let values = self.secrets.values().filter(|value| value.len() >= 4);
        let text = match &self.reach {
            Reach::Http { url } => url.hide_in(text),
            Reach::Command { .. } => text.to_owned(),
        };
        values.fold(text, |text, value| text.replace(value, "***"))
    }
}

/// A header, if it is not one that the gateway itself writes.
fn sent((name, value): (&String, &String)) -> Result<Option<(String, String)>, String> {
    let parsed = name
        .parse::<HeaderName>()
        .map_err(|_| format!("`{}` is no name of a header", name.escape_debug()))?;
    if is_own_header(&parsed) {
        return Ok(None);
    }
    if HeaderValue::from_str(value).is_err() {
        return Err(format!("the value of the header `{parsed}` holds a character that no header can carry"));
    }
    Ok(Some((parsed.to_string(), value.clone())))
}

/// The arguments with references in place of those that are secret.
fn sealed(args: &[String], secrets: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(args.len());
    let mut before: Option<&str> = None;
    for arg in args {
        let hidden = is_secret_argument(arg, before);
        before = Some(arg);
        // What looks like a reference must not become one.
        let misleading = arg.contains(&format!("${{{ARGUMENT}"))
            || secrets.keys().any(|name| arg.contains(&format!("${{{name}}}")));
        if !hidden && !misleading {
            kept.push(arg.clone());
            continue;
        }
        let name = (1..).map(|n| format!("{ARGUMENT}{n}")).find(|name| !secrets.contains_key(name));
        let name = name.unwrap_or_default();
        let (shown, value) = match arg.split_once('=') {
            Some((option, value)) if !misleading && !value.is_empty() && is_option(option) => {
                (format!("{option}=${{{name}}}"), value)
            }
            _ => (format!("${{{name}}}"), arg.as_str()),
        };
        secrets.insert(name, value.to_owned());
        kept.push(shown);
    }
    kept
}

/// Whether a text before `=` is the name of an option or variable, and so no part of a secret.
fn is_option(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    text.bytes().all(plain) && (text.starts_with('-') || !text.bytes().any(|b| b.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str], env: &[(&str, &str)]) -> Launch {
        Launch::Command {
            program: "npx".to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn secrets_leave_the_arguments_and_come_back() {
        let args = [
            "-y",
            "server",
            "--api-key",
            "hunter2",
            "--token=hunter3",
            "${KEY}",
            "postgres://a:hunter4=@h/d",
        ];
        let kept = Kept::of(&command(&args, &[("KEY", "hunter5")])).unwrap();
        let shown = kept.shown();
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(
            shown.starts_with("npx -y server --api-key ${TOOLGATE_ARG_1} --token=${TOOLGATE_ARG_2}"),
            "{shown}"
        );
        let SetReach::Command { args: filled, env, .. } = kept.settings().unwrap() else { panic!() };
        assert_eq!(filled, args);
        assert!(env.contains(&("KEY".to_owned(), "hunter5".to_owned())));
        assert_eq!(kept.without_secrets("it said hunter5"), "it said ***");
    }

    #[test]
    fn what_the_gateway_writes_itself_is_not_kept() {
        let headers = [("accept", "a"), ("x-key", "k"), ("mcp-session-id", "s")];
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let kept = Kept::of(&Launch::Web { url: "https://h/mcp?key=hunter2".to_owned(), headers }).unwrap();
        assert_eq!(kept.secret_names().collect::<Vec<_>>(), ["x-key"]);
        assert_eq!(kept.shown(), "https://h/mcp?key=***");
    }
}
