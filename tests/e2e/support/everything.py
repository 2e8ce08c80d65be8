"""The reference server `server-everything`, over stdio and Streamable HTTP."""
from .process import NODE, Process, connectable, free_port

ENTRY = NODE / "@modelcontextprotocol/server-everything/dist/index.js"
STDIO = {"command": ["node", str(ENTRY), "stdio"]}
# The server listens on every interface; this keeps it on loopback.
LOOPBACK_ONLY = """
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === "object" && port !== null
    ? listen.call(this, { ...port, host: "127.0.0.1" }, ...rest)
    : listen.call(this, Number(port), "127.0.0.1", ...rest.filter((part) => typeof part === "function"));
};
"""


def everything_http(folder):
    """Yields the server's address."""
    preload = folder / "loopback.cjs"
    preload.write_text(LOOPBACK_ONLY)
    port = free_port()
    process = Process(["node", "-r", preload, ENTRY, "streamableHttp"], folder, "everything", {"PORT": str(port)})
    process.wait_until(lambda: connectable(port), "server-everything to listen")
    yield f"http://127.0.0.1:{port}/mcp"
    process.stop()
