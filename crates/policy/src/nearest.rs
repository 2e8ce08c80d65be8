//! The known name that a misspelt one was probably meant to be.

/// The member of `known` that is most like `name`, if one is like it at all.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let compared: String = name.chars().take(64).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&compared, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed_distance(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A third of the name may differ, and one character of a short one; never all of it.
fn allowed_distance(candidate: &str) -> usize {
    let length = candidate.chars().count();
    (length / 3).max(1).min(length.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["limits", "require", "deny_if", "action"];
        for (name, expected) in [
            ("limit", Some("limits")),
            ("denyif", Some("deny_if")),
            ("Require", Some("require")),
            ("acton", Some("action")),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
