//! Whole calls without a protocol around them: admission, keys, money, cancelling, the end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::picture::Format;
use crate::scripted::{Reply, Scripted, Seen};

fn server(dir: &tempfile::TempDir) -> Server {
    let settings = Settings::from_lookup(|name| match name {
        "OUTPUT_DIR" => Some(dir.path().join("outputs").into()),
        "IMAGEGEN_PROVIDER" => Some("placeholder".into()),
        _ => None,
    });
    Server::new(settings.unwrap())
}

fn arguments(size: &str) -> Arguments {
    let raw = json!({ "prompt": "p", "size": size, "returnBase64": true });
    Arguments::check(Tool::OpenAi, raw.as_object()).unwrap()
}

#[tokio::test]
async fn a_cancelled_call_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let call = Call::new(cancel.clone(), Duration::from_secs(1));
    cancel.cancel();
    assert!(server(&dir).0.place(Tool::OpenAi, &arguments("16x16"), &call).is_err());
    assert!(!dir.path().join("outputs").exists());
}

#[tokio::test]
async fn a_call_beyond_the_bound_is_told_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&dir);
    let all = server.0.admitted.try_acquire_many(256).unwrap();
    let call = || server.generate(Tool::OpenAi, arguments("16x16"), CancellationToken::new(), None);
    let refused = call().await;
    assert_eq!(refused.is_error, Some(true));
    assert!(refused.content[0].as_text().unwrap().text.contains("try again"));
    drop(all);
    assert_eq!(call().await.is_error, Some(false));
}

/// A server whose vendors are all at one scripted address.
fn asking(dir: &tempfile::TempDir, base: &str, more: &[(&str, &str)]) -> Server {
    let settings = Settings::from_lookup(|name| {
        let set = more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        set.or_else(|| match name {
            "OUTPUT_DIR" => Some(dir.path().join("outputs").into()),
            "REPLICATE_API_TOKEN" => Some("r8_canary_replicate".into()),
            "OPENAI_API_KEY" => Some("sk-canary-openai".into()),
            "GOOGLE_API_KEY" => Some("AIza-canary-google".into()),
            "REPLICATE_BASE_URL"
            | "OPENAI_BASE_URL"
            | "GOOGLE_GEMINI_BASE_URL"
            | "GOOGLE_IMAGEN_ENDPOINT" => Some(base.into()),
            _ => None,
        })
    });
    // 2026-11-22.
    let clock = Clock::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600));
    Server::with_clock(settings.unwrap(), clock)
}

async fn ask(server: &Server, tool: Tool, raw: serde_json::Value) -> CallToolResult {
    let arguments = Arguments::check(tool, raw.as_object()).unwrap();
    server.generate(tool, arguments, CancellationToken::new(), None).await
}

fn told(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

#[tokio::test(start_paused = true)]
async fn no_vendor_can_make_the_server_tell_a_key() {
    let echo = |_, seen: &Seen| {
        let head = seen.head.clone();
        let error = json!({ "message": head, "status": head, "code": head, "type": head });
        Reply::json(400, &json!({ "title": head, "detail": head, "error": error }))
    };
    let vendor = Scripted::start(echo).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[]);
    for tool in Tool::ALL {
        let result = ask(&server, tool, json!({ "prompt": "p" })).await;
        assert_eq!(result.is_error, Some(true), "{tool:?}");
        let all = serde_json::to_string(&result).unwrap();
        assert!(!all.contains("canary") && all.contains("[key]"), "{tool:?}: {all}");
    }
    assert_eq!(vendor.seen().len(), Tool::ALL.len());
    assert!(vendor.seen().iter().all(|seen| seen.head.contains("canary")), "each vendor was sent its key");
    assert!(!format!("{server:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_here_sends_nothing() {
    let vendor = Scripted::start(|_, _| Reply::Break).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[("IMAGEGEN_MAX_COST", "0.1")]);
    for (tool, raw, said) in [
        (Tool::OpenAi, json!({ "prompt": "p", "model": "dall-e-3" }), "call again with model `gpt-image-2`"),
        (Tool::OpenAi, json!({ "prompt": "p" }), "$0.00 of the $0.10"),
        (Tool::Replicate, json!({ "prompt": "p", "n": 3 }), "it would cost about $0.12"),
        (Tool::Replicate, json!({ "prompt": "p", "model": "flux" }), "Invalid reference"),
        (Tool::Gemini, json!({ "prompt": "p", "model": "../x" }), "no name of a Google model"),
        (Tool::Gemini, json!({ "prompt": "p", "image": "/etc/passwd" }), "no file in the directory"),
    ] {
        let result = ask(&server, tool, raw.clone()).await;
        assert!(told(&result).contains(said), "{raw}: {}", told(&result));
        assert_eq!(told(&result).lines().count(), 3, "{raw}: {}", told(&result));
    }
    let dry = ask(&server, Tool::OpenAi, json!({ "prompt": "p", "n": 2, "dryRun": true })).await;
    assert!(
        told(&dry).starts_with("provider=openai model=gpt-image-2 dry_run=true cost=$0.2496\n"),
        "{}",
        told(&dry)
    );
    assert_eq!(dry.structured_content.as_ref().unwrap()["request"]["body"]["n"], 2);
    assert!(vendor.seen().is_empty());
    assert_eq!(server.0.budget.spent(), crate::money::Usd::default());
}

#[tokio::test(start_paused = true)]
async fn advice_names_tools_as_the_client_knows_them() {
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, "http://127.0.0.1:1", &[("IMAGEGEN_TOOL_NAMES", "underscore")]);
    let result = ask(&server, Tool::Replicate, json!({ "prompt": "p", "model": "flux" })).await;
    assert!(told(&result).contains("image_models_list knows some"), "{}", told(&result));
}

#[tokio::test(start_paused = true)]
async fn the_budget_counts_what_may_have_been_charged_and_nothing_else() {
    let refuse = |count, _: &Seen| match count {
        0 => Reply::json(402, &json!({ "title": "Insufficient credit", "detail": "d" })),
        _ => Reply::Break,
    };
    let vendor = Scripted::start(refuse).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[("IMAGEGEN_MAX_COST", "1")]);
    ask(&server, Tool::Replicate, json!({ "prompt": "p" })).await;
    assert_eq!(server.0.budget.spent().to_string(), "$0.00", "refused");
    ask(&server, Tool::Replicate, json!({ "prompt": "p" })).await;
    assert_eq!(server.0.budget.spent().to_string(), "$0.04", "perhaps accepted");
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_does_part_of_the_work_is_not_a_failure() {
    let png =
        crate::picture::encode(&image::DynamicImage::from(image::RgbImage::new(8, 8)), Format::Png).unwrap();
    let inline = json!({ "inlineData": { "data": STANDARD.encode(png) } });
    let good = json!({ "candidates": [{ "content": { "parts": [inline] } }] });
    let answer = move |count, _: &Seen| match count {
        1 => Reply::json(400, &json!({ "error": { "message": "no" } })),
        _ => Reply::json(200, &good),
    };
    let vendor = Scripted::start(answer).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[]);
    let result =
        ask(&server, Tool::Gemini, json!({ "prompt": "p", "n": 3, "format": "jpg", "returnBase64": true }))
            .await;
    assert_eq!(result.is_error, Some(false));
    let text = told(&result);
    assert_eq!(text.matches("saved=").count(), 2, "{text}");
    assert!(
        text.contains("missing: 1 of 3 requests failed: Google API error: no")
            && text.contains("converted: png -> jpeg")
    );
    let facts = result.structured_content.as_ref().unwrap();
    assert_eq!((&facts["images"][1]["mime"], &facts["cost_usd"]), (&json!("image/jpeg"), &json!(0.134)));
    assert_eq!(result.content.len(), 3, "a text and two pictures");
    assert_eq!(server.0.gallery.list().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_calls_predictions_off() {
    let vendor =
        Scripted::start(|_, _| Reply::json(200, &json!({ "id": "p1", "status": "processing" }))).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[]);
    let (call, ender) = (server.clone(), server.clone());
    let end = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        ender.end().await;
    };
    let (result, ()) = tokio::join!(ask(&call, Tool::Replicate, json!({ "prompt": "p" })), end);
    assert!(told(&result).contains("Code: cancelled"));
    assert_eq!(vendor.lines().last().unwrap(), "POST /predictions/p1/cancel");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_ends_its_call() {
    let vendor =
        Scripted::start(|_, _| Reply::json(200, &json!({ "id": "p1", "status": "processing" }))).await;
    let dir = tempfile::tempdir().unwrap();
    let server = asking(&dir, &vendor.base, &[]);
    let waiting = ask(&server, Tool::Replicate, json!({ "prompt": "p" }));
    assert!(tokio::time::timeout(Duration::from_secs(5), waiting).await.is_err(), "its handler is dropped");
    server.0.tasks.close();
    server.0.tasks.wait().await;
    assert_eq!(vendor.lines().last().unwrap(), "POST /predictions/p1/cancel");
}
