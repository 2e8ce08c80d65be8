//! Any text survives its way through a header value, and any schema is read for headers or refused.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use toolgate_json::{Document, Limits};
use toolgate_mcp::headers::{decode_value, encode_value, x_mcp_header_rules};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let value = encode_value(text);
        assert!(value.as_bytes().iter().all(|byte| (0x20..=0x7E).contains(byte)));
        assert_eq!(decode_value(&value).as_deref(), Some(text));
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes)
        && let Some(text) = decode_value(&value)
    {
        assert_eq!(decode_value(&encode_value(&text)), Some(text));
    }
    if let Ok(document) = Document::read(bytes, &Limits::default())
        && let Ok(rules) = x_mcp_header_rules(document.root())
    {
        assert!(rules.iter().all(|rule| !rule.path.is_empty()));
    }
});
