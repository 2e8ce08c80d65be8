//! A look at one server from outside the pipeline: what it speaks and offers, for `toolgate doctor`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::task::TaskTracker;
use toolgate_json::{Document, Limits};
use toolgate_mcp::message::{Message, Outcome};
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::stdio::exchange::OnDrop;

use crate::clock::{Clock, SystemClock};
use crate::live::Live;
use crate::settings::{ServerSettings, Settings};
use crate::upstream::{Definitions, Leg, Outgoing, Server, Servers, ToolDefinition, UpstreamError};

/// What was found.
#[derive(Clone, Debug)]
pub struct ProbeReport {
    /// The revisions or eras that it answered in, in words.
    pub speaks: Vec<String>,
    /// Its tools by name.
    pub tools: Vec<ProbedTool>,
    /// How long it took.
    pub elapsed: Duration,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbedTool {
    /// Its name.
    pub name: String,
    /// The definition as the server gives it, JSON.
    pub definition: Arc<str>,
    /// SHA-256 of the definition in canonical form, hexadecimal.
    pub hash: String,
    /// Why calls cannot be checked against its schema; they are denied as `(arguments)` then.
    pub schema_error: Option<String>,
}

/// Asks a server of `settings` what it speaks and offers. Children are started and ended again.
///
/// # Errors
///
/// It cannot be reached, or speaks neither era; the text says why.
pub async fn probe(
    settings: &Settings,
    server: &ServerSettings,
    base_env: &[(String, String)],
) -> Result<ProbeReport, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started = clock.now().mono;
    let logs = settings.data_dir.join(crate::data_dir::LOGS);
    let servers =
        Servers::new(Arc::clone(&clock), TaskTracker::new(), base_env.to_vec(), logs, Live::default());
    let live = servers.open(server, settings, None);
    let found = look(&live).await;
    live.stop().await;
    let (speaks, tools) = found?;
    let elapsed = Duration::from_nanos(clock.now().mono.saturating_sub(started));
    Ok(ProbeReport { speaks, tools, elapsed })
}

async fn look(server: &Server) -> Result<(Vec<String>, Vec<ProbedTool>), String> {
    let mut speaks = Vec::new();
    let mut tools = None;
    let modern = server.modern_leg().await;
    if let Ok(leg) = &modern {
        speaks.push(Revision::NEWEST_MODERN.to_string());
        tools = Some(list(server, leg).await?);
    }
    match legacy_leg(server).await {
        Ok(leg) => {
            let (Leg::Web { revision, .. } | Leg::Child { revision, .. }) = &leg;
            speaks.push(revision.to_string());
            if tools.is_none() {
                tools = Some(list(server, &leg).await?);
            }
            server.end(&leg).await;
        }
        Err(error) if speaks.is_empty() => {
            return Err(match modern {
                Err(first) if !matches!(first, UpstreamError::OtherEra(_)) => first.to_string(),
                _ => error.to_string(),
            });
        }
        Err(_) => {}
    }
    Ok((speaks, tools.unwrap_or_default()))
}

/// The tools of a server, by name.
pub(crate) async fn list(server: &Server, leg: &Leg) -> Result<Vec<ProbedTool>, String> {
    let definitions = server.definitions(leg).await.map_err(|e| e.to_string())?;
    Ok(tools_of(&definitions))
}

/// The tools of known definitions, by name.
pub(crate) fn tools_of(definitions: &Definitions) -> Vec<ProbedTool> {
    let probed = |(name, tool): (&String, &ToolDefinition)| ProbedTool {
        name: name.clone(),
        definition: Arc::clone(&tool.raw),
        hash: tool.hash.clone(),
        schema_error: tool.schema.as_ref().err().cloned(),
    };
    let mut tools: Vec<ProbedTool> = definitions.iter().map(probed).collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    tools
}

/// Shakes hands in the legacy era.
pub(crate) async fn legacy_leg(server: &Server) -> Result<Leg, UpstreamError> {
    if let Some(children) = server.children() {
        return children.shared_legacy().await.map(|(leg, _)| leg);
    }
    let revision = Revision::NEWEST_LEGACY;
    let body = own_initialize();
    let start = body.find("0,").unwrap_or_default();
    let outgoing = Outgoing {
        id: toolgate_json::Span { start, end: start + 1 },
        body: Bytes::from(body),
        progress_token: None,
        headers: Vec::new(),
        on_drop: OnDrop::Abandon,
    };
    let reply = server.request(&Leg::Web { revision, session: None }, outgoing).await?;
    let session = reply.session.clone();
    let answer = reply.content.final_message(server).await?.unwrap_or_default();
    let revision = agreed(&answer)?;
    let leg = Leg::Web { revision, session };
    let note = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    server.tell(&leg, note, false).await?;
    Ok(leg)
}

/// `initialize` of a client that can do nothing, under the id `0`.
pub(crate) fn own_initialize() -> String {
    let (revision, version) = (Revision::NEWEST_LEGACY, env!("CARGO_PKG_VERSION"));
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{revision}","capabilities":{{}},"clientInfo":{{"name":"toolgate","version":"{version}"}}}}}}"#
    )
}

/// The legacy revision that an answer to `initialize` agrees on.
pub(crate) fn agreed(answer: &[u8]) -> Result<Revision, UpstreamError> {
    let limits = Limits { bytes: answer.len(), ..Limits::default() };
    let document = Document::read(answer, &limits).map_err(|e| UpstreamError::Protocol(e.to_string()))?;
    let message = Message::read(&document).map_err(|e| UpstreamError::Protocol(e.to_string()))?;
    let Message::Response(response) = message else {
        return Err(UpstreamError::Protocol("no answer to `initialize`".to_owned()));
    };
    match response.outcome {
        Outcome::Error(error) => {
            let text = error.message.as_str().unwrap_or_default().into_owned();
            Err(UpstreamError::Protocol(format!("`initialize` was refused: {text}")))
        }
        Outcome::Result(result) => {
            let version = result.get("protocolVersion").and_then(|v| v.as_str());
            let revision = version.and_then(|v| Revision::parse(&v)).filter(|r| r.era() == Era::Legacy);
            revision.ok_or_else(|| UpstreamError::Protocol("an unknown `protocolVersion`".to_owned()))
        }
    }
}
