//! What classification costs: a short definition, one of middling length, and a long one.

use divan::{Bencher, black_box};
use serde_json::{Value, json};
use toolgate_catalog::{Definition, classify};

fn main() {
    divan::main();
}

fn short() -> Value {
    json!({"name": "delete_link", "description": "Delete a short link.",
        "inputSchema": {"type": "object", "properties": {"linkId": {"type": "string"}}, "required": ["linkId"]}})
}

const TEXT: &str = "Searches the log groups of an account for entries that match a pattern within a window of time.\n\n\
        Use this tool to find out what happened before an alarm. It returns at most one hundred entries, the newest \
        first, each with its time and the stream that it comes from.\n\nArgs:\n    group: the group's name\n    \
        pattern: what an entry must contain\n    start: the first moment\n    end: the last moment";

fn searching(text: &str) -> Value {
    json!({"name": "search_log_entries", "description": text, "inputSchema": {"type": "object", "properties": {
        "group": {"type": "string", "description": "The group's name"},
        "pattern": {"type": "string", "description": "What an entry must contain"},
        "start": {"type": "string"}, "end": {"type": "string"},
        "limit": {"type": "integer", "default": 100}, "region": {"type": "string", "enum": ["eu", "us"]}}}})
}

fn run(bencher: Bencher<'_, '_>, value: &Value) {
    let Ok(definition) = Definition::from_value(value) else { return };
    bencher.counter(divan::counter::ItemsCount::new(1_u32)).bench(|| classify(black_box(&definition)));
}

#[divan::bench]
fn a_short_definition(bencher: Bencher<'_, '_>) {
    run(bencher, &short());
}

#[divan::bench]
fn a_middling_definition(bencher: Bencher<'_, '_>) {
    run(bencher, &searching(TEXT));
}

#[divan::bench]
fn a_long_definition(bencher: Bencher<'_, '_>) {
    run(bencher, &searching(&TEXT.repeat(12)));
}
