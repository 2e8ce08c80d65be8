//! What a policy means, as plainly as it can be written: no plan, no order, no sharing.

use serde_json::{Value, json};

/// `Some(true)` and `Some(false)` are the condition's outcome; none where it cannot be evaluated.
fn holds(condition: &Value, arguments: &Value) -> Option<bool> {
    let name = condition["path"].as_str().unwrap().trim_start_matches("args.");
    let wanted = &condition["value"];
    let Some(value) = arguments.get(name) else { return Some(condition == &absence(condition)) };
    let kind = |value: &Value| (value.is_number(), value.is_string(), value.is_null());
    match condition["op"].as_str().unwrap() {
        "exists" => Some(wanted == &json!(true)),
        _ if !wanted.is_null() && kind(value) != kind(wanted) => None,
        "eq" => Some(value == wanted),
        "neq" => Some(value != wanted),
        "lt" => Some(value.as_i64() < wanted.as_i64()),
        _ => Some(value.as_i64() >= wanted.as_i64()),
    }
}

fn absence(condition: &Value) -> Value {
    json!({"path": condition["path"], "op": "exists", "value": false})
}

fn list<'v>(rules: &'v Value, name: &str) -> Vec<&'v Value> {
    rules[name].as_array().map(|list| list.iter().collect()).unwrap_or_default()
}

fn shadowed(rule: &Value, outer: bool) -> bool {
    rule["mode"].as_str().map_or(outer, |mode| mode == "shadow")
}

fn glob(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => (0..=name.len()).any(|at| glob(&pattern[1..], &name[at..])),
        Some(c) => name.starts_with(|n| c == '?' || c == n) && glob(&pattern[1..], &name[1..]),
    }
}

fn rules_deny(rules: &Value, arguments: &Value, shadow: bool) -> bool {
    let outcomes = |group: &Value| -> Vec<Option<bool>> {
        list(group, "conditions").iter().map(|condition| holds(condition, arguments)).collect()
    };
    let enforced = |name| list(rules, name).into_iter().filter(|group| !shadowed(group, shadow));
    enforced("deny_if").any(|group| {
        outcomes(group).contains(&None) || outcomes(group).iter().all(|outcome| *outcome == Some(true))
    }) || enforced("require").any(|group| outcomes(group).iter().any(|outcome| *outcome != Some(true)))
}

/// Whether the policy allows the call.
pub(crate) fn allows(policy: &Value, tool: &str, arguments: &Value) -> bool {
    let shadow = shadowed(policy, false);
    let tools = policy["tools"].as_object().unwrap();
    let matching: Vec<(&String, &Value)> = tools.iter().filter(|(key, _)| glob(key, tool)).collect();
    let weight = |key: &str| if key == tool { 99 } else { key.replace(['*', '?'], "").len() };
    let entry = matching.iter().max_by_key(|(key, _)| weight(key)).map(|(_, entry)| *entry);
    let hidden = list(policy, "hide").iter().any(|name| glob(name.as_str().unwrap(), tool));
    let unlisted = entry.is_none() && policy["default"] == "deny" && !shadow;
    let refused = matching.iter().any(|(_, entry)| entry["action"] == "deny" && !shadowed(entry, shadow));
    let own = entry.is_some_and(|entry| rules_deny(entry, arguments, shadowed(entry, shadow)));
    !(hidden || unlisted || refused || own || rules_deny(&policy["all_tools"], arguments, shadow))
}
