//! Headers against bodies, value by value.

use proptest::prelude::*;
use toolgate_json::{Document, Limits};

use super::*;
use crate::message::Message;

/// Name and value.
type Header = (&'static str, &'static str);

const VERSION_MEMBER: &str = "io.modelcontextprotocol/protocolVersion";

/// A modern request with these members of `params`.
fn body(method: &str, params: &str) -> String {
    let comma = if params.is_empty() { "" } else { "," };
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{comma}"_meta":{{"{VERSION_MEMBER}":"2026-07-28"}}}}}}"#
    )
}

/// How headers and body go together: `ok`, or the kind of the fault and its header or member.
fn check(headers: &[(&str, &str)], body: &str, params: &[ParamHeader]) -> String {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    with_request(body, |request| match check_modern(&map, request, params) {
        Ok(()) => "ok".to_owned(),
        Err(fault) => describe(&fault),
    })
}

fn with_request<T>(body: &str, look: impl FnOnce(&Request<'_>) -> T) -> T {
    let document = Document::read(body.as_bytes(), &Limits::default()).unwrap();
    match Message::read(&document).unwrap() {
        Message::Request(request) => look(&request),
        other => panic!("no request: {other:?}"),
    }
}

fn describe(fault: &HeaderFault) -> String {
    match fault {
        HeaderFault::Missing { header, .. } => format!("missing {header}"),
        HeaderFault::Unexpected { header, .. } => format!("unexpected {header}"),
        HeaderFault::Differs { header, .. } => format!("differs {header}"),
        HeaderFault::Repeated { header } => format!("repeated {header}"),
        HeaderFault::Undecodable { header } => format!("undecodable {header}"),
        HeaderFault::BodyMissing { member } => format!("no {member}"),
    }
}

const VERSION: Header = ("MCP-Protocol-Version", "2026-07-28");

/// A call of `get_weather` under other `Mcp-Name` headers.
fn named(name: &str, headers: &[&str]) -> String {
    let mut all = vec![VERSION, ("Mcp-Method", "tools/call")];
    all.extend(headers.iter().map(|value| ("Mcp-Name", *value)));
    check(&all, &body("tools/call", &format!(r#""name":{name}"#)), &[])
}

#[test]
fn version_and_method_must_agree() {
    let list = body("tools/list", "");
    let cases: &[(&[Header], &str)] = &[
        (&[VERSION, ("Mcp-Method", "tools/list")], "ok"),
        (&[("mcp-protocol-version", "2026-07-28"), ("MCP-METHOD", "tools/list")], "ok"),
        (&[("MCP-Protocol-Version", "  2026-07-28\t"), ("Mcp-Method", " tools/list ")], "ok"),
        (&[VERSION, ("Mcp-Method", "tools/list"), ("Mcp-Session-Id", "x"), ("Last-Event-ID", "3")], "ok"),
        (&[VERSION, ("Mcp-Method", "tools/list"), ("Mcp-Param-Foo", "=?base64?!?=")], "ok"),
        (&[("Mcp-Method", "tools/list")], "missing mcp-protocol-version"),
        (&[VERSION], "missing mcp-method"),
        (
            &[("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/list")],
            "differs mcp-protocol-version",
        ),
        (
            &[("MCP-Protocol-Version", "2026-07-28 x"), ("Mcp-Method", "tools/list")],
            "differs mcp-protocol-version",
        ),
        (&[("MCP-Protocol-Version", ""), ("Mcp-Method", "tools/list")], "differs mcp-protocol-version"),
        (
            &[("MCP-Protocol-Version", "=?base64?MjAyNi0wNy0yOA==?="), ("Mcp-Method", "tools/list")],
            "differs mcp-protocol-version",
        ),
        (&[VERSION, VERSION, ("Mcp-Method", "tools/list")], "repeated mcp-protocol-version"),
        (&[VERSION, ("Mcp-Method", "tools/call")], "differs mcp-method"),
        (&[VERSION, ("Mcp-Method", "Tools/List")], "differs mcp-method"),
        (&[VERSION, ("Mcp-Method", "=?base64?dG9vbHMvbGlzdA==?=")], "differs mcp-method"),
        (&[VERSION, ("Mcp-Method", "tools/list, tools/list")], "differs mcp-method"),
        (&[VERSION, ("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/list")], "repeated mcp-method"),
    ];
    for (headers, expected) in cases {
        assert_eq!(check(headers, &list, &[]), *expected, "{headers:?}");
    }
}

#[test]
fn the_name_must_agree() {
    let weather = r#""get_weather""#;
    let cases: &[(&str, &[&str], &str)] = &[
        (weather, &["get_weather"], "ok"),
        (weather, &[" get_weather\t"], "ok"),
        (weather, &["=?base64?Z2V0X3dlYXRoZXI=?="], "ok"),
        (weather, &["\t=?base64?Z2V0X3dlYXRoZXI=?= "], "ok"),
        (r#""get\u005fweather""#, &["get_weather"], "ok"),
        (r#""é""#, &["=?base64?w6k=?="], "ok"),
        (r#"" a""#, &["=?base64?IGE=?="], "ok"),
        (r#""=?base64?x""#, &["=?base64?x"], "ok"),
        (r#""=?BASE64?Z2V0?=""#, &["=?BASE64?Z2V0?="], "ok"),
        (r#""""#, &[""], "ok"),
        (weather, &[], "missing mcp-name"),
        (weather, &["get_Weather"], "differs mcp-name"),
        (weather, &["GET_WEATHER"], "differs mcp-name"),
        (weather, &["get_weather2"], "differs mcp-name"),
        (weather, &[""], "differs mcp-name"),
        (weather, &["get weather"], "differs mcp-name"),
        (weather, &["\"get_weather\""], "differs mcp-name"),
        (weather, &["get_weather,get_weather"], "differs mcp-name"),
        (weather, &["=?BASE64?Z2V0X3dlYXRoZXI=?="], "differs mcp-name"),
        (weather, &["=?Base64?Z2V0X3dlYXRoZXI=?="], "differs mcp-name"),
        (weather, &["=?base64?Z2V0X3dlYXRoZXI="], "differs mcp-name"),
        (weather, &["Z2V0X3dlYXRoZXI="], "differs mcp-name"),
        (weather, &["=?base64?b3RoZXI=?="], "differs mcp-name"),
        (weather, &["=?base64??="], "differs mcp-name"),
        (weather, &["=?base64?Z2V0X3dlYXRoZXI?="], "undecodable mcp-name"),
        (weather, &["=?base64?Z2V0X3dlYXRoZXI=x?="], "undecodable mcp-name"),
        (weather, &["=?base64?Z2V0 X3dlYXRoZXI=?="], "undecodable mcp-name"),
        (weather, &["=?base64?%%%?="], "undecodable mcp-name"),
        (weather, &["=?base64?/w==?="], "undecodable mcp-name"),
        (r#""é""#, &["é"], "undecodable mcp-name"),
        (r#""=?base64?Z2V0?=""#, &["=?base64?Z2V0?="], "differs mcp-name"),
        (weather, &["get_weather", "get_weather"], "repeated mcp-name"),
        (weather, &["get_weather", "other"], "repeated mcp-name"),
    ];
    for (name, headers, expected) in cases {
        assert_eq!(named(name, headers), *expected, "{name} {headers:?}");
    }
}

#[test]
fn each_method_mirrors_its_own_member() {
    let all = r#""name":"n","uri":"u://x","taskId":"t""#;
    let cases = [
        ("tools/call", "n"),
        ("prompts/get", "n"),
        ("resources/read", "u://x"),
        ("tasks/get", "t"),
        ("tasks/update", "t"),
        ("tasks/cancel", "t"),
    ];
    for (method, value) in cases {
        for candidate in ["n", "u://x", "t"] {
            let found =
                check(&[VERSION, ("Mcp-Method", method), ("Mcp-Name", candidate)], &body(method, all), &[]);
            let expected = if candidate == value { "ok" } else { "differs mcp-name" };
            assert_eq!(found, expected, "{method} {candidate}");
        }
        let headers = [VERSION, ("Mcp-Method", method), ("Mcp-Name", "n")];
        let found = check(&headers, &body(method, ""), &[]);
        assert!(found.starts_with("no params."), "{method} {found}");
    }
    for method in ["tools/list", "server/discover", "subscriptions/listen", "completion/complete", "unknown"]
    {
        assert_eq!(check(&[VERSION, ("Mcp-Method", method)], &body(method, all), &[]), "ok", "{method}");
    }
}

#[test]
fn a_body_without_a_version_is_invalid_params() {
    let headers = [VERSION, ("Mcp-Method", "tools/list")];
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{}}}"#;
    assert_eq!(check(&headers, text, &[]), format!("no {VERSION_MEMBER}"));
    let fault = HeaderFault::BodyMissing { member: String::new() };
    assert_eq!(fault.code(), Code::InvalidParams);
    assert_eq!(HeaderFault::Repeated { header: String::new() }.code(), Code::HeaderMismatch);
}

fn rules(schema: &str) -> Vec<ParamHeader> {
    let document = Document::read(schema.as_bytes(), &Limits::default()).unwrap();
    x_mcp_header_rules(document.root()).unwrap()
}

const SCHEMA: &str = r#"{"properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "page":{"properties":{"size":{"type":"integer","x-mcp-header":"Size"}}},
    "dry":{"type":"boolean","x-mcp-header":"Dry"}}}"#;

/// The arguments of a call, the headers that repeat them, and how they go together.
const ARGUMENTS: &[(&str, &[Header], &str)] = &[
    ("{}", &[], "ok"),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "eu")], "ok"),
    (r#"{"region":"eu"}"#, &[("MCP-PARAM-REGION", " eu ")], "ok"),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "=?base64?ZXU=?=")], "ok"),
    (r#"{"region":"e\u0075"}"#, &[("Mcp-Param-Region", "eu")], "ok"),
    (r#"{"region":null}"#, &[], "ok"),
    (
        r#"{"region":"eu"}"#,
        &[("Mcp-Param-Region", "eu"), ("Mcp-Param-Other", "x"), ("Mcp-Param-Other", "y")],
        "ok",
    ),
    (r#"{"region":"eu"}"#, &[], "missing mcp-param-region"),
    (r#"{"region":""}"#, &[], "missing mcp-param-region"),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "us")], "differs mcp-param-region"),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "EU")], "differs mcp-param-region"),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "\"eu\"")], "differs mcp-param-region"),
    (
        r#"{"region":"eu"}"#,
        &[("Mcp-Param-Region", "eu"), ("Mcp-Param-Region", "eu")],
        "repeated mcp-param-region",
    ),
    (r#"{"region":"eu"}"#, &[("Mcp-Param-Region", "=?base64?ZXU?=")], "undecodable mcp-param-region"),
    (r#"{"region":null}"#, &[("Mcp-Param-Region", "null")], "unexpected mcp-param-region"),
    ("{}", &[("Mcp-Param-Region", "eu")], "unexpected mcp-param-region"),
    ("{}", &[("Mcp-Param-Region", "")], "unexpected mcp-param-region"),
    (r#"{"Region":"eu"}"#, &[("Mcp-Param-Region", "eu")], "unexpected mcp-param-region"),
    (r#"{"region":["eu"]}"#, &[("Mcp-Param-Region", "[\"eu\"]")], "differs mcp-param-region"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "42")], "ok"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "42.0")], "ok"),
    (r#"{"page":{"size":42.0}}"#, &[("Mcp-Param-Size", "42")], "ok"),
    (r#"{"page":{"size":100}}"#, &[("Mcp-Param-Size", "1e2")], "ok"),
    (r#"{"page":{"size":-7}}"#, &[("Mcp-Param-Size", "-7")], "ok"),
    (r#"{"page":{"size":9007199254740993}}"#, &[("Mcp-Param-Size", "9007199254740993")], "ok"),
    (
        r#"{"page":{"size":9007199254740993}}"#,
        &[("Mcp-Param-Size", "9007199254740992")],
        "differs mcp-param-size",
    ),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "042")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "+42")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "0x2A")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "42.0.0")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "42.5")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[("Mcp-Param-Size", "")], "differs mcp-param-size"),
    (r#"{"page":{"size":"42"}}"#, &[("Mcp-Param-Size", "42")], "ok"),
    (r#"{"page":{"size":"42"}}"#, &[("Mcp-Param-Size", "42.0")], "differs mcp-param-size"),
    (r#"{"page":{"size":42}}"#, &[], "missing mcp-param-size"),
    (r#"{"size":42}"#, &[("Mcp-Param-Size", "42")], "unexpected mcp-param-size"),
    (r#"{"dry":true}"#, &[("Mcp-Param-Dry", "true")], "ok"),
    (r#"{"dry":false}"#, &[("Mcp-Param-Dry", "false")], "ok"),
    (r#"{"dry":true}"#, &[("Mcp-Param-Dry", "True")], "differs mcp-param-dry"),
    (r#"{"dry":true}"#, &[("Mcp-Param-Dry", "1")], "differs mcp-param-dry"),
    (r#"{"dry":false}"#, &[], "missing mcp-param-dry"),
];

#[test]
fn arguments_must_agree_with_their_headers() {
    let rules = rules(SCHEMA);
    for (arguments, headers, expected) in ARGUMENTS {
        let mut all = vec![VERSION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "t")];
        all.extend_from_slice(headers);
        let text = body("tools/call", &format!(r#""name":"t","arguments":{arguments}"#));
        assert_eq!(check(&all, &text, &rules), *expected, "{arguments} {headers:?}");
    }
    let without = body("tools/call", r#""name":"t""#);
    let headers = [VERSION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "t"), ("Mcp-Param-Dry", "true")];
    assert_eq!(check(&headers, &without, &rules), "unexpected mcp-param-dry");
}

#[test]
fn a_notification_needs_the_version_and_no_contradiction() {
    let check = |headers: &[(&'static str, &str)], meta: &str| {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"_meta":{{{meta}}}}}}}"#
        );
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let Message::Notification(notification) = Message::read(&document).unwrap() else { panic!("{text}") };
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        check_modern_notification(&map, &notification).map_err(|fault| describe(&fault))
    };
    let version = ("mcp-protocol-version", "2026-07-28");
    let meta = format!(r#""{VERSION_MEMBER}":"2026-07-28""#);
    assert_eq!(check(&[version], ""), Ok(()));
    assert_eq!(check(&[version, ("mcp-method", "notifications/cancelled")], &meta), Ok(()));
    assert_eq!(check(&[], ""), Err("missing mcp-protocol-version".to_owned()));
    assert_eq!(check(&[version, ("mcp-method", "x")], ""), Err("differs mcp-method".to_owned()));
    let other = meta.replace("2026", "2027");
    assert_eq!(check(&[version], &other), Err("differs mcp-protocol-version".to_owned()));
}

#[test]
fn faults_do_not_repeat_values() {
    let rules = rules(SCHEMA);
    let text = body("tools/call", r#""name":"t","arguments":{"region":"s3cret"}"#);
    let mut map = HeaderMap::new();
    map.insert(PROTOCOL_VERSION, HeaderValue::from_static("2026-07-28"));
    map.insert(METHOD, HeaderValue::from_static("tools/call"));
    map.insert(NAME, HeaderValue::from_static("t"));
    map.insert("mcp-param-region", HeaderValue::from_static("0ther"));
    let fault = with_request(&text, |request| check_modern(&map, request, &rules).unwrap_err());
    assert_eq!(
        fault.to_string(),
        "header mismatch: `mcp-param-region` differs from `params.arguments.region` in the body"
    );
}

#[test]
fn stale_headers_are_replaced_or_removed() {
    let rules = rules(SCHEMA);
    let mut map = HeaderMap::new();
    map.append(NAME, HeaderValue::from_static("old"));
    map.append("mcp-param-region", HeaderValue::from_static("old"));
    map.append("mcp-param-size", HeaderValue::from_static("old"));
    let text = body("tools/list", r#""arguments":{"region":"x\r\ny","page":{"size":null}}"#);
    with_request(&text, |request| {
        write_modern(&mut map, Revision::V2026_07_28, Method::ToolsList, request.params.as_ref(), &rules);
    });
    let found: Vec<(&str, &str)> = map.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    assert_eq!(map.len(), 3, "{found:?}");
    assert_eq!(map["mcp-param-region"], "=?base64?eA0KeQ==?=");
}

#[test]
fn session_ids_are_visible_ascii() {
    for id in [&b"a"[..], b"!~", b"550e8400-e29b-41d4-a716-446655440000"] {
        assert!(is_session_id(id));
    }
    for id in [&b""[..], b" ", b"a b", b"a\n", b"a\x7F", b"\xC3\xA9", b"\0"] {
        assert!(!is_session_id(id), "{id:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_agrees(name in any::<String>(), region in any::<String>(), size in any::<i64>(), dry in any::<bool>()) {
        let arguments = serde_json::json!({"region": region, "page": {"size": size}, "dry": dry});
        let name = serde_json::Value::from(name).to_string();
        let text = body("tools/call", &format!(r#""name":{name},"arguments":{arguments}"#));
        let rules = rules(SCHEMA);
        let mut map = HeaderMap::new();
        let checked = with_request(&text, |request| {
            write_modern(&mut map, Revision::V2026_07_28, Method::ToolsCall, request.params.as_ref(), &rules);
            check_modern(&map, request, &rules)
        });
        prop_assert_eq!(checked, Ok(()));
        prop_assert!(map.values().all(|v| v.as_bytes().iter().all(|b| (0x20..=0x7E).contains(b))));
    }

    #[test]
    fn another_name_never_agrees(name in "[ -~]{0,12}", other in "[ -~]{0,12}") {
        let text = body("tools/call", &format!(r#""name":{}"#, serde_json::Value::from(name.as_str())));
        let encoded = encode_value(&other);
        let headers = [VERSION, ("Mcp-Method", "tools/call"), ("Mcp-Name", encoded.to_str().unwrap())];
        prop_assert_eq!(check(&headers, &text, &[]) == "ok", name == other);
    }
}
