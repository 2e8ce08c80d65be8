//! Batches: arrays of messages, which only revision 2025-03-26 has.

use toolgate_json::{Kind, Value};

use crate::message::{MessageError, MessageFault};
use crate::revision::Revision;

/// The most messages in one batch.
pub const MAX_MESSAGES: usize = 100;

/// The elements of a batch, each to be read and judged by itself with [`crate::message::Message::of`].
///
/// # Errors
///
/// The revision has no batches, or the array is empty, too long, or holds an `initialize` (2025-03-26,
/// lifecycle: "MUST NOT be part of a JSON-RPC batch").
pub fn split<'d>(array: Value<'d>, revision: Revision) -> Result<Vec<Value<'d>>, MessageError> {
    let fault = if !revision.has_batches() {
        MessageFault::NoBatches
    } else if array.kind() != Kind::Array {
        MessageFault::NotAnObject
    } else if array.at(0).is_none() {
        MessageFault::EmptyBatch
    } else if array.at(MAX_MESSAGES).is_some() {
        MessageFault::LongBatch(MAX_MESSAGES)
    } else if array.elements().any(|message| is_initialize(&message)) {
        MessageFault::InitializeInBatch
    } else {
        return Ok(array.elements().collect());
    };
    Err(MessageError::new(fault, None))
}

fn is_initialize(message: &Value<'_>) -> bool {
    message.get("method").is_some_and(|method| method.is_str("initialize"))
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;

    fn split_text(text: &str, revision: Revision) -> Result<Vec<String>, MessageFault> {
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let parts = split(document.root(), revision).map_err(|error| error.fault().clone())?;
        Ok(parts.iter().map(|part| part.raw().to_owned()).collect())
    }

    #[test]
    fn one_revision_has_batches() {
        for revision in Revision::ALL {
            let expected = match revision {
                Revision::V2025_03_26 => Ok(vec!["1".to_owned(), "{ }".to_owned()]),
                _ => Err(MessageFault::NoBatches),
            };
            assert_eq!(split_text("[1, { }]", revision), expected);
        }
    }

    #[test]
    fn bounds_and_handshakes_are_refused() {
        let split = |text: &str| split_text(text, Revision::V2025_03_26);
        assert_eq!(split("[]"), Err(MessageFault::EmptyBatch));
        assert_eq!(split("{}"), Err(MessageFault::NotAnObject));
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(split(&list(100)).map(|parts| parts.len()), Ok(100));
        assert_eq!(split(&list(101)), Err(MessageFault::LongBatch(100)));
        for method in [r#""initialize""#, r#""\u0069nitialize""#] {
            let batch = format!(r#"[{{"method":"ping"}},{{"method":{method}}}]"#);
            assert_eq!(split(&batch), Err(MessageFault::InitializeInBatch));
        }
    }
}
