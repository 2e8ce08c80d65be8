"""Bytes on a socket: requests that no HTTP library would write."""
import socket

from .gateway import TOKEN
from .wire import BOTH


def request(path, body, headers="", session=None, token=None, length=True, line=None, host="Host: 127.0.0.1\r\n"):
    """A POST as bytes, with `headers` as they stand (each line with its line end)."""
    head = f"{line or f'POST {path} HTTP/1.1'}\r\n{host}Content-Type: application/json\r\nAccept: {BOTH}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    if session:
        head += f"Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25\r\n"
    if length:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode() + (headers.encode("latin-1") if isinstance(headers, str) else headers) + b"\r\n" + body


def received(sock, patience=20):
    """All bytes until the other side closes, or falls silent after an answer."""
    data = b""
    sock.settimeout(patience)
    try:
        while True:
            part = sock.recv(65536)
            if not part:
                return data, True
            data += part
            # A complete answer has come: what else follows, follows soon.
            sock.settimeout(0.3 if complete(data) else patience)
    except (TimeoutError, ConnectionResetError) as error:
        return data, isinstance(error, ConnectionResetError)


def complete(data):
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lowered = head.lower()
    if lowered.startswith((b"http/1.1 100", b"http/1.1 202")):
        return b"202" in lowered[:14]
    at = lowered.find(b"content-length:")
    if at < 0:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lowered[at + 15:].split(b"\r\n")[0])


def exchange(port, data, patience=20):
    """Sends bytes; the status of the first answer (None for none) and all that came."""
    with socket.create_connection(("127.0.0.1", port), patience) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got, _ = received(sock, patience)
    status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.") else None
    return status, got


def authorized(path, body, headers="", **more):
    return request(path, body, headers, token=TOKEN, **more)
