//! The shape that a call asks for: sides in pixels, a ratio, or a vendor's word for a size.

use std::fmt;

use crate::arguments::Arguments;

/// A side that is called `2K` has this many pixels for each K.
const K: u32 = 1024;

/// A ratio of width to height, such as `16:9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Ratio {
    width: u32,
    height: u32,
}

/// A text that is no ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ratio; write one such as `16:9`")]
pub struct NotARatio(String);

/// What a call says of size and ratio, before any model's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Width and height in pixels.
    pub sides: Option<(u32, u32)>,
    /// A ratio without a size.
    pub ratio: Option<Ratio>,
    /// A word such as `2K` or `auto`.
    pub word: Option<String>,
}

impl Ratio {
    /// Reads `16:9`.
    ///
    /// # Errors
    /// The text is not two whole numbers above 0 around a colon.
    pub fn parse(text: &str) -> Result<Self, NotARatio> {
        let parts = text.trim().split_once(':');
        let part =
            |digits: &str| digits.trim().parse::<u32>().ok().filter(|part| (1..=100_000).contains(part));
        let ratio = parts.and_then(|(width, height)| Some((part(width)?, part(height)?)));
        let (width, height) = ratio.ok_or_else(|| NotARatio(crate::arguments::quoted(text)))?;
        Ok(Self { width, height })
    }

    /// The ratio of two sides above 0.
    #[must_use]
    pub fn of(width: u32, height: u32) -> Self {
        Self { width: width.max(1), height: height.max(1) }
    }

    /// How much wider than high, on a scale where 0 is square and the opposite of wide is as far away as high.
    fn wideness(self) -> f64 {
        (f64::from(self.width) / f64::from(self.height)).ln()
    }

    /// The nearest of `ratios`, by the factor between them; the first of equals.
    #[must_use]
    pub fn nearest(self, ratios: &[Self]) -> Option<Self> {
        let far = |ratio: &Self| (ratio.wideness() - self.wideness()).abs();
        ratios.iter().copied().min_by(|one, other| far(one).total_cmp(&far(other)))
    }

    /// Whether both are the same ratio, in whatever terms.
    #[must_use]
    pub fn equals(self, other: Self) -> bool {
        u64::from(self.width) * u64::from(other.height) == u64::from(other.width) * u64::from(self.height)
    }

    /// Sides of this ratio whose longer one is `longer` pixels.
    #[must_use]
    pub fn sides(self, longer: u32) -> (u32, u32) {
        let most = self.width.max(self.height);
        let side = |part: u32| {
            let pixels = (u64::from(part) * u64::from(longer) + u64::from(most) / 2) / u64::from(most);
            u32::try_from(pixels).unwrap_or(u32::MAX).max(1)
        };
        (side(self.width), side(self.height))
    }
}

impl TryFrom<String> for Ratio {
    type Error = NotARatio;

    fn try_from(text: String) -> Result<Self, NotARatio> {
        Self::parse(&text)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.width, self.height)
    }
}

impl Shape {
    /// Reads `size` first, else `width` and `height`, else `aspectRatio`; what it leaves out goes to `notes`.
    #[must_use]
    pub fn of(arguments: &Arguments, notes: &mut Vec<String>) -> Self {
        let mut shape = Self::default();
        if let Some(size) = &arguments.size {
            match (parse_sides(size), Ratio::parse(size)) {
                (Some(sides), _) => shape.sides = Some(sides),
                (None, Ok(ratio)) => shape.ratio = Some(ratio),
                (None, Err(_)) if is_word(size) => shape.word = Some(size.trim().to_owned()),
                (None, Err(_)) => {
                    notes.push("ignored: size, because it is not of the form 1024x768".to_owned());
                }
            }
        }
        let named = (shape != Self::default()).then_some("size");
        shape.pixels(arguments, named, notes);
        if let Some(text) = &arguments.aspect_ratio {
            shape.aspect(text, notes);
        }
        shape
    }

    fn pixels(&mut self, arguments: &Arguments, named: Option<&str>, notes: &mut Vec<String>) {
        let pixels = |side: Option<u64>| side.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let (width, height) = (pixels(arguments.width), pixels(arguments.height));
        if named.is_some() {
            let differs = match self.sides {
                Some(sides) => (width.unwrap_or(sides.0), height.unwrap_or(sides.1)) != sides,
                None => width.or(height).is_some(),
            };
            if differs {
                notes.push("ignored: width and height, because size is given".to_owned());
            }
            return;
        }
        self.sides = match (width, height) {
            (Some(width), Some(height)) => Some((width, height)),
            (Some(side), None) => {
                notes.push(format!("adjusted: height not given -> {side}"));
                Some((side, side))
            }
            (None, Some(side)) => {
                notes.push(format!("adjusted: width not given -> {side}"));
                Some((side, side))
            }
            (None, None) => None,
        };
    }

    fn aspect(&mut self, text: &str, notes: &mut Vec<String>) {
        match Ratio::parse(text) {
            Ok(ratio)
                if self.sides.is_some_and(|(width, height)| !Ratio::of(width, height).equals(ratio)) =>
            {
                notes.push(format!("ignored: aspectRatio {ratio}, because the size is given in pixels"));
            }
            Ok(ratio) if self.sides.is_none() => self.ratio = Some(ratio),
            Ok(_) => {}
            Err(_) => notes.push("ignored: aspectRatio, because it is not of the form 16:9".to_owned()),
        }
    }

    /// The ratio asked for, in whatever way.
    #[must_use]
    pub fn ratio(&self) -> Option<Ratio> {
        self.ratio.or_else(|| self.sides.map(|(width, height)| Ratio::of(width, height)))
    }

    /// The number of pixels of the longer side, where one is asked for.
    #[must_use]
    pub fn longer(&self) -> Option<u32> {
        self.sides.map(|(width, height)| width.max(height)).or_else(|| {
            let word = self.word.as_deref()?;
            let thousands = word.strip_suffix(['k', 'K']).and_then(|digits| digits.parse::<u32>().ok());
            thousands.map(|count| count.saturating_mul(K)).or_else(|| word.parse().ok())
        })
    }

    /// The shape as the call gave it, for notes; empty if it gave none.
    #[must_use]
    pub fn told(&self) -> String {
        match (self.sides, self.ratio, &self.word) {
            (Some((width, height)), _, _) => format!("{width}x{height}"),
            (None, Some(ratio), Some(word)) => format!("{word} {ratio}"),
            (None, Some(ratio), None) => ratio.to_string(),
            (None, None, Some(word)) => word.clone(),
            (None, None, None) => String::new(),
        }
    }
}

/// Reads `1024x768`, also with a capital X or spaces. A number beyond 32 bits counts as the largest.
fn parse_sides(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |digits: &str| {
        let digits = digits.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    Some((side(width)?, side(height)?))
}

/// Whether a size is a word that some vendor knows: `auto`, `512`, `1K` and the like.
fn is_word(size: &str) -> bool {
    let size = size.trim();
    let digits = size.strip_suffix(['k', 'K']).unwrap_or(size);
    size == "auto"
        || (!digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Tool;

    fn shape(mut raw: Value) -> (Shape, Vec<String>) {
        raw["prompt"] = json!("p");
        let mut notes = Vec::new();
        let arguments = Arguments::check(Tool::Replicate, raw.as_object()).unwrap();
        (Shape::of(&arguments, &mut notes), notes)
    }

    #[test]
    fn the_shape_follows_the_arguments() {
        for (raw, told, noted) in [
            (json!({}), "", ""),
            (json!({ "size": " 64 X 32 " }), "64x32", ""),
            (json!({ "width": 64, "height": 32 }), "64x32", ""),
            (json!({ "size": "64x32", "width": 64 }), "64x32", ""),
            (
                json!({ "size": "64x32", "width": 65 }),
                "64x32",
                "ignored: width and height, because size is given",
            ),
            (json!({ "width": 64 }), "64x64", "adjusted: height not given -> 64"),
            (json!({ "height": 64 }), "64x64", "adjusted: width not given -> 64"),
            (json!({ "size": "wide" }), "", "ignored: size, because it is not of the form 1024x768"),
            (
                json!({ "size": "-1x5", "width": 2, "height": 3 }),
                "2x3",
                "ignored: size, because it is not of the form 1024x768",
            ),
            (json!({ "size": "2K" }), "2K", ""),
            (json!({ "size": "16:9" }), "16:9", ""),
            (json!({ "size": "1K", "aspectRatio": "3:2" }), "1K 3:2", ""),
            (json!({ "size": "64x32", "aspectRatio": "2:1" }), "64x32", ""),
            (
                json!({ "size": "64x32", "aspectRatio": "1:1" }),
                "64x32",
                "ignored: aspectRatio 1:1, because the size is given in pixels",
            ),
            (
                json!({ "aspectRatio": "wide" }),
                "",
                "ignored: aspectRatio, because it is not of the form 16:9",
            ),
        ] {
            let (shape, notes) = shape(raw.clone());
            assert_eq!((shape.told().as_str(), notes.join(";").as_str()), (told, noted), "{raw}");
        }
    }

    #[test]
    fn the_nearest_ratio_is_as_far_in_both_directions() {
        let ratios = ["1:1", "16:9", "9:16", "3:2", "2:3"].map(|text| Ratio::parse(text).unwrap());
        for (sides, nearest) in [
            ((1024, 1024), "1:1"),
            ((1536, 1024), "3:2"),
            ((1024, 1536), "2:3"),
            ((1920, 1080), "16:9"),
            ((100, 9000), "9:16"),
            ((1100, 1000), "1:1"),
        ] {
            assert_eq!(Ratio::of(sides.0, sides.1).nearest(&ratios).unwrap().to_string(), nearest);
        }
        assert_eq!(Ratio::parse("16:9").unwrap().sides(1600), (1600, 900));
        for wrong in ["", "16", "0:1", "a:b", "1:2:3", "-1:2"] {
            assert!(Ratio::parse(wrong).is_err(), "{wrong}");
        }
    }
}
