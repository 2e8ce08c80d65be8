//! Pictures as bytes: in the format asked for, and as a preview small enough for a result.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, Rgb, RgbImage, Rgba};

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
pub fn encode(picture: &DynamicImage, format: Format) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    match format {
        Format::Png => write(picture, PngEncoder::new(&mut bytes))?,
        Format::Jpeg => {
            let opaque = DynamicImage::from(on_white(picture));
            write(&opaque, JpegEncoder::new_with_quality(&mut bytes, FILE_QUALITY))?;
        }
        // The encoder knows eight bits a channel only.
        Format::WebP if picture.color().has_alpha() => {
            write(&DynamicImage::from(picture.to_rgba8()), WebPEncoder::new_lossless(&mut bytes))?;
        }
        Format::WebP => {
            write(&DynamicImage::from(picture.to_rgb8()), WebPEncoder::new_lossless(&mut bytes))?;
        }
    }
    Ok(bytes)
}

/// The picture without transparency, which JPEG does not know: white shows through.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let clear = picture.to_rgba8();
    RgbImage::from_fn(clear.width(), clear.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *clear.get_pixel(x, y);
        let over = |channel: u8| {
            let mixed = u16::from(channel) * u16::from(alpha) + 255 * u16::from(255 - alpha);
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    })
}

/// The largest preview of at most `limit` bytes; `None` if not even the smallest fits.
///
/// # Errors
/// The encoder's refusal.
pub fn preview(picture: &DynamicImage, limit: usize) -> Result<Option<Preview>, EncodeError> {
    let longer = picture.width().max(picture.height());
    for side in PREVIEW_SIDES {
        let side = side.min(longer);
        let small = on_white(&picture.thumbnail(side, side));
        let (width, height) = small.dimensions();
        let mut bytes = Vec::new();
        write(&DynamicImage::from(small), JpegEncoder::new_with_quality(&mut bytes, PREVIEW_QUALITY))?;
        if bytes.len() <= limit {
            return Ok(Some(Preview { bytes, width, height }));
        }
    }
    Ok(None)
}

fn write(picture: &DynamicImage, encoder: impl ImageEncoder) -> Result<(), EncodeError> {
    Ok(picture.write_with_encoder(encoder)?)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbaImage};

    use super::*;

    /// A picture that no format makes small.
    fn noise(width: u32, height: u32) -> DynamicImage {
        let mut state = 1_u32;
        let noise = RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [red, green, blue, _] = state.to_be_bytes();
            Rgb([red, green, blue])
        });
        DynamicImage::from(noise)
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
                assert_eq!(read, picture.to_rgb8(), "{format:?} is lossless");
            }
        }
    }

    #[test]
    fn transparency_stays_where_it_can_and_becomes_white_where_it_cannot() {
        let clear = DynamicImage::from(RgbaImage::from_pixel(8, 8, Rgba([255, 0, 0, 0])));
        for (format, alpha) in [(Format::Png, true), (Format::WebP, true), (Format::Jpeg, false)] {
            let read = image::load_from_memory(&encode(&clear, format).unwrap()).unwrap();
            assert_eq!(read.color().has_alpha(), alpha, "{format:?}");
            if !alpha {
                assert!(read.to_rgb8().pixels().all(|pixel| pixel.0.iter().all(|channel| *channel > 250)));
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
