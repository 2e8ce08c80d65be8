"""A wall clock that the tests set for a gateway, and for nobody else."""
import pathlib
import subprocess
import sys

from .gateway import replace_file

SOURCE = pathlib.Path(__file__).with_name("clock.c")


class WallClock:
    """`env` is for the gateway; `set` moves its wall clock to so many seconds from now. Linux only."""

    def __init__(self, folder):
        assert sys.platform == "linux", "the clock is set by a library that is loaded before the C library"
        library, self.file = folder / "clock.so", folder / "clock"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        self.set(0)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self.file)}

    def set(self, seconds):
        replace_file(self.file, str(seconds))
