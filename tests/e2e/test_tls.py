"""TLS on the listener, and `connect` through it: a trusted certificate is spoken to, an unknown one is not."""
import json
import shutil
import socket
import ssl
import subprocess

from support.gateway import TOKEN
from support.process import TOOLGATE, Process


def certificate(folder):
    """A certificate for 127.0.0.1 that is its own authority, made by openssl."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    assert shutil.which("openssl"), "this test makes its certificate with `openssl`: install it"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def secured(gateway, recorder, tmp_path):
    cert, key = certificate(tmp_path)
    gate = gateway({"mock": recorder.config}, start=False, tls={"cert": str(cert), "key": str(key)})
    gate.process = Process([TOOLGATE, "up", "--config", gate.config_path], gate.folder, "gateway", gate.env)
    context = ssl.create_default_context(cafile=cert)

    def status(path):
        try:
            with socket.create_connection(("127.0.0.1", gate.port), 5) as plain:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    secure.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    return int(secure.recv(4096).split()[1])
        except OSError:
            return None

    gate.process.wait_until(lambda: status("/readyz") == 200, "the gateway to be ready")
    return gate, cert, status


def test_only_tls_is_spoken(gateway, recorder, tmp_path):
    gate, _, status = secured(gateway, recorder, tmp_path)
    assert status("/healthz") == 200
    with socket.create_connection(("127.0.0.1", gate.port), 5) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(4096), "no plain HTTP on a TLS listener"


def test_connect_checks_the_certificate(gateway, recorder, tmp_path):
    gate, cert, _ = secured(gateway, recorder, tmp_path)
    url = f"https://127.0.0.1:{gate.port}/mcp/mock"
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}) + "\n"
    trusted = gate.run("connect", url, env={"TOOLGATE_TOKEN": TOKEN, "SSL_CERT_FILE": str(cert)}, stdin=hello)
    assert trusted.returncode == 0 and "result" in json.loads(trusted.stdout.splitlines()[0]), trusted
    unknown = gate.run("connect", url, env={"TOOLGATE_TOKEN": TOKEN}, stdin=hello)
    answer = json.loads(unknown.stdout.splitlines()[0])
    assert unknown.returncode == 3 and "certificate" in answer["error"]["message"], unknown
