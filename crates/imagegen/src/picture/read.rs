//! Pictures that others made: type and size from the bytes, never from what was said about them, within limits that
//! keep a small file from filling the memory.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::encode::{EncodeError, encode};
use super::{Format, Size};

/// The longest side that is read, in pixels.
const LONGEST: u32 = 16_384;
/// The most memory that reading may take, in bytes: a picture of 8000x8000 with four channels.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// What a picture's bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The format.
    pub format: Format,
    /// The size.
    pub size: Size,
}

/// Bytes that are no picture this server can use.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The format is unknown.
    #[error("they are neither PNG, JPEG nor WebP")]
    Unknown,
    /// They begin as a picture, but are broken or too large.
    #[error("they cannot be read as a picture: {0}")]
    Broken(#[from] image::ImageError),
    /// The picture cannot be written in another format.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Format and size, from the head of the file.
///
/// # Errors
/// The bytes are no picture of a known format.
pub fn facts(bytes: &[u8]) -> Result<Facts, ReadError> {
    let (reader, format) = reader(bytes)?;
    let (width, height) = reader.into_dimensions()?;
    Ok(Facts { format, size: Size::of(width, height) })
}

/// Format and size of a picture that can be read to its end.
///
/// # Errors
/// The bytes are no picture, broken, or too large.
pub fn verify(bytes: &[u8]) -> Result<(Facts, DynamicImage), ReadError> {
    let (reader, format) = reader(bytes)?;
    let picture = reader.decode()?;
    Ok((Facts { format, size: Size::of(picture.width(), picture.height()) }, picture))
}

/// The picture as a file of another format.
///
/// # Errors
/// The encoder's refusal.
pub fn convert(picture: &DynamicImage, format: Format) -> Result<Vec<u8>, ReadError> {
    Ok(encode(picture, format)?)
}

type Reader<'a> = ImageReader<Cursor<&'a [u8]>>;

fn reader(bytes: &[u8]) -> Result<(Reader<'_>, Format), ReadError> {
    let guessed = image::guess_format(bytes).map_err(|_| ReadError::Unknown)?;
    let format = match guessed {
        ImageFormat::Png => Format::Png,
        ImageFormat::Jpeg => Format::Jpeg,
        ImageFormat::WebP => Format::WebP,
        _ => return Err(ReadError::Unknown),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), guessed);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    Ok((reader, format))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn red(format: Format) -> Vec<u8> {
        encode(&DynamicImage::from(RgbImage::from_pixel(40, 30, Rgb([200, 0, 0]))), format).unwrap()
    }

    #[test]
    fn facts_come_from_the_bytes() {
        for format in [Format::Png, Format::Jpeg, Format::WebP] {
            let bytes = red(format);
            let expected = Facts { format, size: Size::of(40, 30) };
            assert_eq!(facts(&bytes).unwrap(), expected);
            let (read, picture) = verify(&bytes).unwrap();
            assert_eq!(read, expected);
            let converted = convert(&picture, Format::Png).unwrap();
            assert_eq!(facts(&converted).unwrap().format, Format::Png);
        }
    }

    #[test]
    fn what_is_no_whole_picture_is_refused() {
        assert!(matches!(facts(b"<html>"), Err(ReadError::Unknown)));
        assert!(matches!(facts(b"GIF89a\x01\x00\x01\x00\x00\x00\x00"), Err(ReadError::Unknown)));
        assert!(matches!(facts(b""), Err(ReadError::Unknown)));
        let whole = red(Format::Png);
        assert!(matches!(verify(&whole[..whole.len() / 2]), Err(ReadError::Broken(_))));
        // The head of a PNG that says 2^31-1 pixels a side.
        let mut bomb = whole;
        bomb[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(verify(&bomb).is_err());
    }
}
