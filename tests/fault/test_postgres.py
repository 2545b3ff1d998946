"""PostgreSQL goes away and comes back: no row lost, none doubled, keys known all the same."""
import time

from gateway import SLOW, department, eventually, provider, run
from load import Load, call, compare, rows_of
from servers import wait_connected

AWAY = 1.5  # seconds


def shipping(postgres):
    return f"ledger: {{postgres: {{url: '{postgres.url}', interval: 50ms, batch: 200}}}}\n"


def shipped(postgres):
    return [row[0] for row in postgres.query("SELECT event_id FROM usage")]


def start(make_gateway, simulator, main):
    return make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii="")}, main=main,
                        plaintext=True)


def test_rows_arrive_once_whatever_happens_to_postgres_and_the_gateway(make_gateway, simulator, postgres):
    gateway = start(make_gateway, simulator, shipping(postgres))
    key = gateway.key()
    wait_connected(gateway)
    load = Load(gateway, key, clients=3)
    eventually(lambda: gateway.metric("tollgate_ledger_shipped_total") > 50, 20)
    postgres.stop("immediate")  # in the middle of a batch, as likely as not
    while_up = len(load.calls)
    time.sleep(AWAY)
    assert len(load.calls) > while_up + 10, "calls do not notice"
    assert gateway.metric("tollgate_ledger_ship_backlog") > 0
    postgres.start()
    time.sleep(0.2)
    gateway.kill()  # while it catches up
    calls = load.stop()
    gateway.start()
    load = Load(gateway, key, clients=3)
    time.sleep(0.5)
    postgres.stop("fast")
    time.sleep(0.3)
    postgres.start()
    time.sleep(0.3)
    calls += load.stop()

    rows = rows_of(gateway, calls)
    compare(rows, simulator.journal, calls)
    mine = {row["event_id"] for row in rows}
    eventually(lambda: len(shipped(postgres)) >= len(mine), 15, what="all rows in PostgreSQL")
    theirs = shipped(postgres)
    assert len(theirs) == len(set(theirs)) == len(mine)
    assert set(theirs) == mine
    sums = "sum(input_tokens), sum(output_tokens), sum(cost_nano)"
    totals = [int(n) for n in postgres.query(f"SELECT {sums} FROM usage")[0]]
    assert totals == [sum(row[name] for row in rows) for name in ("input_tokens", "output_tokens", "cost_nano")]
    print(f"\n{len(calls)} calls, {len(rows)} rows here and in PostgreSQL, which was away twice; one kill -9")


def test_a_hung_postgres_does_not_hold_up_the_end(make_gateway, simulator, postgres):
    gateway = start(make_gateway, simulator, shipping(postgres))
    key = gateway.key()
    wait_connected(gateway)
    postgres.freeze()
    assert all(call(gateway, key, f"say-{i}").complete for i in range(20))
    before = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - before < 5 * SLOW
    postgres.thaw()
    gateway.start()
    eventually(lambda: len(shipped(postgres)) == 20, 15)


def test_keys_in_postgres_are_seen_within_five_seconds_and_known_while_it_is_away(make_gateway, simulator, postgres):
    gateway = start(make_gateway, simulator, f"credentials: {{postgres: {{url: '{postgres.url}'}}}}\n")
    first = gateway.new_key()  # waits until the running gateway knows it, for 5 s
    assert call(gateway, first, "say-1").complete
    postgres.stop()
    assert call(gateway, first, "say-2").complete
    assert gateway.stop() == 0
    gateway.start()  # from its local copy
    assert call(gateway, first, "say-3").complete
    assert call(gateway, first[:-7] + "AAAAAAA", "say-4").status == 401
    assert run("keys", "create", "-c", gateway.config, "--department", "retail", "--application", "chat",
               check=False).returncode != 0, "a key cannot be made where no replica would see it"
    postgres.start()
    second = gateway.new_key()
    assert call(gateway, second, "say-5").complete
    run("keys", "revoke", "-c", gateway.config, first.split("_")[1])
    eventually(lambda: call(gateway, first, "say-6").status == 401, 5, what="the revocation")
