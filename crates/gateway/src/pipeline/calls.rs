//! Requests that a policy judges: tools, resources, prompts, completions, subscriptions and tasks.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::sync::watch;
use toolgate_journal::SyncState;
use toolgate_json::{Splice, Value};
use toolgate_mcp::capabilities;
use toolgate_mcp::edit::remove_elements;
use toolgate_mcp::error::{self, Code};
use toolgate_mcp::headers::{self, encode_value};
use toolgate_mcp::method::Method;
use toolgate_mcp::params::{Completion, Listen, PromptGet, Reference, ResourceTarget, TaskTarget, ToolCall};
use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::exchange::OnDrop;
use toolgate_policy::{Call, Decision, Definition, DenialKind};
use toolgate_quota::Now;

use super::flow::Flow;
use super::lifecycle::closed_to_servers;
use super::messages::Inquiry;
use super::shape::Shape;
use crate::body::Body;
use crate::judge::{Case, Denied, Judgement, millis};
use crate::refusal::{Refusal, json};
use crate::settings::Names;
use crate::ticket::{Target, Ticket};
use crate::upstream::{Definitions, Leg, Outgoing, UpstreamError};

/// `tools/call`.
pub(super) async fn tool(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    let call: ToolCall<'_> = inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let shown = call.name.as_str();
    let mut definitions = None;
    let mut name = shown.to_owned();
    if inquiry.visit.grant.names == Names::Underscore {
        let known = known_definitions(&inquiry, shown, &call).await?;
        if let Some(dotted) = known.dotted(shown) {
            name = dotted.to_owned();
        }
        definitions = Some(known);
    }
    if let Some(decision) = inquiry.visit.binding.plan.prejudge(&name) {
        return Subject::unlisted(&inquiry, &call, &name).denied(&decision).await;
    }
    let definitions = match definitions {
        Some(known) if known.get(&name).is_some() => known,
        _ => known_definitions(&inquiry, &name, &call).await?,
    };
    let found = definitions.get(&name).filter(|d| inquiry.era() == Era::Legacy || d.headers.is_ok());
    let definition = match found {
        None => Definition::Unknown,
        Some(found) => Definition::Known { schema: found.schema.as_ref().ok() },
    };
    if let (Era::Modern, Some(Ok(params))) = (inquiry.era(), found.map(|f| &f.headers)) {
        headers::check_params(&inquiry.visit.headers, inquiry.request, params)
            .map_err(|fault| inquiry.error(fault.code(), fault.to_string()))?;
    }
    let subject = Subject {
        hash: found.map(|f| f.hash.as_str()),
        listed: found.is_some(),
        ..Subject::unlisted(&inquiry, &call, &name)
    };
    let decision = inquiry.visit.binding.plan.decide(&Call {
        tool: &name,
        arguments: call.arguments,
        definition,
        context: inquiry.visit.context(subject.now),
    });
    if !decision.is_allowed() {
        return subject.denied(&decision).await;
    }
    match subject.judge(&decision).await? {
        Err(response) => Ok(response),
        Ok(ticket) => subject.forward(ticket).await,
    }
}

/// The server's tools, looked up afresh once if `name` is not among them.
async fn known_definitions(
    inquiry: &Inquiry<'_>,
    name: &str,
    call: &ToolCall<'_>,
) -> Result<Arc<Definitions>, Refusal> {
    let server = &inquiry.visit.binding.server;
    let known = |d: &Definitions| d.get(name).is_some() || d.dotted(name).is_some();
    let looked_up = match server.definitions(&inquiry.leg).await {
        Ok(definitions) if known(&definitions) => return Ok(definitions),
        Ok(_) => Box::pin(server.definitions_again(&inquiry.leg)).await,
        Err(error) => Err(error),
    };
    match looked_up {
        Ok(definitions) => Ok(definitions),
        Err(error) => {
            // Judged all the same: without its definition no call goes on.
            let subject = Subject::unlisted(inquiry, call, name);
            let denied = Denied::by_gateway("(unreachable)", error.to_string());
            if let Judgement::Unrecorded(error) =
                inquiry.visit.gateway.deny_by_gateway(&subject.case(), denied)
            {
                return Err(unrecorded(inquiry, &error));
            }
            if let (UpstreamError::SessionGone, Some(session)) = (&error, &inquiry.session) {
                super::lifecycle::forget(inquiry.visit, session);
            }
            Err(inquiry.upstream_error(&error))
        }
    }
}

/// A tool call on its way through judgement.
struct Subject<'a, 'd> {
    inquiry: &'a Inquiry<'d>,
    call: &'a ToolCall<'d>,
    /// The server's name for the tool.
    name: &'a str,
    hash: Option<&'a str>,
    listed: bool,
    /// When it is judged: by conditions, limits and record alike.
    now: Now,
}

impl<'a, 'd> Subject<'a, 'd> {
    /// A call, judged now, of a tool that no list is known to have.
    fn unlisted(inquiry: &'a Inquiry<'d>, call: &'a ToolCall<'d>, name: &'a str) -> Self {
        Self { inquiry, call, name, hash: None, listed: false, now: inquiry.visit.gateway.clock.now() }
    }

    fn case(&self) -> Case<'_> {
        Case {
            definition_hash: self.hash,
            listed: self.listed,
            ..case(self.inquiry, Target::Tool(self.name.to_owned()), self.call.arguments, self.now)
        }
    }

    /// Answers a denial that the policy has made.
    async fn denied(&self, decision: &Decision<'_>) -> Result<Response<Body>, Refusal> {
        match self.judge(decision).await? {
            Err(response) => Ok(response),
            // A decision that denies gives out no ticket; if it did, the call would not go on either.
            Ok(_) => Err(self.inquiry.error(Code::InternalError, "the call was not judged")),
        }
    }

    /// The ticket, or the answer to a denial.
    async fn judge(&self, decision: &Decision<'_>) -> Result<Result<Box<Ticket>, Response<Body>>, Refusal> {
        let denial = match &decision.outcome {
            toolgate_policy::Outcome::Deny(denial) => Some(denial.code),
            toolgate_policy::Outcome::Allow { .. } => None,
        };
        match self.inquiry.visit.gateway.judge(&self.case(), decision) {
            Judgement::Passed(ticket) => recorded(self.inquiry, ticket).await.map(Ok),
            Judgement::Denied(denied) => Ok(Err(self.denial(&denied, denial))),
            Judgement::Unrecorded(error) => Err(unrecorded(self.inquiry, &error)),
        }
    }

    /// A result that the model can read; for a task-augmented call and for names that must not be told
    /// apart from unknown ones, an error.
    fn denial(&self, denied: &Denied, kind: Option<DenialKind>) -> Response<Body> {
        let era = self.inquiry.era();
        let id = self.inquiry.request.id.raw();
        let plan = &self.inquiry.visit.binding.plan;
        if !plan.default_is_deny() && matches!(kind, Some(DenialKind::Hidden | DenialKind::Unknown)) {
            let code = Code::UnknownTarget;
            return json(
                code.http_status(Era::Legacy),
                error::error_body(Some(id), code, "unknown tool", None),
            );
        }
        let decision = error::Denial {
            rule: &denied.rule,
            retry_after_ms: denied.retry_after.map(millis),
            request_id: &self.inquiry.visit.request_id,
        };
        if self.call.task.is_some() && era == Era::Legacy {
            let code = if denied.by_limit { Code::RateLimited } else { Code::PolicyDenied };
            let text = format!("[POLICY DENIED] {}", denied.message);
            let data = error::denial_data(&decision);
            return json(StatusCode::OK, error::error_body(Some(id), code, &text, Some(&data)));
        }
        json(StatusCode::OK, error::tool_denial_body(id, &denied.message, &decision, era))
    }

    /// Sends the call on under the server's name for the tool.
    async fn forward(&self, ticket: Box<Ticket>) -> Result<Response<Body>, Refusal> {
        let mut splice = Splice::new();
        let renamed = self.name != self.call.name.as_str();
        if renamed {
            let mut name = Vec::new();
            toolgate_json::write_string(self.name, &mut name);
            splice.replace(self.call.name.span(), name);
        }
        let flow = Flow::of(self.inquiry, Shape::Tool, Some(ticket));
        let mut outgoing = with_edits(&flow, self.inquiry, splice)?;
        if renamed && self.inquiry.era() == Era::Modern {
            outgoing.headers.retain(|(name, _)| *name != headers::NAME);
            outgoing.headers.push((headers::NAME, encode_value(self.name)));
        }
        if self.call.task.is_some() {
            outgoing.on_drop = OnDrop::Abandon;
        }
        flow.send(outgoing).await
    }
}

/// The request with edits, and without what the policy keeps from the server: in the modern era each
/// request declares what its client can do.
fn with_edits(flow: &Flow, inquiry: &Inquiry<'_>, mut splice: Splice) -> Result<Outgoing, Refusal> {
    if inquiry.era() == Era::Modern
        && let Some(declared) = capabilities::of_client(inquiry.request)
    {
        capabilities::strip(declared, &closed_to_servers(&inquiry.visit.binding.plan), &mut splice);
    }
    let mut outgoing = flow.outgoing(inquiry);
    if splice.is_empty() {
        return Ok(outgoing);
    }
    outgoing.body = Bytes::from(splice.apply(inquiry.body));
    // A child needs the places of id and progress token in the changed text.
    if matches!(inquiry.leg, Leg::Child { .. }) {
        let limits = inquiry.visit.gateway.message_limits(&inquiry.visit.snapshot);
        let limits = toolgate_json::Limits { bytes: outgoing.body.len(), ..limits };
        let failed = |_| inquiry.error(Code::InternalError, "the request could not be rewritten");
        let document = toolgate_json::Document::read(&outgoing.body, &limits).map_err(failed)?;
        let root = document.root();
        let token = root.get("params").and_then(|p| p.get("_meta")).and_then(|m| m.get("progressToken"));
        (outgoing.id, outgoing.progress_token) =
            (root.get("id").map_or(outgoing.id, |id| id.span()), token.map(|t| t.span()));
    }
    Ok(outgoing)
}

fn case<'a>(inquiry: &'a Inquiry<'_>, target: Target, arguments: Option<Value<'a>>, now: Now) -> Case<'a> {
    Case {
        request_id: &inquiry.visit.request_id,
        grant: &inquiry.visit.grant,
        binding: &inquiry.visit.binding,
        session: inquiry.session.as_ref(),
        client: inquiry.visit.client,
        method: inquiry.method.name(),
        target,
        arguments,
        definition_hash: None,
        listed: true,
        started: inquiry.visit.arrived.mono,
        now,
    }
}

fn unrecorded(inquiry: &Inquiry<'_>, error: &toolgate_journal::AppendError) -> Refusal {
    tracing::error!(%error, "a call is refused because its decision cannot be recorded");
    inquiry.error(Code::NotReady, "the gateway cannot record calls now, so it passes none; see its /readyz")
}

/// Waits until the decision is in the journal's file, together with those of the calls that are judged in
/// the same turn, and survives what it is to survive. A call whose decision is not there does not leave.
async fn recorded(inquiry: &Inquiry<'_>, ticket: Box<Ticket>) -> Result<Box<Ticket>, Refusal> {
    tokio::task::yield_now().await;
    let gateway = &inquiry.visit.gateway;
    let synced = match (gateway.journal.flush(), &gateway.synced) {
        (Err(error), _) => Err(unrecorded(inquiry, &error)),
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(synced)) => Box::pin(synced_up_to(inquiry, synced, ticket.sequence)).await,
    };
    match synced {
        Ok(()) => Ok(ticket),
        Err(refusal) => {
            ticket.finish(toolgate_journal::Outcome::Unreached);
            Err(refusal)
        }
    }
}

async fn synced_up_to(
    inquiry: &Inquiry<'_>,
    synced: &watch::Receiver<SyncState>,
    sequence: u64,
) -> Result<(), Refusal> {
    let settled = |state: &SyncState| state.durable_seq >= sequence || state.failed_seq >= sequence;
    match synced.clone().wait_for(settled).await {
        Ok(state) if state.durable_seq >= sequence => Ok(()),
        _ => Err(inquiry.error(Code::NotReady, "the gateway cannot record calls now, so it passes none")),
    }
}

/// Judges a request that is no tool call, and answers a denial with an error.
async fn judged(
    inquiry: &Inquiry<'_>,
    target: Target,
    arguments: Option<Value<'_>>,
    decision: &Decision<'_>,
) -> Result<Box<Ticket>, Refusal> {
    let now = inquiry.visit.gateway.clock.now();
    match inquiry.visit.gateway.judge(&case(inquiry, target, arguments, now), decision) {
        Judgement::Passed(ticket) => recorded(inquiry, ticket).await,
        Judgement::Denied(denied) => Err(denial(inquiry, &denied)),
        Judgement::Unrecorded(error) => Err(unrecorded(inquiry, &error)),
    }
}

fn denial(inquiry: &Inquiry<'_>, denied: &Denied) -> Refusal {
    let decision = error::Denial {
        rule: &denied.rule,
        retry_after_ms: denied.retry_after.map(millis),
        request_id: &inquiry.visit.request_id,
    };
    let code = if denied.by_limit { Code::RateLimited } else { Code::PolicyDenied };
    let text = format!("[POLICY DENIED] {}", denied.message);
    let data = error::denial_data(&decision);
    let body = error::error_body(Some(inquiry.request.id.raw()), code, &text, Some(&data));
    Refusal::Ready(Box::new(json(StatusCode::OK, body)))
}

/// `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
pub(super) async fn resource(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    let target: ResourceTarget<'_> =
        inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let uri = target.uri.as_str();
    let decision = inquiry
        .visit
        .binding
        .plan
        .decide_resource(uri, &inquiry.visit.context(inquiry.visit.gateway.clock.now()));
    let ticket = judged(&inquiry, Target::Resource(uri.to_owned()), None, &decision).await?;
    if let Some(session) = &inquiry.session {
        match inquiry.method {
            Method::ResourcesSubscribe if !session.subscribe(uri) => {
                return Err(
                    inquiry.error(Code::RateLimited, "this session is subscribed to too many resources")
                );
            }
            Method::ResourcesUnsubscribe => session.unsubscribe(uri),
            _ => {}
        }
    }
    forward(&inquiry, Shape::Plain, ticket, Splice::new()).await
}

/// `prompts/get`.
pub(super) async fn prompt(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    let target: PromptGet<'_> = inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let name = target.name.as_str();
    let context = inquiry.visit.context(inquiry.visit.gateway.clock.now());
    let decision = inquiry.visit.binding.plan.decide_prompt(name, target.arguments, &context);
    let ticket = judged(&inquiry, Target::Prompt(name.to_owned()), target.arguments, &decision).await?;
    forward(&inquiry, Shape::Plain, ticket, Splice::new()).await
}

/// `completion/complete`, judged as what it refers to.
pub(super) async fn completion(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    let view: Completion<'_> = inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let plan = &inquiry.visit.binding.plan;
    let (target, listed) = match &view.reference {
        Reference::Prompt(name) => {
            (Target::Prompt(name.as_str().to_owned()), plan.lists_prompt(name.as_str()))
        }
        Reference::Resource(uri) => {
            let uri = uri.as_str();
            (Target::Resource(uri.to_owned()), plan.lists_template(uri) || plan.lists_resource(uri))
        }
    };
    if !listed {
        let case = case(&inquiry, target, None, inquiry.visit.gateway.clock.now());
        let denied =
            Denied::by_gateway("(default deny)", "the policy does not allow what is to be completed");
        return Err(match inquiry.visit.gateway.deny_by_gateway(&case, denied) {
            Judgement::Denied(denied) => denial(&inquiry, &denied),
            Judgement::Unrecorded(error) => unrecorded(&inquiry, &error),
            Judgement::Passed(_) => inquiry.error(Code::InternalError, "the request was not judged"),
        });
    }
    let decision =
        Decision { outcome: toolgate_policy::Outcome::Allow { demands: Vec::new() }, shadowed: Vec::new() };
    let ticket = judged(&inquiry, target, None, &decision).await?;
    forward(&inquiry, Shape::Plain, ticket, Splice::new()).await
}

/// `subscriptions/listen`: resources that the policy does not let through are taken out of the filter.
pub(super) async fn listen(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    let view: Listen<'_> = inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let plan = &inquiry.visit.binding.plan;
    let most = inquiry.visit.snapshot.settings.limits.streams_per_grant;
    let place = inquiry.visit.grant.shares.open_stream(most).ok_or(crate::refusal::Early::Streams)?;
    let mut splice = Splice::new();
    if let Some(resources) = view.filter.get("resourceSubscriptions") {
        let denied: Vec<bool> = view.resources.iter().map(|uri| !plan.lists_resource(uri.as_str())).collect();
        remove_elements(resources, &denied, &mut splice);
    }
    let mut flow = Flow::of(&inquiry, Shape::Plain, None);
    flow.bounded = false;
    flow._place = Some(place);
    let outgoing = with_edits(&flow, &inquiry, splice)?;
    flow.send(outgoing).await
}

/// `tasks/*`: only tasks that were issued to this grant on this server.
pub(super) async fn task(inquiry: Inquiry<'_>) -> Result<Response<Body>, Refusal> {
    if inquiry.method == Method::TasksList {
        return Flow::of(&inquiry, Shape::TaskList, None).start(&inquiry).await;
    }
    let target: TaskTarget<'_> =
        inquiry.request.view().map_err(|e| Refusal::of_message(&e, inquiry.era()))?;
    let group = &inquiry.visit.binding.group;
    if !inquiry.visit.gateway.task_ids.belongs(group, target.task_id.as_str()) {
        return Err(inquiry.error(Code::UnknownTarget, "unknown task"));
    }
    Flow::of(&inquiry, Shape::Task, None).start(&inquiry).await
}

async fn forward(
    inquiry: &Inquiry<'_>,
    shape: Shape,
    ticket: Box<Ticket>,
    splice: Splice,
) -> Result<Response<Body>, Refusal> {
    let flow = Flow::of(inquiry, shape, Some(ticket));
    let outgoing = with_edits(&flow, inquiry, splice)?;
    flow.send(outgoing).await
}
