"""What the protocol offers beyond plain calls, with the reference server over both transports."""
import threading
import time

import pytest
from mcp_types import CreateMessageResult, ElicitResult, TextContent

from support.clients import python_client, run
from support.everything import STDIO
from support.gateway import ALLOW
from support.process import wait_for

TRANSPORTS = ["stdio", "http"]


@pytest.fixture(params=TRANSPORTS)
def reference(request, everything):
    return STDIO if request.param == "stdio" else {"url": everything}


def client_session(gateway, work, **callbacks):
    async def session():
        async with python_client(gateway.url("all"), "legacy", **callbacks) as client:
            return await work(client)
    return run(session())


def test_resources_and_prompts(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    resources = wire.ask("resources/list").result["resources"]
    assert resources
    contents = wire.ask("resources/read", {"uri": resources[0]["uri"]}).result["contents"]
    assert contents[0]["uri"] == resources[0]["uri"] and contents[0].get("text")
    assert wire.ask("resources/templates/list").result["resourceTemplates"]
    templated = wire.ask("resources/read", {"uri": "demo://resource/dynamic/text/3"}).result["contents"][0]
    assert "3" in templated["text"]
    names = [p["name"] for p in wire.ask("prompts/list").result["prompts"]]
    assert "simple-prompt" in names
    assert wire.ask("prompts/get", {"name": "simple-prompt"}).result["messages"]
    done = wire.ask("prompts/get", {"name": "args-prompt", "arguments": {"city": "Oslo"}}).result
    assert "Oslo" in str(done)


def test_resources_and_prompts_under_deny(gateway, reference):
    policy = {"version": "1", "default": "deny", "tools": {"echo": {}},
              "resources": {"demo://resource/dynamic/text/*": {}}, "prompts": {"simple-prompt": {}}}
    gate = gateway({"all": reference}, {"p": policy})
    wire = gate.wire("all").open()
    assert wire.tools() == ["echo"]
    assert [p["name"] for p in wire.ask("prompts/list").result["prompts"]] == ["simple-prompt"]
    assert wire.ask("resources/list").result["resources"] == []
    assert wire.ask("resources/read", {"uri": "demo://resource/dynamic/text/1"}).result["contents"]
    for uri in ["demo://resource/dynamic/blob/1", "demo://resource/dynamic/text/../blob/1", "demo://resource/dynamic/text/%2e%2e/blob/1"]:
        assert "error" in wire.ask("resources/read", {"uri": uri}).message, uri
    assert "error" in wire.ask("prompts/get", {"name": "args-prompt", "arguments": {"city": "Oslo"}}).message
    assert wire.ask("prompts/get", {"name": "simple-prompt"}).result["messages"]


def test_progress_reaches_the_asker(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    answer = wire.call("trigger-long-running-operation", {"duration": 0.5, "steps": 5}, _meta={"progressToken": "t-1"})
    progress = [m["params"] for m in answer.messages if m.get("method") == "notifications/progress"]
    assert [p["progress"] for p in progress] == [1, 2, 3, 4, 5], answer
    assert all(p["progressToken"] == "t-1" for p in progress)
    assert "completed" in answer.text


def test_two_clients_with_the_same_ids_get_their_own_answers(gateway, reference):
    gate = gateway({"all": reference})
    wrong = []

    def one(who):
        wire = gate.wire("all").open()
        for turn in range(40):
            said = f"{who}-{turn}"
            if said not in wire.call("echo", {"message": said}).text:
                wrong.append(said)
    threads = [threading.Thread(target=one, args=(f"client{i}",)) for i in range(4)]
    [t.start() for t in threads]
    [t.join(120) for t in threads]
    assert not wrong and not any(t.is_alive() for t in threads)


def test_a_call_can_be_cancelled(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    started = time.monotonic()
    call = threading.Thread(target=lambda: quietly(wire.call, "trigger-long-running-operation", {"duration": 50, "steps": 50}))
    call.start()
    other = gate.wire("all")
    other.session, other.version = wire.session, wire.version
    wait_for(lambda: any(r.get("tool") == "trigger-long-running-operation" for r in gate.records("decision")), "the call to be sent")
    note = other.send(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}')
    assert note.status == 202
    call.join(45)
    assert not call.is_alive() and time.monotonic() - started < 45, "the cancelled call went on"
    assert "hi" in other.call("echo", {"message": "hi"}).text


def quietly(work, *arguments):
    try:
        return work(*arguments)
    except Exception as error:  # a cancelled call may end without an answer
        return error


def test_sampling_and_elicitation_where_allowed(gateway, reference):
    gate = gateway({"all": reference})

    async def sample(_context, params):
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="as asked"), model="none")

    async def elicit(_context, params):
        return ElicitResult(action="decline")

    async def work(client):
        sampled = await client.call_tool("trigger-sampling-request", {"prompt": "p", "maxTokens": 5})
        elicited = await client.call_tool("trigger-elicitation-request", {})
        return sampled, elicited
    sampled, elicited = client_session(gate, work, sampling_callback=sample, elicitation_callback=elicit)
    assert "as asked" in sampled.content[0].text, sampled
    assert "decline" in str(elicited.content), elicited


def test_a_server_may_not_ask_what_the_policy_denies(gateway, reference):
    policy = {**ALLOW, "server_requests": {"sampling": "deny", "elicitation": "deny", "roots": "deny"}}
    gate = gateway({"all": reference}, {"p": policy})
    asked = []

    async def sample(_context, params):
        asked.append(params)
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="leaked"), model="none")

    async def elicit(_context, params):
        asked.append(params)
        return ElicitResult(action="accept", content={"name": "leaked"})

    async def work(client):
        tools = [t.name for t in (await client.list_tools()).tools]
        return tools, await client.call_tool("echo", {"message": "hi"})
    tools, echoed = client_session(gate, work, sampling_callback=sample, elicitation_callback=elicit)
    assert "trigger-sampling-request" not in tools and "trigger-elicitation-request" not in tools, tools
    assert "hi" in echoed.content[0].text and not asked


def test_logging_and_its_stream(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    stream = wire.stream()
    assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    assert "result" in wire.ask("logging/setLevel", {"level": "debug"}).message
    assert "tart" in wire.call("toggle-simulated-logging").text
    stream.sock.settimeout(60)
    while (event := stream.event()) and event[1].get("method") != "notifications/message":
        pass
    assert event and event[1]["params"]["level"], event
    stream.close()


def test_a_subscription_tells_of_updates(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    stream = wire.stream()
    uri = "demo://resource/dynamic/text/1"
    assert "result" in wire.ask("resources/subscribe", {"uri": uri}).message
    wire.call("toggle-subscriber-updates")
    stream.sock.settimeout(60)
    while (event := stream.event()) and event[1].get("method") != "notifications/resources/updated":
        pass
    assert event and event[1]["params"]["uri"] == uri
    stream.close()


def test_delete_ends_the_session(gateway, reference):
    gate = gateway({"all": reference})
    wire = gate.wire("all").open()
    assert "hi" in wire.call("echo", {"message": "hi"}).text
    assert wire.send(None, method="DELETE").status in (200, 202, 204)
    after = wire.call("echo", {"message": "hi"})
    assert after.status == 404, after
    assert wire.send(None, method="DELETE").status == 404


def test_a_stream_is_resumed_where_it_broke(gateway, everything):
    """Last-Event-ID goes to the server, and what was missed comes again."""
    gate = gateway({"all": {"url": everything}})
    wire = gate.wire("all").open()
    stream = wire.stream()
    wire.ask("logging/setLevel", {"level": "debug"})
    wire.call("toggle-simulated-logging")
    stream.sock.settimeout(60)
    seen = []
    while len(seen) < 2:
        event_id, message = stream.event()
        if event_id and message.get("method") == "notifications/message":
            seen.append((event_id, message))
    stream.close()
    again = resumed(wire, seen[0][0])
    again.sock.settimeout(60)
    # The server replays what came after the named event, on whichever stream it was.
    replayed = [again.event()]
    while replayed[-1] != seen[1]:
        assert replayed[-1] != seen[0] and len(replayed) < 20, replayed
        replayed.append(again.event())
    again.close()


def resumed(wire, event_id):
    """The server refuses a second stream until it has noticed that the first is gone."""
    found = []

    def attempt():
        stream = wire.stream({"Last-Event-ID": event_id})
        if stream.status == 200:
            found.append(stream)
            return True
        stream.close()
        return False
    wait_for(attempt, "the stream to be resumed", every=0.2)
    return found[0]
