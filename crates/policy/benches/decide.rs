//! What a decision costs: the seed policy, and one with a condition, a limit and a small schema.

use divan::{Bencher, black_box};
use toolgate_json::{Document, Limits};
use toolgate_policy::{Call, Context, Definition, Format, Plan, Schema, load};

fn main() {
    divan::main();
}

const SEED: &str = r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
    {"counter":"image.generate.replicate_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;

const REFUND: &str = r#"{"version":"1","default":"deny","hide":["drop_table"],"tools":{"list":{},"refund":{
    "deny_if":[{"conditions":[{"path":"args.amount","op":"gt","value":10000}],"on_deny":"Too much"}],
    "limits":[{"counter":"refunds","window":"day","max":100,"scope":"grant"}]}}}"#;

const SCHEMA: &str = r#"{"type":"object","required":["amount","reason"],"additionalProperties":false,"properties":{
    "amount":{"type":"number","minimum":0},"reason":{"type":"string","maxLength":200},
    "currency":{"type":"string","enum":["EUR","USD"]}}}"#;

const ARGUMENTS: &str = r#"{"amount":1250.5,"reason":"broken on arrival","currency":"EUR"}"#;

fn plan(text: &str) -> Option<Plan> {
    load(text, Format::Json, "bench").ok().map(|loaded| loaded.plan)
}

fn document(text: &'static str) -> Option<Document<'static>> {
    Document::read(text.as_bytes(), &Limits::default()).ok()
}

fn context() -> Context<'static> {
    Context { grant_label: "ci", grant_tags: &[], server: "shop", client_ip: None, wall_micros: 0 }
}

#[divan::bench]
fn seed_policy(bencher: Bencher<'_, '_>) {
    let (Some(plan), Some(arguments)) = (plan(SEED), document(ARGUMENTS)) else { return };
    let tool = "image.generate.replicate";
    bencher.bench(|| {
        let definition = Definition::Unchecked;
        let call = Call { tool, arguments: Some(arguments.root()), definition, context: context() };
        black_box(plan.decide(black_box(&call)).is_allowed())
    });
}

#[divan::bench]
fn condition_and_schema(bencher: Bencher<'_, '_>) {
    let (Some(plan), Some(arguments), Some(schema)) = (plan(REFUND), document(ARGUMENTS), document(SCHEMA))
    else {
        return;
    };
    let Ok(schema) = Schema::compile(&schema.root()) else { return };
    bencher.bench(|| {
        let definition = Definition::Known { schema: Some(&schema) };
        let call = Call { tool: "refund", arguments: Some(arguments.root()), definition, context: context() };
        black_box(plan.decide(black_box(&call)).is_allowed())
    });
}

#[divan::bench]
fn compile_a_policy(bencher: Bencher<'_, '_>) {
    bencher.bench(|| plan(black_box(REFUND)).is_some());
}
