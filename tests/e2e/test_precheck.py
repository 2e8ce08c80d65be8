"""`toolgate scan --config` on configs with real servers, its reports, and their form."""
import json
import pathlib
import sqlite3
import subprocess

import jsonschema
import pytest

from support.everything import STDIO
from support.process import IMAGEGEN, PATIENCE, TOOLGATE

TOKEN = "ghp_x7Kq2Lw9Zr4Tn8Vb3Md6Yc1Pq5Hs0Jf2Gk4Wd"
SERVERS = {
    "everything": {"command": STDIO["command"][0], "args": STDIO["command"][1:]},
    "imagegen": {"command": str(IMAGEGEN), "args": ["stdio"], "env": {"IMAGEGEN_PROVIDER": "placeholder"}},
}


def scan(folder, servers, *options, name=".mcp.json"):
    (folder / name).write_text(json.dumps({"mcpServers": servers}, indent=2))
    return subprocess.run([TOOLGATE, "scan", "--config", name, *options], cwd=folder, text=True,
                          capture_output=True, timeout=PATIENCE * 2)


def sarif_schema():
    """The schema of OASIS, from a package that holds the schemas of SchemaStore."""
    schemastore = pathlib.Path(pytest.__file__).parents[1] / "schemastore/cache.sqlite"
    if not schemastore.is_file():
        pytest.skip("the package `schemastore` is not installed; run `make tools`")
    mark = b'{\r\n  "$schema": "http://json-schema.org/draft-07/schema#",\r\n  "title": "Static Analysis Results Format (SARIF) Version 2.1.0 JSON'
    with sqlite3.connect(f"file:{schemastore}?mode=ro", uri=True) as database:
        for (content,) in database.execute("select value from responses"):
            # Answers are kept whole; the schema is the JSON within one.
            if (at := content.find(mark)) >= 0:
                return json.JSONDecoder().raw_decode(content[at:].decode(errors="ignore"))[0]
    pytest.fail("the package `schemastore` no longer holds the schema of SARIF 2.1.0")


def test_real_servers_are_listed_and_judged(tmp_path):
    ran = scan(tmp_path, SERVERS, "--json", "--fail-on", "critical")
    assert ran.returncode == 0, ran
    report = json.loads(ran.stdout)
    listed = {server["name"]: server for server in report["servers"]}
    assert all(server["listed"] for server in listed.values())
    assert listed["imagegen"]["tools"] >= 4 and listed["everything"]["tools"] > 5
    assert "starting and reaching 2 servers" in ran.stderr
    # The image tools spend the user's quota at a vendor: executions, whose severity is high.
    ran = scan(tmp_path, SERVERS, "--json")
    assert ran.returncode == 1
    risky = {f["tool"] for f in json.loads(ran.stdout)["findings"] if f["rule"] == "risky-tool"}
    assert "image.generate.replicate" in risky


def test_a_remote_server_is_reached(tmp_path, imagegen):
    ran = scan(tmp_path, {"images": {"type": "http", "url": imagegen}}, "--json", "--fail-on", "critical")
    assert ran.returncode == 0 and json.loads(ran.stdout)["servers"][0]["tools"] >= 4, ran


def test_nothing_is_started_when_that_is_not_wanted(tmp_path):
    trace = tmp_path / "started"
    servers = {"s": {"command": "sh", "args": ["-c", f"touch {trace}"]}}
    assert scan(tmp_path, servers, "--no-start").returncode == 0 and not trace.exists()
    assert scan(tmp_path, servers, "--timeout", "20s").returncode == 3 and trace.exists()


def test_the_sarif_report_keeps_to_the_schema(tmp_path):
    servers = {
        **SERVERS,
        "look [x](https://evil.example) {0}": {"command": "npx", "args": ["-y", "@modelcontextprotoco1/server-memory@latest"],
                                                "env": {"GITHUB_TOKEN": TOKEN}},
        "gone": {"url": "http://127.0.0.1:9/mcp"},
        "far": {"url": "http://192.0.2.1/mcp"},
    }
    ran = scan(tmp_path, servers, "--no-start", "--format", "sarif", "--fail-on", "low")
    assert ran.returncode == 1 and TOKEN not in ran.stdout + ran.stderr
    del servers["far"], servers["look [x](https://evil.example) {0}"]
    asked = scan(tmp_path, servers, "--format", "sarif", "--fail-on", "low", "--timeout", "30s")
    assert asked.returncode == 1, asked
    again = scan(tmp_path, servers, "--format", "sarif", "--fail-on", "low", "--timeout", "30s")
    assert again.stdout == asked.stdout, "two runs, one report"
    schema = sarif_schema()
    for report in (ran, asked):
        sarif = json.loads(report.stdout)
        jsonschema.Draft7Validator(schema).validate(sarif)
        assert sarif["runs"][0]["results"]
    lines = (tmp_path / ".mcp.json").read_text().splitlines()
    for result in json.loads(asked.stdout)["runs"][0]["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        server = result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].split("/")[0]
        assert lines[region["startLine"] - 1][region["startColumn"] - 1:].startswith(f'"{server}"'), result


def test_the_markdown_report_is_a_table_of_plain_text(tmp_path):
    markdown = pytest.importorskip("markdown_it")
    servers = {"<b>@all|[x](y)`": {"command": "npx", "args": ["-y", "@everyone/<script>|x`@latest"],
                                   "env": {"API_KEY": "k3v9x2m8q1zz"}}}
    ran = scan(tmp_path, servers, "--no-start", "--format", "markdown", "--fail-on", "medium")
    assert ran.returncode == 1
    html = markdown.MarkdownIt("commonmark", {"html": True}).enable("table").render(ran.stdout)
    rows = html.split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    assert len(rows) == 2 and all(row.count("<td>") == 4 for row in rows), html
    for mark in ("<b>", "<script>", "<a ", "k3v9x2m8q1zz"):
        assert mark not in html, html


def listed(number, status="active"):
    """An item of a registry's list."""
    server = {"name": f"io.github.publisher{number}/service-{number}", "version": "1.0.0",
              "packages": [{"registryType": "npm", "identifier": f"@publisher{number}/service-{number}", "version": "1.0.0"}]}
    return {"server": server, "_meta": {"io.modelcontextprotocol.registry/official": {"status": status}}}


def npm(package):
    return {"command": "npx", "args": ["-y", f"{package}@1.0.0"]}


def test_names_are_compared_with_a_large_catalogue(tmp_path):
    gone = listed(7, "deleted")
    real = {"server": {"name": "com.riverbank/payments", "version": "2.0.0",
                       "packages": [{"registryType": "pypi", "identifier": "riverbank-payments", "version": "2.0.0"}]}}
    items = [listed(number) for number in range(10_000) if number != 7] + [gone, real]
    (tmp_path / "list.json").write_text(json.dumps({"servers": items}))
    servers = {
        "com.riverbnak/payments": npm("@nobody/else"),
        "lookalike": {"command": "uvx", "args": ["riverbank-paymnets==2.0.0"]},
        "exact": {"command": "uvx", "args": ["Riverbank_Payments==2.0.0"]},
        "deleted": npm("@publisher7/service-7"),
        "unrelated": npm("@someone/quite-another-thing"),
    }
    before = scan(tmp_path, servers, "--no-start", "--json")
    assert before.returncode == 0 and json.loads(before.stdout)["catalog"]["state"] == "absent"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mcp.json", "list.json"], "nothing is made"
    imported = subprocess.run([TOOLGATE, "catalog", "import", "list.json"], cwd=tmp_path, capture_output=True, timeout=PATIENCE * 4)
    assert imported.returncode == 0, imported.stderr
    ran = scan(tmp_path, servers, "--no-start", "--json")
    assert ran.returncode == 1, ran
    report = json.loads(ran.stdout)
    assert report["catalog"]["servers"] == 10_001
    found = {(f["server"], f["rule"], f["severity"]) for f in report["findings"]}
    assert found == {("com.riverbnak/payments", "look-alike-name", "medium"), ("lookalike", "look-alike-name", "medium"),
                     ("deleted", "withdrawn-server", "high")}
    known = {server["name"]: server.get("catalogued") for server in report["servers"]}
    assert known["exact"] == {"server": "com.riverbank/payments", "status": "active"} and known["unrelated"] is None
    sarif = json.loads(scan(tmp_path, servers, "--no-start", "--format", "sarif").stdout)
    jsonschema.Draft7Validator(sarif_schema()).validate(sarif)
    assert "withdrawn-server" in {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]}


def test_a_locked_catalogue_keeps_nobody_waiting(tmp_path):
    (tmp_path / "list.json").write_text(json.dumps({"servers": [listed(1, "deleted")]}))
    imported = subprocess.run([TOOLGATE, "catalog", "import", "list.json"], cwd=tmp_path, capture_output=True, timeout=PATIENCE)
    assert imported.returncode == 0, imported.stderr
    servers = {"s": npm("@publisher1/service-1")}
    assert scan(tmp_path, servers, "--no-start").returncode == 1
    database = sqlite3.connect(tmp_path / ".toolgate/catalog.db", isolation_level=None)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN EXCLUSIVE")
    ran = subprocess.run([TOOLGATE, "scan", "--config", ".mcp.json", "--no-start"], cwd=tmp_path, text=True, capture_output=True, timeout=20)
    database.execute("ROLLBACK")
    database.close()
    assert ran.returncode == 0 and "warning: names were compared with the lists alone" in ran.stdout, ran
