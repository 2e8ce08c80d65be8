"""The audit index of a running gateway equals the journal, whatever happened while it was filled."""
import os
import random
import sqlite3
import time

from support.admin import Admin
from support.index import assert_equals_journal, indexed, journaled, wait_until_current
from support.load import Load
from support.process import wait_for

KILLS = max(20, int(50 * float(os.environ.get("E2E_SCALE", "1"))))
# The index holds back from 5,000 records a second on; a call makes two.
SLOW = {"workers": 3, "pause": 0.001}


def remove_index(gate):
    for file in gate.data.glob("index.db*"):
        file.unlink()


def test_killed_while_it_ships_under_load(gateway, recorder):
    """Killed at any moment, fifty times, it takes up where it was: nothing is missing and nothing stands twice."""
    policy = {"version": "1", "tools": {"record": {"limits": [{"counter": "all", "window": "second", "max": 200, "scope": "grant"}]}}}
    gate = gateway({"mock": recorder.config}, {"p": policy})
    chance, moved, behind, rebuilt = random.Random(7), 0, 0, 0
    with Load(gate, "mock", "record", **SLOW) as load:
        for turn in range(KILLS):
            made, before = load.made, indexed(gate)
            wait_for(lambda: load.made > made + 5, f"calls after start {turn}", every=0.002)
            if turn % 2:
                # A batch was written in this run; the next one is under way or about to be.
                wait_for(lambda: indexed(gate) > before, f"the index to go on after start {turn}", every=0.005)
            time.sleep(chance.random() * 0.3)
            gate.kill()
            moved += indexed(gate) > before
            behind += journaled(gate) > indexed(gate)
            if turn % 10 == 9:
                # From the beginning, with more than there is time for.
                remove_index(gate)
                rebuilt += 1
            gate.start()
        wait_for(lambda: load.made > made + 50, "calls after the last start")
    last = assert_equals_journal(gate)
    assert moved >= KILLS // 2 and behind >= KILLS // 2, f"of {KILLS} kills {moved} came after a batch, {behind} before one"
    assert load.passed and load.denied, "calls of both decisions"
    gate.stop()
    gate.verified()
    assert len(gate.records("start")) == KILLS + 1 and last > KILLS * 20


def some_calls(gate, count=40):
    wire = gate.wire("mock").open()
    for n in range(count):
        assert wire.call("record", {"n": n}).text


def test_deleted_while_it_runs_it_is_built_again(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    some_calls(gate)
    before = assert_equals_journal(gate)
    remove_index(gate)
    some_calls(gate)
    wait_for(lambda: indexed(gate) > before, "the index to be built again")
    assert assert_equals_journal(gate) > before
    assert "the audit index is built again" in gate.process.texts()


def test_deleted_while_it_is_stopped_it_is_built_again(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    some_calls(gate)
    before = assert_equals_journal(gate)
    gate.stop()
    remove_index(gate)
    gate.start()
    some_calls(gate)
    assert assert_equals_journal(gate) > before


def test_locked_by_another_process_it_says_so_and_calls_go_on(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    some_calls(gate)
    wait_until_current(gate)
    admin = Admin(gate)
    other = sqlite3.connect(gate.data / "index.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    some_calls(gate)
    health = wait_for(lambda: (h := admin.get("/health").json["index"]).get("problem") and h, "the trouble to be told")
    assert health["condition"] == "degraded" and "locked" in health["problem"] and health["lag_records"] > 0, health
    assert admin.get("/audit/events?limit=5").expect(200).json["items"], "what it has is found all the same"
    other.execute("ROLLBACK")
    other.close()
    assert_equals_journal(gate)
