"""A program that uses the admin API of a gateway, with the token that the gateway leaves for commands."""
import json
import urllib.error
import urllib.request

from .process import wait_for


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text)

    def expect(self, status):
        assert self.status == status, f"{self.status}: {self.text}"
        return self


class Admin:
    def __init__(self, gate):
        self.base = f"http://127.0.0.1:{gate.console_port}"
        found = gate.data / "admin.json"
        wait_for(found.is_file, "the file for commands")
        self.token = json.loads(found.read_text())["token"]

    def send(self, method, path, body=None, **headers):
        """`headers` with underscores for dashes; one that is none is not sent."""
        lines = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self.base + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={name: value for name, value in lines.items() if value is not None})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())

    def get(self, path):
        return self.send("GET", f"/api/v1{path}")

    def post(self, path, body):
        return self.send("POST", f"/api/v1{path}", body)

    def put(self, path, body, tag="*"):
        return self.send("PUT", f"/api/v1{path}", body, If_Match=tag)

    def delete(self, path, tag="*"):
        return self.send("DELETE", f"/api/v1{path}", If_Match=tag)
