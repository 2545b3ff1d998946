"""A full or a slow disk under the ledger: calls wait, then are refused, and no row is lost."""
import json
import os
import subprocess

import pytest
from gateway import SLOW, department, eventually, provider
from load import Load, call, compare, rows_of


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {mounted.stderr.strip()}")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def fill(path):
    with open(path, "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass


@pytest.fixture
def gateway(small_disk, make_gateway, simulator):  # ends before the disk goes
    return make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii="")}, plaintext=True,
                        main=f"state_directory: {small_disk}\nworkers: 1\nledger: {{ring_size: 256KiB}}\n")


def test_a_full_disk_refuses_calls_loses_nothing_and_recovers(gateway, simulator, small_disk):
    key = gateway.key()
    made = [call(gateway, key, f"say-{i}") for i in range(50)]
    assert all(m.complete for m in made)
    fill(small_disk / "ballast")
    load = Load(gateway, key)
    eventually(lambda: gateway.metric("tollgate_ledger_stalled") == 1, 20, what="the stall")
    eventually(lambda: load.calls and load.calls[-1].status == 503, 30, what="a refusal")
    made += load.stop()
    refused = [m for m in made if m.status != 200]
    for m in refused:
        error = json.loads(m.body)["error"]
        assert m.status == 503 and error["code"] == "ledger_unavailable", m
        assert int(m.headers["retry-after"]) >= 1
    assert gateway.metric("tollgate_ledger_ring_fill_ratio") > 0.7
    assert gateway.ops("/healthz")[0] == 200 and gateway.process.poll() is None

    os.unlink(small_disk / "ballast")
    eventually(lambda: gateway.metric("tollgate_ledger_stalled") == 0, 5, what="the recovery")

    def answered():
        made.append(call(gateway, key, "say-0"))
        return made[-1].complete

    eventually(answered, 5 * SLOW, what="a call")
    compare(rows_of(gateway, made), simulator.journal, made)
    print(f"\n{len(made)} calls, {len(refused)} refused with 503 while the disk was full")


def test_calls_wait_for_a_ledger_that_pauses_and_none_is_refused(make_gateway, simulator):
    # Long records, so that the smallest ring is full long before the next commit.
    payer = department(pii="").replace("CC-retail", "c" * 200).replace("purpose: testing", "purpose: " + "p" * 200)
    slow = make_gateway({"sim": provider(simulator)}, departments={"retail": payer}, plaintext=True,
                        main="workers: 1\nledger: {ring_size: 128KiB, commit_interval: 500ms}\n")
    fullest = 0.0
    load = Load(slow, slow.key(), clients=16)

    def enough():
        nonlocal fullest
        fullest = max(fullest, slow.metric("tollgate_ledger_ring_fill_ratio"))
        return fullest > 0.7 and len(load.calls) > 400

    eventually(enough, 60, what="a ring that was full")
    made = load.stop()
    assert [m.status for m in made if m.status != 200] == []
    compare(rows_of(slow, made), simulator.journal, made)
