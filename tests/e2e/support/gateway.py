"""A gateway with a config, a data directory and ports of its own."""
import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request

from .process import PATIENCE, TOOLGATE, Process, free_port
from .wire import Wire

TOKEN = "e2e-alice-9f2c71b0d4e83a65"
OTHER_TOKEN = "e2e-bob-51d0e7a94c3b8f26aa"
ALLOW = {"version": "1", "default": "allow"}


def grant(token=TOKEN, **members):
    return {"token_sha256": hashlib.sha256(token.encode()).hexdigest(), **members}


def replace_file(path, text):
    """Writes a file whole or not at all, as editors and deployments do."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    os.replace(fresh, path)


class Gateway:
    """`toolgate up`; policies are documents (or texts), servers and grants as in the config file."""

    def __init__(self, folder, servers, policies=None, grants=None, start=True, env=None, **config):
        self.folder = folder
        self.port, self.console_port = free_port(), free_port()
        self.data = folder / "data"
        self.config_path = folder / "toolgate.yaml"
        self.env = {"RUST_LOG": "info", "NO_COLOR": "1", **(env or {})}
        policies = policies or {"p": ALLOW}
        first = next(iter(policies))
        grants = grants or {"alice": grant(servers={name: first for name in servers})}
        for name, document in policies.items():
            self.write_policy(name, document)
        self.config = {
            "listen": f"127.0.0.1:{self.port}", "console": f"127.0.0.1:{self.console_port}",
            "data_dir": str(self.data), "servers": servers,
            "policies": {name: str(self.policy_path(name)) for name in policies}, "grants": grants, **config}
        self.write_config()
        self.process = None
        if start:
            self.start()

    def policy_path(self, name):
        return self.folder / f"{name}.json"

    def write_policy(self, name, document):
        replace_file(self.policy_path(name), document if isinstance(document, str) else json.dumps(document))

    def write_config(self):
        replace_file(self.config_path, json.dumps(self.config))

    def start(self):
        self.process = Process([TOOLGATE, "up", "--config", self.config_path], self.folder, "gateway", self.env)
        self.process.wait_until(lambda: self.status("/readyz") == 200, "the gateway to be ready")
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop() if self.process else None

    def end(self):
        """Ends it at once, if it still runs."""
        if self.process and self.process.child.poll() is None:
            self.process.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def url(self, server):
        return f"http://127.0.0.1:{self.port}/mcp/{server}"

    def get(self, path, console=False):
        port = self.console_port if console else self.port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers
        except OSError:
            return None, "", {}

    def status(self, path, console=False):
        return self.get(path, console)[0]

    def wire(self, server, token=TOKEN, **more):
        return Wire(self.port, f"/mcp/{server}", token, **more)

    def run(self, *arguments, env=None, stdin=None):
        """One command of the program; its finished process."""
        return subprocess.run(
            [str(TOOLGATE), *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, input=stdin,
            cwd=self.folder, env={**os.environ, **self.env, **(env or {})})

    def records(self, kind=None):
        """The journal's records, through the program that reads it offline."""
        done = self.run("audit", "export", "--format", "jsonl", "--data-dir", self.data)
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [r for r in records if kind in (None, r["kind"])]

    def verified(self):
        done = self.run("audit", "verify", "--json", "--data-dir", self.data)
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert report["ok"] is True, report
        return report
