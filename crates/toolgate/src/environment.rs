//! The variables of the process, read once and passed on as values: no other module asks for them.

use std::collections::BTreeMap;
use std::fmt;

/// Names and values of variables. Values may be secret and are never shown.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// What a child process gets besides what its server's settings say.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

impl Environment {
    /// The variables of this process; those that are not UTF-8 count as absent.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What every child process gets.
    pub(crate) fn for_children(&self) -> Vec<(String, String)> {
        let pair = |name: &&str| Some(((*name).to_owned(), self.get(name)?.to_owned()));
        PASSED_ON.iter().filter_map(pair).collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_shown() {
        let environment = Environment::from([("KEY", "hunter2")]);
        assert_eq!(format!("{environment:?}"), "{\"KEY\"}");
        assert_eq!(environment.get("KEY"), Some("hunter2"));
    }

    #[test]
    fn children_get_four_variables_at_most() {
        let environment = Environment::from([("PATH", "/bin"), ("SECRET", "x"), ("LANG", "C")]);
        let expected = [("PATH", "/bin"), ("LANG", "C")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(environment.for_children(), expected);
    }
}
