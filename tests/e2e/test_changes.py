"""Changes over the admin API meet an independent client where it stands: at its next call, on its open stream."""
import asyncio
import json
import threading
import time

import pytest

from support.admin import Admin
from support.clients import python_client, run
from support.wire import Wire


def policy(tools):
    return {"notation": "json", "text": json.dumps({"version": "1", "tools": tools})}


def decisions(gate, tool):
    return [r for r in gate.records("decision") if r.get("tool") == tool and r["method"] == "tools/call"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_meets_each_change_at_its_next_call(gateway, recorder, everything, mode):
    gate = gateway({"mock": recorder.config})
    admin, pid = Admin(gate), gate.process.child.pid
    admin.post("/servers", {"name": "every", "url": everything}).expect(201)
    first = admin.post("/policies", {"name": "careful", **policy({"echo": {}})}).expect(201).json
    token = admin.post("/grants", {"label": "bob", "servers": {"every": "careful"}}).expect(201).json["token"]

    async def session():
        async with python_client(gate.url("every"), mode, token) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["echo"]
            allowed = await client.call_tool("echo", {"message": "hello"})
            changed = await asyncio.to_thread(admin.put, "/policies/careful", policy({"get-sum": {}}))
            refused = await client.call_tool("echo", {"message": "again"})
            summed = await client.call_tool("get-sum", {"a": 2, "b": 40})
            (await asyncio.to_thread(admin.delete, "/grants/bob")).expect(204)
            with pytest.raises(Exception) as cut:
                await client.call_tool("get-sum", {"a": 1, "b": 1})
            return allowed, changed.expect(200).json, refused, summed, cut.value

    allowed, second, refused, summed, cut = run(session())
    assert not allowed.is_error and "hello" in allowed.content[0].text
    assert refused.is_error and refused.content[0].text.startswith("[POLICY DENIED]")
    assert not summed.is_error and "42" in summed.content[0].text
    assert cut is not None
    assert gate.process.child.poll() is None and gate.process.child.pid == pid, "all of it in one process"

    kept = {v["version"] for v in admin.get("/policies/careful/versions").expect(200).json["items"]}
    assert first["version"] != second["version"] and kept == {first["version"], second["version"]}
    assert [(r["outcome"], r["policy_version"]) for r in decisions(gate, "echo")] == [
        ("allow", first["version"]), ("deny", second["version"])]
    # The call after the revocation was never judged: the token opened nothing any more.
    assert [(r["outcome"], r["policy_version"]) for r in decisions(gate, "get-sum")] == [("allow", second["version"])]


def watched_end(stream):
    """A thread that reads a stream to its end, and the moments at which streams ended."""
    ended = []
    stream.sock.settimeout(30)
    reader = threading.Thread(target=lambda: (stream.until_closed(), ended.append(time.monotonic())))
    reader.start()
    return reader, ended


def test_a_revocation_ends_an_open_stream_within_a_second(gateway, recorder, everything):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    admin.post("/servers", {"name": "every", "url": everything}).expect(201)
    admin.post("/policies", {"name": "careful", **policy({"echo": {}})}).expect(201)

    def granted(label):
        made = admin.post("/grants", {"label": label, "servers": {"every": "careful"}}).expect(201).json
        wire = Wire(gate.port, "/mcp/every", made["token"]).open()
        stream = wire.stream()
        assert stream.status == 200
        return wire, stream

    (wire, stream), (other, kept) = granted("bob"), granted("carol")
    reader, ended = watched_end(stream)
    other_reader, other_ended = watched_end(kept)
    asked = time.monotonic()
    admin.delete("/grants/bob").expect(204)
    reader.join(30)
    assert ended, "the stream of a revoked grant stays open"
    assert ended[0] - asked < 1, f"the stream ended {ended[0] - asked:.2f} s after the revocation"
    assert wire.call("echo", {"message": "x"}).status == 401
    # Nobody else notices.
    assert "x" in other.call("echo", {"message": "x"}).text and not other_ended
    admin.delete("/grants/carol").expect(204)
    other_reader.join(30)
    assert other_ended
