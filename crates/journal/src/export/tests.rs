//! Exports against golden texts.

use super::*;

const DECISION: &str = concat!(
    r#"{"seq":7,"ts":"2026-11-22T10:00:00.123456Z","node":"n1","kind":"decision","request_id":"r1","client":"cli/1","#,
    r#""grant":"alice","server":"imagegen","method":"tools/call","tool":"=HYPERLINK(\"http://x\")","outcome":"deny","#,
    r#""rule":"deny_if[0]","message":"a, \"b\"\r\nc","retry_after_ms":1500,"policy":"images","#,
    r#""policy_version":"0f1e","argument_names":["a","b"],"limits":[{"counter":"calls","amount":"0.5","scope":"grant"}],"#,
    r#""prev":"p","hash":"h"}"#,
);
const CHECKPOINT: &str = r#"{"seq":8,"ts":"2026-11-22T10:00:01.000000Z","node":"n1","kind":"checkpoint","key_id":"k","prev":"p","hash":"h"}"#;

fn exported(format: Format) -> String {
    let mut exporter = Exporter::new(format, Vec::new()).unwrap();
    exporter.record(DECISION.as_bytes()).unwrap();
    exporter.record(CHECKPOINT.as_bytes()).unwrap();
    String::from_utf8(exporter.finish().unwrap()).unwrap()
}

#[test]
fn jsonl_is_the_journal_itself() {
    assert_eq!(exported(Format::Jsonl), format!("{DECISION}\n{CHECKPOINT}\n"));
}

#[test]
fn csv_quotes_and_disarms() {
    let expected = concat!(
        "seq,ts,node,kind,request_id,session,client,grant,server,method,tool,resource,prompt,outcome,rule,message,",
        "retry_after_ms,shadow,policy,policy_version,definition_hash,argument_names,arguments_hmac,arguments,limits,",
        "released,count,by,detail,latency_us_gateway,latency_us_upstream,counters,key_id,prev,hash\r\n",
        "7,2026-11-22T10:00:00.123456Z,n1,decision,r1,,cli/1,alice,imagegen,tools/call,",
        "\"'=HYPERLINK(\"\"http://x\"\")\",,,deny,deny_if[0],\"a, \"\"b\"\"\r\nc\",1500,,images,0f1e,,",
        "\"[\"\"a\"\",\"\"b\"\"]\",,,\"[[\"\"calls\"\",\"\"0.5\"\",\"\"grant\"\"]]\",,,,,,,,,p,h\r\n",
        "8,2026-11-22T10:00:01.000000Z,n1,checkpoint,,,,,,,,,,,,,,,,,,,,,,,,,,,,,k,p,h\r\n",
    );
    assert_eq!(exported(Format::Csv), expected);
}

#[test]
fn every_beginning_of_a_formula_is_disarmed() {
    for start in ["=", "+", "-", "@", "\\t", "\\r", "＝"] {
        let line = DECISION.replace("=HYPERLINK", &format!("{start}HYPERLINK"));
        let mut exporter = Exporter::new(Format::Csv, Vec::new()).unwrap();
        exporter.record(line.as_bytes()).unwrap();
        let text = String::from_utf8(exporter.finish().unwrap()).unwrap();
        assert!(text.contains(",\"'"), "{start}: {text}");
    }
}

#[test]
fn ocsf_maps_a_denied_call() {
    let text = exported(Format::Ocsf);
    let event: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let expected = serde_json::json!({
        "category_uid": 6, "category_name": "Application Activity",
        "class_uid": 6003, "class_name": "API Activity",
        "activity_id": 99, "activity_name": "tools/call", "type_uid": 600_399,
        "time": 1_795_341_600_123_i64,
        "severity_id": 2, "severity": "Low",
        "status_id": 2, "status": "Failure", "status_code": "deny_if[0]", "status_detail": "a, \"b\"\r\nc",
        "action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked",
        "metadata": {
            "version": "1.6.0", "profiles": ["security_control"], "uid": "n1:7", "sequence": 7,
            "original_time": "2026-11-22T10:00:00.123456Z", "event_code": "decision", "log_name": "journal",
            "correlation_uid": "r1",
            "product": { "name": "Toolgate", "vendor_name": "Toolgate", "version": env!("CARGO_PKG_VERSION") },
        },
        "actor": { "user": { "name": "alice", "uid": "alice", "type": "Grant" } },
        "api": { "operation": "tools/call", "service": { "name": "imagegen" }, "request": { "uid": "r1" } },
        "resources": [{ "type": "tool", "name": "=HYPERLINK(\"http://x\")" }],
        "policy": { "name": "images", "version": "0f1e" },
        "src_endpoint": { "name": "cli/1" },
        "unmapped": {
            "outcome": "deny", "retry_after_ms": 1500, "argument_names": ["a", "b"],
            "limits": [{ "counter": "calls", "amount": "0.5", "scope": "grant" }],
            "prev": "p", "hash": "h",
        },
    });
    assert_eq!(event, expected);
}

#[test]
fn ocsf_events_of_the_journal_itself_are_whole() {
    let text = exported(Format::Ocsf);
    let event: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(event["actor"], serde_json::json!({ "app_name": "toolgate" }));
    assert_eq!(event["api"], serde_json::json!({ "operation": "checkpoint" }));
    assert_eq!((&event["status_id"], &event["activity_name"]), (&1.into(), &"checkpoint".into()));
}

#[test]
fn a_line_that_is_no_record_ends_the_export() {
    let mut exporter = Exporter::new(Format::Csv, Vec::new()).unwrap();
    assert!(matches!(exporter.record(b"{}"), Err(ExportError::Record(_))));
}

#[test]
fn formats_have_names() {
    assert_eq!("csv".parse::<Format>().unwrap(), Format::Csv);
    assert_eq!(
        "xml".parse::<Format>().unwrap_err().to_string(),
        "`xml` is no export format: use jsonl, csv or ocsf"
    );
}
