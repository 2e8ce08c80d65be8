//! The fakes as clients meet them: each vendor's success, refusals and twists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const FLUX: &str = "/replicate/v1/models/black-forest-labs/flux-1.1-pro/predictions";
const OPENAI: &str = "/openai/v1/images/generations";
const GEMINI: &str = "/gemini/v1beta/models/gemini-3.1-flash-image:generateContent";
const IMAGEN: &str =
    "/imagen/v1/projects/p/locations/l/publishers/google/models/imagen-4.0-generate-001:predict";

struct Fake(Arc<Desk>);

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&self.bytes)))
    }

    fn sides(&self) -> (u32, u32) {
        let picture = image::load_from_memory(&self.bytes).unwrap();
        (picture.width(), picture.height())
    }
}

impl Fake {
    fn new() -> Self {
        Self(Arc::new(Desk::new("127.0.0.1:1".parse().unwrap())))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", "fake.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let app = TowerToHyperService::new(router().with_state(Arc::clone(&self.0)));
        let Ok(response) = app.call(request.body(body.into()).unwrap()).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: head.status, headers: head.headers, bytes }
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> Reply {
        let bearer = format!("Bearer {key}");
        let auth =
            if path.starts_with("/gemini") { ("x-goog-api-key", key) } else { ("authorization", &*bearer) };
        let headers = [auth, ("content-type", "application/json"), ("prefer", "wait=50")];
        self.send(Method::POST, path, &headers, body.to_string()).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("authorization", "Bearer r8_fake")], Body::empty()).await
    }

    async fn flux(&self, twists: &str) -> Reply {
        self.post(FLUX, "r8_fake", json!({ "input": { "prompt": format!("a cube [fake:{twists}]") } })).await
    }

    /// Fetches a file as strangers do.
    async fn fetch(&self, url: &str) -> Reply {
        let path = url.strip_prefix("http://fake.test").unwrap();
        self.send(Method::GET, path, &[], Body::empty()).await
    }
}

fn picture(base64: &Value) -> (u32, u32) {
    let read = image::load_from_memory(&STANDARD.decode(base64.as_str().unwrap()).unwrap()).unwrap();
    (read.width(), read.height())
}

#[tokio::test]
async fn a_prediction_succeeds_at_once_and_its_picture_is_real() {
    let fake = Fake::new();
    let input = json!({ "prompt": "p", "aspect_ratio": "custom", "width": 320, "height": 256, "output_format": "png" });
    let created = fake.post(FLUX, "r8_fake", json!({ "input": input })).await;
    assert_eq!(created.status, 201);
    let created = created.json();
    assert_eq!(created["status"], "succeeded");
    let picture = fake.fetch(created["output"].as_str().unwrap()).await;
    assert_eq!(picture.headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(picture.sides(), (320, 256));
    let counts = fake.get("/counts").await.json();
    assert_eq!(counts["replicate"]["creates"], 1);
    assert_eq!(counts["replicate"]["accepted"], 1);
    assert_eq!(counts["delivery"]["downloads"], 1);
    assert_eq!(counts["delivery"]["key_leaks"], 0);
    let requests = fake.get("/requests").await.json();
    assert_eq!(requests[0]["path"], FLUX);
    assert_eq!(requests[0]["body"]["input"], input);
    assert!(!requests.to_string().contains("r8_fake"), "keys are not remembered");
}

#[tokio::test]
async fn a_fetch_with_a_key_is_counted_as_a_leak() {
    let fake = Fake::new();
    let created = fake.flux("").await.json();
    let path = created["output"].as_str().unwrap().strip_prefix("http://fake.test").unwrap();
    fake.get(path).await;
    assert_eq!(fake.0.ledger.count(Vendor::Delivery, Event::KeyLeak), 1);
}

#[tokio::test]
async fn polls_go_from_starting_over_processing_to_the_end() {
    let fake = Fake::new();
    let created = fake.flux("polls=4,failed").await.json();
    assert_eq!(created["status"], "starting");
    let path = created["urls"]["get"].as_str().unwrap().strip_prefix("http://fake.test").unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(fake.get(path).await.json()["status"].clone());
    }
    assert_eq!(json!(seen), json!(["starting", "processing", "processing", "failed", "failed"]));
}

#[tokio::test]
async fn a_cancelled_prediction_stays_cancelled() {
    let fake = Fake::new();
    let created = fake.flux("polls=9").await.json();
    let cancel = created["urls"]["cancel"].as_str().unwrap().strip_prefix("http://fake.test").unwrap();
    assert_eq!(fake.post(cancel, "r8_fake", json!({})).await.json()["status"], "canceled");
    let get = cancel.strip_suffix("/cancel").unwrap();
    assert_eq!(fake.get(get).await.json()["status"], "canceled");
    assert_eq!(fake.0.ledger.count(Vendor::Replicate, Event::Cancel), 1);
}

#[tokio::test(start_paused = true)]
async fn held_creates_and_deadlines_take_their_time() {
    let fake = Fake::new();
    let start = tokio::time::Instant::now();
    let held = fake.flux("hold").await;
    assert_eq!((held.status.as_u16(), &held.json()["status"]), (202, &json!("processing")));
    assert_eq!(start.elapsed().as_secs(), 50);
    let headers =
        [("authorization", "Bearer r8_fake"), ("content-type", "application/json"), ("cancel-after", "1m")];
    let body = json!({ "input": { "prompt": "p [fake:polls=99]" } }).to_string();
    let created = fake.send(Method::POST, FLUX, &headers, body).await.json();
    tokio::time::advance(Duration::from_secs(61)).await;
    let path = created["urls"]["get"].as_str().unwrap().strip_prefix("http://fake.test").unwrap();
    assert_eq!(fake.get(path).await.json()["status"], "aborted");
}

#[tokio::test]
async fn wrong_inputs_are_422_with_the_fields() {
    let fake = Fake::new();
    for (path, input, kind, field) in [
        (FLUX, json!({ "prompt": "p", "output_format": "jpeg" }), "enum", "input.output_format"),
        (FLUX, json!({ "prompt": "p", "width": 100 }), "number_gte", "input.width"),
        (FLUX, json!({ "prompt": "p", "size": "1x1" }), "additional_property_not_allowed", "input.size"),
        (FLUX, json!({}), "required", "input.prompt"),
        (
            "/replicate/v1/models/qwen/qwen-image/predictions",
            json!({ "prompt": "p", "width": 1024 }),
            "additional_property_not_allowed",
            "input.width",
        ),
        (
            "/replicate/v1/models/bytedance/seedream-4/predictions",
            json!({ "prompt": "p", "seed": 1 }),
            "additional_property_not_allowed",
            "input.seed",
        ),
    ] {
        let reply = fake.post(path, "r8_fake", json!({ "input": input })).await;
        assert_eq!(reply.status, 422, "{input}");
        let body = reply.json();
        assert_eq!(body["invalid_fields"][0]["type"], kind, "{body}");
        assert_eq!(body["invalid_fields"][0]["field"], field, "{body}");
        assert!(body["detail"].as_str().unwrap().starts_with(&format!("- {field}: ")), "{body}");
    }
    let counts = fake.0.ledger.counts();
    assert_eq!((&counts["replicate"]["invalid"], &counts["replicate"]["accepted"]), (&json!(6), &json!(0)));
}

#[tokio::test]
async fn replicates_refusals() {
    let fake = Fake::new();
    assert_eq!(fake.post(FLUX, "r8_wrong", json!({})).await.status, 401);
    for (twists, status, part) in [
        ("status=402", 402, "Insufficient credit"),
        ("status=503", 503, "Internal server error"),
        ("throttle=2", 429, "throttled"),
        ("throttle-body=7", 429, "resets in ~7s"),
        ("echo", 400, "r8_fake"),
        ("misspelled", 400, "`misspelled` is no twist"),
    ] {
        let reply = fake.flux(twists).await;
        assert_eq!(reply.status, status, "{twists}");
        assert!(reply.json().to_string().contains(part), "{twists}: {}", reply.json());
        assert_eq!(reply.headers.contains_key("retry-after"), twists == "throttle=2");
    }
    assert_eq!(fake.flux("throttle=2").await.status, 201, "once only");
    let nowhere = "/replicate/v1/models/no/body/predictions";
    assert_eq!(fake.post(nowhere, "r8_fake", json!({ "input": {} })).await.status, 404);
    let by_version = |version: &str| json!({ "version": version, "input": { "prompt": "p" } });
    let path = "/replicate/v1/predictions";
    assert_eq!(fake.post(path, "r8_fake", by_version("abc123")).await.status, 422);
    assert_eq!(fake.post(path, "r8_fake:short-version", by_version("abc123")).await.status, 201);
    let described = fake.get("/replicate/v1/models/a/b").await.json();
    let version = described["latest_version"]["id"].as_str().unwrap();
    let created = fake.post(path, "r8_fake", by_version(version)).await.json();
    assert!(created["output"].is_array());
}

#[tokio::test]
async fn outputs_and_deliveries_differ_as_asked() {
    let fake = Fake::new();
    assert!(fake.flux("array").await.json()["output"].is_array());
    assert_eq!(fake.flux("empty").await.json()["output"], json!([]));
    assert_eq!(fake.flux("null").await.json()["data_removed"], true);
    assert!(
        fake.flux("data-uri").await.json()["output"].as_str().unwrap().starts_with("data:image/webp;base64,")
    );
    assert_eq!(
        fake.flux("elsewhere").await.json()["output"].as_str().unwrap().split('/').nth(2),
        Some("elsewhere.invalid")
    );
    let deliver = async |twists: &str| {
        let created = fake.flux(twists).await.json();
        fake.fetch(created["output"].as_str().unwrap()).await
    };
    assert_eq!(deliver("not-found").await.status, 404);
    assert_eq!(deliver("html").await.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(deliver("redirect").await.headers[header::LOCATION].to_str().unwrap().contains("169.254."));
    let jpeg = deliver("jpeg").await;
    assert_eq!(jpeg.headers[header::CONTENT_TYPE], "image/webp", "claimed as asked");
    assert_eq!(image::guess_format(&jpeg.bytes).unwrap(), image::ImageFormat::Jpeg);
    assert!(deliver("bomb").await.bytes.len() < 100);
}

#[tokio::test]
async fn openai_makes_what_is_asked() {
    let fake = Fake::new();
    let body = json!({ "model": "gpt-image-2.6-flare", "prompt": "p", "size": "1536x1024", "n": 2, "output_format": "jpeg" });
    let reply = fake.post(OPENAI, "sk-fake", body).await.json();
    assert_eq!(reply["data"].as_array().unwrap().len(), 2);
    assert_eq!(picture(&reply["data"][1]["b64_json"]), (1536, 1024));
    assert_eq!((&reply["output_format"], &reply["size"]), (&json!("jpeg"), &json!("1536x1024")));
    assert_eq!(reply["usage"]["output_tokens"], 2112);
    let body = json!({ "model": "gpt-image-2", "prompt": "p", "stream": true, "partial_images": 2 });
    let reply = fake.post(OPENAI, "sk-fake", body).await;
    let text = String::from_utf8(reply.bytes).unwrap();
    let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let partial = "image_generation.partial_image";
    assert_eq!(events, [partial, partial, "image_generation.completed"]);
    let stream = async |twist: &str| {
        let body = json!({ "model": "gpt-image-2", "prompt": format!("[fake:{twist}]"), "stream": true, "partial_images": 1 });
        let text = String::from_utf8(fake.post(OPENAI, "sk-fake", body).await.bytes).unwrap();
        text.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(stream("stream-error").await, ["error"]);
    assert!(stream("no-data").await.is_empty());
}

#[tokio::test]
async fn openais_refusals() {
    let fake = Fake::new();
    let ask = async |key: &str, twists: &str| {
        let body = json!({ "model": "gpt-image-2", "prompt": format!("[fake:{twists}]") });
        let reply = fake.post(OPENAI, key, body).await;
        (reply.status.as_u16(), reply.json()["error"]["code"].clone())
    };
    for (twists, status, code) in [
        ("moderation", 400, json!("moderation_blocked")),
        ("billing", 400, json!("billing_hard_limit_reached")),
        ("verify", 403, json!(null)),
        ("quota", 429, json!("insufficient_quota")),
        ("throttle=2", 429, json!("rate_limit_exceeded")),
        ("status=404", 404, json!("model_not_found")),
        ("status=500", 500, json!("server_error")),
    ] {
        assert_eq!(ask("sk-fake", twists).await, (status, code), "{twists}");
    }
    assert_eq!(ask("sk-real", "").await, (401, json!("invalid_api_key")));
    assert_eq!(fake.0.ledger.count(Vendor::OpenAi, Event::Accepted), 0);
}

#[tokio::test]
async fn edits_need_real_pictures() {
    let fake = Fake::new();
    let png = fake.0.easel.draw(drawing::Sketch { width: 32, height: 32, encoding: drawing::Encoding::Png });
    let edit = async |mime: &str, more: &str| {
        let mut body = Vec::new();
        for (name, value) in [("model", "gpt-image-2.6-flare"), ("prompt", "p"), ("n", "1")] {
            let part = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(more.as_bytes());
        let head = format!(
            "--B\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: {mime}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&png);
        body.extend_from_slice(b"\r\n--B--\r\n");
        let headers =
            [("authorization", "Bearer sk-fake"), ("content-type", "multipart/form-data; boundary=B")];
        fake.send(Method::POST, "/openai/v1/images/edits", &headers, body).await
    };
    let reply = edit("image/png", "").await;
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert_eq!(picture(&reply.json()["data"][0]["b64_json"]), (1024, 1024));
    assert_eq!(edit("image/jpeg", "").await.json()["error"]["code"], "invalid_image_file");
    let unknown = "--B\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\nb64_json\r\n";
    assert_eq!(edit("image/png", unknown).await.json()["error"]["code"], "unknown_parameter");
}

#[tokio::test]
async fn gemini_makes_pictures_and_refuses_what_it_does_not_know() {
    let fake = Fake::new();
    let body = |twists: &str, config: Value| {
        let parts = json!([{ "text": format!("a cube [fake:{twists}]") }]);
        json!({ "contents": [{ "role": "user", "parts": parts }], "generationConfig": config })
    };
    let wide = json!({ "responseModalities": ["IMAGE"], "imageConfig": { "aspectRatio": "16:9", "imageSize": "512" } });
    let reply = fake.post(GEMINI, "AIza-fake", body("text-first", wide.clone())).await.json();
    let parts = &reply["candidates"][0]["content"]["parts"];
    assert!(parts[0]["text"].is_string());
    assert_eq!(picture(&parts[1]["inlineData"]["data"]), (672, 384));
    let on_25 = GEMINI.replace("3.1", "2.5");
    for (path, key, body, status, name) in [
        (GEMINI, "wrong", body("", wide.clone()), 400, "INVALID_ARGUMENT"),
        (&*on_25, "AIza-fake", body("", wide), 400, "INVALID_ARGUMENT"),
        (GEMINI, "AIza-fake", body("", json!({ "numberOfImages": 2 })), 400, "INVALID_ARGUMENT"),
        (GEMINI, "AIza-fake", json!({ "prompt": "p" }), 400, "INVALID_ARGUMENT"),
        (&*GEMINI.replace("image:", "image-preview:"), "AIza-fake", body("", json!({})), 404, "NOT_FOUND"),
        (GEMINI, "AIza-fake", body("throttle-body=31", json!({})), 429, "RESOURCE_EXHAUSTED"),
    ] {
        let reply = fake.post(path, key, body.clone()).await;
        assert_eq!(reply.status, status, "{body} {}", reply.json());
        assert_eq!(reply.json()["error"]["status"], name, "{body}");
        assert_eq!(reply.json().to_string().contains("\"retryDelay\":\"31s\""), status == 429);
    }
    let blocked = fake.post(GEMINI, "AIza-fake", body("blocked", json!({}))).await.json();
    assert!(blocked["promptFeedback"]["blockReason"].is_string() && blocked.get("candidates").is_none());
}

#[tokio::test]
async fn imagen_and_the_custom_endpoint_make_pictures() {
    let fake = Fake::new();
    let ask = async |parameters: Value| {
        let body = json!({ "instances": [{ "prompt": "p" }], "parameters": parameters });
        fake.post(IMAGEN, "AIza-fake", body).await
    };
    let reply = ask(json!({ "sampleCount": 2, "aspectRatio": "3:4" })).await.json();
    assert_eq!(reply["predictions"].as_array().unwrap().len(), 2);
    assert_eq!(picture(&reply["predictions"][0]["bytesBase64Encoded"]), (896, 1280));
    for wrong in [json!({ "sampleCount": 5 }), json!({ "size": "1x1" }), json!({ "seed": 1 })] {
        assert_eq!(ask(wrong.clone()).await.status, 400, "{wrong}");
    }
    let custom = async |twists: &str| {
        let prompt = format!("p [fake:{twists}]");
        fake.post("/custom/generate", "AIza-fake", json!({ "prompt": prompt, "size": "64x32" })).await
    };
    assert_eq!(picture(&custom("").await.json()["image"]["base64"]), (64, 32));
    assert_eq!(picture(&custom("data").await.json()["data"][0]["b64_json"]), (64, 32));
    assert_eq!(custom("status=500").await.bytes, b"boom");
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_and_an_endless_one_no_end() {
    let vendors = FakeVendors::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, ledger, stop) = (vendors.address(), vendors.ledger(), CancellationToken::new());
    let mut serving = JoinSet::new();
    serving.spawn(vendors.serve(stop.clone()));
    let ask = async |twists: &str| {
        let body = json!({ "prompt": format!("[fake:{twists}]"), "size": "64x64" }).to_string();
        let request = format!(
            "POST /custom/generate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer AIza-fake\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    let mut answer = Vec::new();
    // Closed or reset, but without a byte.
    drop(ask("cut").await.read_to_end(&mut answer).await);
    assert_eq!(answer, b"");
    assert_eq!(ledger.count(Vendor::Custom, Event::Accepted), 1, "accepted before the cut");
    let mut endless = ask("endless").await;
    let mut taken = vec![0; 3_000_000];
    endless.read_exact(&mut taken).await.unwrap();
    drop(endless);
    assert!(ledger.count(Vendor::Custom, Event::EndlessBytes) >= 2_900_000);
    stop.cancel();
    serving.join_all().await;
}

#[test]
fn the_variables_name_the_address() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let vendors = runtime.block_on(FakeVendors::bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = vendors.address().to_string();
    for (name, value) in vendors.variables() {
        assert!(
            value.contains(&address) || name.ends_with("KEY") || name.ends_with("TOKEN"),
            "{name}={value}"
        );
    }
}
