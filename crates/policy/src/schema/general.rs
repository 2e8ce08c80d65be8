//! The general validator, for the keywords that the direct checks do not know. It has no bounds of its
//! own, so a schema whose references recurse or multiply is refused before it sees it, and so are
//! numbers that its floats would round.

use std::collections::HashMap;

use toolgate_json::{Decimal, Kind, Value};

use super::build::Survey;
use super::{SchemaError, Violation, reference};

/// A schema of the general validator.
#[derive(Debug)]
pub(super) struct General {
    validator: jsonschema::Validator,
}

/// Schemas, each counted as often as references lead to it.
const MAX_EXPANSIONS: u64 = 2_000;
/// References below references and nesting together.
const MAX_DEPTH: usize = 150;
/// Bytes of arguments.
const MAX_ARGUMENTS: usize = 1 << 20;

impl General {
    pub(super) fn compile(survey: &Survey<'_>) -> Result<Self, SchemaError> {
        let root = survey.root;
        let mut expansion = Expansion { survey, counted: HashMap::new(), anchors: HashMap::new() };
        expansion.collect_anchors(root);
        if expansion.count(root, 0)? > MAX_EXPANSIONS {
            return Err(survey.error(root, "its references multiply beyond what can be checked"));
        }
        if !numbers_are_exact(root) {
            return Err(survey.error(root, "it holds numbers that cannot be compared exactly"));
        }
        let value: serde_json::Value =
            serde_json::from_str(root.raw()).map_err(|_| survey.error(root, "it cannot be read"))?;
        let patterns = jsonschema::PatternOptions::regex().size_limit(64 << 10).dfa_size_limit(64 << 10);
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(&value)
            .map_err(|error| SchemaError {
                pointer: error.instance_path().to_string(),
                message: crate::shape::shorten(&error.masked().to_string()),
            })?;
        Ok(Self { validator })
    }

    pub(super) fn check(&self, value: Value<'_>) -> Result<(), Violation> {
        let refuse = |message: &str| Violation { pointer: String::new(), message: message.to_owned() };
        if value.raw().len() > MAX_ARGUMENTS {
            return Err(refuse("the arguments are too large for the kind of schema that the tool has"));
        }
        if !numbers_are_exact(value) {
            return Err(refuse(
                "a number has more digits than the tool's kind of schema can be checked with",
            ));
        }
        let instance: serde_json::Value =
            serde_json::from_str(value.raw()).map_err(|_| refuse("the arguments cannot be read"))?;
        self.validator.validate(&instance).map_err(|error| Violation {
            pointer: error.instance_path().to_string(),
            message: crate::shape::shorten(&error.masked().to_string()),
        })
    }
}

/// Counts how often schemas are reached, and refuses those that reach themselves.
struct Expansion<'e, 's> {
    survey: &'e Survey<'s>,
    /// None while the place is being counted.
    counted: HashMap<usize, Option<u64>>,
    anchors: HashMap<String, Vec<Value<'s>>>,
}

impl<'s> Expansion<'_, 's> {
    fn count(&mut self, place: Value<'s>, depth: usize) -> Result<u64, SchemaError> {
        if depth > MAX_DEPTH {
            return Err(self.survey.error(place, "its references nest too deep"));
        }
        match self.counted.get(&place.span().start) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => {
                return Err(self
                    .survey
                    .error(place, "it refers to itself, with keywords that forbid it here"));
            }
            None => {}
        }
        let seen = u64::try_from(self.counted.len()).unwrap_or(u64::MAX);
        if seen > MAX_EXPANSIONS {
            return Err(self.survey.error(place, "it is too large for the keywords that it uses"));
        }
        self.counted.insert(place.span().start, None);
        let mut total: u64 = 1;
        for inner in place.elements().chain(place.members().map(|member| member.value)) {
            if matches!(inner.kind(), Kind::Array | Kind::Object) {
                total = total.saturating_add(self.count(inner, depth + 1)?);
            }
        }
        for target in self.targets(place)? {
            total = total.saturating_add(self.count(target, depth + 1)?);
        }
        self.counted.insert(place.span().start, Some(total));
        Ok(total)
    }

    /// Where the references of a schema may lead.
    fn targets(&self, place: Value<'s>) -> Result<Vec<Value<'s>>, SchemaError> {
        let mut targets = Vec::new();
        for name in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let Some(reference) = place.get(name) else { continue };
            // A property may bear the keyword's name; its value is then a schema, which is counted.
            let Some(text) = reference.as_str() else { continue };
            if reference::is_anchor(&text) {
                let name = text.trim_start_matches('#');
                targets.extend(self.anchors.get(name).into_iter().flatten());
            }
            targets.extend(reference::resolve(self.survey.root, &text));
            if targets.is_empty() {
                return Err(self
                    .survey
                    .error(reference, "the reference leads outside the schema or nowhere"));
            }
        }
        Ok(targets)
    }

    fn collect_anchors(&mut self, place: Value<'s>) {
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(name) = place.get(keyword).and_then(|anchor| anchor.as_str()) {
                self.anchors.entry(name.into_owned()).or_default().push(place);
            }
        }
        for inner in place.elements().chain(place.members().map(|member| member.value)) {
            self.collect_anchors(inner);
        }
    }
}

/// Whether floats and 64-bit integers hold every number of the value without rounding it to another
/// of at most 15 digits.
fn numbers_are_exact(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Number => is_exact(value.raw()),
        Kind::Null | Kind::Bool | Kind::String => true,
        Kind::Array | Kind::Object => {
            value.elements().chain(value.members().map(|member| member.value)).all(numbers_are_exact)
        }
    }
}

fn is_exact(spelling: &str) -> bool {
    let digits = spelling.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit);
    spelling.parse::<i64>().is_ok()
        || spelling.parse::<u64>().is_ok()
        || (digits.count() <= 15 && Decimal::parse(spelling).is_some())
}
