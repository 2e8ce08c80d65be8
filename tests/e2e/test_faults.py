"""Servers that are down, crash, hang or lie hurt only themselves, and the client is told what to do."""
import json
import socket
import sys
import threading
import time

from support.gateway import ALLOW
from support.imagegen import SMALL, TOOL, imagegen_stdio
from support.process import free_port, wait_for
from support.recorder import Recorder


def failure(answer):
    """The words of an error, whichever form it has."""
    return answer.message["error"]["message"]


def test_a_server_that_is_down_is_told_and_found_again(gateway):
    port = free_port()
    gate = gateway({"mock": {"url": f"http://127.0.0.1:{port}/mcp"}})
    assert gate.status("/readyz") == 200, "a server that is down does not keep the gateway from being ready"
    wire = gate.wire("mock")
    answer = wire.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
    said = failure(answer)
    assert "`mock`" in said and "cannot be reached" in said and "check that it runs" in said, answer
    assert "cannot be reached" in gate.get("/", console=True)[1]
    with Recorder(port=port) as server:
        wait_for(lambda: "result" in attempt(gate), "the server to be found again", every=0.2)
        wire = gate.wire("mock").open()
        assert wire.call("record", {"n": 1}).text and server.calls == [{"n": 1}]
        assert "no failure seen" in gate.get("/", console=True)[1]
    server.server.server_close()


def attempt(gate):
    return gate.wire("mock").send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode()).message


def test_a_call_that_was_never_written_gives_its_place_back(gateway):
    policy = {"version": "1", "tools": {"record": {"limits": [{"counter": "c", "window": "hour", "max": 2, "scope": "grant"}]}}}
    with Recorder() as server:
        port = server.port
        gate = gateway({"mock": server.config}, {"p": policy})
        wire = gate.wire("mock").open()
        assert not wire.call("record", {"n": 1}).denied
    # The server is gone. What cannot be known to be unwritten counts; what was refused at connecting does not.
    for n in range(5):
        message = wire.call("record", {"n": 10 + n}).message
        assert "error" in message or message["result"]["isError"], message
    outcomes = [r["outcome"] for r in gate.records("outcome")]
    spent = sum(o != "unreached" for o in outcomes)
    assert spent in (1, 2), outcomes
    with Recorder(port=port) as server:
        def back():
            try:
                return gate.wire("mock").open()
            except AssertionError:
                return None
        wire = wait_for(back, "the server to be used again", every=0.2)
        assert [wire.call("record", {"n": 2}).denied for _ in range(3)] == [n >= 2 - spent for n in range(3)], outcomes
        assert len(server.calls) == 2 - spent


def test_a_child_that_crashes_at_start_is_told_with_the_wait(gateway, tmp_path):
    counter = tmp_path / "starts"
    script = f"import sys; open({str(counter)!r}, 'a').write('x'); print('no key given, giving up', file=sys.stderr); sys.exit(3)"
    gate = gateway({"broken": {"command": [sys.executable, "-c", script]}, "fine": imagegen_stdio(tmp_path)})
    said = []
    for _ in range(12):
        answer = gate.wire("broken").send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
        said.append(failure(answer))
    assert all("`broken`" in text for text in said), said
    assert any("second" in text or "ms" in text for text in said[-3:]), f"the wait is not told: {said[-3:]}"
    assert len(counter.read_text()) < 12, "a child that crashes is not started at once for every request"
    logs = gate.run("logs", "broken", "--config", gate.config_path)
    assert "no key given" in logs.stdout, logs.stdout + logs.stderr
    assert "provider=" in gate.wire("fine").open().call(TOOL, SMALL).text


def test_a_child_that_does_not_exist(gateway):
    gate = gateway({"none": {"command": ["/nonexistent/server"]}})
    answer = gate.wire("none").send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
    assert "`none`" in failure(answer) and "cannot run `/nonexistent/server`" in failure(answer), answer


LIARS = {
    "not http": b"hello\r\n\r\n", "not json": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello",
    "no message": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    "html": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "status 500": b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "cut off": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "unauthorized": b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n", "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000_000, "closed": b"",
    "other id": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n{"jsonrpc":"2.0","id":99,"result":{}}\r\n',
}


def liar(text):
    """A server that answers everything with the same bytes, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.settimeout(5)
                    peer.recv(65536)
                    peer.sendall(text)
                except OSError:
                    pass
    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_servers_that_lie(gateway, recorder):
    listeners = {name.replace(" ", "-"): liar(text) for name, text in LIARS.items()}
    servers = {name: {"url": f"http://127.0.0.1:{one.getsockname()[1]}/mcp", "timeout": "5s"} for name, one in listeners.items()}
    gate = gateway({**servers, "mock": recorder.config})
    for name in servers:
        answer = gate.wire(name).send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
        assert f"`{name}`" in failure(answer) and answer.message["id"] == 1, (name, answer)
    assert gate.wire("mock").open().call("record", {"n": 1}).text
    [one.close() for one in listeners.values()]


def test_a_server_that_hangs_is_given_up_and_hurts_no_other(gateway, recorder):
    with Recorder() as slow:
        gate = gateway({"slow": {**slow.config, "timeout": "2s"}, "mock": recorder.config})
        wire = gate.wire("slow").open()
        wire.call("record", {"n": 0})
        slow.hold = threading.Event()
        started = time.monotonic()
        hung = []
        thread = threading.Thread(target=lambda: hung.append(wire.call("record", {"n": 1})))
        thread.start()
        other = gate.wire("mock").open()
        for n in range(20):
            other.call("record", {"n": n})
        assert thread.is_alive() and time.monotonic() - started < 2, "others wait for the server that hangs"
        thread.join(30)
        slow.hold.set()
        assert "2 seconds" in failure(hung[0]), hung
        call = [r for r in gate.records("decision") if r["server"] == "slow"][-1]
        outcomes = wait_for(lambda: [r for r in gate.records("outcome") if r["request_id"] == call["request_id"]], "the outcome")
        assert [r["outcome"] for r in outcomes] == ["error"], outcomes


def test_stop_is_quick_and_clean(gateway, tmp_path, recorder, imagegen):
    """With nothing in flight, after calls over each kind of leg, with sessions still open."""
    gate = gateway({"mock": recorder.config, "stdio": imagegen_stdio(tmp_path), "http": {"url": imagegen}})
    wires = [gate.wire("mock").open(), gate.wire("stdio").open(), gate.wire("http", modern=True)]
    for wire, tool, arguments in zip(wires, ("record", TOOL, TOOL), ({"n": 1}, SMALL, SMALL), strict=True):
        assert not wire.call(tool, arguments).denied
    started = time.monotonic()
    assert gate.stop() == 0
    elapsed = time.monotonic() - started
    stop = gate.records("stop")[-1]
    assert "cut off" not in json.dumps(stop), stop
    assert elapsed < 4, f"stopping took {elapsed:.1f} s"
    gate.verified()


def test_a_call_in_flight_ends_before_the_gateway_does(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock").open()
    wire.call("record", {"n": 0})
    recorder.hold = threading.Event()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(wire.call("record", {"n": 1})))
    thread.start()
    wait_for(lambda: len(recorder.calls) == 2, "the call to be in flight")
    gate.process.child.terminate()
    wait_for(lambda: "stopping" in gate.process.texts(), "the gateway to be told")
    assert gate.process.child.poll() is None
    recorder.hold.set()
    thread.join(30)
    assert answers and answers[0].text == '{"n": 1}', "the call in flight was cut off"
    assert gate.process.child.wait(30) == 0
    outcomes = [r["outcome"] for r in gate.records("outcome")]
    assert outcomes == ["ok", "ok"]


def test_a_limit_holds_under_concurrency(gateway, recorder):
    """Fifty clients at once, a limit of twenty: exactly twenty pass, over both eras' scopes."""
    policy = {"version": "1", "tools": {"record": {"limits": [{"counter": "c", "window": "hour", "max": 20, "scope": "grant"}]}}}
    gate = gateway({"mock": recorder.config}, {"p": policy})
    wires = [gate.wire("mock").open() for _ in range(50)]
    gate_open, outcomes = threading.Barrier(50), []

    def one(wire, n):
        gate_open.wait(30)
        outcomes.append(wire.call("record", {"n": n}).denied)
    threads = [threading.Thread(target=one, args=pair) for pair in zip(wires, range(50), strict=True)]
    [t.start() for t in threads]
    [t.join(60) for t in threads]
    assert outcomes.count(False) == 20 and outcomes.count(True) == 30 and len(recorder.calls) == 20


def test_concurrent_frees_its_place_when_the_call_ends(gateway, recorder):
    policy = {"version": "1", "tools": {"record": {"limits": [{"counter": "c", "concurrent": True, "max": 1, "scope": "grant"}]}, "other": {}}}
    gate = gateway({"mock": recorder.config}, {"p": policy})
    wire, second = gate.wire("mock").open(), gate.wire("mock").open()
    recorder.hold = threading.Event()
    thread = threading.Thread(target=wire.call, args=("record", {"n": 1}))
    thread.start()
    wait_for(lambda: recorder.calls, "the first call to be in flight")
    refused = second.call("record", {"n": 2})
    assert refused.denied and refused.decision["retryAfterMs"] is None, refused
    recorder.hold.set()
    thread.join(30)
    recorder.hold = None
    assert not second.call("record", {"n": 3}).denied
    assert [c["n"] for c in recorder.calls] == [1, 3]


def test_the_bytes_of_a_call_arrive_as_they_were(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": ALLOW})
    wire = gate.wire("mock").open()
    body = b'{ "params" : {"arguments":{"text":"\\u0041\\/","n": 12345678901234567890},"name":"record"}, "method":"tools/call","jsonrpc":"2.0" ,"id":"a\\"b"}'
    answer = wire.send(body)
    assert answer.message["id"] == 'a"b' and recorder.seen[-1] == ("POST", body)
