//! From a picture's bytes to its file: read, converted if another format was asked for, saved, and made small enough
//! for the result.

use std::time::SystemTime;

use bytes::Bytes;
use image::DynamicImage;

use super::Shared;
use crate::arguments::Embed;
use crate::failure::{Failure, Rescued};
use crate::picture::{Facts, Format, Preview, ReadError, convert, preview, verify};
use crate::reply::{Embedded, Picture};
use crate::storage::{NewFile, SaveError};

/// The longest side of a picture within a result, in pixels: clients break on longer ones.
const LONGEST_EMBEDDED: u32 = 8_000;

/// A picture that was made.
pub(super) struct Raw {
    /// Its file.
    pub(super) bytes: Bytes,
    /// What is known of it already; pictures of others are read.
    pub(super) drawn: Option<(Facts, DynamicImage)>,
}

/// What is to become of pictures.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) at: SystemTime,
    pub(super) hint: String,
    /// The format to convert to.
    pub(super) format: Option<Format>,
    /// The size that should have come.
    pub(super) sides: Option<(u32, u32)>,
    pub(super) embed: Embed,
    /// The most bytes that the result may carry of this picture.
    pub(super) share: usize,
}

impl Shared {
    /// Saves a picture. All of this is computation and waiting for the disk.
    pub(super) fn finish(&self, raw: Raw, wish: &Wish, notes: &mut Vec<String>) -> Result<Picture, Failure> {
        let Raw { mut bytes, drawn } = raw;
        let (mut facts, picture) = match drawn {
            Some(drawn) => drawn,
            None => verify(&bytes).map_err(|error| no_picture(&error))?,
        };
        if let Some(format) = wish.format.filter(|format| *format != facts.format) {
            notes.push(format!("converted: {} -> {}", facts.format.name(), format.name()));
            bytes = convert(&picture, format).map_err(|error| no_picture(&error))?.into();
            facts.format = format;
        }
        let sides = (facts.size.width(), facts.size.height());
        if let Some((width, height)) = wish.sides.filter(|wanted| *wanted != sides) {
            notes.push(format!("received: {}x{}, though {width}x{height} was asked for", sides.0, sides.1));
        }
        let file = NewFile { at: wish.at, hint: &wish.hint, extension: facts.format.extension() };
        let saved = self.output.save(file, &bytes);
        let length = bytes.len();
        let small = length <= wish.share && sides.0.max(sides.1) <= LONGEST_EMBEDDED;
        let embedded = match wish.embed {
            Embed::No => Embedded::Nothing,
            Embed::Yes if small => Embedded::Picture(bytes),
            Embed::Yes => match preview(&picture, wish.share) {
                Ok(Some(preview)) => Embedded::Preview(preview),
                Ok(None) | Err(_) => Embedded::TooLarge,
            },
        };
        let saved = match saved {
            Ok(saved) => saved,
            Err(error) => return Err(unsaved(&error).rescuing(rescued(embedded, facts.format))),
        };
        self.gallery.add(&saved.path, facts.format, length);
        Ok(Picture { saved, facts, bytes: length, embedded })
    }
}

fn no_picture(error: &ReadError) -> Failure {
    Failure::new(
        format!("No picture was saved: bytes came instead of a picture: {error}."),
        "not_a_picture",
        "try again; if it stays so, use another model or format.",
    )
    .perhaps_spent()
}

/// What the result would have carried besides the path.
fn rescued(embedded: Embedded, format: Format) -> Option<Rescued> {
    match embedded {
        Embedded::Picture(bytes) => Some(Rescued { bytes, mime: format.mime() }),
        Embedded::Preview(preview) => {
            Some(Rescued { bytes: preview.bytes.into(), mime: Preview::FORMAT.mime() })
        }
        Embedded::Nothing | Embedded::TooLarge => None,
    }
}

fn unsaved(error: &SaveError) -> Failure {
    Failure::new(
        format!("No picture was saved: the picture was made, but could not be saved: {error}."),
        "disk",
        "set OUTPUT_DIR to a directory that can be written, or free space on the disk; with returnBase64 the result \
         carries the picture all the same.",
    )
    .perhaps_spent()
}
