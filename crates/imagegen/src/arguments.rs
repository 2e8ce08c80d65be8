//! The arguments of a call: checked against the tool's fields, then typed. Every mistake is reported, and none of
//! the messages repeats a prompt.

use std::fmt;

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::Tool;
use crate::picture::Format;
use crate::tool::{Field, Kind, MOST_IMAGES, REQUIRED};

/// How much of a wrong value a message repeats, in characters.
const QUOTED: usize = 40;

/// Checked arguments. Fields that the tool does not have are `None`.
#[derive(Debug)]
pub struct Arguments {
    /// What to draw.
    pub prompt: Prompt,
    /// What not to draw.
    pub negative_prompt: Option<Prompt>,
    /// The vendor's name of a model.
    pub model: Option<String>,
    /// The size as text, meant as `1024x768`; it comes before `width` and `height`.
    pub size: Option<String>,
    /// Pixels, above 0.
    pub width: Option<u64>,
    /// Pixels, above 0.
    pub height: Option<u64>,
    /// The file format; png when none is named.
    pub format: Option<Format>,
    /// The same prompt and seed give the same picture.
    pub seed: Option<i64>,
    /// The vendor's word for quality.
    pub quality: Option<String>,
    /// The vendor's word for a style.
    pub style: Option<String>,
    /// `transparent`, `solid`, `opaque` or `auto`.
    pub background: Option<String>,
    /// The ratio as text, meant as `16:9`.
    pub aspect_ratio: Option<String>,
    /// How many pictures; 1 to 10.
    pub count: u8,
    /// Pictures to start from: addresses, `data:` URIs or paths. Kept out of logs, as prompts are.
    pub images: Vec<Prompt>,
    /// A picture whose transparent places may be changed.
    pub mask: Option<Prompt>,
    /// Whether a picture is to be made, or only the request to be shown.
    pub run: Run,
    /// Whether the result carries the picture itself besides its path.
    pub embed: Embed,
    /// A wish for the name of the file.
    pub filename_hint: Option<String>,
}

/// A text of the caller that is kept out of logs: its debug form tells only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt(String);

/// Whether the result carries the picture itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embed {
    /// The path alone.
    No,
    /// The picture as base64, or a smaller preview of it.
    Yes,
}

/// Whether a call is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is.
    Real,
    /// It is only shown: nothing is sent that costs anything.
    Dry,
}

/// Everything that is wrong with the arguments of one call.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistakes {
    tool: Tool,
    list: Vec<Mistake>,
}

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A required field is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The tool has no such field.
    #[error("there is no argument `{name}`; known are {known}")]
    Unknown {
        /// The member's name.
        name: String,
        /// The names of the tool's fields.
        known: String,
    },
    /// The value has the wrong type, or is outside its range.
    #[error("`{name}` must be {expected}")]
    Type {
        /// The field.
        name: &'static str,
        /// What its value must be.
        expected: &'static str,
    },
    /// The value is none of the words that are allowed.
    #[error("`{name}` is `{given}`, but must be one of {allowed}")]
    Choice {
        /// The field.
        name: &'static str,
        /// The value, cut to 40 characters.
        given: String,
        /// The allowed words.
        allowed: String,
    },
}

impl Arguments {
    /// Checks `raw` against the fields of `tool`. No arguments at all counts as an empty object.
    ///
    /// # Errors
    /// Everything that is wrong: a missing prompt, unknown members, values of the wrong type or outside their range.
    pub fn check(tool: Tool, raw: Option<&JsonObject>) -> Result<Self, Mistakes> {
        let empty = JsonObject::new();
        let raw = raw.unwrap_or(&empty);
        let mut list: Vec<Mistake> =
            raw.iter().filter_map(|(name, value)| mistake_in(tool, name, value)).collect();
        if !raw.contains_key(REQUIRED) {
            list.insert(0, Mistake::Missing(REQUIRED));
        }
        if list.is_empty() { Ok(Self::typed(raw)) } else { Err(Mistakes { tool, list }) }
    }

    /// Reads members that have passed the check.
    fn typed(raw: &JsonObject) -> Self {
        let text = |name| raw.get(name).and_then(Value::as_str).map(str::to_owned);
        let pixels = |name| raw.get(name).and_then(whole).and_then(|number| u64::try_from(number).ok());
        let flag = |name| raw.get(name) == Some(&Value::Bool(true));
        let mut images: Vec<Prompt> = text("image").map(Prompt).into_iter().collect();
        if let Some(more) = raw.get("inputImages").and_then(Value::as_array) {
            images.extend(more.iter().filter_map(Value::as_str).map(Prompt::from));
        }
        Self {
            prompt: Prompt(text(REQUIRED).unwrap_or_default()),
            negative_prompt: text("negativePrompt").map(Prompt),
            model: text("model"),
            size: text("size"),
            width: pixels("width"),
            height: pixels("height"),
            format: text("format").and_then(|name| Format::by_name(&name)),
            seed: raw.get("seed").and_then(whole),
            quality: text("quality"),
            style: text("style"),
            background: text("background"),
            aspect_ratio: text("aspectRatio"),
            count: raw.get("n").and_then(whole).and_then(|count| u8::try_from(count).ok()).unwrap_or(1),
            images,
            mask: text("mask").map(Prompt),
            run: if flag("dryRun") { Run::Dry } else { Run::Real },
            embed: if flag("returnBase64") { Embed::Yes } else { Embed::No },
            filename_hint: text("filenameHint"),
        }
    }
}

impl Prompt {
    /// The text itself, to draw from; not for logs.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Prompt({} bytes)", self.0.len())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "invalid arguments for tool {}", self.tool.name())?;
        for (index, mistake) in self.list.iter().enumerate() {
            write!(out, "{} {mistake}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

fn mistake_in(tool: Tool, name: &str, value: &Value) -> Option<Mistake> {
    let Some(field) = tool.fields().iter().find(|field| field.name == name) else {
        let known: Vec<_> = tool.fields().iter().map(|field| field.name).collect();
        return Some(Mistake::Unknown { name: quoted(name), known: known.join(", ") });
    };
    let Field { name, kind, .. } = *field;
    let expect = |holds, expected| if holds { None } else { Some(Mistake::Type { name, expected }) };
    match kind {
        Kind::Texts => {
            let fits = |list: &Vec<Value>| {
                (1..=MOST_IMAGES).contains(&list.len()) && list.iter().all(Value::is_string)
            };
            expect(value.as_array().is_some_and(fits), "a list of 1 to 14 texts")
        }
        Kind::UpTo(most) => expect(
            whole(value).is_some_and(|number| (1..=i64::from(most)).contains(&number)),
            "a whole number from 1 to 10",
        ),
        Kind::Text => expect(value.is_string(), "a text"),
        Kind::Flag => expect(value.is_boolean(), "true or false"),
        Kind::Integer => expect(whole(value).is_some(), "a whole number of at most 64 bits"),
        Kind::Positive => expect(
            whole(value).is_some_and(|number| number > 0),
            "a whole number above 0, of at most 64 bits",
        ),
        Kind::Choice(words) => match value.as_str() {
            None => expect(false, "a text"),
            Some(given) if words.contains(&given) => None,
            Some(given) => Some(Mistake::Choice { name, given: quoted(given), allowed: words.join(", ") }),
        },
    }
}

/// The number, if it is whole: JSON Schema counts `64.0` as an integer too.
fn whole(value: &Value) -> Option<i64> {
    // Beyond 2^53 a double no longer tells neighbouring whole numbers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53, which i64 holds exactly")]
    let from_double = |double: f64| (double.fract() == 0.0 && double.abs() <= EXACT).then_some(double as i64);
    match value {
        Value::Number(number) if number.is_f64() => number.as_f64().and_then(from_double),
        other => other.as_i64(),
    }
}

/// A wrong value as a message repeats it: short, and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().filter(|letter| !letter.is_control()).take(QUOTED).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(tool: Tool, raw: Value) -> Result<Arguments, String> {
        let Value::Object(raw) = raw else { panic!("the cases are objects") };
        Arguments::check(tool, Some(&raw)).map_err(|mistakes| mistakes.to_string())
    }

    fn refusal(tool: Tool, raw: Value) -> String {
        check(tool, raw).unwrap_err()
    }

    #[test]
    fn all_fields_are_read() {
        let read = check(
            Tool::OpenAi,
            json!({
                "prompt": "p", "negativePrompt": "n", "width": 64, "height": 32.0, "size": "8x8", "format": "jpg",
                "seed": -3, "quality": "hd", "style": "s", "background": "solid", "model": "m",
                "returnBase64": true, "filenameHint": "f"
            }),
        )
        .unwrap();
        assert_eq!(read.prompt.text(), "p");
        assert_eq!(read.negative_prompt.as_ref().map(Prompt::text), Some("n"));
        assert_eq!((read.width, read.height, read.size.as_deref()), (Some(64), Some(32), Some("8x8")));
        assert_eq!((read.format, read.seed), (Some(Format::Jpeg), Some(-3)));
        assert_eq!((read.quality.as_deref(), read.style.as_deref()), (Some("hd"), Some("s")));
        assert_eq!((read.background.as_deref(), read.model.as_deref()), (Some("solid"), Some("m")));
        assert_eq!((read.embed, read.filename_hint.as_deref()), (Embed::Yes, Some("f")));
    }

    #[test]
    fn the_fields_beyond_the_first_ones_are_read() {
        let read = check(
            Tool::OpenAi,
            json!({
                "prompt": "p", "n": 3, "image": "a", "inputImages": ["b", "c"], "mask": "m", "dryRun": true,
                "aspectRatio": "16:9", "quality": "xhigh", "background": "opaque"
            }),
        )
        .unwrap();
        let images: Vec<_> = read.images.iter().map(Prompt::text).collect();
        assert_eq!((read.count, images), (3, vec!["a", "b", "c"]));
        assert_eq!((read.run, read.aspect_ratio.as_deref()), (Run::Dry, Some("16:9")));
        assert!(refusal(Tool::OpenAi, json!({ "prompt": "p", "n": 11 })).contains("from 1 to 10"));
        assert!(refusal(Tool::OpenAi, json!({ "prompt": "p", "inputImages": [] })).contains("1 to 14"));
        assert!(refusal(Tool::OpenAi, json!({ "prompt": "p", "inputImages": [1] })).contains("1 to 14"));
    }

    #[test]
    fn a_prompt_is_enough_and_may_be_empty() {
        for tool in Tool::ALL {
            let read = check(tool, json!({ "prompt": "" })).unwrap();
            assert_eq!((read.embed, read.format, read.seed), (Embed::No, None, None));
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_full() {
        let lead = "invalid arguments for tool image.generate.replicate:";
        for (raw, said) in [
            (json!({}), "`prompt` is missing"),
            (json!({ "prompt": 7 }), "`prompt` must be a text"),
            (
                json!({ "prompt": "p", "format": "gif" }),
                "`format` is `gif`, but must be one of png, jpeg, jpg, webp",
            ),
            (
                json!({ "prompt": "p", "width": 0 }),
                "`width` must be a whole number above 0, of at most 64 bits",
            ),
            (
                json!({ "prompt": "p", "width": 1.5 }),
                "`width` must be a whole number above 0, of at most 64 bits",
            ),
            (
                json!({ "prompt": "p", "width": 1e30 }),
                "`width` must be a whole number above 0, of at most 64 bits",
            ),
            (json!({ "prompt": "p", "seed": u64::MAX }), "`seed` must be a whole number of at most 64 bits"),
            (json!({ "prompt": "p", "seed": null }), "`seed` must be a whole number of at most 64 bits"),
            (json!({ "prompt": "p", "returnBase64": "yes" }), "`returnBase64` must be true or false"),
            (
                json!({ "prompt": "p", "style": "s" }),
                "there is no argument `style`; known are prompt, model, width, height, size, format, seed, \
                 returnBase64, filenameHint, negativePrompt, aspectRatio, n, image, inputImages, dryRun",
            ),
            (
                json!({ "width": "a", "seed": "b" }),
                "`prompt` is missing; `width` must be a whole number above 0, of at \
                 most 64 bits; `seed` must be a whole number of at most 64 bits",
            ),
        ] {
            assert_eq!(refusal(Tool::Replicate, raw), format!("{lead} {said}"));
        }
        assert!(Arguments::check(Tool::Gemini, None).is_err(), "no arguments at all");
    }

    #[test]
    fn neither_messages_nor_debug_forms_repeat_a_prompt() {
        let read = check(Tool::OpenAi, json!({ "prompt": "hush", "negativePrompt": "whisper" })).unwrap();
        let debug = format!("{read:?}");
        assert!(!debug.contains("hush") && !debug.contains("whisper"), "{debug}");
        assert!(!refusal(Tool::OpenAi, json!({ "prompt": ["hush"] })).contains("hush"));
    }

    #[test]
    fn a_long_wrong_value_is_cut() {
        let message = refusal(Tool::Replicate, json!({ "prompt": "p", "format": "x".repeat(1000) }));
        assert!(message.len() < 200, "{message}");
    }
}
