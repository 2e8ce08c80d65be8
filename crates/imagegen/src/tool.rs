//! The four tools: their names, facts and fields. One table gives both the schema that clients see and the
//! check that calls pass.

mod schema;

/// One of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One field of a tool's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The member's name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
}

/// What a field's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number above 0.
    Positive,
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// The field that every call must have.
pub const REQUIRED: &str = "prompt";

const PROMPT: Field = Field { name: REQUIRED, kind: Kind::Text };
const NEGATIVE_PROMPT: Field = Field { name: "negativePrompt", kind: Kind::Text };
const WIDTH: Field = Field { name: "width", kind: Kind::Positive };
const HEIGHT: Field = Field { name: "height", kind: Kind::Positive };
const SIZE: Field = Field { name: "size", kind: Kind::Text };
const FORMAT: Field = Field { name: "format", kind: Kind::Choice(&["png", "jpeg", "jpg", "webp"]) };
const SEED: Field = Field { name: "seed", kind: Kind::Integer };
const OPENAI_QUALITY: Field = Field { name: "quality", kind: Kind::Choice(&["standard", "hd"]) };
const GOOGLE_QUALITY: Field = Field { name: "quality", kind: Kind::Text };
const STYLE: Field = Field { name: "style", kind: Kind::Text };
const BACKGROUND: Field = Field { name: "background", kind: Kind::Choice(&["transparent", "solid"]) };
const MODEL: Field = Field { name: "model", kind: Kind::Text };
const RETURN_BASE64: Field = Field { name: "returnBase64", kind: Kind::Flag };
const FILENAME_HINT: Field = Field { name: "filenameHint", kind: Kind::Text };

const OPENAI: &[Field] = &[
    PROMPT,
    NEGATIVE_PROMPT,
    WIDTH,
    HEIGHT,
    SIZE,
    FORMAT,
    SEED,
    OPENAI_QUALITY,
    STYLE,
    BACKGROUND,
    MODEL,
    RETURN_BASE64,
    FILENAME_HINT,
];
const GOOGLE: &[Field] = &[
    PROMPT,
    NEGATIVE_PROMPT,
    WIDTH,
    HEIGHT,
    SIZE,
    FORMAT,
    SEED,
    GOOGLE_QUALITY,
    STYLE,
    BACKGROUND,
    MODEL,
    RETURN_BASE64,
    FILENAME_HINT,
];
const GEMINI: &[Field] = &[PROMPT, MODEL, RETURN_BASE64, FILENAME_HINT];
const REPLICATE: &[Field] = &[PROMPT, MODEL, WIDTH, HEIGHT, SIZE, FORMAT, SEED, RETURN_BASE64, FILENAME_HINT];

impl Tool {
    /// All tools, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Google, Self::Gemini, Self::Replicate];

    /// The tool of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
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
                "Make an image with OpenAI (default model gpt-image-1). Returns the path of the saved file and, \
                 if asked, the image as base64."
            }
            Self::Google => {
                "Make an image with Google (for example Imagen 3). Needs GOOGLE_API_KEY and \
                 GOOGLE_IMAGEN_ENDPOINT. Returns the path of the saved file and, if asked, the image as base64."
            }
            Self::Gemini => {
                "Make an image with Google Gemini (default model gemini-2.5-flash-image-preview). Needs \
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
            Self::OpenAi => OPENAI,
            Self::Google => GOOGLE,
            Self::Gemini => GEMINI,
            Self::Replicate => REPLICATE,
        }
    }

    /// The model when neither the call nor the environment names one; empty where the endpoint decides.
    #[must_use]
    pub fn default_model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-image-1",
            Self::Google => "",
            Self::Gemini => "gemini-2.5-flash-image-preview",
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
