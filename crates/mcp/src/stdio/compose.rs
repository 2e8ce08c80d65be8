//! The lines that are written to a server. Callers' messages keep their bytes but for what is named.

use bytes::Bytes;
use toolgate_json::{Span, Splice, write_string};

use crate::stdio::exchange::Outgoing;
use crate::stdio::fault::Fault;

/// A request as it goes out, and what was taken from it.
#[derive(Debug)]
pub(crate) struct Composed {
    /// The line, with its line feed.
    pub(crate) line: Vec<u8>,
    /// The caller's id.
    pub(crate) id: Bytes,
    /// The caller's progress token.
    pub(crate) token: Option<Bytes>,
}

/// The request under the leg's own number.
pub(crate) fn request(outgoing: &Outgoing, number: u64) -> Result<Composed, Fault> {
    let id = part(&outgoing.body, outgoing.id)?;
    let token = outgoing.progress_token.map(|span| part(&outgoing.body, span)).transpose()?;
    let mut splice = Splice::new();
    splice.replace(outgoing.id, number.to_string());
    if let Some(span) = outgoing.progress_token {
        if span.start < outgoing.id.end && outgoing.id.start < span.end {
            return Err(Fault::BadSpan);
        }
        splice.replace(span, number.to_string());
    }
    Ok(Composed { line: line(splice.apply(&outgoing.body)), id, token })
}

/// The caller's own `notifications/cancelled` with the leg's number for the caller's id.
pub(crate) fn cancelled_by(body: &Bytes, request_id: Span, number: u64) -> Result<Vec<u8>, Fault> {
    part(body, request_id)?;
    let mut splice = Splice::new();
    splice.replace(request_id, number.to_string());
    Ok(line(splice.apply(body)))
}

/// A `notifications/cancelled` of the gateway's own.
pub(crate) fn cancelled(number: u64, reason: &str) -> Vec<u8> {
    let mut text = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number},"reason":"#
    )
    .into_bytes();
    write_string(reason, &mut text);
    text.extend_from_slice(b"}}");
    line(text)
}

/// The answer to a server's request that nobody can take.
pub(crate) fn refusal(id: &str) -> Vec<u8> {
    let error = r#"{"code":-32603,"message":"too many requests of the server wait for an answer"}"#;
    line(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes())
}

/// The empty result that ends a subscription (2026-07-28), with the caller's id.
pub(crate) fn subscription_end(id: &[u8]) -> Bytes {
    let id = String::from_utf8_lossy(id);
    let meta = format!(r#"{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{meta}}}}}"#
    ))
}

/// A message as one line.
pub(crate) fn line(message: Vec<u8>) -> Vec<u8> {
    let mut line = flat(message);
    line.push(b'\n');
    line
}

/// Without line breaks: in strict JSON they stand only between tokens, where a space means the same.
pub(crate) fn flat(mut message: Vec<u8>) -> Vec<u8> {
    if memchr::memchr2(b'\n', b'\r', &message).is_some() {
        message.iter_mut().filter(|b| matches!(**b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    }
    message
}

fn part(body: &Bytes, span: Span) -> Result<Bytes, Fault> {
    match body.get(span.start..span.end) {
        Some(part) if !part.is_empty() => Ok(Bytes::copy_from_slice(part)),
        _ => Err(Fault::BadSpan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stdio::exchange::OnDrop;

    fn span(body: &str, of: &str) -> Span {
        let start = body.find(of).expect("the part is there");
        Span { start, end: start + of.len() }
    }

    fn outgoing(body: &str, id: Span, progress_token: Option<Span>) -> Outgoing {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Outgoing { body, id, progress_token, wants_notifications: true, on_drop: OnDrop::Abandon }
    }

    #[test]
    fn only_id_token_and_line_breaks_change() {
        let body =
            "{\"id\" : \"a\\u0062\",\r\n\t\"n\":1.0e2,\"params\":{\"_meta\":{\"progressToken\":\"p\"}}}\n";
        let request = request(&outgoing(body, span(body, "\"a\\u0062\""), Some(span(body, "\"p\""))), 17)
            .expect("spans fit");
        let expected = "{\"id\" : 17,  \t\"n\":1.0e2,\"params\":{\"_meta\":{\"progressToken\":17}}} \n";
        assert_eq!(String::from_utf8_lossy(&request.line), expected);
        assert_eq!(&request.id[..], b"\"a\\u0062\"");
        assert_eq!(request.token.as_deref(), Some(&b"\"p\""[..]));
    }

    #[test]
    fn spans_outside_empty_or_overlapping_are_refused() {
        let bad = [
            (Span { start: 0, end: 99 }, None),
            (Span { start: 3, end: 3 }, None),
            (Span { start: 4, end: 2 }, None),
            (Span { start: 2, end: 4 }, Some(Span { start: 3, end: 5 })),
            (Span { start: 2, end: 4 }, Some(Span { start: 5, end: 99 })),
        ];
        for (id, token) in bad {
            let refused = request(&outgoing("0123456789", id, token), 1).map(|c| c.line);
            assert_eq!(refused, Err(Fault::BadSpan), "{id:?} {token:?}");
        }
    }

    #[test]
    fn own_messages_are_json() {
        let cancelled = cancelled(5, "say \"no\"\n");
        let value: serde_json::Value = serde_json::from_slice(&cancelled).expect("JSON");
        assert_eq!(value["params"], serde_json::json!({"requestId": 5, "reason": "say \"no\"\n"}));
        assert_eq!(cancelled.iter().filter(|b| **b == b'\n').count(), 1);
        for text in [refusal("\"x\""), subscription_end(b"\"x\"").to_vec()] {
            let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
            assert_eq!(value["id"], "x");
        }
    }
}
