//! The four tools that make pictures: their names and facts. One table of fields gives both the schema that clients
//! see and the check that calls pass.

mod fields;
mod schema;

pub use fields::{Field, Kind, MOST_IMAGES, MOST_PICTURES, REQUIRED};
pub use schema::model_list_definition;

/// One of the tools that make pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// OpenAI's image models.
    OpenAi,
    /// A Google image endpoint that the operator names.
    Google,
    /// Gemini's image models.
    Gemini,
    /// Models that Replicate hosts.
    Replicate,
}

/// How tools are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// `image.generate.replicate`.
    #[default]
    Dots,
    /// `image_generate_replicate`, for clients that refuse dots.
    Underscores,
}

/// The tool that lists the models.
pub const MODEL_LIST: &str = "image.models.list";

impl Naming {
    /// A tool's name in this form.
    #[must_use]
    pub fn of(self, name: &str) -> String {
        match self {
            Self::Dots => name.to_owned(),
            Self::Underscores => name.replace('.', "_"),
        }
    }

    /// A text in which tools go by their names in this form.
    #[must_use]
    pub fn told(self, text: &str) -> String {
        let names = Tool::ALL.map(Tool::name).into_iter().chain([MODEL_LIST]);
        match self {
            Self::Dots => text.to_owned(),
            Self::Underscores => names.fold(text.to_owned(), |text, name| text.replace(name, &self.of(name))),
        }
    }
}

impl Tool {
    /// All tools, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Google, Self::Gemini, Self::Replicate];

    /// The tool that goes by this name. A name of the other form is nobody's, so that a policy on names holds.
    #[must_use]
    pub fn by_name(name: &str, naming: Naming) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| naming.of(tool.name()) == name)
    }

    /// The provider's name in the table of models.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Google => "google",
            Self::Gemini => "gemini",
            Self::Replicate => "replicate",
        }
    }

    /// The provider as the first line of a reply names it.
    #[must_use]
    pub fn told_provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Google => "google",
            Self::Gemini => "google(gemini)",
            Self::Replicate => "replicate",
        }
    }

    /// The environment variable that holds the vendor's key.
    #[must_use]
    pub fn key_variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Google | Self::Gemini => "GOOGLE_API_KEY",
            Self::Replicate => "REPLICATE_API_TOKEN",
        }
    }

    /// The name that clients call.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "image.generate.openai",
            Self::Google => "image.generate.google",
            Self::Gemini => "image.generate.gemini",
            Self::Replicate => "image.generate.replicate",
        }
    }

    /// The vendor, as people write it.
    #[must_use]
    pub fn vendor(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Google => "Google",
            Self::Gemini => "Google Gemini",
            Self::Replicate => "Replicate",
        }
    }

    /// What the tool does, what it needs and what it returns.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::OpenAi => {
                "Make an image with OpenAI (default model gpt-image-2). Returns the path of the saved file and, \
                 if asked, the image as base64."
            }
            Self::Google => {
                "Make an image with a Google endpoint (for example Imagen on Vertex). Needs GOOGLE_API_KEY and \
                 GOOGLE_IMAGEN_ENDPOINT. Returns the path of the saved file and, if asked, the image as base64."
            }
            Self::Gemini => {
                "Make an image with Google Gemini (default model gemini-3.1-flash-image). Needs \
                 GOOGLE_API_KEY."
            }
            Self::Replicate => {
                "Make an image with a model on Replicate: Flux 1.1 Pro (default), Qwen Image or SeedDream-4. Needs \
                 REPLICATE_API_TOKEN."
            }
        }
    }

    /// The fields of the tool's arguments, in the order of its schema.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::OpenAi => fields::OPENAI,
            Self::Google => fields::GOOGLE,
            Self::Gemini => fields::GEMINI,
            Self::Replicate => fields::REPLICATE,
        }
    }

    /// The model when neither the call nor the environment names one; empty where the endpoint decides.
    #[must_use]
    pub fn default_model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-image-2",
            Self::Google => "",
            Self::Gemini => "gemini-3.1-flash-image",
            Self::Replicate => "black-forest-labs/flux-1.1-pro",
        }
    }

    /// The environment variable that names another default model.
    #[must_use]
    pub fn model_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("OPENAI_IMAGE_MODEL"),
            Self::Google => None,
            Self::Gemini => Some("GOOGLE_IMAGE_MODEL"),
            Self::Replicate => Some("REPLICATE_MODEL"),
        }
    }

    /// The name of a saved file when the call hints at none.
    #[must_use]
    pub fn file_hint(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-image",
            Self::Google => "google-image",
            Self::Gemini => "gemini-image",
            Self::Replicate => "flux-image",
        }
    }
}
