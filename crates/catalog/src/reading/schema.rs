//! What the arguments of a tool say: which signals they give, and whether one of them selects the action.

use serde_json::Value;

use super::Act;
use crate::assessment::{Category, Evidence, Signal};
use crate::lexicon::{self, Force, Form, Kind, Objects};
use crate::words;

/// How deep nested objects are looked at.
const DEPTH: usize = 3;
/// How many fields are looked at.
const FIELDS: usize = 120;
/// How many choices of an argument are looked at.
const CHOICES: usize = 2_000;
/// The longest choice, or name of an argument, that is read, in bytes.
const NAME: usize = 256;
/// From how many parameters on a tool has many.
const MANY: usize = 10;

/// Names of arguments that select what the call does.
const SELECTORS: &[&str] =
    &["action", "operation", "op", "method", "verb", "mode", "intent", "command", "cmd", "task", "function"];

/// An argument.
#[derive(Clone, Debug)]
pub(crate) struct Field<'v> {
    /// Its name.
    pub(crate) name: &'v str,
    /// The words of its name, in lower case.
    pub(crate) words: Vec<String>,
    /// What the schema says about it.
    pub(crate) schema: &'v Value,
    /// Its place in the definition.
    pub(crate) at: String,
    /// How deep it lies.
    depth: usize,
}

impl Field<'_> {
    /// Its name as what a judgement rests on.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence { quote: self.name.to_owned(), at: self.at.clone() }
    }

    /// Whether its words are these.
    pub(crate) fn is(&self, words: &str) -> bool {
        self.words.iter().map(String::as_str).eq(words.split(' '))
    }

    /// Whether it takes a text.
    pub(crate) fn is_text(&self) -> bool {
        match self.schema.get("type") {
            Some(Value::String(kind)) => kind == "string",
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
            Some(_) | None => true,
        }
    }

    /// Whether its name has one of these words.
    pub(crate) fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    fn choices(&self) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        let read = |v: &'_ Value| v.as_str().is_some_and(|text| text.len() <= NAME);
        let of_enum = self.schema.get("enum").and_then(Value::as_array).into_iter().flatten().enumerate();
        let of_enum = of_enum.filter(|(_, v)| read(v)).take(CHOICES);
        found.extend(of_enum.filter_map(|(i, v)| Some((v.as_str()?, format!("{}/enum/{i}", self.at)))));
        for keyword in ["anyOf", "oneOf"] {
            let branches =
                self.schema.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate();
            for (i, branch) in branches.take(CHOICES) {
                if found.len() >= CHOICES {
                    return found;
                }
                let at = format!("{}/{keyword}/{i}", self.at);
                if let Some(text) = branch.get("const").filter(|v| read(v)).and_then(Value::as_str) {
                    found.push((text, format!("{at}/const")));
                }
                let inner = branch.get("enum").and_then(Value::as_array).into_iter().flatten().enumerate();
                let inner = inner.filter(|(_, v)| read(v)).take(CHOICES);
                found.extend(inner.filter_map(|(j, v)| Some((v.as_str()?, format!("{at}/enum/{j}")))));
            }
        }
        found
    }
}

/// The fields of a schema, outer ones first, with the signals they give and where each stands.
pub(crate) fn read_schema(schema: &Value) -> (Vec<Field<'_>>, Vec<(Signal, Evidence)>) {
    let mut fields = Vec::new();
    collect(schema, "/inputSchema", 0, &mut fields);
    let mut signals: Vec<(Signal, Evidence)> = Vec::new();
    for field in &fields {
        for signal in signals_of(field) {
            if !signals.iter().any(|(known, _)| *known == signal) {
                signals.push((signal, field.evidence()));
            }
        }
    }
    if let Some(last) = fields.iter().filter(|field| field.depth == 0).nth(MANY - 1) {
        signals.push((Signal::ManyParameters, last.evidence()));
    }
    signals.sort_by_key(|(signal, _)| *signal);
    (fields, signals)
}

fn collect<'v>(schema: &'v Value, at: &str, depth: usize, fields: &mut Vec<Field<'v>>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, schema) in properties {
        if fields.len() >= FIELDS {
            return;
        }
        let at = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
        let read = if name.len() <= NAME { name.as_str() } else { "" };
        let words = words::of_name(read).into_iter().map(|word| word.lower).collect();
        fields.push(Field { name, words, schema, at: at.clone(), depth });
        if depth + 1 < DEPTH {
            collect(schema, &at, depth + 1, fields);
            if let Some(items) = schema.get("items") {
                collect(items, &format!("{at}/items"), depth + 1, fields);
            }
        }
    }
}

/// Words of argument names, and the signal they give to a text argument.
const TEXT_SIGNALS: &[(Signal, &[&str])] = &[
    (
        Signal::Path,
        &[
            "path",
            "paths",
            "file",
            "files",
            "filepath",
            "filename",
            "filenames",
            "dir",
            "directory",
            "folder",
            "cwd",
            "workdir",
        ],
    ),
    (
        Signal::Url,
        &["url", "urls", "uri", "endpoint", "webhook", "href", "host", "hostname", "website", "link"],
    ),
    (
        Signal::Code,
        &[
            "code",
            "script",
            "command",
            "commands",
            "cmd",
            "shell",
            "expression",
            "javascript",
            "python",
            "snippet",
            "js",
            "bash",
            "program",
            "pyqgis",
        ],
    ),
    (
        Signal::Query,
        &[
            "sql",
            "cypher",
            "graphql",
            "gql",
            "statement",
            "statements",
            "aql",
            "soql",
            "kql",
            "promql",
            "logql",
            "jql",
            "sparql",
        ],
    ),
    (Signal::Template, &["html", "template", "markup", "svg"]),
    (
        Signal::Recipients,
        &[
            "to",
            "cc",
            "bcc",
            "recipient",
            "recipients",
            "email",
            "emails",
            "phone",
            "channel",
            "attendees",
            "invitees",
            "subscribers",
        ],
    ),
    (
        Signal::Credentials,
        &[
            "password",
            "passwd",
            "secret",
            "apikey",
            "credential",
            "credentials",
            "mnemonic",
            "passphrase",
            "privatekey",
            "cookie",
        ],
    ),
];

fn signals_of(field: &Field<'_>) -> Vec<Signal> {
    let mut signals = Vec::new();
    let identifies = field.words.last().is_some_and(|last| {
        ["id", "ids", "type", "name", "format", "count", "size"].contains(&last.as_str())
    }) && field.words.len() > 1;
    if !identifies && (field.is_text() || field.schema.get("items").is_some()) {
        let given = TEXT_SIGNALS.iter().filter(|(_, words)| field.has(words)).map(|(signal, _)| *signal);
        signals.extend(
            given.filter(|signal| *signal != Signal::Code || !is_selector(field) && !is_number(field)),
        );
        let ends = |pair: [&str; 2]| field.words.windows(2).any(|two| two == pair);
        if ends(["api", "key"])
            || ends(["private", "key"])
            || ends(["access", "token"])
            || ends(["auth", "token"])
            || ends(["secret", "key"])
            || field.words == ["token"]
        {
            signals.push(Signal::Credentials);
        }
        if field.words == ["query"] && says_language(field) {
            signals.push(Signal::Query);
        }
    }
    if field.has(&["amount", "price", "currency", "wei", "lamports", "bid", "fee"]) {
        signals.push(Signal::Money);
    }
    if field.has(&["force", "overwrite", "recursive", "cascade", "hard"]) || field.name.contains("skip_conf")
    {
        signals.push(Signal::Force);
    }
    if is_selector(field) {
        signals.push(Signal::ActionSelector);
    }
    signals.dedup();
    signals
}

/// Whether a `code` is one of a country, a currency or a login rather than a program.
fn is_number(field: &Field<'_>) -> bool {
    const KINDS: [&str; 11] = [
        "authorization",
        "oauth",
        "country",
        "currency",
        "verification",
        "zip",
        "postal",
        "otp",
        "iso",
        "airport",
        "language",
    ];
    let text = field.schema.get("description").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let named =
        field.words.iter().any(|word| KINDS.contains(&word.as_str()) || word == "status" || word == "error");
    field.words.last().is_some_and(|word| word == "code")
        && (named || KINDS.iter().any(|kind| text.contains(kind)))
}

/// Whether a `query` is written in a language of its own.
fn says_language(field: &Field<'_>) -> bool {
    let text = field.schema.get("description").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    ["sql", "cypher", "graphql", "statement", "promql", "mongodb", "flux", "kql"]
        .iter()
        .any(|name| text.contains(name))
}

fn is_selector(field: &Field<'_>) -> bool {
    let named = field.words.last().is_some_and(|last| SELECTORS.contains(&last.as_str()));
    named
        && field.words.len() <= 2
        && field.choices().iter().filter(|(text, _)| choice(text).is_some()).count() > 1
}

/// What each choice of the arguments that select the action does.
pub(crate) fn selected_acts(fields: &[Field<'_>]) -> Vec<Act> {
    let selectors = fields.iter().filter(|field| field.depth < 2 && is_selector(field));
    selectors
        .flat_map(|field| {
            let choices = field.choices();
            choices.into_iter().filter_map(|(text, at)| act_of_choice(text, at)).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether an argument that has no fixed choices selects the action by its name.
pub(super) fn selects_by_name(field: &Field<'_>) -> bool {
    let last = field.words.last().is_some_and(|last| SELECTORS.contains(&last.as_str()) && last != "mode");
    last && field.depth < 2 && field.words.len() <= 2 && field.is_text() && field.choices().is_empty()
}

/// What a choice does that stands at `at`.
pub(super) fn act_of_choice(text: &str, at: String) -> Option<Act> {
    let (category, verb) = choice(text)?;
    Some(Act {
        category,
        force: Force::Firm,
        verb,
        kind: Kind::Verb,
        object: String::new(),
        by_object: false,
        evidence: Evidence { quote: text.to_owned(), at },
    })
}

/// What one choice does, where its first words say it clearly. HTTP methods count as what they are for.
fn choice(text: &str) -> Option<(Category, String)> {
    match text {
        "GET" | "HEAD" | "OPTIONS" => return Some((Category::Read, text.to_lowercase())),
        "POST" | "PUT" | "PATCH" => return Some((Category::Write, text.to_lowercase())),
        "DELETE" => return Some((Category::Destructive, text.to_lowercase())),
        _ => {}
    }
    let words = words::of_name(text);
    let verb = words.iter().take(3).find_map(|word| {
        lexicon::verb(&word.lower).filter(|(verb, form)| *form == Form::Base && verb.kind != Kind::Light)
    });
    let (verb, _) = verb?;
    let objects = Objects {
        words: words.iter().skip(1).map(|word| word.lower.as_str()).collect(),
        ..Objects::default()
    };
    let category = lexicon::by_object(verb, &objects).map_or(verb.category, |(category, _)| category);
    Some((category, verb.base.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn signals(schema: &Value) -> Vec<&'static str> {
        read_schema(schema).1.iter().map(|(signal, _)| signal.name()).collect()
    }

    #[test]
    fn arguments_give_signals() {
        let schema = json!({"properties": {"path": {"type": "string"}, "to": {"type": "array", "items": {}},
            "amount": {"type": "number"}, "force": {"type": "boolean"}, "api_key": {"type": "string"},
            "file_type": {"type": "string"}, "nested": {"properties": {"url": {"type": "string"}}}}});
        assert_eq!(signals(&schema), ["path", "url", "recipients", "money", "force", "credentials"]);
    }

    #[test]
    fn an_argument_selects_the_action() {
        let schema = json!({"properties": {"action": {"enum": ["get", "list", "delete"]}}});
        let (fields, signals) = read_schema(&schema);
        assert_eq!(signals[0].0, Signal::ActionSelector);
        let worst = selected_acts(&fields).into_iter().reduce(Act::worse).unwrap();
        assert_eq!(worst.category, Category::Destructive);
        assert_eq!(worst.evidence.at, "/inputSchema/properties/action/enum/2");
    }

    #[test]
    fn schemas_of_any_shape_are_borne() {
        for schema in [json!(null), json!(true), json!({"properties": 3}), json!({"properties": {"a": null}})]
        {
            assert_eq!(read_schema(&schema).1, []);
        }
    }
}
