"""Drives load with wrk and reads what it cost: CPU of every thread, latency, memory."""
import dataclasses
import json
import pathlib
import socket
import ssl
import statistics
import subprocess
import time

from systems import PATH, STREAM_PREFIX, UPSTREAM_CORE

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
%s
wrk.body = [==[%s]==]
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%%d,"us":%%d,"failed":%%d,"refused":%%d,"p50":%%f,"p99":%%f}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclasses.dataclass
class Case:
    """One way of calling one system. `legs`: plain, tls_in or tls_both; `load`: 1k, 100k or stream."""
    system: str
    legs: str
    load: str
    url: str
    body: str
    headers: dict
    pids: list
    connections: int = 64
    gateway: object = None
    redis: object = None
    fresh: bool = False  # a new TLS connection for every call
    runs: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return f"{self.system} {self.legs} {self.load} c{self.connections}" + (" new connections" if self.fresh else "")

    def median(self, figure):
        values = [run[figure] for run in self.runs]
        return statistics.median(values) if values else float("nan")


def cpu_ns(pids):
    """Time on a core of every thread of these processes, kernel work on their behalf included."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_kib(pids):
    """(resident, private dirty)"""
    rss = dirty = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            rss += int(value.split()[0]) if name == "Rss" else 0
            dirty += int(value.split()[0]) if name == "Private_Dirty" else 0
    return rss, dirty


def run_wrk(case, seconds, directory):
    headers = dict(case.headers)
    if case.fresh:
        headers["Connection"] = "close"
    script = directory / "load.lua"
    script.write_text(LUA % ("\n".join(f'wrk.headers["{k}"] = "{v}"' for k, v in headers.items()), case.body))
    done = subprocess.run(["taskset", "-c", str(UPSTREAM_CORE), "wrk", "-t1", f"-c{case.connections}",
                           f"-d{seconds}s", "--timeout", "20s", "-s", str(script), case.url],
                          capture_output=True, text=True, timeout=seconds + 60)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise SystemExit(f"wrk failed on {case.name}: {done.stdout}{done.stderr}")


def settled(gateway):
    """The calls counted so far, once nothing is under way."""
    last = -1
    while (now := gateway.metric("tollgate_requests_total")) != last:
        last = now
        time.sleep(0.1)
    return int(now)


def measure(case, seconds, directory, problems):
    """One run; its figures join `case.runs`. CPU is read after the ledger and the log have caught up."""
    before = settled(case.gateway) if case.gateway else 0
    cpu, redis = cpu_ns(case.pids), cpu_ns(case.redis.pids()) if case.redis else 0
    result = run_wrk(case, seconds, directory)
    time.sleep(0.2)
    n = max(result["requests"], 1)
    result["cpu"] = (cpu_ns(case.pids) - cpu) / 1000 / n
    result["redis"] = (cpu_ns(case.redis.pids()) - redis) / 1000 / n if case.redis else 0.0
    result["rps"] = n / (result["us"] / 1e6)
    if result["failed"] or result["refused"] or not result["requests"]:
        problems.append("{}: {requests} answered, {failed} failed, {refused} refused".format(case.name, **result))
    if case.gateway:
        counted = settled(case.gateway) - before
        if not 0 <= counted - result["requests"] <= case.connections:
            problems.append(f"{case.name}: wrk has {result['requests']} answers, the gateway counts {counted} calls")
    if result["requests"]:  # a run without answers failed above, and has no cost per call
        case.runs.append(result)


def check_books(gateway, problems):
    """Every call left exactly one row, one log line, and, if it got that far, one admission and its findings."""
    settled(gateway)
    until = time.monotonic() + 10
    metrics = gateway.metrics()
    outcomes = {}
    for labels, value in metrics["tollgate_requests_total"].items():
        outcome = labels.split('outcome="')[1].split('"')[0]
        outcomes[outcome] = outcomes.get(outcome, 0) + int(value)
    calls, ok = sum(outcomes.values()), outcomes.get("ok", 0)
    while (gateway.rows() < calls or gateway.call_lines() < calls) and time.monotonic() < until:
        time.sleep(0.1)

    def figure(name):
        return int(sum(metrics.get(name, {}).values()))
    # A call that wrk cut off at the end of a run is "cancelled": it has a row and a line, and may have been admitted.
    books = {"calls": calls, "answered": ok, "rows": gateway.rows(), "log lines": gateway.call_lines(),
             "admits": figure("tollgate_limit_admits_total")}
    wrong = [f"{what} of {calls} calls" for what in set(outcomes) - {"ok", "cancelled"}]
    wrong += [f"{what} {books[what]}" for what in ("rows", "log lines") if books[what] != calls]
    wrong += [] if ok <= books["admits"] <= calls else [f"admits {books['admits']}"]
    if gateway.policies:
        books["planted"] = figure("tollgate_pii_found_total")
        each = 3  # values in systems.PLANTED
        wrong += [] if each * ok <= books["planted"] <= each * calls and books["planted"] % each == 0 else \
            [f"planted values found {books['planted']}"]
    degraded = figure("tollgate_limit_degraded_total")
    wrong += [f"{degraded} admissions without Redis"] if degraded else []
    if wrong:
        problems.append(f"gateway {gateway.name}: {calls} calls, {ok} answered, but " + "; ".join(wrong))
    return books


# --- what wrk cannot tell ---

def connect(port, context):
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname="localhost") if context else raw


def request_bytes(case):
    path = case.url.split("/", 3)[3]
    lines = [f"POST /{path} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
             f"Content-Length: {len(case.body)}", *(f"{k}: {v}" for k, v in case.headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + case.body).encode()


def tls_context(directory):
    return ssl.create_default_context(cafile=directory / "tls.crt")


def first_byte_us(case, directory, count):
    """Times to the first byte of the answer, one call after the other on one connection."""
    context = tls_context(directory) if case.url.startswith("https") else None
    connection = connect(int(case.url.split(":")[2].split("/")[0]), context)
    message, times = request_bytes(case), []
    for _ in range(count):
        start = time.perf_counter_ns()
        connection.sendall(message)
        got = connection.recv(65536)
        times.append((time.perf_counter_ns() - start) / 1000)
        head = got.split(b"\r\n\r\n")[0].lower()
        end = b"\r\n0\r\n\r\n" if b"transfer-encoding: chunked" in head else b"[DONE]\n\n"
        while not got.endswith(end):
            more = connection.recv(65536)
            if not more:
                raise SystemExit(f"{case.name}: the stream broke off: {got[-200:]}")
            got += more
    connection.close()
    return times[count // 10:]  # without the first ones, which warm up


def idle_kib(port, pids, directory, message, count):
    """Private dirty memory per idle TLS connection that has had one answer."""
    context = tls_context(directory)
    def opened():
        connection = connect(port, context)
        connection.sendall(message)
        if b" 200 " not in connection.recv(65536)[:20]:
            raise SystemExit("an idle connection had no answer")
        return connection
    first = [opened() for _ in range(4)]  # what is allocated once
    time.sleep(0.5)
    before = memory_kib(pids)[1]
    more = [opened() for _ in range(count)]
    time.sleep(1)
    after = memory_kib(pids)[1]
    for connection in first + more:
        connection.close()
    return (after - before) / count


def target(scheme, port, load):
    return f"{scheme}://localhost:{port}" + (STREAM_PREFIX if load == "stream" else "") + PATH
