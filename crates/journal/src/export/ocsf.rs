//! OCSF events: each record becomes an API Activity (class 6003) of schema 1.6.0 with the profile
//! `security_control`. What has no place in the schema goes to `unmapped` under its own name.

use serde_json::{Map, Value, json};

use crate::view::{RecordView, Text};

const SCHEMA: &str = "1.6.0";
const CATEGORY: u64 = 6;
const CLASS: u64 = 6003;

/// The event for a record.
pub(super) fn event(view: &RecordView<'_>) -> Value {
    let (activity_id, activity) = activity(view);
    let verdict = Verdict::of(view);
    let mut event = Map::new();
    put(&mut event, "category_uid", json!(CATEGORY));
    put(&mut event, "category_name", json!("Application Activity"));
    put(&mut event, "class_uid", json!(CLASS));
    put(&mut event, "class_name", json!("API Activity"));
    put(&mut event, "activity_id", json!(activity_id));
    put(&mut event, "activity_name", json!(activity));
    put(&mut event, "type_uid", json!(CLASS * 100 + activity_id));
    put(&mut event, "time", json!(view.ts_micros().unwrap_or(0).div_euclid(1000)));
    verdict.put_into(&mut event);
    put(&mut event, "status_code", text(view.rule.as_ref()));
    put(&mut event, "status_detail", text(view.message.as_ref()));
    put(&mut event, "count", json!(view.count));
    put(&mut event, "message", text(view.detail.as_ref()));
    put(&mut event, "metadata", metadata(view));
    put(&mut event, "actor", actor(view));
    put(&mut event, "api", api(view));
    put(&mut event, "resources", resources(view));
    put(
        &mut event,
        "policy",
        object([("name", text(view.policy.as_ref())), ("version", text(view.policy_version.as_ref()))]),
    );
    let client = view.client.as_deref().unwrap_or("unknown");
    put(&mut event, "src_endpoint", json!({ "name": client }));
    put(&mut event, "unmapped", unmapped(view));
    Value::Object(event)
}

/// Reading is 2; a tool may do anything, so that its call and all else is 99 with a name.
fn activity<'v>(view: &'v RecordView<'_>) -> (u64, &'v str) {
    match view.method.as_deref() {
        Some("resources/read" | "prompts/get") => (2, "Read"),
        Some(method) if method.ends_with("/list") => (2, "Read"),
        Some(method) => (99, method),
        None => (99, &view.kind),
    }
}

/// What the record says of success and of the gateway's judgement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Denied,
    Pending,
    Succeeded,
    Failed,
    Informational,
}

impl Verdict {
    fn of(view: &RecordView<'_>) -> Verdict {
        match (&*view.kind, view.outcome.as_deref()) {
            ("refused", _) | (_, Some("deny")) => Verdict::Denied,
            (_, Some("allow" | "shadow_deny")) => Verdict::Allowed,
            (_, Some("pending")) => Verdict::Pending,
            (_, Some("ok")) => Verdict::Succeeded,
            (_, Some(_)) => Verdict::Failed,
            (_, None) => Verdict::Informational,
        }
    }

    fn put_into(self, event: &mut Map<String, Value>) {
        let (severity_id, severity) = match self {
            Verdict::Denied | Verdict::Failed => (2, "Low"),
            Verdict::Allowed | Verdict::Pending | Verdict::Succeeded | Verdict::Informational => {
                (1, "Informational")
            }
        };
        let (status_id, status) = match self {
            Verdict::Allowed | Verdict::Succeeded | Verdict::Informational => (1, "Success"),
            Verdict::Denied | Verdict::Failed => (2, "Failure"),
            Verdict::Pending => (99, "Pending"),
        };
        let action = match self {
            Verdict::Allowed => Some((1, "Allowed", 1, "Allowed")),
            Verdict::Denied => Some((2, "Denied", 2, "Blocked")),
            Verdict::Pending | Verdict::Succeeded | Verdict::Failed | Verdict::Informational => None,
        };
        put(event, "severity_id", json!(severity_id));
        put(event, "severity", json!(severity));
        put(event, "status_id", json!(status_id));
        put(event, "status", json!(status));
        if let Some((action_id, action, disposition_id, disposition)) = action {
            put(event, "action_id", json!(action_id));
            put(event, "action", json!(action));
            put(event, "disposition_id", json!(disposition_id));
            put(event, "disposition", json!(disposition));
        }
    }
}

fn metadata(view: &RecordView<'_>) -> Value {
    object([
        ("version", json!(SCHEMA)),
        ("profiles", json!(["security_control"])),
        ("uid", json!(format!("{}:{}", view.node, view.seq))),
        ("sequence", json!(view.seq)),
        ("original_time", json!(view.ts)),
        ("event_code", json!(view.kind)),
        ("log_name", json!("journal")),
        ("correlation_uid", text(view.request_id.as_ref())),
        (
            "product",
            json!({ "name": "Toolgate", "vendor_name": "Toolgate", "version": env!("CARGO_PKG_VERSION") }),
        ),
    ])
}

fn actor(view: &RecordView<'_>) -> Value {
    // A change was made by a person or program; a call by its grant.
    let (name, kind) = match (view.by.as_deref(), view.grant.as_deref()) {
        (Some(by), _) => (Some(by), Some("Admin")),
        (None, grant) => (grant, grant.map(|_| "Grant")),
    };
    let user = object([("name", json!(name)), ("uid", json!(name)), ("type", json!(kind))]);
    let session = object([("uid", text(view.session.as_ref()))]);
    let service = if name.is_none() { json!("toolgate") } else { Value::Null };
    object([("user", user), ("session", session), ("app_name", service)])
}

fn api(view: &RecordView<'_>) -> Value {
    object([
        ("operation", json!(view.method.as_deref().unwrap_or(&view.kind))),
        ("service", object([("name", text(view.server.as_ref()))])),
        ("request", object([("uid", text(view.request_id.as_ref()))])),
    ])
}

fn resources(view: &RecordView<'_>) -> Value {
    let named = [("tool", &view.tool), ("resource", &view.resource), ("prompt", &view.prompt)];
    let resources: Vec<Value> = named
        .into_iter()
        .filter_map(|(kind, name)| name.as_ref().map(|name| json!({ "type": kind, "name": &**name })))
        .collect();
    if resources.is_empty() { Value::Null } else { Value::Array(resources) }
}

fn unmapped(view: &RecordView<'_>) -> Value {
    let texts =
        |items: &[Text<'_>]| Value::from(items.iter().map(|item| (**item).to_owned()).collect::<Vec<_>>());
    let shadow = if view.shadow.is_empty() { Value::Null } else { texts(&view.shadow) };
    let limits: Vec<Value> = view
        .limits
        .iter()
        .map(|limit| json!({ "counter": limit.counter, "amount": limit.amount, "scope": limit.scope }))
        .collect();
    object([
        ("outcome", text(view.outcome.as_ref())),
        ("shadow", shadow),
        ("retry_after_ms", json!(view.retry_after_ms)),
        ("definition_hash", text(view.definition_hash.as_ref())),
        ("argument_names", view.argument_names.as_deref().map_or(Value::Null, texts)),
        ("arguments_hmac", text(view.arguments_hmac.as_ref())),
        // As text: its numbers keep their spelling.
        ("arguments", json!(view.arguments.map(|arguments| arguments.get()))),
        ("limits", if limits.is_empty() { Value::Null } else { Value::Array(limits) }),
        ("released", json!(view.released)),
        ("latency_us_gateway", json!(view.latency_us.map(|latency| latency.gateway))),
        ("latency_us_upstream", json!(view.latency_us.and_then(|latency| latency.upstream))),
        ("counters", text(view.counters.as_ref())),
        ("prev", json!(view.prev)),
        ("hash", json!(view.hash)),
    ])
}

fn text(text: Option<&Text<'_>>) -> Value {
    json!(text.map(|text| &**text))
}

/// An object of the members that are not null; null if none is.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    for (name, value) in members {
        put(&mut object, name, value);
    }
    if object.is_empty() { Value::Null } else { Value::Object(object) }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() {
        object.insert(name.to_owned(), value);
    }
}
