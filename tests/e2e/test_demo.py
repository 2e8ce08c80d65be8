"""`toolgate up --demo`: what a person sees in the first minute holds."""
import json
import re
import subprocess

import pytest

from support.clients import python_client, run
from support.imagegen import SMALL, TOOL
from support.process import TOOLGATE, Process, free_port
from support.wire import Wire

DENIED = ["image.generate.openai", "image.generate.google", "image.generate.gemini"]


@pytest.fixture
def demo(tmp_path):
    port, console = free_port(), free_port()
    process = Process([TOOLGATE, "up", "--demo", "--listen", f"127.0.0.1:{port}", "--console", f"127.0.0.1:{console}",
                       "--data-dir", tmp_path / "data"], tmp_path, "demo")
    process.wait_until(lambda: "Toolgate is running." in process.out.read_text() and "curl" in process.out.read_text(),
                       "the demo to tell how to connect")
    text = process.out.read_text()
    url = re.search(r"proxy URL\s+(\S+)", text).group(1)
    token = re.search(r"grant token\s+(tg_\S+)", text).group(1)
    assert url == f"http://127.0.0.1:{port}/mcp/imagegen"
    assert len(token) == 3 + 43 + 6
    yield {"url": url, "token": token, "text": text, "port": port, "data": tmp_path / "data", "process": process}
    process.kill()


def audit(demo, *arguments):
    return subprocess.run([TOOLGATE, "audit", *arguments, "--data-dir", demo["data"]], capture_output=True, text=True, timeout=60)


def test_the_seed_policy_holds_for_a_real_client(demo):
    """Lists one tool, lets ten calls through, refuses the eleventh with the wait, denies the others, proves it all."""
    async def session():
        async with python_client(demo["url"], "legacy", demo["token"]) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            passed = [await client.call_tool(TOOL, SMALL) for _ in range(10)]
            eleventh = await client.call_tool(TOOL, SMALL)
            others = [await client.call_tool(name, {"prompt": "x"}) for name in DENIED]
            return tools, passed, eleventh, others
    tools, passed, eleventh, others = run(session())

    assert tools == [TOOL]
    for result in passed:
        assert not result.is_error, result
        assert "provider=" in result.content[0].text
    assert eleventh.is_error
    text = eleventh.content[0].text
    assert text.startswith("[POLICY DENIED]"), text
    assert re.search(r"\b\d+ (second|minute)s?\b", text), f"the wait is not told in words: {text}"
    decision = eleventh.meta["toolgate/decision"]
    assert decision["outcome"] == "deny" and decision["rule"] == f"/tools/{TOOL}/limits/0", decision
    assert 0 < decision["retryAfterMs"] <= 60_000
    for result in others:
        assert result.is_error and result.content[0].text.startswith("[POLICY DENIED]"), result
        assert result.meta["toolgate/decision"]["rule"] == "(default deny)"
        assert result.meta["toolgate/decision"]["retryAfterMs"] is None
    assert len(list((demo["data"] / "outputs").iterdir())) == 10

    verified = audit(demo, "verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    exported = audit(demo, "export", "--format", "jsonl")
    records = [json.loads(line) for line in exported.stdout.splitlines()]
    decisions = [r for r in records if r["kind"] == "decision" and r["method"] == "tools/call"]
    assert [r["outcome"] for r in decisions] == ["allow"] * 10 + ["deny"] * 4
    assert len([r for r in records if r["kind"] == "outcome"]) == 10
    story = audit(demo, "show", decision["requestId"])
    assert story.returncode == 0 and TOOL in story.stdout and "deny" in story.stdout, story.stdout + story.stderr
    assert "a lighthouse" not in exported.stdout, "argument values are not recorded unless asked for"


def test_the_printed_curl_line_works(demo):
    command = demo["text"][demo["text"].index("curl -s"):]
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert '"isError":true' not in done.stdout and "provider=" in done.stdout, done.stdout


def test_the_printed_stdio_snippet_works(demo):
    """The `connect` entry carries a whole session of a client that speaks only stdio."""
    blocks = [json.loads(block) for block in re.findall(r"^\{.*?^\}", demo["text"], re.S | re.M)]
    entry = next(b["mcpServers"]["imagegen"] for b in blocks if "command" in b["mcpServers"]["imagegen"])
    assert demo["token"] not in entry["args"]
    from mcp import StdioServerParameters
    from mcp.client.client import Client

    async def session():
        server = StdioServerParameters(command=entry["command"], args=entry["args"], env=entry["env"])
        async with Client(server, mode="legacy", read_timeout_seconds=60) as client:
            return [t.name for t in (await client.list_tools()).tools], await client.call_tool(TOOL, SMALL)
    tools, result = run(session())
    assert tools == [TOOL] and not result.is_error


def test_a_second_gateway_on_the_same_data_is_refused(demo):
    second = subprocess.run([TOOLGATE, "up", "--demo", "--listen", f"127.0.0.1:{free_port()}", "--console",
                             f"127.0.0.1:{free_port()}", "--data-dir", demo["data"]], capture_output=True, text=True, timeout=60)
    assert second.returncode != 0 and "data" in second.stderr, second.stderr


def test_the_token_of_the_demo_is_not_kept_on_disk(demo):
    Wire(demo["port"], "/mcp/imagegen", demo["token"]).open().close()
    for path in demo["data"].rglob("*"):
        if path.is_file():
            assert demo["token"].encode() not in path.read_bytes(), path


def test_the_demo_refuses_addresses_that_others_can_reach(tmp_path):
    done = subprocess.run([TOOLGATE, "up", "--demo", "--listen", f"0.0.0.0:{free_port()}", "--data-dir", tmp_path / "d"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "loopback" in done.stderr, done.stderr
