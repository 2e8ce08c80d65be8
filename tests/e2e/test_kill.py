"""After `kill -9` at any moment: every call that reached the server is in the journal, the chain is whole, and no
limit has let one call too many through."""
import os
import random
import time

from support.admin import Admin
from support.load import Load
from support.process import wait_for

SCALE = float(os.environ.get("E2E_SCALE", "1"))
KILLS = max(20, int(100 * SCALE))
MOST = KILLS * 12


def test_kills_under_load(gateway, recorder):
    policy = {"version": "1", "tools": {"record": {"record_arguments": True, "limits": [
        {"counter": "all", "window": "day", "max": MOST, "scope": "grant"}]}}}
    gate = gateway({"mock": recorder.config}, {"p": policy})
    chance = random.Random(11)
    with Load(gate, "mock", "record", workers=4) as load:
        for turn in range(KILLS):
            seen = len(recorder.calls)
            denied = len(load.denied)
            wait_for(lambda: len(recorder.calls) > seen or len(load.denied) > denied, f"calls after start {turn}", every=0.001)
            time.sleep(chance.random() * 0.02)
            gate.kill()
            # Nothing can reach the server now: what it saw must be written.
            verified_and_complete(gate, recorder)
            gate.start()
        # The rest of the limit is used up, and then not one call more passes.
        wait_for(lambda: len(load.denied) > denied + 200, "the limit to be reached", patience=120)
    gate.stop()
    assert len(load.failed) >= KILLS // 2, "most kills meet calls in flight, or this shows nothing"
    decided = verified_and_complete(gate, recorder)
    allowed = [r for r in gate.records("decision") if r.get("tool") == "record" and r["outcome"] == "allow"]
    assert len(recorder.calls) == len({c["n"] for c in recorder.calls}), "a call was sent twice"
    assert len(recorder.calls) <= MOST, f"{len(recorder.calls)} calls passed a limit of {MOST}"
    assert len(allowed) == MOST == len(decided), (len(allowed), MOST)
    starts = [r for r in gate.records("start")]
    assert len(starts) == KILLS + 1


def verified_and_complete(gate, recorder):
    """Every number that the server saw has a decision that allowed it."""
    with recorder.lock:
        seen = {c["n"] for c in recorder.calls}
    gate.verified()
    allowed = {r["arguments"]["n"] for r in gate.records("decision") if r.get("tool") == "record" and r["outcome"] == "allow"}
    assert seen <= allowed, f"calls without a record: {sorted(seen - allowed)[:5]}"
    return allowed


def test_a_torn_last_line_is_mended_and_told(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock").open()
    for n in range(5):
        wire.call("record", {"n": n})
    gate.kill()
    segment = max((p for p in gate.data.rglob("*") if p.is_file() and b'"kind":"decision"' in p.read_bytes()), key=lambda p: p.stat().st_size)
    before = gate.records()
    with segment.open("ab") as file:
        file.write(b'{"seq":999,"ts":"20')
    report = gate.verified()
    assert report["torn_bytes"] == 19
    gate.start()
    assert "cut off" in gate.process.texts()
    gate.wire("mock").open().call("record", {"n": 6})
    after = gate.records()
    assert after[:len(before)] == before and gate.verified()["torn_bytes"] == 0


def test_an_edited_journal_is_found(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock").open()
    for n in range(5):
        wire.call("record", {"n": n})
    gate.stop()
    gate.verified()
    segment = next(p for p in gate.data.rglob("*") if p.is_file() and b'"kind":"decision"' in p.read_bytes())
    whole = segment.read_bytes()
    lines = whole.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if b'"kind":"decision"' in line)
    edits = {"edited": whole.replace(b'"outcome":"allow"', b'"outcome":"deny"', 1), "removed": b"".join(lines[:at] + lines[at + 1:]),
             "swapped": b"".join(lines[:at] + [lines[at + 1], lines[at]] + lines[at + 2:]), "doubled": b"".join(lines[:at + 1] + lines[at:])}
    for name, text in edits.items():
        segment.write_bytes(text)
        done = gate.run("audit", "verify", "--data-dir", gate.data)
        assert done.returncode == 1, (name, done.stdout, done.stderr)
    segment.write_bytes(whole)
    gate.verified()


def test_what_a_killed_run_left_for_commands_is_not_taken_for_the_next_ones(gateway, recorder):
    """The file with address and token is of the run that serves, or not there."""
    gate = gateway({"mock": recorder.config})
    for _ in range(10):
        Admin(gate).get("/health").expect(200)
        gate.kill()
        assert (gate.data / "admin.json").is_file(), "a killed run leaves it"
        gate.start()
    Admin(gate).get("/health").expect(200)
