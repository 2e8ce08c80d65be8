//! One spelling for equal values, so that hashes of them are equal.

use crate::document::{Kind, Value};

/// Appends `value` with object members sorted by name, without white space, with the shortest string
/// escapes. Numbers keep their spelling: `1` and `1.0` differ here, though they compare as equal.
pub fn write_canonical(value: &Value<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Null | Kind::Bool | Kind::Number => out.extend_from_slice(value.raw().as_bytes()),
        Kind::String => write_string(&value.as_str().unwrap_or_default(), out),
        Kind::Array => {
            write_list(value.elements(), (b'[', b']'), out, |element, out| write_canonical(&element, out));
        }
        Kind::Object => {
            let mut members: Vec<_> =
                value.members().map(|m| (m.name.as_str().unwrap_or_default(), m.value)).collect();
            members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            write_list(members.into_iter(), (b'{', b'}'), out, |(name, value), out| {
                write_string(&name, out);
                out.push(b':');
                write_canonical(&value, out);
            });
        }
    }
}

fn write_list<T>(
    items: impl Iterator<Item = T>,
    (open, close): (u8, u8),
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

/// Appends `text` as a JSON string literal. Control characters, DEL and the line separators U+2028 and
/// U+2029 are escaped, so that no string can break a line or a terminal.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if !may_need_escape(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = escaped.chars();
        if let Some(c) = chars.next() {
            write_escape(c, out);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// Whether a byte stands there that is no plain ASCII character. Looks at all bytes without leaving early, which
/// the compiler turns into wide comparisons.
fn may_need_escape(bytes: &[u8]) -> bool {
    let plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    bytes.iter().fold(false, |found, byte| found | !plain(*byte))
}

fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}')
}

fn write_escape(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => out.extend_from_slice(format!("\\u{:04x}", u32::from(other)).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Document, Limits, write_canonical};

    #[test]
    fn equal_values_have_one_spelling() {
        let text = r#" {"b" : [1.0, "\u0041\n\u2028\u007f"], "a\"": {"z":null,"y":true}} "#;
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        write_canonical(&document.root(), &mut out);
        let expected = r#"{"a\"":{"y":true,"z":null},"b":[1.0,"A\n\u2028\u007f"]}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
