//! An answer that comes as server-sent events: unfinished pictures are progress, the last one is the answer.

use serde_json::{Value, json};

use super::{explain, no_picture};
use crate::call::Call;
use crate::failure::Failure;
use crate::wire::Answer;

/// The largest event, in bytes: a large picture in base64.
const LARGEST_EVENT: usize = 64 * 1024 * 1024;

/// Reads events until the finished picture, and gives it the shape of a plain answer.
pub(super) async fn last_picture(mut answer: Answer, call: &Call) -> Result<Value, Failure> {
    let status = answer.status();
    let mut events = Events::default();
    while let Some(chunk) = answer.chunk(call).await? {
        for event in events.feed(&chunk)? {
            match event.get("type").and_then(Value::as_str).unwrap_or_default() {
                "image_generation.partial_image" | "image_edit.partial_image" => {
                    let index = event.get("partial_image_index").and_then(Value::as_u64).unwrap_or(0);
                    call.say(format!("OpenAI: unfinished picture {}", index + 1));
                }
                "image_generation.completed" | "image_edit.completed" => {
                    let picture = event.get("b64_json").cloned().unwrap_or_default();
                    let usage = event.get("usage").cloned().unwrap_or_default();
                    return Ok(json!({ "data": [{ "b64_json": picture }], "usage": usage }));
                }
                "error" | "image_generation.failed" | "image_edit.failed" => {
                    return Err(explain(status, &event.to_string(), "").perhaps_spent());
                }
                _ => {}
            }
        }
    }
    Err(no_picture("OpenAI ended the stream before the picture was finished"))
}

/// Puts chunks together to events. Of an event only its data counts.
#[derive(Default)]
struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
}

impl Events {
    /// The events that are complete with this chunk.
    fn feed(&mut self, chunk: &[u8]) -> Result<Vec<Value>, Failure> {
        let mut complete = Vec::new();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() + self.data.len() > LARGEST_EVENT {
                return Err(no_picture("OpenAI sent an event that is larger than 64 MB"));
            }
            if piece.ends_with(b"\n") {
                complete.extend(self.end_line());
            }
        }
        Ok(complete)
    }

    fn end_line(&mut self) -> Option<Value> {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return serde_json::from_slice(&data).ok();
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.trim_ascii_start());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &[u8] = b": hello\r\nevent: a\r\ndata: {\"type\":\"a\"}\r\n\r\ndata: {\"type\":\ndata: \"b\"}\n\ndata: [DONE]\n\n";

    proptest! {
        #[test]
        fn events_are_the_same_however_the_bytes_are_cut(cuts in proptest::collection::vec(0..STREAM.len(), 0..9)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let mut events = Events::default();
            let mut all = Vec::new();
            for pair in cuts.windows(2) {
                all.extend(events.feed(&STREAM[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(all, [json!({ "type": "a" }), json!({ "type": "b" })]);
        }
    }
}
