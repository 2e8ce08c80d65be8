//! The tools through every transport and era.

use std::collections::HashSet;
use std::fs;

use image::ImageFormat;
use imagegen_mcp::tool::MODEL_LIST;
use imagegen_mcp::{Provider, Tool};
use rmcp::model::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{EVERY_WAY, Era, Over, Rig, call, prompt, saved, text};

#[tokio::test]
async fn every_way_lists_the_tools() {
    for (over, era) in EVERY_WAY {
        let mut rig = Rig::placeholder();
        let client = rig.client(over, era).await;
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        let known: Vec<_> = Tool::ALL.map(Tool::name).into_iter().chain([MODEL_LIST]).collect();
        assert_eq!(names, known, "{over:?} {era:?}");
        for tool in tools.iter().take(Tool::ALL.len()) {
            assert_eq!(tool.input_schema["additionalProperties"], false);
            assert_eq!(tool.input_schema["required"], json!(["prompt"]));
            assert!(tool.output_schema.is_some());
        }
        client.cancel().await.unwrap();
        rig.stop().await;
    }
}

#[tokio::test]
async fn every_way_draws_with_each_tool() {
    for (over, era) in EVERY_WAY {
        let mut rig = Rig::placeholder();
        let client = rig.client(over, era).await;
        for tool in Tool::ALL {
            // Once the usual size, which takes its time; gemini knows no other.
            let (arguments, side) = match (over, era, tool) {
                (Over::Pipes, Era::Legacy, _) | (_, _, Tool::Gemini) => (prompt(), 1024),
                _ => (json!({ "prompt": "a lake at dawn", "size": "80x80" }), 80),
            };
            let result = call(&client, tool.name(), arguments).await.unwrap();
            let case = format!("{over:?} {era:?} {}: {}", tool.name(), text(&result));
            assert_eq!(result.is_error, Some(false), "{case}");
            let model = tool.default_model();
            let lead = format!("provider=placeholder model={model} saved=");
            assert!(text(&result).starts_with(&lead), "{case}");
            assert_eq!(text(&result).lines().count(), 1, "{case}");
            let path = saved(text(&result));
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.contains(&format!("-{}-", tool.file_hint())) && name.ends_with(".png"), "{case}");
            let bytes = fs::read(path).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), ImageFormat::Png, "{case}");
            let picture = image::load_from_memory(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (side, side), "{case}");
            let facts = result.structured_content.as_ref().unwrap();
            assert_eq!(facts["path"], json!(path), "{case}");
            assert_eq!(facts["bytes"], bytes.len(), "{case}");
            assert_eq!(facts["adjustments"], json!([]), "{case}");
        }
        assert_eq!(rig.files(), 4);
        client.cancel().await.unwrap();
        rig.stop().await;
    }
}

#[tokio::test]
async fn every_way_refuses_what_no_tool_takes() {
    for (over, era) in EVERY_WAY {
        let mut rig = Rig::placeholder();
        let client = rig.client(over, era).await;
        for (tool, arguments, said) in [
            ("nope", prompt(), "`nope` not found"),
            ("image.generate.replicate", json!({}), "`prompt` is missing"),
            ("image.generate.replicate", json!({ "prompt": 1 }), "`prompt` must be a text"),
            ("image.generate.openai", json!({ "prompt": "p", "format": "gif" }), "`format` is `gif`"),
            ("image.generate.google", json!({ "prompt": "p", "width": 0 }), "`width` must be a whole number"),
            ("image.generate.gemini", json!({ "prompt": "p", "style": "s" }), "no argument `style`"),
        ] {
            let error = call(&client, tool, arguments).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{over:?} {era:?} {tool}: {}", error.message);
            assert!(error.message.contains(said), "{over:?} {era:?} {tool}: {}", error.message);
        }
        assert_eq!(rig.files(), 0);
        client.cancel().await.unwrap();
        rig.stop().await;
    }
}

#[tokio::test]
async fn sizes_and_formats_are_those_asked_for() {
    let mut rig = Rig::placeholder();
    let client = rig.client(Over::Pipes, Era::Legacy).await;
    for tool in [Tool::OpenAi, Tool::Google, Tool::Replicate] {
        for (format, known, ending) in [
            ("png", ImageFormat::Png, ".png"),
            ("jpeg", ImageFormat::Jpeg, ".jpg"),
            ("jpg", ImageFormat::Jpeg, ".jpg"),
            ("webp", ImageFormat::WebP, ".webp"),
        ] {
            let arguments = json!({ "prompt": "p", "size": "48x32", "format": format });
            let result = call(&client, tool.name(), arguments).await.unwrap();
            let path = saved(text(&result));
            assert!(path.to_str().unwrap().ends_with(ending), "{path:?}");
            let bytes = fs::read(path).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), known);
            let picture = image::load_from_memory(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (48, 32));
            assert_eq!(result.structured_content.unwrap()["mime"], known.to_mime_type());
        }
    }
}

#[tokio::test]
async fn what_differs_from_the_wish_is_said() {
    let mut rig = Rig::placeholder();
    let client = rig.client(Over::Pipes, Era::Modern).await;
    let arguments = json!({ "prompt": "p", "width": 9000, "height": 5, "style": "vivid", "quality": "hd" });
    let result = call(&client, "image.generate.openai", arguments).await.unwrap();
    let notes = [
        "adjusted: width 9000 -> 4096",
        "adjusted: height 5 -> 16",
        "ignored: quality, style, because the placeholder draws without it",
    ];
    let lines: Vec<_> = text(&result).lines().skip(1).collect();
    assert_eq!(lines, notes);
    let picture = image::open(saved(text(&result))).unwrap();
    assert_eq!((picture.width(), picture.height()), (4096, 16));
    assert_eq!(result.structured_content.unwrap()["adjustments"], json!(notes));
}

#[tokio::test]
async fn base64_is_the_file_itself() {
    let mut rig = Rig::placeholder();
    let client = rig.client(Over::Http, Era::Modern).await;
    let arguments = json!({ "prompt": "p", "returnBase64": true, "seed": 7, "model": "a/b" });
    let result = call(&client, "image.generate.replicate", arguments).await.unwrap();
    assert!(text(&result).starts_with("provider=placeholder model=a/b saved="));
    let image = result.content[1].as_image().unwrap();
    assert_eq!(image.mime_type, "image/png");
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &image.data).unwrap();
    assert_eq!(decoded, fs::read(saved(text(&result))).unwrap());
    assert_eq!(result.structured_content.unwrap()["seed"], 7);
}

#[tokio::test]
async fn the_same_prompt_and_seed_give_the_same_file() {
    let mut rig = Rig::placeholder();
    let client = rig.client(Over::Pipes, Era::Legacy).await;
    let draw = async |seed: u8| {
        let arguments = json!({ "prompt": "p", "size": "64x64", "seed": seed });
        let result = call(&client, "image.generate.replicate", arguments).await.unwrap();
        fs::read(saved(text(&result))).unwrap()
    };
    let (first, again, other) = (draw(1).await, draw(1).await, draw(2).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn twenty_parallel_calls_with_one_hint_give_twenty_files() {
    let mut rig = Rig::placeholder();
    let client = rig.client(Over::Pipes, Era::Legacy).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let peer = client.peer().clone();
        let arguments: Value = json!({ "prompt": "p", "size": "32x32", "filenameHint": "../Same Hint" });
        let request = rmcp::model::CallToolRequestParams::new("image.generate.openai")
            .with_arguments(crate::harness::object(arguments));
        calls.spawn(async move { peer.call_tool(request).await.unwrap() });
    }
    let results = calls.join_all().await;
    let paths: HashSet<_> = results.iter().map(|result| saved(text(result)).to_owned()).collect();
    assert_eq!(paths.len(), 20);
    for path in paths {
        assert!(path.parent().unwrap() == rig.dir.path().join("outputs"), "{path:?}");
        assert!(path.file_name().unwrap().to_str().unwrap().contains("-same-hint-"), "{path:?}");
        assert!(image::open(&path).is_ok(), "{path:?}");
    }
    assert_eq!(rig.files(), 20);
}

#[tokio::test]
async fn without_the_placeholder_a_call_says_what_to_do() {
    let mut rig = Rig::with(Provider::Vendors);
    let client = rig.client(Over::Pipes, Era::Legacy).await;
    for tool in Tool::ALL {
        let result = call(&client, tool.name(), prompt()).await.unwrap();
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result).contains(tool.vendor()), "{}", text(&result));
        assert!(text(&result).contains("IMAGEGEN_PROVIDER=placeholder"), "{}", text(&result));
    }
    assert_eq!(rig.files(), 0);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_said_in_the_reply() {
    let mut rig = Rig::placeholder();
    fs::write(rig.dir.path().join("outputs"), b"a file in the way").unwrap();
    let client = rig.client(Over::Pipes, Era::Legacy).await;
    let result = call(&client, "image.generate.gemini", prompt()).await.unwrap();
    assert_eq!(result.is_error, Some(false));
    assert!(text(&result).contains("\nmoved: "), "{}", text(&result));
    let path = saved(text(&result));
    assert!(image::open(path).is_ok());
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
