//! Which servers of the catalogue are offered to others.

use toolgate_policy::Place;

use super::scalar::Reader;

impl Reader<'_> {
    /// A name of a server of the catalogue, or a beginning of names with `*`.
    pub(super) fn offered(&mut self, place: Place<'_>) -> Option<String> {
        let text = self.text(place)?;
        let start = text.strip_suffix('*').unwrap_or(&text);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-');
        if text.is_empty() || !start.chars().all(is_name) {
            let help = "write a name as in `com.example/files`, or `com.example/*`";
            self.problems.error_with_help(place, "not the name of a server of the catalogue", help);
            return None;
        }
        Some(text)
    }
}
