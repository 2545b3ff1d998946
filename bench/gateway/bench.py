#!/usr/bin/env python3
"""Measures Tollgate beside nginx, the floor, in one run on the same cores, and fails if the books do not balance.

On core 0 run wrk, the upstream (nginx answering every call with the same bytes) and Redis; on core 1 the system under
test alone: nginx as a reverse proxy, the bare relay (Tollgate's sessions and transport with nothing between them),
Tollgate without limits and PII policies (a key, the ledger and the log are always there), and Tollgate with everything
on. Runs are interleaved, round by round, and medians are shown, so
that a noisy neighbour hits all of them.

The figure to trust on a shared machine is CPU per call: the time that every thread of the process spent on a core,
the kernel's work for it included, divided by the calls answered. Calls per second and latencies show the noise.

The run fails (exit code 1) unless every call that was answered is in the books: usage rows, admissions, planted PII
found and log lines each equal the calls, and wrk's count agrees with the gateway's within the calls in flight when a
run of wrk ends. A gateway that is fast because it forgets is not fast.
"""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

import profile_calls
import report
import systems
from measure import Case, check_books, first_byte_us, idle_kib, measure, memory_kib, request_bytes, target

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEGS = {"plain": ("http", "plain"), "tls_in": ("https", "plain"), "tls_both": ("https", "tls")}  # (in, out)
SIZES = {"1k": 1024, "100k": 100 * 1024, "stream": 1024}


class Bench:
    """Everything that runs, and the cases to measure on it."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.problems, self.cases, self.running, self.gateways = [], [], [], {}

    def start(self):
        systems.certificate(self.directory)
        self.upstream, self.upstream_ports = self.keep(systems.start_upstream(self.directory))
        self.proxy, self.proxy_ports = self.keep(systems.start_proxy(self.directory, self.upstream_ports))
        self.redis, _ = self.keep((systems.Redis(self.directory), None))
        self.relays = {legs: self.keep((systems.Relay(self.options.relay, self.directory, legs, self.upstream_ports),
                                        None))[0] for legs in LEGS}
        self.add_gateway("plain", tls=False)
        self.add_gateway("tls", tls=True)
        self.add_gateway("full", tls=True, policies=True)
        if not self.options.quick:
            self.add_gateway("plain-big", tls=False, big=True)
            self.add_gateway("full-big", tls=True, policies=True, big=True)

    def keep(self, started):
        self.running.append(started[0])
        return started

    def add_gateway(self, name, tls, policies=False, big=False):
        redis = self.redis if policies else None
        gateway = systems.Gateway(self.options.binary, self.directory, name, tls, policies, big)
        gateway.start(self.upstream_ports, redis, self.running)
        self.gateways[name] = gateway

    def stop(self):
        for process in reversed(self.running):
            process.stop()

    # --- cases ---

    def direct(self, legs, load, connections):
        scheme, leg = ("https", "tls") if legs == "tls_both" else ("http", "plain")
        body = systems.prompt(SIZES[load], "bench", load == "stream", False)
        url = target(scheme, self.upstream_ports[leg], load)
        return Case("direct", legs, load, url, body, {}, self.upstream.pids(), connections)

    def nginx(self, legs, load, connections, fresh=False):
        body = systems.prompt(SIZES[load], "bench", load == "stream", False)
        url = target(LEGS[legs][0], self.proxy_ports[legs], load)
        return Case("nginx", legs, load, url, body, {}, self.proxy.pids(), connections, fresh=fresh)

    def bare(self, legs, load, connections):
        relay = self.relays[legs]
        body = systems.prompt(SIZES[load], "bench", load == "stream", False)
        return Case("bare", legs, load, target(LEGS[legs][0], relay.port, load), body, {}, relay.pids(), connections)

    def relay(self, legs, load, connections):
        return self.tollgate("plain" if legs == "plain" else "tls", legs, load, connections)

    def tollgate(self, name, legs, load, connections, fresh=False):
        gateway = self.gateways[name]
        scheme, leg = LEGS[legs]
        model = ("stream-" if load == "stream" else "json-") + leg
        body = systems.prompt(SIZES[load], model, load == "stream", gateway.policies)
        system = {"plain": "tollgate", "tls": "tollgate", "full": "everything"}.get(name, name)
        return Case(system, legs, load, f"{scheme}://localhost:{gateway.port}{systems.PATH}", body,
                    {"Authorization": f"Bearer {gateway.key}"}, gateway.pids(), connections, gateway,
                    self.redis if gateway.policies else None, fresh)

    def plan(self):
        """Every case of a round, in the order in which they run."""
        for load in SIZES:
            for legs in LEGS:
                self.cases += [self.nginx(legs, load, 64), self.bare(legs, load, 64), self.relay(legs, load, 64)]
            self.cases += [self.tollgate("full", "tls_both", load, 64), self.direct("plain", load, 64)]
        for connections in (1,) if self.options.quick else (1, 64):
            self.cases += [self.direct("tls_both", "1k", connections)]
        self.cases += [self.direct("plain", "1k", 1)]
        for legs in ("plain", "tls_both"):
            self.cases += [self.nginx(legs, "1k", 1), self.relay(legs, "1k", 1)]
        self.cases += [self.tollgate("full", "tls_both", "1k", 1)]
        self.cases += [self.nginx("tls_in", "1k", 64, True), self.tollgate("tls", "tls_in", "1k", 64, True)]
        if not self.options.quick:
            self.cases += [self.tollgate("plain-big", "plain", "1k", 64),
                           self.tollgate("full-big", "tls_both", "1k", 64)]

    # --- the run ---

    def idle(self):
        """First, while the heaps are untouched by load."""
        nginx, ours = self.nginx("tls_in", "1k", 1), self.tollgate("tls", "tls_in", "1k", 1)
        figures = {}
        for name, case, port in (("nginx", nginx, self.proxy_ports["tls_in"]), ("tollgate", ours, ours.gateway.port)):
            start_kib = memory_kib(case.pids)
            kib = idle_kib(port, case.pids, self.directory, request_bytes(case), 1000)
            figures[name] = {"start": start_kib, "per_connection": kib}
        return figures

    def first_bytes(self):
        count = 100 if self.options.quick else 500
        makers = (self.direct, self.nginx, self.relay)
        cases = [make(legs, "stream", 1) for legs in ("plain", "tls_both") for make in makers]
        cases.append(self.tollgate("full", "tls_both", "stream", 1))
        times = {(case.system, case.legs): [] for case in cases}
        for _ in range(2):
            for case in cases:
                times[(case.system, case.legs)] += first_byte_us(case, self.directory, count)
        return times

    def run(self):
        self.plan()
        idle = self.idle()
        for number in range(self.options.rounds):
            for case in self.cases:
                measure(case, self.options.seconds, self.directory, self.problems)
            print(f"round {number + 1} of {self.options.rounds} done", file=sys.stderr, flush=True)
        first = self.first_bytes()
        memory = {name: memory_kib(gateway.pids()) for name, gateway in self.gateways.items()}
        memory["nginx"] = memory_kib(self.proxy.pids())
        books = {name: check_books(gateway, self.problems) for name, gateway in self.gateways.items()}
        return report.Results(self.cases, idle, first, memory, books, self.options)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="examples:\n  bench.py --quick\n  bench.py --out bench/gateway/results.md\n"
                                            "  bench.py --profile   where the CPU goes, with perf\n")
    parser.add_argument("--quick", action="store_true", help="one short round, no big configuration: under 90 s")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (3; 1 with --quick)")
    parser.add_argument("--seconds", type=int, help="length of each run of wrk (2; 1 with --quick)")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="write the tables as Markdown here as well")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/tollgate",
                        help="default: build/release/tollgate")
    parser.add_argument("--relay", type=pathlib.Path, metavar="BINARY", default=ROOT / "build/release/bench/bench_relay",
                        help="the bare relay; default: build/release/bench/bench_relay")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="work in this new folder and leave logs and databases behind")
    parser.add_argument("--profile", action="store_true",
                        help="instead: perf and strace on the relay and on everything on, 1 KB at 64 connections")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    chosen.seconds = chosen.seconds or (1 if chosen.quick else 2)
    return chosen


def check_machine(chosen):
    missing = [tool for tool in ("wrk", "nginx", "openssl", "redis-server", "taskset") if shutil.which(tool) is None]
    if missing:
        sys.exit("not installed: " + ", ".join(missing) + " (Debian: wrk nginx-light openssl redis-server util-linux)")
    if not {0, 1} <= os.sched_getaffinity(0):
        sys.exit("cores 0 and 1 are needed: one for the load, one for the system under test")
    if not chosen.binary.exists():
        sys.exit(f"{chosen.binary} does not exist; build it: cmake --preset release && ninja -C build/release tollgate")


def work(chosen, directory):
    os.sched_setaffinity(0, {systems.UPSTREAM_CORE})
    bench = Bench(chosen, directory)
    try:
        bench.start()
        if chosen.profile:
            return profile_calls.run(bench)
        results = bench.run()
    finally:
        bench.stop()
    text = report.markdown(results)
    print(text)
    if chosen.out:
        chosen.out.write_text(text)
    for problem in bench.problems:
        print("FAILED " + problem, file=sys.stderr)
    return 1 if bench.problems else 0


def main():
    chosen = options()
    check_machine(chosen)
    begun = time.monotonic()
    if chosen.keep:
        chosen.keep.mkdir(parents=True)
        code = work(chosen, chosen.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as directory:
            code = work(chosen, pathlib.Path(directory))
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
