//! Pictures as server-sent events: partial ones first, then the whole.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::super::answer::{Flow, broken_off, flowing, html};
use super::super::desk::Desk;
use super::super::ledger::Vendor;
use super::super::scenario::{Scenario, Twist};
use super::fields::Order;
use super::{CREATED, drawn};

const MIME: &str = "text/event-stream; charset=utf-8";

pub(super) fn events(desk: &Desk, name: &'static str, scenario: &Scenario, order: &Order) -> Response {
    if scenario.has(Twist::Html) {
        return html();
    }
    let flow = Flow::of(scenario);
    // What never ends, breaks off or has nothing to give, does not come to the whole picture.
    let whole = !scenario.has(Twist::NoData) && !scenario.has(Twist::StreamCut) && flow != Flow::Endless;
    let mut text = String::new();
    if !scenario.has(Twist::NoData) {
        let mut facts = order.facts();
        facts.insert("created_at".to_owned(), CREATED.into());
        facts.insert("b64_json".to_owned(), drawn(desk, scenario, order).into());
        for index in 0..order.partials {
            push(&mut text, &format!("{name}.partial_image"), &facts, ("partial_image_index", index.into()));
        }
        for _ in 0..if whole { order.many } else { 0 } {
            push(&mut text, &format!("{name}.completed"), &facts, ("usage", order.usage()));
        }
    }
    if scenario.has(Twist::StreamError) {
        text = error();
    }
    let bytes = Bytes::from(text);
    if scenario.has(Twist::StreamCut) {
        let mut response = Response::new(broken_off(bytes));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MIME));
        return response;
    }
    flowing(Vendor::OpenAi, (MIME, bytes), flow, &desk.ledger)
}

fn error() -> String {
    let error = json!({ "type": "error", "error": { "type": "image_generation_user_error",
        "code": "moderation_blocked", "message": "Your request was rejected by the safety system.",
        "param": null } });
    format!("event: error\ndata: {error}\n\n")
}

fn push(text: &mut String, name: &str, facts: &Map<String, Value>, (more, value): (&str, Value)) {
    let mut event = facts.clone();
    event.insert(more.to_owned(), value);
    event.insert("type".to_owned(), name.into());
    text.push_str(&format!("event: {name}\ndata: {}\n\n", Value::Object(event)));
}
