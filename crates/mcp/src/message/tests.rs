//! The envelope: what is accepted, what is refused, and with which error.

use toolgate_json::Limits;

use super::*;
use crate::error::Code;
use crate::params::ToolCall;

/// How a text reads: the kind of message, or the code of the refusal and the id that it repeats.
fn check(text: &str) -> String {
    let document = match Document::read(text.as_bytes(), &Limits::default()) {
        Ok(document) => document,
        Err(error) => return refusal(&error.into()),
    };
    match Message::read(&document) {
        Ok(Message::Request(request)) => match request.view::<ToolCall<'_>>() {
            Err(error) if request.method.as_str() == "tools/call" => refusal(&error),
            _ => format!("request {} {}", request.id.raw(), request.method.as_str()),
        },
        Ok(Message::Notification(notification)) => format!("notification {}", notification.method.as_str()),
        Ok(Message::Response(response)) => {
            let id = response.id.map_or("none", |id| id.raw());
            match response.outcome {
                Outcome::Result(result) => format!("result {id} {}", result.raw()),
                Outcome::Error(error) => format!("error {id} {}", error.code),
            }
        }
        Ok(Message::Batch(array)) => format!("batch of {}", array.elements().count()),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &MessageError) -> String {
    let body: serde_json::Value = serde_json::from_slice(&error.body()).unwrap();
    assert_eq!(body["error"]["code"], error.code().number());
    format!("{} {}", error.code().number(), error.id().unwrap_or("-"))
}

/// A tool call with other `params`.
fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
}

#[test]
fn envelopes_are_told_apart() {
    let cases = [
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping"),
        (r#" {"method":"ping","id":"é","x":[1],"jsonrpc":"2.0"} "#, "request \"é\" ping"),
        (r#"{"jsonrpc":"2.0","id":-12,"method":"p\u0069ng","params":{}}"#, "request -12 ping"),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "notification notifications/initialized",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":{"a":1.0}}"#, r#"result 1 {"a":1.0}"#),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x","data":[]}}"#, "error 1 -32601"),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#, "error none -32700"),
        (r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#, "error none -32700"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},1]"#, "batch of 2"),
        ("[]", "batch of 0"),
    ];
    for (text, expected) in cases {
        assert_eq!(check(text), expected, "{text}");
    }
}

#[test]
fn broken_envelopes_are_refused_with_the_id_that_was_read() {
    let cases = [
        ("", "-32700 -"),
        ("1", "-32600 -"),
        ("null", "-32600 -"),
        (r#""ping""#, "-32600 -"),
        (r#"{"id":1,"method":"ping"}"#, "-32600 1"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "-32600 1"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0 ","id":1,"method":"ping"}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":1e0,"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":1.5,"error":{"code":1,"message":""}}"#, "-32600 -"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, "-32600 1"),
        (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, "-32600 1"),
    ];
    for (text, expected) in cases {
        assert_eq!(check(text), expected, "{text}");
    }
}

#[test]
fn long_ids_are_refused() {
    let ping = |id: &str| check(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
    let longest = format!("\"{}\"", "a".repeat(MAX_ID_BYTES - 2));
    assert_eq!(ping(&longest), format!("request {longest} ping"));
    assert_eq!(ping(&format!("\"{}\"", "a".repeat(MAX_ID_BYTES - 1))), "-32600 -");
    assert_eq!(ping(&"9".repeat(MAX_ID_BYTES + 1)), "-32600 -");
}

#[test]
fn repeated_names_are_refused_at_each_place() {
    let cases = [
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":7,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","\u006dethod":"x"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{},"params":{}}"#.to_owned(),
        call(r#"{"name":"a","name":"b"}"#),
        call(r#"{"name":"a","n\u0061me":"b"}"#),
        call(r#"{"name":"a","arguments":{},"arguments":{}}"#),
        call(r#"{"name":"a","arguments":{"x":1,"x":2}}"#),
        call(r#"{"name":"a","arguments":{"deep":[{"x":1,"\u0078":2}]}}"#),
        call(r#"{"name":"a","_meta":{},"_meta":{}}"#),
        call(r#"{"name":"a","_meta":{"progressToken":1,"progressToken":2}}"#),
        call(
            r#"{"name":"a","_meta":{"io.modelcontextprotocol/clientCapabilities":{"roots":{},"roots":{}}}}"#,
        ),
    ];
    for text in cases {
        assert_eq!(check(&text), "-32600 -", "{text}");
    }
}

#[test]
fn imitated_names_are_refused_in_envelope_params_and_meta() {
    for name in [
        "Method",
        "ID",
        "Params",
        "params\\u0000",
        "param\u{17F}",
        "ｉd",
        "jsonRPC",
        "id ",
        "Result",
        "error\\t",
    ] {
        let text = format!(r#"{{"{name}":1,"jsonrpc":"2.0","id":7,"method":"ping"}}"#);
        assert_eq!(check(&text), "-32600 7", "{text}");
    }
    for name in [
        "Name",
        "ARGUMENTS",
        "argument\u{17F}",
        "tas\u{212A}Id",
        "name\\u0000",
        "ｎａｍｅ",
        "na\u{200B}me",
        "URI",
    ] {
        let text = call(&format!(r#"{{"name":"a","{name}":"b"}}"#));
        assert_eq!(check(&text), "-32600 7", "{text}");
        let text = text.replace("\"tools/call\"", "\"anything/else\"");
        assert_eq!(check(&text), "-32600 7", "{text}");
    }
    for name in ["progresstoken", "ProgressToken", "TRACEPARENT", "IO.modelcontextprotocol/x", "baggage\\n"] {
        let text = call(&format!(r#"{{"name":"a","_meta":{{"{name}":"b"}}}}"#));
        assert_eq!(check(&text), "-32600 7", "{text}");
    }
}

#[test]
fn foreign_names_pass_and_arguments_may_hold_any() {
    let cases = [
        call(r#"{"name":"a","x-vendor":1,"имя":2,"":3,"nаme":4}"#),
        call(r#"{"name":"a","arguments":{"Name":1,"NAME":2,"name":3,"name\u0000":4,"_Meta":5}}"#),
        call(r#"{"name":"a","_meta":{"com.example/key":1,"Name":2}}"#),
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a"},"extra":{"ID":1}}"#.to_owned(),
    ];
    for text in cases {
        assert_eq!(check(&text), "request 7 tools/call", "{text}");
    }
}

#[test]
fn wrong_types_are_refused() {
    for wrong in ["null", "[]", "\"x\"", "1", "true"] {
        for text in [
            call(wrong),
            call(&format!(r#"{{"name":"a","arguments":{wrong}}}"#)),
            call(&format!(r#"{{"name":"a","_meta":{wrong}}}"#)),
            call(&format!(r#"{{"name":"a","task":{wrong}}}"#)),
            call(&format!(r#"{{"name":"a","inputResponses":{wrong}}}"#)),
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{wrong}}}"#),
        ] {
            assert_eq!(check(&text), "-32602 7", "{text}");
        }
        let text = format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{wrong}}}"#);
        assert_eq!(check(&text), "-32602 -", "{text}");
    }
    for wrong in ["null", "[]", "{}", "1", "true"] {
        assert_eq!(check(&call(&format!(r#"{{"name":{wrong}}}"#))), "-32602 7");
        assert_eq!(check(&call(&format!(r#"{{"name":"a","requestState":{wrong}}}"#))), "-32602 7");
        assert_eq!(check(&call(&format!(r#"{{"name":"a","_meta":{{"traceparent":{wrong}}}}}"#))), "-32602 7");
    }
    for wrong in ["null", "1.5", "1e2", "{}", "true"] {
        assert_eq!(
            check(&call(&format!(r#"{{"name":"a","_meta":{{"progressToken":{wrong}}}}}"#))),
            "-32602 7"
        );
    }
    assert_eq!(check(&call("{}")), "-32602 7");
    assert_eq!(check(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#), "-32602 7");
}

#[test]
fn ids_are_equal_by_kind_and_content() {
    let document = Document::read(br#"["1", 1, "\u0031", "a", "\u0061", 2]"#, &Limits::default()).unwrap();
    let ids: Vec<Id<'_>> = document.root().elements().map(|v| Id::of(v).unwrap()).collect();
    for (i, a) in ids.iter().enumerate() {
        for (j, b) in ids.iter().enumerate() {
            let equal = i == j || matches!((i.min(j), i.max(j)), (0, 2) | (3, 4));
            assert_eq!(a == b, equal, "{} {}", a.raw(), b.raw());
            assert_eq!(a.key() == b.key(), equal, "{} {}", a.raw(), b.raw());
        }
    }
}

#[test]
fn an_element_of_a_batch_is_no_batch() {
    let document = Document::read(b"[[]]", &Limits::default()).unwrap();
    let error = Message::of(document.root().at(0).unwrap()).unwrap_err();
    assert_eq!(error.fault(), &MessageFault::NotAnObject);
}

#[test]
fn messages_for_people_hold_no_raw_control_character() {
    let text = call(&format!(r#"{{"name":"a","name\u0000\u001b{}":"b"}}"#, "\u{200B}".repeat(500)));
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let error = Message::read(&document).unwrap_err();
    assert_eq!(error.code(), Code::InvalidRequest);
    assert!(error.to_string().chars().all(|c| !c.is_control()), "{error}");
    assert!(error.to_string().len() < 1000);
}
