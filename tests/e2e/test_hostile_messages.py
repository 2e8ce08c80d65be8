"""Messages that two readers could understand differently, or that cost too much: each is refused with the
right error, and the server behind sees nothing of it."""
import base64
import json
import time

import pytest

from support.gateway import TOKEN
from support.imagegen import SMALL, TOOL
from support.process import wait_for
from support.raw import authorized, exchange
from support.wire import META, MODERN


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """One gateway for the whole table, in front of a server that records what it sees."""
    from support.gateway import Gateway
    from support.recorder import Recorder
    with Recorder() as server, Gateway(tmp_path_factory.mktemp("hostile"), {"mock": server.config},
                                       {"p": {"version": "1", "default": "allow", "tools": {"other": {"action": "deny", "reason": "no"}}}}) as gate:
        wire = gate.wire("mock").open()
        wire.tools()
        wire.call("record", {"n": 0})
        yield gate, server, wire


def call(params, envelope='"jsonrpc":"2.0","id":1,"method":"tools/call"'):
    return "{%s,\"params\":%s}" % (envelope, params)


GOOD = call('{"name":"record","arguments":{"n":1}}')
TWICE = {
    "method twice": call('{"name":"record"}', '"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"'),
    "id twice": call('{"name":"record"}', '"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call"'),
    "params twice": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record"},"params":{"name":"other"}}',
    "name twice": call('{"name":"record","name":"other"}'),
    "name twice, same value": call('{"name":"record","name":"record"}'),
    "name twice, escaped": call('{"name":"record","n\\u0061me":"other"}'),
    "arguments twice": call('{"name":"record","arguments":{},"arguments":{"n":1}}'),
    "argument twice": call('{"name":"record","arguments":{"n":1,"n":2}}'),
    "argument twice, escaped": call('{"name":"record","arguments":{"n":1,"\\u006e":2}}'),
    "argument twice, deep": call('{"name":"record","arguments":{"n":1,"a":[{"b":{"c":1,"c":1}}]}}'),
    "meta twice": call('{"name":"record","_meta":{},"_meta":{}}'),
    "twice in meta": call('{"name":"record","_meta":{"progressToken":1,"progressToken":2}}'),
    "empty name twice": call('{"name":"record","arguments":{"":1,"":2}}'),
    "unknown member twice": call('{"name":"record","x":1,"x":2}'),
    "surrogate pair twice": call('{"name":"record","arguments":{"\\ud83d\\ude00":1,"😀":2}}'),
}
LOOKALIKES = {
    f"{where}: {name!r}": text for where, name, text in [
        *[("envelope", n, '{"jsonrpc":"2.0","id":1,"method":"tools/call",%s:"tools/list","params":{"name":"record"}}' % json.dumps(n))
          for n in ("Method", "METHOD", "method\u0000", "method ", " method", "ｍethod", "mEthod")],
        *[("envelope", n, '{"jsonrpc":"2.0","id":1,"method":"tools/call",%s:{"name":"other"},"params":{"name":"record"}}' % json.dumps(n, ensure_ascii=False))
          for n in ("Params", "param\u017f", "PARAMS", "params\u0000")],
        *[("params", n, call('{"name":"record",%s:"other"}' % json.dumps(n, ensure_ascii=False)))
          for n in ("Name", "NAME", "name\u0000", "name ", "\u0000name", "ｎame", "naMe")],
        *[("params", n, call('{"name":"record",%s:{"n":5}}' % json.dumps(n, ensure_ascii=False)))
          for n in ("Arguments", "ARGUMENTS", "argument\u017f", "arguments\u0000", "arguments ", "tas\u212a", "_Meta")],
        *[("meta", n, call('{"name":"record","_meta":{%s:"x"}}' % json.dumps(n, ensure_ascii=False)))
          for n in ("progresstoken", "ProgressToken", "progressTo\u212aen", "progressToken\u0000")],
    ]}
WRONG_TYPES = {
    **{f"params is {p}": call(p) for p in ("[]", '["record",{"n":1}]', '"record"', "null", "1", "true")},
    **{f"arguments is {a}": call('{"name":"record","arguments":%s}' % a) for a in ("[]", '[{"n":1}]', '"{}"', "null", "1", "false")},
    **{f"name is {n}": call('{"name":%s,"arguments":{}}' % n) for n in ("null", "1", '["record"]', '{"a":1}', "true")},
    "no name": call('{"arguments":{}}'),
    "no params": '{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
    "id null": call('{"name":"record"}', '"jsonrpc":"2.0","id":null,"method":"tools/call"'),
    "id object": call('{"name":"record"}', '"jsonrpc":"2.0","id":{},"method":"tools/call"'),
    "id fraction": call('{"name":"record"}', '"jsonrpc":"2.0","id":1.5,"method":"tools/call"'),
    "jsonrpc 1.0": call('{"name":"record"}', '"jsonrpc":"1.0","id":1,"method":"tools/call"'),
    "jsonrpc number": call('{"name":"record"}', '"jsonrpc":2.0,"id":1,"method":"tools/call"'),
    "no jsonrpc": call('{"name":"record"}', '"id":1,"method":"tools/call"'),
    "method number": call('{"name":"record"}', '"jsonrpc":"2.0","id":1,"method":7'),
    "method and result": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record"},"result":{}}',
    "a string": '"tools/call"', "a number": "1", "null": "null",
}
UNREADABLE = {
    "empty": b"", "blank": b"  ", "open": GOOD[:-1].encode(), "trailing text": (GOOD + "x").encode(),
    "two messages": (GOOD + GOOD).encode(), "two lines": (GOOD + "\n" + GOOD).encode(),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(), "utf-16": GOOD.encode("utf-16"), "utf-16-le": GOOD.encode("utf-16-le"),
    "latin-1": call('{"name":"record","arguments":{"text":"\xe9"}}').encode("latin-1"),
    "overlong": GOOD.encode().replace(b"record", b"\xc1\xb2ecord"),
    "surrogate as utf-8": GOOD.encode().replace(b"record", b"\xed\xa0\x80"),
    "beyond unicode": GOOD.encode().replace(b"record", b"\xf4\x90\x80\x80"),
    "cut utf-8": GOOD.encode().replace(b"record", b"\xe2\x82"),
    "lone high surrogate": call('{"name":"record","arguments":{"text":"\\ud800"}}').encode(),
    "lone low surrogate": call('{"name":"record","arguments":{"text":"\\udc00x"}}').encode(),
    "surrogates reversed": call('{"name":"record","arguments":{"text":"\\ude00\\ud83d"}}').encode(),
    "lone surrogate in a key": call('{"name":"record","arguments":{"\\ud800":1}}').encode(),
    "raw NUL": GOOD.encode().replace(b"record", b"rec\0ord"), "NUL outside": GOOD.encode() + b"\0",
    "raw newline in a string": GOOD.encode().replace(b"record", b"rec\nord"), "raw tab in a string": GOOD.encode().replace(b"record", b"rec\tord"),
    "NaN": call('{"name":"record","arguments":{"n":NaN}}').encode(), "Infinity": call('{"name":"record","arguments":{"n":-Infinity}}').encode(),
    "number too large": call('{"name":"record","arguments":{"n":1e999}}').encode(), "leading zero": call('{"name":"record","arguments":{"n":01}}').encode(),
    "plus": call('{"name":"record","arguments":{"n":+1}}').encode(), "hex": call('{"name":"record","arguments":{"n":0x10}}').encode(),
    "comment": (GOOD[:-1] + "/**/}").encode(), "trailing comma": (GOOD[:-1] + ",}").encode(), "single quotes": GOOD.replace('"', "'").encode(),
    "bad escape": GOOD.replace("record", "\\x72ecord").encode(), "short escape": GOOD.replace("record", "\\u72").encode(),
    "form": b"name=record",
}
DEEP = {
    "65 arrays": call('{"name":"record","arguments":{"a":%s}}' % ("[" * 65 + "]" * 65)),
    "100,000 arrays": call('{"name":"record","arguments":{"a":%s}}' % ("[" * 100_000 + "]" * 100_000)),
    "100,000 objects": call('{"name":"record","arguments":%s}' % ('{"a":' * 100_000 + "1" + "}" * 100_000)),
    "100,000 open arrays": "[" * 100_000,
    "a million and one values": call('{"name":"record","arguments":{"a":[%s]}}' % ",".join(["1"] * 1_000_001)),
}
TABLE = [(kind, name, text if isinstance(text, bytes) else text.encode())
         for kind, table in (("twice", TWICE), ("lookalike", LOOKALIKES), ("type", WRONG_TYPES), ("unreadable", UNREADABLE), ("deep", DEEP))
         for name, text in table.items()]


@pytest.mark.parametrize("kind,name,body", [pytest.param(*row, id=f"{row[0]}: {row[1]}".encode("ascii", "backslashreplace").decode().replace("\\", "_")) for row in TABLE])
def test_refused(attacked, kind, name, body):
    gate, server, wire = attacked
    before, records = len(server.seen), len(server.calls)
    started = time.monotonic()
    answer = wire.send(body)
    elapsed = time.monotonic() - started
    # The size of the answer tells that it came from the reader, not from a crash.
    assert answer.message["jsonrpc"] == "2.0", answer
    if answer.messages and "result" in answer.message:
        assert answer.denied, f"passed: {answer}"
    else:
        # A well-formed request with wrong parameters is answered with 200 in the era of sessions.
        assert answer.status == 400 or (kind == "type" and answer.status == 200 and answer.error["code"] == -32602), answer
        expected = {-32700} if kind == "unreadable" and name != "empty" else {-32700, -32600, -32602}
        if kind in ("twice", "lookalike"):
            expected = {-32600, -32700}
        assert answer.error["code"] in expected | ({-32600} if name in ("number too large",) else set()), answer
        assert len(answer.error["message"]) > 10
    assert len(server.calls) == records, "the server saw the call"
    assert len(server.seen) == before, "the server saw the message"
    assert elapsed < 10
    assert wire.call("record", {"n": 7}).text == '{"n": 7}', "the connection and the session go on"


def test_what_is_legal_passes_unchanged(attacked):
    """Names that look strange are legal inside arguments; spelling and unknown members survive."""
    gate, server, wire = attacked
    for arguments in ['{"Name":1,"NAME":2,"name ":3,"n\\u0000":4}', '{"a":1.0,"b":1e-7,"c":123456789012345678901234567890,"d":-0}',
                      '{"text":"\\ud83d\\ude00 \\u00e9 \\/ \\u2028"}', '{"a":{"":{"":[]}}}']:
        body = call('{"name":"record","x-unknown":{"a":[1.50]},"arguments":%s}' % arguments)
        assert "result" in wire.send(body.encode()).message
        assert server.seen[-1][1] == body.encode(), "the judged bytes are not the sent bytes"


def test_batches(attacked):
    gate, server, wire = attacked
    denied = json.loads(call('{"name":"other","arguments":{}}'))
    allowed = {**json.loads(GOOD), "id": 2}
    before = len(server.calls)
    for batch in ([], [allowed], [allowed, denied], [[allowed]], [1], [allowed, allowed]):
        answer = wire.send(json.dumps(batch).encode())
        assert answer.status == 400, (batch, answer)
    assert len(server.calls) == before
    old = gate.wire("mock").open("2025-03-26")
    if old.version != "2025-03-26":
        return
    answer = old.send(json.dumps([allowed, denied]).encode())
    names = [json.loads(b)["params"]["name"] for _, b in server.seen if b"tools/call" in b and b"[" != b[:1]]
    assert "other" not in names, answer
    assert not any(body.lstrip().startswith(b"[") for _, body in server.seen), "a batch is never forwarded whole"
    by_id = {m["id"]: m for m in (answer.message if isinstance(answer.message, list) else answer.messages)}
    assert by_id[1]["result"]["isError"] and "isError" not in by_id[2]["result"]


def test_a_body_over_the_limit_is_413(attacked):
    gate, server, wire = attacked
    before = len(server.seen)
    big = call('{"name":"record","arguments":{"text":"%s"}}' % ("x" * (16 << 20)))
    status, _ = exchange(gate.port, authorized("/mcp/mock", big.encode(), session=wire.session))
    assert status == 413
    started = time.monotonic()
    declared = authorized("/mcp/mock", b"", "Content-Length: 99999999999\r\n", session=wire.session, length=False)
    assert exchange(gate.port, declared)[0] == 413 and time.monotonic() - started < 5, "a declared length is not waited for"
    chunked = authorized("/mcp/mock", b"", "Transfer-Encoding: chunked\r\n", session=wire.session, length=False)
    status, _ = exchange(gate.port, chunked + (b"100000\r\n" + b"x" * (1 << 20) + b"\r\n") * 17)
    assert status == 413
    assert len(server.seen) == before


def test_heads_over_the_limits_are_431(attacked):
    gate, server, wire = attacked
    before = len(server.seen)
    for headers in ["".join(f"X-{i}: 1\r\n" for i in range(101)), f"X-Big: {'x' * 140_000}\r\n", f"X-{'n' * 140_000}: 1\r\n",
                    "".join(f"X-{i}: {'y' * 2000}\r\n" for i in range(90))]:
        status, got = exchange(gate.port, authorized("/mcp/mock", GOOD.encode(), headers, session=wire.session))
        assert status == 431, (headers[:30], got[:200])
    status, _ = exchange(gate.port, authorized("/mcp/mock", GOOD.encode(), session=wire.session, line=f"POST /mcp/{'m' * 140_000} HTTP/1.1"))
    assert status in (414, 431)
    assert len(server.seen) == before


def alone(wire, headers):
    """A good call with these headers, on a connection of its own."""
    wire.close()
    answer = wire.send(GOOD.encode(), headers)
    wire.close()
    return answer


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Origin": "null"}, {"Authorization": None}, {"Accept": "text/html"}])
def test_an_early_refusal_tells_whether_the_connection_goes_on(attacked, headers):
    gate, server, wire = attacked
    wire.close()
    answer = wire.send(GOOD.encode(), headers)
    assert answer.status in (401, 403, 406, 415)
    if "close" in (answer.headers.get("Connection") or "").lower():
        wire.close()
    assert "result" in wire.send(GOOD.encode()).message


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", "text/json"])
def test_other_content_types_are_415(attacked, content_type):
    gate, server, wire = attacked
    before = len(server.seen)
    assert alone(wire, {"Content-Type": content_type}).status == 415
    assert len(server.seen) == before


@pytest.mark.parametrize("header,value", [("Host", "evil.example"), ("Host", "127.0.0.1.nip.io"), ("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", "http://127.0.0.1@evil.example")])
def test_pages_of_other_sites_are_403(attacked, header, value):
    gate, server, wire = attacked
    before = len(server.seen)
    assert alone(wire, {header: value}).status == 403
    assert len(server.seen) == before


def encoded(name):
    return f"=?base64?{base64.b64encode(name.encode()).decode()}?="


HEADERS = {
    "no method": {"Mcp-Method": None}, "other method": {"Mcp-Method": "tools/list"}, "method in capitals": {"Mcp-Method": "TOOLS/CALL"},
    "no name": {"Mcp-Name": None}, "other name": {"Mcp-Name": "image.generate.openai"}, "name in capitals": {"Mcp-Name": TOOL.upper()},
    "name as prefix": {"Mcp-Name": TOOL + "2"}, "empty name": {"Mcp-Name": ""}, "other name, encoded": {"Mcp-Name": encoded("image.generate.openai")},
    "broken encoding": {"Mcp-Name": "=?base64?%%%?="}, "encoded twice": {"Mcp-Name": encoded(encoded(TOOL))},
    "no version": {"MCP-Protocol-Version": None}, "legacy version": {"MCP-Protocol-Version": "2025-11-25"}, "later version": {"MCP-Protocol-Version": "2027-01-01"},
    "two names": {"Mcp-Name": f"{TOOL}, image.generate.openai"}, "two versions": {"MCP-Protocol-Version": f"{MODERN}, 2025-11-25"},
    "not ascii": {"Mcp-Name": "é".encode("utf-8").decode("latin-1")},
}


@pytest.fixture(scope="module")
def modern(tmp_path_factory, imagegen):
    from support.gateway import Gateway
    with Gateway(tmp_path_factory.mktemp("modern"), {"images": {"url": imagegen}}) as gate:
        yield gate


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_differ_from_the_body_are_refused(modern, name):
    wire = modern.wire("images", modern=True)
    passed = [r for r in modern.records("decision") if r["outcome"] == "allow"]
    answer = wire.ask("tools/call", {"name": TOOL, "arguments": SMALL}, headers=HEADERS[name])
    assert answer.status == 400 and answer.error["code"] in (-32020, -32022), answer
    assert [r for r in modern.records("decision") if r["outcome"] == "allow"] == passed


def test_headers_that_say_the_same_pass(modern):
    wire = modern.wire("images", modern=True)
    for header in (TOOL, encoded(TOOL), f" {TOOL} "):
        answer = wire.ask("tools/call", {"name": TOOL, "arguments": SMALL}, headers={"Mcp-Name": header})
        assert "provider=" in answer.text, (header, answer)


def test_repeated_headers_are_refused(modern):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": SMALL, "_meta": META}}).encode()
    for line in ("Mcp-Name: image.generate.openai", f"Mcp-Name: {TOOL}", "Mcp-Method: tools/list", "MCP-Protocol-Version: 2025-11-25"):
        head = f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: {TOOL}\r\n{line}\r\n"
        status, got = exchange(modern.port, authorized("/mcp/images", body, head))
        assert status == 400, (line, got[:300])


def test_refusals_are_counted_once_a_second(attacked):
    gate, server, wire = attacked
    for _ in range(300):
        gate.wire("mock", None).send(b"{}")
    wait_for(lambda: any("unauthorized" in json.dumps(r) for r in gate.records("refused")), "a record of the refusals")
    refused = [r for r in gate.records("refused") if "unauthorized" in json.dumps(r)]
    assert len(refused) < 100, "refusals must not fill the journal"
