"""`toolgate top` on a terminal: what it shows, that it finds a gateway again, and how it ends."""
import fcntl
import os
import pty
import select
import struct
import termios
import time

import pyte

from support.process import PATIENCE, TOOLGATE


class Screen:
    """A program on a terminal of 120 by 30, and what stands on its screen."""

    def __init__(self, *command, env):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(str(command[0]), [str(part) for part in command], {**os.environ, **env, "TERM": "xterm-256color"})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.cells = pyte.Screen(120, 30)
        self.stream = pyte.ByteStream(self.cells)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([self.terminal], [], [], left)[0]:
            try:
                part = os.read(self.terminal, 65536)
            except OSError:
                return False
            if not part:
                return False
            self.stream.feed(part)
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.cells.display)

    def shows(self, *words, again=lambda: None):
        """Waits until every word stands on the screen; does something `again` meanwhile."""
        end = time.monotonic() + PATIENCE
        while not all(word in self.text() for word in words):
            assert time.monotonic() < end and self.read(0.5), f"{words} are not all on the screen:\n{self.text()}"
            again()

    def colours(self):
        return {cell.fg for line in self.cells.buffer.values() for cell in line.values()} - {"default"}

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def ended(self):
        while self.read(0.2):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_gateway_is_watched_lost_and_found_again(gateway, recorder):
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"limits": [
        {"counter": "hourly", "window": "hour", "max": 3, "scope": "grant"}]}}}})
    screen = Screen(TOOLGATE, "top", "--config", gate.config_path, env=gate.env)
    screen.shows("Toolgate", "mock", "calls/s", "Servers", "Limits", "events")
    wire = gate.wire("mock").open()
    # Events are seen once the stream is open.
    screen.shows("outcome", "deny", "hourly", "####", "record", again=lambda: wire.call("record"))
    screen.press("?")
    screen.shows("Help", "scroll")
    screen.press("?")
    gate.kill()
    screen.shows("connected,", "trying")
    gate.start()
    screen.shows("again;")
    wire = gate.wire("mock").open()
    screen.shows("no-such-tool", again=lambda: wire.call("no-such-tool"))
    assert screen.colours() == set(), "NO_COLOR is heeded"
    screen.press("q")
    assert screen.ended() == 0


def test_without_a_terminal_it_says_what_to_do(gateway, recorder):
    gate = gateway({"mock": recorder.config})
    refused = gate.run("top", "--config", gate.config_path)
    assert refused.returncode == 2 and "--once --json" in refused.stderr
    picture = gate.run("top", "--once", "--json", "--config", gate.config_path)
    assert picture.returncode == 0 and '"name":"mock"' in picture.stdout
