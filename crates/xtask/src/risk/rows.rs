//! Rows of tool definitions with their labels.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use toolgate_catalog::{Category, Definition};

/// A definition and what it was labelled.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) definition: Definition,
    pub(super) label: Category,
}

/// Labels by the key of their row.
pub(super) type Labels = HashMap<String, Category>;

/// Reads labels that stand apart from their definitions: `key`, `label`, and `part` where rows are parted.
pub(super) fn read_labels(path: &Path, part: Option<&str>) -> anyhow::Result<Labels> {
    let mut labels = Labels::new();
    for value in objects(path)? {
        if part.is_some_and(|part| value.get("part").and_then(Value::as_str) != Some(part)) {
            continue;
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let (Some(key), Some(label)) = (text("key"), text("label")) else {
            bail!("{}: a label needs `key` and `label`", path.display());
        };
        let label = Category::parse(label)
            .with_context(|| format!("{}: unknown category `{label}`", path.display()))?;
        labels.insert(key.to_owned(), label);
    }
    Ok(labels)
}

/// Reads the rows of a file that have a label.
pub(super) fn read(path: &Path, labels: Option<&Labels>) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, value) in objects(path)?.iter().enumerate() {
        let place = || format!("{}, line {}", path.display(), number + 1);
        let label = match labels {
            Some(labels) => labels.get(&key(value)).copied(),
            None => own_label(value),
        };
        if let Some(label) = label {
            let definition = Definition::from_value(value).with_context(place)?;
            rows.push(Row { definition, label });
        }
    }
    Ok(rows)
}

fn objects(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
        })
        .collect()
}

/// The label that a row carries. A `category` that is none of the five, such as a topic, is no label.
fn own_label(value: &Value) -> Option<Category> {
    ["label", "category", "vendor_class"]
        .into_iter()
        .find_map(|name| value.get(name).and_then(Value::as_str).and_then(Category::parse))
}

/// What a row is found by: SHA-256 of server, tool and description, each on its line.
fn key(value: &Value) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let digest = Sha256::digest(format!("{}\n{}\n{}", text("server"), text("tool"), text("description")));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
