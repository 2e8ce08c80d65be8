//! The document: whole, and true to the table.

use std::collections::BTreeSet;

use serde_json::Value;
use toolgate_store::Role;

use super::app::App;
use crate::table::{Built, Least, table};

#[tokio::test]
async fn the_document_names_every_route_of_the_table_and_no_other() {
    let app = App::new().await;
    let document = app.program(Role::Viewer).await.get("/api/v1/openapi.json").await.is(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert((path.clone(), method.to_ascii_uppercase()));
        }
    }
    let table: BTreeSet<_> = Built::new().roles.all().into_keys().collect();
    assert_eq!(documented, table);
    assert!(table.len() >= 47, "{}", table.len());
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_name_is_used_once() {
    let document = serde_json::to_value(Built::new().document).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        }
    }
}

#[test]
fn a_schema_name_stands_for_one_thing() {
    let mut known = std::collections::BTreeMap::new();
    for (_, (named, _, _)) in table() {
        for (name, schema) in named {
            let before = known.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "two schemas are called `{name}`");
        }
    }
    assert!(known.len() > 40);
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => into.push(text.clone()),
                    other => collect(other, into),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn only_the_sign_in_and_what_is_offered_is_for_anyone() {
    let open: Vec<_> =
        Built::new().roles.all().into_iter().filter(|(_, least)| *least == Least::Anyone).collect();
    let routes: Vec<_> = open.iter().map(|((path, method), _)| (path.as_str(), method.as_str())).collect();
    let offered = "/v0.1/servers/{server}/versions/{version}";
    let expected = [("/sign-in", "GET"), ("/sign-in", "POST"), ("/v0.1/servers", "GET"), (offered, "GET")];
    assert_eq!(routes, expected);
}
