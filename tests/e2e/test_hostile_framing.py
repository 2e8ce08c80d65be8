"""HTTP/1 framing that two readers could take apart differently: each request is refused and its connection closed,
or reaches the server exactly once; what hides behind it never does."""
import json
import socket

import pytest

from support.gateway import TOKEN, Gateway
from support.process import wait_for
from support.raw import authorized, exchange, received
from support.recorder import Recorder

HIDDEN = 666


def message(n):
    return json.dumps({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": "record", "arguments": {"n": n}}}).encode()


@pytest.fixture(scope="module")
def framed(tmp_path_factory):
    with Recorder() as server, Gateway(tmp_path_factory.mktemp("framing"), {"mock": server.config}, limits={"header_timeout": "3s", "body_timeout": "3s"}) as gate:
        wire = gate.wire("mock").open()
        wire.call("record", {"n": 0})
        yield gate, server, wire


BODY = message(1)
SIZE = len(BODY)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)
TE = "Transfer-Encoding: chunked\r\n"
CL = f"Content-Length: {SIZE}\r\n"

# name -> (header lines, body); a second, complete request follows each. Must be refused.
REFUSED = {
    "two lengths": (CL + f"Content-Length: {SIZE + 1}\r\n", BODY), "two lengths, first zero": ("Content-Length: 0\r\n" + CL, BODY),
    "length list": (f"Content-Length: {SIZE}, {SIZE + 1}\r\n", BODY),
    "length +": (f"Content-Length: +{SIZE}\r\n", BODY), "length -": (f"Content-Length: -{SIZE}\r\n", BODY), "length hex": (f"Content-Length: 0x{SIZE:x}\r\n", BODY),
    "length blank inside": (f"Content-Length: {SIZE // 10} {SIZE % 10}\r\n", BODY), "length letter": (f"Content-Length: {SIZE}a\r\n", BODY),
    "length underscore": ("Content-Length: 1_0\r\n", BODY), "length empty": ("Content-Length:\r\n", BODY), "length fraction": (f"Content-Length: {SIZE}.0\r\n", BODY),
    "length over 64 bits": (f"Content-Length: {2**64 + SIZE}\r\n", BODY), "length exponent": ("Content-Length: 1e2\r\n", BODY),
    "length semicolon": (f"Content-Length: {SIZE};\r\n", BODY), "length not ascii": (f"Content-Length: {SIZE}\xb2\r\n", BODY),
    "blank before colon": (f"Content-Length : {SIZE}\r\n", BODY), "tab before colon": (f"Content-Length\t: {SIZE}\r\n", BODY),
    "chunked blank before colon": ("Transfer-Encoding : chunked\r\n", CHUNKED),
    "coding unknown": ("Transfer-Encoding: xchunked\r\n", CHUNKED), "coding identity": ("Transfer-Encoding: identity\r\n" + CL, BODY),
    "coding chunked not last": ("Transfer-Encoding: chunked, identity\r\n", CHUNKED), "coding gzip": ("Transfer-Encoding: gzip\r\n", CHUNKED),
    "coding quoted": ('Transfer-Encoding: "chunked"\r\n', CHUNKED), "coding vertical tab": ("Transfer-Encoding: \x0bchunked\r\n", CHUNKED),
    "coding folded": ("Transfer-Encoding:\r\n chunked\r\n" + CL, CHUNKED), "coding semicolon": ("Transfer-Encoding: chunked;x\r\n", CHUNKED),
    "coding NUL": ("Transfer-Encoding: chunked\0\r\n", CHUNKED),
    "chunk size negative": (TE, b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"), "chunk size 0x": (TE, b"0x%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)),
    "chunk size +": (TE, b"+%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)), "chunk size empty": (TE, b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size letter": (TE, b"%xg\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)), "chunk size over 64 bits": (TE, b"1" + b"0" * 15 + b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)),
    "chunk size comma": (TE, b"%x,\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)), "chunk without its end": (TE, b"%x\r\n%sXX0\r\n\r\n" % (SIZE, BODY)),
    "chunk too short": (TE, b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE - 5, BODY)), "chunk ends with LF": (TE, b"%x\r\n%s\n0\r\n\r\n" % (SIZE, BODY)),
    "chunk size ends with LF": (TE, b"%x\n%s\r\n0\r\n\r\n" % (SIZE, BODY)), "chunk extension with LF": (TE, b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)),
    "chunk extension endless": (TE, b"%x;%s\r\n%s\r\n0\r\n\r\n" % (SIZE, b"a" * 200_000, BODY)),
    "header without colon": ("X-Nothing\r\n" + CL, BODY), "header without name": (": x\r\n" + CL, BODY), "blank in a name": ("X Y: 1\r\n" + CL, BODY),
    "NUL in a name": ("X\0Y: 1\r\n" + CL, BODY), "NUL in a value": ("X-A: a\0b\r\n" + CL, BODY), "CR in a value": ("X-A: a\rb\r\n" + CL, BODY),
    "folded value": ("X-A: a\r\n b\r\n" + CL, BODY), "folded length": ("X-A: a\r\n Content-Length: 5\r\n" + CL, BODY), "first header folded": (" X-A: a\r\n" + CL, BODY),
    "colon in a name": ("Content-Length:: 5\r\n", BODY), "controls in a value": ("X-A: \x01\r\n" + CL, BODY), "name in brackets": ("(X): 1\r\n" + CL, BODY),
}


# Refused, or read as chunked with the connection closed behind it (RFC 9112, 6.3): either way nothing hides in it.
BOTH_LENGTHS = {
    "length and chunked": (CL + TE, CHUNKED), "chunked and length": (TE + CL, CHUNKED), "short length and chunked": ("Content-Length: 4\r\n" + TE, CHUNKED),
    "zero length and chunked": ("Content-Length: 0\r\n" + TE, CHUNKED), "long length and chunked": ("Content-Length: 4000\r\n" + TE, CHUNKED),
}


def sent(framed, headers, body, **more):
    """The request and a hidden one behind it: status, bytes, and what the server saw of both."""
    gate, server, wire = framed
    before = len(server.calls)
    hidden = authorized("/mcp/mock", message(HIDDEN), session=wire.session)
    data = authorized("/mcp/mock", body, headers, session=wire.session, length=False, **more)
    status, got = exchange(gate.port, data + hidden, patience=15)
    return status, got, server.calls[before:]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_closed(framed, name):
    status, got, calls = sent(framed, *REFUSED[name])
    assert {"n": HIDDEN} not in calls, "the hidden request went through"
    assert calls == [], f"the server saw {calls}; the client got {got[:200]}"
    assert status is None or 400 <= status < 600, got[:300]
    assert got.count(b"HTTP/1.1 ") <= 1, got
    wire = framed[2]
    wire.close()
    assert "result" in wire.call("record", {"n": 2}).message, "others are served on"


@pytest.mark.parametrize("name", BOTH_LENGTHS)
def test_length_beside_chunked(framed, name):
    status, got, calls = sent(framed, *BOTH_LENGTHS[name])
    assert calls in ([], [{"n": 1}]), (calls, got[:300])
    assert status is None or status >= 400 or (status == 200 and b"connection: close" in got.lower() and calls), got[:300]
    assert got.count(b"HTTP/1.1 ") <= 1, "the connection went on"


@pytest.mark.parametrize("second", ["127.0.0.1", "evil.example"])
def test_a_second_host_is_refused(framed, second):
    status, got, calls = sent(framed, f"Host: {second}\r\n" + CL, BODY)
    assert status in (400, 403) and {"n": 1} not in calls, got[:300]


LINES = {
    "version 1.2": "POST /mcp/mock HTTP/1.2", "version 2.0": "POST /mcp/mock HTTP/2.0", "no version": "POST /mcp/mock", "version in small letters": "POST /mcp/mock http/1.1",
    "version 1.10": "POST /mcp/mock HTTP/1.10", "two blanks": "POST  /mcp/mock HTTP/1.1", "tab": "POST\t/mcp/mock\tHTTP/1.1", "trailing word": "POST /mcp/mock HTTP/1.1 x",
    "method in small letters": "post /mcp/mock HTTP/1.1", "method with NUL": "PO\0ST /mcp/mock HTTP/1.1", "blank in the path": "POST /mcp/mo ck HTTP/1.1",
    "CONNECT": "CONNECT 127.0.0.1:80 HTTP/1.1", "TRACE": "TRACE /mcp/mock HTTP/1.1", "PUT": "PUT /mcp/mock HTTP/1.1", "asterisk": "OPTIONS * HTTP/1.1",
    "dots": "POST /mcp/../mcp/mock HTTP/1.1", "two slashes": "POST //mcp/mock HTTP/1.1", "inner slashes": "POST /mcp//mock HTTP/1.1", "encoded slash": "POST /mcp%2fmock HTTP/1.1",
    "encoded name": "POST /mcp/%6dock HTTP/1.1", "path in capitals": "POST /MCP/mock HTTP/1.1", "backslash": "POST /mcp\\mock HTTP/1.1", "foreign authority": "POST http://evil.example/mcp/mock HTTP/1.1",
    "below": "POST /mcp/mock/x HTTP/1.1", "semicolon": "POST /mcp/mock;x HTTP/1.1", "PRI": "PRI * HTTP/2.0",
}


@pytest.mark.parametrize("name", LINES)
def test_request_lines(framed, name):
    status, got, calls = sent(framed, CL, BODY, line=LINES[name])
    # What stands behind a refused request with a good length is a request of its own, if the connection goes on.
    assert {"n": 1} not in calls, got[:300]
    assert status is None or 400 <= status < 600, got[:300]


# Served, and exactly once.
SERVED = {
    "plain": (CL, BODY, {}), "chunked": (TE, CHUNKED, {}), "chunked in many": (TE, b"".join(b"1\r\n%c\r\n" % c for c in BODY) + b"0\r\n\r\n", {}),
    "chunked with a trailer": (TE, CHUNKED[:-2] + b"Content-Length: 5\r\nAuthorization: Bearer x\r\n\r\n", {}), "chunk extension": (TE, CHUNKED.replace(b"\r\n", b";a=b\r\n", 1), {}),
    "coding in capitals": ("Transfer-Encoding: CHUNKED\r\n", CHUNKED, {}), "upgrade": ("Connection: Upgrade\r\nUpgrade: websocket\r\n" + CL, BODY, {}),
    "upgrade to h2c": ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + CL, BODY, {}),
    "unknown header": ("X-Unknown: \xe9\r\n" + CL, BODY, {}), "trailing slash": (CL, BODY, {"line": "POST /mcp/mock/ HTTP/1.1"}),
    "query": (CL, BODY, {"line": "POST /mcp/mock?x=1 HTTP/1.1"}), "own authority": (CL, BODY, {"line": "POST http://127.0.0.1/mcp/mock HTTP/1.1"}),
}


@pytest.mark.parametrize("name", SERVED)
def test_served_exactly_once(framed, name):
    headers, body, more = SERVED[name]
    status, got, calls = sent(framed, headers, body, **more)
    assert status == 200, got[:300]
    assert calls.count({"n": 1}) == 1 and calls.count({"n": HIDDEN}) <= 1, "two good requests in a row are two requests"
    assert b"101 Switching" not in got


# Either is right: refused, or one request, and what follows is read from the right place.
@pytest.mark.parametrize("name,data", [
    ("bare LF", lambda r: r.replace(b"\r\n", b"\n")), ("two equal lengths", lambda r: r.replace(CL.encode(), (CL + CL).encode())),
    ("length list of equals", lambda r: r.replace(CL.encode(), f"Content-Length: {SIZE}, {SIZE}\r\n".encode())),
    ("leading blank lines", lambda r: b"\r\n\r\n" + r), ("length with leading zeros", lambda r: r.replace(CL.encode(), f"Content-Length: 000{SIZE}\r\n".encode())),
    ("HTTP/1.0", lambda r: r.replace(b"HTTP/1.1", b"HTTP/1.0")), ("HTTP/1.0 keep-alive", lambda r: r.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")),
    ("chunked twice", lambda r: r.replace(CL.encode(), (TE + TE).encode()).replace(BODY, CHUNKED)),
    ("chunk size padded", lambda r: r.replace(CL.encode(), TE.encode()).replace(BODY, CHUNKED.replace(b"\r\n", b"  \r\n", 1))),
    ("chunk size with zeros", lambda r: r.replace(CL.encode(), TE.encode()).replace(BODY, b"0000" + CHUNKED)),
    ("HTTP/1.0 chunked", lambda r: r.replace(b"HTTP/1.1", b"HTTP/1.0").replace(CL.encode(), TE.encode()).replace(BODY, CHUNKED)),
])
def test_refused_or_served_once(framed, name, data):
    gate, server, wire = framed
    before = len(server.calls)
    request = data(authorized("/mcp/mock", BODY, session=wire.session))
    status, got = exchange(gate.port, request, patience=15)
    calls = server.calls[before:]
    assert (status == 200 and calls == [{"n": 1}]) or (calls == [] and (status is None or status >= 400)), (got[:300], calls)


def test_no_host_is_refused(framed):
    gate, server, wire = framed
    before = len(server.calls)
    status, _ = exchange(gate.port, authorized("/mcp/mock", BODY, session=wire.session, host=""))
    assert status in (400, 403) and len(server.calls) == before


def test_expect_100_continue(framed):
    gate, server, wire = framed
    before = len(server.calls)
    head = authorized("/mcp/mock", b"", CL + "Expect: 100-continue\r\n", session=wire.session, length=False)
    with socket.create_connection(("127.0.0.1", gate.port), 20) as sock:
        sock.sendall(head)
        assert sock.recv(4096).startswith(b"HTTP/1.1 100 ")
        sock.sendall(BODY)
        assert received(sock)[0].startswith(b"HTTP/1.1 200 ")
    assert server.calls[before:] == [{"n": 1}]
    refused = authorized("/mcp/mock", b"", f"Content-Length: {1 << 40}\r\nExpect: 100-continue\r\n", session=wire.session, length=False)
    assert exchange(gate.port, refused)[0] == 413, "a body that is too long is not asked for"


def test_the_body_of_a_refused_request_is_no_request(framed):
    """Behind an early error stands a body that looks like a request."""
    gate, server, wire = framed
    before = len(server.calls)
    hidden = authorized("/mcp/mock", message(HIDDEN), session=wire.session)
    for path, token in (("/mcp/mock", "a-wrong-token-of-some-length"), ("/mcp/nowhere", TOKEN), ("/none", TOKEN)):
        from support.raw import request
        exchange(gate.port, request(path, hidden, session=wire.session, token=token), patience=10)
        large = hidden + b" " * 300_000 + hidden
        exchange(gate.port, request(path, large, session=wire.session, token=token), patience=10)
    too_long = f"Content-Length: {17 << 20}\r\n"
    exchange(gate.port, authorized("/mcp/mock", hidden, too_long, session=wire.session, length=False), patience=10)
    assert server.calls[before:] == []


def test_pipelined_requests_are_answered_in_order(framed):
    gate, server, wire = framed
    before = len(server.calls)
    data = b"".join(authorized("/mcp/mock", message(n), session=wire.session) for n in range(10, 30))
    _, got = exchange(gate.port, data)
    ids = [json.loads(part.split(b"\r\n\r\n", 1)[1])["id"] for part in got.split(b"HTTP/1.1 200 OK")[1:]]
    assert ids == list(range(10, 30)) and [c["n"] for c in server.calls[before:]] == ids


def test_slow_clients_are_cut_off(framed):
    gate, server, wire = framed
    before = len(server.calls)
    for data in (b"POST /mcp/mock HTTP/1.1\r\nHost:", authorized("/mcp/mock", BODY[:20], CL, session=wire.session, length=False)):
        with socket.create_connection(("127.0.0.1", gate.port), 30) as sock:
            sock.sendall(data)
            got, closed = received(sock, 30)
            assert closed, "the connection of a client that never ends its request stays open"
            assert not got or b" 408 " in got[:20] or b" 400 " in got[:20], got[:100]
    assert len(server.calls) == before


def test_a_client_that_goes_in_the_middle_sends_nothing(framed):
    gate, server, wire = framed
    before = len(server.calls)
    for cut in range(0, SIZE, 7):
        with socket.create_connection(("127.0.0.1", gate.port), 5) as sock:
            sock.sendall(authorized("/mcp/mock", BODY[:cut], CL, session=wire.session, length=False))
    wire.close()
    assert "result" in wire.call("record", {"n": 3}).message
    wait_for(lambda: server.calls[before:] == [{"n": 3}], "only the whole request to arrive", patience=5)
