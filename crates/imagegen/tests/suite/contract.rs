//! The tool list against the recorded list of the server whose contract this one keeps.

use std::path::Path;

use imagegen_mcp::Tool;
use imagegen_mcp::tool::Naming;
use serde_json::{Value, json};

/// Relative to this crate; present in some checkouts only.
const RECORDED: &str = "../../../shared/data/imagegen-tools-list.json";

#[test]
fn schemas_accept_all_that_the_recorded_ones_accept() {
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
        let definition = tool.definition(Naming::Dots);
        let (ours, theirs) = (json!(*definition.input_schema), &recorded["inputSchema"]);
        for member in ["type", "required", "additionalProperties", "$schema"] {
            assert_eq!(ours[member], theirs[member], "{} {member}", tool.name());
        }
        let (ours, theirs) =
            (ours["properties"].as_object().unwrap(), theirs["properties"].as_object().unwrap());
        let first: Vec<_> = ours.keys().take(theirs.len()).collect();
        assert_eq!(
            first,
            theirs.keys().collect::<Vec<_>>(),
            "{}: the recorded fields come first",
            tool.name()
        );
        for (name, theirs) in theirs {
            accepts_as_much(&ours[name], theirs, &format!("{} {name}", tool.name()));
        }
    }
}

/// A field may take more words and be described, but nothing else may differ.
fn accepts_as_much(ours: &Value, theirs: &Value, field: &str) {
    let mut ours = ours.clone();
    ours.as_object_mut().unwrap().remove("description");
    if let Some(words) = theirs.get("enum").and_then(Value::as_array) {
        let taken = ours["enum"].as_array().unwrap();
        assert_eq!(taken[..words.len()], words[..], "{field}: the recorded words come first");
        ours["enum"] = theirs["enum"].clone();
    }
    assert_eq!(&ours, theirs, "{field}");
}
