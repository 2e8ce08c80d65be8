"""The audit index beside the journal: how far it is, and whether it holds the same."""
import collections
import contextlib
import re
import sqlite3
import time

from .admin import Admin
from .process import wait_for

ROWS = """SELECT event.id, node.text, kind.text, decision.text, event.outcome_seq FROM event
JOIN class ON class.id = event.class_id
JOIN name AS node ON node.id = class.node_id
JOIN name AS kind ON kind.id = class.kind_id
LEFT JOIN name AS decision ON decision.id = class.decision_id"""


@contextlib.contextmanager
def opened(gate):
    """The index's database, for reading only."""
    database = sqlite3.connect(f"file:{gate.data / 'index.db'}?mode=ro", uri=True, timeout=10)
    try:
        yield database
    finally:
        database.close()


def indexed(gate):
    """Number of the last record in the index; 0 where there is none to be read."""
    try:
        with opened(gate) as database:
            return database.execute("SELECT seq FROM source").fetchone()[0]
    except sqlite3.Error:
        return 0


def journaled(gate):
    """Number of the journal's last record, read from its files as they stand."""
    lines = (line for path in gate.data.glob("journal/*.jsonl") for line in last_lines(path))
    numbers = (re.match(rb'\{"seq":(\d+),', line) for line in lines)
    return max((int(number[1]) for number in numbers if number), default=0)


def last_lines(path):
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        return file.read().splitlines()


def wait_until_current(gate):
    """Waits until the index holds all that a quiet journal holds, and the API says so."""
    admin = Admin(gate)

    def current():
        last = journaled(gate)
        health = admin.get("/health").expect(200).json["index"]
        if not health["indexed_seq"] == indexed(gate) == last or health["lag_records"] or "problem" in health:
            return False
        # Outcomes are written within 100 ms of their calls.
        time.sleep(0.3)
        return journaled(gate) == last
    wait_for(current, "the index to be current", patience=120, every=0.1)


def shown(admin):
    """All events that a search gives, page by page."""
    events, cursor = [], ""
    while True:
        page = admin.get(f"/audit/events?limit=200{cursor}").expect(200).json
        events += page["items"]
        if not page.get("next"):
            return events
        cursor = f"&cursor={page['next']}"


def assert_equals_journal(gate):
    """Compares a current index, in its file and over the API, with the journal; how many records there are."""
    wait_until_current(gate)
    admin = Admin(gate)
    last = indexed(gate)
    records = {r["seq"]: r for r in gate.records() if r["seq"] <= last}
    assert sorted(records) == list(range(1, last + 1)), "the journal has every number"
    told = {seq for seq, r in records.items() if r["kind"] != "checkpoint"}
    with opened(gate) as database:
        rows = [row for row in database.execute(ROWS) if row[0] <= last]
    seqs, outcomes = [row[0] for row in rows], [row[4] for row in rows if row[4] is not None and row[4] != row[0]]
    assert len(seqs) == len(set(seqs)) and len(outcomes) == len(set(outcomes)), "something stands twice"
    assert not set(seqs) & set(outcomes) and set(seqs) | set(outcomes) == told, (
        sorted(told - set(seqs) - set(outcomes))[:5], sorted((set(seqs) | set(outcomes)) - told)[:5])
    assert {(row[1], row[0]) for row in rows} == {(records[seq]["node"], seq) for seq in seqs}
    assert all(row[2] == records[row[0]]["kind"] for row in rows)
    assert all(records[seq]["kind"] == "outcome" for seq in outcomes)
    counts = collections.Counter(r["outcome"] for r in records.values() if r["kind"] == "decision")
    assert collections.Counter(row[3] for row in rows if row[2] == "decision") == counts

    found = [(event["node"], event["seq"]) for event in shown(admin) if event["seq"] <= last]
    assert found == sorted(((row[1], row[0]) for row in rows), key=lambda pair: -pair[1]), "a search shows the same"
    used = admin.get("/audit/usage?by=decision&from=2000-01-01").expect(200).json["items"]
    assert {row["key"]["decision"]: row["calls"] for row in used} == counts, "the sums count the same"
    return last
