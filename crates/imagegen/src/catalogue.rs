//! The table of models: what each takes, costs and how long it lives. It is data: the built-in table is a file, and
//! the operator's file changes it model by model.

mod price;
mod reading;
mod sizing;

use std::sync::Arc;

use serde_json::Map;

pub use price::{Price, TokenPrices};
pub use reading::CatalogueError;
pub use sizing::{Fitted, SizeRule};

use crate::Tool;
use crate::failure::Failure;
use crate::picture::Format;

/// All known models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// The date of the table, such as `2026-11-22`.
    pub as_of: String,
    models: Vec<Arc<Model>>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The tool that reaches it.
    pub provider: Tool,
    /// The vendor's name of it.
    pub id: String,
    /// Its name for people.
    pub label: Option<String>,
    /// The day from which it is gone.
    pub retired: Option<Day>,
    /// The model to use instead.
    pub replacement: Option<String>,
    /// What else is to be known of it.
    pub notice: Option<String>,
    /// Which sizes it makes.
    pub size: SizeRule,
    /// The file formats it can be asked for; empty where it cannot be asked.
    pub formats: Vec<Format>,
    /// Its words for quality; empty where it has none.
    pub qualities: Vec<String>,
    /// Its words for the background; empty where it has none.
    pub backgrounds: Vec<String>,
    /// How many pictures it starts from at most; 0 where it only takes text.
    pub inputs: usize,
    /// How many pictures one request gives at most.
    pub pictures: u8,
    /// What a picture costs.
    pub price: Price,
    /// The names of its own fields, on Replicate.
    pub fields: Fields,
    /// What each request says besides, on Replicate.
    pub constants: Map<String, serde_json::Value>,
    /// Whether the table knows the model.
    pub known: Known,
}

/// Whether the facts about a model are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is in the table.
    Listed,
    /// It is not; the facts are a guess from its provider's other models.
    Guessed,
}

/// The names of a Replicate model's own input fields; absent where it has no such field.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// For the file format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// For the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// For what not to draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// For one picture to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// For a list of pictures to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
}

/// A day, month or year: `2026-10-23`, `2026-05`, `2026`. A month or year counts from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Day(String);

impl Day {
    /// Reads a date.
    ///
    /// # Errors
    /// The text is no date, month or year; the error is the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let date: Result<jiff::civil::Date, _> = whole.parse();
        match date {
            Ok(_) if whole.len() == 10 => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(format!("`{text}` is no date such as 2026-10-23")),
        }
    }

    /// The day of this moment, in UTC.
    #[must_use]
    pub fn of(now: std::time::SystemTime) -> Self {
        let stamp = jiff::Timestamp::try_from(now).unwrap_or_default();
        Self(stamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl Catalogue {
    /// The model of this name, or a guess at one that the table does not know.
    #[must_use]
    pub fn model(&self, tool: Tool, id: &str) -> Arc<Model> {
        // A version does not change what a model takes.
        let name = id.split_once(':').map_or(id, |(name, _)| name);
        let listed = self.models.iter().find(|model| model.provider == tool && model.id == name);
        listed.cloned().unwrap_or_else(|| Arc::new(Model::guessed(tool, id)))
    }

    /// All models of the table.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().map(Arc::as_ref)
    }
}

impl Model {
    /// Refuses a model that is gone on this day.
    ///
    /// # Errors
    /// It is gone; the error names the replacement.
    pub fn check_alive(&self, today: &Day) -> Result<(), Failure> {
        let Some(gone) = self.retired.as_ref().filter(|gone| *gone <= today) else { return Ok(()) };
        let advice = match &self.replacement {
            Some(other) => format!("call again with model `{other}`."),
            None => "call again with another model; image.models.list knows them.".to_owned(),
        };
        Err(Failure::new(
            format!("{}: model `{}` was shut down ({}).", self.provider.vendor(), self.id, gone.as_str()),
            "model_retired (nothing was sent)",
            advice,
        ))
    }

    /// What a caller should know of a model that still works.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let other = self.replacement.as_ref().map_or_else(String::new, |id| format!("; use `{id}`"));
        let end = self.retired.as_ref().map(|day| format!("ends on {}", day.as_str()));
        let said = end.or_else(|| self.notice.clone().filter(|_| self.replacement.is_some()))?;
        Some(format!("note: model `{}` is {said}{other}", self.id).replace(" is ends", " ends"))
    }

    /// A model that the table does not know, taken to be like the provider's newest.
    fn guessed(provider: Tool, id: &str) -> Self {
        let formats = match provider {
            Tool::OpenAi => vec![Format::Png, Format::Jpeg, Format::WebP],
            Tool::Google => vec![Format::Png, Format::Jpeg],
            Tool::Gemini | Tool::Replicate => Vec::new(),
        };
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            provider,
            id: id.to_owned(),
            label: None,
            retired: None,
            replacement: None,
            notice: None,
            size: SizeRule::guessed(provider),
            formats,
            qualities: words(match provider {
                Tool::OpenAi => &["auto", "low", "medium", "high", "xhigh", "max"],
                Tool::Google | Tool::Gemini | Tool::Replicate => &[],
            }),
            backgrounds: words(match provider {
                Tool::OpenAi => &["auto", "opaque", "transparent"],
                Tool::Google | Tool::Gemini | Tool::Replicate => &[],
            }),
            inputs: crate::tool::MOST_IMAGES,
            pictures: match provider {
                Tool::OpenAi => 10,
                Tool::Google => 4,
                Tool::Gemini | Tool::Replicate => 1,
            },
            price: Price::default(),
            fields: Fields::default(),
            constants: Map::new(),
            known: Known::Guessed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_defaults_of_all_tools_are_listed_and_live_beyond_the_year() {
        let catalogue = Catalogue::built_in().unwrap();
        let day = Day::parse("2026-12-31").unwrap();
        for tool in Tool::ALL.into_iter().filter(|tool| !tool.default_model().is_empty()) {
            let model = catalogue.model(tool, tool.default_model());
            assert_eq!(model.known, Known::Listed, "{tool:?}");
            assert_eq!(model.check_alive(&day), Ok(()), "{tool:?}");
            assert_eq!(model.warning(), None, "{tool:?}");
            assert!(model.price.usual_estimate().is_some(), "{tool:?}");
        }
    }

    #[test]
    fn a_model_is_gone_from_its_day_on_and_names_its_replacement() {
        let catalogue = Catalogue::built_in().unwrap();
        let model = catalogue.model(Tool::OpenAi, "gpt-image-1.5");
        assert_eq!(model.check_alive(&Day::parse("2026-11-30").unwrap()), Ok(()));
        assert_eq!(
            model.warning().unwrap(),
            "note: model `gpt-image-1.5` ends on 2026-12-01; use `gpt-image-2`"
        );
        let gone = model.check_alive(&Day::parse("2026-12-01").unwrap()).unwrap_err();
        assert!(gone.text(&crate::secret::Secrets::default()).contains("gpt-image-2"));
        for (tool, id) in [
            (Tool::OpenAi, "dall-e-3"),
            (Tool::OpenAi, "gpt-image-1"),
            (Tool::Gemini, "gemini-2.5-flash-image-preview"),
        ] {
            assert!(
                catalogue.model(tool, id).check_alive(&Day::parse("2026-11-22").unwrap()).is_err(),
                "{id}"
            );
        }
    }

    #[test]
    fn every_replacement_is_a_listed_model_that_stays() {
        let catalogue = Catalogue::built_in().unwrap();
        for model in catalogue.models() {
            let Some(other) = &model.replacement else { continue };
            let other = catalogue.model(model.provider, other);
            assert_eq!((other.known, &other.retired), (Known::Listed, &None), "{}", model.id);
        }
    }

    #[test]
    fn a_version_is_the_same_model_and_an_unknown_one_is_a_guess() {
        let catalogue = Catalogue::built_in().unwrap();
        assert_eq!(catalogue.model(Tool::Replicate, "qwen/qwen-image:abc").known, Known::Listed);
        assert_eq!(catalogue.model(Tool::Replicate, "a/b").known, Known::Guessed);
        assert_eq!(catalogue.model(Tool::Gemini, "gpt-image-2").known, Known::Guessed);
    }

    #[test]
    fn days_compare_as_time_does() {
        let day = |text| Day::parse(text).unwrap();
        assert!(day("2026") <= day("2026-05-01") && day("2026-05") <= day("2026-05-01"));
        assert!(day("2026-05") > day("2026-04-30") && day("2026-12-01") > day("2026-11-30"));
        assert_eq!(
            Day::of(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600)).as_str(),
            "2026-11-22"
        );
        for wrong in ["", "26", "2026-13", "2026-1-1", "soon", "2026-02-30"] {
            assert!(Day::parse(wrong).is_err(), "{wrong}");
        }
    }
}
