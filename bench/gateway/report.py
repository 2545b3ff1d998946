"""The tables, as Markdown."""
import dataclasses
import os
import pathlib
import platform
import statistics
import subprocess
import time

LEG_NAMES = {"plain": "plain", "tls_in": "TLS in", "tls_both": "TLS both legs"}
LOAD_NAMES = {"1k": "1 KB", "100k": "100 KB", "stream": "stream of 50 events"}


@dataclasses.dataclass
class Results:
    cases: list
    idle: dict
    first: dict
    memory: dict
    books: dict
    options: object

    def find(self, system, legs, load, connections=64, fresh=False):
        for case in self.cases:
            found = (case.system, case.legs, case.load, case.connections, case.fresh)
            if found == (system, legs, load, connections, fresh):
                return case
        return None


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr else "?"


def machine(results):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    versions = [output("nginx", "-v").replace("nginx version: ", ""), output("wrk", "-v").split(" [")[0],
                "Redis " + output("redis-server", "--version").split("v=")[1].split()[0], output("openssl", "version"),
                output(str(results.options.binary), "--version")]
    return (f"Measured {time.strftime('%Y-%m-%d')} on {model}, {os.cpu_count()} cores, Linux {platform.release()}; "
            f"load average {os.getloadavg()[0]:.1f} at the end, so other work "
            f"{'shared' if os.getloadavg()[0] > 2.5 else 'hardly shared'} the cores. {'; '.join(versions)}.\n"
            f"{results.options.rounds} interleaved round(s) of {results.options.seconds} s each, medians. CPU is of "
            "every thread of the process, kernel included. Calls per second and latencies suffer from neighbours; CPU "
            "per call much less.\n")


def ratio(ours, floor):
    return f"{ours / floor:.2f}x"


def cpu_table(r):
    rows = []
    for load in LOAD_NAMES:
        for legs in LEG_NAMES:
            floor, bare, ours = (r.find(system, legs, load) for system in ("nginx", "bare", "tollgate"))
            rows.append(cpu_row(f"{LOAD_NAMES[load]}, {LEG_NAMES[legs]}", floor, ours, bare))
        rows.append(cpu_row(f"{LOAD_NAMES[load]}, TLS both legs, **everything on**", r.find("nginx", "tls_both", load),
                            r.find("everything", "tls_both", load)))
    for system, legs, text in (("plain-big", "plain", "1 KB, plain, big configuration"),
                               ("full-big", "tls_both", "1 KB, TLS both legs, **everything on**, big configuration")):
        if r.find(system, legs, "1k"):
            rows.append(cpu_row(text, r.find("nginx", legs, "1k"), r.find(system, legs, "1k")))
    floor, ours = r.find("nginx", "tls_in", "1k", fresh=True), r.find("tollgate", "tls_in", "1k", fresh=True)
    rows.append(cpu_row("1 KB, TLS in, a new connection per call", floor, ours))
    return table(("64 connections", "nginx us", "bare relay us", "ratio", "Tollgate us", "+ Redis us",
                  "ratio, Redis included", "nginx calls/s", "Tollgate calls/s"), rows)


def cpu_row(text, floor, ours, bare=None):
    cpu, redis, base = ours.median("cpu"), ours.median("redis"), floor.median("cpu")
    relay = (f"{bare.median('cpu'):.1f}", ratio(bare.median("cpu"), base)) if bare else ("", "")
    return (text, f"{base:.1f}", *relay, f"{cpu:.1f}", f"{redis:.1f}" if redis else "", ratio(cpu + redis, base),
            f"{floor.median('rps'):.0f}", f"{ours.median('rps'):.0f}")


def latency_table(r):
    rows = []
    for connections in (1, 64):
        for legs in ("plain", "tls_both"):
            direct = r.find("direct", legs, "1k", connections)
            if direct is None:
                continue
            for system in ("nginx", "tollgate", "everything"):
                case = r.find(system, legs, "1k", connections)
                if case is None:
                    continue
                added = [case.median(p) - direct.median(p) for p in ("p50", "p99")]
                rows.append((f"{connections} connection(s), {LEG_NAMES[legs]}, {system}", f"{direct.median('p50'):.0f}",
                             f"{added[0]:.0f}", f"{direct.median('p99'):.0f}", f"{added[1]:.0f}"))
    return table(("1 KB", "direct p50 us", "added p50 us", "direct p99 us", "added p99 us"), rows)


def first_table(r):
    rows = []
    for (system, legs), times in r.first.items():
        direct = statistics.median(r.first[("direct", legs)])
        if system != "direct":
            rows.append((f"{LEG_NAMES[legs]}, {system}", f"{direct:.0f}", f"{statistics.median(times) - direct:.0f}"))
    return table(("stream, one at a time", "direct us", "added to the first byte us"), rows)


def memory_table(r):
    def mib(pair):
        return [f"{kib / 1024:.1f}" for kib in pair]
    rows = [(f"{name}, started, idle", *mib(f["start"]), f"{f['per_connection']:.1f}") for name, f in r.idle.items()]
    for name, pair in r.memory.items():
        rows.append((f"{name if name == 'nginx' else 'tollgate ' + name}, after the run", *mib(pair), ""))
    return table(("process", "RSS MiB", "private dirty MiB", "KiB per idle TLS connection"), rows)


def books_table(r):
    columns = ("calls", "answered", "rows", "admits", "log lines", "planted")
    rows = [(name, *(b.get(column, "") for column in columns)) for name, b in r.books.items()]
    return table(("gateway", *columns), rows)


def markdown(r):
    return "\n".join((
        machine(r), "CPU per call:\n", cpu_table(r), "Latency added over calling the upstream directly:\n",
        latency_table(r), first_table(r), "Memory:\n", memory_table(r),
        "The books (`calls` less `answered` were cut off by wrk at the end of its runs; three values are planted per "
        "call in `full`):\n", books_table(r)))
