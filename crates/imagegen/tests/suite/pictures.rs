//! What comes of a call that succeeds: a real file of the size and format that is told, from every vendor and in every
//! shape that vendors answer in.

use imagegen_mcp::fake_vendors::{Event, Vendor};
use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use crate::faked::{EVERY_VENDOR, Faked};
use crate::harness::{saved, text};

/// Checks that file, text and structured content tell the same, and gives the picture's sides.
fn checked(result: &CallToolResult) -> (u32, u32) {
    assert_eq!(result.is_error, Some(false), "{}", text(result));
    let path = saved(text(result));
    let bytes = std::fs::read(path).unwrap();
    let format = image::guess_format(&bytes).unwrap();
    let picture = image::load_from_memory(&bytes).unwrap();
    let told = result.structured_content.as_ref().unwrap();
    assert_eq!(told["path"], path.to_str().unwrap());
    assert_eq!(told["mime"], format.to_mime_type());
    assert!(format.extensions_str().contains(&path.extension().unwrap().to_str().unwrap()), "{path:?}");
    assert_eq!((&told["width"], &told["height"]), (&json!(picture.width()), &json!(picture.height())));
    assert_eq!(told["bytes"], bytes.len());
    (picture.width(), picture.height())
}

#[tokio::test]
async fn each_vendor_gives_a_real_picture_of_the_told_size() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": "a lighthouse" })).await;
        assert_eq!(checked(&result), (1024, 1024), "{}", vendor.name());
        assert_eq!(faked.count(vendor, Event::Accepted), 1, "{}", vendor.name());
        assert_eq!(faked.rig.files(), 1);
        faked.assert_clean();
    }
}

/// A call, the file that comes of it, and what the vendor is sent.
struct Mapping {
    vendor: Vendor,
    tool: &'static str,
    arguments: Value,
    sides: (u32, u32),
    mime: &'static str,
    sent: Value,
}

fn replicate(arguments: Value, sides: (u32, u32), mime: &'static str, sent: Value) -> Mapping {
    Mapping { vendor: Vendor::Replicate, tool: "image.generate.replicate", arguments, sides, mime, sent }
}

fn mappings() -> Vec<Mapping> {
    vec![
        replicate(
            json!({ "size": "1344x768", "format": "png" }),
            (1344, 768),
            "image/png",
            json!({ "aspect_ratio": "custom", "width": 1344, "height": 768, "output_format": "png" }),
        ),
        replicate(
            json!({ "width": 640, "height": 480, "format": "jpeg", "seed": 7 }),
            (640, 480),
            "image/jpeg",
            json!({ "aspect_ratio": "custom", "width": 640, "height": 480, "output_format": "jpg", "seed": 7 }),
        ),
        replicate(
            json!({ "model": "qwen/qwen-image", "size": "1920x1080" }),
            (1664, 928),
            "image/png",
            json!({ "aspect_ratio": "16:9", "output_format": "png" }),
        ),
        replicate(
            json!({ "model": "bytedance/seedream-4", "size": "2048x1024", "format": "png" }),
            (2048, 1024),
            "image/png",
            json!({ "size": "custom", "width": 2048, "height": 1024 }),
        ),
        Mapping {
            vendor: Vendor::OpenAi,
            tool: "image.generate.openai",
            arguments: json!({ "size": "1536x1024", "format": "webp", "quality": "hd" }),
            sides: (1536, 1024),
            mime: "image/webp",
            sent: json!({ "size": "1536x1024", "output_format": "webp", "quality": "high" }),
        },
        Mapping {
            vendor: Vendor::Custom,
            tool: "image.generate.google",
            arguments: json!({ "size": "320x200" }),
            sides: (320, 200),
            mime: "image/png",
            sent: json!({ "size": "320x200" }),
        },
    ]
}

#[tokio::test]
async fn sizes_and_formats_become_each_models_own_parameters() {
    for Mapping { vendor, tool, arguments, sides, mime, sent } in mappings() {
        let faked = Faked::of(vendor, &[]).await;
        let mut call = json!({ "prompt": "p" });
        call.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        let result = faked.call(tool, call).await;
        assert_eq!(checked(&result), sides, "{arguments}: {}", text(&result));
        assert_eq!(result.structured_content.as_ref().unwrap()["mime"], mime, "{arguments}");
        let posted = faked.ledger.posted(vendor);
        let body = posted[0].get("input").unwrap_or(&posted[0]);
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&body[name], value, "{arguments}: {body}");
        }
        faked.assert_clean();
    }
}

#[tokio::test]
async fn every_shape_of_an_answer_is_understood() {
    for (vendor, tool, twists) in [
        (Vendor::Replicate, "image.generate.replicate", "array"),
        (Vendor::Replicate, "image.generate.replicate", "string"),
        (Vendor::Replicate, "image.generate.replicate", "data-uri"),
        (Vendor::Replicate, "image.generate.replicate", "polls=1"),
        (Vendor::Gemini, "image.generate.gemini", "text-first"),
        (Vendor::Gemini, "image.generate.gemini", "thought"),
        (Vendor::Gemini, "image.generate.gemini", "draft"),
        (Vendor::Custom, "image.generate.google", "data"),
        (Vendor::Custom, "image.generate.google", "b64"),
        (Vendor::Custom, "image.generate.google", "base64"),
    ] {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": format!("p [fake:{twists}]") })).await;
        assert_eq!(checked(&result), (1024, 1024), "{twists}");
        if vendor == Vendor::Replicate {
            let downloads = u64::from(twists != "data-uri");
            assert_eq!(faked.count(Vendor::Delivery, Event::Download), downloads, "{twists}: fetched once");
        }
        faked.assert_clean();
    }
}

#[tokio::test]
async fn a_jpeg_that_is_called_otherwise_is_saved_as_what_was_asked_or_as_what_it_is() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[]).await;
        let mut arguments = json!({ "prompt": "p [fake:jpeg]" });
        if vendor != Vendor::Gemini {
            arguments["format"] = "png".into();
        }
        let result = faked.call(tool, arguments).await;
        checked(&result);
        let told = result.structured_content.as_ref().unwrap();
        if vendor == Vendor::Gemini {
            assert_eq!(told["mime"], "image/jpeg", "nothing else was asked for");
        } else {
            assert_eq!(told["mime"], "image/png", "{}", vendor.name());
            assert!(!told["adjustments"].as_array().unwrap().is_empty(), "{told}");
        }
    }
}

#[tokio::test]
async fn several_pictures_are_as_many_files_and_no_more_are_paid_for() {
    for (vendor, tool, many) in [
        (Vendor::OpenAi, "image.generate.openai", 3),
        (Vendor::Imagen, "image.generate.google", 3),
        (Vendor::Imagen, "image.generate.google", 6),
        (Vendor::Imagen, "image.generate.google", 7),
        (Vendor::Gemini, "image.generate.gemini", 2),
        (Vendor::Custom, "image.generate.google", 2),
        (Vendor::Replicate, "image.generate.replicate", 3),
    ] {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": "p", "n": many })).await;
        checked(&result);
        assert_eq!(faked.rig.files(), many, "{}: {}", vendor.name(), text(&result));
        let asked = |body: &Value| {
            let number = body.get("n").or_else(|| body.pointer("/parameters/sampleCount"));
            number.map_or(1, |number| usize::try_from(number.as_u64().unwrap()).unwrap())
        };
        let paid: usize = faked.ledger.posted(vendor).iter().map(asked).sum();
        assert_eq!(paid, many, "{}: {:?}", vendor.name(), faked.ledger.posted(vendor));
        faked.assert_clean();
    }
}

#[tokio::test]
async fn twenty_calls_at_once_with_one_hint_are_twenty_files() {
    let faked = Faked::new().await;
    let calls = (0..20).map(|_| {
        let arguments = json!({ "prompt": "p", "filenameHint": "same" });
        faked.call("image.generate.replicate", arguments)
    });
    let results = futures_util::future::join_all(calls).await;
    let paths: std::collections::HashSet<_> = results.iter().map(|result| saved(text(result))).collect();
    assert_eq!((paths.len(), faked.rig.files()), (20, 20));
    assert_eq!(faked.count(Vendor::Replicate, Event::Create), 20);
    assert_eq!(faked.count(Vendor::Delivery, Event::Download), 20);
}

#[tokio::test]
async fn pictures_to_start_from_reach_the_vendor() {
    let first = Faked::new().await;
    let made = first.call("image.generate.openai", json!({ "prompt": "p", "returnBase64": true })).await;
    let image = made.content.iter().find_map(|block| block.as_image()).unwrap();
    let data = format!("data:{};base64,{}", image.mime_type, image.data);
    for (vendor, tool, arguments) in [
        (Vendor::OpenAi, "image.generate.openai", json!({ "prompt": "p", "image": data })),
        (Vendor::Gemini, "image.generate.gemini", json!({ "prompt": "p", "inputImages": [data, data] })),
        (
            Vendor::Replicate,
            "image.generate.replicate",
            json!({ "prompt": "p", "model": "bytedance/seedream-4", "inputImages": [data] }),
        ),
        (Vendor::Replicate, "image.generate.replicate", json!({ "prompt": "p", "image": data })),
    ] {
        let faked = Faked::of(vendor, &[]).await;
        checked(&faked.call(tool, arguments).await);
        let sent = json!(faked.ledger.posted(vendor)).to_string();
        let parts = ["images", "inlineData", "image_input", "image_prompt"];
        assert!(parts.iter().any(|part| sent.contains(part)), "{sent}");
        faked.assert_clean();
    }
}

#[tokio::test]
async fn a_picture_saved_here_can_be_started_from_and_nothing_outside() {
    let faked = Faked::new().await;
    let made = faked.call("image.generate.openai", json!({ "prompt": "p" })).await;
    let path = saved(text(&made)).to_str().unwrap().to_owned();
    let edited = faked.call("image.generate.openai", json!({ "prompt": "p", "image": path })).await;
    checked(&edited);
    let outside = faked.rig.dir.path().join("secret.png");
    std::fs::copy(&path, &outside).unwrap();
    let climbing = format!("{}/../secret.png", faked.rig.dir.path().join("outputs").display());
    for outside in [outside.to_str().unwrap(), &climbing, "/etc/hostname", "file:///etc/hostname"] {
        let arguments = json!({ "prompt": "p", "image": outside });
        let refused = faked.call("image.generate.openai", arguments).await;
        assert_eq!(refused.is_error, Some(true), "{outside}: {}", text(&refused));
    }
    assert_eq!(faked.count(Vendor::OpenAi, Event::Create), 2, "what is refused is not sent");
    faked.assert_clean();
}

#[tokio::test]
async fn a_dry_run_sends_nothing() {
    for (vendor, tool) in EVERY_VENDOR {
        let faked = Faked::of(vendor, &[]).await;
        let result = faked.call(tool, json!({ "prompt": "p", "dryRun": true })).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
        assert_eq!((faked.count(vendor, Event::Create), faked.rig.files()), (0, 0), "{}", vendor.name());
        assert!(!text(&result).contains("fake:") && !json!(result).to_string().contains("AIza-fake"));
    }
}

/// Rows that need no recorded data: the first line, and the field that tells whether the contract is kept.
#[tokio::test]
async fn the_first_line_keeps_the_contract() {
    for (vendor, tool, arguments, begins, name, ending) in [
        (
            Vendor::Replicate,
            "image.generate.replicate",
            json!({ "format": "jpg", "filenameHint": "My Picture / No. 1" }),
            "provider=replicate model=black-forest-labs/flux-1.1-pro saved=/",
            "-my-picture-no-1-",
            ".jpg",
        ),
        (
            Vendor::OpenAi,
            "image.generate.openai",
            json!({ "model": "gpt-image-2.6-flare" }),
            "provider=openai model=gpt-image-2.6-flare saved=/",
            "-openai-image-",
            ".png",
        ),
        (
            Vendor::Gemini,
            "image.generate.gemini",
            json!({}),
            "provider=google(gemini) model=gemini-3.1-flash-image saved=/",
            "-gemini-image-",
            ".png",
        ),
        (
            Vendor::Custom,
            "image.generate.google",
            json!({}),
            "provider=google model= saved=/",
            "-google-image-",
            ".png",
        ),
    ] {
        let faked = Faked::of(vendor, &[]).await;
        let mut call = json!({ "prompt": "p", "returnBase64": true });
        call.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        let result = faked.call(tool, call).await;
        let line = text(&result).lines().next().unwrap();
        assert!(line.starts_with(begins) && line.contains(name) && line.ends_with(ending), "{line}");
        let image = result.content.iter().find_map(|block| block.as_image()).unwrap();
        assert_eq!(Value::from(image.mime_type.as_str()), result.structured_content.unwrap()["mime"]);
    }
}
