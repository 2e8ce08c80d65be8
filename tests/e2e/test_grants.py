"""Grants: who gets in, what names they see, and how soon a change of a grant takes effect."""
import hashlib
import json
import re
import threading
import time

import pytest

from support.gateway import ALLOW, OTHER_TOKEN, TOKEN, grant
from support.imagegen import SMALL, TOOL, imagegen_stdio
from support.process import wait_for
from support.recorder import TOOL as RECORD
from support.recorder import Recorder

BODY = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def without_ids(answer):
    headers = {k.lower(): v for k, v in answer.headers.items() if k.lower() not in ("x-request-id", "date")}
    return answer.status, headers, answer.body


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong-token-of-some-length", f"Basic {TOKEN}",
                                           f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN} {TOKEN}", TOKEN])
def test_a_wrong_token_is_401(gateway, recorder, authorization):
    gate = gateway({"mock": recorder.config})
    answer = gate.wire("mock", None).send(BODY, {"Authorization": authorization})
    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), answer
    assert "token" in answer.error["message"] and not recorder.seen


def test_two_authorization_headers_are_401_or_400(gateway, recorder):
    from support.raw import exchange, request
    gate = gateway({"mock": recorder.config})
    status, _ = exchange(gate.port, request("/mcp/mock", BODY, f"Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {OTHER_TOKEN}\r\n"))
    assert status in (400, 401) and not recorder.seen


def test_a_token_in_the_url_is_refused(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock", None)
    wire.path += f"?token={TOKEN}"
    assert wire.send(BODY).status in (400, 401)


def test_a_server_outside_the_grant_looks_like_none_at_all(gateway, recorder):
    gate = gateway({"mine": recorder.config, "theirs": recorder.config}, grants={
        "alice": grant(servers={"mine": "p"}), "bob": grant(OTHER_TOKEN, servers={"theirs": "p"})})
    for method, body in (("POST", BODY), ("GET", None), ("DELETE", None)):
        foreign = without_ids(gate.wire("theirs").send(body, method=method))
        unknown = without_ids(gate.wire("nowhere").send(body, method=method))
        assert foreign == unknown and foreign[0] == 404, (method, foreign, unknown)
    assert gate.wire("theirs", OTHER_TOKEN).open().call("record").text


def test_a_foreign_session_is_404(gateway, recorder):
    gate = gateway({"mock": recorder.config}, grants={
        "alice": grant(servers={"mock": "p"}), "bob": grant(OTHER_TOKEN, servers={"mock": "p"})})
    alice, bob = gate.wire("mock").open(), gate.wire("mock", OTHER_TOKEN).open()
    own = bob.session
    bob.session = alice.session
    stolen = bob.call("record", {"n": 1})
    bob.session = "no-such-session"
    assert stolen.status == 404 and without_ids(stolen) == without_ids(bob.call("record", {"n": 1}))
    bob.session = alice.session
    assert bob.send(None, method="DELETE").status == 404
    assert bob.send(None, {"Accept": "text/event-stream"}, method="GET").status == 404
    assert not recorder.calls
    bob.session = own
    assert bob.call("record", {"n": 2}).text and alice.call("record", {"n": 3}).text


def test_an_expired_grant_is_401(gateway, recorder):
    gate = gateway({"mock": recorder.config}, grants={
        "old": grant(servers={"mock": "p"}, expires="2020-01-01"),
        "soon": grant(OTHER_TOKEN, servers={"mock": "p"}, expires=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20)))})
    assert gate.wire("mock").send(BODY).status == 401
    wire = gate.wire("mock", OTHER_TOKEN).open()
    stream_like = wire.call("record").text
    assert stream_like
    wait_for(lambda: wire.call("record").status == 401, "the grant to expire", patience=60, every=0.2)


def made(gate, *arguments):
    done = gate.run("grant", *arguments, "--config", gate.config_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"tg_\S+", done.stdout)
    return found.group(0) if found else None


@pytest.mark.parametrize("change", ["rotate", "revoke"])
def test_a_change_of_a_grant_cuts_its_open_stream(gateway, tmp_path, change):
    from support.everything import STDIO
    gate = gateway({"all": STDIO})
    token = made(gate, "create", "carol", "--server", "all=p")
    wait_for(lambda: gate.wire("all", token).send(BODY).status != 401, "the new grant to be known")
    wire = gate.wire("all", token).open()
    stream = wire.stream()
    assert stream.status == 200
    stream.sock.settimeout(30)
    ended = []
    reader = threading.Thread(target=lambda: (stream.until_closed(), ended.append(time.monotonic())))
    reader.start()
    fresh = made(gate, change, "carol")
    changed = time.monotonic()
    reader.join(30)
    assert ended, "the stream of an ended token stays open"
    assert ended[0] - changed < 1.5, f"{ended[0] - changed:.2f} s"
    assert wire.call("echo", {"message": "x"}).status == 401
    if change == "rotate":
        assert fresh != token
        assert "x" in gate.wire("all", fresh).open().call("echo", {"message": "x"}).text
    listed = gate.run("grant", "list", "--config", gate.config_path)
    assert token not in listed.stdout and hashlib.sha256(token.encode()).hexdigest() not in listed.stdout


def test_rotation_with_overlap_keeps_the_old_token_for_a_while(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    old = made(gate, "create", "carol", "--server", "mock=p")
    wait_for(lambda: gate.wire("mock", old).send(BODY).status != 401, "the new grant")
    fresh = made(gate, "rotate", "carol", "--overlap", "1h")
    wait_for(lambda: gate.wire("mock", fresh).send(BODY).status != 401, "the new token")
    assert gate.wire("mock", old).open().call("record").text and gate.wire("mock", fresh).open().call("record").text


def test_a_tombstone_wins_over_the_config_file(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock").open()
    made(gate, "revoke", "alice")
    wait_for(lambda: wire.call("record").status == 401, "the revocation")
    gate.stop()
    gate.start()
    assert gate.wire("mock").send(BODY).status == 401


def test_names_with_underscores_go_both_ways(gateway, tmp_path, imagegen):
    policy = {"version": "1", "default": "deny", "tools": {TOOL: {}}}
    servers = {"stdio": imagegen_stdio(tmp_path), "http": {"url": imagegen}}
    gate = gateway(servers, {"p": policy}, grants={"alice": grant(servers={"stdio": "p", "http": "p"}, names="underscore")})
    shown = TOOL.replace(".", "_")
    for server in servers:
        for wire in (gate.wire(server).open(), gate.wire(server, modern=True)):
            assert wire.tools() == [shown]
            called = wire.call(shown, SMALL)
            assert not called.result.get("isError") and "provider=" in called.text, called
            assert wire.call("image_generate_openai", {"prompt": "x"}).denied
    tools = {r["tool"] for r in gate.records("decision") if r["outcome"] == "allow" and r["method"] == "tools/call"}
    assert tools == {TOOL}, "the journal names tools as the server does"


def test_two_tools_that_would_share_a_name_cannot_be_confused(gateway):
    tools = [{**RECORD, "name": "a.b"}, {**RECORD, "name": "a_b"}]
    with Recorder(tools) as server:
        policy = {"version": "1", "default": "deny", "tools": {"a.b": {}}}
        gate = gateway({"mock": server.config}, {"p": policy}, grants={"alice": grant(servers={"mock": "p"}, names="underscore")})
        wire = gate.wire("mock").open()
        wire.call("a_b", {"n": 1})
        sent = [json.loads(body)["params"]["name"] for method, body in server.seen if b"tools/call" in body]
        # Whatever is decided, a rule for one tool never lets the other through.
        assert "a_b" not in sent, sent


def test_no_token_stands_in_journal_or_log(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    gate.wire("mock").open().call("record", {"text": "a secret argument"})
    gate.wire("mock", "a-wrong-token-of-some-length").send(BODY)
    gate.stop()
    texts = gate.process.texts() + "".join(p.read_bytes().decode(errors="replace") for p in gate.data.rglob("*") if p.is_file())
    for secret in (TOKEN, "a-wrong-token-of-some-length", "a secret argument"):
        assert secret not in texts
