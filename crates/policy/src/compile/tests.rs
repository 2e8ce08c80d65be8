//! The documents of the specification, compiled.

use super::*;
use crate::call::{Call, Context, Definition};
use crate::decision::Outcome;
use crate::limit::{LimitWindow, Scope, UNIT};

const SEED: &str = r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
    {"counter":"image.generate.replicate_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;

fn context() -> Context<'static> {
    Context { grant_label: "ci", grant_tags: &[], server: "images", client_ip: None, wall_micros: 0 }
}

#[test]
fn the_seed_policy_limits_one_tool_and_denies_the_rest() {
    let loaded = load(SEED, Format::Json, "images").unwrap();
    assert_eq!(loaded.warnings, []);
    let plan = loaded.plan;
    let call = |tool| Call { tool, arguments: None, definition: Definition::Unchecked, context: context() };
    let Outcome::Allow { demands } = plan.decide(&call("image.generate.replicate")).outcome else {
        panic!("denied")
    };
    assert_eq!(demands.len(), 1);
    let limit = demands[0].limit;
    assert_eq!((demands[0].amount, limit.max, limit.scope), (UNIT, 10 * UNIT, Scope::Grant));
    assert_eq!(limit.window, LimitWindow::Sliding(std::time::Duration::from_mins(1)));
    assert!(limit.constant_unit);
    assert_eq!(plan.limits(), std::slice::from_ref(limit));
    let denied = plan.decide(&call("other"));
    let Outcome::Deny(denial) = denied.outcome else { panic!("allowed") };
    assert_eq!(denial.rule, "(default deny)");
    assert!(plan.lists_tool("image.generate.replicate") && !plan.lists_tool("other"));
}
