"""TLS on the listener, and `connect` through it: a trusted certificate is spoken to, an unknown one is not."""
import json
import re
import shutil
import socket
import ssl
import subprocess

from support.gateway import TOKEN
from support.process import TOOLGATE, Process, wait_for


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


def sign_in(port, context, link, **headers):
    """Sends the form of a sign-in link's page to a port; the status, and the headers of the answer."""
    code = link.split("?")[1]
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        stream = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        lines = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": len(code), "Connection": "close", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        stream.sendall(f"POST /sign-in HTTP/1.1\r\n{head}\r\n{code}".encode())
        answer = stream.recv(8192).decode()
    return int(answer.split()[1]), answer


def printed_link(gate):
    wait_for(lambda: "/sign-in?code=" in gate.process.texts(), "the link")
    return re.search(r"https?://\S+/sign-in\?code=\S+", gate.process.texts()).group()


def test_the_console_speaks_tls(gateway, recorder, tmp_path):
    cert, key = certificate(tmp_path)
    gate = gateway({"mock": recorder.config}, console_tls={"cert": str(cert), "key": str(key)})
    link = printed_link(gate)
    assert link.startswith(f"https://127.0.0.1:{gate.console_port}/")
    context = ssl.create_default_context(cafile=cert)
    own = f"127.0.0.1:{gate.console_port}"
    status, answer = sign_in(gate.console_port, context, link, Host=own, Origin=f"https://{own}")
    assert status == 303 and "set-cookie: __Host-toolgate=" in answer and "; Secure" in answer, answer
    # Commands of this machine know the certificate from the data directory; no authority vouches for it.
    done = gate.run("status", "--json", "--config", gate.config_path)
    assert done.returncode == 0 and json.loads(done.stdout)["condition"] == "ok", done
    other = tmp_path / "other"
    other.mkdir()
    address = json.loads((gate.data / "admin.json").read_text())
    named = gate.run("status", "--url", address["url"], env={"TOOLGATE_ADMIN_TOKEN": address["token"]})
    assert named.returncode == 3 and "certificate" in named.stderr, "a gateway that is named by its URL must be vouched for"
    der = ssl.PEM_cert_to_DER_cert(certificate(other)[0].read_text())
    (gate.data / "admin.json").write_text(json.dumps({**address, "certificate": der.hex()}))
    wrong = gate.run("status", "--config", gate.config_path)
    assert wrong.returncode == 3 and "another certificate" in wrong.stderr, wrong
    assert address["token"] not in wrong.stderr


def test_the_console_behind_a_proxy_that_ends_tls(gateway, recorder):
    gate = gateway({"mock": recorder.config}, console_url="https://console.example.com", trusted_proxies=["127.0.0.1"])
    link = printed_link(gate)
    assert link.startswith("https://console.example.com/sign-in?code=")
    foreign = {"Host": "console.example.com", "Origin": "https://evil.example", "X-Forwarded-For": "192.0.2.9"}
    assert sign_in(gate.console_port, None, link, **foreign)[0] == 403
    # Whichever `Host` the proxy sends on.
    status, answer = sign_in(gate.console_port, None, link, Host="127.0.0.1", Origin="https://console.example.com")
    assert status == 303 and "set-cookie: __Host-toolgate=" in answer and "; Secure" in answer, answer
    assert gate.run("status", "--config", gate.config_path).returncode == 0, "commands go straight to the address"
    wait_for(lambda: [(r["client"], r["detail"]) for r in gate.records("refused")] == [("192.0.2.9", "console_origin")],
             "the record of the foreign page, with whom the proxy names")


def test_a_console_off_loopback_needs_tls_or_an_express_wish(gateway, recorder, tmp_path):
    cert, key = certificate(tmp_path)
    gate = gateway({"mock": recorder.config}, start=False, console="0.0.0.0:0")
    refused = gate.run("up", "--config", gate.config_path)
    assert refused.returncode == 1 and "console_tls" in refused.stderr and "insecure_listen" in refused.stderr
    assert gate.run("check", gate.config_path).returncode == 1
    for more in ({"insecure_listen": True}, {"console_tls": {"cert": str(cert), "key": str(key)}}):
        gate.config = {**gate.config, **more}
        gate.write_config()
        assert gate.run("check", gate.config_path).returncode == 0, more
        gate.config = {name: value for name, value in gate.config.items() if name not in more}
