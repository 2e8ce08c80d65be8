//! Views of parameters: required members, types, imitations.

use toolgate_json::{Document, Limits};

use super::*;
use crate::message::Message;

/// Reads a request with these `params`; the member that is wrong where the view is refused.
fn check(params: &str, view: impl Fn(&Request<'_>) -> Result<String, MessageError>) -> String {
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let Ok(Message::Request(request)) = Message::read(&document) else { panic!("{text}") };
    view(&request).unwrap_or_else(|error| {
        assert_eq!(error.id(), Some("1"));
        match error.fault() {
            MessageFault::Member { path, .. } => (*path).to_owned(),
            MessageFault::Imitation { known, .. } => format!("imitates {known}"),
            other => panic!("{other}"),
        }
    })
}

#[test]
fn a_tool_call_keeps_the_places_of_its_parts() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a\u0062","arguments":{"x":1},"requestState":"s","inputResponses":{},"task":{"ttl":1}}}"#;
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let Ok(Message::Request(request)) = Message::read(&document) else { panic!() };
    let call: ToolCall<'_> = request.view().unwrap();
    assert_eq!(call.name.as_str(), "ab");
    let span = call.name.span();
    assert_eq!(text.get(span.start..span.end).unwrap(), r#""a\u0062""#);
    assert_eq!(call.arguments.unwrap().raw(), r#"{"x":1}"#);
    assert_eq!(call.task.unwrap().raw(), r#"{"ttl":1}"#);
    assert_eq!(call.retry.request_state.unwrap().as_str(), "s");
    assert_eq!(call.retry.input_responses.unwrap().raw(), "{}");
}

#[test]
fn prompts_resources_and_tasks_need_their_target() {
    let prompt =
        |params: &str| check(params, |r| r.view::<PromptGet<'_>>().map(|v| v.name.into_cow().into_owned()));
    assert_eq!(prompt(r#"{"name":"p","arguments":{}}"#), "p");
    assert_eq!(prompt("{}"), "params.name");
    assert_eq!(prompt(r#"{"name":null}"#), "params.name");
    assert_eq!(prompt(r#"{"name":"p","arguments":[]}"#), "params.arguments");
    let resource = |params: &str| {
        check(params, |r| r.view::<ResourceTarget<'_>>().map(|v| v.uri.into_cow().into_owned()))
    };
    assert_eq!(resource(r#"{"uri":"file:\/\/\/x"}"#), "file:///x");
    assert_eq!(resource(r#"{"uri":["x"]}"#), "params.uri");
    let task = |params: &str| {
        check(params, |r| r.view::<TaskTarget<'_>>().map(|v| v.task_id.into_cow().into_owned()))
    };
    assert_eq!(task(r#"{"taskId":"t"}"#), "t");
    assert_eq!(task(r#"{"taskId":1}"#), "params.taskId");
    assert_eq!(task(r#"{"taskId":"t","inputResponses":[]}"#), "params.inputResponses");
}

#[test]
fn a_completion_is_of_a_prompt_or_a_resource() {
    let completion = |reference: &str| {
        check(&format!(r#"{{"ref":{reference},"argument":{{"name":"a","value":""}}}}"#), |request| {
            request.view::<Completion<'_>>().map(|found| match found.reference {
                Reference::Prompt(name) => format!("prompt {}", name.as_str()),
                Reference::Resource(uri) => format!("resource {}", uri.as_str()),
            })
        })
    };
    assert_eq!(completion(r#"{"type":"ref/prompt","name":"p","title":"P"}"#), "prompt p");
    assert_eq!(completion(r#"{"type":"ref/resource","uri":"u"}"#), "resource u");
    assert_eq!(completion(r#"{"type":"ref/prompt","uri":"u"}"#), "params.ref.name");
    assert_eq!(completion(r#"{"type":"ref/resource","name":"n"}"#), "params.ref.uri");
    assert_eq!(completion(r#"{"type":"ref/tool","name":"n"}"#), "params.ref.type");
    assert_eq!(completion(r#"{"name":"n"}"#), "params.ref.type");
    assert_eq!(completion(r#"{"type":"ref/prompt","name":"p","Name":"q"}"#), "imitates name");
    assert_eq!(completion(r#""p""#), "params.ref");
    let without = check(r#"{"ref":{"type":"ref/prompt","name":"p"}}"#, |r| {
        r.view::<Completion<'_>>().map(|_| String::new())
    });
    assert_eq!(without, "params.argument");
}

#[test]
fn a_handshake_declares_version_and_capabilities() {
    let initialize = |params: &str| {
        check(params, |r| {
            r.view::<Initialize<'_>>().map(|v| v.protocol_version.as_str().to_owned() + v.capabilities.raw())
        })
    };
    assert_eq!(
        initialize(r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}"#),
        r#"2025-11-25{"roots":{}}"#
    );
    assert_eq!(initialize(r#"{"capabilities":{}}"#), "params.protocolVersion");
    assert_eq!(initialize(r#"{"protocolVersion":"x"}"#), "params.capabilities");
    assert_eq!(
        initialize(r#"{"protocolVersion":"x","capabilities":{},"clientInfo":1}"#),
        "params.clientInfo"
    );
}

#[test]
fn a_subscription_names_its_resources() {
    let listen = |filter: &str| {
        check(&format!(r#"{{"notifications":{filter}}}"#), |request| {
            let listen = request.view::<Listen<'_>>()?;
            Ok(listen.resources.iter().map(Text::as_str).collect::<Vec<_>>().join(" "))
        })
    };
    assert_eq!(listen(r#"{"toolsListChanged":true,"resourceSubscriptions":["a","b"],"x":1}"#), "a b");
    assert_eq!(listen("{}"), "");
    assert_eq!(listen(r#"{"resourceSubscriptions":"a"}"#), "params.notifications.resourceSubscriptions");
    assert_eq!(listen(r#"{"resourceSubscriptions":["a",1]}"#), "params.notifications.resourceSubscriptions");
    assert_eq!(listen(r#"{"ResourceSubscriptions":["a"]}"#), "imitates resourceSubscriptions");
    assert_eq!(listen("[]"), "params.notifications");
}

#[test]
fn notes_about_requests_name_them() {
    let cancelled = |params: &str| {
        check(params, |r| {
            r.view::<Cancelled<'_>>().map(|v| format!("{:?}", v.request_id.map(|id| id.raw().to_owned())))
        })
    };
    assert_eq!(cancelled(r#"{"requestId":"1"}"#), r#"Some("\"1\"")"#);
    assert_eq!(cancelled("{}"), "None");
    assert_eq!(cancelled(r#"{"requestId":null}"#), "params.requestId");
    let progress =
        |params: &str| check(params, |r| r.view::<Progress<'_>>().map(|v| v.token.raw().to_owned()));
    assert_eq!(progress(r#"{"progressToken":7,"progress":0.5}"#), "7");
    assert_eq!(progress(r#"{"progress":0.5}"#), "params.progressToken");
}

#[test]
fn an_empty_cursor_counts() {
    let cursor = |params: &str| check(params, |r| Ok(format!("{:?}", r.cursor()?.map(Text::into_cow))));
    assert_eq!(cursor("{}"), "None");
    assert_eq!(cursor(r#"{"cursor":""}"#), r#"Some("")"#);
    assert_eq!(cursor(r#"{"cursor":null}"#), "params.cursor");
}

#[test]
fn modern_requests_need_version_and_capabilities() {
    let modern = |meta: &str| {
        check(&format!(r#"{{"_meta":{{{meta}}}}}"#), |request| {
            let modern = request.meta().unwrap().modern();
            let modern = modern.map_err(|fault| MessageError::new(fault, Some(request.id.raw())))?;
            Ok(modern.protocol_version.as_str().to_owned() + modern.client_capabilities.raw())
        })
    };
    let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    let capabilities = r#""io.modelcontextprotocol/clientCapabilities":{ }"#;
    assert_eq!(modern(&format!("{version},{capabilities}")), "2026-07-28{ }");
    assert_eq!(modern(version), "io.modelcontextprotocol/clientCapabilities");
    assert_eq!(modern(capabilities), "io.modelcontextprotocol/protocolVersion");
}
