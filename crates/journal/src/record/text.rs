//! How strings and recorded arguments are spelled inside a line of the journal: always JSON, always one
//! line, and without the characters that reorder or hide text in a terminal. No field can forge a line.

use serde_json::value::RawValue;

/// Appends `text` as a JSON string with its quotes.
pub(crate) fn push_string(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    if !has_special(text.as_bytes()) {
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
        return;
    }
    let mut rest = text;
    // The position is that of an ASCII byte or of the lead byte of a character: always a boundary.
    while let Some((plain, special)) =
        rest.bytes().position(is_special).and_then(|at| rest.split_at_checked(at))
    {
        line.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            push_character(line, character);
        }
        rest = characters.as_str();
    }
    line.extend_from_slice(rest.as_bytes());
    line.push(b'"');
}

/// Appends a JSON value without the white space between its tokens. Its strings keep their spelling,
/// except that hidden characters become `\u` escapes.
pub(crate) fn push_json(line: &mut Vec<u8>, value: &RawValue) {
    let mut in_string = false;
    let mut escaped = false;
    for character in value.get().chars() {
        if !in_string && character.is_ascii_whitespace() {
            continue;
        }
        match character {
            '"' if !escaped => in_string = !in_string,
            _ if is_hidden(character) => {
                push_escape(line, character);
                escaped = false;
                continue;
            }
            _ => {}
        }
        escaped = in_string && character == '\\' && !escaped;
        push_utf8(line, character);
    }
}

/// Appends a whole number in decimal.
pub(crate) fn push_number(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Looks at every byte without leaving early, which the compiler turns into wide comparisons.
fn has_special(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | is_special(*byte))
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0x7f
}

/// Control characters (C0, DEL, C1), line and paragraph separators, direction marks, the BOM.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn push_character(line: &mut Vec<u8>, character: char) {
    match character {
        '"' => line.extend_from_slice(b"\\\""),
        '\\' => line.extend_from_slice(b"\\\\"),
        '\n' => line.extend_from_slice(b"\\n"),
        '\r' => line.extend_from_slice(b"\\r"),
        '\t' => line.extend_from_slice(b"\\t"),
        hidden if is_hidden(hidden) => push_escape(line, hidden),
        plain => push_utf8(line, plain),
    }
}

/// All hidden characters lie in the basic plane, so four hex digits suffice.
fn push_escape(line: &mut Vec<u8>, character: char) {
    line.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        let digit = char::from_digit(u32::from(character) >> shift & 0xf, 16).unwrap_or('0');
        push_utf8(line, digit);
    }
}

fn push_utf8(line: &mut Vec<u8>, character: char) {
    line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(text: &str) -> String {
        let mut line = Vec::new();
        push_string(&mut line, text);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn hostile_strings_stay_one_plain_line() {
        let check = |text: &str, expected: &str| assert_eq!(spelled(text), expected);
        check("a\r\nb", r#""a\r\nb""#);
        check("\u{1b}[31m|x=y\u{7f}\u{0}", r#""\u001b[31m|x=y\u007f\u0000""#);
        check("\u{2028}\u{2029}\u{85}\u{202e}\u{feff}", r#""\u2028\u2029\u0085\u202e\ufeff""#);
        check(r#"","hash":"0"}"#, r#""\",\"hash\":\"0\"}""#);
        check("naïve 日本 🦀", "\"naïve 日本 🦀\"");
        check("", "\"\"");
    }

    #[test]
    fn recorded_json_becomes_one_line_and_keeps_its_spelling() {
        let value =
            RawValue::from_string("{\n \"a b\" : [1.50, \"x \\\" y\\\\\",\t\"\u{2028}\" ] }".to_owned())
                .unwrap();
        let mut line = Vec::new();
        push_json(&mut line, &value);
        assert_eq!(String::from_utf8(line).unwrap(), r#"{"a b":[1.50,"x \" y\\","\u2028"]}"#);
    }

    proptest! {
        #[test]
        fn any_string_reads_back_and_hides_nothing(text in any::<String>()) {
            let line = spelled(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
            prop_assert!(!line.chars().any(is_hidden));
        }

        #[test]
        fn any_recorded_json_means_the_same(keys in proptest::collection::vec(any::<String>(), 0..5), text in any::<String>()) {
            let value = serde_json::json!({ "keys": keys, "nested": [{ "text": text }] });
            let pretty = RawValue::from_string(serde_json::to_string_pretty(&value).unwrap()).unwrap();
            let mut line = Vec::new();
            push_json(&mut line, &pretty);
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).unwrap(), value);
            prop_assert!(!String::from_utf8(line).unwrap().chars().any(is_hidden));
        }
    }
}
