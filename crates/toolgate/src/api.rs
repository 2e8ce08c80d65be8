//! The admin API of a running gateway as commands use it: found by the data directory, or named by `--url`.

mod address;
mod problem;
mod query;

pub(crate) use query::{Query, segment};

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use toolgate_mcp::sse::Splitter;

use crate::answer::Failure;
use crate::bridge::endpoint::{Endpoint, is_loopback};
use crate::bridge::trust::Trust;
use crate::data_dir;
use crate::shell::Shell;

/// The variable that holds the token. It is no option: the arguments of a process can be read by others.
const TOKEN: &str = "TOOLGATE_ADMIN_TOKEN";
/// How long an answer may take; a server that is tested has its own 60 seconds.
const PATIENCE: Duration = Duration::from_secs(100);
/// How long a stream of events may be silent; it shows every ten seconds that it is alive.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest answer in bytes.
const LONGEST: usize = 64 << 20;

/// The options that say which gateway is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// Console address of a gateway; the token is read from TOOLGATE_ADMIN_TOKEN [default: the gateway that runs on
    /// the data directory]
    #[arg(long, value_name = "URL", value_parser = parse_url, conflicts_with_all = ["data_dir", "config"])]
    pub(crate) url: Option<Uri>,
    #[command(flatten)]
    pub(crate) data_dir: data_dir::Options,
}

impl Target {
    /// Whether another gateway is named than that of the data directory.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.url.is_some()
    }

    /// The gateway that is named, or else runs on the data directory and has an API; none where there is none.
    pub(crate) fn find(&self, shell: &mut Shell) -> Result<Option<Api>, Failure> {
        if let Some(url) = &self.url {
            return Api::named(url, shell).map(Some);
        }
        let directory = self.data_dir.locate(&shell.environment)?;
        if !data_dir::is_in_use(&directory) {
            // What a gateway that was killed left behind leads nowhere.
            return Ok(None);
        }
        let Some(address) = address::read(&directory)? else { return Ok(None) };
        let trust = address.certificate.map_or(Trust::Authorities, Trust::Only);
        Api::new(&address.url, &address.token, trust).map(Some)
    }

    /// The gateway, without which the command can do nothing.
    pub(crate) fn reach(&self, shell: &mut Shell) -> Result<Api, Failure> {
        if let Some(api) = self.find(shell)? {
            return Ok(api);
        }
        let directory = self.data_dir.locate(&shell.environment)?;
        let shown = directory.display();
        Err(Failure::unreachable(if data_dir::is_in_use(&directory) {
            anyhow!("the gateway on `{shown}` offers no admin API yet: try again in a moment")
        } else {
            anyhow!("no gateway runs on `{shown}`: start one with `toolgate up`, or name one with `--url`")
        }))
    }
}

/// A running gateway's API.
pub(crate) struct Api {
    /// Scheme, authority, and path up to `/api`.
    base: String,
    authorization: HeaderValue,
    trust: Trust,
    runtime: Runtime,
}

impl Api {
    /// The gateway of a URL, with the token of the environment.
    fn named(url: &Uri, shell: &mut Shell) -> Result<Self, Failure> {
        let token = shell.environment.get(TOKEN).map(str::trim).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            Failure::usage(format_args!("{TOKEN} is not set: set it to a token of the admin API, `tga_…`"))
        })?;
        let api = Self::new(url, token, Trust::Authorities)?;
        if url.scheme_str() == Some("http") && !url.host().is_some_and(is_loopback) {
            shell.note("warning: the token travels in clear text to another machine; use `https`")?;
        }
        Ok(api)
    }

    fn new(url: &Uri, token: &str, trust: Trust) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::usage("the token holds a character that no token has"))?;
        authorization.set_sensitive(true);
        let scheme = url.scheme_str().unwrap_or("http");
        let authority = url.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let base = format!("{scheme}://{authority}{}", url.path().trim_end_matches('/'));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { base, authorization, trust, runtime })
    }

    /// Looks at something.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(&Method::GET, path, None)
    }

    /// Looks at a list, page by page.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        self.pages(path, &Query::default()).map(|(items, _)| items)
    }

    /// Looks at a list with a query, page by page; with what the last page says beside its items.
    pub(crate) fn pages(&self, path: &str, query: &Query) -> Result<(Vec<Value>, Value), Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let asked = query.clone().with("limit", Some("200")).with("cursor", cursor.as_deref());
            let mut page = self.get(&format!("{path}{asked}"))?;
            if let Some(Value::Array(part)) = page.get_mut("items").map(Value::take) {
                items.extend(part);
            }
            match page.get("next").and_then(Value::as_str) {
                // Nothing comes after the same place twice.
                Some(next) if cursor.as_deref() == Some(next) => return Ok((items, page)),
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok((items, page)),
            }
        }
    }

    /// Makes something, or has something done.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(&Method::POST, path, Some(body))
    }

    /// Removes something, whatever it is by now.
    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(&Method::DELETE, path, None).map(drop)
    }

    /// Looks on: calls `opened` when the stream is open, and hands every server-sent event's name and data to `take`,
    /// until the stream ends.
    pub(crate) fn watch(
        &self,
        path: &str,
        opened: impl FnOnce(),
        mut take: impl FnMut(&str, &[u8]),
    ) -> Result<(), Failure> {
        /// Longest event in bytes.
        const EVENT: usize = 1 << 20;
        let uri: Uri = format!("{}/api/v1/{path}", self.base).parse()?;
        let request = Request::builder()
            .uri(&uri)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, "text/event-stream")
            .body(Full::new(Bytes::new()))?;
        let endpoint = Arc::new(Endpoint::new(&uri, &self.trust)?);
        self.runtime.block_on(async {
            let (head, mut body) = endpoint.send(request).await.map_err(Failure::unreachable)?.into_parts();
            if !head.status.is_success() {
                let answer = body.collect(LONGEST).await.unwrap_or_default();
                return Err(problem::failure(head.status, &answer));
            }
            opened();
            let mut events = Splitter::new(EVENT);
            while let Ok(Some(chunk)) = tokio::time::timeout(SILENCE, body.chunk()).await {
                events.push(chunk?);
                while let Some(event) = events.next_event()? {
                    let name = event.name.as_deref().and_then(|name| std::str::from_utf8(name).ok());
                    if let (Some(name), Some(data)) = (name, &event.data) {
                        take(name, data);
                    }
                }
            }
            Ok(())
        })
    }

    fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let uri: Uri = format!("{}/api/v1/{path}", self.base).parse()?;
        let mut request = Request::builder()
            .method(method)
            .uri(&uri)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, "application/json");
        if *method == Method::DELETE {
            request = request.header(IF_MATCH, "*");
        }
        let bytes = body.map(serde_json::to_vec).transpose()?;
        if bytes.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(bytes.unwrap_or_default())))?;
        let (status, answer) = self.runtime.block_on(exchange(Endpoint::new(&uri, &self.trust)?, request))?;
        if !status.is_success() {
            return Err(problem::failure(status, &answer));
        }
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|_| problem::no_api(status))
    }
}

async fn exchange(
    endpoint: Endpoint,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Vec<u8>), Failure> {
    let endpoint = Arc::new(endpoint);
    let done = tokio::time::timeout(PATIENCE, async {
        let (head, body) = endpoint.send(request).await.map_err(Failure::unreachable)?.into_parts();
        let broken =
            |error| Failure::unreachable(anyhow!("the gateway's answer cannot be read to its end: {error}"));
        Ok((head.status, body.collect(LONGEST).await.map_err(broken)?))
    });
    let seconds = PATIENCE.as_secs();
    done.await.unwrap_or_else(|_| {
        Err(Failure::unreachable(anyhow!("the gateway did not answer within {seconds} s: see its log")))
    })
}

/// What is needed of an answer.
pub(crate) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| {
        Failure::unreachable(anyhow!(
            "the gateway's answer has a form that this program does not know ({error}): use the gateway's version of it"
        ))
    })
}

/// Reads the address of a console.
pub(crate) fn parse_url(text: &str) -> Result<Uri, String> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
    });
    uri.ok_or_else(|| "write it as in `http://127.0.0.1:8421`".to_owned())
}
