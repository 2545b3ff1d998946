"""Out of file descriptors: accepting backs off, open calls go on, and it recovers by itself."""
import resource
import socket
import time

import pytest
from gateway import BINARY, department, eventually, provider
from load import Load, call, compare

LIMIT = 96


def open_sockets(gateway, count):
    return [socket.create_connection(("127.0.0.1", gateway.port), timeout=5) for _ in range(count)]


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.skipif("build/asan" in BINARY, reason="UBSan's vptr check probes memory through a pipe, and there is none to be had")
def test_out_of_descriptors_backs_off_and_recovers(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii="")},
                           plaintext=True)
    key = gateway.key()
    load = Load(gateway, key, clients=2, pause=0.01)
    eventually(lambda: len(load.calls) > 10)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    idle = open_sockets(gateway, 2 * LIMIT)  # the kernel completes them; the gateway cannot take them all
    eventually(lambda: any(line["event"] == "accept_failed" for line in gateway.log_lines()))
    lines, cpu, calls = len(gateway.log_lines()), cpu_seconds(gateway.process), len(load.calls)
    time.sleep(1)
    refused = [line for line in gateway.log_lines()[lines:] if line["event"] == "accept_failed"]
    assert len(refused) <= 40, "it does not spin: a try each 50 ms"
    assert cpu_seconds(gateway.process) - cpu < 0.7
    assert len(load.calls) > calls, "open connections are served"
    for link in idle:
        link.close()
    eventually(lambda: call(gateway, key, "say-0").complete, what="a new connection")
    made = load.stop()
    assert all(m.complete for m in made), [m for m in made if not m.complete][:3]
    gateway.stop()
    compare(gateway.rows(limit=100_000), simulator.journal, made)
