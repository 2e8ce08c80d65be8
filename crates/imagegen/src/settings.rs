//! What the environment says: who makes the pictures, with which keys and addresses, where they go, and what may be
//! spent. Nothing else in this crate reads the environment.

mod addresses;
mod variables;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use addresses::{Addresses, Endpoint, HostPort};
pub use variables::{Origin, Variables};

use crate::catalogue::{Catalogue, CatalogueError};
use crate::money::{Bounds, Usd};
use crate::secret::{Secret, Secrets};
use crate::tool::{Naming, Tool};

const PROVIDER: &str = "IMAGEGEN_PROVIDER";
const OUTPUT_DIR: &str = "OUTPUT_DIR";
const TOOL_NAMES: &str = "IMAGEGEN_TOOL_NAMES";
const TIMEOUT: &str = "IMAGEGEN_TIMEOUT";
const PARTIAL_IMAGES: &str = "OPENAI_PARTIAL_IMAGES";
const COST_PER_CALL: &str = "IMAGEGEN_MAX_COST_PER_CALL";
const COST: &str = "IMAGEGEN_MAX_COST";
const VERTEX: &str = "GOOGLE_GENAI_USE_VERTEXAI";
const MODELS: &str = "IMAGEGEN_MODELS";

/// How long a call may take when the environment does not say.
const USUAL_PATIENCE: Duration = Duration::from_secs(300);

/// Who makes the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Each tool asks its own vendor.
    #[default]
    Vendors,
    /// Every tool draws locally: free, without a key, the same picture for the same prompt and seed.
    Placeholder,
}

/// The settings of one server process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who makes the pictures. Default: each tool's vendor.
    pub provider: Provider,
    /// Where pictures are saved. Default: `outputs` under the working directory.
    pub output_dir: PathBuf,
    /// How tools are named. Default: with dots.
    pub naming: Naming,
    /// How long a call may take. Default: 300 s.
    pub patience: Duration,
    /// What may be spent. Default: no bounds.
    pub bounds: Bounds,
    /// How many unfinished pictures OpenAI is asked for when the caller wants progress; 0 to 3. Default: 1.
    pub partial_images: u8,
    /// The vendors' addresses.
    pub addresses: Addresses,
    /// OpenAI's organization and project, sent as headers.
    pub openai_account: OpenAiAccount,
    /// What is known of models.
    pub catalogue: Arc<Catalogue>,
    /// What is set but has no effect here, for people.
    pub without_effect: Vec<&'static str>,
    models: Vec<(Tool, String)>,
    keys: Vec<(&'static str, Secret)>,
}

/// The organization and project that OpenAI bills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAiAccount {
    /// `OPENAI_ORG_ID`.
    pub organization: Option<String>,
    /// `OPENAI_PROJECT_ID`.
    pub project: Option<String>,
}

/// A variable that cannot be used; the server does not start with one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The value names no provider.
    #[error("the variable `{PROVIDER}` is `{0}`; set it to `placeholder` or leave it unset")]
    UnknownProvider(String),
    /// The value is not text.
    #[error("the variable `{0}` is not valid UTF-8; set it to plain text or leave it unset")]
    NotText(&'static str),
    /// The value is not what the variable takes.
    #[error("the variable `{name}` is `{value}`, but must be {expected}")]
    Unusable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// An address from the file would receive a key from elsewhere.
    #[error(
        "`{address}` comes from the file .env, but `{key}` from the environment: a key is sent only to an address \
         that was set in the same place; set both in one of them"
    )]
    ForeignAddress {
        /// The variable that holds the address.
        address: &'static str,
        /// The variable that holds the key.
        key: &'static str,
    },
    /// The file `.env` cannot be read.
    #[error("the file .env cannot be used: {0}")]
    DotEnv(String),
    /// The table of models cannot be used.
    #[error(transparent)]
    Models(#[from] CatalogueError),
}

impl Settings {
    /// Reads the process's environment, and `.env` in the working directory for what the environment leaves unset.
    ///
    /// # Errors
    /// A variable that is set to something unusable, or a file that cannot be read.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(&Variables::of_process()?)
    }

    /// Reads variables through `lookup`. An empty value counts as unset.
    ///
    /// # Errors
    /// A variable that is set to something unusable.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        Self::from_variables(&Variables::new(lookup, Vec::new()))
    }

    /// Reads variables.
    ///
    /// # Errors
    /// A variable that is set to something unusable.
    pub fn from_variables(variables: &Variables<'_>) -> Result<Self, SettingsError> {
        let catalogue = match variables.path(MODELS) {
            Some(file) => Catalogue::with_file(&file)?,
            None => Catalogue::built_in()?,
        };
        let mut settings = Self {
            provider: provider(variables)?,
            output_dir: variables.path(OUTPUT_DIR).unwrap_or_else(|| PathBuf::from("outputs")),
            naming: naming(variables)?,
            patience: number(variables, TIMEOUT, 1..=3600, "a number of seconds from 1 to 3600")?
                .map_or(USUAL_PATIENCE, |seconds| Duration::from_secs(u64::from(seconds))),
            bounds: Bounds { call: amount(variables, COST_PER_CALL)?, process: amount(variables, COST)? },
            partial_images: number(variables, PARTIAL_IMAGES, 0..=3, "a number from 0 to 3")?
                .and_then(|count| u8::try_from(count).ok())
                .unwrap_or(1),
            addresses: Addresses::read(variables)?,
            openai_account: OpenAiAccount {
                organization: variables.text("OPENAI_ORG_ID")?,
                project: variables.text("OPENAI_PROJECT_ID")?,
            },
            catalogue: Arc::new(catalogue),
            without_effect: without_effect(variables)?,
            models: Vec::new(),
            keys: Vec::new(),
        };
        for tool in Tool::ALL {
            if let Some(variable) = tool.model_variable()
                && let Some(model) = variables.text(variable)?
            {
                settings.models.push((tool, model));
            }
            let variable = tool.key_variable();
            if let Some(key) = variables.text(variable)? {
                settings.keys.push((variable, Secret::new(&key)));
            }
        }
        Ok(settings)
    }

    /// The model that `tool` names when a call names none: the environment's, else the tool's own.
    #[must_use]
    pub fn default_model(&self, tool: Tool) -> &str {
        let set = self.models.iter().find(|(of, _)| *of == tool);
        set.map_or_else(|| tool.default_model(), |(_, model)| model)
    }

    /// The key of the tool's vendor, if one is set.
    #[must_use]
    pub fn key(&self, tool: Tool) -> Option<&Secret> {
        self.keys.iter().find(|(variable, _)| *variable == tool.key_variable()).map(|(_, key)| key)
    }

    /// All keys, to be kept out of what is told.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        self.keys.iter().for_each(|(_, key)| secrets.add(key));
        secrets
    }
}

fn provider(variables: &Variables<'_>) -> Result<Provider, SettingsError> {
    match variables.text(PROVIDER)? {
        None => Ok(Provider::default()),
        Some(word) if word == "placeholder" => Ok(Provider::Placeholder),
        Some(word) => Err(SettingsError::UnknownProvider(word)),
    }
}

fn naming(variables: &Variables<'_>) -> Result<Naming, SettingsError> {
    match variables.text(TOOL_NAMES)? {
        None => Ok(Naming::default()),
        Some(word) if word == "dots" => Ok(Naming::Dots),
        Some(word) if word == "underscore" => Ok(Naming::Underscores),
        Some(value) => {
            Err(SettingsError::Unusable { name: TOOL_NAMES, value, expected: "`underscore` or `dots`" })
        }
    }
}

/// Variables that other clients of the vendors heed.
fn without_effect(variables: &Variables<'_>) -> Result<Vec<&'static str>, SettingsError> {
    let vertex = variables.text(VERTEX)?.is_some_and(|value| matches!(value.as_str(), "true" | "True" | "1"));
    let said = "GOOGLE_GENAI_USE_VERTEXAI has no effect: set GOOGLE_IMAGEN_ENDPOINT to the address of a model on \
                Vertex that ends with :predict or :generateContent, and use image.generate.google";
    Ok(vertex.then_some(said).into_iter().collect())
}

fn number(
    variables: &Variables<'_>,
    name: &'static str,
    range: std::ops::RangeInclusive<u32>,
    expected: &'static str,
) -> Result<Option<u32>, SettingsError> {
    let Some(value) = variables.text(name)? else { return Ok(None) };
    let number = value.trim().parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or(SettingsError::Unusable { name, value, expected })
}

fn amount(variables: &Variables<'_>, name: &'static str) -> Result<Option<Usd>, SettingsError> {
    let Some(value) = variables.text(name)? else { return Ok(None) };
    let expected = "a number of US dollars such as 0.25";
    Usd::parse(&value).map(Some).map_err(|_| SettingsError::Unusable { name, value, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn nothing_set_means_the_defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.provider, Provider::Vendors);
        assert_eq!(settings.default_model(Tool::Replicate), "black-forest-labs/flux-1.1-pro");
        assert_eq!(settings.default_model(Tool::Google), "");
        assert_eq!((settings.naming, settings.patience), (Naming::Dots, Duration::from_secs(300)));
        assert_eq!((settings.bounds, settings.partial_images), (Bounds::default(), 1));
        assert_eq!(settings.key(Tool::OpenAi), None);
        assert_eq!(read(&[("IMAGEGEN_PROVIDER", ""), ("OUTPUT_DIR", "")]).unwrap(), settings);
    }

    #[test]
    fn each_variable_is_read() {
        let settings = read(&[
            ("IMAGEGEN_PROVIDER", "placeholder"),
            ("OUTPUT_DIR", "/pictures"),
            ("OPENAI_IMAGE_MODEL", "a"),
            ("GOOGLE_IMAGE_MODEL", "b"),
            ("REPLICATE_MODEL", "c/d"),
            ("IMAGEGEN_TOOL_NAMES", "underscore"),
            ("IMAGEGEN_TIMEOUT", "60"),
            ("IMAGEGEN_MAX_COST_PER_CALL", "0.25"),
            ("IMAGEGEN_MAX_COST", "5"),
            ("OPENAI_PARTIAL_IMAGES", "0"),
            ("OPENAI_ORG_ID", "org"),
            ("GOOGLE_GENAI_USE_VERTEXAI", "true"),
            ("GOOGLE_API_KEY", "canary-google"),
        ])
        .unwrap();
        assert_eq!(settings.provider, Provider::Placeholder);
        assert_eq!(settings.output_dir, PathBuf::from("/pictures"));
        assert_eq!(settings.default_model(Tool::OpenAi), "a");
        assert_eq!(settings.default_model(Tool::Gemini), "b");
        assert_eq!(settings.default_model(Tool::Google), "", "the gemini variable is not the google tool's");
        assert_eq!(settings.default_model(Tool::Replicate), "c/d");
        assert_eq!((settings.naming, settings.patience), (Naming::Underscores, Duration::from_secs(60)));
        assert_eq!(settings.bounds.call, Some(Usd::from_micros(250_000)));
        assert_eq!(settings.bounds.process, Some(Usd::from_micros(5_000_000)));
        assert_eq!(settings.partial_images, 0);
        assert_eq!(settings.openai_account.organization.as_deref(), Some("org"));
        assert!(
            settings.key(Tool::Google).is_some() && settings.key(Tool::Google) == settings.key(Tool::Gemini)
        );
        assert!(settings.key(Tool::Replicate).is_none());
        assert_eq!(settings.without_effect.len(), 1);
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_set() {
        for (name, value, said) in [
            ("IMAGEGEN_PROVIDER", "plackholder", "set it to `placeholder` or leave it unset"),
            ("IMAGEGEN_TOOL_NAMES", "dashes", "must be `underscore` or `dots`"),
            ("IMAGEGEN_TIMEOUT", "0", "from 1 to 3600"),
            ("IMAGEGEN_MAX_COST", "lots", "a number of US dollars"),
            ("OPENAI_PARTIAL_IMAGES", "4", "from 0 to 3"),
            ("OPENAI_BASE_URL", "api.openai.com", "an address that begins with https:// or http://"),
            ("REPLICATE_BASE_URL", "file:///x", "an address that begins with https:// or http://"),
            ("GOOGLE_IMAGEN_ENDPOINT", "https://key:word@x/", "without a user name"),
            ("IMAGEGEN_DELIVERY_HOSTS", "a b", "host names"),
            ("IMAGEGEN_MODELS", "/nowhere", "cannot be read"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(said), "{name}: {error}");
        }
    }
}
