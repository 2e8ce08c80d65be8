//! The fields that each model gets, and the life of a prediction against a scripted Replicate.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::Tool;
use crate::arguments::Arguments;
use crate::catalogue::Catalogue;
use crate::picture::Shape;
use crate::scripted::{Reply, Scripted, Seen};
use crate::secret::{Secret, Secrets};
use crate::settings::HostPort;
use crate::wire::{Auth, client};

const FLUX: &str = "black-forest-labs/flux-1.1-pro";

fn job(model_id: &str, mut raw: Value) -> Job {
    raw["prompt"] = json!("a red cube");
    let arguments = Arguments::check(Tool::Replicate, raw.as_object()).unwrap();
    let model = Catalogue::built_in().unwrap().model(Tool::Replicate, model_id);
    let shape = Shape::of(&arguments, &mut Vec::new());
    let inputs = arguments.images.iter().map(|image| crate::inputs::Input::Address(image.text().to_owned()));
    Job {
        inputs: inputs.collect(),
        mask: None,
        model,
        model_id: model_id.to_owned(),
        shape,
        arguments,
        notes: Vec::new(),
    }
}

fn listed(model: &str, raw: Value) -> (Value, Vec<String>) {
    let plan = input::plan(&job(model, raw), &Reference::parse(model).unwrap());
    let Body::Json(body) = plan.body else { panic!("Replicate takes JSON") };
    (body["input"].clone(), plan.notes)
}

#[test]
fn each_listed_model_gets_its_own_fields_and_no_others() {
    let ignored = |what: &str| vec![format!("ignored: {what}, because the model has no such field")];
    for (model, raw, expected, notes) in [
        (
            FLUX,
            json!({}),
            json!({ "prompt": "a red cube", "aspect_ratio": "1:1", "output_format": "png", "output_quality": 95,
                    "safety_tolerance": 2 }),
            vec![],
        ),
        (
            FLUX,
            json!({ "size": "1024x768", "format": "jpeg", "seed": 7, "negativePrompt": "n", "image": "https://x/" }),
            json!({ "prompt": "a red cube", "aspect_ratio": "custom", "width": 1024, "height": 768,
                    "output_format": "jpg", "seed": 7, "image_prompt": "https://x/", "output_quality": 95,
                    "safety_tolerance": 2 }),
            ignored("negativePrompt"),
        ),
        (
            "qwen/qwen-image",
            json!({ "width": 1536, "height": 1024, "format": "webp", "seed": 1, "negativePrompt": "n" }),
            json!({ "prompt": "a red cube", "aspect_ratio": "3:2", "output_format": "webp", "seed": 1,
                    "negative_prompt": "n", "output_quality": 95 }),
            vec![],
        ),
        (
            "bytedance/seedream-4",
            json!({ "size": "1024x1024", "format": "png", "seed": 1, "inputImages": ["https://a/", "https://b/"] }),
            json!({ "prompt": "a red cube", "size": "custom", "width": 1024, "height": 1024,
                    "image_input": ["https://a/", "https://b/"] }),
            ignored("seed"),
        ),
    ] {
        assert_eq!(listed(model, raw.clone()), (expected, notes), "{model} {raw}");
    }
}

#[test]
fn an_unlisted_model_gets_only_fields_that_it_says_it_has() {
    let described = json!({ "is_official": false, "latest_version": { "id": "v9", "openapi_schema": { "components": { "schemas": {
        "Input": { "properties": {
            "prompt": {}, "width": { "maximum": 1280 }, "height": { "minimum": 64, "maximum": 1280 }, "seed": {},
            "output_format": { "allOf": [{ "$ref": "#/components/schemas/output_format" }] }, "input_image": {}
        } },
        "output_format": { "enum": ["jpeg", "png"] }
    } } } } });
    let raw = json!({ "size": "2000x1000", "format": "jpg", "seed": 3, "negativePrompt": "n", "image": "https://x/" });
    let reference = Reference::parse("a/b").unwrap().versioned(Some(&described));
    let plan = schema::plan(&job("a/b", raw.clone()), &reference, Some(&described));
    let Body::Json(body) = &plan.body else { panic!("Replicate takes JSON") };
    assert_eq!(
        *body,
        json!({ "version": "v9", "input": { "prompt": "a red cube", "width": 1280, "height": 1000,
                "output_format": "jpeg", "seed": 3, "input_image": "https://x/" } })
    );
    assert_eq!(plan.path, "/predictions");
    assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
    let plan = schema::plan(&job("a/b:abc123", raw), &Reference::parse("a/b:abc123").unwrap(), None);
    let Body::Json(body) = &plan.body else { panic!("Replicate takes JSON") };
    assert_eq!(*body, json!({ "version": "abc123", "input": { "prompt": "a red cube" } }));
    assert!(plan.notes[0].contains("ignored: size, seed, negativePrompt, image"), "{:?}", plan.notes);
}

#[test]
fn pictures_within_a_request_have_a_limit() {
    let picture = |bytes: usize| crate::inputs::Input::Picture {
        bytes: vec![0; bytes].into(),
        format: crate::picture::Format::Png,
    };
    assert!(input::check_size(&[picture(6 << 20), picture(4 << 20)]).is_ok());
    assert!(input::check_size(&[picture(6 << 20), picture((4 << 20) + 1)]).is_err());
}

#[test]
fn references_cannot_lead_elsewhere() {
    for wrong in
        ["qwen-image", "", "/", "a/", "a/..", "../b", "a/b/c", "a/b?c", "a/b:", "a/b:c/d", "a b/c", "a/b#c"]
    {
        let failure = Reference::parse(wrong).unwrap_err().text(&Secrets::default());
        assert!(failure.contains("Invalid reference to model version"), "{wrong}: {failure}");
    }
    assert_eq!(Reference::parse(FLUX).unwrap().path(), format!("/models/{FLUX}/predictions"));
}

fn prediction(status: &str, output: &Value) -> Value {
    json!({ "id": "p1", "status": status, "output": output, "logs": "  40%|####      | 4/10" })
}

struct Rig {
    vendor: Scripted,
    replicate: Replicate,
}

async fn rig(script: impl Fn(usize, &Seen, &str) -> Reply + Send + Sync + 'static) -> Rig {
    let base = Arc::new(std::sync::OnceLock::<String>::new());
    let known = Arc::clone(&base);
    let vendor = Scripted::start(move |count, seen| script(count, seen, known.get().unwrap())).await;
    base.set(vendor.base.clone()).unwrap();
    let key = Secret::new("canary-key");
    let api =
        Api::new("Replicate", client(None).unwrap(), &format!("{}/v1", vendor.base), Auth::Bearer, &key);
    let hosts = vec![HostPort { host: "127.0.0.1".to_owned(), port: Some(vendor.port()) }];
    let replicate = Replicate::new(api.unwrap(), Fetcher::new(hosts).unwrap());
    Rig { vendor, replicate }
}

impl Rig {
    async fn run(&self, call: &Call) -> Result<Batch, String> {
        let plan = self.replicate.plan(&job(FLUX, json!({})), call).await.unwrap();
        self.replicate.run(&plan, call).await.map_err(|failure| failure.text(&Secrets::default()))
    }

    fn count(&self, line: &str) -> usize {
        self.vendor.lines().iter().filter(|seen| seen.starts_with(line)).count()
    }
}

fn call(seconds: u64) -> (Call, CancellationToken) {
    let cancel = CancellationToken::new();
    (Call::new(cancel.clone(), Duration::from_secs(seconds)), cancel)
}

const CREATE: &str = "POST /v1/models/black-forest-labs/flux-1.1-pro/predictions";
const POLL: &str = "GET /v1/predictions/p1";
const CANCEL: &str = "POST /v1/predictions/p1/cancel";

#[tokio::test(start_paused = true)]
async fn a_prediction_is_created_once_and_followed_to_its_end() {
    let rig = rig(|count, seen, base| match (count, seen.line.as_str()) {
        (0, CREATE) => Reply::json(202, &prediction("starting", &Value::Null)),
        (1..5, POLL) => Reply::json(200, &prediction("processing", &Value::Null)),
        (_, POLL) => Reply::json(200, &prediction("succeeded", &json!([format!("{base}/delivery/a.png")]))),
        (_, _) => Reply::Http(200, "", b"picture".to_vec()),
    })
    .await;
    let (call, _) = call(300);
    let stages = call.stages();
    let batch = rig.run(&call).await.unwrap();
    assert_eq!((batch.pictures, batch.id.as_deref()), (vec![Bytes::from("picture")], Some("p1")));
    assert_eq!((rig.count(CREATE), rig.count(POLL), rig.count("GET /delivery/a.png")), (1, 5, 1));
    assert_eq!(rig.count(CANCEL), 0);
    let seen = rig.vendor.seen();
    assert!(seen[0].head.contains("prefer: wait=10\r\n") && seen[0].head.contains("cancel-after: 5m\r\n"));
    assert!(
        seen[1].head.contains("canary-key") && !seen[6].head.contains("canary-key"),
        "only Replicate has the key"
    );
    let pauses: Vec<_> = seen.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    assert!(pauses[..5].is_sorted() && pauses[0] >= 500, "{pauses:?}");
    assert!(stages.borrow().contains("downloading"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_calls_its_prediction_off() {
    let rig = rig(|_, seen, _| match seen.line.as_str() {
        CANCEL => Reply::json(200, &prediction("canceled", &Value::Null)),
        _ => Reply::json(200, &prediction("processing", &Value::Null)),
    })
    .await;
    let (call, cancel) = call(300);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(rig.run(&call), stop);
    assert!(outcome.unwrap_err().contains("Code: cancelled"));
    assert_eq!((rig.count(CREATE), rig.count(CANCEL)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_before_the_create_is_answered_calls_it_off_too() {
    let rig = rig(|_, seen, _| match seen.line.as_str() {
        CREATE => Reply::json(202, &prediction("processing", &Value::Null)).after(Duration::from_secs(8)),
        _ => Reply::json(200, &prediction("canceled", &Value::Null)),
    })
    .await;
    let (call, cancel) = call(300);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(rig.run(&call), stop);
    assert!(outcome.unwrap_err().contains("Code: cancelled"));
    assert_eq!(rig.vendor.lines(), [CREATE, CANCEL]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_calls_it_off_as_well() {
    let rig = rig(|_, _, _| Reply::json(200, &prediction("processing", &Value::Null))).await;
    let (call, _) = call(20);
    assert!(rig.run(&call).await.unwrap_err().contains("longer than 20 s"));
    assert_eq!((rig.count(CREATE), rig.count(CANCEL)), (1, 1));
    assert!(call.elapsed() < Duration::from_secs(21));
}

#[tokio::test(start_paused = true)]
async fn a_status_that_nobody_knows_ends_the_prediction() {
    let rig = rig(|_, _, _| Reply::json(200, &prediction("dreaming", &Value::Null))).await;
    assert!(rig.run(&call(300).0).await.unwrap_err().contains("unknown status `dreaming`"));
    assert_eq!(rig.vendor.lines(), [CREATE, CANCEL]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_broke_off_is_not_repeated() {
    let rig = rig(|_, _, _| Reply::Break).await;
    let error = rig.run(&call(300).0).await.unwrap_err();
    assert!(error.contains("Code: connection_lost") && error.contains("not sent again"), "{error}");
    assert_eq!(rig.vendor.lines(), [CREATE]);
}

#[tokio::test(start_paused = true)]
async fn outputs_of_every_kind() {
    let inline = format!("data:image/png;base64,{}", STANDARD.encode("inline"));
    for (output, expected) in [
        (json!(inline), Ok("inline")),
        (json!([inline]), Ok("inline")),
        (Value::Null, Err("names no picture")),
        (json!([]), Err("names no picture")),
        (json!({ "url": "x" }), Err("names no picture")),
        (json!("data:image/png,plain"), Err("data: URI is broken")),
        (json!("https://127.0.0.1/a.png"), Err("no known delivery host")),
        (json!("https://evil.example/a.png"), Err("no known delivery host")),
    ] {
        let answer = prediction("succeeded", &output);
        let rig = rig(move |_, _, _| Reply::json(201, &answer)).await;
        match (rig.run(&call(300).0).await, expected) {
            (Ok(batch), Ok(bytes)) => assert_eq!(batch.pictures, [bytes], "{output}"),
            (Err(error), Err(said)) => assert!(error.contains(said), "{output}: {error}"),
            (outcome, _) => panic!("{output}: {outcome:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failures_have_three_parts() {
    let fields =
        json!([{ "type": "enum", "field": "input.output_format", "description": "must be one of png, jpg" }]);
    for (reply, parts) in [
        (
            Reply::json(401, &json!({ "title": "Unauthenticated", "detail": "bad token", "status": 401 })),
            ["Unauthenticated: bad token", "Code: 401 Unauthenticated", "REPLICATE_API_TOKEN"],
        ),
        (
            Reply::json(402, &json!({ "title": "Insufficient credit", "detail": "go to billing" })),
            ["go to billing", "Code: 402 Insufficient credit", "replicate.com/account/billing"],
        ),
        (
            Reply::json(404, &json!({ "detail": "not found" })),
            ["flux-1.1-pro`: not found", "Code: 404", "no such model"],
        ),
        (
            Reply::json(
                422,
                &json!({ "title": "Input validation failed", "detail": "- x", "invalid_fields": fields }),
            ),
            ["input.output_format: must be one of png, jpg", "Code: 422", "values that the model takes"],
        ),
        (Reply::json(500, &json!({ "detail": "oops" })), ["oops", "Code: 500", "may have charged"]),
        (
            Reply::json(201, &json!({ "id": "p1", "status": "failed", "error": "NSFW (E005)" })),
            ["Prediction failed: NSFW (E005)", "Code: prediction failed", "other words"],
        ),
        (
            Reply::json(201, &json!({ "id": "p1", "status": "aborted" })),
            ["aborted", "Code: prediction aborted", "nothing is charged"],
        ),
        (
            Reply::json(201, &json!({ "status": "processing" })),
            ["no id", "Code: unexpected_output", "predictions"],
        ),
        (
            Reply::json(201, &json!({ "id": "../x", "status": "processing" })),
            ["no id", "Code: unexpected_output", "predictions"],
        ),
        (Reply::Http(200, "", b"<html>".to_vec()), ["cannot be read", "Code: 200 (not JSON)", "address"]),
    ] {
        let answer = reply.clone();
        let rig = rig(move |_, _, _| answer.clone()).await;
        let error = rig.run(&call(300).0).await.unwrap_err();
        assert_eq!(error.lines().count(), 3, "{reply:?}: {error}");
        for part in parts {
            assert!(error.contains(part), "{reply:?}: {error}");
        }
    }
}

#[test]
fn the_stage_tells_the_progress_of_the_log() {
    assert_eq!(stage(&prediction("processing", &Value::Null)), "Replicate: processing, 40 %");
    assert_eq!(stage(&json!({ "status": "starting", "logs": "odd%| " })), "Replicate: starting");
}
