//! Limits that were set through the admin API: where the config file says nothing, they hold.

use std::collections::{BTreeMap, BTreeSet};

use toolgate_admin::LIMITS_SETTING;
use toolgate_gateway::settings::LimitSettings;
use toolgate_gateway::settings::limit::changeable;
use toolgate_store::Setting;

/// Puts what the store says into the limits. What cannot be used is passed over with a warning, and the default
/// holds; what the file sets wins.
pub(super) fn apply(
    limits: &mut LimitSettings,
    stored: &[Setting],
    in_file: &BTreeSet<String>,
    warnings: &mut Vec<String>,
) {
    let Some(setting) = stored.iter().find(|setting| setting.key == LIMITS_SETTING) else { return };
    let Ok(wanted) = serde_json::from_str::<BTreeMap<String, usize>>(&setting.value) else {
        warnings.push("the limits in the store cannot be read: set them anew through the API".to_owned());
        return;
    };
    for (name, value) in wanted.into_iter().filter(|(name, _)| !in_file.contains(name)) {
        if changeable(&name).and_then(|key| key.set(limits, value)).is_none() {
            warnings.push(format!(
                "the limit `{name}` of the store cannot be {value}: set it anew through the API"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, in_file: &[&str], expected: (usize, usize), warned: usize) {
        let mut limits = LimitSettings { depth: 32, ..LimitSettings::default() };
        let meta = toolgate_store::Meta { created: 0, updated: 0, revision: 1, author: String::new() };
        let setting = Setting { key: LIMITS_SETTING.to_owned(), value: value.to_owned(), meta };
        let in_file = in_file.iter().map(|name| (*name).to_owned()).collect();
        let mut warnings = Vec::new();
        apply(&mut limits, &[setting], &in_file, &mut warnings);
        assert_eq!((limits.body, limits.depth), expected, "{value}");
        assert_eq!(warnings.len(), warned, "{warnings:?}");
    }

    #[test]
    fn the_file_wins_and_nothing_is_out_of_bounds() {
        let default = LimitSettings::default().body;
        check(r#"{"body": 2048}"#, &[], (2048, 32), 0);
        check(r#"{"body": 2048, "depth": 16}"#, &["depth"], (2048, 32), 0);
        check(r#"{"body": 1, "connections": 3}"#, &[], (default, 32), 2);
        check("[]", &[], (default, 32), 1);
        let mut limits = LimitSettings::default();
        apply(&mut limits, &[], &BTreeSet::new(), &mut Vec::new());
        assert_eq!(limits, LimitSettings::default());
    }
}
