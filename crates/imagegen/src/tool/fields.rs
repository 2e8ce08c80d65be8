//! The fields of each tool's arguments: first those of the original server in its order, then what goes beyond it.

/// The most pictures that a call may start from.
pub const MOST_IMAGES: usize = 14;
/// The most pictures that a call may ask for.
pub const MOST_PICTURES: u8 = 10;
/// The field that every call must have.
pub const REQUIRED: &str = "prompt";

/// One field of a tool's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The member's name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What it is for, as clients see it.
    pub about: &'static str,
}

/// What a field's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// 1 to [`MOST_IMAGES`] texts.
    Texts,
    /// A whole number above 0.
    Positive,
    /// A whole number from 1 to this one.
    UpTo(u8),
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

const PROMPT: Field = field(REQUIRED, Kind::Text, "what to draw");
const NEGATIVE_PROMPT: Field = field("negativePrompt", Kind::Text, "what not to draw");
const WIDTH: Field = field("width", Kind::Positive, "pixels; kept within what the model takes");
const HEIGHT: Field = field("height", Kind::Positive, "pixels; kept within what the model takes");
const SIZE: Field = field("size", Kind::Text, "such as 1536x1024; comes before width and height");
const FORMAT: Field = field(
    "format",
    Kind::Choice(&["png", "jpeg", "jpg", "webp"]),
    "of the saved file; converted here if the model gives another",
);
const SEED: Field = field("seed", Kind::Integer, "the same prompt and seed give a like picture");
const OPENAI_QUALITY: Field = field(
    "quality",
    Kind::Choice(&["standard", "hd", "auto", "low", "medium", "high", "xhigh", "max"]),
    "higher costs more; standard means medium, hd means high",
);
const GOOGLE_QUALITY: Field = field("quality", Kind::Text, "the endpoint's word for quality");
const STYLE: Field = field("style", Kind::Text, "a style, in words");
const BACKGROUND: Field = field(
    "background",
    Kind::Choice(&["transparent", "solid", "opaque", "auto"]),
    "transparent needs png or webp; solid means opaque",
);
const MODEL: Field = field("model", Kind::Text, "the vendor's name of a model; image.models.list knows them");
const RETURN_BASE64: Field =
    field("returnBase64", Kind::Flag, "also return the picture itself, or a preview if it is large");
const FILENAME_HINT: Field = field("filenameHint", Kind::Text, "a wish for the file's name");
const ASPECT_RATIO: Field = field("aspectRatio", Kind::Text, "such as 16:9, instead of a size in pixels");
const COUNT: Field = field("n", Kind::UpTo(MOST_PICTURES), "how many pictures; each is paid for");
const IMAGE: Field = field(
    "image",
    Kind::Text,
    "a picture to start from: an https address, a data: URI, or the path or uri of a picture saved here",
);
const INPUT_IMAGES: Field = field("inputImages", Kind::Texts, "several pictures to start from, as in image");
const MASK: Field =
    field("mask", Kind::Text, "a png as large as the image; its transparent places may change");
const DRY_RUN: Field =
    field("dryRun", Kind::Flag, "only show the request and its estimated cost; nothing is made or paid");

pub(super) const OPENAI: &[Field] = &[
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
    ASPECT_RATIO,
    COUNT,
    IMAGE,
    INPUT_IMAGES,
    MASK,
    DRY_RUN,
];
pub(super) const GOOGLE: &[Field] = &[
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
    ASPECT_RATIO,
    COUNT,
    IMAGE,
    INPUT_IMAGES,
    DRY_RUN,
];
pub(super) const GEMINI: &[Field] = &[
    PROMPT,
    MODEL,
    RETURN_BASE64,
    FILENAME_HINT,
    NEGATIVE_PROMPT,
    WIDTH,
    HEIGHT,
    SIZE,
    ASPECT_RATIO,
    FORMAT,
    COUNT,
    IMAGE,
    INPUT_IMAGES,
    DRY_RUN,
];
pub(super) const REPLICATE: &[Field] = &[
    PROMPT,
    MODEL,
    WIDTH,
    HEIGHT,
    SIZE,
    FORMAT,
    SEED,
    RETURN_BASE64,
    FILENAME_HINT,
    NEGATIVE_PROMPT,
    ASPECT_RATIO,
    COUNT,
    IMAGE,
    INPUT_IMAGES,
    DRY_RUN,
];
