//! What differs between a recorded call and the same call made now: in the reply, and in what the vendor was sent.

use std::collections::{BTreeMap, BTreeSet};

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::Value;

use crate::harness::text;

/// Differences as short texts, the old value first.
pub(super) fn between(case: &Value, result: &CallToolResult, requests: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    replies(&case["reply"]["result"], result, &mut found);
    let before: Vec<_> = case["upstream"].as_array().unwrap().iter().map(Sent::recorded).collect();
    let now: Vec<_> = requests.iter().map(Sent::seen).collect();
    sent(&before, &now, &mut found);
    found
}

fn replies(before: &Value, now: &CallToolResult, found: &mut BTreeSet<String>) {
    let failed = (before["isError"] == true, now.is_error == Some(true));
    let told = (before["content"][0]["text"].as_str().unwrap(), text(now));
    match failed {
        (false, false) => successes(before, told, now, found),
        (true, true) => {
            let parts = told.1.contains("\nCode: ") && told.1.contains("\nWhat to do: ");
            note(found, parts, "error: one line → what happened, code, what to do");
        }
        (before, now) => {
            found.insert(format!("isError: {before} → {now}"));
        }
    }
}

fn successes(before: &Value, told: (&str, &str), now: &CallToolResult, found: &mut BTreeSet<String>) {
    let (was, is) = (Saved::of(told.0), Saved::of(told.1.lines().next().unwrap()));
    assert_eq!(was.provider, is.provider);
    changed(found, "model", &was.model, &is.model);
    changed(found, "file name", &was.name, &is.name);
    changed(found, "file ending", &was.ending, &is.ending);
    changed(found, "path", was.place, is.place);
    note(found, is.unique, "file name: the time → the time and eight random digits");
    note(found, told.1.lines().count() > 1, "text: one line → further lines");
    note(found, now.structured_content.is_some(), "structuredContent: none → present");
    let mime = |block: &Value| block["mimeType"].as_str().unwrap().to_owned();
    let was: Vec<_> = before["content"].as_array().unwrap().iter().skip(1).map(mime).collect();
    let mut is = Vec::new();
    for block in now.content.iter().skip(1) {
        match block {
            ContentBlock::Image(image) => is.push(image.mime_type.clone()),
            ContentBlock::ResourceLink(_) => {
                found.insert("content: none → resource link".to_owned());
            }
            other => panic!("{other:?}"),
        }
    }
    changed(found, "image block", &was.join(" "), &is.join(" "));
}

/// What the first line of a reply says.
struct Saved {
    provider: String,
    model: String,
    place: &'static str,
    name: String,
    ending: String,
    unique: bool,
}

impl Saved {
    fn of(line: &str) -> Self {
        let rest = line.strip_prefix("provider=").unwrap_or_else(|| panic!("{line}"));
        let (provider, rest) = rest.split_once(" model=").unwrap();
        let (model, path) = rest.split_once(" saved=").unwrap();
        let (folder, file) = path.rsplit_once('/').unwrap();
        let (name, ending) = file.rsplit_once('.').unwrap();
        let (time, name) = name.split_once('-').unwrap();
        assert!(time == "<epoch ms>" || time.parse::<u64>().is_ok(), "{line}");
        assert!(folder.ends_with("outputs"), "{line}");
        let hex = |text: &&str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let random = name.rsplit_once('-').filter(|(_, random)| hex(random));
        let (provider, model) = (provider.to_owned(), model.to_owned());
        let place = if path.starts_with('/') { "absolute" } else { "relative" };
        let plain = random.map_or(name, |(name, _)| name).to_owned();
        Self { provider, model, place, name: plain, ending: ending.to_owned(), unique: random.is_some() }
    }
}

/// A request to a vendor.
struct Sent {
    kind: Kind,
    path: String,
    auth: &'static str,
    headers: BTreeMap<String, String>,
    body: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Create,
    Poll,
    Model,
    Cancel,
    Download,
}

impl Sent {
    fn recorded(request: &Value) -> Self {
        let url = request["url"].as_str().unwrap();
        let (_, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let headers: BTreeMap<_, _> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let auth = ["authorization", "x-goog-api-key"].into_iter().find(|name| headers.contains_key(*name));
        let download = host == "delivery.test";
        Self::of(
            request,
            (if download { "delivery" } else { "" }, &format!("/{path}")),
            auth.unwrap_or("none"),
            headers,
        )
    }

    fn seen(request: &Value) -> Self {
        let vendor = request["vendor"].as_str().unwrap();
        let path = request["path"].as_str().unwrap();
        let path = path.strip_prefix(&format!("/{vendor}")).unwrap();
        let headers = request["headers"].as_object().unwrap().iter();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let auth = match request["auth"].as_str().unwrap() {
            "authorization" => "authorization",
            "x-goog-api-key" => "x-goog-api-key",
            "none" => "none",
            other => panic!("{other}"),
        };
        Self::of(request, (vendor, path), auth, headers)
    }

    fn of(
        request: &Value,
        (vendor, path): (&str, &str),
        auth: &'static str,
        headers: BTreeMap<String, String>,
    ) -> Self {
        let mut body = BTreeMap::new();
        flatten("", &request["body"], &mut body);
        let kind = match request["method"].as_str().unwrap() {
            _ if vendor == "delivery" => Kind::Download,
            "POST" if path.ends_with("/cancel") => Kind::Cancel,
            "POST" => Kind::Create,
            "GET" if path.contains("/predictions/") => Kind::Poll,
            "GET" => Kind::Model,
            other => panic!("{other}"),
        };
        // The endpoint of one's own is wherever it is.
        let own = matches!(path, "/imagen" | "/generate");
        let path = if own { "endpoint".to_owned() } else { path.to_owned() };
        Self { kind, path, auth, headers, body }
    }
}

fn sent(before: &[Sent], now: &[Sent], found: &mut BTreeSet<String>) {
    for (kind, name) in [
        (Kind::Create, "creates"),
        (Kind::Poll, "polls"),
        (Kind::Model, "looks at the model"),
        (Kind::Cancel, "cancels"),
        (Kind::Download, "downloads"),
    ] {
        let count = |all: &[Sent]| all.iter().filter(|sent| sent.kind == kind).count().to_string();
        changed(found, name, &count(before), &count(now));
    }
    let create = |all: &'_ [Sent]| all.iter().position(|sent| sent.kind == Kind::Create);
    let (Some(was), Some(is)) = (create(before), create(now)) else { return };
    let (was, is) = (&before[was], &now[is]);
    changed(found, "create: path", &was.path, &is.path);
    changed(found, "create: key in", was.auth, is.auth);
    for header in ["content-type", "prefer", "cancel-after"] {
        let value = |sent: &Sent| sent.headers.get(header).map_or("none", String::as_str).to_owned();
        changed(found, &format!("create: {header}"), &value(was), &value(is));
    }
    let ours = is.headers["user-agent"].starts_with("imagegen-mcp/");
    assert!(!was.headers.get("user-agent").is_some_and(|agent| agent.starts_with("imagegen-mcp/")));
    note(found, ours, "create: user-agent: a library's, or none → imagegen-mcp's");
    let members: BTreeSet<_> = was.body.keys().chain(is.body.keys()).collect();
    for member in members {
        let value = |sent: &Sent| sent.body.get(member).map_or("none".to_owned(), Value::to_string);
        changed(found, &format!("create: {member}"), &value(was), &value(is));
    }
}

fn flatten(at: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    let join = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| flatten(&join(name), value, into));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| flatten(&join(&at.to_string()), value, into));
        }
        Value::Null => {}
        plain => {
            into.insert(at.to_owned(), plain.clone());
        }
    }
}

fn changed(found: &mut BTreeSet<String>, what: &str, before: &str, now: &str) {
    let shown = |value: &str| if value.is_empty() { "none".to_owned() } else { value.replace('|', "/") };
    note(found, before != now, &format!("{what}: {} → {}", shown(before), shown(now)));
}

fn note(found: &mut BTreeSet<String>, really: bool, what: &str) {
    if really {
        found.insert(what.to_owned());
    }
}
