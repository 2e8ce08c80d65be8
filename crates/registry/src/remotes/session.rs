//! A short visit to a server of the legacy era over Streamable HTTP: `initialize`, `tools/list` page by page, goodbye.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use toolgate_mcp::sse::Splitter;

use crate::web;

/// The revision that is offered.
const REVISION: &str = "2025-11-25";
const SESSION: &str = "mcp-session-id";
/// Longest answer in bytes.
const ANSWER: usize = 8 << 20;
/// Most pages of a list, and most tools.
const PAGES: u64 = 50;
const TOOLS: usize = 5000;

#[derive(Deserialize)]
struct RawAnswer {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    result: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct RawList {
    tools: Vec<Box<RawValue>>,
    #[serde(default, rename = "nextCursor")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct RawAgreed {
    #[serde(rename = "protocolVersion")]
    revision: String,
}

/// A visit.
struct Visit<'a> {
    client: &'a Client,
    url: &'a Url,
    session: Option<HeaderValue>,
    revision: String,
}

/// The definitions of a server's tools, as it gives them.
///
/// # Errors
///
/// It does not list them to whoever comes; the text says why.
pub(super) async fn tools(client: &Client, url: &Url) -> Result<Vec<String>, String> {
    let mut visit = Visit { client, url, session: None, revision: REVISION.to_owned() };
    let hello = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo":
        {"name": "toolgate", "version": env!("CARGO_PKG_VERSION")}});
    let agreed: RawAgreed = visit.ask(0, "initialize", &hello).await?;
    visit.revision = agreed.revision;
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    visit.post(&note).await?;
    let list = visit.list().await;
    visit.leave().await;
    list
}

impl Visit<'_> {
    async fn list(&mut self) -> Result<Vec<String>, String> {
        let mut tools = Vec::new();
        let mut cursor: Option<String> = None;
        for page in 1..=PAGES {
            let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let list: RawList = self.ask(page, "tools/list", &params).await?;
            tools.extend(list.tools.iter().map(|tool| tool.get().to_owned()));
            if tools.len() > TOOLS {
                return Err(format!("it lists more than {TOOLS} tools"));
            }
            match list.next {
                None => return Ok(tools),
                next if next == cursor => return Err("its list does not end".to_owned()),
                next => cursor = next,
            }
        }
        Err("its list does not end".to_owned())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &mut self,
        id: u64,
        method: &str,
        params: &Value,
    ) -> Result<T, String> {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let response = self.post(&request).await?;
        if let Some(session) = response.headers().get(SESSION) {
            self.session = Some(session.clone());
        }
        let status = response.status();
        if status != StatusCode::OK {
            return Err(format!("it answered `{method}` with {status}"));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let answer = if is_stream {
            of_stream(response, id).await?
        } else {
            web::body(response, ANSWER).await?.into()
        };
        let answer: RawAnswer =
            serde_json::from_slice(&answer).map_err(|_| "its answer is no message".to_owned())?;
        let result = answer.result.filter(|_| answer.id == Some(Value::from(id)));
        let result = result.ok_or_else(|| format!("it refused `{method}`"))?;
        serde_json::from_str(result.get()).map_err(|_| format!("its answer to `{method}` has another form"))
    }

    async fn post(&self, message: &Value) -> Result<Response, String> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", &self.revision);
        if let Some(session) = &self.session {
            request = request.header(SESSION, session.clone());
        }
        request.body(message.to_string()).send().await.map_err(|error| web::causes(&error))
    }

    /// Ends the session; whether the server knows how to does not matter.
    async fn leave(self) {
        let Some(session) = self.session else { return };
        let request = self.client.delete(self.url.clone()).header(SESSION, session);
        if let Err(error) = request.header("mcp-protocol-version", &self.revision).send().await {
            tracing::debug!(why = web::causes(&error), "a remote's session was not ended");
        }
    }
}

/// The answer to a request in a stream of events.
async fn of_stream(mut response: Response, id: u64) -> Result<Vec<u8>, String> {
    let (mut splitter, mut read) = (Splitter::new(ANSWER), 0);
    while let Some(chunk) = response.chunk().await.map_err(|error| web::causes(&error))? {
        read += chunk.len();
        if read > ANSWER {
            return Err(format!("its answer is longer than {ANSWER} bytes"));
        }
        splitter.push(chunk);
        while let Some(event) = splitter.next_event().map_err(|error| error.to_string())? {
            let Some(data) = event.data else { continue };
            let message = serde_json::from_slice::<RawAnswer>(&data);
            if message.is_ok_and(|message| message.id == Some(Value::from(id))) {
                return Ok(data.to_vec());
            }
        }
    }
    Err("its stream ended without an answer".to_owned())
}
