#!/usr/bin/env python3
"""Rules of this repository that no compiler checks. Prints each breach with its place; exit 1 if any."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 600
# Files that may be longer, each with its reason.
LONGER: dict[str, str] = {}
# Words that belong into no file, spelt so that this file does not contain them.
FORBIDDEN = [
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"), "do it, or describe the limit in plain words"),
    (re.compile(r"/wo" r"rk/(?:main|shared|\.library)"), "a path of one machine"),
    (re.compile(r"\b(?:language mo" r"del wrote|as an A" r"I\b|Co-Authored" r"-By|Generated wi" r"th)", re.I),
     "the repository speaks of the product alone"),
    (re.compile(r"^(?:<{7}|>{7}) "), "a merge conflict"),
]
BAD_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "mod"}


def files():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in listing.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            yield name, path


def breaches(name, path):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    lines = text.splitlines()
    if name.endswith(".rs"):
        if not text.startswith("//!"):
            yield 1, "a Rust file begins with `//!`: what it is for"
        if path.stem in BAD_NAMES:
            yield 1, f"`{path.stem}` is no noun of the domain"
        if len(lines) > MAX_LINES and name not in LONGER:
            yield MAX_LINES + 1, f"{len(lines)} lines, at most {MAX_LINES}: split the file"
    if name.endswith((".lock", "package-lock.json")):
        return
    for number, line in enumerate(lines, 1):
        for pattern, why in FORBIDDEN:
            if found := pattern.search(line):
                yield number, f"`{found.group(0)}`: {why}"


def main():
    found = [(name, at, what) for name, path in files() for at, what in breaches(name, path)]
    for name, at, what in found:
        print(f"{name}:{at}: {what}")
    for name in LONGER:
        if not (ROOT / name).is_file():
            found.append(name)
            print(f"scripts/tidy.py: the exception `{name}` names no file")
    print(f"tidy: {len(found)} breaches")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
