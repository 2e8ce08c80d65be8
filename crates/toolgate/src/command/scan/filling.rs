//! `${NAME}` in the configs of clients, which write it in several ways.

use thiserror::Error;

use crate::environment::Environment;
use crate::shell::printable;

/// Why a text with `${…}` has no value.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The environment does not have it.
    #[error("the environment has no variable `{}`", printable(.0))]
    Missing(String),
    /// Only the client knows what stands for it.
    #[error("only the client can fill in `${{{}}}`", printable(.0))]
    Foreign(String),
}

/// Fills in `${NAME}`, `${env:NAME}` and `${NAME:-default}`; `$${` stands for `${` itself.
pub(super) fn fill(text: &str, environment: &Environment) -> Result<String, Unfilled> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        let bare = name.strip_prefix("env:").unwrap_or(name);
        let (bare, default) = bare.split_once(":-").map_or((bare, None), |(bare, text)| (bare, Some(text)));
        if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(Unfilled::Foreign(name.to_owned()));
        }
        match environment.get(bare).or(default) {
            Some(value) => out.push_str(value),
            None => return Err(Unfilled::Missing(bare.to_owned())),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_it() {
        let environment = Environment::from([("A", "x"), ("B", "${A}")]);
        let missing = |name: &str| Err(Unfilled::Missing(name.to_owned()));
        for (text, expected) in [
            ("plain $5 { }", Ok("plain $5 { }")),
            ("Bearer ${A}", Ok("Bearer x")),
            ("${env:A}-${A}", Ok("x-x")),
            ("${B}", Ok("${A}")),
            ("${C:-d}", Ok("d")),
            ("${A:-d}", Ok("x")),
            ("$${A}", Ok("${A}")),
            ("${open", Ok("${open")),
            ("${C}", missing("C")),
            ("${env:C}", missing("C")),
            ("${input:key}", Err(Unfilled::Foreign("input:key".to_owned()))),
            ("${}", Err(Unfilled::Foreign(String::new()))),
        ] {
            assert_eq!(fill(text, &environment), expected.map(str::to_owned), "{text}");
        }
    }
}
