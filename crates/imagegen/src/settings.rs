//! What the environment says: who makes the pictures, where they go, and which model each tool names by default.
//! Nothing else in this crate reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Tool;

const PROVIDER: &str = "IMAGEGEN_PROVIDER";
const OUTPUT_DIR: &str = "OUTPUT_DIR";

/// Who makes the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// Each tool asks its own vendor. This build reaches none of them, so every call is refused.
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
    models: Vec<(Tool, String)>,
}

/// A variable that cannot be used; the server does not start with one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The value names no provider.
    #[error("the variable `{PROVIDER}` is `{0}`; set it to `placeholder` or leave it unset")]
    UnknownProvider(String),
    /// The value is not text.
    #[error("the variable `{0}` is not valid UTF-8; set it to plain text or leave it unset")]
    NotText(&'static str),
}

impl Default for Settings {
    fn default() -> Self {
        Self { provider: Provider::default(), output_dir: PathBuf::from("outputs"), models: Vec::new() }
    }
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// A variable that is set to something unusable.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads variables through `lookup`. An empty value counts as unset.
    ///
    /// # Errors
    /// A variable that is set to something unusable.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let text = |name| {
            let value = set(name).map(OsString::into_string);
            value.transpose().map_err(|_| SettingsError::NotText(name))
        };
        let mut settings = Self::default();
        if let Some(provider) = text(PROVIDER)? {
            settings.provider = match provider.as_str() {
                "placeholder" => Provider::Placeholder,
                _ => return Err(SettingsError::UnknownProvider(provider)),
            };
        }
        if let Some(dir) = set(OUTPUT_DIR) {
            settings.output_dir = PathBuf::from(dir);
        }
        for tool in Tool::ALL {
            if let Some(variable) = tool.model_variable()
                && let Some(model) = text(variable)?
            {
                settings.models.push((tool, model));
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
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.provider, Provider::Vendors);
        assert_eq!(settings.default_model(Tool::Replicate), "black-forest-labs/flux-1.1-pro");
        assert_eq!(settings.default_model(Tool::Google), "");
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
        ])
        .unwrap();
        assert_eq!(settings.provider, Provider::Placeholder);
        assert_eq!(settings.output_dir, PathBuf::from("/pictures"));
        assert_eq!(settings.default_model(Tool::OpenAi), "a");
        assert_eq!(settings.default_model(Tool::Gemini), "b");
        assert_eq!(settings.default_model(Tool::Google), "", "the gemini variable is not the google tool's");
        assert_eq!(settings.default_model(Tool::Replicate), "c/d");
    }

    #[test]
    fn an_unknown_provider_is_an_error_that_says_what_to_set() {
        let error = read(&[("IMAGEGEN_PROVIDER", "plackholder")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variable `IMAGEGEN_PROVIDER` is `plackholder`; set it to `placeholder` or leave it unset"
        );
    }
}
