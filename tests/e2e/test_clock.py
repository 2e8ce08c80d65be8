"""A wall clock that is set back, while the gateway runs and over a restart: no limit begins anew, the journal stays whole,
and the index finds what was recorded then."""
import datetime
import time

import pytest

from support.admin import Admin
from support.clock import WallClock
from support.gateway import OTHER_TOKEN, grant
from support.index import assert_equals_journal

HOUR = 3600
BACK = -3 * HOUR


def moment(seconds):
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def clock(tmp_path):
    return WallClock(tmp_path)


def limited(gateway, recorder, clock, **window):
    """A gateway with a limit of five, and what counts how many of so many calls pass."""
    limit = {"counter": "c", "max": 5, "scope": "grant", **window}
    gate = gateway({"mock": recorder.config}, {"p": {"version": "1", "tools": {"record": {"limits": [limit]}}}}, env=clock.env)

    def passed(calls):
        wire = gate.wire("mock").open()
        return sum(not wire.call("record", {"n": n}).denied for n in range(calls))
    return gate, passed


@pytest.mark.parametrize("window", ["hour", "day"])
def test_no_limit_begins_anew(gateway, recorder, clock, window):
    gate, passed = limited(gateway, recorder, clock, window=window)
    assert passed(3) == 3
    clock.set(BACK)
    assert passed(3) == 2
    gate.stop()
    gate.start()
    assert passed(2) == 0, "a restart under the clock that was set back frees nothing"
    gate.kill()
    gate.start()
    assert passed(2) == 0, "nor does a crash"
    clock.set(0)
    assert passed(2) == 0, "nor does the right time"
    assert len(recorder.calls) == 5
    gate.verified()


def test_a_window_of_the_calendar_is_left_only_forwards(gateway, recorder, clock):
    # In the middle of an hour, so that no hour ends meanwhile.
    middle = HOUR // 2 - int(time.time()) % HOUR
    clock.set(middle)
    gate, passed = limited(gateway, recorder, clock, window="hour", align="calendar")
    assert passed(3) == 3
    clock.set(middle + BACK)
    assert passed(3) == 2
    gate.kill()
    gate.start()
    assert passed(2) == 0
    # A clock that goes on to another hour begins its window, as it does every hour.
    clock.set(middle)
    assert passed(6) == 5
    gate.stop()
    gate.verified()


def test_what_was_recorded_under_the_wrong_time_is_whole_and_found(gateway, recorder, clock):
    gate = gateway({"mock": recorder.config}, env=clock.env)

    def calls(count):
        wire = gate.wire("mock").open()
        for n in range(count):
            assert wire.call("record", {"n": n}).text

    calls(4)
    clock.set(BACK)
    calls(5)
    assert_equals_journal(gate)
    clock.set(0)
    calls(6)
    assert_equals_journal(gate)
    admin = Admin(gate)

    def found(begin, end):
        page = admin.get(f"/audit/events?limit=200&tool=record&from={moment(begin)}&until={moment(end)}").expect(200).json
        return len(page["items"])

    assert (found(BACK - 600, BACK + 600), found(-600, 600)) == (5, 10)
    points = admin.get(f"/audit/plot?step=hour&tool=record&from={moment(2 * BACK)}").expect(200).json["lines"][0]["points"]
    assert sum(point["calls"] for point in points) == 15 and len(points) >= 2
    seqs = [r["seq"] for r in gate.records()]
    assert seqs == list(range(1, len(seqs) + 1)), "the order is that of the journal, not of the clock"
    gate.stop()
    gate.verified()


def test_what_has_ended_stays_so_while_the_gateway_runs(gateway, recorder, clock):
    gate = gateway({"mock": recorder.config}, env=clock.env, grants={
        "alice": grant(servers={"mock": "p"}), "bob": grant(OTHER_TOKEN, servers={"mock": "p"}, expires=moment(HOUR))})
    admin = Admin(gate)
    gone = admin.post("/grants", {"label": "carol", "servers": {"mock": "p"}}).expect(201).json["token"]
    admin.delete("/grants/carol").expect(204)

    def status(token):
        return gate.wire("mock", token).send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').status

    bob = gate.wire("mock", OTHER_TOKEN).open()
    stream = bob.stream()
    assert status(gone) == 401
    clock.set(2 * HOUR)
    # Its open streams end within a second; from then on it has ended for good.
    stream.sock.settimeout(30)
    stream.until_closed()
    assert status(OTHER_TOKEN) == 401
    clock.set(BACK)
    assert (status(OTHER_TOKEN), status(gone)) == (401, 401)
    gate.stop()
    gate.start()
    # At a start the clock decides what has ended by time. What was revoked is gone whatever it says.
    assert status(OTHER_TOKEN) != 401 and status(gone) == 401
    assert gate.wire("mock").open().call("record", {"n": 1}).text
