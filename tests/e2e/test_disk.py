"""A disk without room: calls and changes are refused and say why, nothing that was answered is lost, and all goes on by
itself when there is room."""
import json
import time

import pytest

from support.admin import Admin
from support.disk import kinds, small_disk
from support.index import assert_equals_journal
from support.load import Load
from support.process import TOOLGATE, Process, wait_for

POLICY = {"notation": "json", "text": json.dumps({"version": "1", "tools": {"record": {}}})}


@pytest.fixture(params=kinds())
def disk(request, tmp_path):
    with small_disk(tmp_path / "disk", request.param) as disk:
        yield disk


def on(disk, gateway, recorder, **more):
    gate = gateway({"mock": recorder.config}, start=False, **more)
    gate.config["data_dir"] = str(disk.path / "data")
    gate.data = disk.path / "data"
    gate.write_config()
    return gate.start()


def seen(recorder):
    with recorder.lock:
        return [call["n"] for call in recorder.calls]


def test_without_room_calls_are_refused_and_nothing_is_lost(disk, gateway, recorder):
    policy = {"version": "1", "tools": {"record": {"record_arguments": True}}}
    gate = on(disk, gateway, recorder, policies={"p": policy}, journal={"low_water": 0})
    admin = Admin(gate)
    with Load(gate, "mock", "record", workers=3, pause=0.002) as load:
        wait_for(lambda: len(load.passed) > 50, "calls")
        disk.fill(gate)
        try:
            wait_for(lambda: gate.status("/readyz") == 503, "the gateway to say that it serves no calls")
            time.sleep(0.2)
            passed, reached = len(load.passed), len(recorder.calls)
            failed = len(load.failed)
            wait_for(lambda: len(load.failed) > failed + 10, "calls to be refused")
            assert "cannot record calls" in load.failed[-1][1], load.failed[-1]
            assert "journal cannot be written" in gate.get("/readyz")[1]
            health = admin.get("/health").expect(200).json
            assert health["condition"] == health["journal"]["condition"] == "failed"
            refused = admin.post("/policies", {"name": "late", **POLICY}).expect(503)
            assert "nothing is changed while the journal cannot be written" in refused.json["detail"]
            assert len(load.passed) == passed and len(recorder.calls) == reached, "a call went on without its record"
            assert gate.process.child.poll() is None
            admin.get("/policies/p").expect(200)
            admin.get("/policies/late").expect(404)
        finally:
            disk.clear(gate)
        wait_for(lambda: gate.status("/readyz") == 200, "the gateway to serve again")
        wait_for(lambda: len(load.passed) > passed + 50, "calls to pass again")
    admin.post("/policies", {"name": "late", **POLICY}).expect(201)
    assert_equals_journal(gate)
    assert gate.stop() == 0
    gate.verified()
    allowed = {r["arguments"]["n"] for r in gate.records("decision") if r.get("tool") == "record" and r["outcome"] == "allow"}
    numbers = seen(recorder)
    assert len(numbers) == len(set(numbers)) and set(numbers) <= allowed and set(load.passed) <= allowed


def test_below_the_low_water_mark_calls_are_refused_before_the_disk_is_full(gateway, recorder):
    gate = gateway({"mock": recorder.config}, journal={"low_water": "1000TB"}, start=False)
    gate.process = Process([TOOLGATE, "up", "--config", gate.config_path], gate.folder, "gateway", gate.env)
    wait_for(lambda: gate.status("/readyz") == 503, "the gateway to say that it serves no calls")
    assert "low-water" in gate.get("/readyz")[1]
    assert Admin(gate).get("/health").expect(200).json["journal"]["condition"] == "failed"
    answer = gate.wire("mock").send(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record","arguments":{}}}')
    assert "error" in answer.message or answer.status >= 400
    assert not recorder.calls
