"""What operators look at: health, metrics, the status page, and the commands that read without a gateway."""
import json
import re

from support.gateway import TOKEN
from support.process import wait_for


def samples(gate):
    """Metric lines as name-with-labels -> value."""
    status, text, headers = gate.get("/metrics", console=True)
    assert status == 200 and text.endswith("# EOF\n") and "openmetrics" in headers["Content-Type"]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and not line.startswith("#")}


def test_metrics_show_calls(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"limits": [
        {"counter": "c", "window": "hour", "max": 3, "scope": "grant"}]}}}})
    wire = gate.wire("mock").open()
    for n in range(5):
        wire.call("record", {"n": n})
    wire.call("a-name-that-nobody-knows")
    found = samples(gate)
    calls = {k: v for k, v in found.items() if "call" in k and "tool=\"record\"" in k and "bucket" not in k}
    allowed = sum(v for k, v in calls.items() if 'decision="allow"' in k)
    denied = sum(v for k, v in calls.items() if 'decision="deny"' in k)
    assert (allowed, denied) == (3, 2), calls
    text = "\n".join(found)
    assert "(unlisted)" in text and "a-name-that-nobody-knows" not in text, "names that clients make up are no labels"
    assert any("record" not in k and v == 3 for k, v in found.items() if "used" in k or "limit" in k or "counter" in k), text


def test_health(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    assert gate.get("/healthz")[:2] == (200, '{"status":"ok"}')
    assert gate.get("/readyz")[:2] == (200, '{"status":"ready"}')
    assert gate.status("/healthz", console=True) == 200
    assert gate.status("/metrics") == 404, "metrics are not for callers of the data plane"


def test_the_status_page(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    status, page, headers = gate.get("/", console=True)
    assert status == 200 and "mock" in page and gate.url("mock") in page
    assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert TOKEN not in page and "<script" not in page


def test_the_console_checks_its_callers(gateway, recorder):
    from support.raw import exchange
    gate = gateway({"mock": recorder.config})
    for line, expected in (("Host: evil.example\r\n", 403), ("Host: localhost\r\nOrigin: https://evil.example\r\n", 403), ("Host: localhost\r\n", 200)):
        status, _ = exchange(gate.console_port, f"GET /metrics HTTP/1.1\r\n{line}\r\n".encode())
        assert status == expected, line
    status, _ = exchange(gate.console_port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    assert status == 405


def test_the_bare_address_names_the_others(gateway, recorder):
    gate = gateway({"mock": recorder.config, "second": recorder.config})
    wire = gate.wire("mock")
    wire.path = "/mcp"
    answer = wire.send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    assert answer.status == 404
    assert "/mcp/mock" in answer.error["message"] and "/mcp/second" in answer.error["message"]
    wire.token = None
    assert wire.send(b"{}").status == 401, "only a grant is told what it includes"


def test_every_answer_has_an_id_that_tells_its_story(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {}}}})
    wire = gate.wire("mock").open()
    for tool in ("record", "other"):
        answer = wire.call(tool, {"n": 1})
        request_id = answer.headers["X-Request-Id"]
        story = gate.run("audit", "show", request_id, "--json", "--data-dir", gate.data)
        assert story.returncode == 0 and tool in story.stdout and request_id in story.stdout, story.stdout + story.stderr
    assert gate.run("audit", "show", "no-such-request", "--data-dir", gate.data).returncode == 1


def test_records_have_the_documented_members(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"limits": [
        {"counter": "c", "window": "hour", "max": 1, "scope": "grant"}]}}}})
    wire = gate.wire("mock").open()
    wire.call("record", {"text": "x", "n": 1})
    wire.call("record", {"n": 2})
    gate.stop()
    records = gate.records()
    assert [r["seq"] for r in records] == list(range(records[0]["seq"], records[0]["seq"] + len(records)))
    assert records[0]["kind"] == "start" and records[-1]["kind"] in ("stop", "checkpoint")
    allow, deny = [r for r in records if r["kind"] == "decision"]
    for record in (allow, deny):
        assert {"seq", "ts", "node", "kind", "request_id", "grant", "server", "method", "tool", "outcome", "policy", "policy_version",
                "definition_hash", "argument_names", "arguments_hmac", "prev", "hash"} <= set(record), record
        assert re.fullmatch(r"[0-9a-f]{16}", record["policy_version"]) and re.fullmatch(r"[0-9a-f]{64}", record["hash"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["ts"])
        assert (record["grant"], record["server"], record["method"], record["tool"], record["policy"]) == ("alice", "mock", "tools/call", "record", "p")
        assert "arguments" not in record
    assert allow["argument_names"] == ["n", "text"] and allow["outcome"] == "allow" and deny["outcome"] == "deny"
    assert deny["rule"] == "/tools/record/limits/0" and allow["arguments_hmac"] != deny["arguments_hmac"]
    outcome = next(r for r in records if r["kind"] == "outcome")
    assert outcome["request_id"] == allow["request_id"] and outcome["outcome"] == "ok" and {"gateway", "upstream"} <= set(outcome["latency_us"])
    assert "null" not in {json.dumps(v) for r in records for v in r.values()}


def test_doctor_finds_what_is_wrong_and_says_what_to_do(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    well = gate.run("doctor", "--config", gate.config_path)
    assert well.returncode == 0, well.stdout + well.stderr
    gate.config["servers"]["gone"] = {"url": "http://127.0.0.1:9/mcp"}
    gate.config["grants"]["alice"]["servers"]["gone"] = "p"
    gate.write_config()
    ill = gate.run("doctor", "--config", gate.config_path)
    assert ill.returncode == 3 and "gone" in ill.stdout + ill.stderr


def test_check_tells_every_mistake_with_its_place(gateway, recorder, tmp_path):
    gate = gateway({"mock": recorder.config}, start=False)
    assert gate.run("check", gate.config_path).returncode == 0
    bad = tmp_path / "bad.json"
    bad.write_text('{\n  "version": "1",\n  "tols": {},\n  "tools": {"a": {"limits": [{"counter": "c", "window": "minut", "max": 1}]}}\n}\n')
    done = gate.run("check", bad)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "bad.json:3:" in said and "`tools`" in said and "bad.json:4:" in said and "/tools/a/limits/0/window" in said, said


def test_counters_are_rebuilt_after_a_stop(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"limits": [
        {"counter": "c", "window": "hour", "max": 3, "scope": "grant"}]}}}})
    wire = gate.wire("mock").open()
    assert [wire.call("record").denied for _ in range(2)] == [False, False]
    gate.stop()
    gate.start()
    wire = gate.wire("mock").open()
    assert [wire.call("record").denied for _ in range(2)] == [False, True]
    wait_for(lambda: len(recorder.calls) == 3, "three calls")
