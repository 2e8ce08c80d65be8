"""The project's own image server with the provider that draws locally."""
from .process import IMAGEGEN, Process, connectable, free_port

TOOL = "image.generate.replicate"
SMALL = {"prompt": "a lighthouse", "size": "64x64", "seed": 7}


def imagegen_stdio(folder):
    """The server as the gateway's config names it."""
    return {"command": [str(IMAGEGEN), "stdio"],
            "env": {"IMAGEGEN_PROVIDER": "placeholder", "OUTPUT_DIR": str(folder / "outputs")}}


def imagegen_http(folder):
    """Yields the server's address."""
    port = free_port()
    process = Process([IMAGEGEN, "http", "--listen", f"127.0.0.1:{port}"], folder, "imagegen",
                      {"IMAGEGEN_PROVIDER": "placeholder", "OUTPUT_DIR": str(folder / "outputs")})
    process.wait_until(lambda: connectable(port), "imagegen-mcp to listen")
    yield f"http://127.0.0.1:{port}/mcp"
    process.stop()
