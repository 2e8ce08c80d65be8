//! Wishes for sizes against the rules of the listed models.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalogue::Catalogue;

fn shape(text: &str) -> Shape {
    let (size, ratio) = match text.split_once(' ') {
        Some((word, ratio)) => (word, Some(Ratio::parse(ratio).unwrap())),
        None => (text, None),
    };
    let sides = sides_of(size);
    let only_ratio = Ratio::parse(size).ok();
    let word = (sides.is_none() && only_ratio.is_none() && !size.is_empty()).then(|| size.to_owned());
    Shape { sides, ratio: ratio.or(only_ratio), word }
}

fn fit(tool: Tool, id: &str, asked: &str) -> (Value, usize) {
    let mut notes = Vec::new();
    let model = Catalogue::built_in().unwrap().model(tool, id);
    let fitted = model.size.fit(&shape(asked), &mut notes);
    (Value::Object(fitted.fields), notes.len())
}

#[test]
fn each_model_gets_its_own_fields() {
    use Tool::{Gemini, Google, OpenAi, Replicate};
    let custom =
        |width: u32, height: u32| json!({ "aspect_ratio": "custom", "width": width, "height": height });
    let seedream = |width: u32, height: u32| json!({ "size": "custom", "width": width, "height": height });
    for (tool, id, asked, fields, notes) in [
        (Replicate, "black-forest-labs/flux-1.1-pro", "", json!({ "aspect_ratio": "1:1" }), 0),
        (Replicate, "black-forest-labs/flux-1.1-pro", "1024x1024", json!({ "aspect_ratio": "1:1" }), 0),
        (Replicate, "black-forest-labs/flux-1.1-pro", "1024x768", custom(1024, 768), 0),
        (Replicate, "black-forest-labs/flux-1.1-pro", "1536x1024", custom(1440, 960), 1),
        (Replicate, "black-forest-labs/flux-1.1-pro", "100x100", custom(256, 256), 1),
        (Replicate, "black-forest-labs/flux-1.1-pro", "1000x1000", custom(992, 992), 1),
        (Replicate, "black-forest-labs/flux-1.1-pro", "16:9", json!({ "aspect_ratio": "16:9" }), 0),
        (Replicate, "black-forest-labs/flux-1.1-pro", "2K 21:9", json!({ "aspect_ratio": "16:9" }), 2),
        (Replicate, "qwen/qwen-image", "", json!({ "aspect_ratio": "1:1" }), 0),
        (Replicate, "qwen/qwen-image", "1536x1024", json!({ "aspect_ratio": "3:2" }), 0),
        (Replicate, "qwen/qwen-image", "2000x1000", json!({ "aspect_ratio": "16:9" }), 1),
        (Replicate, "bytedance/seedream-4", "", json!({ "size": "2K", "aspect_ratio": "1:1" }), 0),
        (Replicate, "bytedance/seedream-4", "4K 16:9", json!({ "size": "4K", "aspect_ratio": "16:9" }), 0),
        (Replicate, "bytedance/seedream-4", "2048x1536", seedream(2048, 1536), 0),
        (Replicate, "bytedance/seedream-4", "512x768", seedream(1024, 1536), 1),
        (Replicate, "bytedance/seedream-4", "9000x3000", seedream(4096, 1365), 1),
        (OpenAi, "gpt-image-2", "", json!({ "size": "1024x1024" }), 0),
        (OpenAi, "gpt-image-2", "auto", json!({ "size": "auto" }), 0),
        (OpenAi, "gpt-image-2", "1280x720", json!({ "size": "1280x720" }), 0),
        (OpenAi, "gpt-image-2", "1000x1000", json!({ "size": "1008x1008" }), 1),
        (OpenAi, "gpt-image-2", "64x64", json!({ "size": "816x816" }), 1),
        (OpenAi, "gpt-image-2", "5000x1000", json!({ "size": "3008x1008" }), 1),
        (OpenAi, "gpt-image-1.5", "1920x1080", json!({ "size": "1536x1024" }), 1),
        (OpenAi, "gpt-image-1.5", "1024x1536", json!({ "size": "1024x1536" }), 0),
        (OpenAi, "gpt-image-9", "8x8", json!({ "size": "8x8" }), 0),
        (Gemini, "gemini-3.1-flash-image", "", json!({}), 0),
        (
            Gemini,
            "gemini-3.1-flash-image",
            "1920x1080",
            json!({ "aspectRatio": "16:9", "imageSize": "2K" }),
            0,
        ),
        (Gemini, "gemini-3.1-flash-image", "512", json!({ "imageSize": "512" }), 0),
        (Gemini, "gemini-3-pro-image", "512", json!({ "imageSize": "1K" }), 1),
        (Gemini, "gemini-2.5-flash-image", "2K 3:2", json!({ "aspectRatio": "3:2" }), 1),
        (
            Google,
            "imagen-4.0-generate-001",
            "1600x900",
            json!({ "aspectRatio": "16:9", "imageSize": "2K" }),
            0,
        ),
    ] {
        assert_eq!(fit(tool, id, asked), (fields, notes), "{id} {asked}");
    }
}

proptest! {
    /// Whatever is asked for, what is sent is within the model's limits.
    #[test]
    fn sizes_stay_within_limits(width in 1_u32.., height in 1_u32..) {
        let asked = Shape { sides: Some((width, height)), ..Shape::default() };
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::built_in().unwrap());
        let catalogue = &CATALOGUE;
        for (tool, id, least, most, step) in [
            (Tool::Replicate, "black-forest-labs/flux-1.1-pro", 256, 1440, 32),
            (Tool::Replicate, "bytedance/seedream-4", 1024, 4096, 1),
            (Tool::OpenAi, "gpt-image-2", 16, 3840, 16),
        ] {
            let (wide, high) = catalogue.model(tool, id).size.fit(&asked, &mut Vec::new()).sides.unwrap();
            prop_assert!((least..=most).contains(&wide) && (least..=most).contains(&high), "{id} {wide}x{high}");
            prop_assert!(wide % step == 0 && high % step == 0, "{id} {wide}x{high}");
            if tool == Tool::OpenAi {
                let pixels = u64::from(wide) * u64::from(high);
                prop_assert!((655_360..=8_294_400).contains(&pixels), "{wide}x{high}");
                prop_assert!(wide <= 3 * high && high <= 3 * wide, "{wide}x{high}");
            }
        }
    }
}
