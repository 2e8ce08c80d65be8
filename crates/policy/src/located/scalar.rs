//! What a plain YAML scalar is under the core schema (YAML 1.2.2, section 10.3.2).

use super::Content;

/// The value of a plain scalar. Numbers come in a JSON spelling of the same digits.
pub(super) fn resolve(text: &str) -> Result<Content, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Content::Null),
        "true" | "True" | "TRUE" => return Ok(Content::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Content::Bool(false)),
        _ => {}
    }
    if is_not_finite(text) {
        return Err(format!("`{text}` is not a finite number"));
    }
    if let Some(spelling) = radix(text)? {
        return Ok(Content::Number(spelling));
    }
    Ok(match decimal(text) {
        Some(spelling) => Content::Number(spelling),
        None => Content::String(text.to_owned()),
    })
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// `0o17` and `0x1f`.
fn radix(text: &str) -> Result<Option<String>, String> {
    let (digits, radix) = match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(digits), _) => (digits, 8),
        (None, Some(digits)) => (digits, 16),
        (None, None) => return Ok(None),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Ok(None);
    }
    match u128::from_str_radix(digits, radix) {
        Ok(number) => Ok(Some(number.to_string())),
        Err(_) => Err(format!("`{text}` is too large; write it in decimal digits")),
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?` as JSON spells it.
fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    let mut spelling = format!("{sign}{whole}");
    if !fraction.is_empty() {
        spelling.push('.');
        spelling.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
        spelling.push('e');
        spelling.push_str(exponent);
    }
    Some(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_the_core_schema() {
        let number = |text: &str| Content::Number(text.to_owned());
        let string = |text: &str| Content::String(text.to_owned());
        for (text, expected) in [
            ("", Content::Null),
            ("~", Content::Null),
            ("True", Content::Bool(true)),
            ("yes", string("yes")),
            ("no", string("no")),
            ("12", number("12")),
            ("+12", number("12")),
            ("-0", number("-0")),
            ("007", number("7")),
            ("0o17", number("15")),
            ("0xfF", number("255")),
            ("0x", string("0x")),
            (".5", number("0.5")),
            ("1.", number("1")),
            ("1e3", number("1e3")),
            ("1e", string("1e")),
            ("-", string("-")),
            (".", string(".")),
            ("1.2.3", string("1.2.3")),
            ("1_000", string("1_000")),
            ("12:30", string("12:30")),
        ] {
            assert_eq!(resolve(text), Ok(expected), "{text}");
        }
        for text in [".inf", "-.INF", ".nan", "0xffffffffffffffffffffffffffffffffff"] {
            assert!(resolve(text).is_err(), "{text}");
        }
    }
}
