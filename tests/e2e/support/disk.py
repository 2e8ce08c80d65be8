"""Disks that are full: a small file system in memory, where the tests may mount one, and everywhere a bound on the size
that the gateway's files can grow to."""
import contextlib
import os
import resource
import subprocess
import tempfile

from .process import wait_for


class MountedDisk:
    """A file system of its own; nothing fits on it while it is full."""

    def __init__(self, path):
        self.path, self.ballast = path, path / "ballast"

    def fill(self, _gate):
        with self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass

    def clear(self, _gate):
        self.ballast.unlink()


class BoundedFiles:
    """A folder like any other; while it is full, no file of the gateway can be written beyond its first byte."""

    def __init__(self, path):
        self.path = path

    def fill(self, gate):
        self.bound(gate, 1)

    def clear(self, gate):
        self.bound(gate, resource.RLIM_INFINITY)

    def bound(self, gate, size):
        resource.prlimit(gate.process.child.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def mount(path, megabytes=24):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "toolgate-test", str(path)], capture_output=True).returncode == 0


def unmount(path):
    return subprocess.run(["umount", str(path)], capture_output=True).returncode == 0


def kinds():
    """The kinds of disks that can be had here."""
    if os.geteuid() != 0:
        return ["bounded"]
    with tempfile.TemporaryDirectory() as folder:
        return ["mounted", "bounded"] if mount(folder) and unmount(folder) else ["bounded"]


@contextlib.contextmanager
def small_disk(path, kind):
    path.mkdir()
    if kind == "bounded":
        yield BoundedFiles(path)
        return
    assert mount(path), "a file system in memory"
    try:
        yield MountedDisk(path)
    finally:
        wait_for(lambda: unmount(path), "nobody to use the disk")
