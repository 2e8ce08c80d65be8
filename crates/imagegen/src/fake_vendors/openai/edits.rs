//! Edits: multipart requests with pictures, whose bytes must be what they are said to be.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, header};
use image::{DynamicImage, ImageFormat};
use serde_json::{Map, Value, json};

use super::super::desk::Desk;
use super::super::ledger::{Event, Vendor};
use super::form::{Part, parts};
use super::{Complaint, begin, fields, invalid, picture};

const MOST_IMAGES: usize = 16;
const LARGEST_IMAGE: usize = 50 * 1024 * 1024;
const LARGEST_MASK: usize = 4 * 1024 * 1024;
/// Fields that are no text in the schema but come as text in a form.
const NUMBERS: [&str; 3] = ["n", "output_compression", "partial_images"];

/// What came in the form.
#[derive(Default)]
struct Form {
    fields: Map<String, Value>,
    images: Vec<DynamicImage>,
    mask: Option<DynamicImage>,
}

pub(super) async fn edits(
    State(desk): State<Arc<Desk>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    desk.ledger.note(Vendor::OpenAi, Event::Create);
    let mime = headers.get(header::CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    let form =
        parts(mime, &body).map_err(|wrong| Complaint::invalid(None, "", wrong.to_owned())).and_then(read);
    let form = match form {
        Ok(form) => form,
        Err(complaint) => return invalid(&desk, complaint),
    };
    let mut seen = form.fields.clone();
    seen.insert("images".to_owned(), form.images.iter().map(sides).collect());
    seen.insert("mask".to_owned(), form.mask.as_ref().map(sides).unwrap_or_default());
    desk.ledger.remember(Vendor::OpenAi, ("POST", uri.path()), &headers, &Value::Object(seen));
    let scenario = match begin(&desk, &headers, &form.fields) {
        Ok(scenario) => scenario,
        Err(response) => return *response,
    };
    match check_images(&form).and_then(|()| fields::edit(&form.fields)) {
        Ok(order) => picture(&desk, "image_edit", &scenario, &order),
        Err(complaint) => invalid(&desk, complaint),
    }
}

fn read(parts: Vec<Part>) -> Result<Form, Complaint> {
    let mut form = Form::default();
    for part in parts {
        match part.name.as_str() {
            "image" | "image[]" => form.images.push(picture_of(&part, LARGEST_IMAGE)?),
            "mask" => form.mask = Some(picture_of(&part, LARGEST_MASK)?),
            name => {
                let text = String::from_utf8_lossy(&part.bytes).into_owned();
                form.fields.insert(name.to_owned(), typed(name, text));
            }
        }
    }
    Ok(form)
}

/// A form's text as the value that the schema speaks of.
fn typed(name: &str, text: String) -> Value {
    match text.as_str() {
        "true" if name == "stream" => true.into(),
        "false" if name == "stream" => false.into(),
        digits if NUMBERS.contains(&name) => digits.parse::<i64>().map_or(text.into(), Value::from),
        _ => text.into(),
    }
}

fn picture_of(part: &Part, largest: usize) -> Result<DynamicImage, Complaint> {
    let refused =
        |message: &str| Complaint::invalid(Some("invalid_image_file"), &part.name, message.to_owned());
    let (mime, bytes) = (part.mime.as_deref().unwrap_or_default(), &part.bytes);
    if part.file_name.is_none() {
        return Err(refused("Expected a file, but the part has no file name."));
    }
    if bytes.len() > largest {
        return Err(refused("The image is too large."));
    }
    let said = ImageFormat::from_mime_type(mime);
    let is = image::guess_format(bytes).ok();
    let taken = matches!(is, Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP));
    if !taken || said != is {
        return Err(refused(&format!(
            "Invalid image file or mode: unsupported mimetype ('{mime}'). Supported file formats are \
             'image/jpeg', 'image/png', and 'image/webp'."
        )));
    }
    image::load_from_memory(bytes).map_err(|_| refused("Invalid image file or mode for image 0."))
}

fn check_images(form: &Form) -> Result<(), Complaint> {
    let Some(first) = form.images.first() else {
        let message = "Missing required parameter: 'image'.".to_owned();
        return Err(Complaint::invalid(Some("missing_required_parameter"), "image", message));
    };
    if form.images.len() > MOST_IMAGES {
        let message =
            format!("Invalid 'image': array too long. Expected an array with maximum length {MOST_IMAGES}.");
        return Err(Complaint::invalid(Some("array_above_max_length"), "image", message));
    }
    match &form.mask {
        Some(mask) if !mask.color().has_alpha() => {
            let message = "Invalid mask image format - mask image missing alpha channel.".to_owned();
            Err(Complaint::invalid(Some("invalid_mask_image_format"), "mask", message))
        }
        Some(mask) if (mask.width(), mask.height()) != (first.width(), first.height()) => {
            let message = "Invalid mask image format - mask size does not match image size.".to_owned();
            Err(Complaint::invalid(Some("invalid_mask_image_format"), "mask", message))
        }
        Some(_) | None => Ok(()),
    }
}

fn sides(picture: &DynamicImage) -> Value {
    json!(format!("{}x{}", picture.width(), picture.height()))
}
