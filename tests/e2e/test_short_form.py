"""The short form of policies, as catalogue pages print it, means what it says."""
import json

from support.imagegen import SMALL, TOOL

RATE = {"version": "1", "tools": {TOOL: {"rate_limit": {"max": 10, "window": 60}}}}
DENY = {"version": "1", "tools": {TOOL: {"action": "deny", "reason": "Pictures come from the design team"}}}


def test_rate_limit(gateway, imagegen):
    gate = gateway({"images": {"url": imagegen}}, {"p": RATE})
    wire = gate.wire("images").open()
    assert wire.tools() == [TOOL]
    assert [wire.call(TOOL, SMALL).denied for _ in range(10)] == [False] * 10
    eleventh = wire.call(TOOL, SMALL)
    assert eleventh.denied and 0 < eleventh.decision["retryAfterMs"] <= 60_000
    assert wire.call("image.generate.openai", {"prompt": "x"}).denied


def test_a_new_session_resets_nothing(gateway, imagegen):
    """The limit counts for a session; a client that ends its session and opens another has spent the same."""
    gate = gateway({"images": {"url": imagegen}}, {"p": RATE})
    wire = gate.wire("images").open()
    for _ in range(10):
        assert not wire.call(TOOL, SMALL).denied
    assert wire.send(None, method="DELETE").status in (200, 202, 204)
    again = gate.wire("images").open()
    assert again.session != wire.session and again.call(TOOL, SMALL).denied


def test_without_sessions_the_grant_is_the_session(gateway, imagegen):
    gate = gateway({"images": {"url": imagegen}}, {"p": RATE})
    answers = [gate.wire("images", modern=True).call(TOOL, SMALL) for _ in range(11)]
    assert [a.denied for a in answers] == [False] * 10 + [True]


def test_action_deny_with_its_reason(gateway, imagegen):
    gate = gateway({"images": {"url": imagegen}}, {"p": DENY})
    for wire in (gate.wire("images").open(), gate.wire("images", modern=True)):
        assert wire.tools() == []
        answer = wire.call(TOOL, SMALL)
        assert answer.denied and "Pictures come from the design team" in answer.text
        assert answer.decision["rule"].startswith(f"/tools/{TOOL}")


def test_explain_says_the_same(gateway, imagegen, tmp_path):
    gate = gateway({"images": {"url": imagegen}}, {"p": DENY}, start=False)
    done = gate.run("policy", "explain", "--policy", gate.policy_path("p"), "--tool", TOOL, "--args", json.dumps(SMALL))
    assert done.returncode == 1 and "design team" in done.stdout, done.stdout + done.stderr


def test_hidden_and_unlisted_names_cannot_be_told_apart(gateway, imagegen):
    hiding = {"hide": ["image.generate.google"]}
    for default, tools in (("deny", {TOOL: {}}), ("allow", {})):
        gate = gateway({"images": {"url": imagegen}}, {"p": {"version": "1", "default": default, "tools": tools, **hiding}})
        wire = gate.wire("images").open()
        assert "image.generate.google" not in wire.tools()
        answers = []
        for name in ("image.generate.google", "image.generate.nothing"):
            message = wire.call(name, {"prompt": "x"}).message
            message.pop("id")
            if "result" in message:
                message["result"]["_meta"]["toolgate/decision"].pop("requestId")
            answers.append(json.dumps(message).replace(name, "NAME"))
        assert answers[0] == answers[1], default
