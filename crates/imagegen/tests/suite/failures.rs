//! Calls that fail: each says what happened, the vendor's code and what to do, tells no key, and leaves no file.

use imagegen_mcp::fake_vendors::{Event, Vendor};
use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use crate::faked::{EVERY_VENDOR, Faked};
use crate::harness::text;

/// The three parts of an error, in order.
fn parts(result: &CallToolResult) -> (&str, &str, &str) {
    assert_eq!(result.is_error, Some(true), "{}", text(result));
    let (happened, rest) = text(result).split_once("\nCode: ").unwrap_or_else(|| panic!("{}", text(result)));
    let (code, advice) = rest.split_once("\nWhat to do: ").unwrap_or_else(|| panic!("{}", text(result)));
    assert!(!happened.is_empty() && !code.is_empty() && !advice.is_empty(), "{}", text(result));
    (happened, code, advice)
}

fn tool_of(vendor: Vendor) -> &'static str {
    EVERY_VENDOR.into_iter().find(|(of, _)| *of == vendor).unwrap().1
}

/// Vendor, twists, what the code holds and what the advice or the telling holds.
const REFUSALS: &[(Vendor, &str, &str, &str)] = &[
    (Vendor::Replicate, "status=401", "401", "REPLICATE_API_TOKEN"),
    (Vendor::Replicate, "status=402", "402", "billing"),
    (Vendor::Replicate, "status=422", "422", "input"),
    (Vendor::Replicate, "status=500", "500", ""),
    (Vendor::Replicate, "failed", "failed", "interrupted"),
    (Vendor::Replicate, "nsfw", "failed", "(E005)"),
    (Vendor::Replicate, "canceled", "canceled", ""),
    (Vendor::Replicate, "aborted", "aborted", ""),
    (Vendor::Replicate, "empty", "", "no picture"),
    (Vendor::Replicate, "null", "", "no picture"),
    (Vendor::Replicate, "not-found", "404", "download"),
    (Vendor::Replicate, "html", "", ""),
    (Vendor::Replicate, "bomb", "", ""),
    (Vendor::Replicate, "truncated", "", "download"),
    (Vendor::Replicate, "redirect", "302", "not followed"),
    (Vendor::Replicate, "elsewhere", "address_refused", "IMAGEGEN_DELIVERY_HOSTS"),
    (Vendor::OpenAi, "status=401", "401 invalid_api_key", "OPENAI_API_KEY"),
    (Vendor::OpenAi, "status=404", "404 model_not_found", "model"),
    (Vendor::OpenAi, "status=500", "500", ""),
    (Vendor::OpenAi, "moderation", "moderation_blocked", ""),
    (Vendor::OpenAi, "billing", "billing_hard_limit_reached", "limit"),
    (Vendor::OpenAi, "verify", "403", "verif"),
    (Vendor::OpenAi, "quota", "insufficient_quota", ""),
    (Vendor::OpenAi, "no-data", "", ""),
    (Vendor::OpenAi, "html", "", ""),
    (Vendor::Gemini, "status=400", "INVALID_ARGUMENT", "GOOGLE_API_KEY"),
    (Vendor::Gemini, "status=403", "PERMISSION_DENIED", ""),
    (Vendor::Gemini, "status=503", "503", "overloaded"),
    (Vendor::Gemini, "text", "", "no can do"),
    (Vendor::Gemini, "blocked", "PROHIBITED_CONTENT", ""),
    (Vendor::Gemini, "finish", "IMAGE_SAFETY", ""),
    (Vendor::Gemini, "no-candidates", "", ""),
    (Vendor::Gemini, "html", "", ""),
    (Vendor::Imagen, "filtered", "", "filtered"),
    (Vendor::Imagen, "no-data", "", ""),
    (Vendor::Imagen, "status=401", "401", "GOOGLE_API_KEY"),
    (Vendor::Custom, "status=500", "500", "boom"),
    (Vendor::Custom, "no-data", "", ""),
    (Vendor::Custom, "html", "", ""),
];

#[tokio::test(start_paused = true)]
async fn each_refusal_has_three_parts() {
    for &(vendor, twists, code_holds, holds) in REFUSALS {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool_of(vendor), json!({ "prompt": format!("p [fake:{twists}]") })).await;
        let (_, code, _) = parts(&result);
        let case = format!("{} {twists}: {}", vendor.name(), text(&result));
        assert!(code.contains(code_holds), "{case}");
        assert!(text(&result).to_lowercase().contains(&holds.to_lowercase()), "{case}");
        assert_eq!(faked.rig.files(), 0, "{case}");
        assert_eq!(faked.count(vendor, Event::Create), 1, "{case}: a create is not repeated");
        assert_eq!(faked.count(Vendor::Delivery, Event::KeyLeak), 0);
    }
}

#[tokio::test]
async fn a_missing_key_names_its_variable_and_nothing_is_sent() {
    for (vendor, tool, variable) in [
        (Vendor::Replicate, "image.generate.replicate", "REPLICATE_API_TOKEN"),
        (Vendor::OpenAi, "image.generate.openai", "OPENAI_API_KEY"),
        (Vendor::Gemini, "image.generate.gemini", "GOOGLE_API_KEY"),
        (Vendor::Imagen, "image.generate.google", "GOOGLE_API_KEY"),
    ] {
        let faked = Faked::of(vendor, &[(variable, "")]).await;
        let result = faked.call(tool, json!({ "prompt": "p" })).await;
        parts(&result);
        assert!(text(&result).contains(variable), "{}", text(&result));
        assert_eq!(faked.ledger.requests(), Vec::<Value>::new());
    }
    let faked = Faked::of(Vendor::Imagen, &[("GOOGLE_IMAGEN_ENDPOINT", "")]).await;
    let result = faked.call("image.generate.google", json!({ "prompt": "p" })).await;
    parts(&result);
    assert!(text(&result).contains("GOOGLE_IMAGEN_ENDPOINT"), "{}", text(&result));
}

#[tokio::test]
async fn an_unknown_model_says_where_known_ones_are() {
    let faked = Faked::new().await;
    for (tool, model, code, help) in [
        ("image.generate.replicate", "nobody/nothing", "404", "image.models.list"),
        ("image.generate.openai", "gpt-image-99", "model_not_found", "use `gpt-image-2`"),
        ("image.generate.gemini", "gemini-99-image", "NOT_FOUND", "image.models.list"),
    ] {
        let result = faked.call(tool, json!({ "prompt": "p", "model": model })).await;
        let (happened, told, advice) = parts(&result);
        assert!(happened.contains(model), "{}", text(&result));
        assert!(told.contains(code) && advice.contains(help), "{}", text(&result));
    }
}

#[tokio::test]
async fn a_retired_model_names_its_replacement_and_is_not_asked() {
    let faked = Faked::new().await;
    for (tool, model, replacement) in [
        ("image.generate.openai", "gpt-image-1", "gpt-image-2"),
        ("image.generate.openai", "dall-e-3", "gpt-image-2"),
        ("image.generate.gemini", "gemini-2.5-flash-image-preview", "gemini-3"),
    ] {
        let result = faked.call(tool, json!({ "prompt": "p", "model": model })).await;
        parts(&result);
        assert!(text(&result).contains(replacement), "{}", text(&result));
    }
    assert_eq!(faked.ledger.requests(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_vendor_that_quotes_the_key_does_not_make_us_tell_it() {
    for (vendor, variable, key) in [
        (Vendor::Replicate, "REPLICATE_API_TOKEN", "r8_fakecanary4711"),
        (Vendor::OpenAi, "OPENAI_API_KEY", "sk-fakecanary4711"),
        (Vendor::Gemini, "GOOGLE_API_KEY", "AIza-fakecanary4711"),
        (Vendor::Imagen, "GOOGLE_API_KEY", "AIza-fakecanary4711"),
        (Vendor::Custom, "GOOGLE_API_KEY", "AIza-fakecanary4711"),
    ] {
        let faked = Faked::of(vendor, &[(variable, key)]).await;
        let result = faked.call(tool_of(vendor), json!({ "prompt": "p [fake:echo]" })).await;
        parts(&result);
        assert_eq!(faked.count(vendor, Event::Create), 1);
        assert!(!json!(result).to_string().contains("canary4711"), "{}", text(&result));
        assert!(!format!("{:?}", faked.rig).contains("canary4711"), "no debug form shows a key");
    }
}

#[tokio::test]
async fn a_create_that_was_accepted_before_the_connection_broke_is_not_repeated() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": "p [fake:cut]" })).await;
        let (_, _, advice) = parts(&result);
        assert!(advice.contains("charge"), "it may have cost something: {advice}");
        assert_eq!(faked.count(vendor, Event::Create), 1, "{}", vendor.name());
        assert_eq!(faked.count(vendor, Event::Accepted), 1, "{}", vendor.name());
    }
}

#[tokio::test]
async fn an_endless_answer_stops_at_its_cap() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": "p [fake:endless]" })).await;
        parts(&result);
        let counted = if vendor == Vendor::Replicate { Vendor::Delivery } else { vendor };
        let taken = faked.count(counted, Event::EndlessBytes);
        // What the kernel holds of a connection comes on top of the cap.
        assert!((1..128 * 1024 * 1024).contains(&taken), "{}: {taken} bytes", vendor.name());
        assert_eq!(faked.count(vendor, Event::Create), 1);
        assert_eq!(faked.rig.files(), 0);
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error_or_said() {
    let faked = Faked::of(Vendor::OpenAi, &[("OUTPUT_DIR", "/dev/null/pictures")]).await;
    let result = faked.call("image.generate.openai", json!({ "prompt": "p" })).await;
    if result.is_error == Some(true) {
        parts(&result);
    } else {
        assert!(text(&result).contains("/dev/null/pictures"), "moved in silence: {}", text(&result));
        let path = crate::harness::saved(text(&result));
        assert!(image::open(path).is_ok());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
