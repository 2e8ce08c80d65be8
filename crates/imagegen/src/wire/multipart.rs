//! A form with files, as bytes: so that it can be sent again where nothing was sent yet.

use bytes::Bytes;

use crate::failure::Failure;

/// A form to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    parts: Vec<Part>,
}

/// One part of a form.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The field.
    pub(crate) name: &'static str,
    /// Name and media type, if it is a file.
    pub(crate) file: Option<(String, &'static str)>,
    /// The value.
    pub(crate) value: Bytes,
}

impl Form {
    /// Adds a text.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.parts.push(Part { name, file: None, value: Bytes::copy_from_slice(value.as_bytes()) });
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The parts in order.
    #[must_use]
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Media type and bytes of the whole form.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn encode(&self) -> Result<(String, Bytes), Failure> {
        // 128 random bits occur in no part.
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Failure::new(
                format!("No picture was made: the system gives no random bytes: {error}."),
                "random (nothing was sent)",
                "try again.",
            )
        })?;
        let boundary: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut body = Vec::new();
        for part in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            let name = part.name;
            let head = match &part.file {
                None => format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n"),
                Some((file, kind)) => format!(
                    "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                     Content-Type: {kind}\r\n\r\n"
                ),
            };
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&part.value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Ok((format!("multipart/form-data; boundary={boundary}"), Bytes::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_shape_of_rfc_7578() {
        let mut form = Form::default();
        form.text("model", "m");
        let file = Some(("image-1.png".to_owned(), "image/png"));
        form.file(Part { name: "image", file, value: Bytes::from_static(b"\x89PNG") });
        let (kind, body) = form.encode().unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = [
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n")
                .into_bytes(),
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image-1.png\"\r\n\
                 Content-Type: image/png\r\n\r\n"
            )
            .into_bytes(),
            b"\x89PNG\r\n".to_vec(),
            format!("--{boundary}--\r\n").into_bytes(),
        ];
        assert_eq!(body, expected.concat());
    }
}
