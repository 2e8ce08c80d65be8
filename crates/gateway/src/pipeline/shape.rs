//! What becomes of a server's answer on its way to the client: lists are cut down, capabilities that the
//! policy does not let through go, tasks are noted; everything else stays byte for byte.

use bytes::Bytes;
use toolgate_journal::Outcome;
use toolgate_json::{Document, Kind, Splice, Value};
use toolgate_mcp::list::{self, Verdict, dotted_to_underscore};
use toolgate_mcp::message::{self, Message, Response};
use toolgate_mcp::method::{Listed, Method};
use toolgate_mcp::revision::{Era, Revision};
use toolgate_mcp::{capabilities, edit::ObjectEdit};
use toolgate_policy::Plan;

use super::visit::Visit;
use crate::settings::Names;
use crate::upstream::UpstreamError;

/// How the answer to a request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Passed as it is.
    Plain,
    /// The answer to `server/discover` or `initialize`.
    Discover,
    /// A list, cut down by the policy.
    List(Listed),
    /// A tool's result, which may be a task.
    Tool,
    /// A task's state or result.
    Task,
    /// The list of tasks, cut down to those issued to the grant.
    TaskList,
}

/// An answer on its way out.
#[derive(Debug)]
pub(super) struct Shaped {
    pub(super) body: Bytes,
    pub(super) outcome: Outcome,
    /// A task that the answer tells of: its id, and whether it has ended.
    pub(super) task: Option<(String, bool)>,
}

/// What an answer belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    pub(super) era: Era,
    /// The raw id of the request.
    pub(super) id: &'a str,
    /// The one spelling of that id.
    pub(super) key: &'a str,
    /// What is left of the call's limits, raw JSON, where the policy reports it.
    pub(super) budget: Option<&'a str>,
}

/// Reads an answer strictly, checks that it answers this request, and shapes it.
pub(super) fn shape(
    visit: &Visit,
    shape: Shape,
    answered: &Answered<'_>,
    body: Bytes,
) -> Result<Shaped, UpstreamError> {
    let protocol = |e: &dyn std::fmt::Display| UpstreamError::Protocol(e.to_string());
    let document = Document::read(&body, visit.binding.server.limits()).map_err(|e| protocol(&e))?;
    let message = Message::read(&document).map_err(|e| protocol(&e))?;
    let Message::Response(response) = message else {
        return Err(UpstreamError::Protocol("it answered with something that is no answer".to_owned()));
    };
    check_id(&response, answered)?;
    let result = match response.outcome {
        message::Outcome::Error(_) => {
            return Ok(Shaped { outcome: Outcome::Error, task: None, body });
        }
        message::Outcome::Result(result) => result,
    };
    if let Some(asked) = asks_too_much(&visit.binding.plan, result) {
        return Err(UpstreamError::Asks(asked));
    }
    let mut splice = edits(visit, shape, answered.era, result)?;
    if let Some(budget) = answered.budget {
        add_budget(result, budget, &mut splice);
    }
    let outcome = outcome_of(shape, result);
    let task = task_of(shape, result);
    let body = if splice.is_empty() { body } else { Bytes::from(splice.apply(document.text().as_bytes())) };
    Ok(Shaped { body, outcome, task })
}

/// What an `input_required` result asks of the client (2026-07-28, multi-round-trip requests) that the policy
/// does not let servers ask, or that is nothing a server may ask at all.
fn asks_too_much(plan: &Plan, result: Value<'_>) -> Option<String> {
    if !result.get("resultType").is_some_and(|kind| kind.is_str("input_required")) {
        return None;
    }
    let requests = result.get("inputRequests")?;
    let methods =
        requests.members().map(|m| m.value.get("method").and_then(|m| m.as_str()).unwrap_or_default());
    let may = |method: &str| {
        let asked = Method::parse(method).and_then(super::relay::asked);
        asked.is_some_and(|kind| plan.allows_server_request(kind))
    };
    let refused = methods.into_iter().find(|method| !may(method));
    refused.map(|method| method.chars().filter(|c| !c.is_control()).take(64).collect())
}

/// Tells the agent what is left, beside what the server says in `_meta`.
fn add_budget(result: Value<'_>, budget: &str, splice: &mut Splice) {
    let mut edit = match result.get("_meta").filter(|m| m.kind() == Kind::Object) {
        Some(meta) => ObjectEdit::new(meta),
        None => ObjectEdit::new(result),
    };
    match result.get("_meta") {
        Some(meta) if meta.kind() == Kind::Object => edit.set("toolgate/budget", budget),
        _ => edit.set("_meta", &format!(r#"{{"toolgate/budget":{budget}}}"#)),
    }
    edit.write(splice);
}

fn check_id(response: &Response<'_>, answered: &Answered<'_>) -> Result<(), UpstreamError> {
    let same = match response.id {
        Some(found) => found.raw() == answered.id || found.key() == answered.key,
        // Only an error about an unreadable request has none.
        None => matches!(response.outcome, message::Outcome::Error(_)),
    };
    if same { Ok(()) } else { Err(UpstreamError::Protocol("it answered under another id".to_owned())) }
}

/// The one spelling of a raw id.
pub(super) fn key_of(raw: &str) -> String {
    let limits = toolgate_json::Limits::default();
    let document = Document::read(raw.as_bytes(), &limits);
    let key = document.as_ref().ok().and_then(|d| message::Id::of(d.root())).map(|id| id.key().into_owned());
    key.unwrap_or_else(|| raw.to_owned())
}

fn edits(visit: &Visit, shape: Shape, era: Era, result: Value<'_>) -> Result<Splice, UpstreamError> {
    match shape {
        Shape::Plain | Shape::Tool | Shape::Task => Ok(Splice::new()),
        Shape::Discover => Ok(discover(&visit.binding.plan, result)),
        Shape::List(listed) => {
            let filtered = list::filter(result, listed, era, |element| verdict(visit, listed, era, element));
            filtered.map(|f| f.splice).map_err(|e| UpstreamError::Protocol(e.to_string()))
        }
        Shape::TaskList => Ok(own_tasks(visit, result)),
    }
}

/// Whether an element of a list stays.
fn verdict(visit: &Visit, listed: Listed, era: Era, element: Value<'_>) -> Verdict {
    let plan = &visit.binding.plan;
    let member = |name: &str| element.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    match listed {
        Listed::Tools => tool_verdict(visit, era, element, &member("name")),
        Listed::Prompts if plan.lists_prompt(&member("name")) => Verdict::Keep,
        Listed::Resources if plan.lists_resource(&member("uri")) => Verdict::Keep,
        Listed::Templates if plan.lists_template(&member("uriTemplate")) => Verdict::Keep,
        Listed::Prompts | Listed::Resources | Listed::Templates => Verdict::Remove,
    }
}

fn tool_verdict(visit: &Visit, era: Era, element: Value<'_>, name: &str) -> Verdict {
    if name.is_empty() || !visit.binding.plan.lists_tool(name) {
        return Verdict::Remove;
    }
    let schema = element.get("inputSchema").filter(|_| era == Era::Modern);
    if let Some(Err(error)) = schema.map(toolgate_mcp::headers::x_mcp_header_rules) {
        // A client of 2026-07-28 would drop the tool as well (tools, "x-mcp-header").
        tracing::warn!(server = visit.binding.server.name(), tool = name, %error, "the tool is left out of the list");
        return Verdict::Remove;
    }
    match visit.grant.names {
        Names::Underscore if name.contains('.') => Verdict::Rename(dotted_to_underscore(name)),
        Names::Underscore | Names::Dotted => Verdict::Keep,
    }
}

/// Takes out what the policy lets nobody use, and revisions that the gateway does not speak.
pub(super) fn discover(plan: &Plan, result: Value<'_>) -> Splice {
    let mut splice = Splice::new();
    if let Some(offered) = capabilities::of_server(result) {
        let mut closed = Vec::new();
        if !plan.may_allow_resources() {
            closed.push("resources");
        }
        if !plan.may_allow_prompts() {
            closed.push("prompts");
        }
        if closed.len() == 2 {
            closed.push("completions");
        }
        capabilities::strip(offered, &closed, &mut splice);
    }
    let versions = result.get("supportedVersions").filter(|v| v.kind() == Kind::Array);
    if let Some(versions) = versions {
        let unknown: Vec<bool> =
            versions.elements().map(|v| v.as_str().and_then(|v| Revision::parse(&v)).is_none()).collect();
        toolgate_mcp::edit::remove_elements(versions, &unknown, &mut splice);
        let mut edit = ObjectEdit::new(result);
        edit.set("cacheScope", "\"private\"");
        edit.write(&mut splice);
    }
    splice
}

fn own_tasks(visit: &Visit, result: Value<'_>) -> Splice {
    let mut splice = Splice::new();
    let own = |task: Value<'_>| {
        let id = task.get("taskId").and_then(|id| id.as_str());
        id.is_some_and(|id| visit.gateway.task_ids.belongs(&visit.binding.group, &id))
    };
    if let Some(tasks) = result.get("tasks").filter(|t| t.kind() == Kind::Array) {
        let foreign: Vec<bool> = tasks.elements().map(|t| !own(t)).collect();
        toolgate_mcp::edit::remove_elements(tasks, &foreign, &mut splice);
    }
    splice
}

fn outcome_of(shape: Shape, result: Value<'_>) -> Outcome {
    let error = shape == Shape::Tool && result.get("isError").and_then(|e| e.as_bool()) == Some(true);
    if error { Outcome::ToolError } else { Outcome::Ok }
}

/// The task that a result tells of: `task` of 2025-11-25, or the result itself in the modern extension.
fn task_of(shape: Shape, result: Value<'_>) -> Option<(String, bool)> {
    if !matches!(shape, Shape::Tool | Shape::Task) {
        return None;
    }
    let task = result.get("task").filter(|t| t.kind() == Kind::Object).unwrap_or(result);
    let id = task.get("taskId")?.as_str()?.into_owned();
    let status = task.get("status").and_then(|s| s.as_str()).unwrap_or_default();
    Some((id, matches!(status.as_ref(), "completed" | "failed" | "cancelled")))
}
