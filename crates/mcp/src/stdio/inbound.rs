//! What a line from a server is: read strictly, told apart, nothing decided.

use std::borrow::Cow;

use toolgate_json::{Document, Kind, ReadError, Span, Value};

/// The member of `_meta` that ties a message to a subscription (2026-07-28).
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A JSON-RPC 2.0 message from a server.
#[derive(Debug)]
pub(crate) enum Inbound<'d> {
    /// An answer to a request of the gateway.
    Response {
        /// The number of the request, if the id can be one.
        number: Option<u64>,
        /// Where the id stands, if there is one.
        id: Option<Span>,
        /// The subscription that the result belongs to.
        subscription: Option<Reference>,
    },
    /// A request of the server's own.
    Request {
        /// Its id.
        id: Value<'d>,
        /// Its method.
        method: Cow<'d, str>,
    },
    /// A notification.
    Notification {
        /// Its method.
        method: Cow<'d, str>,
        /// What it belongs to.
        about: About,
    },
}

/// A place that names a request by its number on the leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Where the value stands.
    pub(crate) span: Span,
    /// The number, if the value can be one.
    pub(crate) number: Option<u64>,
}

/// What a notification belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// No request in particular.
    Nothing,
    /// The request with this progress token.
    Progress(Reference),
    /// The request that opened this subscription.
    Subscription(Reference),
    /// The server cancels: a request of its own, or a subscription.
    Cancelled(Reference),
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not strict JSON.
    NotJson(ReadError),
    /// It is JSON, but no JSON-RPC 2.0 message.
    NotAMessage,
}

/// Tells what a document is.
pub(crate) fn inbound<'d>(document: &'d Document<'_>) -> Result<Inbound<'d>, Refusal> {
    let root = document.root();
    if !root.get("jsonrpc").is_some_and(|version| version.is_str("2.0")) {
        return Err(Refusal::NotAMessage);
    }
    let outcome = match (root.get("result"), root.get("error")) {
        (Some(_), Some(_)) => return Err(Refusal::NotAMessage),
        (Some(outcome), None) | (None, Some(outcome)) => Some(outcome),
        (None, None) => None,
    };
    match (root.get("method"), outcome) {
        (Some(method), None) => named(root, method.as_str().ok_or(Refusal::NotAMessage)?),
        (None, Some(outcome)) => Ok(response(root, outcome)),
        (Some(_), Some(_)) | (None, None) => Err(Refusal::NotAMessage),
    }
}

fn response<'d>(root: Value<'d>, outcome: Value<'d>) -> Inbound<'d> {
    let id = root.get("id");
    let subscription = outcome.get("_meta").and_then(|meta| meta.get(SUBSCRIPTION_ID));
    Inbound::Response {
        number: id.and_then(number),
        id: id.map(|id| id.span()),
        subscription: subscription.map(reference),
    }
}

fn named<'d>(root: Value<'d>, method: Cow<'d, str>) -> Result<Inbound<'d>, Refusal> {
    let params = root.get("params");
    match root.get("id") {
        None => {
            let about = params.map_or(About::Nothing, |params| about(&method, params));
            Ok(Inbound::Notification { method, about })
        }
        Some(id) if matches!(id.kind(), Kind::String | Kind::Number) => Ok(Inbound::Request { id, method }),
        Some(_) => Err(Refusal::NotAMessage),
    }
}

fn about(method: &str, params: Value<'_>) -> About {
    let member = |name: &str| params.get(name).map(reference);
    match method {
        "notifications/progress" => member("progressToken").map_or(About::Nothing, About::Progress),
        "notifications/cancelled" => member("requestId").map_or(About::Nothing, About::Cancelled),
        _ => params
            .get("_meta")
            .and_then(|meta| meta.get(SUBSCRIPTION_ID))
            .map_or(About::Nothing, |id| About::Subscription(reference(id))),
    }
}

fn reference(value: Value<'_>) -> Reference {
    Reference { span: value.span(), number: number(value) }
}

/// The leg's numbers go out as plain integers and come back so: `"1"` and `1.0` are not `1`.
fn number(value: Value<'_>) -> Option<u64> {
    value.as_number().and_then(|number| number.parse().ok())
}

/// Finds the number that a line which cannot be read strictly seems to answer, so that its request
/// fails at once. A wrong guess harms none but requests to the server that wrote the line.
pub(crate) fn seems_to_answer(head: &[u8], tail: &[u8]) -> Option<u64> {
    answered_first(head).or_else(|| answered_last(tail))
}

/// An `id` member of the outermost object, before anything is nested.
fn answered_first(head: &[u8]) -> Option<u64> {
    let body = head.trim_ascii_start().strip_prefix(b"{")?;
    let flat = body.split(|b| matches!(b, b'{' | b'[')).next()?;
    flat.split(|b| *b == b',').find_map(|member| {
        let (name, value) = member.split_at_checked(memchr::memchr(b':', member)?)?;
        (name.trim_ascii() == br#""id""#).then(|| digits(value.strip_prefix(b":")?.trim_ascii()))?
    })
}

/// An `id` member at the very end: `…,"id":7}`.
fn answered_last(tail: &[u8]) -> Option<u64> {
    let body = tail.trim_ascii_end().strip_suffix(b"}")?;
    let (name, value) = body.split_at_checked(memchr::memrchr(b':', body)?)?;
    name.trim_ascii_end().ends_with(br#","id""#).then(|| digits(value.strip_prefix(b":")?.trim_ascii()))?
}

fn digits(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use toolgate_json::Limits;

    use super::*;

    fn tell(text: &str) -> String {
        match Document::read(text.as_bytes(), &Limits::default()) {
            Err(error) => format!("{error}"),
            Ok(document) => match inbound(&document) {
                Ok(Inbound::Response { number, subscription, .. }) => {
                    format!("response {number:?} {:?}", subscription.and_then(|s| s.number))
                }
                Ok(Inbound::Request { id, method }) => format!("request {} {method}", id.raw()),
                Ok(Inbound::Notification { method, about }) => {
                    format!("notification {method} {}", word(about))
                }
                Err(refusal) => format!("{refusal:?}"),
            },
        }
    }

    fn word(about: About) -> String {
        match about {
            About::Nothing => "about nothing".to_owned(),
            About::Progress(r) => format!("progress {:?}", r.number),
            About::Subscription(r) => format!("subscription {:?}", r.number),
            About::Cancelled(r) => format!("cancelled {:?}", r.number),
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, "response Some(3) None"),
            (r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":""}}"#, "response Some(3) None"),
            (r#"{"jsonrpc":"2.0","id":"3","result":{}}"#, "response None None"),
            (r#"{"jsonrpc":"2.0","id":3.0,"result":{}}"#, "response None None"),
            (r#"{"jsonrpc":"2.0","id":-3,"result":{}}"#, "response None None"),
            (r#"{"jsonrpc":"2.0","error":{}}"#, "response None None"),
            (
                r#"{"jsonrpc":"2.0","id":3,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#,
                "response Some(3) Some(3)",
            ),
            (r#"{"jsonrpc":"2.0","id":3,"result":{},"error":{}}"#, "NotAMessage"),
            (r#"{"jsonrpc":"2.0","id":3,"method":"x","result":{}}"#, "NotAMessage"),
            (r#"{"jsonrpc":"2.0","id":3}"#, "NotAMessage"),
            (r#"{"jsonrpc":"1.0","id":3,"result":{}}"#, "NotAMessage"),
            (r#"{"jsonrpc":2.0,"id":3,"result":{}}"#, "NotAMessage"),
            (r#"{"id":3,"result":{}}"#, "NotAMessage"),
            (r#"[{"jsonrpc":"2.0","id":3,"result":{}}]"#, "NotAMessage"),
            ("7", "NotAMessage"),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, "request \"a\" ping"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "NotAMessage"),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "NotAMessage"),
            (r#"{"jsonrpc":"2.0","method":"n/x"}"#, "notification n/x about nothing"),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9}}"#,
                "notification notifications/progress progress Some(9)",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}"#,
                "notification notifications/cancelled cancelled Some(9)",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"n/x","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":4}}}"#,
                "notification n/x subscription Some(4)",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(tell(text), expected, "{text}");
        }
    }

    #[test]
    fn unreadable_answers_are_guessed() {
        let cases: [(&str, Option<u64>); 9] = [
            (r#"{"jsonrpc":"2.0","id":12,"result":{"a":1,"a":2}}"#, Some(12)),
            (r#" { "id" : 12 , "result":"\ud800"}"#, Some(12)),
            (r#"{"result":{"id":5},"jsonrpc":"2.0","id":12}"#, Some(12)),
            (r#"{"result":{"id":5}}"#, None),
            (r#"{"result":{"a":[1,2],"id":5}}"#, None),
            (r#"{"id":"12","result":{}}"#, None),
            ("plain text", None),
            ("{", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seems_to_answer(text.as_bytes(), text.as_bytes()), expected, "{text}");
        }
    }
}
