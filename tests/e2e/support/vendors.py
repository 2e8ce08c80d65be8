"""`imagegen-mcp fake-vendors`, and image servers whose vendors are those fakes."""
import json
import re
import urllib.request

from .process import IMAGEGEN, Process, connectable, free_port


class Vendors:
    """The fakes as a process of their own; `env` is what they told to set."""

    def __init__(self, folder):
        self.port = free_port()
        self.process = Process([IMAGEGEN, "fake-vendors", "--listen", f"127.0.0.1:{self.port}"], folder, "vendors")
        self.process.wait_until(lambda: "the fake vendors listen" in self.process.texts(), "the fake vendors to listen")
        self.env = dict(re.findall(r"^export (\w+)='([^']*)'$", self.process.texts(), re.M))
        assert "REPLICATE_API_TOKEN" in self.env and "OPENAI_BASE_URL" in self.env

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def counts(self, vendor):
        return self.get("/counts")[vendor]

    def env_for(self, folder, **more):
        """The whole environment of a server that saves below `folder`."""
        return {**self.env, "OUTPUT_DIR": str(folder / "outputs"), **more}


def imagegen_http(vendors, folder):
    """Starts a server over HTTP; its process and address."""
    port = free_port()
    process = Process([IMAGEGEN, "http", "--listen", f"127.0.0.1:{port}"], folder, "imagegen-vendors", vendors.env_for(folder))
    process.wait_until(lambda: connectable(port), "imagegen-mcp to listen")
    return process, f"http://127.0.0.1:{port}/mcp"
