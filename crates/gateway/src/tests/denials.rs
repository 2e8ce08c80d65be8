//! What a denied or malformed request gets, and that nothing of it reaches the upstream.

use serde_json::json;

use super::app::{ALICE, TestApp, common};

const OPEN: &str = r#"{"version":"1","default":"allow","hide":["image.generate.gemini"],
    "tools":{"image.generate.openai":{"deny_if":[{"conditions":[{"path":"args.width","op":"gt","value":100}],"on_deny":"too wide"}]}}}"#;
const CLOSED: &str = r#"{"version":"1","default":"deny","hide":["image.generate.gemini"],"tools":{"image.generate.replicate":{}}}"#;

#[tokio::test]
async fn names_cannot_be_probed_under_default_deny() {
    let app = TestApp::start(CLOSED).await;
    let mut answers = Vec::new();
    for tool in ["image.generate.gemini", "image.generate.openai", "no.such.tool"] {
        let mut answer = app.call(tool, json!({"prompt": "x"})).await.json();
        answer["result"]["_meta"]["toolgate/decision"]["requestId"] = json!("");
        answers.push(answer.to_string().replace(tool, "TOOL"));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    assert_eq!(app.seen(), 0);
    let rules: Vec<String> = app.decisions().into_iter().map(|(_, rule)| rule).collect();
    assert_eq!(rules, ["(hidden)", "(default deny)", "(default deny)"], "the journal tells them apart");
}

#[tokio::test]
async fn names_cannot_be_probed_under_default_allow() {
    let app = TestApp::start(OPEN).await;
    let hidden = app.call("image.generate.gemini", json!({"prompt": "x"})).await;
    let unknown = app.call("no.such.tool", json!({"prompt": "x"})).await;
    assert_eq!(hidden.json()["error"]["code"], -32602);
    assert_eq!(hidden.body, unknown.body);
    assert_eq!(app.seen(), 0);
}

#[tokio::test]
async fn arguments_are_checked_before_a_call_leaves() {
    let app = TestApp::start(OPEN).await;
    let cases = [
        (json!({"prompt": "x", "width": 101}), "/tools/image.generate.openai/deny_if/0"),
        (json!({"prompt": "x", "width": "9"}), "(arguments)"),
        (json!({"width": 9}), "(arguments)"),
    ];
    for (arguments, rule) in cases {
        let answer = app.call("image.generate.openai", arguments).await.json();
        assert_eq!(answer["result"]["_meta"]["toolgate/decision"]["rule"], rule, "{answer}");
    }
    assert_eq!(app.seen(), 0);
    assert!(!app.call("image.generate.openai", json!({"prompt": "x", "width": 100})).await.result().1);
    assert_eq!(app.seen(), 1);
}

#[tokio::test]
async fn malformed_messages_reach_nobody() {
    let app = TestApp::start(OPEN).await;
    let session = app.open_session(ALICE).await;
    let before = app.upstream.bodies.lock().unwrap().len();
    let call = |inner: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call",{inner}}}"#);
    let bodies = [
        ("{", -32700),
        ("", -32700),
        ("\u{feff}{}", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"Method":"ping","method":"ping"}"#, -32600),
        (&call(r#""params":{"name":"image.generate.openai","name":"x","arguments":{"prompt":"x"}}"#), -32600),
        (&call(r#""params":{"name":"image.generate.openai","n\u0061me":"x","arguments":{}}"#), -32600),
        (
            &call(r#""params":{"name":"image.generate.openai","arguments":{"prompt":"x","prompt":"y"}}"#),
            -32600,
        ),
        (&call(r#""params":{"name":"image.generate.openai","arguments":[]}"#), -32602),
        (&call(r#""params":{"name":"image.generate.openai","arguments":null}"#), -32602),
        (&call(r#""params":{"name":"image.generate.openai","arguments":"{}"}"#), -32602),
        (&call(r#""params":{"name":["image.generate.openai"]}"#), -32602),
        (&call(r#""params":[]"#), -32602),
        (&call(r#""params":{"name":"image.generate.openai","ARGUMENTS":{"prompt":"x"}}"#), -32600),
        (&call(r#""params":{"name":"image.generate.openai","arguments":{"prompt":"\ud800"}}"#), -32700),
        (
            &call(r#""params":{"name":"image.generate.openai","arguments":{"prompt":"x","width":1e400}}"#),
            -32600,
        ),
    ];
    let token = format!("Bearer {ALICE}");
    let mut headers = common(&token).to_vec();
    headers.push(("Mcp-Session-Id", &session));
    for (body, code) in bodies {
        let answer = app.send("POST", &headers, body).await;
        assert!((400..500).contains(&answer.status) || answer.status == 200, "{body}: {answer:?}");
        assert_eq!(answer.json()["error"]["code"], code, "{body}: {}", answer.body);
    }
    assert_eq!(app.upstream.bodies.lock().unwrap().len(), before, "nothing upstream");
}

#[tokio::test]
async fn header_and_body_must_agree() {
    let app = TestApp::start(OPEN).await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"image.generate.openai","arguments":{{"prompt":"x"}},{meta}}}}}"#
    );
    let good = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "image.generate.openai"),
    ];
    let token = format!("Bearer {ALICE}");
    let with = |headers: Vec<(&'static str, &'static str)>| {
        let mut all = common(&token).to_vec();
        all.extend(headers);
        all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let bad: Vec<Vec<(&str, &str)>> = vec![
        good[..2].to_vec(),
        vec![good[0], good[2]],
        vec![good[1], good[2]],
        vec![good[0], good[1], ("Mcp-Name", "image.generate.replicate")],
        vec![good[0], good[1], ("Mcp-Name", "IMAGE.generate.openai")],
        vec![good[0], ("Mcp-Method", "tools/list"), good[2]],
        vec![good[0], good[1], good[2], ("Mcp-Name", "image.generate.openai")],
        vec![good[0], good[1], ("Mcp-Name", "=?base64?!!!?=")],
    ];
    for headers in bad {
        let headers = with(headers);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = app.send("POST", &headers, &body).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_i64()),
            (400, Some(-32020)),
            "{headers:?}"
        );
        assert_eq!(answer.json()["id"], 7);
    }
    assert_eq!(app.seen(), 0);
    let encoded = vec![good[0], good[1], ("Mcp-Name", "=?base64?aW1hZ2UuZ2VuZXJhdGUub3BlbmFp?=")];
    let headers = with(encoded);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(app.send("POST", &headers, &body).await.status, 200);
    assert_eq!(app.seen(), 1);
}

#[tokio::test]
async fn strangers_are_told_nothing() {
    let app = TestApp::start(OPEN).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for token in ["", "Bearer", "Bearer wrong-token-of-22-characters", "Basic YWxpY2U6eA=="] {
        let answer = app.send("POST", &common(token), body).await;
        assert_eq!(answer.status, 401, "{token}");
        assert!(answer.header("www-authenticate").is_some());
    }
    let token = format!("Bearer {ALICE}");
    let unknown = app.send_to("/mcp/other", "POST", &common(&token), body).await;
    assert_eq!(unknown.status, 404);
    let in_url = app.send_to("/mcp/images?access_token=x", "POST", &common(&token), body).await;
    assert_eq!(in_url.status, 400);
    let all = app.send_to("/mcp", "POST", &common(&token), body).await;
    assert_eq!(all.status, 404);
    assert!(all.body.contains("/mcp/images"), "{}", all.body);
}

#[tokio::test]
async fn servers_ask_nothing_that_the_policy_keeps_from_them() {
    let asks = |method: &str| {
        json!({"resultType": "input_required", "requestState": "s",
            "inputRequests": {"a": {"method": method, "params": {}}}})
    };
    let app =
        TestApp::start(r#"{"version":"1","default":"allow","server_requests":{"sampling":"deny"}}"#).await;
    for (method, passes) in [("sampling/createMessage", false), ("elicitation/create", true), ("x/y", false)]
    {
        *app.upstream.result.lock().unwrap() = Some(asks(method));
        let answer = app.call("image.generate.replicate", json!({"prompt": "x"})).await.json();
        let code = if passes { json!(null) } else { json!(4030) };
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    }
}
