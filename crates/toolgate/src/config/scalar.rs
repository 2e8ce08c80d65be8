//! Single values of the config file: `${NAME}` replaced from the environment, then read as what the key
//! wants. Messages show a value as it stands in the file, never what the environment put into it.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toolgate_policy::{Place, Problems, nearest, parse_duration};

use super::unit;
use crate::environment::Environment;

/// Reads values and collects what is wrong with them. A value of the wrong type is passed over in
/// silence: the table of keys has reported it.
pub(super) struct Reader<'a> {
    /// What `${NAME}` stands for.
    pub(super) environment: &'a Environment,
    /// What relative paths are relative to.
    pub(super) directory: &'a Path,
    /// Everything found so far.
    pub(super) problems: Problems,
}

/// Why a text with `${…}` has no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unexpanded {
    /// No closing brace, or no name between the braces.
    Form,
    /// The environment has no such variable.
    Missing(String),
}

impl Reader<'_> {
    /// A string, or a number in its spelling.
    pub(super) fn plain(&mut self, place: Place<'_>) -> Option<String> {
        place.as_number().map(str::to_owned).or_else(|| self.text(place))
    }

    /// A string.
    pub(super) fn text(&mut self, place: Place<'_>) -> Option<String> {
        match expand(place.as_str()?, self.environment) {
            Ok(text) => Some(text),
            Err(Unexpanded::Form) => {
                let help = "write `${NAME}`, or `$${` for these two characters themselves";
                self.problems.error_with_help(place, "`${` without a name and `}`", help);
                None
            }
            Err(Unexpanded::Missing(name)) => {
                let help = match nearest(&name, self.environment.names()) {
                    Some(known) => format!("set it, or did you mean `{known}`?"),
                    None => "set it, or write `$${` for a literal `${`".to_owned(),
                };
                self.problems.error_with_help(
                    place,
                    format!("the environment has no variable `{name}`"),
                    help,
                );
                None
            }
        }
    }

    /// A text read by `parse`; `wanted` ends the message "… is not".
    pub(super) fn parsed<T>(
        &mut self,
        place: Place<'_>,
        wanted: &str,
        help: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(place)?;
        self.found(place, parse(&text), wanted, help)
    }

    /// As [`Reader::parsed`], of a string or a number.
    fn parsed_plain<T>(
        &mut self,
        place: Place<'_>,
        wanted: &str,
        help: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.plain(place)?;
        self.found(place, parse(&text), wanted, help)
    }

    fn found<T>(&mut self, place: Place<'_>, value: Option<T>, wanted: &str, help: &str) -> Option<T> {
        if value.is_none() {
            self.problems.error_with_help(place, format!("{} is not {wanted}", shown(place)), help);
        }
        value
    }

    /// A whole number within bounds.
    pub(super) fn count(&mut self, place: Place<'_>, range: RangeInclusive<usize>) -> Option<usize> {
        let help = format!("write a whole number from {} to {}", range.start(), range.end());
        self.parsed_plain(place, "within bounds", &help, |text| {
            text.parse().ok().filter(|n| range.contains(n))
        })
    }

    /// A number of bytes within bounds.
    pub(super) fn size(&mut self, place: Place<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let size = self.parsed_plain(place, "a size", unit::SIZE_FORM, unit::parse_size)?;
        if !range.contains(&size) {
            let help = format!("write between {} and {} bytes", range.start(), range.end());
            self.problems.error_with_help(place, format!("{} is out of bounds", shown(place)), help);
            return None;
        }
        Some(size)
    }

    /// A span of time, never zero.
    pub(super) fn duration(&mut self, place: Place<'_>) -> Option<Duration> {
        let duration =
            self.parsed_plain(place, "a duration", unit::DURATION_FORM, |text| parse_duration(text).ok())?;
        if duration > Duration::from_hours(24 * 3_660) {
            self.problems.error(place, format!("{} is no duration that could be waited for", shown(place)));
            return None;
        }
        Some(duration)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, place: Place<'_>) -> Option<bool> {
        match place.as_bool() {
            Some(value) => Some(value),
            None => self.parsed(place, "a truth value", "write `true` or `false`", |text| text.parse().ok()),
        }
    }

    /// A time, in microseconds since 1970.
    pub(super) fn date(&mut self, place: Place<'_>) -> Option<i64> {
        self.parsed(place, "a date", unit::DATE_FORM, unit::parse_date)
    }

    /// An address and port.
    pub(super) fn address(&mut self, place: Place<'_>) -> Option<SocketAddr> {
        let help = "write an IP address and a port, as in `127.0.0.1:8420` or `[::1]:8420`";
        self.parsed(place, "an address", help, |text| text.parse().ok())
    }

    /// A path; a relative one starts at the file's folder.
    pub(super) fn path(&mut self, place: Place<'_>) -> Option<PathBuf> {
        let help = "write the path of a file or folder";
        let path = self.parsed(place, "a path", help, |text| is_path(text).then(|| PathBuf::from(text)))?;
        Some(self.directory.join(path))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, place: Place<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(place)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let help = match nearest(&text, words.iter().map(|(word, _)| *word)) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        let message = format!("unknown value {} for `{}`", shown(place), place.name().unwrap_or_default());
        self.problems.error_with_help(place, message, help);
        None
    }

    /// A list of texts, each read by `read`.
    pub(super) fn list<T>(
        &mut self,
        place: Option<Place<'_>>,
        mut read: impl FnMut(&mut Self, Place<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(place) = place else { return Vec::new() };
        place.elements().filter_map(|element| read(self, element)).collect()
    }
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// The value as it stands in the file, in backticks.
pub(super) fn shown(place: Place<'_>) -> String {
    const MOST: usize = 80;
    let text = place.as_str().or(place.as_number()).unwrap_or_default();
    if text.chars().count() <= MOST {
        return format!("`{text}`");
    }
    format!("`{}…`", text.chars().take(MOST).collect::<String>())
}

/// Replaces each `${NAME}`; `$${` stands for `${` itself.
pub(crate) fn expand(text: &str, environment: &Environment) -> Result<String, Unexpanded> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = after;
            continue;
        }
        let (name, behind) = after.split_once('}').ok_or(Unexpanded::Form)?;
        if !is_variable(name) {
            return Err(Unexpanded::Form);
        }
        let value = environment.get(name).ok_or_else(|| Unexpanded::Missing(name.to_owned()))?;
        out.push_str(before);
        out.push_str(value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_once() {
        let environment = Environment::from([("A", "x"), ("B", "${A}"), ("_c9", "")]);
        for (text, expected) in [
            ("plain $ { } $5", Ok("plain $ { } $5")),
            ("${A}", Ok("x")),
            ("<${A}-${A}>", Ok("<x-x>")),
            ("${B}", Ok("${A}")),
            ("${_c9}", Ok("")),
            ("$${A}", Ok("${A}")),
            ("$$${A}", Ok("$${A}")),
            ("$${ and ${A}", Ok("${ and x")),
            ("${MISSING}", Err(Unexpanded::Missing("MISSING".into()))),
            ("${A", Err(Unexpanded::Form)),
            ("${}", Err(Unexpanded::Form)),
            ("${9}", Err(Unexpanded::Form)),
            ("${A B}", Err(Unexpanded::Form)),
            ("${A:-x}", Err(Unexpanded::Form)),
        ] {
            assert_eq!(expand(text, &environment), expected.map(str::to_owned), "{text}");
        }
    }
}
