//! A server as it is sent, checked as the config file's servers are.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use toolgate_gateway::rules::{UrlFault, is_own_header, server_url};
use toolgate_gateway::settings::{Protocol as SetProtocol, Reach as SetReach, ServerSettings};
use toolgate_policy::escape_pointer;
use toolgate_store::{Address, OpenServer, Reach, Secret, SecretChanges, ServerSpec, filled_arguments};
use utoipa::ToSchema;

use super::view::Protocol;
use crate::problem::{Mistake, Problem};

const TIMEOUT_MS: u64 = 60_000;
const MAX_DURATION_MS: u64 = 600_000;
/// A day.
const LONGEST_MS: u64 = 86_400_000;

/// A server to be made, changed or tested: by `url` with `headers`, or by `command` with `env` and `shared`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerBody {
    /// Its name; needed to make one, and not to be changed.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", examples("everything"))]
    pub(crate) name: Option<String>,
    /// Where it is reached by HTTP. As it is shown, with `***` in its query, it stands for the one that is kept.
    #[schema(examples("http://127.0.0.1:3001/mcp"))]
    url: Option<String>,
    /// Secret headers: a value sets one, `null` removes it, those not named stay.
    #[serde(default)]
    #[schema(write_only)]
    headers: BTreeMap<String, Option<String>>,
    /// Program and arguments.
    command: Option<Vec<String>>,
    /// Secret variables of the program's environment, as `headers`.
    #[serde(default)]
    #[schema(write_only)]
    env: BTreeMap<String, Option<String>>,
    /// Whether one child process serves all sessions; false if absent.
    shared: Option<bool>,
    /// Which era of the protocol it is spoken to in; `auto` if absent.
    protocol: Option<Protocol>,
    /// How long it may stay without a byte or progress, in milliseconds; 60000 if absent.
    #[schema(minimum = 1, maximum = 86_400_000)]
    timeout_ms: Option<u64>,
    /// How long one call may take in all, in milliseconds; 600000 if absent.
    #[schema(minimum = 1, maximum = 86_400_000)]
    max_duration_ms: Option<u64>,
    /// Whether calls go there; true if absent.
    enabled: Option<bool>,
}

/// A server that may be kept.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// What is set about it.
    pub(crate) spec: ServerSpec,
    /// Its secrets, as far as they change.
    pub(crate) secrets: SecretChanges,
}

impl Candidate {
    /// Checks what was sent; `saved` is the server of this name as it is now.
    pub(crate) fn check(
        name: &str,
        body: &ServerBody,
        saved: Option<&OpenServer>,
        allow_commands: bool,
    ) -> Result<Self, Problem> {
        if body.command.is_some() && !allow_commands {
            let detail = "servers that are commands come from the config file: write it there, or set \
                          `allow_commands_from_api: true` there and let administrators start programs";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let mut mistakes = Vec::new();
        let reach = reach(body, saved, &mut mistakes);
        let secrets = secrets(body, &mut mistakes);
        let timeout = duration("/timeout_ms", body.timeout_ms.unwrap_or(TIMEOUT_MS), &mut mistakes);
        let longest =
            duration("/max_duration_ms", body.max_duration_ms.unwrap_or(MAX_DURATION_MS), &mut mistakes);
        let Some(reach) = reach.filter(|_| mistakes.is_empty()) else {
            return Err(Problem::invalid(
                format!("the server `{name}` cannot be used as it was sent"),
                mistakes,
            ));
        };
        let spec = ServerSpec {
            reach,
            protocol: body.protocol.unwrap_or_default().into(),
            timeout,
            max_duration: longest,
            enabled: body.enabled.unwrap_or(true),
        };
        Ok(Self { spec, secrets })
    }

    /// The server as the gateway would use it. Secrets that are not sent are the kept ones, if they go to the
    /// same place.
    pub(crate) fn settings(&self, name: &str, saved: Option<&OpenServer>) -> Result<ServerSettings, Problem> {
        let kept = saved.filter(|saved| saved.server.spec.reach == self.spec.reach);
        let mut values: BTreeMap<&str, &Secret> = kept
            .iter()
            .flat_map(|saved| &saved.secrets)
            .map(|(name, secret)| (name.as_str(), secret))
            .collect();
        for (name, change) in &self.secrets {
            match change {
                Some(secret) => values.insert(name, secret),
                None => values.remove(name.as_str()),
            };
        }
        let unusable = || Problem::mistake(Mistake::at("", "the server cannot be reached as it was sent"));
        let reach = match &self.spec.reach {
            Reach::Http { url } => SetReach::Http {
                url: url.whole().and_then(|url| server_url(url).ok()).ok_or_else(unusable)?,
                headers: values
                    .into_iter()
                    .map(|(name, value)| {
                        Some((name.parse::<HeaderName>().ok()?, header_value(value.expose())?))
                    })
                    .collect::<Option<_>>()
                    .ok_or_else(unusable)?,
            },
            Reach::Command { program, args, shared } => SetReach::Command {
                program: program.clone(),
                args: filled_arguments(args, |name| values.get(name).map(|value| value.expose())),
                env: values
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
                    .collect(),
                shared: *shared,
            },
        };
        let protocol = match self.spec.protocol {
            toolgate_store::Protocol::Auto => SetProtocol::Auto,
            toolgate_store::Protocol::Legacy => SetProtocol::Legacy,
            toolgate_store::Protocol::Modern => SetProtocol::Modern,
        };
        let (timeout, max_duration) = (self.spec.timeout, self.spec.max_duration);
        Ok(ServerSettings { name: name.to_owned(), reach, protocol, timeout, max_duration })
    }

    /// What a server or the system said, without a secret that it may have repeated.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let values = self.secrets.values().flatten().map(Secret::expose).filter(|value| value.len() >= 4);
        let text = match &self.spec.reach {
            Reach::Http { url } => url.hide_in(text),
            Reach::Command { .. } => text.to_owned(),
        };
        values.fold(text, |text, value| text.replace(value, "***"))
    }
}

fn header_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl From<Protocol> for toolgate_store::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Auto => Self::Auto,
            Protocol::Legacy => Self::Legacy,
            Protocol::Modern => Self::Modern,
        }
    }
}

fn reach(body: &ServerBody, saved: Option<&OpenServer>, mistakes: &mut Vec<Mistake>) -> Option<Reach> {
    match (&body.url, &body.command) {
        (Some(url), None) => {
            if !body.env.is_empty() || body.shared.is_some() {
                mistakes.push(Mistake::at("/url", "`env` and `shared` have no meaning without `command`"));
            }
            reach_by_url(url, saved, mistakes)
        }
        (None, Some(command)) => {
            if !body.headers.is_empty() {
                mistakes.push(Mistake::at("/headers", "`headers` has no meaning without `url`"));
            }
            reach_by_command(command, body.shared.unwrap_or(false), mistakes)
        }
        (None, None) | (Some(_), Some(_)) => {
            mistakes.push(Mistake::at("", "a server has either `url` or `command`").help("send one of them"));
            None
        }
    }
}

fn reach_by_url(url: &str, saved: Option<&OpenServer>, mistakes: &mut Vec<Mistake>) -> Option<Reach> {
    if let Some(Reach::Http { url: kept }) = saved.map(|saved| &saved.server.spec.reach)
        && kept.shown() == url
        && kept.whole().is_some()
    {
        return Some(Reach::Http { url: kept.clone() });
    }
    let address = Address::new(url);
    let mistake = match server_url(url) {
        Ok(_) if address.is_only_shown() => {
            Mistake::at("/url", "`***` stands for a value that is not shown, and none is kept for this URL")
                .help("write the value in its place")
        }
        Ok(_) => return Some(Reach::Http { url: address }),
        Err(UrlFault::Form) => Mistake::at("/url", "not an `http` or `https` URL with a host")
            .help("write it as in `https://example.com/mcp`"),
        Err(UrlFault::Credentials) => Mistake::at("/url", "the URL holds credentials, which logs would show")
            .help("remove them from the URL and send a header `Authorization` under `headers`"),
    };
    mistakes.push(mistake);
    None
}

fn reach_by_command(command: &[String], shared: bool, mistakes: &mut Vec<Mistake>) -> Option<Reach> {
    let named = command.split_first().filter(|(program, _)| !program.is_empty());
    let Some((program, args)) = named else {
        mistakes.push(Mistake::at("/command", "`command` names no program"));
        return None;
    };
    if command.iter().any(|word| word.contains('\0')) {
        mistakes.push(Mistake::at("/command", "a program or argument cannot hold a NUL character"));
        return None;
    }
    Some(Reach::Command { program: program.clone(), args: args.to_vec(), shared })
}

/// The secrets that change. No mistake repeats a value.
fn secrets(body: &ServerBody, mistakes: &mut Vec<Mistake>) -> SecretChanges {
    let mut changes = SecretChanges::new();
    for (text, value) in &body.headers {
        let pointer = format!("/headers/{}", escape_pointer(text));
        let Ok(name) = text.parse::<HeaderName>() else {
            mistakes.push(Mistake::at(pointer, "this is no name of a header"));
            continue;
        };
        if is_own_header(&name) {
            mistakes.push(Mistake::at(pointer, format!("the gateway itself writes the header `{name}`")));
        } else if value.as_deref().is_some_and(|value| HeaderValue::from_str(value).is_err()) {
            mistakes.push(Mistake::at(pointer, "the value holds a character that no header can carry"));
        } else if changes.insert(name.to_string(), value.clone().map(Secret::new)).is_some() {
            mistakes.push(Mistake::at(pointer, format!("the header `{name}` stands twice")));
        }
    }
    for (name, value) in &body.env {
        let pointer = format!("/env/{}", escape_pointer(name));
        if name.is_empty() || name.contains(['=', '\0']) {
            mistakes.push(Mistake::at(pointer, "this is no name of a variable"));
        } else if value.as_deref().is_some_and(|value| value.contains('\0')) {
            mistakes.push(Mistake::at(pointer, "the value holds a NUL character"));
        } else {
            changes.insert(name.clone(), value.clone().map(Secret::new));
        }
    }
    changes
}

fn duration(pointer: &str, millis: u64, mistakes: &mut Vec<Mistake>) -> Duration {
    if !(1..=LONGEST_MS).contains(&millis) {
        mistakes.push(Mistake::at(pointer, "this must be 1 to 86400000 milliseconds"));
    }
    Duration::from_millis(millis)
}
