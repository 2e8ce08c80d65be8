//! The content of string literals that the reader has already accepted.

/// Decodes the escapes of a literal's inner text. The reader has refused bad escapes; one that came
/// here all the same would be replaced by U+FFFD.
pub(crate) fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        rest = one_escape(escaped, &mut out);
    }
    out.push_str(rest);
    out
}

/// Decodes what stands behind a backslash and returns the text after it.
fn one_escape<'t>(escaped: &'t str, out: &mut String) -> &'t str {
    let mut chars = escaped.chars();
    let decoded = match chars.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unicode(chars.as_str(), out),
        Some(other) => other,
        None => char::REPLACEMENT_CHARACTER,
    };
    out.push(decoded);
    chars.as_str()
}

fn unicode<'t>(digits: &'t str, out: &mut String) -> &'t str {
    let (first, rest) = code_unit(digits);
    if !(0xD800..0xDC00).contains(&first) {
        out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest;
    }
    let (second, rest) = code_unit(rest.strip_prefix("\\u").unwrap_or_default());
    let scalar = 0x1_0000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF);
    out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn code_unit(text: &str) -> (u32, &str) {
    match (text.get(..4), text.get(4..)) {
        (Some(digits), Some(rest)) => (u32::from_str_radix(digits, 16).unwrap_or(0xFFFD), rest),
        _ => (0xFFFD, ""),
    }
}
