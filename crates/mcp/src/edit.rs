//! Edits of objects and arrays by span: members and elements taken out or put in, commas right, every
//! other byte as it was.

use toolgate_json::{Member, Span, Splice, Value, write_string};

/// What is to change in one object. Edits of objects that lie in each other must not overlap: a value
/// that is removed or replaced here must not be edited elsewhere.
#[derive(Debug)]
pub struct ObjectEdit<'d> {
    object: Value<'d>,
    removed: Vec<bool>,
    /// Name and raw value of members to add, in order.
    added: Vec<(String, String)>,
    /// Places and raw values of members to replace.
    replaced: Vec<(Span, String)>,
}

impl<'d> ObjectEdit<'d> {
    /// Begins with no change. Any other type than an object stays as it is.
    #[must_use]
    pub fn new(object: Value<'d>) -> Self {
        let removed = vec![false; object.members().count()];
        Self { object, removed, added: Vec::new(), replaced: Vec::new() }
    }

    /// Removes the members that `which` picks; tells how many there were.
    pub fn remove(&mut self, which: impl Fn(&Member<'d>) -> bool) -> usize {
        let mut count = 0;
        for (member, removed) in self.object.members().zip(&mut self.removed) {
            if !*removed && which(&member) {
                *removed = true;
                count += 1;
            }
        }
        count
    }

    /// Gives the member of that name another value, raw JSON, or adds it. Once for each name.
    pub fn set(&mut self, name: &str, raw: &str) {
        let members = self.object.members().zip(&self.removed);
        let mut kept = members.filter(|(_, removed)| !**removed).map(|(member, _)| member);
        match kept.find(|member| member.name.is_str(name)) {
            Some(member) => self.replaced.push((member.value.span(), raw.to_owned())),
            None => self.added.push((name.to_owned(), raw.to_owned())),
        }
    }

    /// Adds the changes to those of the text.
    pub fn write(self, splice: &mut Splice) {
        if self.object.kind() != toolgate_json::Kind::Object {
            return;
        }
        let spans: Vec<Span> = self.object.members().map(|member| span_of(&member)).collect();
        remove_items(&spans, &self.removed, splice);
        for (span, raw) in self.replaced {
            splice.replace(span, raw);
        }
        if self.added.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        for (index, (name, raw)) in self.added.iter().enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            write_string(name, &mut bytes);
            bytes.push(b':');
            bytes.extend_from_slice(raw.as_bytes());
        }
        if self.removed.contains(&false) {
            bytes.push(b',');
        }
        let start = self.object.span().start + 1;
        splice.replace(Span { start, end: start }, bytes);
    }
}

/// Takes elements out of an array: those whose place in `removed` is set.
pub fn remove_elements(array: Value<'_>, removed: &[bool], splice: &mut Splice) {
    let spans: Vec<Span> = array.elements().map(|element| element.span()).collect();
    remove_items(&spans, removed, splice);
}

fn span_of(member: &Member<'_>) -> Span {
    Span { start: member.name.span().start, end: member.value.span().end }
}

/// Removes items of a comma-separated list. An item goes with the comma before it; those at the front
/// go with the comma behind them.
fn remove_items(spans: &[Span], removed: &[bool], splice: &mut Splice) {
    let is_removed = |index: usize| removed.get(index).copied().unwrap_or(false);
    let first_kept = (0..spans.len()).find(|index| !is_removed(*index));
    let front_end = match first_kept.and_then(|index| spans.get(index)) {
        Some(kept) => Some(kept.start),
        None => spans.last().map(|last| last.end),
    };
    let front = first_kept.unwrap_or(spans.len());
    if front > 0
        && let (Some(first), Some(end)) = (spans.first(), front_end)
    {
        splice.replace(Span { start: first.start, end }, "");
    }
    for (index, pair) in spans.windows(2).enumerate().skip(front) {
        if let ([before, item], true) = (pair, is_removed(index + 1)) {
            splice.replace(Span { start: before.end, end: item.end }, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toolgate_json::{Document, Limits};

    use super::*;

    fn edit(text: &str, removed: &[&str], set: &[(&str, &str)]) -> String {
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let mut edit = ObjectEdit::new(document.root());
        edit.remove(|member| removed.iter().any(|name| member.name.is_str(name)));
        for (name, raw) in set {
            edit.set(name, raw);
        }
        let mut splice = Splice::new();
        edit.write(&mut splice);
        String::from_utf8(splice.apply(text.as_bytes())).unwrap()
    }

    #[test]
    fn members_go_with_one_comma() {
        let text = r#"{ "a" : 1 , "b":[2] ,"c" : {} }"#;
        assert_eq!(edit(text, &[], &[]), text);
        assert_eq!(edit(text, &["a"], &[]), r#"{ "b":[2] ,"c" : {} }"#);
        assert_eq!(edit(text, &["b"], &[]), r#"{ "a" : 1 ,"c" : {} }"#);
        assert_eq!(edit(text, &["c"], &[]), r#"{ "a" : 1 , "b":[2] }"#);
        assert_eq!(edit(text, &["a", "b"], &[]), r#"{ "c" : {} }"#);
        assert_eq!(edit(text, &["a", "b", "c"], &[]), "{  }");
    }

    #[test]
    fn members_are_replaced_or_added() {
        let text = r#"{ "a" : 1 }"#;
        assert_eq!(edit(text, &[], &[("a", "2")]), r#"{ "a" : 2 }"#);
        assert_eq!(edit(text, &[], &[("b", "2")]), r#"{"b":2, "a" : 1 }"#);
        assert_eq!(edit(text, &["a"], &[("a", "2"), ("b", "3")]), r#"{"a":2,"b":3  }"#);
        assert_eq!(edit("{}", &[], &[("b", "2")]), r#"{"b":2}"#);
        assert_eq!(edit("[1]", &["a"], &[("b", "2")]), "[1]");
    }

    proptest! {
        #[test]
        fn edits_mean_what_they_say(
            removed in proptest::collection::vec(any::<bool>(), 0..8),
            set in proptest::collection::btree_map(0usize..10, 0i32..9, 0..4),
        ) {
            let names: Vec<String> = (0..removed.len()).map(|index| format!("m{index}")).collect();
            let body: Vec<String> = names.iter().map(|name| format!(" \"{name}\" :\t[0] ")).collect();
            let text = format!("{{{}}}", body.join(","));
            let gone: Vec<&str> =
                names.iter().zip(&removed).filter(|(_, r)| **r).map(|(n, _)| n.as_str()).collect();
            let set: Vec<(String, String)> =
                set.iter().map(|(name, value)| (format!("m{name}"), value.to_string())).collect();
            let set: Vec<(&str, &str)> = set.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();

            let mut expected = serde_json::Map::new();
            for name in names.iter().filter(|name| !gone.contains(&name.as_str())) {
                expected.insert(name.clone(), serde_json::json!([0]));
            }
            for (name, value) in &set {
                expected.insert((*name).to_owned(), value.parse::<i32>().unwrap().into());
            }
            let found: serde_json::Value = serde_json::from_str(&edit(&text, &gone, &set)).unwrap();
            prop_assert_eq!(found, serde_json::Value::Object(expected));
        }

        #[test]
        fn elements_mean_what_is_left(removed in proptest::collection::vec(any::<bool>(), 0..8)) {
            let elements: Vec<String> = (0..removed.len()).map(|index| format!(" {index}\n")).collect();
            let text = format!("[{}]", elements.join(","));
            let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
            let mut splice = Splice::new();
            remove_elements(document.root(), &removed, &mut splice);
            let left: Vec<usize> = serde_json::from_slice(&splice.apply(text.as_bytes())).unwrap();
            let expected: Vec<usize> = (0..removed.len()).filter(|index| !removed[*index]).collect();
            prop_assert_eq!(left, expected);
        }
    }
}
