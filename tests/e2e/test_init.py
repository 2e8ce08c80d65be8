"""`toolgate init`: clients of a fake home are pointed at the gateway, what they then say works, and `--undo` restores
every byte."""
import json
import os
import pathlib
import stat
import subprocess
import tomllib

import pytest

from support.clients import inspector, inspector_stdio
from support.everything import STDIO
from support.process import NODE, PATIENCE, TOOLGATE, Process, free_port, wait_for

FILESYSTEM = NODE / "@modelcontextprotocol/server-filesystem/dist/index.js"
SECRET = "hunter2-this-is-a-key"


class Machine:
    """A home with clients, and a folder to run the program in."""

    def __init__(self, folder):
        self.home, self.work, self.documents = (folder / name for name in ("home", "work", "documents"))
        for path in (self.home, self.work, self.documents):
            path.mkdir()
        (self.documents / "note.txt").write_text("a note")
        self.port, self.console = free_port(), free_port()
        self.config = self.work / "toolgate.yaml"
        self.config.write_text(json.dumps({"listen": f"127.0.0.1:{self.port}", "console": f"127.0.0.1:{self.console}"}))
        self.files = {}

    def client(self, path, text, mode=0o600):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        self.files[path] = text.encode()
        return path

    def run(self, *arguments, code=0):
        env = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
        done = subprocess.run([str(TOOLGATE), "init", *arguments], capture_output=True, text=True, timeout=PATIENCE * 3,
                              stdin=subprocess.DEVNULL, cwd=self.work, env={**env, "HOME": str(self.home)})
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def plan(self, *arguments, code=0):
        return json.loads(self.run("--json", *arguments, code=code).stdout)

    def untouched(self):
        return all(path.read_bytes() == text for path, text in self.files.items())

    def gateway(self, folder):
        process = Process([TOOLGATE, "up", "--config", self.config], folder, "gateway", {"HOME": str(self.home)})
        process.wait_until(lambda: "Toolgate is running" in process.texts(), "the gateway to be ready")
        return process


@pytest.fixture
def machine(tmp_path):
    one = Machine(tmp_path)
    node, files = STDIO["command"], ["node", str(FILESYSTEM), str(one.documents)]
    one.cursor = one.client(".cursor/mcp.json", "{\r\n  // mine\r\n  \"mcpServers\": {\r\n" + "".join(
        f'    "{name}": {json.dumps({"command": words[0], "args": words[1:], "env": env})},\r\n'
        for name, words, env in [("Everything", node, {"KEY": SECRET}), ("files", files, {})]) + "  }\r\n}\r\n", 0o640)
    one.desktop = one.client(".config/Claude/claude_desktop_config.json", json.dumps(
        {"mcpServers": {"files": {"command": files[0], "args": files[1:]}}}, indent=2))
    one.codex = one.client(".codex/config.toml", 'model = "small" # mine\n\n[mcp_servers.files]\ncommand = "node"\n'
                           f"args = {json.dumps(files[1:])}\n\n[mcp_servers.files.env]\n\n[history]\npersistence = \"none\"\n")
    return one


@pytest.fixture
def running(machine, tmp_path):
    made = []

    def start():
        made.append(machine.gateway(tmp_path))
        return made[-1]
    yield start
    for process in made:
        process.kill()
        print(process.texts()[-3000:])


def called(done):
    code, answer, said = done
    assert code == 0, said
    return answer


def text_of(answer):
    return json.dumps(answer)


def test_clients_call_through_what_their_files_say_then(machine, running):
    plan = machine.plan("--yes")
    servers = {server["name"]: server for server in plan["servers"]}
    # The same server in three clients is one server.
    assert set(servers) == {"everything", "files"}, plan
    assert {tool["name"] for tool in servers["files"]["tools"]} >= {"read_text_file", "write_file"}
    assert len(plan["done"]["changed"]) == 3 and not plan["done"]["failed"]
    assert [file["grant"] for file in plan["files"]] == ["claude-desktop", "cursor", "codex"]
    assert stat.S_IMODE(machine.cursor.stat().st_mode) == 0o640
    after = machine.cursor.read_bytes()
    assert after.startswith(b"{\r\n  // mine\r\n") and b"\n" not in after.replace(b"\r\n", b"")
    # Secrets left the client, and stand nowhere in clear text but in the backup.
    assert SECRET.encode() not in after
    for path in (machine.work / ".toolgate").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes() or path.suffix == ".backup", path
            assert not path.stat().st_mode & 0o077, path
    running()
    # Cursor's file is JSON but for the comment and the last comma.
    cursor = json.loads("\n".join(line for line in after.decode().splitlines() if "// mine" not in line).replace(",\n  }\n}", "\n  }\n}"))
    everything = cursor["mcpServers"]["Everything"]
    token = everything["headers"]["Authorization"].removeprefix("Bearer ")
    answer = called(inspector(everything["url"], "--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hi", token=token))
    assert "hi" in text_of(answer)
    # Codex, too, with a token of its own.
    codex = tomllib.loads(machine.codex.read_text())["mcp_servers"]["files"]
    other = codex["http_headers"]["Authorization"].removeprefix("Bearer ")
    assert other != token
    listed = called(inspector(codex["url"], "--method", "tools/list", token=other))
    names = {tool["name"] for tool in (listed.get("result") or listed)["tools"]}
    destructive = {tool["name"] for tool in servers["files"]["tools"] if tool["treatment"] == "hidden"}
    assert "read_text_file" in names and not names & destructive, (names, destructive)
    # Claude Desktop starts a command.
    desktop = json.loads(machine.desktop.read_text())["mcpServers"]["files"]
    note = str(machine.documents / "note.txt")
    answer = called(inspector_stdio([desktop["command"], *desktop["args"]], desktop["env"], "--method", "tools/call",
                                    "--tool-name", "read_text_file", "--tool-arg", f"path={note}"))
    assert "a note" in text_of(answer)
    # Taken back under a running gateway, every byte is as it was, and the tokens open nothing.
    machine.run("--undo")
    assert machine.untouched() and stat.S_IMODE(machine.cursor.stat().st_mode) == 0o640
    wait_for(lambda: inspector(everything["url"], "--method", "tools/list", token=token)[0] != 0, "the token to be refused")
    assert machine.run("--undo", code=1).stderr


def test_nothing_is_changed_without_agreement(machine):
    assert "becomes `everything`" in machine.run("--dry-run").stdout
    assert "--yes" in machine.run(code=1).stderr
    assert machine.untouched() and not (machine.work / ".toolgate").exists()


def test_a_second_run_finds_nothing_to_do(machine):
    machine.plan("--yes")
    states = {path: path.read_bytes() for path in machine.files}
    plan = machine.plan("--yes")
    assert "done" not in plan and plan["servers"] == []
    assert states == {path: path.read_bytes() for path in machine.files}
    # A client that comes later gets the servers that are there.
    machine.client(".gemini/settings.json", machine.files[machine.desktop].decode())
    plan = machine.plan("--yes")
    assert [(server["name"], server["new"]) for server in plan["servers"]] == [("files", False)]
    machine.run("--undo")
    machine.run("--undo")
    assert machine.untouched()


def test_what_changed_since_is_not_overwritten(machine):
    machine.plan("--yes")
    theirs = machine.cursor.read_bytes() + b"\r\n// later\r\n"
    machine.cursor.write_bytes(theirs)
    done = machine.run("--undo", code=1)
    assert "changed since" in done.stdout
    assert machine.cursor.read_bytes() == theirs
    assert machine.desktop.read_bytes() == machine.files[machine.desktop]
    assert machine.codex.read_bytes() == machine.files[machine.codex]
    # With --force it is, and what it held is kept.
    machine.run("--undo", "--force")
    assert machine.untouched()
    replaced = list((machine.work / ".toolgate/init").rglob("*.replaced"))
    assert [path.read_bytes() for path in replaced] == [theirs]


def test_bad_files_are_told_and_do_not_stop_the_others(machine):
    machine.client(".cursor/mcp.json", '{"mcpServers": {\n  "a": ]\n')
    machine.client(".gemini/settings.json", '{"mcpServers": {\n"a": {},\n"a": {}}}')
    machine.client(".codeium/windsurf/mcp_config.json", json.dumps({"mcpServers": {"gone": {"command": "no-such-program"}}}))
    os.mkfifo(pathlib.Path(machine.home / ".claude.json"))
    plan = machine.plan("--yes")
    problems = {pathlib.Path(problem["path"]).name: problem["reason"] for problem in plan["problems"]}
    assert problems["mcp.json"].startswith("line 2, column 8:")
    assert problems["settings.json"].startswith("line 3, column 1: this name stands twice")
    assert problems[".claude.json"] == "it is no regular file"
    gone = next(server for server in plan["servers"] if server["name"] == "gone")
    assert gone["error"] and gone["policy"]["document"] == {"version": "1", "default": "deny", "tools": {}}
    assert len(plan["done"]["changed"]) == 3
    machine.run("--undo")
    assert machine.untouched()
