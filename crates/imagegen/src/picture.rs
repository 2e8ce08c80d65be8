//! What picture a call asks for, and how it becomes bytes: size, format, encoding, a preview that fits a result.

mod encode;
mod landscape;
mod read;
mod shape;

pub use encode::{EncodeError, Preview, encode, preview};
pub use landscape::landscape;
pub use read::{Facts, ReadError, convert, facts, verify};
pub use shape::{NotARatio, Ratio, Shape};

use crate::arguments::Arguments;

/// The smallest side of a picture, in pixels.
pub const SMALLEST: u32 = 16;
/// The largest side of a picture, in pixels: clients break on pictures of 8000 and more.
pub const LARGEST: u32 = 4096;
/// The side when a call names none, in pixels.
pub const USUAL: u32 = 1024;

/// A size in pixels, each side above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

/// The format of a picture's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lossless; the default.
    #[default]
    Png,
    /// Lossy.
    Jpeg,
    /// Lossless.
    WebP,
}

/// The picture that a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its size, within bounds.
    pub size: Size,
    /// Its format.
    pub format: Format,
    /// What differs from the arguments, each as a line for people.
    pub adjustments: Vec<String>,
}

impl Size {
    /// The size of a picture that is there; a side of 0 becomes 1.
    #[must_use]
    pub fn of(width: u32, height: u32) -> Self {
        Self { width: width.max(1), height: height.max(1) }
    }

    /// Its width, in pixels.
    #[must_use]
    pub fn width(self) -> u32 {
        self.width
    }

    /// Its height, in pixels.
    #[must_use]
    pub fn height(self) -> u32 {
        self.height
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { width: USUAL, height: USUAL }
    }
}

impl Format {
    /// The format that a call names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "png" => Some(Self::Png),
            "jpeg" | "jpg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    /// The ending of its files, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    /// Its name, as calls write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::WebP => "webp",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

impl Wanted {
    /// Reads size and format from the arguments; without a size, or with a word for one, the longer side is 1024.
    #[must_use]
    pub fn of(arguments: &Arguments) -> Self {
        let mut adjustments = Vec::new();
        let shape = Shape::of(arguments, &mut adjustments);
        let longer = shape.longer().unwrap_or(USUAL);
        let (width, height) = shape.sides.unwrap_or_else(|| Ratio::of(1, 1).sides(longer));
        let (width, height) = shape.ratio.map_or((width, height), |ratio| ratio.sides(longer));
        let size = Size {
            width: clamped("width", width, &mut adjustments),
            height: clamped("height", height, &mut adjustments),
        };
        Self { size, format: arguments.format.unwrap_or_default(), adjustments }
    }
}

fn clamped(name: &str, side: u32, adjustments: &mut Vec<String>) -> u32 {
    let within = side.clamp(SMALLEST, LARGEST);
    if within != side {
        adjustments.push(format!("adjusted: {name} {side} -> {within}"));
    }
    within
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Tool;

    fn wanted(arguments: Value) -> Wanted {
        let Value::Object(mut raw) = arguments else { panic!("the cases are objects") };
        raw.insert("prompt".to_owned(), json!("p"));
        Wanted::of(&Arguments::check(Tool::Replicate, Some(&raw)).unwrap())
    }

    #[test]
    fn the_size_follows_the_arguments() {
        for (arguments, width, height, adjustments) in [
            (json!({}), 1024, 1024, vec![]),
            (json!({ "size": "64x32" }), 64, 32, vec![]),
            (json!({ "size": " 64 X 32 " }), 64, 32, vec![]),
            (json!({ "width": 64, "height": 32 }), 64, 32, vec![]),
            (json!({ "size": "64x32", "width": 64 }), 64, 32, vec![]),
            (
                json!({ "size": "64x32", "width": 65, "height": 32 }),
                64,
                32,
                vec!["ignored: width and height, because size is given"],
            ),
            (json!({ "width": 64 }), 64, 64, vec!["adjusted: height not given -> 64"]),
            (json!({ "height": 64 }), 64, 64, vec!["adjusted: width not given -> 64"]),
            (json!({ "size": "auto" }), 1024, 1024, vec![]),
            (json!({ "size": "2K", "aspectRatio": "2:1" }), 2048, 1024, vec![]),
            (
                json!({ "size": "wide" }),
                1024,
                1024,
                vec!["ignored: size, because it is not of the form 1024x768"],
            ),
            (
                json!({ "size": "-1x5", "width": 20, "height": 30 }),
                20,
                30,
                vec!["ignored: size, because it is not of the form 1024x768"],
            ),
            (json!({ "width": 9000, "height": 16 }), 4096, 16, vec!["adjusted: width 9000 -> 4096"]),
            (
                json!({ "size": "0x99999999999999999999" }),
                16,
                4096,
                vec!["adjusted: width 0 -> 16", "adjusted: height 4294967295 -> 4096"],
            ),
        ] {
            let wanted = wanted(arguments.clone());
            assert_eq!((wanted.size.width(), wanted.size.height()), (width, height), "{arguments}");
            assert_eq!(wanted.adjustments, adjustments, "{arguments}");
        }
    }

    #[test]
    fn the_format_follows_the_arguments() {
        for (name, mime, extension) in [
            ("png", "image/png", "png"),
            ("jpeg", "image/jpeg", "jpg"),
            ("jpg", "image/jpeg", "jpg"),
            ("webp", "image/webp", "webp"),
        ] {
            let format = wanted(json!({ "format": name })).format;
            assert_eq!((format.mime(), format.extension()), (mime, extension));
        }
        assert_eq!(wanted(json!({})).format, Format::Png);
    }
}
