//! Pictures as server-sent events: partial ones first, then the whole.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::super::answer::broken_off;
use super::super::desk::Desk;
use super::super::scenario::{Scenario, Twist};
use super::fields::Order;
use super::{CREATED, drawn};

pub(super) fn events(desk: &Desk, name: &'static str, scenario: &Scenario, order: &Order) -> Response {
    let b64 = drawn(desk, scenario, order);
    let mut facts = order.facts();
    facts.insert("created_at".to_owned(), CREATED.into());
    facts.insert("b64_json".to_owned(), b64.into());
    let mut text = String::new();
    for index in 0..order.partials {
        push(&mut text, &format!("{name}.partial_image"), &facts, ("partial_image_index", index.into()));
    }
    let cut = scenario.has(Twist::StreamCut);
    if scenario.has(Twist::StreamError) {
        let error = json!({ "type": "error", "error": { "type": "image_generation_user_error",
            "code": "moderation_blocked", "message": "Your request was rejected by the safety system.",
            "param": null } });
        text.push_str(&format!("event: error\ndata: {error}\n\n"));
    } else if !cut {
        for _ in 0..order.many {
            push(&mut text, &format!("{name}.completed"), &facts, ("usage", order.usage()));
        }
    }
    let body = if cut { broken_off(Bytes::from(text)) } else { Body::from(text) };
    let mut response = Response::new(body);
    let mime = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, mime);
    response
}

fn push(text: &mut String, name: &str, facts: &Map<String, Value>, (more, value): (&str, Value)) {
    let mut event = facts.clone();
    event.insert(more.to_owned(), value);
    event.insert("type".to_owned(), name.into());
    text.push_str(&format!("event: {name}\ndata: {}\n\n", Value::Object(event)));
}
