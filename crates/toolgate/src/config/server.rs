//! The MCP servers of the config file.

use std::collections::HashSet;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use toolgate_gateway::rules::{UrlFault, is_own_header, is_reserved, is_server_name, server_url};
use toolgate_gateway::settings::{Protocol, Reach, ServerSettings};
use toolgate_json::Kind;
use toolgate_policy::Place;

use super::scalar::Reader;

const PROTOCOLS: [(&str, Protocol); 3] =
    [("auto", Protocol::Auto), ("legacy", Protocol::Legacy), ("modern", Protocol::Modern)];
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_DURATION: Duration = Duration::from_mins(10);
impl Reader<'_> {
    pub(super) fn servers(&mut self, place: Option<Place<'_>>) -> Vec<ServerSettings> {
        let members = place.into_iter().flat_map(Place::members);
        members.filter_map(|member| self.server(member)).collect()
    }

    fn server(&mut self, place: Place<'_>) -> Option<ServerSettings> {
        let name = place.name().unwrap_or_default();
        if !is_server_name(name) {
            let message = format!("`{name}` is no name for a server");
            let help = if is_reserved(name) {
                "a route of the gateway has this name; choose another".to_owned()
            } else {
                "use at most 64 of `a-z`, `0-9`, `_` and `-`, and begin with a letter or digit".to_owned()
            };
            self.problems.name_error(place, message, Some(help));
        }
        let protocol = place.get("protocol").map_or(Some(Protocol::Auto), |p| self.word(p, &PROTOCOLS));
        let timeout = place.get("timeout").map_or(Some(TIMEOUT), |p| self.duration(p));
        let max_duration = place.get("max_duration").map_or(Some(MAX_DURATION), |p| self.duration(p));
        let reach = self.reach(place);
        Some(ServerSettings {
            name: name.to_owned(),
            reach: reach?,
            protocol: protocol?,
            timeout: timeout?,
            max_duration: max_duration?,
        })
    }

    fn reach(&mut self, place: Place<'_>) -> Option<Reach> {
        match (place.get("url"), place.get("command")) {
            (Some(url), None) => {
                self.only_with(place, "command", &["env", "shared"]);
                let headers = self.headers(place.get("headers"));
                Some(Reach::Http { url: self.url(url)?, headers })
            }
            (None, Some(command)) => {
                self.only_with(place, "url", &["headers"]);
                self.command(place, command)
            }
            (None, None) if place.kind() != Kind::Object => None,
            (None, None) => {
                self.problems.error_with_help(place, "a server needs `command` or `url`", "add one of them");
                None
            }
            (Some(_), Some(command)) => {
                let message = "a server has `command` or `url`, not both".to_owned();
                self.problems.name_error(command, message, Some("remove one of them".to_owned()));
                None
            }
        }
    }

    fn only_with(&mut self, place: Place<'_>, needed: &str, keys: &[&str]) {
        for found in keys.iter().filter_map(|key| place.get(key)) {
            let name = found.name().unwrap_or_default();
            let message = format!("`{name}` has no meaning without `{needed}`");
            self.problems.name_error(found, message, Some("remove it".to_owned()));
        }
    }

    /// A URL may hold a secret, so no message repeats it.
    fn url(&mut self, place: Place<'_>) -> Option<Uri> {
        let text = self.text(place)?;
        let (message, help) = match server_url(&text) {
            Ok(uri) => return Some(uri),
            Err(UrlFault::Form) => {
                ("not an `http` or `https` URL with a host", "write it as in `https://example.com/mcp`")
            }
            Err(UrlFault::Credentials) => (
                "the URL holds credentials, which logs would show",
                "remove them from the URL and write a header `Authorization` under `headers`",
            ),
        };
        self.problems.error_with_help(place, message, help);
        None
    }

    fn headers(&mut self, place: Option<Place<'_>>) -> Vec<(HeaderName, HeaderValue)> {
        let mut seen = HashSet::new();
        let mut headers = Vec::new();
        for member in place.into_iter().flat_map(Place::members) {
            let Some(name) = self.header_name(member) else { continue };
            if !seen.insert(name.clone()) {
                self.problems.name_error(member, format!("the header `{name}` stands twice"), None);
            }
            let Some(text) = self.plain(member) else { continue };
            match HeaderValue::from_str(&text) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.push((name, value));
                }
                Err(_) => self.problems.error(
                    member,
                    format!("the value of `{name}` holds a character that no header can carry"),
                ),
            }
        }
        headers
    }

    fn header_name(&mut self, member: Place<'_>) -> Option<HeaderName> {
        let text = member.name().unwrap_or_default();
        let Ok(name) = text.parse::<HeaderName>() else {
            self.problems.name_error(member, format!("`{text}` is no name of a header"), None);
            return None;
        };
        if is_own_header(&name) {
            let message = format!("the gateway itself writes the header `{name}`");
            self.problems.name_error(member, message, Some("remove it".to_owned()));
            return None;
        }
        Some(name)
    }

    fn command(&mut self, server: Place<'_>, place: Place<'_>) -> Option<Reach> {
        let env = self.variables(server.get("env"));
        let shared = server.get("shared").map_or(Some(false), |flag| self.flag(flag));
        if place.kind() != Kind::Array {
            let help = "write program and arguments as a list, as in `[imagegen-mcp, stdio]`";
            self.problems.error_with_help(place, "`command` must be a list", help);
            return None;
        }
        let wanted = place.elements().len();
        let words: Vec<String> = place.elements().filter_map(|word| self.argument(word)).collect();
        if wanted == 0 || words.first().is_some_and(String::is_empty) {
            self.problems.error(place, "`command` names no program");
            return None;
        }
        let (program, args) = words.split_first().filter(|_| words.len() == wanted)?;
        let program = if program.contains('/') {
            self.directory.join(program).to_string_lossy().into_owned()
        } else {
            program.clone()
        };
        Some(Reach::Command { program, args: args.to_vec(), env, shared: shared? })
    }

    fn argument(&mut self, place: Place<'_>) -> Option<String> {
        if !matches!(place.kind(), Kind::String | Kind::Number) {
            let help = "quote it";
            self.problems.error_with_help(place, "a program or argument must be a string", help);
            return None;
        }
        let text = self.plain(place)?;
        if text.contains('\0') {
            self.problems.error(place, "an argument cannot hold a NUL character");
            return None;
        }
        Some(text)
    }

    fn variables(&mut self, place: Option<Place<'_>>) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for member in place.into_iter().flat_map(Place::members) {
            let name = member.name().unwrap_or_default();
            if name.is_empty() || name.contains(['=', '\0']) {
                self.problems.name_error(member, format!("`{name}` is no name of a variable"), None);
            }
            match self.plain(member) {
                Some(value) if value.contains('\0') => {
                    self.problems.error(member, format!("the value of `{name}` holds a NUL character"));
                }
                Some(value) => variables.push((name.to_owned(), value)),
                None => {}
            }
        }
        variables
    }
}
