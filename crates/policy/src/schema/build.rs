//! Building the direct checks: one node for each place of the schema that is a schema itself, each
//! built once, so that references cost nothing and may be recursive.

use std::collections::{HashMap, VecDeque};

use toolgate_json::{Kind, Value};

use super::SchemaError;
use super::check::{Check, Node};
use super::keywords;
use super::pattern::PatternBudget;
use super::reference;

/// Why the direct checks are not built.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A keyword that only the general validator knows.
    NotDirect,
    Error(SchemaError),
}

impl From<SchemaError> for Refusal {
    fn from(error: SchemaError) -> Self {
        Refusal::Error(error)
    }
}

/// The revision of JSON Schema that a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Of2019,
    Of2020,
}

impl Draft {
    const TABLE: &'static [(&'static str, Draft)] = &[
        ("json-schema.org/draft-04/schema", Draft::Four),
        ("json-schema.org/draft-06/schema", Draft::Six),
        ("json-schema.org/draft-07/schema", Draft::Seven),
        ("json-schema.org/draft/2019-09/schema", Draft::Of2019),
        ("json-schema.org/draft/2020-12/schema", Draft::Of2020),
    ];

    /// 2020-12 where `$schema` is absent, as MCP has it.
    fn of(root: Value<'_>) -> Result<Self, String> {
        let Some(dialect) = root.get("$schema") else { return Ok(Draft::Of2020) };
        let uri = dialect.as_str().ok_or("`$schema` is not a string")?;
        let bare = uri.trim_end_matches('#');
        let bare = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://")).unwrap_or(bare);
        let known = Self::TABLE.iter().find(|(name, _)| *name == bare).map(|(_, draft)| *draft);
        known.ok_or_else(|| format!("unknown dialect `{}` in `$schema`", crate::shape::shorten(&uri)))
    }
}

/// A schema that is being read.
#[derive(Debug)]
pub(super) struct Survey<'s> {
    pub(super) root: Value<'s>,
    pub(super) draft: Draft,
    pub(super) patterns: PatternBudget,
}

impl<'s> Survey<'s> {
    pub(super) fn of(root: Value<'s>) -> Result<Self, SchemaError> {
        match Draft::of(root) {
            Ok(draft) => Ok(Self { root, draft, patterns: PatternBudget::new() }),
            Err(message) => Err(SchemaError { pointer: "/$schema".to_owned(), message }),
        }
    }

    pub(super) fn error(&self, place: Value<'_>, message: impl Into<String>) -> SchemaError {
        SchemaError { pointer: reference::pointer_to(self.root, place), message: message.into() }
    }
}

/// Schemas within one schema.
const MAX_NODES: usize = 10_000;
/// Keywords of one of them.
const MAX_KEYWORDS: usize = 256;

/// Builds nodes breadth first: no recursion, whatever refers to what.
pub(super) struct Builder<'b, 's> {
    pub(super) survey: &'b mut Survey<'s>,
    by_place: HashMap<usize, usize>,
    queue: VecDeque<Value<'s>>,
    nodes: usize,
}

pub(super) fn build(survey: &mut Survey<'_>) -> Result<Vec<Node>, Refusal> {
    if survey.draft == Draft::Four {
        return Err(Refusal::NotDirect);
    }
    let root = survey.root;
    let mut builder = Builder { survey, by_place: HashMap::new(), queue: VecDeque::new(), nodes: 0 };
    let mut nodes = Vec::new();
    builder.node(root)?;
    while let Some(place) = builder.queue.pop_front() {
        let checks = builder.checks(place)?;
        nodes.push(Node { checks });
    }
    Ok(nodes)
}

impl<'s> Builder<'_, 's> {
    /// The number of the node for a schema; it is built when its turn comes.
    pub(super) fn node(&mut self, place: Value<'s>) -> Result<usize, Refusal> {
        if let Some(known) = self.by_place.get(&place.span().start) {
            return Ok(*known);
        }
        if self.nodes >= MAX_NODES {
            return Err(self.error(place, format!("more than {MAX_NODES} schemas within one")));
        }
        let number = self.nodes;
        self.nodes += 1;
        self.by_place.insert(place.span().start, number);
        self.queue.push_back(place);
        Ok(number)
    }

    pub(super) fn error(&self, place: Value<'_>, message: impl Into<String>) -> Refusal {
        Refusal::Error(self.survey.error(place, message))
    }

    fn checks(&mut self, place: Value<'s>) -> Result<Vec<Check>, Refusal> {
        match (place.kind(), place.as_bool()) {
            (Kind::Bool, Some(true)) => Ok(Vec::new()),
            (Kind::Bool, _) => Ok(vec![Check::Never]),
            (Kind::Object, _) if place.members().count() > MAX_KEYWORDS => {
                Err(self.error(place, format!("more than {MAX_KEYWORDS} keywords in one schema")))
            }
            (Kind::Object, _) => self.keywords(place),
            _ => Err(self.error(place, "a schema is an object, `true` or `false`")),
        }
    }

    fn keywords(&mut self, place: Value<'s>) -> Result<Vec<Check>, Refusal> {
        for name in ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"] {
            if place.get(name).is_some() {
                return Err(Refusal::NotDirect);
            }
        }
        let mut checks = Vec::new();
        if let Some(reference) = place.get("$ref") {
            checks.push(self.reference(reference)?);
            // Up to draft 7 everything beside `$ref` is ignored.
            if self.survey.draft <= Draft::Seven {
                return Ok(checks);
            }
        }
        if self.survey.root.span() != place.span()
            && place.get("$id").is_some()
            && self.survey.root.raw().contains("$ref")
        {
            return Err(
                self.error(place, "an inner `$id` changes what references mean, which is not supported")
            );
        }
        keywords::read(self, place, &mut checks)?;
        Ok(checks)
    }

    fn reference(&mut self, place: Value<'s>) -> Result<Check, Refusal> {
        let Some(text) = place.as_str() else { return Err(self.error(place, "`$ref` is not a string")) };
        if reference::is_anchor(&text) {
            return Err(Refusal::NotDirect);
        }
        if !text.starts_with('#') {
            return Err(self.error(place, "the reference leads outside the schema, and nothing is fetched"));
        }
        match reference::resolve(self.survey.root, &text) {
            Some(target) => Ok(Check::Reference(self.node(target)?)),
            None => Err(self.error(place, "the reference leads nowhere")),
        }
    }
}
