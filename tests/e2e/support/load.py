"""Callers that keep on calling from a few threads, and remember what came of each call."""
import itertools
import threading
import time


class Load:
    """`workers` threads, each with its own session. `numbers` gives every call its own argument `n`."""

    def __init__(self, gate, server, tool, workers=4, pause=0.0):
        self.gate, self.server, self.tool, self.workers, self.pause = gate, server, tool, workers, pause
        self.numbers, self.stopped = itertools.count(1), threading.Event()
        self.passed, self.denied, self.failed, self.lock = [], [], [], threading.Lock()
        self.threads = []

    def __enter__(self):
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(self.workers)]
        [t.start() for t in self.threads]
        return self

    def __exit__(self, *_):
        self.stopped.set()
        [t.join(60) for t in self.threads]
        assert not any(t.is_alive() for t in self.threads), "a call never ended"

    @property
    def made(self):
        return len(self.passed) + len(self.denied) + len(self.failed)

    def work(self):
        wire = None
        while not self.stopped.is_set():
            n = next(self.numbers)
            try:
                if wire is None:
                    wire = self.gate.wire(self.server).open()
                answer = wire.call(self.tool, {"n": n})
                if "result" not in answer.message:
                    raise AssertionError(f"{answer}")
                outcome = self.denied if answer.denied else self.passed
                with self.lock:
                    outcome.append(n)
            except Exception as error:
                with self.lock:
                    self.failed.append((n, repr(error)))
                if wire is not None:
                    wire.close()
                wire = None
                time.sleep(0.02)
            if self.pause:
                time.sleep(self.pause)
