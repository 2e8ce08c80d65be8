//! The argument names that a schema declares, for the strict mode that refuses all others: those of
//! the top and of every schema that applies to the same object.

use std::collections::HashSet;

use regex::Regex;
use toolgate_json::{Kind, Value};

use super::build::Survey;
use super::{SchemaError, Violation, reference};
use crate::located::escape_pointer;

/// Names and patterns of names.
#[derive(Debug, Default)]
pub(super) struct Declared {
    names: HashSet<Box<str>>,
    patterns: Vec<Regex>,
}

/// Keywords that apply a schema to the same object.
const SINGLE: [&str; 3] = ["if", "then", "else"];
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Schemas that are looked into.
const MAX_VISITED: usize = 10_000;

impl Declared {
    pub(super) fn collect(survey: &mut Survey<'_>) -> Result<Self, SchemaError> {
        let mut declared = Self::default();
        let mut visited = HashSet::new();
        let mut open = vec![survey.root];
        while let Some(place) = open.pop() {
            if place.kind() != Kind::Object || !visited.insert(place.span().start) {
                continue;
            }
            if visited.len() > MAX_VISITED {
                return Err(survey.error(place, "too many schemas apply to one object"));
            }
            declared.add(survey, place)?;
            open.extend(applied_in_place(survey.root, place));
        }
        Ok(declared)
    }

    fn add(&mut self, survey: &mut Survey<'_>, place: Value<'_>) -> Result<(), SchemaError> {
        let members = |name| place.get(name).into_iter().flat_map(|names| names.members());
        self.names.extend(members("properties").filter_map(|m| m.name.as_str().map(Box::from)));
        for member in members("patternProperties") {
            let pattern = member.name.as_str().unwrap_or_default();
            let compiled = survey.patterns.compile(&pattern);
            self.patterns.push(compiled.map_err(|message| survey.error(member.value, message))?);
        }
        Ok(())
    }

    pub(super) fn check(&self, value: Value<'_>) -> Result<(), Violation> {
        let known = |name: &str| self.names.contains(name) || self.patterns.iter().any(|p| p.is_match(name));
        let names = value.members().filter_map(|member| member.name.as_str());
        match names.into_iter().find(|name| !known(name)) {
            Some(name) => Err(Violation {
                pointer: format!("/{}", escape_pointer(&crate::shape::shorten(&name))),
                message: "unknown argument".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The schemas that apply to the same object as this one.
fn applied_in_place<'s>(root: Value<'s>, place: Value<'s>) -> Vec<Value<'s>> {
    let single = SINGLE.iter().filter_map(|name| place.get(name));
    let listed = LISTS.iter().filter_map(|name| place.get(name)).flat_map(|list| list.elements());
    let dependent = ["dependentSchemas", "dependencies"]
        .iter()
        .filter_map(|name| place.get(name))
        .flat_map(|object| object.members())
        .map(|member| member.value);
    let referred =
        place.get("$ref").and_then(|r| r.as_str()).and_then(|text| reference::resolve(root, &text));
    single.chain(listed).chain(dependent).chain(referred).collect()
}
