"""The inventory of a running gateway: what is there, who can reach it, what is used, what it takes of a context, and what changed."""
import json

from support.admin import Admin
from support.gateway import ALLOW, OTHER_TOKEN, grant
from support.imagegen import SMALL, TOOL, imagegen_stdio
from support.process import wait_for
from support.recorder import TOOL as RECORD

SEED = {"version": "1", "default": "deny", "tools": {
    TOOL: {"limits": [{"counter": f"{TOOL}_rate", "window": "minute", "max": 10, "scope": "grant"}]}}}


def start(gateway, recorder, everything, folder):
    return gateway(
        {"imagegen": imagegen_stdio(folder), "every": {"url": everything}, "mock": recorder.config},
        {"open": ALLOW, "seed": SEED},
        grants={
            "alice": grant(servers={"imagegen": "seed", "every": "open", "mock": "open"}),
            "bob": grant(OTHER_TOKEN, servers={"every": "open"})})


def things(admin, query=""):
    found = admin.get(f"/inventory?limit=200{query}").expect(200).json
    return {(item["server"], item["kind"], item["name"]): item for item in found["items"]}, found


def test_what_is_reached_used_and_spent(gateway, recorder, everything, tmp_path):
    gate = start(gateway, recorder, everything, tmp_path)
    admin = Admin(gate)
    images, every = gate.wire("imagegen").open(), gate.wire("every").open()
    assert images.call(TOOL, SMALL).result.get("isError") is not True
    assert images.call("image.generate.openai", {"prompt": "x"}).result["isError"] is True
    for n in range(3):
        assert str(n) in json.dumps(every.call("echo", {"message": f"hello {n}"}).result)

    def indexed():
        found, page = things(admin)
        echo = found.get(("every", "tool", "echo"))
        return (found, page) if echo and echo["use"]["calls"] == 3 and page["use"]["known"] == "all" else None

    found, page = wait_for(indexed, "the calls to be in the index")
    assert all("problem" not in server for server in page["servers"]), page["servers"]
    tools = {key: item for key, item in found.items() if key[1] == "tool"}
    assert len([key for key in tools if key[0] == "imagegen" and key[2].startswith("image.generate.")]) == 4
    assert all(item["tool"]["tokens"] > 0 and 0 < item["tool"]["context_share"] < 0.1 for item in tools.values())
    assert {key[1] for key in found if key[0] == "every"} == {"tool", "resource", "template", "prompt"}

    image = found["imagegen", "tool", TOOL]
    assert (image["tool"]["category"], image["tool"]["severity"], image["tool"]["pin"]) == ("execute", "high", "unpinned")
    assert (image["use"]["calls"], image["use"]["denials"], image["unused"]) == (1, 0, False)
    assert [(reach["grant"], reach["decision"], reach["counters"]) for reach in image["grants"]] == [
        ("alice", "limited", [f"{TOOL}_rate"])]
    other = found["imagegen", "tool", "image.generate.openai"]
    assert (other["use"]["calls"], other["use"]["denials"], other["unused"]) == (1, 1, True)
    assert other["grants"][0]["decision"] == "denied"
    echo = found["every", "tool", "echo"]
    assert [(reach["grant"], reach["use"]["calls"]) for reach in echo["grants"]] == [("alice", 3), ("bob", 0)]

    unused, _ = things(admin, "&kind=tool&unused=true")
    assert ("every", "tool", "echo") not in unused and ("mock", "tool", "record") in unused
    grants = {row["grant"]: row for row in admin.get("/inventory/grants").expect(200).json["items"]}
    assert (grants["alice"]["unused"], grants["bob"]["unused"]) == (False, True)
    shown = [item["tool"]["tokens"] for key, item in tools.items() if key[0] == "every"]
    assert grants["bob"]["tokens"] == sum(shown) and grants["bob"]["tools"] == len(shown)
    matrix = admin.get("/inventory/matrix?server=mock").expect(200).json
    assert matrix["grants"] == ["alice", "bob"]
    assert [row["decisions"] for row in matrix["items"]] == [["allowed", None]] * 2

    # The same on the command line.
    told = gate.run("inventory", "--server", "imagegen", "--data-dir", gate.data)
    assert told.returncode == 0, told.stderr
    assert TOOL in told.stdout and "alice: limited" in told.stdout and "1 call, 1 denied" in told.stdout, told.stdout
    page = gate.run("catalog", "show", f"imagegen/{TOOL}", "--data-dir", gate.data)
    assert page.returncode == 0 and "Questions and answers" in page.stdout, page.stdout + page.stderr
    assert "execute · high risk · imagegen" in page.stdout and "unpinned" in page.stdout, page.stdout
    policy = gate.run("policy", "recommend", "--from-traffic", "--server", "every", "--data-dir", gate.data)
    assert policy.returncode == 0, policy.stderr
    (gate.folder / "used.json").write_text(policy.stdout)
    assert gate.run("check", "used.json").returncode == 0
    for tool, code in (("echo", 0), ("get-sum", 1)):
        explained = gate.run("policy", "explain", "--policy", "used.json", "--tool", tool, "--args", "{}")
        assert explained.returncode == code, explained.stdout + explained.stderr


def test_drift_after_a_servers_tools_changed(gateway, recorder, everything, tmp_path):
    gate = start(gateway, recorder, everything, tmp_path)
    admin = Admin(gate)
    assert gate.wire("mock").open().call("record", {"n": 1}).result
    first = admin.get("/inventory/drift?server=mock").expect(200).json
    assert first["items"] == [] and "mock" in first["watched_since"]

    changed = {**RECORD, "description": "Records its arguments, and deletes the file of that name."}
    recorder.tools = [changed, {**RECORD, "name": "third"}]
    asked = admin.post("/inventory/refresh?server=mock", {}).expect(200).json
    assert asked["servers"][0]["tools"] == 2
    drift = admin.get("/inventory/drift?server=mock").expect(200).json["items"]
    assert [(row["tool"], row["what"]) for row in drift] == [("other", "vanished"), ("record", "changed"), ("third", "appeared")]
    # The next call is judged by what was found, and the journal names it.
    assert gate.wire("mock").open().call("record", {"n": 2}).result
    wait_for(lambda: gate.records("decision")[-1].get("definition_hash") == drift[1]["definition_hash"], "the new definition")

    # It outlives the gateway.
    gate.stop()
    gate.start()
    admin = Admin(gate)
    again = admin.get("/inventory/drift?server=mock").expect(200).json["items"]
    assert [(row["tool"], row["what"]) for row in again] == [(row["tool"], row["what"]) for row in drift]
    said = admin.put("/servers/mock/tools/record/override", {"category": "destructive", "reason": "it says so"}, tag='"0"').expect(200)
    assert said.json["category"] == "destructive" and said.headers["ETag"]
    found, _ = things(admin, "&server=mock")
    tool = found["mock", "tool", "record"]["tool"]
    assert (tool["category"], tool["override"]["reason"]) == ("destructive", "it says so")
