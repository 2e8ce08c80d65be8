"""The catalogue: imports that are killed go on without loss or doubles, and the commands that read it."""
import json
import os
import signal
import sqlite3
import subprocess

from support.process import BIN, wait_for

TOOLS = 20_000
VERBS = ["get", "list", "delete", "create", "send", "run", "update", "export"]


def dump(path, tools=TOOLS, servers=500):
    with path.open("w") as out:
        for n in range(servers):
            out.write(json.dumps({"server": {"name": f"com.example/server-{n}", "version": "1.0.0", "description": f"Server number {n}"}}) + "\n")
        for n in range(tools):
            verb = VERBS[n % len(VERBS)]
            out.write(json.dumps({"server": f"com.example/server-{n * 7 % servers}", "tool": f"{verb}_thing_{n}",
                                  "description": f"Can {verb} the thing number {n} of somebody.",
                                  "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}) + "\n")


def command(*arguments, **options):
    return subprocess.run([f"{BIN}/toolgate", "catalog", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def contents(directory):
    """Every tool with what is stored of it, and the number of rows of the index of words."""
    with sqlite3.connect(f"file:{directory}/catalog.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT s.name, t.name, category, severity, hex(hash) FROM tool t JOIN server s ON s.id = server_id ORDER BY 1, 2").fetchall()
        words = database.execute("SELECT count(*) FROM tool_words_docsize").fetchone()[0]
    return rows, words


def stored(directory):
    """The line up to which an import was stored."""
    if not (directory / "catalog.db").exists():
        return 0
    try:
        with sqlite3.connect(f"file:{directory}/catalog.db?mode=ro", uri=True) as database:
            return database.execute("SELECT coalesce(max(line), 0) FROM source").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_a_killed_import_goes_on_without_loss_or_doubles(tmp_path):
    source = tmp_path / "dump.jsonl"
    dump(source, TOOLS)
    whole = tmp_path / "whole"
    done = command("import", source, "--data-dir", whole, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["tools_added"], summary["servers_added"], summary["bad"], summary["complete"]) == (TOOLS, 500, 0, True)
    # Killed at once, then three times as soon as something more was stored.
    torn = tmp_path / "torn"
    arguments = [f"{BIN}/toolgate", "catalog", "import", str(source), "--data-dir", str(torn), "--json"]
    seen = []
    for kill in range(4):
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        before = stored(torn)
        wait_for(lambda: kill == 0 or stored(torn) > before or child.poll() is not None, "entries", 300)
        assert child.poll() is None, "it ended before it could be killed: make the dump larger"
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        seen.append(stored(torn))
    assert 0 < seen[1] < seen[2] < seen[3] < TOOLS + 500, seen
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    summary = json.loads(done.stdout)
    assert done.returncode == 0 and summary["resumed_after"] == seen[3], (summary, seen)
    assert summary["tools_added"] + summary["servers_added"] == TOOLS + 500 - seen[3]
    assert contents(torn) == contents(whole)
    # The same again changes nothing.
    again = json.loads(command("import", source, "--data-dir", torn, "--json").stdout)
    assert (again["tools_added"], again["tools_changed"], again["tools_unchanged"]) == (0, 0, TOOLS)
    assert contents(torn) == contents(whole)


def test_search_from_the_command_line(tmp_path):
    first = command("search", "replicate", "--data-dir", tmp_path, "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["items"][0]["tool"] == "image.generate.replicate"
    assert "toolgate catalog import" in first.stderr, "it says how it is filled"
    hit = json.loads(first.stdout)["items"][0]
    shown = command("show", f"{hit['server']}/{hit['tool']}", "--data-dir", tmp_path, "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["facts"]["category"] == hit["category"]
    absent = command("show", "com.example/nowhere/nothing", "--data-dir", tmp_path)
    assert absent.returncode == 3 and "catalog search" in absent.stderr, absent.stderr
    (tmp_path / "d.jsonl").write_text('{"server": "s", "tool": "delete_everything", "description": "Deletes all."}\nnonsense\n')
    done = command("import", tmp_path / "d.jsonl", "--data-dir", tmp_path)
    assert done.returncode == 0 and "1 tool added" in done.stdout and "line 2:" in done.stderr, done.stderr
    found = command("search", "delete*", "--category", "destructive", "--data-dir", tmp_path)
    assert "delete_everything" in found.stdout and found.returncode == 0
    assert command("search", "nowhere", "--data-dir", tmp_path).returncode == 1
    assert command("search", "x", "--category", "odd", "--data-dir", tmp_path).returncode == 2
    assert command("import", tmp_path / "absent.jsonl", "--data-dir", tmp_path).returncode == 3
