//! Which era a server is of: asked once per process, before anything else is said.

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::time::timeout;
use toolgate_json::{Document, Kind, Limits, Span, Value, write_string};

use crate::revision::Era;
use crate::stdio::StdioChild;
use crate::stdio::exchange::{Exchange, Incoming, OnDrop, Outgoing};
use crate::stdio::fault::{Fault, SendError};

/// How long a server may take to answer the probe before it counts as legacy.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The errors that only a modern server answers: header mismatch, missing capability, unsupported
/// revision (2026-07-28).
const MODERN_ERRORS: std::ops::RangeInclusive<i64> = -32_022..=-32_020;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The server is modern.
    Modern {
        /// Its whole answer to `server/discover`: a result, or an error -32020 to -32022.
        discover: Bytes,
    },
    /// The server is legacy: `initialize` comes next.
    Legacy,
}

/// Why a probe found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// The server ended. A legacy one may do so on any request before `initialize`: start it again and
    /// go straight to that.
    #[error("the server ended when asked what it is: {0}")]
    Ended(SendError),
    /// The question could not be sent.
    #[error("the server could not be asked what it is: {0}")]
    NotAsked(SendError),
}

/// Asks `server/discover` and notes the server's era: a discovery or a modern error means modern, any
/// other answer, or none within `limit`, means legacy.
///
/// # Errors
///
/// The server ended, or could not be written to.
pub async fn probe(child: &StdioChild, version: &str, limit: Duration) -> Result<Probe, ProbeError> {
    let mut exchange = child.request(&question(version)).map_err(ProbeError::NotAsked)?;
    let found = match timeout(limit, answer(&mut exchange)).await {
        Err(_) => Probe::Legacy,
        Ok(Ok(response)) => judge(response),
        Ok(Err(error)) => unanswered(error)?,
    };
    child.set_era(match found {
        Probe::Modern { .. } => Era::Modern,
        Probe::Legacy => Era::Legacy,
    });
    Ok(found)
}

async fn answer(exchange: &mut Exchange) -> Result<Bytes, SendError> {
    loop {
        match exchange.next().await {
            Some(Ok(Incoming::Response(response))) => return Ok(response),
            Some(Ok(Incoming::Notification(_))) => {}
            Some(Err(error)) => return Err(error),
            None => return Err(SendError::Broken(Fault::AnswerInvalid)),
        }
    }
}

/// An answer that cannot be used is one that no modern server gives.
fn unanswered(error: SendError) -> Result<Probe, ProbeError> {
    match error.fault() {
        Fault::AnswerTooLong { .. } | Fault::AnswerUnreadable(_) | Fault::AnswerInvalid | Fault::GivenUp => {
            Ok(Probe::Legacy)
        }
        Fault::Exited(_) | Fault::Closing | Fault::InputClosed => Err(ProbeError::Ended(error)),
        Fault::QueueFull | Fault::Overflow | Fault::Cancelled | Fault::BadSpan | Fault::NoResponses => {
            Err(ProbeError::NotAsked(error))
        }
    }
}

fn question(version: &str) -> Outgoing {
    let mut body = br#"{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"#.to_vec();
    body.extend_from_slice(br#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#);
    body.extend_from_slice(br#""io.modelcontextprotocol/clientCapabilities":{},"#);
    body.extend_from_slice(br#""io.modelcontextprotocol/clientInfo":{"name":"toolgate","version":"#);
    write_string(version, &mut body);
    body.extend_from_slice(b"}}}}");
    // `{"jsonrpc":"2.0","id":` is 22 bytes long.
    let id = Span { start: 22, end: 23 };
    Outgoing {
        body: body.into(),
        id,
        progress_token: None,
        wants_notifications: false,
        on_drop: OnDrop::Abandon,
    }
}

fn judge(response: Bytes) -> Probe {
    let limits = Limits { bytes: usize::MAX, ..Limits::default() };
    let modern = Document::read(&response, &limits).is_ok_and(|document| is_modern(document.root()));
    if modern { Probe::Modern { discover: response } } else { Probe::Legacy }
}

fn is_modern(response: Value<'_>) -> bool {
    let versions = response.get("result").and_then(|result| result.get("supportedVersions"));
    let code = response.get("error").and_then(|error| error.get("code")).and_then(|code| code.as_i64());
    versions.is_some_and(|v| v.kind() == Kind::Array && v.elements().all(|e| e.kind() == Kind::String))
        || code.is_some_and(|code| MODERN_ERRORS.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let cases = [
            (r#"{"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}"#, true),
            (r#"{"error":{"code":-32022,"message":"","data":{"supported":["2027-01-01"]}}}"#, true),
            (r#"{"error":{"code":-32020,"message":""}}"#, true),
            (r#"{"error":{"code":-32021,"message":""}}"#, true),
            (r#"{"error":{"code":-32601,"message":"method not found"}}"#, false),
            (r#"{"error":{"code":-32602,"message":""}}"#, false),
            (r#"{"error":{"code":-32002,"message":"not initialized"}}"#, false),
            (r#"{"error":{"code":-32019,"message":""}}"#, false),
            (r#"{"error":{"code":-32023,"message":""}}"#, false),
            (r#"{"result":{}}"#, false),
            (r#"{"result":{"supportedVersions":"2026-07-28"}}"#, false),
            (r#"{"result":{"supportedVersions":[1]}}"#, false),
        ];
        for (text, modern) in cases {
            let found = judge(Bytes::from_static(text.as_bytes()));
            assert_eq!(matches!(found, Probe::Modern { .. }), modern, "{text}");
        }
    }

    #[test]
    fn the_question_is_one_strict_line_and_its_id_is_where_it_says() {
        let question = question("1.0 \"x\"");
        let document = Document::read(&question.body, &Limits::default()).expect("strict JSON");
        assert_eq!(document.root().get("id").map(|id| id.span()), Some(question.id));
        let meta = document.root().get("params").and_then(|p| p.get("_meta")).expect("_meta");
        let info = meta.get("io.modelcontextprotocol/clientInfo").expect("clientInfo");
        assert!(info.get("version").is_some_and(|v| v.is_str("1.0 \"x\"")));
    }
}
