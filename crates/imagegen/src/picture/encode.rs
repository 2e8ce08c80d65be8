//! Pictures as bytes: in the format asked for, and as a preview small enough for a result.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};

use super::Format;

const FILE_QUALITY: u8 = 90;
const PREVIEW_QUALITY: u8 = 80;
/// The longer sides to try for a preview, in pixels, from the best to the smallest.
const PREVIEW_SIDES: [u32; 4] = [1024, 512, 256, 64];

/// A picture that could not be written in its format.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be encoded: {0}")]
pub struct EncodeError(#[from] image::ImageError);

/// A smaller picture for a result: a JPEG.
#[derive(Debug)]
pub struct Preview {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Preview {
    /// The format of every preview.
    pub const FORMAT: Format = Format::Jpeg;
}

/// The picture's bytes in this format.
///
/// # Errors
/// The encoder's refusal, which sizes within bounds do not cause.
pub fn encode(picture: &RgbImage, format: Format) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    match format {
        Format::Png => write(picture, PngEncoder::new(&mut bytes))?,
        Format::Jpeg => write(picture, JpegEncoder::new_with_quality(&mut bytes, FILE_QUALITY))?,
        Format::WebP => write(picture, WebPEncoder::new_lossless(&mut bytes))?,
    }
    Ok(bytes)
}

/// The largest preview of at most `limit` bytes; `None` if not even the smallest fits.
///
/// # Errors
/// The encoder's refusal.
pub fn preview(picture: &RgbImage, limit: usize) -> Result<Option<Preview>, EncodeError> {
    let longer = picture.width().max(picture.height());
    let full = DynamicImage::from(picture.clone());
    for side in PREVIEW_SIDES {
        let side = side.min(longer);
        let small = full.thumbnail(side, side).into_rgb8();
        let mut bytes = Vec::new();
        write(&small, JpegEncoder::new_with_quality(&mut bytes, PREVIEW_QUALITY))?;
        if bytes.len() <= limit {
            return Ok(Some(Preview { bytes, width: small.width(), height: small.height() }));
        }
    }
    Ok(None)
}

fn write(picture: &RgbImage, encoder: impl ImageEncoder) -> Result<(), EncodeError> {
    let (width, height) = picture.dimensions();
    Ok(encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)?)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb};

    use super::*;

    /// A picture that no format makes small.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1_u32;
        RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [red, green, blue, _] = state.to_be_bytes();
            Rgb([red, green, blue])
        })
    }

    #[test]
    fn each_format_reads_back() {
        let picture = noise(33, 17);
        for (format, known) in [
            (Format::Png, ImageFormat::Png),
            (Format::Jpeg, ImageFormat::Jpeg),
            (Format::WebP, ImageFormat::WebP),
        ] {
            let bytes = encode(&picture, format).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), known);
            let read = image::load_from_memory(&bytes).unwrap().into_rgb8();
            assert_eq!(read.dimensions(), (33, 17));
            if format != Format::Jpeg {
                assert_eq!(read, picture, "{format:?} is lossless");
            }
        }
    }

    #[test]
    fn a_preview_fits_and_keeps_the_shape() {
        let picture = noise(600, 300);
        let preview = preview(&picture, 50_000).unwrap().unwrap();
        assert!(preview.bytes.len() <= 50_000);
        assert_eq!((preview.width, preview.height), (256, 128));
        let read = image::load_from_memory(&preview.bytes).unwrap();
        assert_eq!((read.width(), read.height()), (256, 128));
    }

    #[test]
    fn a_preview_is_never_larger_than_the_picture() {
        let preview = preview(&noise(40, 20), 1_000_000).unwrap().unwrap();
        assert_eq!((preview.width, preview.height), (40, 20));
    }

    #[test]
    fn no_preview_where_none_fits() {
        assert!(preview(&noise(600, 300), 10).unwrap().is_none());
    }
}
