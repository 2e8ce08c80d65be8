"""A client that writes messages as it likes and reads answers as they are, JSON or event stream."""
import http.client
import itertools
import json
import socket

LEGACY, MODERN = "2025-11-25", "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "e2e", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}
BOTH = "application/json, text/event-stream"


def events(text):
    """The JSON data of each event of a stream."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        data = [line[5:].lstrip(" ") for line in block.split("\n") if line.startswith("data:")]
        if data and "".join(data):
            found.append(json.loads("\n".join(data)))
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        streamed = (headers.get("content-type") or "").startswith("text/event-stream")
        text = body.decode("utf-8")
        self.messages = events(text) if streamed else ([json.loads(text)] if text.strip() else [])

    @property
    def message(self):
        """The answer to the request: the last message."""
        assert self.messages, f"HTTP {self.status} without a message"
        return self.messages[-1]

    @property
    def result(self):
        assert "result" in self.message, (self.status, self.message)
        return self.message["result"]

    @property
    def error(self):
        assert "error" in self.message, (self.status, self.message)
        return self.message["error"]

    @property
    def text(self):
        return "\n".join(block.get("text", "") for block in self.result["content"])

    @property
    def denied(self):
        return self.result.get("isError") is True and self.text.startswith("[POLICY DENIED]")

    @property
    def decision(self):
        return self.result["_meta"]["toolgate/decision"]

    def __repr__(self):
        return f"HTTP {self.status} {self.body[:600]!r}"


class Wire:
    """One keep-alive connection to one address; `open` shakes hands in the legacy era."""

    def __init__(self, port, path, token, modern=False, capabilities=None, timeout=60):
        self.port, self.path, self.token, self.modern, self.timeout = port, path, token, modern, timeout
        self.capabilities = capabilities or {}
        self.session, self.version, self.ids = None, None, itertools.count(1)
        self.connection = None

    def headers(self):
        headers = {"Content-Type": "application/json", "Accept": BOTH}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        if self.version:
            headers["MCP-Protocol-Version"] = self.version
        return headers

    def send(self, body, headers=None, method="POST"):
        """Sends bytes as they are. A header whose value is None is left out."""
        merged = {k: v for k, v in {**self.headers(), **(headers or {})}.items() if v is not None}
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.connection.request(method, self.path, body, merged)
            response = self.connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def open(self, version=LEGACY):
        answer = self.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": self.capabilities,
            "clientInfo": {"name": "e2e", "version": "1"}}}).encode())
        self.initialized = answer.result
        self.session = answer.headers.get("Mcp-Session-Id")
        self.version = self.initialized["protocolVersion"]
        done = self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        assert done.status == 202, done
        return self

    def message(self, method, params=None):
        params = dict(params or {})
        if self.modern:
            params["_meta"] = {**META, "io.modelcontextprotocol/clientCapabilities": self.capabilities, **params.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}

    def ask(self, method, params=None, headers=None):
        extra = {}
        if self.modern:
            extra = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            name = (params or {}).get("name") or (params or {}).get("uri")
            if name and method in ("tools/call", "prompts/get", "resources/read"):
                extra["Mcp-Name"] = name
        return self.send(json.dumps(self.message(method, params)).encode(), {**extra, **(headers or {})})

    def call(self, tool, arguments=None, **params):
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}, **params})

    def tools(self):
        return [tool["name"] for tool in self.ask("tools/list").result["tools"]]

    def stream(self, headers=None):
        """Opens the session's GET stream; its socket and the file to read its lines from."""
        sock = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        head = {**self.headers(), "Accept": "text/event-stream", "Host": f"127.0.0.1:{self.port}", **(headers or {})}
        head.pop("Content-Type")
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        sock.sendall(f"GET {self.path} HTTP/1.1\r\n{lines}\r\n".encode())
        return Stream(sock)


class Stream:
    """An open event stream over a raw connection (chunked framing read line by line)."""

    def __init__(self, sock):
        self.sock, self.file = sock, sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def event(self):
        """Id and JSON of the next event that carries a message; None at the end of the stream."""
        event_id = None
        while (line := self.file.readline()):
            if line.startswith(b"id:"):
                event_id = line[3:].strip().decode()
            elif line.startswith(b"data:") and line[5:].strip():
                return event_id, json.loads(line[5:])
        return None

    def until_closed(self):
        """Reads on until the other side ends the stream: its last chunk, or the end of the connection."""
        while self.file.readline() not in (b"", b"0\r\n"):
            pass

    def close(self):
        self.file.close()
        self.sock.close()
