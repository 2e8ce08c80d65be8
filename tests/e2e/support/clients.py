"""Independent MCP clients: the Python SDK and the Inspector's command line."""
import asyncio
import contextlib
import json
import os
import subprocess

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from .gateway import TOKEN
from .process import NODE

INSPECTOR = NODE / ".bin/mcp-inspector"


@contextlib.asynccontextmanager
async def python_client(url, mode, token=TOKEN, **callbacks):
    """The Python SDK over Streamable HTTP; `mode` is `legacy`, `auto` or a revision."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode, read_timeout_seconds=60, **callbacks) as client:
            yield client


def run(work):
    """Runs one coroutine to its end, with a bound on its time."""
    async def bounded():
        return await asyncio.wait_for(work, 120)
    return asyncio.run(bounded())


def inspector(url, *arguments, era="legacy", token=TOKEN):
    """Exit code and JSON of one run of the Inspector."""
    return inspected([url, "--transport", "http", "--header", f"Authorization: Bearer {token}", "--stored-auth-only"], era, arguments)


def inspector_stdio(server, env, *arguments, era="legacy"):
    """The same with a server that the Inspector starts itself."""
    variables = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
    return inspected([*map(str, server), "--transport", "stdio", *variables], era, arguments)


def inspected(target, era, arguments):
    command = ["node", str(INSPECTOR), "--cli", *target, "--protocol-era", era, "--format", "json", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env={**os.environ, "NO_COLOR": "1"})
    text = done.stdout.strip()
    try:
        return done.returncode, json.loads(text) if text else None, done.stderr
    except ValueError:
        return done.returncode, text, done.stderr
