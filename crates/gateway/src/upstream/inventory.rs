//! The tools that a server offers, as it defines them: fetched when first needed, kept until their time is
//! over or the server says that they changed, and looked up afresh once for a name that is not there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::HeaderMap;
use toolgate_json::{Document, Kind, Value, write_string};
use toolgate_mcp::definition::Definition;
use toolgate_mcp::headers::{self, ParamHeader, x_mcp_header_rules};
use toolgate_mcp::message::{Message, Outcome, Request};
use toolgate_mcp::method::Method;
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::stdio::exchange::OnDrop;
use toolgate_policy::Schema;

use crate::clock::nanos;

use super::{Leg, Outgoing, Server, UpstreamError};

/// How long a list of the legacy era, which tells no time, is kept.
const LEGACY_TTL: Duration = Duration::from_secs(60);
/// Whatever a server says, its list is not kept longer.
const LONGEST_TTL: Duration = Duration::from_secs(300);
/// A list that is younger is not fetched again for a name that it does not have.
const YOUNG: Duration = Duration::from_secs(1);
/// Pages and tools beyond which a list is not read.
pub(super) const MOST_PAGES: usize = 100;
pub(super) const MOST_TOOLS: usize = 20_000;

/// One tool's definition, ready to judge calls by.
#[derive(Debug)]
pub(crate) struct ToolDefinition {
    /// The definition as the server gives it.
    pub(crate) raw: Arc<str>,
    /// SHA-256 of the whole definition in canonical form, hexadecimal.
    pub(crate) hash: String,
    /// The input schema, or why calls cannot be checked against it.
    pub(crate) schema: Result<Schema, String>,
    /// The arguments that modern clients repeat in headers, or why that part of the schema is invalid.
    pub(crate) headers: Result<Vec<ParamHeader>, String>,
}

/// A server's tools at one time.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    tools: HashMap<String, ToolDefinition>,
    /// The one name behind each name with underscores for dots; none where there are several.
    underscored: HashMap<String, Option<String>>,
    fetched: u64,
    expires: u64,
    /// How many changes the server had told of when it was asked.
    changes: u64,
}

impl Definitions {
    /// The definition of a name.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&ToolDefinition> {
        self.tools.get(name)
    }

    /// The server's name for one that a client with `names: underscore` uses; none where no tool or several
    /// are shown under it.
    #[must_use]
    pub(crate) fn dotted(&self, name: &str) -> Option<&str> {
        self.underscored.get(name).and_then(|n| n.as_deref())
    }

    /// All tools by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &ToolDefinition)> {
        self.tools.iter()
    }

    fn add(&mut self, tool: Value<'_>) {
        let Ok(definition) = Definition::read(tool) else { return };
        let name = definition.name.as_str().to_owned();
        let schema = match definition.input_schema {
            None => Err("it has no input schema".to_owned()),
            Some(schema) => Schema::compile(&schema).map_err(|e| e.to_string()),
        };
        let headers = match definition.input_schema {
            None => Ok(Vec::new()),
            Some(schema) => x_mcp_header_rules(schema).map_err(|e| e.to_string()),
        };
        // Two tools of one name: nobody can say which is meant, so neither can be called.
        let twice = self.tools.contains_key(&name);
        let schema = if twice { Err("the server lists two tools of this name".to_owned()) } else { schema };
        let underscored = name.replace('.', "_");
        self.underscored
            .entry(underscored)
            .and_modify(|known| *known = known.take().filter(|k| *k == name))
            .or_insert_with(|| Some(name.clone()));
        let (raw, hash) = (tool.raw().into(), definition.hash());
        self.tools.insert(name, ToolDefinition { raw, hash, schema, headers });
    }
}

/// The definitions of one server in one era.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    current: ArcSwapOption<Definitions>,
    changes: AtomicU64,
    fetching: tokio::sync::Mutex<()>,
}

impl Inventory {
    /// Tells that the server's tools changed.
    pub(crate) fn invalidate(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The definitions that were fetched last, however old.
    pub(crate) fn known(&self) -> Option<Arc<Definitions>> {
        self.current.load_full()
    }

    fn fresh(&self, now: u64) -> Option<Arc<Definitions>> {
        let changes = self.changes.load(Ordering::Acquire);
        self.current.load_full().filter(|d| now < d.expires && d.changes == changes)
    }
}

impl Server {
    /// The server's tools, fetched over `leg` if they are not known or their time is over.
    ///
    /// # Errors
    ///
    /// They had to be fetched and could not be.
    pub(crate) async fn definitions(&self, leg: &Leg) -> Result<Arc<Definitions>, UpstreamError> {
        let inventory = self.inventory(leg.era());
        if let Some(fresh) = inventory.fresh(self.clock.mono()) {
            return Ok(fresh);
        }
        Box::pin(async {
            let _fetching = inventory.fetching.lock().await;
            match inventory.fresh(self.clock.mono()) {
                Some(fresh) => Ok(fresh),
                None => self.fetch(leg).await,
            }
        })
        .await
    }

    /// The server's tools for a name that the known ones do not have: looked up once afresh.
    ///
    /// # Errors
    ///
    /// They could not be fetched.
    pub(crate) async fn definitions_again(&self, leg: &Leg) -> Result<Arc<Definitions>, UpstreamError> {
        let inventory = self.inventory(leg.era());
        let _fetching = inventory.fetching.lock().await;
        let young = |d: &Arc<Definitions>| self.clock.mono() < d.fetched.saturating_add(nanos(YOUNG));
        match inventory.fresh(self.clock.mono()).filter(young) {
            Some(young) => Ok(young),
            None => self.fetch(leg).await,
        }
    }

    async fn fetch(&self, leg: &Leg) -> Result<Arc<Definitions>, UpstreamError> {
        let inventory = self.inventory(leg.era());
        // A change that is told while the list is fetched makes it stale at once.
        let changes = inventory.changes.load(Ordering::Acquire);
        let definitions = Arc::new(Definitions { changes, ..self.fetch_pages(leg).await? });
        inventory.current.store(Some(Arc::clone(&definitions)));
        Ok(definitions)
    }

    async fn fetch_pages(&self, leg: &Leg) -> Result<Definitions, UpstreamError> {
        let mut definitions = Definitions::default();
        let mut cursor: Option<String> = None;
        let mut ttl = LONGEST_TTL;
        for _ in 0..MOST_PAGES {
            let page = self.fetch_page(leg, cursor.as_deref()).await?;
            let document =
                Document::read(&page, self.limits()).map_err(|e| UpstreamError::Protocol(e.to_string()))?;
            let result = result_of(&document)?;
            for tool in result.get("tools").into_iter().flat_map(|t| t.elements()) {
                definitions.add(tool);
            }
            ttl = ttl.min(ttl_of(&result, leg.era()));
            cursor = result.get("nextCursor").and_then(|c| c.as_str()).map(std::borrow::Cow::into_owned);
            if cursor.is_none() {
                definitions.fetched = self.clock.mono();
                definitions.expires = definitions.fetched.saturating_add(nanos(ttl));
                return Ok(definitions);
            }
            if definitions.tools.len() > MOST_TOOLS {
                break;
            }
        }
        Err(UpstreamError::Protocol(format!(
            "its list of tools goes beyond {MOST_PAGES} pages or {MOST_TOOLS} tools"
        )))
    }

    /// The answer to a request for one page of a list, whatever it says.
    pub(super) async fn ask_for_page(
        &self,
        leg: &Leg,
        method: Method,
        cursor: Option<&str>,
    ) -> Result<Bytes, UpstreamError> {
        let body = list_request(&self.own_id(), leg.era(), method, cursor);
        let outgoing = own_request(body, leg.era(), method)?;
        let reply = self.request(leg, outgoing).await?;
        let answer = reply.content.final_message(self).await?;
        answer.ok_or_else(|| UpstreamError::Protocol(format!("no answer to `{}`", method.name())))
    }

    async fn fetch_page(&self, leg: &Leg, cursor: Option<&str>) -> Result<Bytes, UpstreamError> {
        self.ask_for_page(leg, Method::ToolsList, cursor).await
    }
}

fn list_request(id: &str, era: Era, method: Method, cursor: Option<&str>) -> Vec<u8> {
    let method = method.name();
    let mut body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"#).into_bytes();
    if let Some(cursor) = cursor {
        body.extend_from_slice(br#""cursor":"#);
        write_string(cursor, &mut body);
    }
    if era == Era::Modern {
        if cursor.is_some() {
            body.push(b',');
        }
        let meta = format!(
            r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"toolgate","version":"{}"}}}}"#,
            Revision::NEWEST_MODERN.as_str(),
            env!("CARGO_PKG_VERSION")
        );
        body.extend_from_slice(meta.as_bytes());
    }
    body.extend_from_slice(b"}}");
    body
}

/// A request of the gateway's own, with the headers that the modern era wants.
fn own_request(body: Vec<u8>, era: Era, method: Method) -> Result<Outgoing, UpstreamError> {
    let mut extra = HeaderMap::new();
    let id = {
        let document = Document::read(&body, &toolgate_json::Limits::default())
            .map_err(|e| UpstreamError::Protocol(e.to_string()))?;
        let Ok(Message::Request(Request { id, params, .. })) = Message::read(&document) else {
            return Err(UpstreamError::Protocol("the gateway's own request is malformed".to_owned()));
        };
        if era == Era::Modern {
            headers::write_modern(&mut extra, Revision::NEWEST_MODERN, method, params.as_ref(), &[]);
        }
        id.span()
    };
    Ok(Outgoing {
        body: Bytes::from(body),
        id,
        progress_token: None,
        headers: extra.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        on_drop: OnDrop::Abandon,
    })
}

fn result_of<'d>(document: &'d Document<'_>) -> Result<Value<'d>, UpstreamError> {
    match Message::read(document) {
        Ok(Message::Response(response)) => match response.outcome {
            Outcome::Result(result) if result.kind() == Kind::Object => Ok(result),
            Outcome::Result(_) => Err(UpstreamError::Protocol("a result that is no object".to_owned())),
            Outcome::Error(error) => {
                let text = error.message.as_str().unwrap_or_default();
                Err(UpstreamError::Protocol(format!(
                    "`tools/list` was answered with error {}: {text}",
                    error.code
                )))
            }
        },
        Ok(_) => Err(UpstreamError::Protocol("no answer to `tools/list`".to_owned())),
        Err(error) => Err(UpstreamError::Protocol(error.to_string())),
    }
}

fn ttl_of(result: &Value<'_>, era: Era) -> Duration {
    let told = result.get("ttlMs").and_then(|v| v.as_i64()).and_then(|ms| u64::try_from(ms).ok());
    match (era, told) {
        (Era::Modern, Some(ms)) => Duration::from_millis(ms).clamp(YOUNG, LONGEST_TTL),
        (Era::Modern, None) => YOUNG,
        (Era::Legacy, _) => LEGACY_TTL,
    }
}
