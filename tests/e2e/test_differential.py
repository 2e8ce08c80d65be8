"""The same requests sent direct and through the gateway give equal results: nothing is lost or changed."""
import json
import re

import pytest

from support.everything import ENTRY
from support.wire import Wire

SKIPPED_TOOLS = {
    # Answers hold what differs between two runs of the same request.
    "get-env": "the environment of the process",
    "gzip-file-as-resource": "fetches over the network",
    "toggle-simulated-logging": "a switch: its answer depends on what went before",
    "toggle-subscriber-updates": "a switch: its answer depends on what went before",
    "simulate-research-query": "runs as a task only",
}
ARGUMENTS = {
    "echo": [{"message": "hi"}, {"message": ""}, {"message": "ä\u0000\u2028\ud83d\ude00"}, {"message": "x", "more": {"a": [1.0, 1e-7, 12345678901234567890]}},
             {"message": 5}, {}],
    "get-sum": [{"a": 1, "b": 2}, {"a": 0.1, "b": 0.2}, {"a": -1e300, "b": 1e-300}, {"a": "1", "b": 2}],
    "get-annotated-message": [{"messageType": "error", "includeImage": True}, {"messageType": "debug", "includeImage": False}],
    "get-resource-links": [{"count": 3}],
    "get-resource-reference": [{"resourceType": "Text", "resourceId": 1}, {"resourceType": "Blob", "resourceId": 2}],
    "get-structured-content": [{"location": "Chicago"}, {"location": "Nowhere"}],
    "trigger-long-running-operation": [{"duration": 0.05, "steps": 2}],
}
VOLATILE = [(re.compile(r"\d{1,2}:\d\d:\d\d(?: ?[AP]M)?"), "<time>"), (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
            (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "<uuid>")]


def normal(answer):
    """What of an answer must be equal: everything but times, and the spelling of blank space."""
    assert answer.messages, answer
    text = json.dumps(answer.message, sort_keys=True)
    for pattern, stand_in in VOLATILE:
        text = pattern.sub(stand_in, text)
    return json.loads(text)


def requests(direct):
    """The corpus, made from what the server offers."""
    yield "ping", {}
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        yield method, {}
    for tool in direct.ask("tools/list").result["tools"]:
        if tool["name"] not in SKIPPED_TOOLS:
            for arguments in ARGUMENTS.get(tool["name"], [{}]):
                yield "tools/call", {"name": tool["name"], "arguments": arguments}
    for resource in direct.ask("resources/list").result["resources"]:
        yield "resources/read", {"uri": resource["uri"]}
    for uri in ("demo://resource/dynamic/text/5", "demo://resource/dynamic/blob/2", "demo://resource/none", "file:///none"):
        yield "resources/read", {"uri": uri}
    yield "prompts/get", {"name": "simple-prompt"}
    yield "prompts/get", {"name": "args-prompt", "arguments": {"city": "Oslo", "state": "ä"}}
    yield "prompts/get", {"name": "args-prompt"}
    yield "prompts/get", {"name": "none-such"}
    yield "completion/complete", {"ref": {"type": "ref/prompt", "name": "completable-prompt"}, "argument": {"name": "department", "value": "E"}}
    yield "logging/setLevel", {"level": "error"}


# Where the gateway answers itself, and must: the code stays, the words are its own.
def is_own_answer(method, params, through):
    if method != "tools/call":
        return False
    return through.get("result", {}).get("_meta", {}).get("toolgate/decision", {}).get("rule") == "(arguments)"


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_equal_results(gateway, everything, transport):
    reference = {"url": everything} if transport == "http" else {"command": ["node", str(ENTRY), "stdio"]}
    direct = Wire(int(everything.rsplit(":", 1)[1].split("/")[0]), "/mcp", None).open()
    through = gateway({"all": reference}).wire("all").open()
    assert through.initialized == direct.initialized
    different, equal, own = [], 0, 0
    for method, params in requests(direct):
        there = direct.ask(method, params)
        here = through.ask(method, params)
        a, b = normal(there), normal(here)
        a.pop("id"), b.pop("id")
        if is_own_answer(method, params, b):
            # The gateway checks arguments before the server does; the server must refuse them too.
            assert a.get("result", {}).get("isError") or "error" in a, (method, params, a)
            own += 1
        elif a == b:
            equal += 1
        else:
            different.append((method, params, a, b))
    assert not different, json.dumps(different[:3], indent=1)[:4000]
    assert equal > 30 and own >= 2, (equal, own)
