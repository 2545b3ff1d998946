"""kill -9 at random moments under load: the ledger must agree with the provider's journal.

TOLLGATE_KILLS sets how many moments (40 unless told), TOLLGATE_SEED which ones.
"""
import os
import random
import re
import time

from gateway import SLOW, department, provider
from load import Load, compare

KILLS = int(os.environ.get("TOLLGATE_KILLS", "40"))
SEED = int(os.environ.get("TOLLGATE_SEED", str(time.time_ns() % 1_000_000)))
CLIENTS = 4


def test_kill_9_loses_nothing_and_doubles_nothing(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii="")},
                           plaintext=True)
    key = gateway.key()
    moments = random.Random(SEED)
    calls, starts = [], []
    for _ in range(KILLS):
        load = Load(gateway, key, CLIENTS)
        time.sleep(moments.uniform(0.02, 0.2))
        gateway.kill()
        calls += load.stop()
        before = time.monotonic()
        gateway.start()
        starts.append(time.monotonic() - before)
    calls += Load(gateway, key, CLIENTS).stop()
    assert gateway.stop() == 0

    rows = gateway.rows(limit=len(calls) + 10)
    outcomes = compare(rows, simulator.journal, calls)
    complete = sum(made.complete for made in calls)
    print(f"\nseed {SEED}: {KILLS} kills, {len(simulator.journal)} calls at the provider, {complete} complete at clients, "
          f"rows {dict(outcomes)}, slowest start {max(starts):.2f} s")
    assert max(starts) < 2 * SLOW
    assert complete > KILLS, "there was load"
    # What never reached the provider was killed between its intent and its dispatch: at most one per client and kill.
    assert outcomes["unasked"] <= CLIENTS * KILLS
    assert 0 < outcomes["unknown"] <= CLIENTS * KILLS, "calls that were under way are estimated, and only those"
    # Not by line: a kill may cut one in half, and the next process's first one then follows on it.
    assert not re.search(r'"event":"[^"]*damaged', gateway.log_path.read_text())
