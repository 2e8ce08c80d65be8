//! The JSON Schema of policy documents, from the same tables that check them: for editors, and for
//! those who generate policies.

use toolgate_json::write_string;

use crate::condition::OPERATORS;
use crate::shape::{Shape, Table};
use crate::vocabulary::{CONDITION, DOCUMENT, TABLES};

/// The JSON Schema (2020-12) of a policy document, as JSON text.
#[must_use]
pub fn policy_json_schema() -> String {
    let mut out = Vec::new();
    let writer = &mut out;
    text_member(writer, "$schema", "https://json-schema.org/draft/2020-12/schema", b'{');
    text_member(writer, "title", "Toolgate policy", b',');
    name(writer, "$ref", b',');
    reference(writer, &DOCUMENT);
    name(writer, "$defs", b',');
    for (index, table) in TABLES.iter().enumerate() {
        name(writer, table.name, if index == 0 { b'{' } else { b',' });
        object(writer, table);
    }
    writer.extend_from_slice(b"}}");
    String::from_utf8(out).unwrap_or_default()
}

fn name(out: &mut Vec<u8>, text: &str, before: u8) {
    out.push(before);
    write_string(text, out);
    out.push(b':');
}

/// A member with a string as its value.
fn text_member(out: &mut Vec<u8>, member: &str, value: &str, before: u8) {
    name(out, member, before);
    write_string(value, out);
}

fn words(out: &mut Vec<u8>, words: impl Iterator<Item = &'static str>) {
    out.push(b'[');
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(word, out);
    }
    out.push(b']');
}

fn reference(out: &mut Vec<u8>, table: &Table) {
    write_string(&format!("#/$defs/{}", table.name), out);
}

fn object(out: &mut Vec<u8>, table: &'static Table) {
    text_member(out, "type", "object", b'{');
    out.extend_from_slice(b",\"additionalProperties\":false");
    let required = || table.fields.iter().filter(|field| field.required).map(|field| field.name);
    if required().next().is_some() {
        name(out, "required", b',');
        words(out, required());
    }
    name(out, "properties", b',');
    for (index, field) in table.fields.iter().enumerate() {
        name(out, field.name, if index == 0 { b'{' } else { b',' });
        text_member(out, "description", field.docs, b'{');
        if std::ptr::eq(table, &raw const CONDITION) && field.name == "op" {
            name(out, "enum", b',');
            words(
                out,
                OPERATORS.iter().filter(|operator| operator.is_available()).map(|operator| operator.name),
            );
        }
        shape(out, &field.shape);
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
}

/// The keywords of a shape, behind other members.
fn shape(out: &mut Vec<u8>, of: &'static Shape) {
    match of {
        Shape::Any => {}
        Shape::AnyObject => text_member(out, "type", "object", b','),
        Shape::Text => text_member(out, "type", "string", b','),
        Shape::Flag => text_member(out, "type", "boolean", b','),
        Shape::Number => text_member(out, "type", "number", b','),
        Shape::OneOf(known) => {
            name(out, "enum", b',');
            words(out, known.iter().copied());
        }
        Shape::List(inner) => {
            text_member(out, "type", "array", b',');
            name(out, "items", b',');
            alone(out, inner);
        }
        Shape::Map(inner) => {
            text_member(out, "type", "object", b',');
            name(out, "additionalProperties", b',');
            alone(out, inner);
        }
        Shape::Object(table) => {
            name(out, "$ref", b',');
            reference(out, table);
        }
        Shape::Either(shapes) => {
            name(out, "anyOf", b',');
            for (index, inner) in shapes.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                alone(out, inner);
            }
            out.push(b']');
        }
        Shape::Unavailable => out.extend_from_slice(b",\"not\":{}"),
    }
}

/// The schema of a shape by itself.
fn alone(out: &mut Vec<u8>, of: &'static Shape) {
    let start = out.len();
    shape(out, of);
    match out.get_mut(start) {
        // What `shape` writes begins with the comma that follows other members.
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;
    use crate::schema::{Schema, UnknownArguments};

    #[test]
    fn accepts_policies_and_refuses_typos() {
        let text = policy_json_schema();
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let schema = Schema::compile(&document.root()).unwrap();
        let accepts = |policy: &str| {
            let policy = Document::read(policy.as_bytes(), &Limits::default()).unwrap();
            schema.check(Some(policy.root()), UnknownArguments::AsWritten).is_ok()
        };
        let example = r#"{"version":"1","default":"deny","hide":["drop_*"],"tools":{"list":{},
            "refund":{"deny_if":[{"conditions":[{"path":"args.amount","op":"gt","value":10000}],"on_deny":"x"}],
            "require_approval":{"when":[],"timeout":"30m"},"arguments":{"type":"object"},
            "limits":[{"counter":"c","window":"day","max":5,"amount":{"from":"args.amount"}}]},
            "search_*":{"rate_limit":{"max":10,"window":60}},"s":{"rate_limit":"1/day","arguments":"strict"}}}"#;
        assert!(accepts(example));
        for broken in [
            example.replace("deny_if", "denyif"),
            example.replace("\"gt\"", "\"above\""),
            example.replace("\"version\":\"1\"", "\"version\":1"),
            example.replace("\"max\":5,", ""),
            example.replace("\"strict\"", "\"tight\""),
            example.replace("\"hide\"", "\"flows\""),
        ] {
            assert!(!accepts(&broken), "{broken}");
        }
    }
}
