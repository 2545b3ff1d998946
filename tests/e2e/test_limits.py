"""Requests, tokens and concurrency of whatever has limits: in memory and in a real Redis, with the same answers."""
import json
import shutil
import subprocess
import threading
import time

import pytest
from gateway import SLOW, department, eventually, free_port, model, provider
from simulator import echo


@pytest.fixture
def redis(tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    process = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)],
                               stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    yield {"port": port, "process": process}
    process.kill()
    process.wait()


@pytest.fixture(params=["memory", "redis"])
def started(request, make_gateway, simulator):
    """Starts a gateway that keeps its limits in one store or the other."""
    def make(main="", **parts):
        if request.param == "redis":
            port = request.getfixturevalue("redis")["port"]
            main += f"redis: {{url: 'redis://127.0.0.1:{port}', timeout: {50 * SLOW}ms}}\n"
        gateway = make_gateway({"sim": provider(simulator)}, main=main, **parts)
        if request.param == "redis":
            eventually(lambda: gateway.metric("tollgate_limit_store_up") >= 1, what="the link to Redis")
        return gateway
    return make


@pytest.fixture
def limited(started):
    return lambda limits: started(departments={"retail": department(more=f"limits: {{{limits}}}\n")})


def test_requests_per_minute(limited):
    gateway = limited("requests_per_minute: 3")
    answers = [gateway.chat() for _ in range(4)]
    assert [a[0] for a in answers] == [200, 200, 200, 429]
    assert [answers[i][1]["x-ratelimit-remaining-requests"] for i in range(3)] == ["2", "1", "0"]
    assert answers[0][1]["x-ratelimit-limit-requests"] == "3"
    status, headers, body = answers[3]
    error = json.loads(body)["error"]
    assert error["code"] == "rate_limit_exceeded" and error["type"] == "requests"
    wait_ms = int(headers["retry-after-ms"])
    assert 15_000 < wait_ms <= 20_000, "one request comes back every 20 s"
    assert int(headers["retry-after"]) == -(-wait_ms // 1000)
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("3", "0")
    assert headers["x-ratelimit-reset-requests"].endswith("s"), "a refusal, too, says where the limits stand"
    rows = gateway.wait_rows(4)
    assert [r["outcome"] for r in rows].count("rate_limited") == 1


def test_tokens_are_reserved_before_and_settled_after(limited):
    gateway = limited("tokens_per_minute: 1000")
    status, headers, _ = gateway.chat("hi", max_tokens=900)
    assert status == 200
    assert int(headers["x-ratelimit-remaining-tokens"]) < 100, "reserved while it runs"
    # 18 tokens were used; the rest came back.
    eventually(lambda: int(gateway.chat("hi", max_tokens=1)[1].get("x-ratelimit-remaining-tokens", 0)) > 850)
    status, headers, body = gateway.chat("hi", max_tokens=999)
    assert status == 429 and json.loads(body)["error"]["type"] == "tokens"


def test_concurrency_is_a_lease_that_comes_back(limited, simulator):
    release = threading.Event()

    async def hold(request, reply):
        import asyncio
        while not release.is_set():
            await asyncio.sleep(0.005)
        await echo(request, reply)

    gateway = limited("concurrent: 2")
    simulator.behaviour = hold
    results = []
    threads = [threading.Thread(target=lambda: results.append(gateway.chat()[0])) for _ in range(2)]
    for t in threads:
        t.start()
    eventually(lambda: len(simulator.journal) == 2)
    status, headers, body = gateway.chat()
    assert status == 429 and "same time" in json.loads(body)["error"]["message"]
    release.set()
    for t in threads:
        t.join()
    assert results == [200, 200]
    eventually(lambda: gateway.chat()[0] == 200)


def test_a_client_that_leaves_gives_its_slot_back_and_the_provider_is_cancelled_within_100_ms(limited, simulator):
    async def silent(request, reply):
        import asyncio
        await asyncio.Event().wait()

    gateway = limited("concurrent: 1")
    body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "x"}]}).encode()

    def outlived():
        """For how many seconds a client that leaves is outlived by its call at the provider."""
        simulator.forget()
        simulator.behaviour = silent
        connection = gateway.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                           b"Content-Length: %d\r\n\r\n" % (gateway.key().encode(), len(body)) + body)
        eventually(lambda: len(simulator.journal) == 1)
        left_at = time.monotonic()
        connection.close()
        eventually(lambda: simulator.journal[0].client_left)
        simulator.behaviour = echo
        # With Redis the slot is given back by the worker that had the call, and the next call may meet the other one.
        eventually(lambda: gateway.chat()[0] == 200, limit=0.5, what="a free lease")
        return simulator.journal[0].ended_at - left_at

    times = [outlived()]
    while min(times) >= 0.1 * SLOW and len(times) < 4:  # a busy machine may hold up any one of them
        times.append(outlived())
    assert min(times) < 0.1 * SLOW, times
    left = [row for row in gateway.settled_rows() if row["outcome"] == "cancelled"]
    assert len(left) == len(times)
    assert all(row["usage_source"] == "estimated" and row["input_tokens"] > 0 for row in left)


def refusal(answer):
    """(message, seconds to wait) of a 429."""
    status, headers, body = answer
    error = json.loads(body)["error"]
    assert status == 429 and error["code"] == "rate_limit_exceeded"
    return error["message"], int(headers["retry-after"])


def test_each_key_the_model_and_the_day_refuse_by_name(started):
    applications = ("applications:\n"
                    "  - {id: chat, key_limits: {requests_per_minute: 2}}\n"
                    "  - {id: batch, limits: {requests_per_day: 3}}\n")
    gateway = started(
        departments={"retail": f"id: retail\ncost_center: CC-1\nmodels: [gpt, dear]\n{applications}"},
        models={"gpt": model(), "dear": model("dear", more="limits: {requests_per_day: 1, tokens_per_day: 5000}\n")})
    one, other = gateway.new_key(), gateway.new_key()
    nightly = gateway.new_key("retail", "batch")

    assert [gateway.chat(key=one)[0] for _ in range(2)] == [200, 200]
    message, wait = refusal(gateway.chat(key=one))
    public_id, secret = one.split("_")[1:3]
    assert f"for key '{public_id}' on requests per minute: limit 2" in message and secret not in message
    assert wait <= 30
    assert gateway.chat(key=other)[0] == 200, "each key for itself"

    assert [gateway.chat(key=nightly)[0] for _ in range(3)] == [200] * 3
    message, wait = refusal(gateway.chat(key=nightly))
    assert "for application 'retail/batch' on requests per day: limit 3" in message
    assert 28_000 < wait <= 28_800, "one of three comes back every eight hours"

    assert gateway.chat(model="dear", key=other)[0] == 200
    message, wait = refusal(gateway.chat(model="dear", key=gateway.new_key()))
    assert "for model 'dear' on requests per day: limit 1" in message, "shared by all its callers"
    assert gateway.metric("tollgate_limit_denials_total", meter="requests_per_day") == 2


def test_the_organisation_limits_everybody_and_headers_tell_the_tightest_minute(started):
    gateway = started(
        main="limits: {tokens_per_day: 1000, requests_per_minute: 50}\n",
        departments={name: department(name, more="limits: {requests_per_minute: 100}\n")
                     for name in ("retail", "legal")})
    status, headers, _ = gateway.chat(max_tokens=10)
    assert status == 200 and headers["x-ratelimit-limit-requests"] == "50"
    assert "x-ratelimit-limit-tokens" not in headers, "headers speak of minutes"
    # A call larger than the day's bucket waits for a full one instead of being refused for ever.
    message, wait = refusal(gateway.chat(max_tokens=100_000, key=gateway.key("legal")))
    assert "for the organisation on tokens per day: limit 1000, requested 1000" in message
    assert 0 < wait < 86_400


def test_redis_away_rates_fall_back_to_a_local_share_and_say_so(make_gateway, simulator, redis):
    gateway = make_gateway({"sim": provider(simulator)},
                           main=f"redis: {{url: 'redis://127.0.0.1:{redis['port']}', timeout: {50 * SLOW}ms}}\n",
                           departments={"retail": department(more="limits: {requests_per_minute: 100}\n")})
    eventually(lambda: gateway.metric("tollgate_limit_store_up") >= 1)
    assert gateway.chat()[0] == 200
    redis["process"].kill()
    redis["process"].wait()
    status, headers, _ = gateway.chat()
    assert status == 200 and headers["x-tollgate-limits"] == "degraded"
    assert gateway.metric("tollgate_limit_degraded_total") >= 1
