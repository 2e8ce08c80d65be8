//! `toolgate policy explain`: the decision about one call, the rule that made it, and why each rule before
//! it let the call pass. Exit code 0: allowed; 1: denied.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use toolgate_json::{Document, Limits, Value};
use toolgate_policy::{
    Call, Context, Definition, Explanation, Outcome, Plan, Schema, Step, Verdict, amount_in_words,
};

use crate::answer::{Answer, Done, Failure};
use crate::config::{Finding, PolicyFile, unit};
use crate::shell::{Shell, Tone, now_micros, printable};

/// What arguments and definitions are held to.
const LIMITS: Limits = Limits { bytes: 16 << 20, depth: 64, values: 1_000_000 };

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The policy's file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Name of the tool, as the server knows it
    #[arg(long, value_name = "NAME")]
    tool: String,
    /// Arguments of the call, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    args: String,
    /// `grant.label`
    #[arg(long, value_name = "LABEL", default_value = "example")]
    grant: String,
    /// One of `grant.tags`; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// `server.name`
    #[arg(long, value_name = "NAME", default_value = "example")]
    server: String,
    /// `client.ip`
    #[arg(long, value_name = "IP")]
    client_ip: Option<IpAddr>,
    /// When the call is made, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<i64>,
    /// The tool's definition, or the server's `tools/list` result, as JSON; without it neither the tool's
    /// existence nor its own schema is judged
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let file = PolicyFile::load("policy", &arguments.policy);
    let Some(plan) = file.plan else {
        for finding in &file.findings {
            shell.note(finding.render())?;
        }
        return Err(Failure::no("the policy cannot be used"));
    };
    for warning in file.findings.iter().filter(|finding| !finding.is_error()) {
        shell.note(Finding::render(warning))?;
    }
    let document = Document::read(arguments.args.as_bytes(), &LIMITS)
        .map_err(|error| Failure::usage(format_args!("`--args` is not JSON: {error}")))?;
    let known = arguments.definition.as_deref().map(|file| definition(file, &arguments.tool)).transpose()?;
    if let Some(Known::Tool(Some(schema))) = &known {
        for problem in plan.review(&arguments.tool, schema) {
            shell.note(problem.render(&arguments.policy.display().to_string()))?;
        }
    }
    let definition = match &known {
        None => Definition::Unchecked,
        Some(Known::Missing) => Definition::Unknown,
        Some(Known::Tool(schema)) => Definition::Known { schema: schema.as_ref() },
    };
    let explanation = plan.explain(&call(arguments, document.root(), definition));
    if arguments.json {
        shell.json(&json(&explanation, &plan))?;
    } else {
        print(&explanation, shell)?;
    }
    Ok(if explanation.decision.is_allowed() { Answer::Yes } else { Answer::No })
}

fn call<'a>(arguments: &'a Arguments, values: Value<'a>, definition: Definition<'a>) -> Call<'a> {
    Call {
        tool: &arguments.tool,
        arguments: Some(values),
        definition,
        context: Context {
            grant_label: &arguments.grant,
            grant_tags: &arguments.tags,
            server: &arguments.server,
            client_ip: arguments.client_ip,
            wall_micros: arguments.at.unwrap_or_else(now_micros),
        },
    }
}

/// What a file says of a tool.
enum Known {
    /// A list that does not have it.
    Missing,
    /// Its schema; none if it has none that could be compiled.
    Tool(Option<Schema>),
}

fn definition(file: &Path, tool: &str) -> Result<Known, Failure> {
    let text = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let document = Document::read(&text, &LIMITS)
        .map_err(|error| anyhow!("`{}` is not JSON: {error}", file.display()))?;
    let root = document.root();
    let list = root.get("tools").or_else(|| root.get("result").and_then(|result| result.get("tools")));
    let found = match list {
        Some(list) => {
            list.elements().find(|element| element.get("name").is_some_and(|name| name.is_str(tool)))
        }
        None => Some(root),
    };
    let Some(found) = found else { return Ok(Known::Missing) };
    Ok(Known::Tool(found.get("inputSchema").and_then(|schema| Schema::compile(&schema).ok())))
}

fn parse_time(text: &str) -> Result<i64, String> {
    unit::parse_date(text).ok_or_else(|| unit::DATE_FORM.to_owned())
}

/// The steps up to the deciding one, and those behind it.
fn split<'e>(explanation: &'e Explanation<'_>) -> (&'e [Step], &'e [Step]) {
    let steps = &explanation.steps;
    let decider = steps.iter().position(|step| step.verdict == Verdict::Denied);
    steps.split_at_checked(decider.map_or(steps.len(), |at| at + 1)).unwrap_or((steps, &[]))
}

fn print(explanation: &Explanation<'_>, shell: &mut Shell) -> std::io::Result<()> {
    match &explanation.decision.outcome {
        Outcome::Allow { .. } => {
            let verdict = shell.toned(Tone::Good, "allowed");
            shell.line(format_args!("{verdict}, if the limits have room"))?;
        }
        Outcome::Deny(denial) => {
            let verdict = shell.toned(Tone::Bad, "denied");
            shell.line(format_args!(
                "{verdict} by {}: {}",
                printable(&denial.rule),
                printable(&denial.message)
            ))?;
        }
    }
    let (asked, behind) = split(explanation);
    for step in asked {
        print_step(step, shell)?;
    }
    if !behind.is_empty() {
        shell.line("not reached, but would say:")?;
    }
    for step in behind {
        print_step(step, shell)?;
    }
    Ok(())
}

fn print_step(step: &Step, shell: &mut Shell) -> std::io::Result<()> {
    let tone = match step.verdict {
        Verdict::Passed | Verdict::Skipped => Tone::Good,
        Verdict::WouldDeny => Tone::Doubtful,
        Verdict::Denied => Tone::Bad,
    };
    let verdict = shell.toned(tone, &format!("{:<10}", step.verdict.name()));
    shell.line(format_args!("  {verdict} {}: {}", printable(&step.rule), printable(&step.why)))
}

fn json(explanation: &Explanation<'_>, plan: &Plan) -> serde_json::Value {
    let steps = |steps: &[Step]| -> serde_json::Value {
        let step = |step: &Step| serde_json::json!({"rule": step.rule, "verdict": step.verdict.name(), "why": step.why});
        steps.iter().map(step).collect()
    };
    let (asked, behind) = split(explanation);
    let shadowed: Vec<_> = explanation
        .decision
        .shadowed
        .iter()
        .map(|denial| serde_json::json!({"rule": denial.rule, "message": denial.message}))
        .collect();
    let mut value = serde_json::json!({
        "outcome": if explanation.decision.is_allowed() { "allow" } else { "deny" },
        "policy_version": plan.version(),
        "shadowed": shadowed,
        "steps": steps(asked),
        "not_reached": steps(behind),
    });
    let more = match &explanation.decision.outcome {
        Outcome::Deny(denial) => {
            vec![("rule", denial.rule.as_ref().into()), ("message", denial.message.as_ref().into())]
        }
        Outcome::Allow { demands } => {
            let demand = |demand: &toolgate_policy::Demand<'_>| {
                serde_json::json!({
                    "rule": demand.rule, "counter": demand.limit.counter, "amount": amount_in_words(demand.amount),
                })
            };
            vec![("limits", demands.iter().map(demand).collect())]
        }
    };
    if let Some(members) = value.as_object_mut() {
        members.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    value
}
