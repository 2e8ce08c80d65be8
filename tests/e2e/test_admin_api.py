"""The admin API of a running gateway: a change acts on the next call, and the document holds what is answered."""
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from support.admin import Admin
from support.process import wait_for
from support.wire import Wire

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def policy(tools):
    return {"notation": "json", "text": json.dumps({"version": "1", "tools": tools})}


def test_a_server_is_registered_called_and_cut_off_without_a_restart(gateway, recorder, everything):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    found = admin.post("/servers/every/test", {"url": everything}).expect(200).json
    assert found["ok"] and any(tool["name"] == "echo" for tool in found["tools"])
    admin.post("/servers", {"name": "every", "url": everything}).expect(201)
    admin.post("/policies", {"name": "careful", **policy({"echo": {}})}).expect(201)
    token = admin.post("/grants", {"label": "bob", "servers": {"every": "careful"}}).expect(201).json["token"]

    wire = Wire(gate.port, "/mcp/every", token).open()
    assert "hello" in json.dumps(wire.call("echo", {"message": "hello"}).result)
    changed = admin.put("/policies/careful", policy({"get-sum": {}})).expect(200).json
    answer = wire.call("echo", {"message": "again"})
    assert answer.result["isError"] is True, "the next call is judged by the new version"
    denied = gate.records("decision")[-1]
    assert (denied["outcome"], denied["policy_version"], denied["grant"]) == ("deny", changed["version"], "bob")

    admin.delete("/grants/bob").expect(204)
    assert wire.call("get-sum", {"a": 1, "b": 2}).status == 401

    def noted(part):
        return any(part in record.get("detail", "") for record in gate.records() if record["kind"] in ("server", "policy", "grant"))

    for part in ("server `every` was added", "policy `careful` was made", "grant `bob` was made", "grant `bob` was revoked"):
        wait_for(lambda: noted(part), f"the record that {part}")
    assert token not in "\n".join(map(json.dumps, gate.records()))


def test_the_tokens_of_the_two_planes_open_nothing_of_each_other(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    granted = admin.post("/grants", {"label": "bob", "servers": {"mock": "p"}}).expect(201).json["token"]
    assert admin.send("GET", "/api/v1/servers", Authorization=f"Bearer {granted}").status == 401
    assert admin.send("GET", "/api/v1/servers", Authorization=None).status == 401
    assert admin.send("GET", "/api/v1/servers", Host="evil.example").status == 403
    assert Wire(gate.port, "/mcp/mock", admin.token).send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status == 401


def test_the_link_that_is_printed_signs_in_once(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wait_for(lambda: "/sign-in?code=" in gate.process.texts(), "the link")
    link = re.search(r"http://\S+/sign-in\?code=\S+", gate.process.texts()).group()
    with urllib.request.urlopen(link, timeout=10) as page:
        assert "<form method=post action=/sign-in>" in page.read().decode()
        # A browser says the form's origin only if the page lets it.
        assert page.headers["Referrer-Policy"] == "same-origin"
    code = urllib.parse.urlsplit(link).query
    origin = link.split("/sign-in")[0]

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    def redeem():
        request = urllib.request.Request(f"{origin}/sign-in", data=code.encode(), headers={"Origin": origin})
        try:
            return urllib.request.build_opener(Stay).open(request, timeout=10)
        except urllib.error.HTTPError as answer:
            return answer

    first, second = redeem(), redeem()
    assert (first.code, second.code) == (303, 410)
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    admin = Admin(gate)
    session = admin.send("GET", "/api/v1/session", Authorization=None, Cookie=cookie.split(";")[0]).expect(200).json
    assert session["role"] == "admin" and session["csrf"]


def test_who_is_refused_is_in_the_journal_with_the_door(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    for _ in range(3):
        assert admin.send("GET", "/api/v1/servers", Authorization="Bearer guess").status == 401
    assert admin.send("POST", "/sign-in", None, Authorization=None, Origin="https://evil.example").status == 403
    foreign = admin.send("GET", "/api/v1/servers", Host="evil.example").expect(403)
    assert foreign.headers["Content-Type"] == "application/problem+json" and "allowed_hosts" in foreign.json["detail"]
    assert Wire(gate.port, "/mcp/mock", "guess").send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status == 401

    def counts():
        found = {}
        for record in gate.records("refused"):
            assert record["client"] == "127.0.0.1", record
            found[record["detail"]] = found.get(record["detail"], 0) + record["count"]
        return found

    expected = {"console_unauthorized": 3, "console_origin": 1, "console_host": 1, "unauthorized": 1}
    wait_for(lambda: counts() == expected, "the records of who was refused")
    assert len(gate.records("refused")) <= 6, "those of one client and reason within a second are one"


def test_a_limit_that_is_set_acts_on_the_next_call(gateway, recorder):
    gate = gateway({"mock": recorder.config}, limits={"depth": 32})
    admin = Admin(gate)
    seen = admin.get("/settings").expect(200)
    assert seen.json["limits_set_by"] == {"depth": "file"} and seen.json["limits"]["depth"] == 32
    wire = gate.wire("mock").open()
    assert not wire.call("record", {"text": "x" * 4000}).denied
    kept = admin.put("/settings", {"limits": {"body": 2048}}, tag=seen.headers["ETag"]).expect(200)
    assert kept.json["limits"]["body"] == 2048 and kept.json["limits_set_by"]["body"] == "api"
    assert wire.call("record", {"text": "x" * 4000}).status == 413
    assert admin.put("/settings", {}, tag=seen.headers["ETag"]).status == 412
    refused = admin.put("/settings", {"limits": {"depth": 16}}).expect(409).json
    assert str(gate.config_path) in refused["detail"]
    assert admin.put("/settings", {"limits": {"body": 1}}).status == 422
    record = next(record for record in gate.records("reload") if "by" in record)
    assert record["by"] == "token:local-commands" and "`body` 2048" in record["detail"]
    gate.kill()
    gate.start()
    assert Admin(gate).get("/settings").expect(200).json["limits"]["body"] == 2048, "it is kept"


def run_schemathesis(admin, folder, *arguments):
    document = folder / "openapi.json"
    document.write_text(admin.get("/openapi.json").expect(200).text)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", admin.base, "--checks", CHECKS,
         "--header", f"Authorization: Bearer {admin.token}", "--generation-with-security-parameters", "false",
         "--generation-database", "none", "--request-timeout", "20", "--continue-on-failure", "--no-color", "--seed", "1",
         *arguments], capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert admin.get("/health").expect(200).json["journal"]["condition"] == "ok"
    return done.stdout


def test_generated_requests_are_answered_as_documented(gateway, recorder, tmp_path):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    # The stream of events does not end, and the token of this test is not to be revoked on the way.
    said = run_schemathesis(admin, tmp_path, "--exclude-path", "/api/v1/events", "--exclude-operation-id", "revokeAdminToken",
                            "--max-time", "75", "--max-examples", "30", "--phases", "examples,coverage,fuzzing,stateful")
    assert "Rate limited" not in said, "the requests were let in"
    assert int(re.search(r"(\d+) generated", said).group(1)) > 1000, said[-2000:]
    run_schemathesis(admin, tmp_path, "--include-operation-id", "revokeAdminToken", "--max-time", "10", "--phases", "coverage")
