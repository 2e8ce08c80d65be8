//! Small policies over a small world, where every call can be tried.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) const TOOLS: [&str; 4] = ["ab", "ac", "b", "c"];
pub(crate) const KEYS: [&str; 7] = ["ab", "ac", "b", "a*", "*b", "?", "*"];

/// All arguments of the world: absent, and `x` and `y` absent, a number, a text or null.
pub(crate) fn arguments() -> Vec<Option<String>> {
    let values = [None, Some("0"), Some("1"), Some("\"1\""), Some("null")];
    let mut all = vec![None];
    for x in values {
        for y in values {
            let members: Vec<String> = [("x", x), ("y", y)]
                .iter()
                .filter_map(|(name, value)| value.map(|value| format!("\"{name}\":{value}")))
                .collect();
            all.push(Some(format!("{{{}}}", members.join(","))));
        }
    }
    all
}

fn condition() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec!["args.x", "args.y"]);
    let compared = (
        path.clone(),
        prop::sample::select(vec!["eq", "neq"]),
        prop::sample::select(vec![json!(0), json!(1), json!("1"), json!(null)]),
    );
    prop_oneof![
        compared.prop_map(|(path, op, value)| json!({"path": path, "op": op, "value": value})),
        (path.clone(), prop::sample::select(vec!["lt", "gte"]))
            .prop_map(|(path, op)| json!({"path": path, "op": op, "value": 1})),
        (path, any::<bool>()).prop_map(|(path, there)| json!({"path": path, "op": "exists", "value": there})),
    ]
}

fn mode() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![5 => Just(None), 1 => Just(Some(json!("shadow"))), 1 => Just(Some(json!("enforce")))]
}

fn with_mode((mut value, mode): (Value, Option<Value>)) -> Value {
    if let (Some(object), Some(mode)) = (value.as_object_mut(), mode) {
        object.insert("mode".into(), mode);
    }
    value
}

fn group() -> impl Strategy<Value = Value> {
    let conditions = vec(condition(), 0..3).prop_map(|conditions| json!({"conditions": conditions}));
    (conditions, mode()).prop_map(with_mode)
}

fn rules() -> impl Strategy<Value = Value> {
    (vec(group(), 0..2), vec(group(), 0..2))
        .prop_map(|(deny_if, require)| json!({"deny_if": deny_if, "require": require}))
}

fn tool() -> impl Strategy<Value = Value> {
    let denied = prop::option::weighted(0.25, Just(json!("deny")));
    let ruled = (rules(), denied).prop_map(|(mut rules, action)| {
        if let (Some(object), Some(action)) = (rules.as_object_mut(), action) {
            object.insert("action".into(), action);
        }
        rules
    });
    (ruled, mode()).prop_map(with_mode)
}

/// A policy that loads: no two globs contradict each other.
pub(crate) fn policy() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned);
    let document = (
        prop::sample::select(vec!["allow", "deny"]),
        vec(prop::sample::select(KEYS[..5].to_vec()), 0..2),
        btree_map(keys, tool(), 0..4),
        rules(),
    )
        .prop_map(|(default, hide, mut tools, all_tools)| {
            // `a*` and `*b` weigh the same, and so do `?` and `*`.
            if tools.contains_key("a*") {
                tools.remove("*b");
            }
            if tools.contains_key("?") {
                tools.remove("*");
            }
            json!({"version": "1", "default": default, "hide": hide, "tools": tools, "all_tools": all_tools})
        });
    (document, mode()).prop_map(with_mode)
}

/// The document in YAML's block style.
pub(crate) fn to_yaml(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .map(|(name, value)| format!("\n{pad}{}: {}", json!(name), to_yaml(value, indent + 2)))
            .collect(),
        Value::Array(elements) if !elements.is_empty() => {
            elements.iter().map(|value| format!("\n{pad}- {}", to_yaml(value, indent + 2))).collect()
        }
        leaf => leaf.to_string(),
    }
}
