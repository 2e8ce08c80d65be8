//! Decisions over generated policies: against a plain reference, and the promises that hold for all.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code: what fails here fails the test"
)]

mod generate;
mod reference;

use proptest::prelude::*;
use serde_json::{Value, json};
use toolgate_json::{Document, Limits};
use toolgate_policy::{Call, Context, Definition, Format, Outcome, Plan, load};

fn plan(policy: &Value) -> Plan {
    match load(&policy.to_string(), Format::Json, "generated") {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("{policy}: {problems:?}"),
    }
}

/// Asks about a call whose tool's own schema is not known.
fn ask<T>(tool: &str, arguments: Option<&str>, asked: impl FnOnce(&Call<'_>) -> T) -> T {
    let document = Document::read(arguments.unwrap_or("null").as_bytes(), &Limits::default()).unwrap();
    let context =
        Context { grant_label: "test", grant_tags: &[], server: "shop", client_ip: None, wall_micros: 0 };
    asked(&Call {
        tool,
        arguments: arguments.map(|_| document.root()),
        definition: Definition::Unchecked,
        context,
    })
}

fn allows(plan: &Plan, tool: &str, arguments: Option<&str>) -> bool {
    ask(tool, arguments, |call| plan.decide(call).is_allowed())
}

fn as_value(arguments: Option<&str>) -> Value {
    arguments.map_or(json!({}), |text| serde_json::from_str(text).unwrap())
}

/// Every call of the small world.
fn calls() -> impl Iterator<Item = (&'static str, Option<String>)> {
    generate::TOOLS.into_iter().flat_map(|tool| generate::arguments().into_iter().map(move |a| (tool, a)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn means_what_the_reference_says(policy in generate::policy()) {
        let plan = plan(&policy);
        for (tool, arguments) in calls() {
            let expected = reference::allows(&policy, tool, &as_value(arguments.as_deref()));
            let found = allows(&plan, tool, arguments.as_deref());
            prop_assert_eq!(found, expected, "{} with {:?} under {}", tool, arguments, policy);
        }
    }

    #[test]
    fn adding_a_deny_never_allows_more(policy in generate::policy(), key in prop::sample::select(&generate::KEYS[..3]), kind in 0..4) {
        let mut stricter = policy.clone();
        let group = json!({"conditions": [{"path": "args.x", "op": "eq", "value": 1}], "mode": "enforce"});
        match kind {
            0 => stricter["hide"].as_array_mut().unwrap().push(json!(key)),
            1 => stricter["all_tools"]["deny_if"].as_array_mut().unwrap().push(group),
            2 => stricter["all_tools"]["require"].as_array_mut().unwrap().push(group),
            _ => match stricter["tools"].as_object_mut().unwrap().get_mut(key) {
                Some(entry) => entry["action"] = json!("deny"),
                None => stricter["hide"].as_array_mut().unwrap().push(json!(key)),
            },
        }
        let (before, after) = (plan(&policy), plan(&stricter));
        for (tool, arguments) in calls() {
            let more = allows(&after, tool, arguments.as_deref()) && !allows(&before, tool, arguments.as_deref());
            prop_assert!(!more, "{} with {:?} under {}", tool, arguments, stricter);
        }
    }

    #[test]
    fn a_matching_deny_wins(policy in generate::policy(), tool in prop::sample::select(&generate::TOOLS[..])) {
        let mut denied = policy;
        denied["tools"][tool] = json!({"action": "deny", "mode": "enforce"});
        denied["default"] = json!("allow");
        let plan = plan(&denied);
        for arguments in generate::arguments() {
            prop_assert!(!allows(&plan, tool, arguments.as_deref()));
        }
        prop_assert!(plan.prejudge(tool).is_some());
        prop_assert!(!plan.lists_tool(tool));
    }

    #[test]
    fn lists_leave_out_only_what_is_denied(policy in generate::policy()) {
        let plan = plan(&policy);
        for tool in generate::TOOLS {
            let callable = generate::arguments().iter().any(|a| allows(&plan, tool, a.as_deref()));
            prop_assert!(plan.lists_tool(tool) || !callable, "{} under {}", tool, policy);
            prop_assert_eq!(plan.lists_tool(tool), !certainly_denied(&policy, tool), "{} under {}", tool, policy);
        }
    }

    #[test]
    fn yaml_and_json_say_the_same(policy in generate::policy()) {
        let from_json = plan(&policy);
        let yaml = generate::to_yaml(&policy, 0);
        let from_yaml = load(&yaml, Format::Yaml, "generated").unwrap().plan;
        prop_assert_eq!(from_json.version(), from_yaml.version());
        for (tool, arguments) in calls() {
            ask(tool, arguments.as_deref(), |call| {
                prop_assert_eq!(from_json.decide(call), from_yaml.decide(call));
                Ok(())
            })?;
        }
    }

    #[test]
    fn an_explanation_tells_the_decision(policy in generate::policy()) {
        let plan = plan(&policy);
        for (tool, arguments) in calls() {
            ask(tool, arguments.as_deref(), |call| {
                let (decision, explanation) = (plan.decide(call), plan.explain(call));
                match (&decision.outcome, &explanation.decision.outcome) {
                    (Outcome::Deny(left), Outcome::Deny(right)) => {
                        prop_assert_eq!(left, right);
                        let first = explanation.steps.iter().find(|s| s.verdict == toolgate_policy::Verdict::Denied);
                        prop_assert_eq!(first.unwrap().rule.as_str(), &*left.rule);
                    }
                    (left, right) => prop_assert_eq!(left, right),
                }
                prop_assert_eq!(&decision.shadowed, &explanation.decision.shadowed);
                if let Some(denied) = plan.prejudge(tool) {
                    prop_assert!(!decision.is_allowed(), "{:?}", denied);
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn any_text_loads_or_is_refused_with_reasons(text in "[ \\-a-z:\\n\"'{}\\[\\],&*!#|0-9.]{0,80}") {
        for format in [Format::Json, Format::Yaml] {
            if let Err(problems) = load(&text, format, "any") {
                prop_assert!(!problems.is_empty());
            }
        }
    }

    #[test]
    fn any_damage_loads_or_is_refused_with_reasons(policy in generate::policy(), at in any::<prop::sample::Index>(), with in "[ -~]{0,2}") {
        let mut text = policy.to_string();
        let place = at.index(text.len());
        text.replace_range(place..=place, &with);
        for format in [Format::Json, Format::Yaml] {
            if let Err(problems) = load(&text, format, "any") {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|p| !p.message.is_empty() && !p.render("f").contains('\n')));
            }
        }
    }
}

/// Hidden, default, `action: deny`, or a `deny_if` without conditions: all in earnest.
fn certainly_denied(policy: &Value, tool: &str) -> bool {
    let mut open = policy.clone();
    let unconditional = |rules: &mut Value| {
        for name in ["deny_if", "require"] {
            if let Some(groups) = rules[name].as_array_mut() {
                groups
                    .retain(|group| name == "deny_if" && group["conditions"].as_array().unwrap().is_empty());
            }
        }
    };
    open["tools"].as_object_mut().unwrap().values_mut().for_each(unconditional);
    unconditional(&mut open["all_tools"]);
    !reference::allows(&open, tool, &json!({}))
}
