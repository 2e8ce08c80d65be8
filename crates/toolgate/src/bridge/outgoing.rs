//! A line of the client: what it is, and the headers that its request needs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use toolgate_json::{Document, Limits, Value};
use toolgate_mcp::headers::{self, ParamHeader, encode_value, write_modern, x_mcp_header_rules};
use toolgate_mcp::message::{Id, Message, MessageError, Notification, Request};
use toolgate_mcp::method::Method;
use toolgate_mcp::params::Cancelled;
use toolgate_mcp::revision::{Era, Revision};

/// The gateway's limits decide; these only bound what is looked at here.
pub(super) const LIMITS: Limits = Limits { bytes: 256 << 20, depth: 1_000, values: 50_000_000 };

/// A message on its way to the gateway.
pub(super) struct Outgoing {
    /// The client's bytes.
    pub(super) body: Bytes,
    /// What the message itself asks for; modern messages only.
    pub(super) headers: HeaderMap,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a message is to the bridge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Opens a session of the legacy era.
    Initialize {
        /// The id's own bytes.
        id: String,
    },
    /// Tells that the session is open.
    Initialized,
    /// Cancels a request.
    Cancelled {
        /// One spelling of its id.
        key: String,
    },
    /// Any other message that expects no answer.
    Note,
    /// Any other request.
    Request {
        /// The id's own bytes.
        id: String,
        /// One spelling of the id.
        key: String,
        /// Its era.
        era: Era,
        /// Whether it is a subscription.
        listens: bool,
        /// Whether its answer tells of tools.
        lists_tools: bool,
    },
    /// Several legacy messages.
    Batch {
        /// The ids of the requests among them.
        ids: Vec<String>,
    },
}

impl Outgoing {
    /// Reads a line. What is no message is answered here, as the gateway would.
    pub(super) fn read(line: Vec<u8>, known: &ParamHeaders) -> Result<Self, Vec<u8>> {
        let mut headers = HeaderMap::new();
        let document = Document::read(&line, &LIMITS).map_err(|error| MessageError::from(error).body())?;
        let kind = match Message::read(&document).map_err(|error| error.body())? {
            Message::Request(request) => request_kind(&request, known, &mut headers),
            Message::Notification(note) => note_kind(&note, &mut headers),
            Message::Response(_) => Kind::Note,
            Message::Batch(batch) => Kind::Batch { ids: ids_of(batch) },
        };
        Ok(Self { body: line.into(), headers, kind })
    }

    /// A message of the bridge's own.
    pub(super) fn note(text: &'static str) -> Self {
        Self { body: Bytes::from_static(text.as_bytes()), headers: HeaderMap::new(), kind: Kind::Note }
    }

    /// Whether it belongs to the session.
    pub(super) fn is_legacy(&self) -> bool {
        !self.headers.contains_key(headers::PROTOCOL_VERSION) && !matches!(self.kind, Kind::Initialize { .. })
    }

    /// The ids that wait for an answer.
    pub(super) fn ids(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Initialize { id } | Kind::Request { id, .. } => vec![id],
            Kind::Batch { ids } => ids.iter().map(String::as_str).collect(),
            Kind::Initialized | Kind::Cancelled { .. } | Kind::Note => Vec::new(),
        }
    }
}

fn request_kind(request: &Request<'_>, known: &ParamHeaders, headers: &mut HeaderMap) -> Kind {
    let (id, key) = (request.id.raw().to_owned(), request.id.key().into_owned());
    let version = request.meta().and_then(|meta| meta.protocol_version());
    let method = Method::parse(request.method.as_str());
    if version.is_none() && method == Some(Method::Initialize) {
        return Kind::Initialize { id };
    }
    if let Some(version) = &version {
        let tool =
            request.params.as_ref().and_then(|params| params.get("name")).and_then(|name| name.as_str());
        let params = match (method, tool) {
            (Some(Method::ToolsCall), Some(tool)) => known.of(&tool),
            _ => Vec::new(),
        };
        match (Revision::parse(version.as_str()), method) {
            (Some(revision), Some(method)) => {
                write_modern(headers, revision, method, request.params.as_ref(), &params);
            }
            // The gateway refuses it with the right error, provided that the headers agree with the body.
            _ => write_unknown(headers, version.as_str(), request.method.as_str()),
        }
    }
    let era = if version.is_some() { Era::Modern } else { Era::Legacy };
    let listens = method == Some(Method::SubscriptionsListen);
    Kind::Request { id, key, era, listens, lists_tools: method == Some(Method::ToolsList) }
}

fn note_kind(note: &Notification<'_>, headers: &mut HeaderMap) -> Kind {
    if let Some(version) = note.meta().and_then(|meta| meta.protocol_version()) {
        write_unknown(headers, version.as_str(), note.method.as_str());
    }
    match Method::parse(note.method.as_str()) {
        Some(Method::Initialized) => Kind::Initialized,
        Some(Method::Cancelled) => {
            let id = note.view::<Cancelled<'_>>().ok().and_then(|cancelled| cancelled.request_id);
            id.map_or(Kind::Note, |id| Kind::Cancelled { key: id.key().into_owned() })
        }
        _ => Kind::Note,
    }
}

/// Version and method as they are; a value that no header can carry is left out.
fn write_unknown(headers: &mut HeaderMap, version: &str, method: &str) {
    for (name, value) in [(headers::PROTOCOL_VERSION, version), (headers::METHOD, method)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    // Without any version the message would pass for one of the legacy era.
    headers.entry(headers::PROTOCOL_VERSION).or_insert_with(|| encode_value(version));
}

fn ids_of(batch: Value<'_>) -> Vec<String> {
    let requests = batch.elements().filter(|message| message.get("method").is_some());
    requests.filter_map(|message| message.get("id").and_then(Id::of)).map(|id| id.raw().to_owned()).collect()
}

/// The headers that calls of a tool repeat arguments in, as the latest lists told.
#[derive(Default)]
pub(super) struct ParamHeaders(Mutex<HashMap<String, Vec<ParamHeader>>>);

impl ParamHeaders {
    fn of(&self, tool: &str) -> Vec<ParamHeader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tool).cloned().unwrap_or_default()
    }

    /// Learns from the result of `tools/list`.
    pub(super) fn learn(&self, result: Value<'_>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tool in result.get("tools").into_iter().flat_map(|tools| tools.elements()) {
            let Some(name) = tool.get("name").and_then(|name| name.as_str()) else { continue };
            let rules = tool.get("inputSchema").and_then(|schema| x_mcp_header_rules(schema).ok());
            match rules.filter(|rules| !rules.is_empty()) {
                Some(rules) => known.insert(name.into_owned(), rules),
                None => known.remove(&*name),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Outgoing {
        Outgoing::read(line.as_bytes().to_vec(), &ParamHeaders::default()).ok().unwrap()
    }

    fn header<'o>(outgoing: &'o Outgoing, name: &str) -> Option<&'o str> {
        outgoing.headers.get(name).and_then(|value| value.to_str().ok())
    }

    const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

    #[test]
    fn kinds() {
        let id = || "1".to_owned();
        for (line, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, Kind::Initialize { id: id() }),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Kind::Initialized),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0061"}}"#,
                Kind::Cancelled { key: "\"a\"".to_owned() },
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
                Kind::Note,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Kind::Note),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
                Kind::Request { id: id(), key: id(), era: Era::Legacy, listens: false, lists_tools: true },
            ),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":2,"result":{}}]"#,
                Kind::Batch { ids: vec![id()] },
            ),
        ] {
            let outgoing = read(line);
            assert_eq!(outgoing.kind, expected, "{line}");
            assert!(outgoing.headers.is_empty() && outgoing.body == line.as_bytes());
        }
    }

    #[test]
    fn a_modern_call_gets_its_headers() {
        let call = read(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"Bild ü",{META}}}}}"#
        ));
        assert_eq!(header(&call, "mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(header(&call, "mcp-method"), Some("tools/call"));
        assert_eq!(header(&call, "mcp-name"), Some("=?base64?QmlsZCDDvA==?="));
        assert!(!call.is_legacy());
        let odd = read(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x/y","params":{{{META}}}}}"#));
        assert_eq!(header(&odd, "mcp-method"), Some("x/y"));
    }

    #[test]
    fn arguments_are_repeated_once_a_list_told_so() {
        let known = ParamHeaders::default();
        let list = br#"{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}"#;
        known.learn(Document::read(list, &LIMITS).unwrap().root());
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{{"region":"eu"}},{META}}}}}"#
        );
        let call = Outgoing::read(line.into_bytes(), &known).ok().unwrap();
        assert_eq!(header(&call, "mcp-param-region"), Some("eu"));
    }

    #[test]
    fn what_is_no_message_is_answered() {
        for (line, code) in
            [("{", -32700), ("{\"a\":1,\"a\":2}", -32600), ("{\"id\":7,\"method\":\"x\"}", -32600)]
        {
            let answer = Outgoing::read(line.as_bytes().to_vec(), &ParamHeaders::default()).err().unwrap();
            let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
        }
    }
}
