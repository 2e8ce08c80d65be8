//! How a wish for a size becomes what a model takes: the nearest thing, and a line that says so.

use serde_json::{Map, Value, json};

use crate::Tool;
use crate::picture::{Ratio, Shape};

/// Which sizes a model makes, and the fields that ask for them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase", deny_unknown_fields)]
pub enum SizeRule {
    /// `width` and `height` once `selector` says `custom`; else one of the ratios.
    Custom {
        /// The field that has to say `custom`.
        selector: String,
        /// The shortest side, in pixels.
        least: u32,
        /// The longest side, in pixels.
        most: u32,
        /// Sides are multiples of this.
        step: u32,
        /// The ratios that `aspect_ratio` knows.
        ratios: Vec<Ratio>,
        /// The words that the selector knows besides.
        #[serde(default)]
        words: Vec<String>,
        /// What is sent when the call asks for no size.
        usual: Map<String, Value>,
        /// The size that `usual` gives, if it is certain.
        #[serde(default)]
        usual_sides: Option<(u32, u32)>,
    },
    /// One of these ratios in `aspect_ratio`.
    Ratios {
        /// The ratios.
        ratios: Vec<Ratio>,
        /// What is sent when the call asks for no size.
        usual: Map<String, Value>,
    },
    /// One of these sizes in `size`; the first is the usual one.
    Fixed {
        /// Such as `1024x1024`.
        sizes: Vec<String>,
    },
    /// Any size in `size`, within bounds.
    Grid {
        /// Sides are multiples of this.
        step: u32,
        /// The longest side, in pixels.
        longest: u32,
        /// How many times longer one side may be.
        steepest: u32,
        /// The fewest pixels.
        fewest: u64,
        /// The most pixels.
        most_pixels: u64,
    },
    /// A ratio and a word for the longer side.
    Tiers {
        /// From the smallest to the largest; may be empty.
        words: Vec<String>,
        /// The ratios.
        ratios: Vec<Ratio>,
    },
    /// Whatever the call says is sent.
    Free,
}

/// A wish for a size, as a model takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    /// The fields of the request.
    pub fields: Map<String, Value>,
    /// The size that will come, where it is certain.
    pub sides: Option<(u32, u32)>,
    /// The word for the longer side, by which prices may go.
    pub word: Option<String>,
}

impl SizeRule {
    /// The rule, if it can be followed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn checked(self) -> Result<Self, String> {
        let wrong = match &self {
            Self::Custom { least, most, step, .. } if *least == 0 || least > most || *step == 0 => {
                Some("`least`, `most` and `step` must be above 0, and `least` at most `most`")
            }
            Self::Custom { ratios, .. } | Self::Ratios { ratios, .. } | Self::Tiers { ratios, .. }
                if ratios.is_empty() =>
            {
                Some("`ratios` is empty")
            }
            Self::Fixed { sizes }
                if sizes.iter().filter_map(|size| sides_of(size)).count() != sizes.len() =>
            {
                Some("`sizes` must be of the form 1024x1024")
            }
            Self::Fixed { sizes } if sizes.is_empty() => Some("`sizes` is empty"),
            Self::Grid { step, longest, steepest, fewest, most_pixels }
                if *step == 0 || *steepest == 0 || longest < step || fewest > most_pixels =>
            {
                Some("`step` and `steepest` must be above 0, and `fewest` at most `most_pixels`")
            }
            Self::Custom { .. }
            | Self::Ratios { .. }
            | Self::Fixed { .. }
            | Self::Grid { .. }
            | Self::Tiers { .. }
            | Self::Free => None,
        };
        wrong.map_or(Ok(self), |wrong| Err(wrong.to_owned()))
    }

    /// The rule of a model that is not in the table.
    pub(super) fn guessed(provider: Tool) -> Self {
        let ratios = |texts: &[&str]| texts.iter().filter_map(|text| Ratio::parse(text).ok()).collect();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match provider {
            Tool::OpenAi | Tool::Replicate => Self::Free,
            Tool::Google => Self::Tiers {
                words: words(&["1K", "2K"]),
                ratios: ratios(&["1:1", "3:4", "4:3", "9:16", "16:9"]),
            },
            Tool::Gemini => Self::Tiers {
                words: words(&["1K", "2K", "4K"]),
                ratios: ratios(&["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]),
            },
        }
    }

    /// The nearest thing to `shape` that the model makes; what differs goes to `notes`.
    #[must_use]
    pub fn fit(&self, shape: &Shape, notes: &mut Vec<String>) -> Fitted {
        match self {
            Self::Custom { .. } => self.custom(shape, notes),
            Self::Ratios { ratios, usual } => {
                let mut fitted = Fitted { fields: usual.clone(), ..Fitted::default() };
                fitted.ratio(shape, ratios, "aspect_ratio", notes);
                if let Some(word) = shape.word.as_ref().filter(|word| *word != "auto") {
                    notes.push(format!("ignored: size {word}, because the model takes only a ratio"));
                }
                fitted
            }
            Self::Fixed { sizes } => fixed(sizes, shape, notes),
            Self::Grid { .. } => self.grid(shape, notes),
            Self::Tiers { words, ratios } => tiers(words, ratios, shape, notes),
            Self::Free => free(shape),
        }
    }

    fn custom(&self, shape: &Shape, notes: &mut Vec<String>) -> Fitted {
        let Self::Custom { selector, least, most, step, ratios, words, usual, usual_sides } = self else {
            return Fitted::default();
        };
        let mut fitted = Fitted { fields: usual.clone(), ..Fitted::default() };
        let Some((width, height)) = shape.sides else {
            fitted.sides = usual_sides.filter(|_| shape.ratio.is_none());
            fitted.ratio(shape, ratios, "aspect_ratio", notes);
            fitted.word(shape, words, selector, notes);
            return fitted;
        };
        if *usual_sides == Some((width, height)) {
            fitted.sides = *usual_sides;
            return fitted;
        }
        let (width, height) = within((width, height), *least, *most);
        let snap = |side: u32| {
            ((side + step / 2) / step * step).clamp(least.div_ceil(*step) * step, most / step * step)
        };
        let sides = (snap(width), snap(height));
        let steps = if *step > 1 { format!(", in steps of {step}") } else { String::new() };
        note_sides(shape, sides, &format!("the model takes {least} to {most} pixels a side{steps}"), notes);
        fitted.fields = Map::from_iter([
            (selector.clone(), json!("custom")),
            ("width".to_owned(), json!(sides.0)),
            ("height".to_owned(), json!(sides.1)),
        ]);
        fitted.sides = Some(sides);
        fitted
    }

    fn grid(&self, shape: &Shape, notes: &mut Vec<String>) -> Fitted {
        let Self::Grid { step, longest, steepest, fewest, most_pixels } = *self else {
            return Fitted::default();
        };
        if shape.word.as_deref() == Some("auto") {
            return Fitted { fields: size_field("auto"), ..Fitted::default() };
        }
        let longer = shape.longer().unwrap_or(1024);
        let asked = shape.sides.or_else(|| shape.ratio.map(|ratio| ratio.sides(longer)));
        let (width, height) = asked.unwrap_or((longer, longer));
        let (width, height) = (width.clamp(1, 100_000), height.clamp(1, 100_000));
        // The steepest ratio first, then the area, then the longest side, then the step.
        let width = width.min(height.saturating_mul(steepest));
        let height = height.min(width.saturating_mul(steepest));
        let area = f64::from(width) * f64::from(height);
        #[expect(clippy::cast_precision_loss, reason = "pixel counts are far below 2^53")]
        let wanted = area.clamp(fewest as f64, most_pixels as f64);
        let longer = f64::from(width.max(height));
        let factor = (wanted / area).sqrt().min(f64::from(longest) / longer);
        let grows = factor > 1.0;
        let snap = |side: u32| {
            let steps = f64::from(side) * factor / f64::from(step);
            let steps = if grows {
                steps.ceil()
            } else if factor < 1.0 {
                steps.floor()
            } else {
                steps.round()
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most 100000 pixels"
            )]
            let steps = steps as u32;
            (steps * step).clamp(step, longest / step * step)
        };
        let sides = (snap(width), snap(height));
        let why =
            format!("sides are multiples of {step}, at most {longest}, and {fewest} to {most_pixels} pixels");
        note_sides(shape, sides, &why, notes);
        Fitted { fields: size_field(&format!("{}x{}", sides.0, sides.1)), sides: Some(sides), word: None }
    }
}

impl Fitted {
    /// Asks for the nearest ratio, where the call asks for any.
    fn ratio(&mut self, shape: &Shape, ratios: &[Ratio], field: &str, notes: &mut Vec<String>) {
        let Some(asked) = shape.ratio() else { return };
        let Some(nearest) = asked.nearest(ratios) else { return };
        if !asked.equals(nearest) {
            notes.push(format!(
                "adjusted: aspect ratio {asked} -> {nearest}, the nearest that the model takes"
            ));
        }
        self.fields.insert(field.to_owned(), json!(nearest.to_string()));
    }

    /// Asks for the word, where the model knows it.
    fn word(&mut self, shape: &Shape, words: &[String], field: &str, notes: &mut Vec<String>) {
        let Some(word) = shape.word.as_ref().filter(|word| *word != "auto") else { return };
        match words.iter().find(|known| known.eq_ignore_ascii_case(word)) {
            Some(known) => {
                self.fields.insert(field.to_owned(), json!(known));
                self.word = Some(known.clone());
            }
            None => notes.push(format!("ignored: size {word}, because the model does not know it")),
        }
    }
}

fn size_field(size: &str) -> Map<String, Value> {
    Map::from_iter([("size".to_owned(), json!(size))])
}

fn sides_of(size: &str) -> Option<(u32, u32)> {
    let (width, height) = size.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// Both sides within bounds, the ratio kept where it can be.
fn within((width, height): (u32, u32), least: u32, most: u32) -> (u32, u32) {
    let (shorter, longer) = (width.min(height).max(1), width.max(height).max(1));
    let (over, under) = if longer > most {
        (most, longer)
    } else if shorter < least {
        (least, shorter)
    } else {
        (1, 1)
    };
    let scale = |side: u32| {
        let scaled = (u64::from(side.max(1)) * u64::from(over) + u64::from(under) / 2) / u64::from(under);
        u32::try_from(scaled).unwrap_or(u32::MAX).clamp(least, most)
    };
    (scale(width), scale(height))
}

fn note_sides(shape: &Shape, sides: (u32, u32), why: &str, notes: &mut Vec<String>) {
    if shape.sides.is_some_and(|asked| asked != sides) {
        notes.push(format!("adjusted: size {} -> {}x{}, because {why}", shape.told(), sides.0, sides.1));
    }
}

fn fixed(sizes: &[String], shape: &Shape, notes: &mut Vec<String>) -> Fitted {
    if shape.word.as_deref() == Some("auto") {
        return Fitted { fields: size_field("auto"), ..Fitted::default() };
    }
    let known: Vec<_> = sizes.iter().filter_map(|size| sides_of(size)).collect();
    let ratios: Vec<_> = known.iter().map(|(width, height)| Ratio::of(*width, *height)).collect();
    let nearest = shape.ratio().and_then(|ratio| ratio.nearest(&ratios));
    let place = ratios.iter().position(|ratio| Some(*ratio) == nearest).unwrap_or(0);
    let Some(&sides) = known.get(place) else { return Fitted::default() };
    let size = format!("{}x{}", sides.0, sides.1);
    let same = shape.sides == Some(sides) || shape.told().is_empty();
    if !same {
        notes.push(format!("adjusted: size {} -> {size}, the nearest that the model makes", shape.told()));
    }
    Fitted { fields: size_field(&size), sides: Some(sides), word: None }
}

fn tiers(words: &[String], ratios: &[Ratio], shape: &Shape, notes: &mut Vec<String>) -> Fitted {
    let mut fitted = Fitted::default();
    fitted.ratio(shape, ratios, "aspectRatio", notes);
    let Some(longer) = shape.longer() else { return fitted };
    let pixels = |word: &String| {
        let known = Shape { word: Some(word.clone()), ..Shape::default() };
        known.longer().unwrap_or(0)
    };
    let enough = words.iter().find(|word| pixels(word) >= longer).or(words.last());
    match (enough, &shape.word) {
        (Some(word), asked) => {
            if let Some(asked) = asked.as_ref().filter(|asked| !asked.eq_ignore_ascii_case(word)) {
                notes.push(format!("adjusted: size {asked} -> {word}, the nearest that the model makes"));
            }
            fitted.fields.insert("imageSize".to_owned(), json!(word));
            fitted.word = Some(word.clone());
        }
        (None, Some(asked)) => {
            notes.push(format!("ignored: size {asked}, because the model makes only one size"));
        }
        (None, None) => {}
    }
    fitted
}

/// A model of which nothing is known gets the size as the call gives it.
fn free(shape: &Shape) -> Fitted {
    let told =
        shape.sides.map_or_else(|| shape.word.clone(), |(width, height)| Some(format!("{width}x{height}")));
    let size = told.unwrap_or_else(|| {
        shape.ratio.map_or_else(
            || "1024x1024".to_owned(),
            |ratio| {
                let (width, height) = ratio.sides(1024);
                format!("{width}x{height}")
            },
        )
    });
    Fitted { fields: size_field(&size), sides: shape.sides, word: None }
}

#[cfg(test)]
mod tests;
