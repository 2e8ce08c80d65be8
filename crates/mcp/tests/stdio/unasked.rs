//! Subscriptions, and what a server says to nobody in particular.

use serde_json::{Value, json};
use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::event::Event;
use toolgate_mcp::stdio::exchange::{Exchange, Incoming};
use toolgate_mcp::stdio::fault::{Fault, SendError};
use toolgate_mcp::stdio::spec::Limits;

use crate::rig::{Rig, patient, text};

const OWN: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":"own"}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"s\u0031","method":"ping"}"#;
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

fn say(lines: &[&str]) -> String {
    json!({ "lines": lines }).to_string()
}

/// A message of a subscription, as the server or the caller sees it.
fn tagged(method: &str, id: &str) -> String {
    let meta = format!(r#"{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"_meta":{meta}}}}}"#)
}

fn ended(id: &str) -> String {
    let meta = format!(r#"{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{meta}}}}}"#)
}

async fn notification(exchange: &mut Exchange) -> String {
    match patient(exchange.next()).await.expect("open").expect("no fault") {
        Incoming::Notification(body) => text(&body),
        Incoming::Response(body) => panic!("an answer too early: {}", text(&body)),
    }
}

async fn response(exchange: &mut Exchange) -> String {
    match patient(exchange.next()).await.expect("open").expect("no fault") {
        Incoming::Response(body) => text(&body),
        Incoming::Notification(body) => panic!("one notification too many: {}", text(&body)),
    }
}

#[tokio::test]
async fn subscriptions_reach_their_own_callers_under_their_own_ids() {
    let mut rig = Rig::scripted(Limits::default());
    rig.child.set_era(Era::Modern);
    let ack = tagged("notifications/subscriptions/acknowledged", "@ID@");
    let changed = tagged("notifications/tools/list_changed", "@ID@");
    let mut one = rig.send("\"sub\"", "say", &say(&[&ack, &changed]));
    let mut two = rig.send("42", "say", &say(&[&ack, &changed, &ended("@ID@")]));
    for (exchange, id) in [(&mut one, "\"sub\""), (&mut two, "42")] {
        for template in [&ack, &changed] {
            assert_eq!(notification(exchange).await, template.replace("@ID@", id));
        }
    }
    assert_eq!(response(&mut two).await, ended("42"));
    assert!(patient(two.next()).await.is_none());

    // A message for a subscription that is over, or that never was, goes nowhere.
    let strangers = [tagged("n/x", "2"), tagged("n/x", "77"), tagged("n/x", "\"1\"")];
    rig.ask("1", "say", &say(&[&strangers[0], &strangers[1], &strangers[2], OWN])).await.expect("an answer");
    assert_eq!(rig.child.counts().dropped_notifications, 3);
    assert!(rig.events.try_recv().is_err());

    // A server that cancels the subscription ends it, as a result would.
    let line = rig.heard.recv().await.expect("the first request");
    let request: Value = serde_json::from_str(line.strip_prefix("got ").expect("a message")).expect("JSON");
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request["id"]}});
    rig.ask("1", "say", &say(&[&cancel.to_string(), OWN])).await.expect("an answer");
    assert_eq!(response(&mut one).await, ended("\"sub\""));

    // Any other request that it cancels fails at once.
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":@ID@}}"#;
    let given_up = rig.ask("1", "say", &say(&[cancel])).await;
    assert_eq!(given_up, Err(SendError::Broken(Fault::GivenUp)));
    rig.stop().await;
}

#[tokio::test]
async fn a_subscription_that_is_not_read_ends_instead_of_losing_messages() {
    let limits = Limits { mailbox_messages: 2, ..Limits::default() };
    let mut rig = Rig::scripted(limits);
    let changed = tagged("notifications/tools/list_changed", "@ID@");
    let mut slow = rig.send("1", "say", &say(&[&changed, &changed, &changed, &changed]));
    rig.hear("cancelled").await;
    for _ in 0..2 {
        assert_eq!(notification(&mut slow).await, changed.replace("@ID@", "1"));
    }
    assert_eq!(patient(slow.next()).await, Some(Err(SendError::Broken(Fault::Overflow))));
    rig.stop().await;
}

#[tokio::test]
async fn a_legacy_server_asks_and_is_answered() {
    let mut rig = Rig::scripted(Limits::default());
    rig.child.set_era(Era::Legacy);
    let own_cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    rig.ask("1", "say", &say(&[PING, CHANGED, own_cancel, OWN])).await.expect("an answer");
    let Some(Event::ServerRequest { id_raw, method, body }) = rig.events.recv().await else {
        panic!("the request comes first");
    };
    assert_eq!((text(&id_raw).as_str(), method.as_str()), (r#""s\u0031""#, "ping"));
    assert_eq!(text(&body), PING);
    for (name, line) in
        [("notifications/tools/list_changed", CHANGED), ("notifications/cancelled", own_cancel)]
    {
        let Some(Event::Notification { method, body }) = rig.events.recv().await else {
            panic!("then the notifications");
        };
        assert_eq!((method.as_str(), text(&body).as_str()), (name, line));
    }
    let answer = r#"{"jsonrpc":"2.0","id":"s\u0031","result":{}}"#;
    rig.child.respond(answer.as_bytes()).expect("taken");
    assert_eq!(rig.hear("u0031").await.matches("ping").count(), 1, "the script itself");
    assert_eq!(rig.hear("u0031").await, format!("got {answer}"));
    rig.stop().await;
}

#[tokio::test]
async fn a_modern_or_unknown_server_is_never_answered() {
    for era in [Some(Era::Modern), None] {
        let mut rig = Rig::scripted(Limits::default());
        if let Some(era) = era {
            rig.child.set_era(era);
        }
        rig.ask("1", "say", &say(&[PING, PING, OWN])).await.expect("an answer");
        assert_eq!(rig.child.respond(b"{}"), Err(SendError::NotWritten(Fault::NoResponses)));
        assert_eq!(rig.child.counts().dropped_requests, 2);
        assert!(rig.events.try_recv().is_err());
        rig.child.close();
        patient(rig.child.exited()).await;
        rig.hear("say").await;
        assert_eq!(rig.hear("").await, "end of input", "nothing was written but the request");
        rig.stop().await;
    }
}

#[tokio::test]
async fn requests_that_nobody_takes_get_an_error_and_notifications_are_dropped() {
    let limits = Limits { events: 1, ..Limits::default() };
    let mut rig = Rig::scripted(limits);
    rig.child.set_era(Era::Legacy);
    let second = PING.replace("u0031", "u0032");
    rig.ask("1", "say", &say(&[PING, &second, CHANGED, OWN])).await.expect("an answer");
    let refusal = rig.hear("-32603").await;
    assert!(refusal.starts_with(r#"got {"jsonrpc":"2.0","id":"s\u0032","error":"#), "{refusal}");
    assert_eq!(rig.child.counts().dropped_notifications, 1);
    assert!(matches!(rig.events.recv().await, Some(Event::ServerRequest { .. })));
    rig.stop().await;
}
