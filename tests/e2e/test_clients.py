"""Independent clients of both eras list and call through the gateway, on each kind of server."""
import json
import subprocess

import pytest

from support.clients import inspector, python_client, run
from support.everything import STDIO
from support.gateway import ALLOW, TOKEN
from support.imagegen import SMALL, TOOL, imagegen_stdio
from support.wire import BOTH, META, MODERN

ONLY_REPLICATE = {"version": "1", "default": "deny", "tools": {TOOL: {}}}
SERVERS = ["imagegen-stdio", "imagegen-http", "everything-stdio", "everything-http"]
# What a client calls on a server, and what must stand in the text that comes back.
CALLS = {"imagegen": (TOOL, SMALL, "provider="), "everything": ("get-sum", {"a": 2, "b": 40}, "42")}


@pytest.fixture
def everywhere(gateway, tmp_path, everything, imagegen):
    """One gateway in front of all four."""
    servers = {"imagegen-stdio": imagegen_stdio(tmp_path), "imagegen-http": {"url": imagegen},
               "everything-stdio": STDIO, "everything-http": {"url": everything}}
    from support.gateway import grant
    grants = {"alice": grant(servers={name: "images" if name.startswith("imagegen") else "all" for name in servers})}
    return gateway(servers, {"images": ONLY_REPLICATE, "all": ALLOW}, grants=grants)


def check_list(server, tools):
    if server.startswith("imagegen"):
        assert tools == [TOOL]
    else:
        assert {"echo", "get-sum"} <= set(tools)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_python(everywhere, server, mode):
    tool, arguments, expected = CALLS[server.split("-")[0]]

    async def session():
        async with python_client(everywhere.url(server), mode) as client:
            return [t.name for t in (await client.list_tools()).tools], await client.call_tool(tool, arguments)
    tools, result = run(session())
    check_list(server, tools)
    assert not result.is_error and expected in result.content[0].text, result


@pytest.mark.parametrize("server", ["imagegen-stdio", "imagegen-http"])
def test_python_without_sessions(everywhere, server):
    async def session():
        async with python_client(everywhere.url(server), MODERN) as client:
            tools = [t.name for t in (await client.list_tools()).tools]
            return tools, await client.call_tool(TOOL, SMALL), await client.call_tool("image.generate.openai", {"prompt": "x"})
    tools, result, denied = run(session())
    check_list(server, tools)
    assert not result.is_error and "provider=" in result.content[0].text
    assert denied.is_error and denied.content[0].text.startswith("[POLICY DENIED]")


@pytest.mark.parametrize("server,era", [(s, "legacy") for s in SERVERS] + [("imagegen-http", "modern"), ("imagegen-stdio", "modern")])
def test_inspector(everywhere, server, era):
    tool, arguments, expected = CALLS[server.split("-")[0]]
    code, answer, err = inspector(everywhere.url(server), "--method", "tools/list", era=era)
    assert code == 0, (answer, err)
    check_list(server, [t["name"] for t in answer["tools"]] if "tools" in answer else [t["name"] for t in answer["result"]["tools"]])
    code, answer, err = inspector(everywhere.url(server), "--method", "tools/call", "--tool-name", tool,
                                  "--tool-args-json", json.dumps(arguments), era=era)
    assert code == 0 and expected in json.dumps(answer), (answer, err)


def test_inspector_sees_a_denial_as_a_tools_error(gateway, imagegen):
    """A listed tool whose call is refused: the client's exit code says that the tool failed, and why."""
    policy = {"version": "1", "tools": {TOOL: {"require": [{"conditions": [{"path": "args.prompt", "op": "eq", "value": "a cat"}], "on_deny": "only cats"}]}}}
    gate = gateway({"images": {"url": imagegen}}, {"p": policy})
    for era in ("legacy", "modern"):
        code, answer, err = inspector(gate.url("images"), "--method", "tools/call", "--tool-name", TOOL, "--tool-args-json", '{"prompt":"a dog"}', era=era)
        assert code == 5 and "[POLICY DENIED] only cats" in json.dumps(answer), (era, code, answer, err)
    code, answer, err = inspector(gate.url("images"), "--method", "tools/call", "--tool-name", "image.generate.openai", "--tool-args-json", '{"prompt":"a cat"}')
    assert code == 5 and "not found" in err, "a denied tool does not even show in its list"


def test_a_modern_client_of_a_legacy_server_is_told_so(everywhere):
    wire = everywhere.wire("everything-http", modern=True)
    answer = wire.call("echo", {"message": "x"})
    assert answer.status == 400 and answer.error["code"] == -32022, answer
    assert "2025-11-25" in answer.error["data"]["supported"], answer


@pytest.mark.parametrize("server", SERVERS)
def test_curl_with_a_session(everywhere, server):
    tool, arguments, expected = CALLS[server.split("-")[0]]
    base = ["curl", "-s", "--max-time", "60", everywhere.url(server), "-H", f"Authorization: Bearer {TOKEN}",
            "-H", "Content-Type: application/json", "-H", f"Accept: {BOTH}"]

    def curl(message, *more):
        return subprocess.run([*base, *more, "-d", json.dumps({"jsonrpc": "2.0", **message})], capture_output=True, text=True, timeout=90).stdout
    head = curl({"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                                                            "clientInfo": {"name": "curl", "version": "8"}}}, "-i")
    session = next(line.split(":", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("mcp-session-id:"))
    assert "x-request-id:" in head.lower()
    more = ["-H", f"Mcp-Session-Id: {session}", "-H", "MCP-Protocol-Version: 2025-06-18"]
    curl({"method": "notifications/initialized"}, *more)
    assert expected in curl({"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}, *more)


@pytest.mark.parametrize("server", ["imagegen-stdio", "imagegen-http"])
def test_curl_without_a_session(everywhere, server):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": SMALL, "_meta": META}}
    done = subprocess.run(["curl", "-s", "--max-time", "60", everywhere.url(server), "-H", f"Authorization: Bearer {TOKEN}",
                           "-H", "Content-Type: application/json", "-H", f"Accept: {BOTH}", "-H", f"MCP-Protocol-Version: {MODERN}",
                           "-H", "Mcp-Method: tools/call", "-H", f"Mcp-Name: {TOOL}", "-d", json.dumps(body)],
                          capture_output=True, text=True, timeout=90)
    assert "provider=" in done.stdout and '"isError":true' not in done.stdout, done.stdout
