//! The tool list against the recorded list of the server whose contract this one keeps.

use std::path::Path;

use imagegen_mcp::Tool;
use serde_json::{Value, json};

/// Relative to this crate; present in some checkouts only.
const RECORDED: &str = "../../../shared/data/imagegen-tools-list.json";

#[test]
fn names_and_schemas_equal_the_recorded_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: `{}` is not here, so the tool list was NOT compared", path.display());
        return;
    };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let recorded = recorded["tools/list"]["result"]["tools"].as_array().unwrap();
    assert_eq!(recorded.len(), Tool::ALL.len());
    for (recorded, tool) in recorded.iter().zip(Tool::ALL) {
        assert_eq!(recorded["name"], tool.name());
        let ours = json!(*tool.definition().input_schema);
        // As text, so that the order of the fields counts too.
        assert_eq!(ours.to_string(), recorded["inputSchema"].to_string(), "{}", tool.name());
    }
}
