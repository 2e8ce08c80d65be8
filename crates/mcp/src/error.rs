//! Error codes, the HTTP status that each goes with, and the bodies of answers that the gateway makes itself.

use toolgate_json::write_string;

use crate::revision::Era;

/// An error that the gateway may answer with.
///
/// The range -32768..=-32000 belongs to JSON-RPC and the protocol; the gateway's own codes are positive
/// and follow the HTTP status of the same meaning, so that they can never collide with either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// -32700: the bytes are not JSON.
    ParseError,
    /// -32600: JSON, but no message that may be acted on.
    InvalidRequest,
    /// -32601: the method does not exist under the revision spoken.
    MethodNotFound,
    /// -32602: `params` has not the form that its method needs, or lacks a required `_meta` member.
    InvalidParams,
    /// -32602 too: well-formed, but no such tool, prompt, cursor, task or (modern) resource.
    UnknownTarget,
    /// -32603: the gateway failed.
    InternalError,
    /// -32002: no such resource; legacy peers only.
    ResourceNotFound,
    /// -32020: a header is missing, malformed, or differs from the body; modern peers only.
    HeaderMismatch,
    /// -32021: the request does not declare a capability that its answer needs; modern peers only.
    MissingCapability,
    /// -32022: the protocol version is not served here; modern peers only.
    UnsupportedVersion,
    /// 4030: a rule of the policy refused a message that is no plain tool call.
    PolicyDenied,
    /// 4031: a person refused, or did not answer in time.
    ApprovalRefused,
    /// 4290: a limit refused a message that is no plain tool call.
    RateLimited,
    /// 4990: cancelled before an answer was there.
    Cancelled,
    /// 5020: the server answered with something that is not the protocol, or broke off.
    UpstreamBroken,
    /// 5030: the server cannot be reached.
    UpstreamUnavailable,
    /// 5031: the gateway refuses calls, since it cannot record them or is shutting down.
    NotReady,
    /// 5040: the server did not answer in time.
    UpstreamTimeout,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 18] = [
        Self::ParseError,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::UnknownTarget,
        Self::InternalError,
        Self::ResourceNotFound,
        Self::HeaderMismatch,
        Self::MissingCapability,
        Self::UnsupportedVersion,
        Self::PolicyDenied,
        Self::ApprovalRefused,
        Self::RateLimited,
        Self::Cancelled,
        Self::UpstreamBroken,
        Self::UpstreamUnavailable,
        Self::NotReady,
        Self::UpstreamTimeout,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams | Self::UnknownTarget => -32602,
            Self::InternalError => -32603,
            Self::ResourceNotFound => -32002,
            Self::HeaderMismatch => -32020,
            Self::MissingCapability => -32021,
            Self::UnsupportedVersion => -32022,
            Self::PolicyDenied => 4030,
            Self::ApprovalRefused => 4031,
            Self::RateLimited => 4290,
            Self::Cancelled => 4990,
            Self::UpstreamBroken => 5020,
            Self::UpstreamUnavailable => 5030,
            Self::NotReady => 5031,
            Self::UpstreamTimeout => 5040,
        }
    }

    /// The HTTP status that the error is sent with.
    ///
    /// The text fixes 400 for unreadable and malformed messages, and under 2026-07-28 also for
    /// -32602, -32020, -32021 and -32022, and 404 for an unknown method. Everything else is an answer
    /// to a well-formed request and goes with 200: clients of both eras read a JSON-RPC error from the
    /// body then, where another status would show as a broken transport or start an authorization.
    #[must_use]
    pub fn http_status(self, era: Era) -> http::StatusCode {
        use http::StatusCode as Status;
        match (self, era) {
            (Self::ParseError | Self::InvalidRequest, _) => Status::BAD_REQUEST,
            (Self::HeaderMismatch | Self::MissingCapability | Self::UnsupportedVersion, _) => {
                Status::BAD_REQUEST
            }
            (Self::MethodNotFound, Era::Modern) => Status::NOT_FOUND,
            (Self::InvalidParams, Era::Modern) => Status::BAD_REQUEST,
            (Self::MethodNotFound | Self::InvalidParams, Era::Legacy) => Status::OK,
            (Self::UnknownTarget | Self::InternalError | Self::ResourceNotFound, _) => Status::OK,
            (Self::PolicyDenied | Self::ApprovalRefused | Self::RateLimited | Self::Cancelled, _) => {
                Status::OK
            }
            (Self::UpstreamBroken | Self::UpstreamUnavailable, _) => Status::OK,
            (Self::NotReady | Self::UpstreamTimeout, _) => Status::OK,
        }
    }
}

/// The code for a resource that does not exist: its own in the legacy era, invalid params since.
#[must_use]
pub fn missing_resource(era: Era) -> Code {
    match era {
        Era::Legacy => Code::ResourceNotFound,
        Era::Modern => Code::UnknownTarget,
    }
}

/// What a denied tool call tells the agent beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The rule that denied: a JSON pointer into the policy, or a fixed word in brackets.
    pub rule: &'a str,
    /// Milliseconds until the call could pass; none where waiting cannot help.
    pub retry_after_ms: Option<u64>,
    /// The id under which the journal keeps the decision.
    pub request_id: &'a str,
}

/// An error answer. `id` is the raw text of the request's id; none where the request could not be read,
/// and then the answer has none either. `data` is raw JSON.
#[must_use]
pub fn error_body(id: Option<&str>, code: Code, message: &str, data: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + message.len() + data.map_or(0, str::len));
    begin_answer(id, &mut out);
    out.extend_from_slice(b"\"error\":{\"code\":");
    out.extend_from_slice(code.number().to_string().as_bytes());
    out.extend_from_slice(b",\"message\":");
    write_string(message, &mut out);
    if let Some(data) = data {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(data.as_bytes());
    }
    out.extend_from_slice(b"}}");
    out
}

/// An answer that carries `result`, raw JSON. `id` is the raw text of the request's id.
#[must_use]
pub fn result_body(id: &str, result: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(40 + id.len() + result.len());
    begin_answer(Some(id), &mut out);
    out.extend_from_slice(b"\"result\":");
    out.extend_from_slice(result.as_bytes());
    out.push(b'}');
    out
}

/// The answer to a denied `tools/call`: a normal result that the model can read. `message` is the rule's
/// own text; the mark `[POLICY DENIED]` is put before it here.
#[must_use]
pub fn tool_denial_body(id: &str, message: &str, denial: &Denial<'_>, era: Era) -> Vec<u8> {
    let mut out = Vec::with_capacity(320 + message.len());
    begin_answer(Some(id), &mut out);
    out.extend_from_slice(b"\"result\":{\"content\":[{\"type\":\"text\",\"text\":");
    write_string(&format!("[POLICY DENIED] {message}"), &mut out);
    out.extend_from_slice(b"}],\"isError\":true,");
    if era == Era::Modern {
        out.extend_from_slice(b"\"resultType\":\"complete\",");
    }
    out.extend_from_slice(b"\"_meta\":{\"toolgate/decision\":");
    write_denial(denial, &mut out);
    out.extend_from_slice(b"}}}");
    out
}

/// The decision alone, as raw JSON for the `data` of an error answer.
#[must_use]
pub fn denial_data(denial: &Denial<'_>) -> String {
    let mut out = Vec::with_capacity(128);
    write_denial(denial, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn write_denial(denial: &Denial<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"outcome\":\"deny\",\"rule\":");
    write_string(denial.rule, out);
    out.extend_from_slice(b",\"retryAfterMs\":");
    match denial.retry_after_ms {
        Some(ms) => out.extend_from_slice(ms.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"requestId\":");
    write_string(denial.request_id, out);
    out.push(b'}');
}

fn begin_answer(id: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        out.extend_from_slice(b"\"id\":");
        out.extend_from_slice(id.as_bytes());
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn own_codes_stay_out_of_the_reserved_range() {
        for code in Code::ALL {
            let number = code.number();
            let defined = [-32700, -32600, -32601, -32602, -32603, -32002, -32020, -32021, -32022];
            assert!(number > 0 || defined.contains(&number), "{code:?}");
        }
    }

    #[test]
    fn the_text_fixes_these_statuses() {
        let status = |code: Code, era| code.http_status(era).as_u16();
        for code in [Code::HeaderMismatch, Code::MissingCapability, Code::UnsupportedVersion] {
            assert_eq!(status(code, Era::Modern), 400);
        }
        assert_eq!(status(Code::InvalidParams, Era::Modern), 400);
        assert_eq!(status(Code::InvalidParams, Era::Legacy), 200);
        assert_eq!(status(Code::MethodNotFound, Era::Modern), 404);
        assert_eq!(status(Code::MethodNotFound, Era::Legacy), 200);
        assert_eq!(status(Code::ParseError, Era::Legacy), 400);
        assert_eq!(status(Code::PolicyDenied, Era::Modern), 200);
    }

    #[test]
    fn an_error_repeats_the_id_or_has_none() {
        let body = error_body(Some("\"a\""), Code::InvalidParams, "bad \"x\"\n", Some("{\"n\":1e2}"));
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"bad \"x\"\n","data":{"n":1e2}}}"#
        );
        let body = json(&error_body(None, Code::ParseError, "no", None));
        assert_eq!(body, serde_json::json!({"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}));
    }

    #[test]
    fn a_denial_is_a_result_that_the_model_reads() {
        let denial = Denial { rule: "/tools/refund/deny_if/0", retry_after_ms: None, request_id: "r-1" };
        let body = json(&tool_denial_body("7", "Above 100.00: ask finance", &denial, Era::Legacy));
        let mut expected = serde_json::json!({"jsonrpc":"2.0","id":7,"result":{
            "content":[{"type":"text","text":"[POLICY DENIED] Above 100.00: ask finance"}],
            "isError":true,
            "_meta":{"toolgate/decision":{"outcome":"deny","rule":"/tools/refund/deny_if/0",
                "retryAfterMs":null,"requestId":"r-1"}}}});
        assert_eq!(body, expected);
        expected["result"]["resultType"] = "complete".into();
        assert_eq!(json(&tool_denial_body("7", "Above 100.00: ask finance", &denial, Era::Modern)), expected);
    }

    #[test]
    fn a_denial_tells_how_long_to_wait() {
        let denial = Denial { rule: "(default deny)", retry_after_ms: Some(1500), request_id: "r" };
        assert_eq!(
            denial_data(&denial),
            r#"{"outcome":"deny","rule":"(default deny)","retryAfterMs":1500,"requestId":"r"}"#
        );
        assert_eq!(result_body("1", "{}"), br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    }
}
