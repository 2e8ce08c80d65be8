//! Results of list requests, cut down to what may be seen and otherwise left byte for byte.

use thiserror::Error;
use toolgate_json::{Kind, Splice, Value, write_string};

use crate::edit::{ObjectEdit, remove_elements};
use crate::method::Listed;
use crate::names;
use crate::revision::Era;

/// What becomes of an element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It goes.
    Remove,
    /// It stays, with another `name`. An element without a name goes.
    Rename(String),
}

/// A list that was cut down.
#[derive(Debug)]
pub struct Filtered {
    /// The edits, of the document that the result is part of.
    pub splice: Splice,
    /// Elements that stay.
    pub kept: usize,
    /// Elements that go.
    pub removed: usize,
}

/// A result that does not hold the list that was asked for, and so cannot be cut down or passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the result has no array `{member}`")]
pub struct NotAList {
    /// The member that should be the list.
    pub member: &'static str,
}

/// Judges each element of a list result. A modern result becomes `"cacheScope":"private"`, whether or not
/// anything goes: what is seen depends on who asks (2026-07-28, caching). A member whose name imitates the
/// list's goes.
///
/// # Errors
///
/// The result is no such list.
pub fn filter<'d>(
    result: Value<'d>,
    listed: Listed,
    era: Era,
    mut judge: impl FnMut(Value<'d>) -> Verdict,
) -> Result<Filtered, NotAList> {
    let list = elements(result, listed)?;
    let mut splice = Splice::new();
    let mut removed = Vec::new();
    for element in list.elements() {
        removed.push(match judge(element) {
            Verdict::Keep => false,
            Verdict::Remove => true,
            Verdict::Rename(name) => !rename(element, &name, &mut splice),
        });
    }
    remove_elements(list, &removed, &mut splice);
    let mut edit = ObjectEdit::new(result);
    edit.remove(|member| {
        let name = member.name.as_str().unwrap_or_default();
        name != listed.member() && names::is_or_imitates(&name, listed.member())
    });
    if era == Era::Modern {
        edit.set("cacheScope", "\"private\"");
    }
    edit.write(&mut splice);
    let gone = removed.iter().filter(|removed| **removed).count();
    Ok(Filtered { splice, kept: removed.len() - gone, removed: gone })
}

/// The array that a list result holds.
///
/// # Errors
///
/// The result is no such list.
pub fn elements(result: Value<'_>, listed: Listed) -> Result<Value<'_>, NotAList> {
    let member = listed.member();
    result.get(member).filter(|list| list.kind() == Kind::Array).ok_or(NotAList { member })
}

fn rename(element: Value<'_>, name: &str, splice: &mut Splice) -> bool {
    let Some(found) = element.get("name").filter(|found| found.kind() == Kind::String) else {
        return false;
    };
    let mut bytes = Vec::with_capacity(name.len() + 2);
    write_string(name, &mut bytes);
    splice.replace(found.span(), bytes);
    true
}

/// The name for clients that refuse dots. Two names can become one; whoever maps them back must refuse
/// that.
#[must_use]
pub fn dotted_to_underscore(name: &str) -> String {
    name.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toolgate_json::{Document, Limits};

    use super::*;

    fn filtered(text: &str, listed: Listed, era: Era, judge: impl Fn(&str) -> Verdict) -> String {
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let result = document.root().get("result").unwrap();
        let name = |element: Value<'_>| element.get("name").map(|name| name.as_str().unwrap().into_owned());
        match filter(result, listed, era, |element| judge(&name(element).unwrap_or_default())) {
            Ok(filtered) => String::from_utf8(filtered.splice.apply(text.as_bytes())).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    const TOOLS: &str =
        r#"{"id" : 1, "result":{ "tools":[ {"name":"a","x":1.0} , {"name":"b.c"},{} ], "ttlMs" : 5 } }"#;

    #[test]
    fn a_legacy_list_changes_only_where_it_must() {
        let legacy = |judge: &dyn Fn(&str) -> Verdict| filtered(TOOLS, Listed::Tools, Era::Legacy, judge);
        assert_eq!(legacy(&|_| Verdict::Keep), TOOLS);
        let only_a = legacy(&|name| if name == "a" { Verdict::Keep } else { Verdict::Remove });
        assert_eq!(only_a, r#"{"id" : 1, "result":{ "tools":[ {"name":"a","x":1.0} ], "ttlMs" : 5 } }"#);
        let none = legacy(&|_| Verdict::Remove);
        assert_eq!(none, r#"{"id" : 1, "result":{ "tools":[  ], "ttlMs" : 5 } }"#);
        let renamed = legacy(&|name| Verdict::Rename(dotted_to_underscore(name)));
        assert_eq!(
            renamed,
            r#"{"id" : 1, "result":{ "tools":[ {"name":"a","x":1.0} , {"name":"b_c"} ], "ttlMs" : 5 } }"#
        );
    }

    #[test]
    fn a_modern_list_becomes_private() {
        let modern = |text: &str| filtered(text, Listed::Resources, Era::Modern, |_| Verdict::Keep);
        assert_eq!(
            modern(r#"{"result":{"resources":[],"cacheScope":"public"}}"#),
            r#"{"result":{"resources":[],"cacheScope":"private"}}"#
        );
        assert_eq!(
            modern(r#"{"result":{"resources":[]}}"#),
            r#"{"result":{"cacheScope":"private","resources":[]}}"#
        );
    }

    #[test]
    fn a_result_without_the_list_is_refused() {
        for (text, listed) in [
            (r#"{"result":{}}"#, Listed::Tools),
            (r#"{"result":{"tools":{}}}"#, Listed::Tools),
            (r#"{"result":{"tools":null}}"#, Listed::Tools),
            (r#"{"result":[]}"#, Listed::Tools),
            (r#"{"result":{"Tools":[]}}"#, Listed::Tools),
            (r#"{"result":{"resources":[]}}"#, Listed::Templates),
        ] {
            let expected = format!("the result has no array `{}`", listed.member());
            assert_eq!(filtered(text, listed, Era::Legacy, |_| Verdict::Keep), expected, "{text}");
        }
    }

    #[test]
    fn a_second_list_in_disguise_goes() {
        let text = r#"{"result":{"prompts":[],"Prompts":[{"name":"x"}],"prompts\u0000":[],"p":1}}"#;
        let found = filtered(text, Listed::Prompts, Era::Legacy, |_| Verdict::Keep);
        assert_eq!(found, r#"{"result":{"prompts":[],"p":1}}"#);
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_was_kept(verdicts in proptest::collection::vec(0u8..3, 0..10)) {
            let tool = |index: usize| format!(r#" {{"n":{index},"name":"t.{index}"}} "#);
            let tools: Vec<String> = (0..verdicts.len()).map(tool).collect();
            let text = format!(r#"{{"result":{{"tools":[{}]}}}}"#, tools.join(","));
            let index = |name: &str| name.strip_prefix("t.").unwrap().parse::<usize>().unwrap();
            let after = filtered(&text, Listed::Tools, Era::Modern, |name| match verdicts[index(name)] {
                0 => Verdict::Keep,
                1 => Verdict::Remove,
                _ => Verdict::Rename(dotted_to_underscore(name)),
            });
            let after: serde_json::Value = serde_json::from_str(&after).unwrap();
            let expected: Vec<serde_json::Value> = verdicts.iter().enumerate().filter(|(_, v)| **v != 1)
                .map(|(n, v)| serde_json::json!({"n": n, "name": format!("t{}{n}", if *v == 0 { "." } else { "_" })}))
                .collect();
            prop_assert_eq!(&after["result"]["tools"], &serde_json::Value::Array(expected));
            prop_assert_eq!(&after["result"]["cacheScope"], "private");
        }
    }
}
