//! Reads the table of models, and the operator's file over it.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Catalogue, Day, Fields, Known, Model, Price, SizeRule};
use crate::Tool;
use crate::picture::Format;

const BUILT_IN: &str = include_str!("models.json");
const BUILT_IN_NAME: &str = "the built-in table of models";

/// A table of models that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("`{file}` (IMAGEGEN_MODELS) cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's words.
        reason: String,
    },
    /// The file is no table of models.
    #[error("{file}:{line}:{column}: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A model lacks something once both tables are put together.
    #[error("{file}: model `{id}`: {reason}")]
    Incomplete {
        /// The file.
        file: String,
        /// The model.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    as_of: Option<Day>,
    /// Only checked here: what files write is put together before it becomes a model.
    #[serde(rename = "models")]
    _models: Vec<RawModel>,
}

/// A model as files write it. All but its name may be absent: then the built-in table's stays, or a usual value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    provider: Tool,
    id: String,
    label: Option<String>,
    retired: Option<Day>,
    replacement: Option<String>,
    notice: Option<String>,
    size: Option<SizeRule>,
    formats: Option<Vec<Format>>,
    qualities: Option<Vec<String>>,
    backgrounds: Option<Vec<String>>,
    inputs: Option<usize>,
    pictures: Option<u8>,
    price: Option<Price>,
    fields: Option<Fields>,
    constants: Option<Map<String, Value>>,
}

impl Catalogue {
    /// The built-in table.
    ///
    /// # Errors
    /// The table is broken, which a test rules out.
    pub fn built_in() -> Result<Self, CatalogueError> {
        Self::merged(None)
    }

    /// The built-in table with the models of `file` over it, member by member.
    ///
    /// # Errors
    /// The file cannot be read or is no table of models; the error says where.
    pub fn with_file(file: &Path) -> Result<Self, CatalogueError> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| CatalogueError::Unreadable { file: name.clone(), reason: error.to_string() })?;
        Self::merged(Some((&name, &text)))
    }

    /// Puts the tables together.
    pub(super) fn merged(over: Option<(&str, &str)>) -> Result<Self, CatalogueError> {
        let base = read(BUILT_IN_NAME, BUILT_IN)?;
        let mut as_of = base.as_of;
        let mut members = values(BUILT_IN)?;
        let file = over.map_or(BUILT_IN_NAME, |(file, _)| file);
        if let Some((file, text)) = over {
            let table = read(file, text)?;
            as_of = table.as_of.or(as_of);
            for changed in values(text)? {
                let place = members.iter_mut().find(|model| same(model, &changed));
                match (place, changed) {
                    (Some(Value::Object(model)), Value::Object(changed)) => model.extend(changed),
                    (_, changed) => members.push(changed),
                }
            }
        }
        let models = members.into_iter().map(|value| finished(file, value).map(Arc::new));
        Ok(Self {
            as_of: as_of.map(|day| day.as_str().to_owned()).unwrap_or_default(),
            models: models.collect::<Result<_, _>>()?,
        })
    }
}

/// Checks a whole table, so that a mistake is told with its place.
fn read(file: &str, text: &str) -> Result<RawTable, CatalogueError> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let reason = said.split(" at line ").next().unwrap_or_default().to_owned();
        CatalogueError::Wrong { file: file.to_owned(), line: error.line(), column: error.column(), reason }
    })
}

/// The models of a table that was checked, as they are written.
fn values(text: &str) -> Result<Vec<Value>, CatalogueError> {
    let mut table: Value = serde_json::from_str(text).map_err(|error| CatalogueError::Wrong {
        file: BUILT_IN_NAME.to_owned(),
        line: error.line(),
        column: error.column(),
        reason: error.to_string(),
    })?;
    Ok(table.get_mut("models").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
}

fn same(one: &Value, other: &Value) -> bool {
    ["provider", "id"].iter().all(|name| one.get(name) == other.get(name))
}

fn finished(file: &str, value: Value) -> Result<Model, CatalogueError> {
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wrong = |reason: String| CatalogueError::Incomplete { file: file.to_owned(), id: id.clone(), reason };
    let raw: RawModel = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    if raw.id.is_empty() {
        return Err(wrong("the id is empty".to_owned()));
    }
    let guess = Model::guessed(raw.provider, &raw.id);
    let gone = raw.retired.is_some();
    let size = match raw.size {
        Some(size) => size.checked().map_err(wrong)?,
        None if gone || raw.provider != Tool::Replicate => guess.size,
        None => {
            return Err(wrong(
                "`size` is missing; give a rule such as { \"rule\": \"ratios\", … }".to_owned(),
            ));
        }
    };
    Ok(Model {
        size,
        label: raw.label,
        retired: raw.retired,
        replacement: raw.replacement,
        notice: raw.notice,
        formats: raw.formats.unwrap_or_default(),
        qualities: raw.qualities.unwrap_or_default(),
        backgrounds: raw.backgrounds.unwrap_or_default(),
        inputs: raw.inputs.unwrap_or(0),
        pictures: raw.pictures.unwrap_or(1).clamp(1, crate::tool::MOST_PICTURES),
        price: raw.price.unwrap_or_default(),
        fields: raw.fields.unwrap_or_default(),
        constants: raw.constants.unwrap_or_default(),
        known: Known::Listed,
        ..guess
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Usd;

    fn merged(text: &str) -> Result<Catalogue, String> {
        Catalogue::merged(Some(("mine.json", text))).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_changes_members_and_adds_models() {
        let catalogue = merged(
            r#"{ "as_of": "2027-01-01", "models": [
              { "provider": "openai", "id": "gpt-image-1", "retired": null, "price": { "image": 0.5 } },
              { "provider": "openai", "id": "mine" } ] }"#,
        )
        .unwrap();
        assert_eq!(catalogue.as_of, "2027-01-01");
        let changed = catalogue.model(Tool::OpenAi, "gpt-image-1");
        assert_eq!((&changed.retired, changed.price.image), (&None, Some(Usd::from_micros(500_000))));
        assert_eq!(changed.inputs, 16, "what the file does not name stays");
        assert_eq!(catalogue.model(Tool::OpenAi, "mine").known, Known::Listed);
        assert_eq!(catalogue.model(Tool::Gemini, "mine").known, Known::Guessed);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, said) in [
            ("{", "mine.json:1:1: EOF while parsing an object"),
            ("{\n \"modles\": [] }", "mine.json:2:9: unknown field `modles`"),
            (
                "{ \"models\": [\n{ \"provider\": \"openai\", \"id\": \"x\", \"retired\": \"soon\" } ] }",
                "mine.json:2:",
            ),
            (r#"{ "models": [ { "provider": "other", "id": "x" } ] }"#, "unknown variant `other`"),
            (
                r#"{ "models": [ { "provider": "replicate", "id": "a/b" } ] }"#,
                "model `a/b`: `size` is missing",
            ),
            (
                r#"{ "models": [ { "provider": "openai", "id": "x", "price": { "image": -1 } } ] }"#,
                "an amount in",
            ),
            (
                r#"{ "models": [ { "provider": "gemini", "id": "x", "size": { "rule": "tiers", "words": [], "ratios": [] } } ] }"#,
                "`ratios` is empty",
            ),
        ] {
            let error = merged(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let absent = Catalogue::with_file(Path::new("/nowhere/models.json")).unwrap_err();
        assert!(absent.to_string().contains("IMAGEGEN_MODELS"), "{absent}");
    }
}
