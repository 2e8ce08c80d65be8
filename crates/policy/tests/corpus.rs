//! The corpus: policies, calls and what is decided about them, one file for each part of the language.
//!
//! A file holds `policy` (a document) or `yaml` (its text), `schemas` (tools of the server, by name;
//! where absent no server is asked) and `cases`: `tool`, `uri` or `prompt`, `arguments` (a value, or
//! `arguments_text` for spellings that JSON tools would change), `tags`, and `deny` (the rule) or
//! `demands` (counter, amount in 10^-9); besides `message`, `shadowed` and `listed`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: what fails here fails the test")]

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use toolgate_json::{Document, Limits};
use toolgate_policy::{Call, Context, Decision, Definition, Format, Outcome, Plan, Schema, load};

struct World {
    plan: Plan,
    /// None where no server is asked; a schema that cannot be compiled is none in turn.
    schemas: Option<HashMap<String, Option<Schema>>>,
}

impl World {
    fn of(file: &Value, name: &str) -> Self {
        let loaded = match file["yaml"].as_str() {
            Some(text) => load(text, Format::Yaml, name),
            None => load(&file["policy"].to_string(), Format::Json, name),
        };
        let plan = loaded.unwrap_or_else(|problems| panic!("{name}: {problems:?}")).plan;
        let schemas = file["schemas"].as_object().map(|schemas| {
            schemas
                .iter()
                .map(|(tool, schema)| {
                    let text = schema.to_string();
                    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
                    (tool.clone(), Schema::compile(&document.root()).ok())
                })
                .collect()
        });
        Self { plan, schemas }
    }

    fn decide(&self, case: &Value) -> Decision<'_> {
        let text = case["arguments_text"].as_str().map(str::to_owned);
        let text = text.or_else(|| case.get("arguments").map(Value::to_string));
        let document = text.as_ref().map(|text| Document::read(text.as_bytes(), &Limits::default()).unwrap());
        let arguments = document.as_ref().map(Document::root);
        let tags: Vec<String> = strings(&case["tags"]);
        let context = Context {
            grant_label: "alice-laptop",
            grant_tags: &tags,
            server: "shop",
            client_ip: None,
            wall_micros: case["wall_micros"].as_i64().unwrap_or_default(),
        };
        if let Some(uri) = case["uri"].as_str() {
            return self.plan.decide_resource(uri, &context);
        }
        if let Some(prompt) = case["prompt"].as_str() {
            return self.plan.decide_prompt(prompt, arguments, &context);
        }
        let tool = case["tool"].as_str().unwrap();
        let definition = match self.schemas.as_ref().map(|schemas| schemas.get(tool)) {
            None => Definition::Unchecked,
            Some(None) => Definition::Unknown,
            Some(Some(schema)) => Definition::Known { schema: schema.as_ref() },
        };
        let call = Call { tool, arguments, definition, context };
        let decision = self.plan.decide(&call);
        assert_eq!(self.plan.explain(&call).decision.is_allowed(), decision.is_allowed(), "{case}");
        decision
    }

    fn lists(&self, case: &Value) -> bool {
        match (case["uri"].as_str(), case["prompt"].as_str(), case["tool"].as_str()) {
            (Some(uri), ..) => self.plan.lists_resource(uri),
            (_, Some(prompt), _) => self.plan.lists_prompt(prompt),
            (.., Some(tool)) => self.plan.lists_tool(tool),
            _ => panic!("nothing to list: {case}"),
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn check(world: &World, case: &Value, file: &str) {
    let decision = world.decide(case);
    let shadowed: Vec<&str> = decision.shadowed.iter().map(|denial| &*denial.rule).collect();
    assert_eq!(json!(shadowed), case.get("shadowed").cloned().unwrap_or(json!([])), "{file}: {case}");
    match &decision.outcome {
        Outcome::Deny(denial) => {
            assert_eq!(json!(denial.rule), case["deny"], "{file}: {case}: {}", denial.message);
            if let Some(message) = case.get("message") {
                assert_eq!(json!(denial.message), *message, "{file}: {case}");
            }
        }
        Outcome::Allow { demands } => {
            assert!(case.get("deny").is_none(), "{file}: {case}: allowed");
            let drawn: Vec<Value> = demands
                .iter()
                .map(|demand| json!([demand.limit.counter, demand.amount.to_string()]))
                .collect();
            assert_eq!(json!(drawn), case.get("demands").cloned().unwrap_or(json!([])), "{file}: {case}");
        }
    }
    if let Some(listed) = case.get("listed") {
        assert_eq!(json!(world.lists(case)), *listed, "{file}: {case}");
    }
}

#[test]
fn the_corpus_is_decided_as_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let world = World::of(&file, &name);
        for case in file["cases"].as_array().unwrap() {
            check(&world, case, &name);
            cases += 1;
        }
    }
    assert!(cases > 100, "only {cases} cases were found");
}
