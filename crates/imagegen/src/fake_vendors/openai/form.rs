//! Multipart forms, read strictly: a body that differs from RFC 7578 in any way is an error.

use bytes::Bytes;
use memchr::memmem;

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) mime: Option<String>,
    pub(super) bytes: Bytes,
}

/// The parts of a body, in order; an error says what is wrong with it.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, &'static str> {
    let boundary = content_type
        .strip_prefix("multipart/form-data;")
        .and_then(|parameters| parameters.trim().strip_prefix("boundary="))
        .map(|boundary| boundary.trim_matches('"'))
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or("the content type is no `multipart/form-data` with a boundary")?;
    let first = format!("--{boundary}\r\n");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes()).ok_or("the body does not begin with the boundary")?;
    let mut parts = Vec::new();
    loop {
        let end = memmem::find(rest, between.as_bytes()).ok_or("a part has no end")?;
        let (one, more) = rest.split_at_checked(end).ok_or("a part has no end")?;
        parts.push(part(body, one)?);
        let more = more.strip_prefix(between.as_bytes()).unwrap_or_default();
        if let Some(next) = more.strip_prefix(b"\r\n") {
            rest = next;
        } else if more == b"--" || more == b"--\r\n" {
            return Ok(parts);
        } else {
            return Err("a boundary is followed by something else");
        }
    }
}

fn part(body: &Bytes, text: &[u8]) -> Result<Part, &'static str> {
    let end = memmem::find(text, b"\r\n\r\n").ok_or("a part has no head")?;
    let (head, bytes) = text.split_at_checked(end).ok_or("a part has no head")?;
    let bytes = bytes.strip_prefix(b"\r\n\r\n").unwrap_or_default();
    let head = str::from_utf8(head).map_err(|_| "a part's head is not UTF-8")?;
    let mut part = Part { name: String::new(), file_name: None, mime: None, bytes: body.slice_ref(bytes) };
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a part's head has a line without a colon")?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let mut items = value.split(';').map(str::trim);
                if items.next() != Some("form-data") {
                    return Err("a part's disposition is not `form-data`");
                }
                for item in items {
                    let (key, value) =
                        item.split_once('=').ok_or("a disposition's parameter has no value")?;
                    let value = value.trim_matches('"').to_owned();
                    match key {
                        "name" => part.name = value,
                        "filename" => part.file_name = Some(value),
                        _ => {}
                    }
                }
            }
            "content-type" => part.mime = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    if part.name.is_empty() { Err("a part has no name") } else { Ok(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<Vec<Part>, &'static str> {
        parts("multipart/form-data; boundary=B", &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn parts_are_read() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\ny\r\n--B\r\n\
                    content-disposition: form-data; name=\"b\"; filename=\"f.png\"\r\nContent-Type: image/png\r\n\r\n\
                    \r\n--B--\r\n";
        let read = read(body).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((&*read[0].name, &read[0].bytes[..]), ("a", &b"x\r\ny"[..]));
        assert_eq!(
            (read[1].file_name.as_deref(), read[1].mime.as_deref()),
            (Some("f.png"), Some("image/png"))
        );
        assert!(read[1].bytes.is_empty());
    }

    #[test]
    fn what_is_no_form_is_an_error() {
        for body in [
            "",
            "--C\r\n",
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--Bx",
            "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: inline; name=\"a\"\r\n\r\nx\r\n--B--",
            "--B\r\nno head\r\n--B--",
        ] {
            assert!(read(body).is_err(), "{body}");
        }
        assert!(parts("application/json", &Bytes::new()).is_err());
    }
}
