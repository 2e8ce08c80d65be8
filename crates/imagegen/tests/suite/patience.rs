//! Calls that take time: pauses, polls, cancelling, deadlines, progress. The clock is paused, so that hours pass at once
//! and every pause can be measured.

use std::time::Duration;

use imagegen_mcp::fake_vendors::{Event, Vendor};
use rmcp::model::{CallToolRequestParams, ClientRequest, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::faked::{EVERY_VENDOR, Faked};
use crate::harness::{object, text};

fn prompt(twists: &str) -> Value {
    json!({ "prompt": format!("p [fake:{twists}]") })
}

/// Runs one call and gives the seconds that it took.
async fn timed(faked: &Faked, tool: &str, twists: &str) -> (Option<bool>, f64, String) {
    let begun = Instant::now();
    let result = faked.call(tool, prompt(twists)).await;
    (result.is_error, begun.elapsed().as_secs_f64(), text(&result).to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_waits_as_long_as_the_vendor_says_and_succeeds() {
    for (vendor, twists, seconds) in [
        (Vendor::Replicate, "throttle=2", 2.0),
        (Vendor::Replicate, "throttle-body=7", 7.0),
        (Vendor::OpenAi, "throttle=2", 2.0),
        (Vendor::Gemini, "throttle-body=31", 31.0),
        (Vendor::Imagen, "throttle-bare", 0.0),
        (Vendor::Custom, "throttle=2", 2.0),
    ] {
        let faked = Faked::of(vendor, &[]).await;
        let tool = EVERY_VENDOR.into_iter().find(|(of, _)| *of == vendor).unwrap().1;
        let (failed, took, told) = timed(&faked, tool, twists).await;
        assert_eq!(failed, Some(false), "{} {twists}: {told}", vendor.name());
        assert!((seconds..seconds + 5.0).contains(&took), "{} {twists}: took {took} s", vendor.name());
        assert_eq!(faked.count(vendor, Event::Create), 2, "{} {twists}", vendor.name());
        assert_eq!(faked.count(vendor, Event::Accepted), 1, "{} {twists}", vendor.name());
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_ends() {
    let faked = Faked::new().await;
    let (failed, took, told) = timed(&faked, "image.generate.replicate", "throttle=2,always").await;
    assert_eq!(failed, Some(true), "{told}");
    assert!(told.contains("429"), "{told}");
    let creates = faked.count(Vendor::Replicate, Event::Create);
    assert!((2..=10).contains(&creates), "{creates} tries");
    assert!(took >= 2.0 * f64::from(u32::try_from(creates - 1).unwrap()), "{creates} tries in {took} s");
    assert_eq!(faked.count(Vendor::Replicate, Event::Accepted), 0);
}

#[tokio::test(start_paused = true)]
async fn a_prediction_that_ends_after_some_polls_succeeds() {
    for twists in ["polls=5", "hold", "polls=5,get-error=2", "polls=40"] {
        let faked = Faked::new().await;
        let (failed, took, told) = timed(&faked, "image.generate.replicate", twists).await;
        assert_eq!(failed, Some(false), "{twists}: {told}");
        let polls = faked.count(Vendor::Replicate, Event::Poll);
        match twists {
            "hold" => assert!(polls == 1 && took >= 1.0, "{polls} polls in {took} s"),
            "polls=40" => assert!(polls == 40 && took > 20.0, "{polls} polls in {took} s"),
            _ => assert_eq!(polls, 5, "{twists}"),
        }
        assert_eq!(faked.count(Vendor::Replicate, Event::Create), 1, "{twists}");
        assert_eq!(faked.count(Vendor::Delivery, Event::Download), 1, "{twists}");
        assert_eq!(faked.count(Vendor::Replicate, Event::Cancel), 0, "{twists}");
    }
}

/// Begins a call and gives a handle that can cancel it.
async fn begin(faked: &Faked, twists: &str) -> rmcp::service::RequestHandle<rmcp::RoleClient> {
    let params =
        CallToolRequestParams::new("image.generate.replicate").with_arguments(object(prompt(twists)));
    let request = ClientRequest::CallToolRequest(Request::new(params));
    let options = rmcp::service::PeerRequestOptions::no_options();
    faked.client.send_cancellable_request(request, options).await.unwrap()
}

/// Lets time pass until it has happened, an hour at most.
async fn happens(faked: &Faked, vendor: Vendor, event: Event) {
    let end = Instant::now() + Duration::from_secs(3600);
    while faked.count(vendor, event) == 0 {
        assert!(Instant::now() < end, "{event:?} never happened: {:#?}", faked.ledger.counts());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_call_reaches_the_vendor() {
    let faked = Faked::new().await;
    let handle = begin(&faked, "polls=10000").await;
    happens(&faked, Vendor::Replicate, Event::Poll).await;
    handle.cancel(Some("no longer wanted".to_owned())).await.unwrap();
    happens(&faked, Vendor::Replicate, Event::Cancel).await;
    let polls = faked.count(Vendor::Replicate, Event::Poll);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(faked.count(Vendor::Replicate, Event::Cancel), 1);
    assert!(faked.count(Vendor::Replicate, Event::Poll) <= polls + 1, "polling went on");
    assert_eq!((faked.count(Vendor::Replicate, Event::Create), faked.rig.files()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_at_the_vendor() {
    let mut faked = Faked::new().await;
    let handle = begin(&faked, "polls=10000").await;
    happens(&faked, Vendor::Replicate, Event::Poll).await;
    drop(handle);
    faked.client.close().await.unwrap();
    happens(&faked, Vendor::Replicate, Event::Cancel).await;
    assert_eq!(faked.rig.files(), 0);
}

/// Without sessions, a request whose connection goes away is a request that nobody waits for.
#[tokio::test(start_paused = true)]
async fn a_modern_request_that_is_dropped_cancels_at_the_vendor() {
    let mut faked = Faked::new().await;
    let address = faked.rig.listen().await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params =
        json!({ "name": "image.generate.replicate", "arguments": prompt("polls=10000"), "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: image.generate.replicate\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    happens(&faked, Vendor::Replicate, Event::Poll).await;
    drop(stream);
    happens(&faked, Vendor::Replicate, Event::Cancel).await;
    assert_eq!((faked.count(Vendor::Replicate, Event::Create), faked.rig.files()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn our_own_deadline_cancels_at_the_vendor() {
    let faked = Faked::of(Vendor::Replicate, &[("IMAGEGEN_TIMEOUT", "90")]).await;
    let (failed, took, told) = timed(&faked, "image.generate.replicate", "polls=10000").await;
    assert_eq!(failed, Some(true), "{told}");
    assert!((90.0..120.0).contains(&took), "took {took} s");
    assert!(told.contains("IMAGEGEN_TIMEOUT"), "{told}");
    happens(&faked, Vendor::Replicate, Event::Cancel).await;
}

/// Calls by hand with or without a progress token; the progress notifications until the result.
async fn progress_of(
    faked: &mut Faked,
    tool: &str,
    twists: &str,
    token: Option<&str>,
) -> (Vec<Value>, Value) {
    let (input, mut output) = tokio::io::split(faked.rig.pipes());
    let mut input = BufReader::new(input).lines();
    let client = json!({ "name": "raw", "version": "1" });
    let opening = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    let mut params = json!({ "name": tool, "arguments": prompt(twists) });
    if let Some(token) = token {
        params["_meta"] = json!({ "progressToken": token });
    }
    for message in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }),
    ] {
        output.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    let mut told = Vec::new();
    loop {
        let line = input.next_line().await.unwrap().unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        if message["id"] == 2 {
            return (told, message["result"].clone());
        }
        if message["method"] == "notifications/progress" {
            told.push(message["params"].clone());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_every_few_seconds_to_those_who_ask() {
    let mut faked = Faked::new().await;
    for (tool, twists) in [
        ("image.generate.replicate", "hold"),
        ("image.generate.replicate", "polls=20"),
        ("image.generate.gemini", "throttle-body=31"),
    ] {
        let begun = Instant::now();
        let (told, result) = progress_of(&mut faked, tool, twists, Some("t-1")).await;
        assert_eq!(result["isError"], false, "{result}");
        let seconds = begun.elapsed().as_secs();
        let many = u64::try_from(told.len()).unwrap();
        assert!(many >= seconds / 6 && many >= 1, "{twists}: {many} in {seconds} s: {told:?}");
        assert!(told.iter().all(|one| one["progressToken"] == "t-1"), "{told:?}");
        let grows: Vec<_> = told.iter().map(|one| one["progress"].as_f64().unwrap()).collect();
        assert!(grows.windows(2).all(|pair| pair[0] < pair[1]), "{grows:?}");
        let (told, _) = progress_of(&mut faked, tool, "", None).await;
        assert!(told.is_empty(), "nobody asked: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn openais_partial_pictures_are_progress() {
    let mut faked = Faked::new().await;
    let (told, result) = progress_of(&mut faked, "image.generate.openai", "", Some("t-2")).await;
    assert_eq!(result["isError"], false, "{result}");
    let partial = told.iter().filter_map(|one| one["message"].as_str());
    assert!(partial.into_iter().any(|message| message.contains("unfinished picture")), "{told:?}");
    let (_, result) = progress_of(&mut faked, "image.generate.openai", "stream-cut", Some("t-3")).await;
    assert_eq!(result["isError"], true);
    assert!(result.to_string().contains("charge"), "{result}");
    let (_, result) = progress_of(&mut faked, "image.generate.openai", "stream-error", Some("t-4")).await;
    assert_eq!(result["isError"], true);
    assert!(result.to_string().contains("moderation_blocked"), "{result}");
    assert_eq!(faked.count(Vendor::OpenAi, Event::Create), 3, "none is repeated");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_ends_at_the_deadline() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[("IMAGEGEN_TIMEOUT", "20")]).await;
        let (failed, took, told) = timed(&faked, tool, "slow").await;
        assert_eq!(failed, Some(true), "{}: {told}", vendor.name());
        assert!((19.0..40.0).contains(&took), "{}: took {took} s", vendor.name());
        assert_eq!((faked.count(vendor, Event::Create), faked.rig.files()), (1, 0), "{}", vendor.name());
    }
}

#[tokio::test(start_paused = true)]
async fn every_create_caps_its_own_life_at_the_vendor() {
    let faked = Faked::new().await;
    faked.call("image.generate.replicate", json!({ "prompt": "p" })).await;
    let headers = &faked.ledger.requests()[0]["headers"];
    assert!(headers["cancel-after"].is_string(), "{headers}");
    let wait = headers["prefer"].as_str().unwrap().strip_prefix("wait=").unwrap();
    assert!((1..=60).contains(&wait.parse::<u32>().unwrap()), "{headers}");
}
