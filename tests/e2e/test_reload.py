"""A change of a policy takes effect whole, at once, and never fails a call; a broken one never takes effect."""
import json
import os
import random
import time

from support.gateway import replace_file
from support.load import Load
from support.process import wait_for

SCALE = float(os.environ.get("E2E_SCALE", "1"))
REWRITES = max(20, int(1000 * SCALE))
POLICIES = [json.dumps({"version": "1", "description": which, "tools": {"record": {"limits": [
    {"counter": which, "window": "hour", "max": 10**9, "scope": "grant"}]}}}) for which in ("first", "second")]
INVALID = ["", "{", '{"version":"1","tools":{"record":{"limts":[]}}}', '{"version":"2"}', "null", "[]", '{"version":"1","version":"1"}',
           POLICIES[0][:-1], POLICIES[1] + "x", '{"version":"1","default":"allow","tools":{"record":{"action":"maybe"}}}', "\ufeff{", "version: '1'\n  default: allow\n bad"]


def rename(path, text):
    replace_file(path, text)


def swap_link(path, text):
    """As mounted config maps change: a link is moved to a new file."""
    target = path.with_name(f"{path.stem}-{random.getrandbits(48):x}.json")
    target.write_text(text)
    link = path.with_name(path.name + ".link")
    link.symlink_to(target)
    os.replace(link, path)


def in_pieces(path, text):
    """Written in place, so that a reader may see half of it."""
    if path.is_symlink():
        path.unlink()
    with path.open("w") as file:
        for start in range(0, len(text), 40):
            file.write(text[start:start + 40])
            file.flush()


def anew(path, text):
    """Deleted, and made again."""
    path.unlink()
    path.write_text(text)


def test_rewrites_under_load(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": POLICIES[0]})
    path = gate.policy_path("p")
    ways, chance = [rename, swap_link, in_pieces, anew], random.Random(7)
    with Load(gate, "mock", "record", workers=3, pause=0.002) as load:
        wait_for(lambda: load.passed, "the first call")
        for turn in range(REWRITES):
            text = chance.choice(INVALID) if turn % 3 == 2 else POLICIES[turn % 2]
            chance.choice(ways)(path, text)
            before = load.made
            wait_for(lambda: load.made > before, "calls to go on", every=0.002)
            # Some changes follow each other at once, others stand long enough to be used.
            time.sleep(chance.choice([0, 0, 0.01, 0.15]))
        rename(path, POLICIES[1])
        # One more change that must be seen: the last policy is in use within a second or so.
        known = {r["policy_version"] for r in gate.records("decision")}
        marked = json.dumps({**json.loads(POLICIES[1]), "tools": {"record": {"action": "deny", "reason": "the last one"}}})
        rename(path, marked)
        wait_for(lambda: load.denied, "the last policy to be in use", patience=15)
    assert not load.failed, load.failed[:3]
    decisions = [r for r in gate.records("decision") if r["method"] == "tools/call"]
    assert len(decisions) == len(load.passed) + len(load.denied)
    allowed = {r["policy_version"] for r in decisions if r["outcome"] == "allow"}
    assert allowed <= known and len(known) == 2, (allowed, known)
    for version in known:
        counters = {l["counter"] for r in decisions if r["policy_version"] == version and r["outcome"] == "allow" for l in r["limits"]}
        assert len(counters) == 1, "one version, one set of rules"
    assert len({r["policy_version"] for r in decisions}) == 3, "only versions that were valid have judged"
    assert len(recorder.calls) == len(load.passed)
    gate.verified()


def test_a_broken_policy_is_told_and_never_used(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"action": "deny", "reason": "closed"}}}})
    wire = gate.wire("mock").open()
    for text in INVALID:
        replace_file(gate.policy_path("p"), text)
        wait_for(lambda: "cannot be used" in gate.get("/", console=True)[1], f"the status page to tell of {text[:30]!r}", patience=15, every=0.1)
        assert wire.call("record", {"n": 1}).denied, text
        replace_file(gate.policy_path("p"), json.dumps({"version": "1", "tools": {"record": {"action": "deny", "reason": "closed"}}}))
        wait_for(lambda: "cannot be used" not in gate.get("/", console=True)[1], "the status page to be well again", patience=15, every=0.1)
    assert not recorder.calls


def test_a_change_is_in_use_within_a_second_or_so(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {}}}})
    wire = gate.wire("mock").open()
    assert not wire.call("record").denied
    gate.write_policy("p", {"version": "1", "tools": {"record": {"action": "deny", "reason": "closed"}}})
    wait_for(lambda: wire.call("record").denied, "the change", patience=2.5)


def test_a_limit_keeps_its_history_over_a_reload(gateway, recorder):
    def limit(most):
        return {"version": "1", "tools": {"record": {"limits": [{"counter": "c", "window": "hour", "max": most, "scope": "grant"}]}}}
    gate = gateway({"mock": recorder.config}, {"p": limit(3)})
    wire = gate.wire("mock").open()
    assert [wire.call("record").denied for _ in range(4)] == [False] * 3 + [True]
    gate.write_policy("p", limit(5))
    wait_for(lambda: not wire.call("record").denied, "the higher limit", patience=15)
    assert [wire.call("record").denied for _ in range(2)] == [False, True]
    assert len(recorder.calls) == 5


def test_servers_and_grants_come_and_go(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    wire = gate.wire("mock").open()
    gate.config["servers"]["more"] = recorder.config
    gate.config["grants"]["alice"]["servers"]["more"] = "p"
    gate.write_config()
    wait_for(lambda: gate.wire("more").send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status != 404, "the new server")
    assert gate.wire("more").open().call("record").text and wire.call("record").text
    del gate.config["servers"]["mock"], gate.config["grants"]["alice"]["servers"]["mock"]
    gate.write_config()
    wait_for(lambda: wire.call("record").status == 404, "the server to be gone")
