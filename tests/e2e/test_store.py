"""The store of a running gateway while another process holds its database: calls go on, changes are refused or wait."""
import json
import sqlite3
import threading
import time

from support.admin import Admin

POLICY = {"notation": "json", "text": json.dumps({"version": "1", "tools": {"record": {}}})}


def held(gate, how):
    """The store's database, locked."""
    other = sqlite3.connect(gate.data / "toolgate.db", isolation_level=None, timeout=10, check_same_thread=False)
    other.execute(how)
    return other


def test_locked_by_another_process_calls_go_on_and_changes_are_refused(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    token = admin.post("/grants", {"label": "bob", "servers": {"mock": "p"}}).expect(201).json["token"]
    wire = gate.wire("mock", token).open()
    other = held(gate, "BEGIN EXCLUSIVE")
    started = time.monotonic()
    refused = admin.post("/policies", {"name": "late", **POLICY})
    waited = time.monotonic() - started
    assert refused.status == 503 and waited < 15, (refused.text, waited)
    assert wire.call("record", {"n": 1}).text
    assert "is locked by another process" in refused.json["detail"]
    # What is there is seen, and nothing was made by halves.
    admin.get("/grants/bob").expect(200)
    admin.get("/policies/late").expect(404)
    other.execute("ROLLBACK")
    admin.post("/policies", {"name": "late", **POLICY}).expect(201)
    assert admin.get("/health").json["condition"] == "ok"


def test_a_lock_that_is_short_is_waited_for(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    admin = Admin(gate)
    other = held(gate, "BEGIN IMMEDIATE")
    release = threading.Timer(1, lambda: other.execute("ROLLBACK"))
    release.start()
    admin.post("/policies", {"name": "late", **POLICY}).expect(201)
    release.join()


def test_locked_at_the_start_it_says_so(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    gate.stop()
    other = held(gate, "PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    done = gate.run("up", "--config", gate.config_path)
    assert done.returncode != 0 and "toolgate.db is locked by another process" in done.stderr, done.stderr
    other.execute("ROLLBACK")
    other.close()
    gate.start()
    assert gate.wire("mock").open().call("record", {"n": 1}).text
