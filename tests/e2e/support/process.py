"""Processes on free loopback ports, watched until they serve and ended for certain."""
import os
import pathlib
import signal
import socket
import subprocess
import time

PATIENCE = float(os.environ.get("E2E_PATIENCE", "60"))
ROOT = pathlib.Path(__file__).resolve().parents[3]
NODE = ROOT / ".tools/node/node_modules"
BIN = pathlib.Path(os.environ.get("TOOLGATE_BIN", ROOT / "target/ci"))
TOOLGATE = BIN / "toolgate"
IMAGEGEN = BIN / "imagegen-mcp"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, patience=PATIENCE, every=0.02):
    """The first true value of `condition`, asked again and again; fails with `what` when it stays false."""
    end = time.monotonic() + patience
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(every)


def connectable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Process:
    """A program whose output goes to files in `folder`."""

    def __init__(self, command, folder, name, env=None):
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, **(env or {})}, cwd=folder, start_new_session=True,
                # Python ignores SIGXFSZ, and what it starts then does: a file that may not grow is an error like any other.
                restore_signals=False)

    def texts(self):
        return f"{self.out.read_text(errors='replace')}\n{self.err.read_text(errors='replace')}"

    def wait_until(self, condition, what):
        def alive_and():
            value = condition()
            assert value or self.child.poll() is None, f"{what}: the process ended:\n{self.texts()[-4000:]}"
            return value
        try:
            return wait_for(alive_and, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.texts()[-4000:]}") from None

    def kill(self):
        """Ends it at once, as a crash would."""
        self.child.kill()
        self.child.wait()

    def stop(self):
        """Ends it as a service manager would; what does not end is killed with its children."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.child.wait()
