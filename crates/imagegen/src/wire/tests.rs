//! What is sent again and what is not, where keys go, and where downloads end.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::failure::Spent;
use crate::scripted::{Reply, Scripted};
use crate::secret::Secrets;

fn call() -> Call {
    Call::new(CancellationToken::new(), Duration::from_secs(300))
}

fn api(base: &str) -> Api {
    Api::new("Vendor", client(None).unwrap(), base, Auth::Bearer, &Secret::new("canary-key")).unwrap()
}

fn post() -> Request {
    Request::post("/create", &json!({ "a": 1 }))
}

fn ok() -> Reply {
    Reply::json(200, &json!({}))
}

fn text(failure: &Failure) -> String {
    failure.text(&Secrets::default())
}

/// Sends one request against a script and tells the outcome and the number of requests.
async fn outcome(
    request: Request,
    script: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> (Result<u16, Failure>, usize) {
    let vendor = Scripted::start(move |count, _| script(count)).await;
    let sent = api(&vendor.base).send(&request, &call()).await;
    (sent.map(|answer| answer.status().as_u16()), vendor.seen().len())
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_is_kept() {
    let vendor = Scripted::start(|count, _| match count {
        0 => Reply::Http(429, "retry-after: 2\r\n", b"{}".to_vec()),
        _ => ok(),
    })
    .await;
    let answer = api(&vendor.base).send(&post(), &call()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let seen = vendor.seen();
    assert_eq!(seen.len(), 2);
    let waited = seen[1].at - seen[0].at;
    assert!((Duration::from_secs(2)..Duration::from_millis(2_100)).contains(&waited), "{waited:?}");
    assert!(seen[0].head.contains("authorization: bearer canary-key"));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_accepted_is_not_sent_again() {
    let (lost, count) = outcome(post(), |_| Reply::Break).await;
    assert_eq!((lost.unwrap_err().spent(), count), (Spent::Perhaps, 1));
    let (status, count) = outcome(post(), |_| Reply::json(502, &json!({}))).await;
    assert_eq!((status.unwrap(), count), (502, 1));
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again() {
    let (status, count) =
        outcome(Request::get("/x"), |count| if count < 2 { Reply::Break } else { ok() }).await;
    assert_eq!((status.unwrap(), count), (200, 3));
    let (status, count) = outcome(Request::get("/x"), |_| Reply::json(503, &json!({}))).await;
    assert_eq!((status.unwrap(), count), (503, 5), "not for ever");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends() {
    let quota = json!({ "error": { "code": "insufficient_quota" } });
    let (status, count) = outcome(post(), move |_| Reply::json(429, &quota)).await;
    assert_eq!((status.unwrap(), count), (429, 1), "no money is no matter of waiting");
    let (status, count) = outcome(post(), |_| Reply::json(429, &json!({}))).await;
    assert_eq!((status.unwrap(), count), (429, 5));
    let long = |_| Reply::Http(429, "retry-after: 900\r\n", Vec::new());
    let (refused, count) = outcome(post(), long).await;
    assert!(text(&refused.unwrap_err()).contains("asks to wait 900 s"));
    assert_eq!(count, 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_where_nobody_listens_is_tried_again_and_then_told() {
    let gone = Scripted::start(|_, _| ok()).await.base.clone();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let began = tokio::time::Instant::now();
    let failure = api(&format!("http://127.0.0.1:{port}")).send(&post(), &call()).await.unwrap_err();
    assert!(text(&failure).contains("Code: connect (nothing was sent)"), "{}", text(&failure));
    assert_eq!(failure.spent(), Spent::Nothing);
    assert!(began.elapsed() >= Duration::from_secs(7), "{:?}, not {gone}", began.elapsed());
}

#[tokio::test]
async fn the_key_stays_at_its_address() {
    let elsewhere = Scripted::start(|_, _| ok()).await;
    let to: &'static str = Box::leak(format!("location: {}/stolen\r\n", elsewhere.base).into_boxed_str());
    let vendor = Scripted::start(move |_, _| Reply::Http(307, to, Vec::new())).await;
    let answer = api(&vendor.base).send(&post(), &call()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert!(elsewhere.seen().is_empty());
    let api = api(&format!("{}/v1", vendor.base));
    for path in ["/../admin", "/models/../../admin", "@evil.example/x", ".evil.example/x", ":81/x"] {
        let refused = api.send(&Request::get(path), &call()).await;
        assert!(
            matches!(&refused, Err(failure) if text(failure).contains("is no path")),
            "{path}: {refused:?}"
        );
    }
    assert!(!format!("{api:?}").contains("canary"));
    assert_eq!(vendor.seen().len(), 1);
}

async fn fetched(reply: Reply) -> Result<Bytes, String> {
    let vendor = Scripted::start(move |_, _| reply.clone()).await;
    let hosts = vec![crate::settings::HostPort { host: "127.0.0.1".to_owned(), port: Some(vendor.port()) }];
    let fetcher = Fetcher::new(hosts).unwrap().with_limit(1024 * 1024);
    let address = format!("{}/delivery/a.png", vendor.base);
    let outcome = fetcher.fetch(&address, Fetched::Delivery, &call()).await;
    assert!(vendor.seen().iter().all(|seen| !seen.head.contains("authorization")));
    outcome.map_err(|failure| text(&failure))
}

#[tokio::test(start_paused = true)]
async fn downloads_end_at_their_limit_and_follow_nothing() {
    assert_eq!(fetched(Reply::Http(200, "", b"bytes".to_vec())).await.unwrap(), "bytes");
    for (reply, said) in [
        (Reply::Endless, "larger than 1 MB"),
        (Reply::Http(200, "", vec![0; 1024 * 1024 + 1]), "larger than 1 MB"),
        (Reply::Http(404, "", Vec::new()), "404 (download)"),
        (Reply::Http(302, "location: http://169.254.169.254/\r\n", Vec::new()), "which is not followed"),
        (Reply::Break, "could not be downloaded"),
    ] {
        let error = fetched(reply.clone()).await.unwrap_err();
        assert!(error.contains(said), "{reply:?}: {error}");
    }
}
