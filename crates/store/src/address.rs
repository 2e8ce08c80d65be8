//! Where a server is reached by HTTP. The values in the query of a URL are often keys: they are kept encrypted, and
//! shown as `***`.

use crate::secret::Secret;

/// What stands in the place of a value that is not shown.
const HIDDEN: &str = "***";

/// A URL, of which the values in its query are a secret. Two are the same if what is known of both is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    shown: String,
    /// The whole of it, where it has a query and that is known.
    whole: Option<Secret>,
}

impl Address {
    /// Takes a URL in, without credentials.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { shown: hide(url), whole: url.contains('?').then(|| Secret::new(url.to_owned())) }
    }

    /// The URL for people to look at: each value in its query is `***`.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The URL itself, for the one who calls it. None if the values of its query were not opened, or are lost.
    #[must_use]
    pub fn whole(&self) -> Option<&str> {
        match &self.whole {
            Some(whole) => Some(whole.expose()),
            None if self.has_query() => None,
            None => Some(&self.shown),
        }
    }

    /// Whether it is no more than what is shown of another.
    #[must_use]
    pub fn is_only_shown(&self) -> bool {
        self.has_query() && self.whole().is_none_or(|whole| whole == self.shown)
    }

    /// A text without the values of the query, as far as they stand in it and are longer than a mere word.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let Some(whole) = self.whole.as_ref().map(Secret::expose) else { return text.to_owned() };
        let values = whole.split_once('?').into_iter().flat_map(|(_, query)| query.split('&'));
        let values = values.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
        values
            .filter(|value| value.len() >= 4)
            .fold(text.replace(whole, &self.shown), |text, value| text.replace(value, HIDDEN))
    }

    /// As it stands in its column. A format before the second kept the whole URL there.
    pub(crate) fn kept(column: String) -> Self {
        if hide(&column) == column { Self { shown: column, whole: None } } else { Self::new(&column) }
    }

    pub(crate) fn has_query(&self) -> bool {
        self.shown.contains('?')
    }

    /// What is to be sealed of it.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.whole.as_ref()
    }

    pub(crate) fn open(&mut self, whole: Secret) {
        self.whole = Some(whole);
    }
}

fn hide(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else { return url.to_owned() };
    let hidden = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    });
    format!("{place}?{}", hidden.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_are_hidden() {
        for (url, shown) in [
            ("http://h/mcp", "http://h/mcp"),
            ("http://h/mcp?key=hunter2&x=1", "http://h/mcp?key=***&x=***"),
            ("http://h/mcp?hunter2", "http://h/mcp?***"),
            ("http://h/mcp?", "http://h/mcp?***"),
            ("http://h/mcp?a=b=c", "http://h/mcp?a=***"),
        ] {
            let address = Address::new(url);
            assert_eq!((address.shown(), address.whole()), (shown, Some(url)));
            assert!(!address.is_only_shown());
            assert!(!format!("{address:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_kept_is_what_is_shown() {
        let kept = Address::kept("http://h/mcp?key=***".to_owned());
        assert_eq!((kept.whole(), kept.is_only_shown()), (None, true));
        assert!(Address::new("http://h/mcp?key=***").is_only_shown());
        assert_eq!(Address::kept("http://h/mcp".to_owned()), Address::new("http://h/mcp"));
        // As an earlier format kept it.
        assert_eq!(
            Address::kept("http://h/mcp?key=hunter2".to_owned()),
            Address::new("http://h/mcp?key=hunter2")
        );
    }

    #[test]
    fn values_are_hidden_in_what_others_say() {
        let address = Address::new("http://h/mcp?key=hunter2&x=1");
        assert_eq!(
            address.hide_in("http://h/mcp?key=hunter2&x=1: `hunter2` is no key of 1"),
            "http://h/mcp?key=***&x=***: `***` is no key of 1"
        );
    }
}
