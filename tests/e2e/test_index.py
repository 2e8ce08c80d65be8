"""The audit index of a running gateway equals the journal, whatever happened while it was filled."""
import os
import random
import time

from support.index import assert_equals_journal, indexed
from support.load import Load
from support.process import wait_for

KILLS = max(20, int(50 * float(os.environ.get("E2E_SCALE", "1"))))
# The index holds back from 5,000 records a second on; a call makes two.
SLOW = {"workers": 3, "pause": 0.001}


def remove_index(gate):
    for file in gate.data.glob("index.db*"):
        file.unlink()


def last_record(gate):
    """Number of the journal's last record, read from its files as they stand."""
    numbers = (line.split(b",", 1)[0] for path in sorted(gate.data.glob("journal/*.jsonl")) for line in tail(path))
    return max((int(n.rpartition(b":")[2]) for n in numbers if n.startswith(b'{"seq":')), default=0)


def tail(path):
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        return file.read().splitlines()


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
            behind += last_record(gate) > indexed(gate)
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
