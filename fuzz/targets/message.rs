//! Any bytes are read as a message or refused with a JSON answer; an accepted call has the method and name
//! that another reader sees.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use toolgate_json::{Document, Limits};
use toolgate_mcp::message::{Message, MessageError};
use toolgate_mcp::params::ToolCall;

fn members(object: &[u8]) -> BTreeMap<String, &RawValue> {
    serde_json::from_slice(object).expect("accepted, but no object of JSON")
}

fn text(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).expect("accepted, but no string of JSON")
}

fuzz_target!(|bytes: &[u8]| {
    let answered = |error: &MessageError| {
        serde_json::from_slice::<serde_json::Value>(&error.body()).expect("an answer is JSON");
    };
    let document = match Document::read(bytes, &Limits::default()) {
        Ok(document) => document,
        Err(error) => return answered(&error.into()),
    };
    match Message::read(&document) {
        Ok(Message::Request(request)) => match request.view::<ToolCall<'_>>() {
            Ok(call) => {
                let theirs = members(bytes);
                assert_eq!(text(theirs["method"]), request.method.as_str());
                assert_eq!(text(members(theirs["params"].get().as_bytes())["name"]), call.name.as_str());
            }
            Err(error) => answered(&error),
        },
        Ok(Message::Notification(_) | Message::Response(_) | Message::Batch(_)) => {}
        Err(error) => answered(&error),
    }
});
