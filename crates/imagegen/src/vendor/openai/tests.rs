//! The fields that each model gets, the form of an edit, streams, and refusals.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::Tool;
use crate::arguments::Arguments;
use crate::catalogue::Catalogue;
use crate::picture::Shape;
use crate::scripted::{Reply, Scripted};
use crate::secret::{Secret, Secrets};
use crate::wire::{Auth, client};

fn job(model_id: &str, mut raw: Value) -> Job {
    raw["prompt"] = json!("a red cube");
    let arguments = Arguments::check(Tool::OpenAi, raw.as_object()).unwrap();
    let model = Catalogue::built_in().unwrap().model(Tool::OpenAi, model_id);
    let shape = Shape::of(&arguments, &mut Vec::new());
    let input =
        |text: &str| Input::Picture { bytes: Bytes::copy_from_slice(text.as_bytes()), format: Format::Png };
    let inputs = arguments.images.iter().map(|image| input(image.text())).collect();
    let mask = arguments.mask.as_ref().map(|mask| input(mask.text()));
    Job { inputs, mask, model, model_id: model_id.to_owned(), shape, arguments, notes: Vec::new() }
}

fn openai(base: &str) -> OpenAi {
    let api = Api::new("OpenAI", client(None).unwrap(), base, Auth::Bearer, &Secret::new("canary-key"));
    OpenAi::new(api.unwrap(), 2)
}

fn plan(model: &str, raw: Value, progress: Progress) -> Plan {
    openai("http://127.0.0.1:1/v1").plan(&job(model, raw), progress).unwrap()
}

fn sent(model: &str, raw: Value) -> (Value, Vec<String>) {
    let plan = plan(model, raw, Progress::Unwatched);
    let Body::Json(body) = plan.body else { panic!("generations are JSON") };
    (body, plan.notes)
}

#[test]
fn each_field_is_sent_as_the_model_takes_it_or_said_to_be_left_out() {
    let (body, notes) = sent("gpt-image-2", json!({}));
    assert_eq!(body, json!({ "model": "gpt-image-2", "prompt": "a red cube", "size": "1024x1024" }));
    assert!(notes.is_empty());
    let (body, notes) = sent(
        "gpt-image-1.5",
        json!({ "background": "solid", "quality": "hd", "format": "jpg", "style": "vivid", "seed": 3,
                "negativePrompt": "z", "width": 1024, "height": 1536, "n": 2 }),
    );
    assert_eq!(
        body,
        json!({ "model": "gpt-image-1.5", "prompt": "a red cube\nStyle: vivid\nAvoid: z", "n": 2,
                "size": "1024x1536", "quality": "high", "output_format": "jpeg", "background": "opaque" })
    );
    assert_eq!(
        notes,
        [
            "adjusted: style became a sentence of the prompt, as the model has no field for it",
            "adjusted: negativePrompt became a sentence of the prompt, as the model has no field for it",
            "adjusted: quality hd -> high",
            "adjusted: background solid -> opaque",
            "ignored: seed, because OpenAI's models take none",
        ]
    );
    let (body, notes) = sent("gpt-image-2", json!({ "background": "transparent", "quality": "max" }));
    assert_eq!((body.get("background"), &body["quality"]), (None, &json!("high")));
    assert_eq!(notes.len(), 2, "{notes:?}");
    let (body, _) = sent(
        "gpt-image-2.6-flare",
        json!({ "background": "transparent", "quality": "max", "format": "jpg" }),
    );
    assert_eq!((&body["background"], &body["quality"]), (&json!("transparent"), &json!("max")));
    assert_eq!(body.get("output_format"), None, "jpeg has no transparency");
}

#[test]
fn estimates_follow_quality_size_and_number() {
    for (raw, dollars) in [
        (json!({ "quality": "low" }), Some("$0.0082")),
        (json!({ "quality": "standard", "n": 3 }), Some("$0.0951")),
        (json!({}), Some("$0.1248")),
        (json!({ "quality": "low", "size": "2048x1024" }), Some("$0.0164")),
    ] {
        let price = plan("gpt-image-2", raw.clone(), Progress::Unwatched).price();
        assert_eq!(price.map(|price| price.to_string()).as_deref(), dollars, "{raw}");
    }
    assert_eq!(plan("gpt-image-2.6-flare", json!({ "quality": "max" }), Progress::Unwatched).price(), None);
}

#[test]
fn an_edit_is_a_form() {
    let plan = plan("gpt-image-2", json!({ "inputImages": ["a", "b"], "mask": "m" }), Progress::Unwatched);
    assert_eq!(plan.path, "/images/edits");
    assert_eq!(
        plan.shown(),
        json!({ "model": "gpt-image-2", "prompt": "a red cube", "size": "1024x1024",
                "image[]": "image-2.png (image/png, 1 bytes)", "mask": "mask.png (image/png, 1 bytes)" })
    );
    let many: Vec<_> = (0..14).map(|_| "x").collect();
    let job = job("gpt-image-2", json!({ "inputImages": many, "image": "y" }));
    assert!(openai("http://127.0.0.1:1").plan(&job, Progress::Unwatched).is_ok(), "15 of 16");
}

async fn run(reply: Reply, raw: Value, progress: Progress) -> (Result<Batch, String>, Call, Value) {
    let vendor = Scripted::start(move |_, _| reply.clone()).await;
    let openai = openai(&format!("{}/v1", vendor.base));
    let job = job("gpt-image-2", raw);
    let call = Call::new(CancellationToken::new(), Duration::from_secs(60));
    let plan = openai.plan(&job, progress).unwrap();
    let outcome = openai.run(&plan, &job.model, &call).await;
    let seen = vendor.seen();
    assert_eq!(seen.len(), 1);
    let body = if seen[0].head.contains("multipart/form-data; boundary=") {
        json!(seen[0].text())
    } else {
        seen[0].json()
    };
    (outcome.map_err(|failure| failure.text(&Secrets::default())), call, body)
}

#[tokio::test(start_paused = true)]
async fn pictures_and_their_true_cost() {
    let usage =
        json!({ "input_tokens": 110, "input_tokens_details": { "image_tokens": 10 }, "output_tokens": 1000 });
    let answer = json!({ "data": [{ "b64_json": STANDARD.encode("one") }], "usage": usage });
    let (outcome, _, _) = run(Reply::json(200, &answer), json!({}), Progress::Unwatched).await;
    let batch = outcome.unwrap();
    assert_eq!(batch.pictures, ["one"]);
    assert_eq!(batch.cost.unwrap().to_string(), "$0.03058");
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_its_progress() {
    let partial =
        json!({ "type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "x" });
    let done = json!({ "type": "image_generation.completed", "b64_json": STANDARD.encode("done"),
                       "usage": { "output_tokens": 100 } });
    let events = format!("event: a\ndata: {partial}\n\nevent: b\ndata: {done}\n\n");
    let reply = Reply::Http(200, "content-type: text/event-stream; charset=utf-8\r\n", events.into_bytes());
    let (outcome, call, body) = run(reply, json!({}), Progress::Followed).await;
    assert_eq!(outcome.unwrap().pictures, ["done"]);
    assert_eq!((&body["stream"], &body["partial_images"]), (&json!(true), &json!(2)));
    assert_eq!(*call.stages().borrow(), "OpenAI: unfinished picture 1");
    let cut =
        Reply::Http(200, "content-type: text/event-stream\r\n", format!("data: {partial}\n\n").into_bytes());
    let (outcome, _, _) = run(cut, json!({}), Progress::Followed).await;
    assert!(outcome.unwrap_err().contains("before the picture was finished"));
}

#[tokio::test(start_paused = true)]
async fn an_edit_sends_its_files() {
    let answer = json!({ "data": [{ "b64_json": STANDARD.encode("one") }] });
    let (outcome, _, body) =
        run(Reply::json(200, &answer), json!({ "image": "PIXELS" }), Progress::Unwatched).await;
    assert_eq!(outcome.unwrap().pictures, ["one"]);
    let body = body.as_str().unwrap();
    assert!(
        body.contains(
            "name=\"image\"; filename=\"image-1.png\"\r\nContent-Type: image/png\r\n\r\nPIXELS\r\n"
        ),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_have_three_parts() {
    let error = |code: &str, kind: &str, message: &str| json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    for (status, body, parts) in [
        (
            401,
            error("invalid_api_key", "x", "Incorrect API key"),
            ["Incorrect API key", "401 invalid_api_key", "OPENAI_API_KEY"],
        ),
        (
            400,
            error("moderation_blocked", "x", "rejected"),
            ["rejected", "400 moderation_blocked", "other words"],
        ),
        (400, error("billing_hard_limit_reached", "x", "limit"), ["limit", "400 billing", "no money left"]),
        (
            429,
            error("insufficient_quota", "x", "quota"),
            ["quota", "429 insufficient_quota", "no money left"],
        ),
        (
            403,
            error("", "x", "organization must be verified"),
            ["verified", "403 x", "settings/organization/general"],
        ),
        (
            404,
            error("model_not_found", "x", "no such model"),
            ["no such model", "404 model_not_found", "use `gpt-image-2`"],
        ),
        (
            400,
            error("unknown_parameter", "x", "Unknown parameter"),
            ["Unknown parameter", "400 unknown_parameter", "dryRun"],
        ),
        (500, error("", "server_error", "oops"), ["oops", "500", "may have charged"]),
        (200, json!({ "data": [] }), ["no image data", "no_image", "another model"]),
    ] {
        let (outcome, _, _) = run(Reply::json(status, &body), json!({}), Progress::Unwatched).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.lines().count(), 3, "{body}: {error}");
        for part in parts {
            assert!(error.contains(part), "{body}: {error}");
        }
    }
}
