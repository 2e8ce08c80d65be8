//! The file with this server's tools that a new catalogue begins with says what the server serves.

use imagegen_mcp::Tool;
use imagegen_mcp::tool::Naming;
use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../registry/data/first.jsonl");

#[test]
fn the_first_entries_of_a_catalogue_are_the_tools_that_are_served() {
    let line = |tool: Tool| {
        let mut definition = serde_json::to_value(tool.definition(Naming::Dots)).unwrap();
        definition["server"] = Value::from("imagegen-mcp");
        format!("{definition}\n")
    };
    let served: String = Tool::ALL.map(line).concat();
    let kept = std::fs::read_to_string(FILE).unwrap();
    assert!(kept == served, "`{FILE}` should hold:\n{served}");
}
