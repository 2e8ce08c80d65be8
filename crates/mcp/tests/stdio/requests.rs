//! Many callers on one process, and requests that are given up.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use toolgate_mcp::stdio::exchange::{OnDrop, Outgoing, Written};
use toolgate_mcp::stdio::fault::{Fault, SendError};
use toolgate_mcp::stdio::spec::Limits;

use crate::rig::{Rig, answer, hasty, outgoing, patient, span, text};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The message in a `got …` line of the scripted server.
fn got(line: &str) -> Value {
    parsed(line.strip_prefix("got ").expect("a message"))
}

#[tokio::test]
async fn a_thousand_requests_with_one_id_get_their_own_answers() {
    let rig = Rig::scripted(Limits::default());
    let mut tasks = JoinSet::new();
    for index in 0..1_000 {
        let mut exchange = rig.send("\"same\"", "shuffle", &json!({ "index": index }).to_string());
        tasks.spawn(async move { (index, answer(&mut exchange).await) });
    }
    assert_eq!(rig.child.in_flight(), 1_000);
    while let Some(done) = patient(tasks.join_next()).await {
        let (index, response) = done.expect("no panic");
        let response = parsed(&response.expect("an answer"));
        assert_eq!(response, json!({"jsonrpc": "2.0", "id": "same", "result": {"index": index}}));
    }
    assert_eq!(rig.child.in_flight(), 0);
    assert_eq!(rig.child.counts().unmatched, 0);
    rig.stop().await;
}

#[test]
fn callers_on_other_runtimes_share_the_process() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime().block_on(async {
        let rig = Arc::new(Rig::scripted(Limits::default()));
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (rig, runtime) = (Arc::clone(&rig), runtime());
                tokio::task::spawn_blocking(move || {
                    runtime.block_on(async {
                        for index in 0..100 {
                            let params = json!({ "caller": caller, "index": index });
                            let response =
                                rig.ask("1", "echo", &params.to_string()).await.expect("an answer");
                            assert_eq!(parsed(&response)["result"], params);
                        }
                    });
                })
            })
            .collect();
        for caller in callers {
            patient(caller).await.expect("no panic");
        }
        Arc::into_inner(rig).expect("all callers are done").stop().await;
    });
}

#[tokio::test]
async fn ids_come_back_byte_for_byte() {
    let rig = Rig::scripted(Limits::default());
    let ids =
        ["1", "\"1\"", "0", "-7", "123456789012345678901234567890", r#""a\u0062\n\/""#, "\"\"", "\"é\""];
    for id in ids {
        let say = json!({"lines": [r#"{ "jsonrpc":"2.0", "id" : @ID@ , "result":{"n":1.0e2} }"#]});
        let response = rig.ask(id, "say", &say.to_string()).await.expect("an answer");
        assert_eq!(response, format!(r#"{{ "jsonrpc":"2.0", "id" : {id} , "result":{{"n":1.0e2}} }}"#));
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_request_over_several_lines_goes_out_as_one() {
    let mut rig = Rig::scripted(Limits::default());
    let mut request = outgoing("1", "hold", "{\r\n\"a\":\n1}");
    request.on_drop = OnDrop::Abandon;
    let _exchange = rig.child.request(&request).expect("taken");
    let line = rig.hear("hold").await;
    assert_eq!(got(&line)["params"], json!({"a": 1}));
    rig.child.notify(b"{\"jsonrpc\":\"2.0\",\n\"method\":\"n\"}\n").expect("taken");
    assert_eq!(rig.hear("method").await, "got {\"jsonrpc\":\"2.0\", \"method\":\"n\"} ");
    rig.stop().await;
}

#[tokio::test]
async fn progress_comes_back_under_the_callers_token() {
    let rig = Rig::scripted(Limits::default());
    let line = |number: &str| {
        let params = format!(r#"{{"progressToken":{number},"progress":0.50}}"#);
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{params}}}"#)
    };
    let done = r#"{"jsonrpc":"2.0","id":@ID@,"result":{}}"#;
    let params = |token: &str| {
        let lines = [line("@ID@"), line("99999"), line("\"t\""), done.to_owned(), line("@ID@")];
        format!(r#"{{"lines":{},"_meta":{{"progressToken":{token}}}}}"#, json!(lines))
    };
    // Both callers chose the same token and id; the second wants no notifications.
    let mut first = rig.send("7", "say", &params("\"t\""));
    let mut second = rig
        .child
        .request(&Outgoing { wants_notifications: false, ..outgoing("7", "say", &params("\"t\"")) })
        .expect("taken");
    let progress = patient(first.next()).await.expect("progress").expect("no fault");
    assert_eq!(format!("{progress:?}"), format!("Notification(b{:?})", line("\"t\"")));
    assert_eq!(answer(&mut first).await.expect("an answer"), r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    assert!(patient(first.next()).await.is_none());
    answer(&mut second).await.expect("an answer");
    rig.ask("8", "echo", "{}").await.expect("an answer");
    // Unknown, foreign, and late for the first; all four for the second.
    assert_eq!(rig.child.counts().dropped_notifications, 7);
    // Who gave no token gets no progress.
    let lines = json!({"lines": [line("@ID@"), done]});
    rig.ask("9", "say", &lines.to_string()).await.expect("an answer and nothing before it");
    assert_eq!(rig.child.counts().dropped_notifications, 8);
    rig.stop().await;
}

#[tokio::test]
async fn cancelling_names_the_legs_own_number() {
    let mut rig = Rig::scripted(Limits::default());
    let mut exchange = rig.send("\"mine\"", "hold", "{}");
    let number = got(&rig.hear("hold").await)["id"].clone();
    assert!(number.is_u64());
    assert!(rig.child.cancel(exchange.key(), "say \"stop\""));
    let cancelled = got(&rig.hear("cancelled").await);
    assert_eq!(cancelled["params"], json!({"requestId": number, "reason": "say \"stop\""}));
    assert_eq!(patient(exchange.next()).await, Some(Err(SendError::Broken(Fault::Cancelled))));
    assert!(patient(exchange.next()).await.is_none());
    assert!(!rig.child.cancel(exchange.key(), "again"), "it is no longer in flight");

    // A late answer meets nobody.
    let late = json!({"lines": [
        format!(r#"{{"jsonrpc":"2.0","id":{number},"result":"late"}}"#),
        r#"{"jsonrpc":"2.0","id":@ID@,"result":"own"}"#,
    ]});
    let own = rig.ask("\"mine\"", "say", &late.to_string()).await.expect("an answer");
    assert_eq!(own, r#"{"jsonrpc":"2.0","id":"mine","result":"own"}"#);
    assert_eq!(rig.child.counts().unmatched, 1);
    rig.stop().await;
}

#[tokio::test]
async fn the_clients_own_cancellation_keeps_its_bytes() {
    let mut rig = Rig::scripted(Limits::default());
    let exchange = rig.send("\"mine\"", "hold", "{}");
    let number = got(&rig.hear("hold").await)["id"].clone();
    let body =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"x":1.0, "requestId":"mine"}}"#;
    let place = span(body, &["params", "requestId"]).expect("an id");
    let body = Bytes::from_static(body.as_bytes());
    let outside = toolgate_json::Span { start: 0, end: 999 };
    assert!(rig.child.cancel_by(exchange.key(), &body, outside).is_err());
    assert_eq!(rig.child.cancel_by(exchange.key(), &body, place), Ok(true));
    let expected = text(&body).replace("\"mine\"", &number.to_string());
    assert_eq!(rig.hear("cancelled").await, format!("got {expected}"));
    rig.stop().await;
}

#[tokio::test]
async fn dropping_an_exchange_cancels_or_abandons() {
    let mut rig = Rig::scripted(Limits::default());
    let mut abandoned = outgoing("1", "hold", r#"{"which":"abandoned"}"#);
    abandoned.on_drop = OnDrop::Abandon;
    let abandoned = rig.child.request(&abandoned).expect("taken");
    let dropped = rig.send("2", "hold", r#"{"which":"dropped"}"#);
    rig.hear("abandoned").await;
    let number = got(&rig.hear("dropped").await)["id"].clone();
    drop(abandoned);
    drop(dropped);
    assert_eq!(rig.child.in_flight(), 0);
    let first = got(&rig.hear("cancelled").await);
    assert_eq!(first["params"]["requestId"], number, "only the second was cancelled");
    rig.child.close();
    patient(rig.child.exited()).await;
    assert_eq!(rig.hear("end of input").await, "end of input");
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_never_reads_tells_written_from_not_written() {
    let limits = Limits { queue_messages: 3, ..hasty() };
    let rig = Rig::shell("exec sleep 1000", limits);
    let big = format!("\"{}\"", "x".repeat(1 << 20));
    let mut stuck = rig.send("1", "echo", &big);
    // The writer has taken the first request once the queue has its whole room again.
    let mut queued = Vec::new();
    patient(async {
        while queued.len() < 3 {
            match rig.child.request(&outgoing("2", "echo", "{}")) {
                Ok(exchange) => queued.push(exchange),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    let full = rig.child.request(&outgoing("3", "echo", "{}")).map(|_| ());
    assert_eq!(full, Err(SendError::NotWritten(Fault::QueueFull)));
    assert_eq!(queued.pop().expect("queued").give_up(), Written::Nothing);
    let room = rig.child.request(&outgoing("4", "echo", "{}"));
    assert!(room.is_ok(), "giving up makes room");

    rig.child.close();
    assert_eq!(rig.child.notify(b"{}"), Err(SendError::NotWritten(Fault::Closing)));
    let exit = patient(rig.child.exited()).await;
    assert_eq!(answer(&mut stuck).await, Err(SendError::Broken(Fault::Exited(exit))));
    for mut exchange in queued {
        assert_eq!(patient(exchange.sent()).await, Err(SendError::NotWritten(Fault::Exited(exit))));
        assert_eq!(answer(&mut exchange).await, Err(SendError::NotWritten(Fault::Exited(exit))));
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_cancelled_request_that_still_waited_is_never_written() {
    let mut rig = Rig::shell("read line; exec \"$0\"", Limits::default());
    // The pipe holds the first request in part until the server reads on.
    let big = rig.send("1", "hold", &format!("\"{}\"", "x".repeat(1 << 20)));
    let waiting = rig.send("2", "hold", r#""withdrawn""#);
    assert!(rig.child.cancel(waiting.key(), "never mind"));
    let last = rig.ask("3", "echo", r#""last""#);
    let last = patient(last).await.expect("an answer");
    assert_eq!(parsed(&last)["result"], "last");
    let mut lines = Vec::new();
    while let Ok(line) = rig.heard.try_recv() {
        lines.push(line);
    }
    assert!(lines.iter().any(|line| line.contains("last")));
    assert!(!lines.iter().any(|line| line.contains("withdrawn") || line.contains("cancelled")), "{lines:?}");
    drop(big);
    rig.stop().await;
}

#[tokio::test]
async fn bad_spans_are_refused_before_anything_is_sent() {
    let rig = Rig::scripted(Limits::default());
    let mut request = outgoing("1", "echo", "{}");
    request.id.end = 10_000;
    let refused = rig.child.request(&request).map(|_| ());
    assert_eq!(refused, Err(SendError::NotWritten(Fault::BadSpan)));
    assert_eq!(rig.child.in_flight(), 0);
    rig.stop().await;
}
