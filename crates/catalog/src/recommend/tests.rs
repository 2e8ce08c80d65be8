//! Recommended policies, as text and as the gateway reads them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn rated(name: &str, category: Category) -> Rated {
    Rated { name: name.to_owned(), category, suspicious: false }
}

fn value(recommendation: &Recommendation) -> Value {
    serde_json::from_str(&recommendation.policy.to_json()).unwrap()
}

#[test]
fn the_seed_tool_gets_the_policy_of_the_demo() {
    let demo: Value = serde_json::from_str(include_str!("../../../toolgate/src/demo/policy.json")).unwrap();
    let found =
        recommend(&[rated("image.generate.replicate", Category::Execute)], Preset::Recommended).unwrap();
    assert_eq!(value(&found), demo);
    assert_eq!(found.policy.to_json().trim(), include_str!("../../../toolgate/src/demo/policy.json").trim());
}

#[test]
fn each_category_has_its_treatment() {
    let tools = Category::ALL.map(|category| rated(category.name(), category));
    let found = value(&recommend(&tools, Preset::Recommended).unwrap());
    assert_eq!(
        found,
        json!({"version": "1", "default": "deny", "hide": ["destructive"], "tools": {
            "read": {},
            "write": {"limits": [{"counter": "write_rate", "window": "minute", "max": 30, "scope": "grant"}]},
            "execute": {"limits": [{"counter": "execute_rate", "window": "minute", "max": 10, "scope": "grant"}]},
            "financial": {"deny_if": [{"conditions": [], "on_deny": "Requires human approval."}]}}})
    );
    let strict = value(&recommend(&tools, Preset::Strict).unwrap());
    assert_eq!(strict["tools"], json!({"read": {}}));
    assert_eq!(strict["hide"], json!(["destructive", "financial"]));
    let permissive = value(&recommend(&tools, Preset::Permissive).unwrap());
    assert_eq!(permissive["tools"].as_object().unwrap().len(), 5);
}

#[test]
fn no_name_opens_other_tools() {
    let tools = [rated("get_*", Category::Read), rated("", Category::Read), rated("get", Category::Read)];
    let found = recommend(&tools, Preset::Permissive).unwrap();
    assert_eq!(value(&found)["tools"], json!({"get": {}}));
    assert_eq!(found.notes.len(), 2);
}

#[test]
fn suspicious_tools_are_hidden_and_the_worst_of_one_name_counts() {
    let poisoned = Rated { suspicious: true, ..rated("add", Category::Read) };
    let tools = [
        rated("add", Category::Read),
        poisoned,
        rated("x", Category::Read),
        rated("x", Category::Destructive),
    ];
    for preset in Preset::ALL {
        let found = recommend(&tools, preset).unwrap();
        assert!(found.policy.hide.contains(&"add".to_owned()), "{}", preset.name());
        assert_ne!(found.policy.tools.get("x"), Some(&Entry::default()), "{}", preset.name());
    }
}

#[test]
fn a_stack_gets_a_policy_for_each_server() {
    let servers = [
        ("a".to_owned(), vec![rated("get", Category::Read)]),
        ("b".to_owned(), vec![rated("get", Category::Financial)]),
    ];
    let found = recommend_stack(&servers, Preset::Recommended).unwrap();
    assert_eq!(found.iter().map(|(server, _)| *server).collect::<Vec<_>>(), ["a", "b"]);
    assert_ne!(found[0].1, found[1].1);
}

#[test]
fn what_was_used_gets_room_above_its_peak() {
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    let used = |tool: &str, peak: u64, days: i64| Usage {
        tool: tool.to_owned(),
        calls: peak * 2,
        peak_per_minute: peak,
        last_used: 100 * DAY - days * DAY,
    };
    let usage = [
        used("busy", 40, 1),
        used("calm", 1, 29),
        used("old", 9, 31),
        used("busy", 50, 40),
        used("none", 0, 0),
    ];
    let found = from_traffic(&usage, 100 * DAY).unwrap();
    let max = |tool: &str| found.policy.tools.get(tool).map(|entry| entry.limits[0].max);
    assert_eq!((max("busy"), max("calm"), max("old"), max("none")), (Some(75), Some(6), None, None));
    assert_eq!(found.notes.len(), 2);
}

proptest! {
    #[test]
    fn every_recommendation_can_be_loaded(
        tools in proptest::collection::vec(("\\PC{0,12}", 0usize..5, any::<bool>()), 0..8),
        preset in 0usize..3,
    ) {
        let tools: Vec<Rated> = tools
            .into_iter()
            .map(|(name, category, suspicious)| Rated { name, category: Category::ALL[category], suspicious })
            .collect();
        let found = recommend(&tools, Preset::ALL[preset]);
        prop_assert!(found.is_ok(), "{found:?}");
    }

    #[test]
    fn traffic_never_narrows_below_its_peak(peak in 1u64..1_000_000, calls in 1u64..u64::MAX) {
        let usage = [Usage { tool: "t".to_owned(), calls, peak_per_minute: peak, last_used: 5 }];
        let found = from_traffic(&usage, 5).unwrap();
        prop_assert!(found.policy.tools.get("t").unwrap().limits[0].max > peak);
    }
}
