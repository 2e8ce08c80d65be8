//! Real pictures of any size and format, drawn as cheaply as possible: a few bands, encoded fast and kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageResult};

/// Pictures that are kept; beyond it all are forgotten.
const MOST_KEPT: usize = 32;
/// Bands of a picture, each of one colour from top to bottom.
const BANDS: [[u8; 3]; 6] =
    [[24, 43, 92], [90, 110, 190], [240, 160, 90], [250, 220, 150], [60, 120, 80], [20, 60, 40]];

/// A format that a vendor delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    Png,
    /// A PNG whose upper half can be seen through.
    ClearPng,
    Jpeg,
    WebP,
}

/// A picture to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sketch {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) encoding: Encoding,
}

/// Draws, and keeps what was drawn.
#[derive(Debug, Default)]
pub(super) struct Easel(Mutex<HashMap<Sketch, Bytes>>);

impl Encoding {
    /// The format that vendors call by this name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        match name {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Png | Self::ClearPng => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Png | Self::ClearPng => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

impl Easel {
    /// The picture's bytes. A size that no encoder takes gives no bytes.
    pub(super) fn draw(&self, sketch: Sketch) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = kept.get(&sketch) {
            return bytes.clone();
        }
        let bytes = match encode(sketch) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => {
                tracing::warn!(%error, ?sketch, "a picture could not be drawn");
                Bytes::new()
            }
        };
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(sketch, bytes.clone());
        bytes
    }
}

/// A PNG whose head claims 60000 by 60000 pixels, and that has next to no bytes.
pub(super) fn bomb() -> Bytes {
    let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
    bytes.extend([60_000_u32, 60_000].iter().flat_map(|side| side.to_be_bytes()));
    // Eight bits of RGB; then the head's checksum, which decoders that look at sizes first do not reach.
    bytes.extend([8, 2, 0, 0, 0]);
    let checksum = crc(bytes.get(12..).unwrap_or_default());
    bytes.extend(checksum.to_be_bytes());
    bytes.extend(b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82");
    Bytes::from(bytes)
}

/// The checksum of a PNG's chunks.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

fn encode(sketch: Sketch) -> ImageResult<Vec<u8>> {
    let Sketch { width, height, encoding } = sketch;
    let mut file = Vec::new();
    let raw = pixels(sketch);
    match encoding {
        Encoding::Png => PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up)
            .write_image(&raw, width, height, ExtendedColorType::Rgb8)?,
        Encoding::ClearPng => {
            PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up).write_image(
                &raw,
                width,
                height,
                ExtendedColorType::Rgba8,
            )?;
        }
        Encoding::Jpeg => JpegEncoder::new_with_quality(&mut file, 75).write_image(
            &raw,
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
        Encoding::WebP => {
            WebPEncoder::new_lossless(&mut file).write_image(&raw, width, height, ExtendedColorType::Rgb8)?
        }
    }
    Ok(file)
}

fn pixels(sketch: Sketch) -> Vec<u8> {
    let (width, height) = (usize_of(sketch.width), usize_of(sketch.height));
    let clear = sketch.encoding == Encoding::ClearPng;
    let band_height = height.div_ceil(BANDS.len()).max(1);
    let mut raw = Vec::new();
    for row in 0..height {
        let band = BANDS.get(row / band_height).copied().unwrap_or_default();
        let [red, green, blue] = band;
        if clear {
            let alpha = if row < height / 2 { 0 } else { u8::MAX };
            raw.extend([red, green, blue, alpha].repeat(width));
        } else {
            raw.extend(band.repeat(width));
        }
    }
    raw
}

fn usize_of(side: u32) -> usize {
    usize::try_from(side).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, ImageReader};

    use super::*;

    #[test]
    fn each_picture_has_its_size_and_format() {
        for (encoding, format) in [
            (Encoding::Png, ImageFormat::Png),
            (Encoding::ClearPng, ImageFormat::Png),
            (Encoding::Jpeg, ImageFormat::Jpeg),
            (Encoding::WebP, ImageFormat::WebP),
        ] {
            let bytes = Easel::default().draw(Sketch { width: 320, height: 200, encoding });
            assert_eq!(image::guess_format(&bytes).unwrap(), format);
            let read = image::load_from_memory(&bytes).unwrap();
            assert_eq!((read.width(), read.height()), (320, 200));
            assert_eq!(read.color().has_alpha(), encoding == Encoding::ClearPng);
        }
    }

    #[test]
    fn the_bomb_claims_its_size_in_a_valid_head() {
        let bytes = bomb();
        let reader = ImageReader::new(std::io::Cursor::new(&bytes)).with_guessed_format().unwrap();
        assert_eq!(reader.into_dimensions().unwrap(), (60_000, 60_000));
        assert!(bytes.len() < 100);
        assert!(image::load_from_memory(&bytes).is_err());
    }
}
