"""Hostile input costs the gateway no memory that stays: whatever is refused is also forgotten."""
import socket
import time

from support.gateway import Gateway
from support.raw import authorized, exchange
from support.recorder import Recorder

from test_hostile_framing import REFUSED
from test_hostile_messages import TABLE

MIB = 1 << 20
# The allocator keeps some pages that it has; what a leak of one body, or of the tape of one deep text, would add is more.
MOST_GROWTH = 6 * MIB


def resident(process):
    """Bytes resident; the least of several looks, because what was freed is given back with a delay."""
    def look():
        with open(f"/proc/{process.child.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
    looks = []
    for _ in range(5):
        looks.append(look())
        time.sleep(0.2)
    return min(looks)


def attack(gate, wire):
    """Every hostile message, every hostile framing, bodies over the limit, and clients that go in the middle."""
    for _, _, body in TABLE:
        wire.send(body)
    for headers, body in REFUSED.values():
        exchange(gate.port, authorized("/mcp/mock", body, headers, session=wire.session, length=False))
    chunked = authorized("/mcp/mock", b"", "Transfer-Encoding: chunked\r\n", session=wire.session, length=False)
    assert exchange(gate.port, chunked + (b"100000\r\n" + b"x" * MIB + b"\r\n") * 17)[0] == 413
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", gate.port)) as client:
            client.sendall(authorized("/mcp/mock", b"", "Content-Length: 8000000\r\n", session=wire.session, length=False) + b"{" * MIB)
    for number in range(200):
        wire.send(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"unknown %d","arguments":{}}}' % (number, number))


def test_memory_stays_flat(tmp_path):
    with Recorder() as server, Gateway(tmp_path, {"mock": server.config}, limits={"header_timeout": "3s", "body_timeout": "3s"}) as gate:
        wire = gate.wire("mock").open()
        wire.tools()
        for _ in range(2):
            attack(gate, wire)
        settled, calls = resident(gate.process), len(server.calls)
        for _ in range(6):
            attack(gate, wire)
        grown = resident(gate.process) - settled
        assert grown < MOST_GROWTH, f"{grown / MIB:.1f} MiB more after six more rounds ({settled / MIB:.1f} MiB before)"
        assert len(server.calls) == calls, "the server saw a hostile call"
        assert wire.call("record", {"n": 7}).text == '{"n": 7}'
        print(f"{settled / MIB:.1f} MiB, and {grown / MIB:+.1f} after six more rounds")
