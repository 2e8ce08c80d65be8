//! What picture a call asks for, and how it becomes bytes: size, format, encoding, a preview that fits a result.

mod encode;
mod landscape;

pub use encode::{EncodeError, Preview, encode, preview};
pub use landscape::landscape;

use crate::arguments::Arguments;

/// The smallest side of a picture, in pixels.
pub const SMALLEST: u32 = 16;
/// The largest side of a picture, in pixels: clients break on pictures of 8000 and more.
pub const LARGEST: u32 = 4096;
/// The side when a call names none, in pixels.
pub const USUAL: u32 = 1024;

/// A size in pixels, each side from 16 to 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

/// The format of a picture's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Reads size and format from the arguments: `size` first, else `width` and `height`, else 1024x1024.
    #[must_use]
    pub fn of(arguments: &Arguments) -> Self {
        let mut adjustments = Vec::new();
        let (width, height) = sides(arguments, &mut adjustments);
        let size = Size {
            width: clamped("width", width, &mut adjustments),
            height: clamped("height", height, &mut adjustments),
        };
        Self { size, format: arguments.format.unwrap_or_default(), adjustments }
    }
}

fn sides(arguments: &Arguments, adjustments: &mut Vec<String>) -> (u64, u64) {
    let usual = u64::from(USUAL);
    if let Some(size) = &arguments.size {
        if let Some(sides) = parse_size(size) {
            let both = [arguments.width.unwrap_or(sides.0), arguments.height.unwrap_or(sides.1)];
            if both != [sides.0, sides.1] {
                adjustments.push("ignored: width and height, because size is given".to_owned());
            }
            return sides;
        }
        adjustments.push("ignored: size, because it is not of the form 1024x768".to_owned());
    }
    match (arguments.width, arguments.height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => {
            adjustments.push(format!("adjusted: height not given -> {USUAL}"));
            (width, usual)
        }
        (None, Some(height)) => {
            adjustments.push(format!("adjusted: width not given -> {USUAL}"));
            (usual, height)
        }
        (None, None) => (usual, usual),
    }
}

/// Reads `1024x768`, also with a capital X or spaces. A number beyond 64 bits counts as the largest.
fn parse_size(text: &str) -> Option<(u64, u64)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |digits: &str| {
        let digits = digits.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    Some((side(width)?, side(height)?))
}

fn clamped(name: &str, side: u64, adjustments: &mut Vec<String>) -> u32 {
    let within = u32::try_from(side).unwrap_or(u32::MAX).clamp(SMALLEST, LARGEST);
    if u64::from(within) != side {
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
            (json!({ "width": 64 }), 64, 1024, vec!["adjusted: height not given -> 1024"]),
            (json!({ "height": 64 }), 1024, 64, vec!["adjusted: width not given -> 1024"]),
            (
                json!({ "size": "auto" }),
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
                vec!["adjusted: width 0 -> 16", "adjusted: height 18446744073709551615 -> 4096"],
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
