//! A record reads back as it was stated, whatever its texts hold.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::chain::{Chain, Link};
use crate::view::{LatencyView, RecordView};

fn line_of(record: &Record<'_>) -> Vec<u8> {
    let (mut members, mut line) = (Vec::new(), Vec::new());
    record.push_members("node-1", &mut members);
    Chain::START.clone().seal(&mut line, &members);
    assert_eq!(line.pop(), Some(b'\n'));
    line
}

#[test]
fn a_full_record_has_every_member_in_order() {
    let arguments = RawValue::from_string(r#"{ "width": 1.50 }"#.to_owned()).unwrap();
    let record = Record {
        ts: 1_795_341_600_123_456,
        kind: Kind::Decision,
        request_id: Some("r1"),
        session: Some("s1"),
        client: Some("c1"),
        grant: Some("g1"),
        server: Some("v1"),
        method: Some("tools/call"),
        tool: Some("t1"),
        resource: Some("file:///x"),
        prompt: Some("p1"),
        outcome: Some(Outcome::ShadowDeny),
        rule: Some("tools.t1"),
        message: Some("no"),
        retry_after_ms: Some(1500),
        shadow: &["a", "b"],
        policy: Some("images"),
        policy_version: Some("0123456789abcdef"),
        definition_hash: Some("d1"),
        argument_names: Some(&["width"]),
        arguments_hmac: Some("h1"),
        arguments: Some(&arguments),
        limits: &[Limit { counter: "calls", amount: "0.10", scope: "grant" }],
        released: Some(false),
        count: Some(3),
        by: Some("root"),
        detail: Some("text"),
        latency: Some(Latency { gateway: 80, upstream: Some(9000) }),
    };
    let line = String::from_utf8(line_of(&record)).unwrap();
    let expected = concat!(
        r#"{"seq":1,"ts":"2026-11-22T10:00:00.123456Z","node":"node-1","kind":"decision","request_id":"r1","#,
        r#""session":"s1","client":"c1","grant":"g1","server":"v1","method":"tools/call","tool":"t1","#,
        r#""resource":"file:///x","prompt":"p1","outcome":"shadow_deny","rule":"tools.t1","message":"no","#,
        r#""retry_after_ms":1500,"shadow":["a","b"],"policy":"images","policy_version":"0123456789abcdef","#,
        r#""definition_hash":"d1","argument_names":["width"],"arguments_hmac":"h1","arguments":{"width":1.50},"#,
        r#""limits":[{"counter":"calls","amount":"0.10","scope":"grant"}],"released":false,"count":3,"#,
        r#""by":"root","detail":"text","latency_us":{"gateway":80,"upstream":9000},"prev":""#,
    );
    assert!(line.starts_with(expected), "{line}");
}

#[test]
fn an_empty_record_has_no_null_and_no_empty_member() {
    let line = String::from_utf8(line_of(&Record::default())).unwrap();
    let start = r#"{"seq":1,"ts":"1970-01-01T00:00:00.000000Z","node":"node-1","kind":"decision","prev":"#;
    assert!(line.starts_with(start), "{line}");
    let no_arguments = Record { argument_names: Some(&[]), ..Record::default() };
    assert!(String::from_utf8(line_of(&no_arguments)).unwrap().contains(r#","argument_names":[],"prev""#));
}

#[test]
fn a_huge_field_passes() {
    let text = "x\"\n".repeat(3 << 20);
    let line = line_of(&Record { detail: Some(&text), ..Record::default() });
    assert!(RecordView::parse(&line).unwrap().detail.unwrap() == *text);
}

proptest! {
    #[test]
    fn texts_read_back_and_forge_nothing(
        texts in proptest::collection::vec(any::<String>(), 6),
        hostile in "[\\r\\n\\x1b\\[|=\",:{}\\\\\u{2028}]{0,20}",
        (latency, upstream, count) in any::<(u64, Option<u64>, Option<u64>)>(),
    ) {
        let [tool, rule, client, name, counter, detail] = [0, 1, 2, 3, 4, 5].map(|at| format!("{}{hostile}", texts[at]));
        let record = Record {
            tool: Some(&tool),
            rule: Some(&rule),
            client: Some(&client),
            argument_names: Some(&[&name]),
            limits: &[Limit { counter: &counter, amount: "1", scope: "grant" }],
            detail: Some(&detail),
            count,
            latency: Some(Latency { gateway: latency, upstream }),
            ..Record::default()
        };
        let line = line_of(&record);
        prop_assert!(!line.iter().any(|byte| *byte < 0x20 || *byte == 0x7f));
        prop_assert!(Link::parse(&line).unwrap().is_intact());
        let view = RecordView::parse(&line).unwrap();
        prop_assert_eq!(view.tool.as_deref(), Some(&*tool));
        prop_assert_eq!(view.rule.as_deref(), Some(&*rule));
        prop_assert_eq!(view.client.as_deref(), Some(&*client));
        prop_assert_eq!(&*view.argument_names.unwrap()[0], &*name);
        prop_assert_eq!(&*view.limits[0].counter, &*counter);
        prop_assert_eq!(view.detail.as_deref(), Some(&*detail));
        prop_assert_eq!(view.count, count);
        prop_assert_eq!(view.latency_us, Some(LatencyView { gateway: latency, upstream }));
        prop_assert!(view.outcome.is_none() && view.server.is_none());
    }
}
