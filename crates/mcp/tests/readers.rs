//! What is accepted here means the same to two other readers of JSON: one that keeps the last of repeated
//! names, and one that keeps them all.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

use std::collections::BTreeMap;

use jiter::JsonValue;
use proptest::prelude::*;
use serde_json::value::RawValue;
use toolgate_json::{Document, Kind, Limits, Value};
use toolgate_mcp::message::{Message, Request};
use toolgate_mcp::params::ToolCall;

/// Reads a text as a tool call and, if it is one, holds it against the other readers. Tells whether it was
/// accepted.
fn compare(bytes: &[u8]) -> bool {
    let Ok(document) = Document::read(bytes, &Limits::default()) else { return false };
    let Ok(Message::Request(request)) = Message::read(&document) else { return false };
    let Ok(call) = request.view::<ToolCall<'_>>() else { return false };
    compare_last_wins(bytes, &request, &call);
    compare_all_kept(bytes, &request, &call);
    true
}

type Object<'r> = BTreeMap<String, &'r RawValue>;

fn compare_last_wins(bytes: &[u8], request: &Request<'_>, call: &ToolCall<'_>) {
    let envelope: Object<'_> = serde_json::from_slice(bytes).unwrap();
    assert_eq!(text(envelope["jsonrpc"]), "2.0");
    assert_eq!(text(envelope["method"]), request.method.as_str());
    assert_eq!(envelope["id"].get(), request.id.raw());
    let params: Object<'_> = serde_json::from_str(envelope["params"].get()).unwrap();
    assert_eq!(text(params["name"]), call.name.as_str());
    match (params.get("arguments"), call.arguments) {
        (None, None) => {}
        (Some(raw), Some(value)) => same(value, raw),
        (theirs, ours) => panic!("arguments {ours:?} against {theirs:?}"),
    }
}

fn text(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap()
}

/// Equal in structure and strings, numbers by their spelling.
fn same(value: Value<'_>, raw: &RawValue) {
    match value.kind() {
        Kind::Null | Kind::Bool | Kind::Number => assert_eq!(value.raw(), raw.get()),
        Kind::String => assert_eq!(value.as_str().unwrap(), text(raw)),
        Kind::Array => {
            let theirs: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap();
            assert_eq!(value.elements().count(), theirs.len());
            value.elements().zip(theirs).for_each(|(value, raw)| same(value, raw));
        }
        Kind::Object => {
            let theirs: Object<'_> = serde_json::from_str(raw.get()).unwrap();
            assert_eq!(value.members().count(), theirs.len());
            for member in value.members() {
                same(member.value, theirs[&*member.name.as_str().unwrap()]);
            }
        }
    }
}

fn compare_all_kept(bytes: &[u8], request: &Request<'_>, call: &ToolCall<'_>) {
    let envelope = JsonValue::parse(bytes, false).unwrap();
    assert_eq!(only(&envelope, "method"), Some(&JsonValue::Str(request.method.as_str().into())));
    let id = JsonValue::parse(request.id.raw().as_bytes(), false).unwrap();
    assert_eq!(only(&envelope, "id"), Some(&id));
    let params = only(&envelope, "params").unwrap();
    assert_eq!(only(params, "name"), Some(&JsonValue::Str(call.name.as_str().into())));
    match (only(params, "arguments"), call.arguments) {
        (None, None) => {}
        (Some(theirs), Some(value)) => same_value(value, theirs),
        (theirs, ours) => panic!("arguments {ours:?} against {theirs:?}"),
    }
}

/// The only member of that name.
fn only<'v, 's>(object: &'v JsonValue<'s>, name: &str) -> Option<&'v JsonValue<'s>> {
    let JsonValue::Object(members) = object else { panic!("no object: {object:?}") };
    let mut found = members.iter().filter(|(found, _)| found == name);
    let first = found.next();
    assert!(found.next().is_none(), "`{name}` stands twice");
    first.map(|(_, value)| value)
}

fn same_value(value: Value<'_>, theirs: &JsonValue<'_>) {
    match theirs {
        JsonValue::Null => assert!(value.is_null()),
        JsonValue::Bool(theirs) => assert_eq!(value.as_bool(), Some(*theirs)),
        JsonValue::Int(theirs) => assert_eq!(value.as_i64(), Some(*theirs)),
        JsonValue::BigInt(theirs) => assert_eq!(value.as_number(), Some(&*theirs.to_string())),
        JsonValue::Float(theirs) => {
            let ours: f64 = value.as_number().unwrap().parse().unwrap();
            assert_eq!(ours.to_bits(), theirs.to_bits(), "{}", value.raw());
        }
        JsonValue::Str(theirs) => assert_eq!(value.as_str().as_ref(), Some(theirs)),
        JsonValue::Array(theirs) => {
            assert_eq!(value.elements().count(), theirs.len());
            value.elements().zip(theirs.iter()).for_each(|(value, theirs)| same_value(value, theirs));
        }
        JsonValue::Object(theirs) => {
            assert_eq!(value.members().count(), theirs.len());
            for (member, (name, theirs)) in value.members().zip(theirs.iter()) {
                assert_eq!(member.name.as_str().as_ref(), Some(name));
                same_value(member.value, theirs);
            }
        }
    }
}

/// A JSON text of any shape, in spellings that readers have disagreed on.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e3",
        "1E-7",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1e-2",
        "1.7976931348623157e308",
        r#""""#,
        r#""\u0000""#,
        r#""\ud83d\ude00""#,
        r#""😀\/\\\"""#,
        r#""name""#,
        "[]",
        "{}",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let member = (name(), inner.clone()).prop_map(|(name, value)| format!("{name} :{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[ {}\n]", items.join(" ,"))),
            prop::collection::vec(member, 0..4).prop_map(|items| format!("{{{}}}", items.join(","))),
        ]
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#""name""#,
        r#""n\u0061me""#,
        r#""Name""#,
        r#""name\u0000""#,
        r#""arguments""#,
        r#""a\u0072guments""#,
        r#""_meta""#,
        r#""id""#,
        r#""method""#,
        r#""params""#,
        r#""x""#,
        r#""y""#,
        r#""é""#,
        r#""""#,
        r#""__proto__""#,
    ])
}

/// A message made of members that mostly belong there.
fn message() -> impl Strategy<Value = String> {
    let extra = prop::option::weighted(0.2, (name(), json()));
    let base = ["\"jsonrpc\":\"2.0\"", "\"method\":\"tools\\/call\""].map(str::to_owned);
    let id = prop::sample::select(vec!["1", "-5", "\"a\\u0062\"", "12345678901234567890", "0", "7", "1.0"]);
    let object = prop::collection::vec((name(), json()), 0..4).prop_map(|members| {
        let members: BTreeMap<_, _> = members.into_iter().collect();
        let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    let arguments = prop_oneof![5 => object, 1 => json()];
    let params = (prop::option::weighted(0.9, arguments), name(), json(), prop::bool::weighted(0.2));
    (id, params, extra, any::<prop::sample::Index>()).prop_map(
        move |(id, (arguments, odd, value, with_odd), extra, turn)| {
            let mut params = vec![r#""name":"t\u00e9st""#.to_owned()];
            params.extend(arguments.map(|arguments| format!("\"arguments\":{arguments}")));
            params.extend(with_odd.then(|| format!("{odd}:{value}")));
            let mut members = base.to_vec();
            members.push(format!("\"id\" : {id}"));
            members.push(format!("\"params\":{{{}}}", params.join(", ")));
            members.extend(extra.into_iter().map(|(name, value)| format!("{name}:{value}")));
            let turn = turn.index(members.len());
            members.rotate_left(turn);
            format!("{{{}}}", members.join(","))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn accepted_messages_mean_the_same(message in message()) {
        compare(message.as_bytes());
    }

    #[test]
    fn damaged_messages_mean_the_same_or_nothing(
        message in message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..3),
    ) {
        let mut bytes = message.into_bytes();
        for (place, byte, how) in damage {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => { bytes.remove(place); }
            }
        }
        compare(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        compare(&bytes);
    }
}

#[test]
fn the_comparison_reaches_accepted_calls() {
    let accepted = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#,
        r#"{"jsonrpc":"2.0","id":"\u0031","method":"tools\/call","params":{"n\u0061me":"\ud83d\ude00","arguments":
            {"a":[1.0,1e3,-0,9007199254740993,{"":null}],"b":{"name":"x","Name":"y"}}}}"#,
    ];
    for text in accepted {
        assert!(compare(text.as_bytes()), "{text}");
    }
    assert!(!compare(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#));
}
