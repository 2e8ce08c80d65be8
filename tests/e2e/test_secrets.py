"""Secrets that were planted in every place that takes one are nowhere to be seen afterwards: in no answer, log, record,
database, backup, error or list of processes."""
import itertools
import json
import os
import pathlib
import re
import secrets
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from support.admin import Admin
from support.gateway import TOKEN, grant
from support.imagegen import SMALL, TOOL, imagegen_stdio
from support.index import wait_until_current
from support.process import free_port, wait_for
from support.wire import Wire

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
CHILD = "import os, sys; print('my key is', os.environ['KEY'], file=sys.stderr, flush=True); sys.exit(3)"


class Canaries:
    """Secrets by where they are planted."""

    def __init__(self):
        self.planted = {}

    def new(self, place):
        return self.plant(place, f"canary{secrets.token_hex(12)}")

    def plant(self, place, value):
        self.planted[place] = value
        return value

    def assert_absent(self, where, text):
        text = text if isinstance(text, bytes) else text.encode()
        found = [place for place, value in self.planted.items() if value.encode() in text]
        assert not found, f"{where} shows {found}"


def redeem(link):
    """The cookie of the session that a sign-in link opens."""
    parts = urllib.parse.urlsplit(link)
    origin = f"{parts.scheme}://{parts.netloc}"

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(f"{origin}/sign-in", data=parts.query.encode(), headers={"Origin": origin})
    try:
        answer = urllib.request.build_opener(Stay).open(request, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    assert answer.code == 303
    return answer.headers["Set-Cookie"].split(";")[0]


class Onlooker:
    """Everything that the stream of events shows."""

    def __init__(self, admin):
        port = int(admin.base.rpartition(":")[2])
        self.sock, self.got = socket.create_connection(("127.0.0.1", port), 10), b""
        self.sock.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {admin.token}\r\n\r\n".encode())
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while part := self.sock.recv(65536):
                self.got += part
        except OSError:
            pass


def everything_shown(admin, names):
    """The answer of every route that only shows, for each of the names."""
    document = admin.get("/openapi.json").expect(200).json
    for path, routes in document["paths"].items():
        if "get" not in routes or path == "/api/v1/events":
            continue
        wanted = re.findall(r"\{(\w+)\}", path)
        choices = {"dimension": ["grant", "server", "client", "rule"], "seq": ["1", "2", "3"], "number": ["1"]}
        for values in itertools.product(*(choices.get(name, names) for name in wanted)):
            filled = path
            for name, value in zip(wanted, values, strict=True):
                filled = filled.replace("{%s}" % name, value)
            answer = admin.send("GET", filled)
            assert answer.status < 500 or answer.status == 503, (filled, answer.text)
            yield filled, f"{answer.headers}\n{answer.text}"


def command_lines():
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path, path.read_bytes()
        except OSError:
            pass  # it ended meanwhile


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_planted_secret_is_found_nowhere(gateway, recorder, tmp_path):
    canary = Canaries()
    down = f"http://127.0.0.1:{free_port()}/mcp"
    child = {"command": [sys.executable, "-c", CHILD], "env": {"KEY": canary.new("variable of a command in the file")}}
    images = imagegen_stdio(tmp_path)
    for name in ("REPLICATE_API_TOKEN", "OPENAI_API_KEY", "FAL_KEY", "GEMINI_API_KEY"):
        images["env"][name] = canary.new(f"vendor's key {name}")
    servers = {
        "filed": {"url": f"{recorder.config['url']}?key={canary.new('query in the file')}", "headers": {
            "X-Written": canary.new("header in the file"), "X-From-Env": "${E2E_CANARY}"}},
        "gone": {"url": f"{down}?key={canary.new('query of a server that is down')}", "headers": {"X-Key": canary.new("header to no server")}},
        "child": child, "images": images}
    gate = gateway(
        servers, grants={"alice": grant(servers={name: "p" for name in servers}), "env": {"token_env": "E2E_GRANT", "servers": {"filed": "p"}}},
        allow_commands_from_api=True, env={
            "RUST_LOG": "debug", "E2E_CANARY": canary.new("header from the environment"), "E2E_GRANT": canary.new("token of a grant from the environment"),
            "TOOLGATE_SECRET_KEY": canary.plant("secret key", secrets.token_hex(32))})
    canary.plant("token of a grant in the file", TOKEN)
    admin = Admin(gate)
    onlooker = Onlooker(admin)
    said = []

    def say(answer):
        said.append(f"{answer.headers}\n{answer.text}")
        return answer

    # Servers over the API, good ones and those that are refused.
    kept = {"url": f"{recorder.config['url']}?token={canary.new('query by the API')}&region=eu", "headers": {"X-Kept": canary.new("header by the API")}}
    say(admin.post("/servers/kept/test", kept)).expect(200)
    say(admin.post("/servers", {"name": "kept", **kept})).expect(201)
    lost = {"url": f"{down}?token={canary.new('query to nowhere')}", "headers": {"X-Key": canary.new("header to nowhere")}}
    assert say(admin.post("/servers/lost/test", lost)).expect(200).json["ok"] is False
    say(admin.post("/servers", {"name": "lost", **lost})).expect(201)
    command = {"command": child["command"], "env": {"KEY": canary.new("variable of a command by the API")}}
    say(admin.post("/servers/run/test", command)).expect(200)
    say(admin.post("/servers", {"name": "run", **command})).expect(201)
    say(admin.post("/servers", {"name": "user", "url": f"http://{canary.new('user name in a URL')}:{canary.new('password in a URL')}@h.example/"})).expect(422)
    say(admin.post("/servers", {"name": "bad", "url": "http://h.example/", "headers": {"X-Bad": canary.new("bad header") + "\n"}})).expect(422)
    say(admin.post("/servers", {"name": "odd", "url": recorder.config["url"], "headers": canary.new("headers that are none")})).expect(422)
    shown = admin.get("/servers/kept").json["url"]
    assert shown.endswith("?token=***&region=***")
    say(admin.put("/servers/kept", {"url": shown, "timeout_ms": 5000})).expect(200)

    # Grants, tokens and sessions. What mints a token shows it in its own answer, once.
    every = {name: "p" for name in (*servers, "kept", "lost", "run")}
    old = admin.post("/grants", {"label": "bob", "servers": every}).expect(201).json["token"]
    fresh = admin.post("/grants/bob/rotate", {"overlap_seconds": 600}).expect(200).json["token"]
    canary.plant("first token of a grant", old), canary.plant("second token of a grant", fresh)
    program = admin.post("/admin-tokens", {"label": "ci", "role": "viewer"}).expect(201).json["token"]
    canary.plant("token for the API", program)
    wait_for(lambda: "/sign-in?code=" in gate.process.texts(), "the link")
    link = re.search(r"http://\S+/sign-in\?code=\S+", gate.process.texts()).group()
    canary.plant("sign-in link", link.rpartition("=")[2])
    cookie = redeem(link)
    session = admin.send("GET", "/api/v1/session", Authorization=None, Cookie=cookie).expect(200).json
    canary.plant("cookie of a session", cookie.partition("=")[2]), canary.plant("mark of a session", session["csrf"])
    said.append(admin.send("GET", "/api/v1/servers", Authorization=None, Cookie=cookie).expect(200).text)

    # Calls: what is kept arrives, and what clients send besides goes nowhere.
    for server in ("filed", "kept"):
        assert Wire(gate.port, f"/mcp/{server}", fresh).open().call("record", {"n": 1}).text
    heads = [(path, {k.lower(): v for k, v in headers.items()}) for path, headers in recorder.heads]
    assert any(canary.planted["query by the API"] in path and head.get("x-kept") == canary.planted["header by the API"] for path, head in heads)
    assert any(canary.planted["query in the file"] in path and head.get("x-from-env") == canary.planted["header from the environment"] for path, head in heads)
    assert Wire(gate.port, "/mcp/filed", canary.planted["token of a grant from the environment"]).open().tools()
    assert Wire(gate.port, "/mcp/images", old).open().call(TOOL, SMALL).text
    for server in ("gone", "lost", "child", "run"):
        answer = Wire(gate.port, f"/mcp/{server}", fresh).send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
        assert "error" in answer.message
        said.append(f"{answer.headers}\n{answer!r}")
    for headers in ({"Authorization": f"Bearer {canary.new('wrong token')}"}, {"X-Api-Key": canary.new("header of a request")},
                    {"Cookie": f"session={canary.new('cookie of a request')}"}, {"Mcp-Session-Id": canary.new("session of a request")},
                    {"Authorization": f"Basic {canary.new('basic credentials')}"}):
        answer = gate.wire("filed").send(PING, headers)
        said.append(f"{answer.headers}\n{answer!r}")
    wire = gate.wire("filed", None)
    wire.path += f"?token={canary.new('token in a URL')}"
    said.append(repr(wire.send(PING)))
    for headers in ({"Authorization": f"Bearer {canary.new('wrong token for the API')}"}, {"Authorization": None, "Cookie": f"toolgate={canary.new('wrong cookie')}"}):
        said.append(admin.send("GET", "/api/v1/servers", **headers).expect(401).text)
    said.append(admin.send("POST", "/sign-in", None, Origin=admin.base).text)

    # Everything that can be looked at.
    wait_until_current(gate)
    for what, text in everything_shown(admin, [*every, "alice", "env", "bob", "p", "ci", "admin"]):
        # A session's mark is for its own page: the one answer that shows it is asked for by a token here.
        canary.assert_absent(f"GET {what}", text)
    for page in ("/", "/metrics"):
        canary.assert_absent(page, gate.get(page, console=True)[1])
    for path in ("/healthz", "/readyz", "/mcp"):
        canary.assert_absent(path, gate.get(path)[1])
    for number, text in enumerate(said):
        canary.assert_absent(f"answer {number}", text)
    for arguments in (["status"], ["server", "list"], ["grant", "list"], ["logs", "child"], ["logs", "run"], ["logs", "images"], ["audit", "export"],
                      ["check", str(gate.config_path)], ["doctor"]):
        where = [] if arguments[0] == "check" else ["--data-dir", gate.data] if arguments[0] == "audit" else ["--config", gate.config_path]
        done = gate.run(*arguments, *where)
        canary.assert_absent(f"toolgate {arguments[0]}", done.stdout + done.stderr)
    assert "my key is [redacted]" in gate.run("logs", "child", "--config", gate.config_path).stdout
    for path, text in command_lines():
        canary.assert_absent(path, text)
    time.sleep(0.5)
    assert b"event: decision" in onlooker.got.replace(b"event:decision", b"event: decision")
    canary.assert_absent("the stream of events", onlooker.got)

    backup = tmp_path / "toolgate.backup"
    done = gate.run("backup", backup, "--config", gate.config_path)
    assert done.returncode == 0, done.stderr
    canary.assert_absent("the backup", backup.read_bytes())
    canary.assert_absent("the error log", gate.process.err.read_bytes())
    on_disk(canary, gate, "while it runs")
    assert gate.stop() == 0
    on_disk(canary, gate, "after it stopped")
    canary.assert_absent("the error log", gate.process.err.read_bytes())


def on_disk(canary, gate, when):
    """Every file of the data directory, but for the one that leads commands in: it holds their token, for its owner."""
    found = [path for path in files(gate.data) if path.name != "admin.json"]
    assert {"toolgate.db", "index.db"} <= {path.name for path in found}
    for path in found:
        assert path.stat().st_mode & 0o077 == 0 or path.suffix in (".pub", ".jsonl", ".log"), f"{path} is open to others"
        canary.assert_absent(f"{path.name} {when}", path.read_bytes())


def test_what_is_refused_at_the_start_repeats_no_secret(gateway, recorder):
    canary = Canaries()
    user, key = canary.new("password in a URL"), canary.new("secret key that is none")
    refused = gateway({"mock": {"url": f"http://alice:{user}@h.example/mcp", "headers": {"X-Bad": canary.new("bad header") + "\n"}}}, start=False)
    for command in ("up", "check"):
        done = refused.run(command, *([refused.config_path] if command == "check" else ["--config", refused.config_path]))
        assert done.returncode != 0 and "credentials" in done.stdout + done.stderr, done
        canary.assert_absent(command, done.stdout + done.stderr)
    gate = gateway({"mock": recorder.config}, env={"TOOLGATE_SECRET_KEY": key})
    answer = Admin(gate).post("/servers", {"name": "kept", "url": recorder.config["url"], "headers": {"X-Key": canary.new("header")}})
    assert answer.status >= 400 and "TOOLGATE_SECRET_KEY" in answer.text
    canary.assert_absent("the answer", answer.text)
    canary.assert_absent("the log", gate.process.texts())
    assert os.environ.get("TOOLGATE_SECRET_KEY") is None
