"""An MCP server of the legacy era that records every request it sees, bytes and all."""
import http.server
import json
import socket
import socketserver
import threading

TOOL = {"name": "record", "description": "Records its arguments.",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}, "text": {"type": "string"}}}}


class Recorder:
    """Listens on a loopback port. `calls` are the arguments of each tools/call, `seen` every request, `heads` where it
    went and with what headers."""

    def __init__(self, tools=None, port=0):
        self.tools = tools or [TOOL, {**TOOL, "name": "other"}]
        self.calls, self.seen, self.heads, self.lock = [], [], [], threading.Lock()
        self.connections = []
        self.hold = None  # an Event that calls wait for, if set
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                recorder.connections.append(self.connection)

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with recorder.lock:
                    recorder.heads.append((self.path, dict(self.headers)))
                recorder.take(self, body)
                self.wfile.flush()

            def do_GET(self):
                recorder.note("GET", b"")
                self.reply(405, b"")

            def do_DELETE(self):
                recorder.note("DELETE", b"")
                self.reply(200, b"")

            def reply(self, status, body):
                self.send_response(status)
                if body:
                    self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 256
            allow_reuse_address = True

            def handle_error(self, *_):
                pass  # a gateway that is killed breaks connections

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def config(self):
        return {"url": f"http://127.0.0.1:{self.port}/mcp"}

    def note(self, method, body):
        with self.lock:
            self.seen.append((method, body))

    def take(self, handler, body):
        self.note("POST", body)
        message = json.loads(body)
        method, params = message.get("method"), message.get("params") or {}
        if "id" not in message:
            return handler.reply(202, b"")
        if method == "tools/call":
            with self.lock:
                self.calls.append(params.get("arguments"))
            if self.hold is not None:
                self.hold.wait(60)
        result = self.result(method, params)
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        answer.update({"error": {"code": -32601, "message": "no such method"}} if result is None else {"result": result})
        handler.reply(200, json.dumps(answer).encode())

    def result(self, method, params):
        if method == "initialize":
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                    "serverInfo": {"name": "recorder", "version": "1"}}
        if method == "tools/list":
            return {"tools": self.tools}
        if method == "tools/call":
            return {"content": [{"type": "text", "text": json.dumps(params.get("arguments"))}]}
        return {} if method == "ping" else None

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
