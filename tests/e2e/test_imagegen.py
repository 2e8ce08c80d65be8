"""`imagegen-mcp` with every vendor faked: independent clients of both eras, over both transports, and behind the gateway."""
import base64
import contextlib
import json
import pathlib
import re

import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client

from support.clients import inspector, inspector_stdio, python_client, run
from support.pictures import sides
from support.process import IMAGEGEN
from support.vendors import Vendors, imagegen_http
from support.wire import MODERN

SEED = {"version": "1", "default": "deny", "tools": {"image.generate.replicate": {"limits": [
    {"counter": "image.generate.replicate_rate", "window": "minute", "max": 10, "scope": "grant"}]}}}
# Tool, arguments, and the picture that must come of them.
CALLS = [
    ("image.generate.replicate", {"prompt": "a lighthouse", "size": "640x480", "format": "png"}, ("image/png", 640, 480)),
    ("image.generate.replicate", {"prompt": "a lighthouse", "model": "qwen/qwen-image", "size": "1664x928", "format": "png"}, ("image/png", 1664, 928)),
    ("image.generate.replicate", {"prompt": "a lighthouse", "model": "bytedance/seedream-4", "size": "1024x1024", "format": "jpeg"}, ("image/jpeg", 1024, 1024)),
    ("image.generate.openai", {"prompt": "a lighthouse", "size": "1536x1024", "format": "jpeg"}, ("image/jpeg", 1536, 1024)),
    ("image.generate.gemini", {"prompt": "a lighthouse"}, ("image/png", 1024, 1024)),
    ("image.generate.google", {"prompt": "a lighthouse"}, ("image/png", 1024, 1024)),
]
GENERATORS = {"image.generate.openai", "image.generate.google", "image.generate.gemini", "image.generate.replicate"}


@pytest.fixture
def vendors(tmp_path):
    fakes = Vendors(tmp_path)
    yield fakes
    fakes.process.kill()


def saved(text):
    return pathlib.Path(re.match(r"provider=\S+ model=\S* saved=(\S+)", text).group(1))


def check(call, text, structured):
    path = saved(text)
    assert sides(path.read_bytes()) == call[2], (call, text)
    assert (structured["mime"], structured["width"], structured["height"]) == call[2], structured
    assert structured["path"] == str(path)


def check_vendors(vendors):
    """Nothing was sent that a vendor refuses, and no key to where pictures are fetched."""
    for name, counts in vendors.get("/counts").items():
        assert counts["invalid"] == 0 and counts["key_leaks"] == 0, (name, counts, vendors.get("/requests"))


@contextlib.asynccontextmanager
async def stdio_client(env, mode, command=str(IMAGEGEN), arguments=("stdio",)):
    server = StdioServerParameters(command=command, args=list(arguments), env=env)
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto", MODERN])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_python_lists_and_calls_every_tool(vendors, tmp_path, transport, mode):
    process = None
    if transport == "http":
        process, url = imagegen_http(vendors, tmp_path)

    async def session():
        opened = python_client(url, mode, None) if process else stdio_client(vendors.env_for(tmp_path), mode)
        async with opened as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            return tools, [await client.call_tool(tool, arguments) for tool, arguments, _ in CALLS]
    try:
        tools, results = run(session())
    finally:
        if process:
            process.kill()
    assert GENERATORS <= tools
    for call, result in zip(CALLS, results):
        assert not result.is_error, result
        check(call, result.content[0].text, result.structured_content)
    check_vendors(vendors)


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_inspector_lists_and_calls_every_tool(vendors, tmp_path, transport, era):
    env = vendors.env_for(tmp_path)
    process = None
    if transport == "http":
        process, url = imagegen_http(vendors, tmp_path)

    def ask(*arguments):
        if process:
            return inspector(url, *arguments, era=era)
        return inspector_stdio([IMAGEGEN, "stdio"], env, *arguments, era=era)
    try:
        code, answer, err = ask("--method", "tools/list", "--strict")
        assert code == 0, (answer, err)
        answer = answer.get("result", answer)
        assert GENERATORS <= {tool["name"] for tool in answer["tools"]}
        for call in (CALLS[0], *CALLS[3:]):
            code, answer, err = ask("--method", "tools/call", "--tool-name", call[0], "--tool-args-json", json.dumps(call[1]))
            assert code == 0, (call, answer, err)
            result = answer.get("result", answer)
            check(call, result["content"][0]["text"], result["structuredContent"])
    finally:
        if process:
            process.kill()
    check_vendors(vendors)


def test_behind_the_gateway_ten_pictures_and_one_denial(gateway, vendors, tmp_path):
    server = {"command": [str(IMAGEGEN), "stdio"], "env": vendors.env_for(tmp_path)}
    gate = gateway({"imagegen": server}, {"seed": SEED})

    async def session():
        async with python_client(gate.url("imagegen"), "legacy") as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            return tools, [await client.call_tool(CALLS[0][0], CALLS[0][1]) for _ in range(11)]
    tools, results = run(session())
    assert tools == ["image.generate.replicate"]
    for result in results[:10]:
        assert not result.is_error, result
        check(CALLS[0], result.content[0].text, result.structured_content)
    assert results[10].is_error and results[10].content[0].text.startswith("[POLICY DENIED]"), results[10]
    counts = vendors.counts("replicate")
    assert (counts["creates"], counts["accepted"]) == (10, 10), counts
    assert len(list((tmp_path / "outputs").iterdir())) == 10
    check_vendors(vendors)
    gate.verified()


def test_a_failed_picture_is_an_error_in_three_parts_through_the_gateway(gateway, vendors, tmp_path):
    server = {"command": [str(IMAGEGEN), "stdio"], "env": vendors.env_for(tmp_path)}
    gate = gateway({"imagegen": server})
    wire = gate.wire("imagegen").open()
    for twists, part in (("status=402", "Insufficient credit"), ("nsfw", "E005"), ("not-found", "404")):
        answer = wire.call("image.generate.replicate", {"prompt": f"p [fake:{twists}]"})
        result = answer.message["result"]
        text = result["content"][0]["text"]
        assert result["isError"] is True and part in text and "\nCode: " in text and "\nWhat to do: " in text, text


def test_a_full_disk_is_an_error_in_three_parts(vendors, tmp_path):
    """The server may write files of half a kilobyte, as if the disk were full; the picture is larger."""
    env = vendors.env_for(tmp_path, PATH="/usr/bin:/bin", TMPDIR=str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    shell = ["-c", f"trap '' XFSZ; ulimit -f 1; exec {IMAGEGEN} stdio"]

    async def session():
        async with stdio_client(env, "legacy", "sh", shell) as client:
            result = await client.call_tool(CALLS[0][0], CALLS[0][1])
            with_picture = await client.call_tool(CALLS[0][0], {**CALLS[0][1], "returnBase64": True})
            again = await client.call_tool(CALLS[0][0], {**CALLS[0][1], "dryRun": True})
            return result, with_picture, again
    result, with_picture, again = run(session())
    text = result.content[0].text
    assert result.is_error and "\nCode: " in text and "\nWhat to do: " in text and "OUTPUT_DIR" in text, text
    picture = next(block for block in with_picture.content if block.type == "image")
    assert with_picture.is_error and sides(base64.b64decode(picture.data)) == CALLS[0][2], "what was paid for is not lost"
    assert not again.is_error, "the server goes on"
    left = [path for path in tmp_path.rglob("*") if path.is_file() and b"PNG" in path.read_bytes()[:8]]
    assert not left, left


def test_the_fakes_listen_on_loopback_only(tmp_path):
    import subprocess
    done = subprocess.run([IMAGEGEN, "fake-vendors", "--listen", "0.0.0.0:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--exposed" in done.stderr, done.stderr


def test_keys_are_neither_logged_nor_told(vendors, tmp_path):
    """With everything logged, and a vendor that quotes the key in its words."""
    process = None
    canary = {"REPLICATE_API_TOKEN": "r8_fakecanary4711", "OPENAI_API_KEY": "sk-fakecanary4711", "GOOGLE_API_KEY": "AIza-fakecanary4711"}
    vendors.env.update(canary)
    vendors.env["RUST_LOG"] = "trace"
    process, url = imagegen_http(vendors, tmp_path)

    async def session():
        async with python_client(url, "legacy", None) as client:
            return [await client.call_tool(tool, {"prompt": f"a secret wish {twists}"})
                    for tool in sorted(GENERATORS) for twists in ("", "[fake:echo]")]
    results = run(session())
    process.stop()
    assert [result.is_error for result in results] == [False, True] * 4
    log = process.texts()
    assert "canary4711" not in log + "".join(str(result) for result in results)
    assert "a secret wish" not in log, "prompts are not logged"
