"""Where the CPU of a call goes: perf's samples by symbol and by thread, and system calls per call by strace."""
import re
import shutil
import subprocess
import threading

from measure import run_wrk

SECONDS = 6


def loaded(case, directory):
    """(thread, list): the list holds wrk's result once the thread ends."""
    result = []
    thread = threading.Thread(target=lambda: result.append(run_wrk(case, SECONDS, directory)))
    thread.start()
    return thread, result


def perf(case, directory):
    data = directory / "perf.data"
    thread, result = loaded(case, directory)
    subprocess.run(["perf", "record", "-e", "cpu-clock", "-F", "1999", "-g", "-o", data, "-p", str(case.pids[-1]), "--",
                    "sleep", str(SECONDS - 1)], capture_output=True, check=True)
    thread.join()
    print(f"\n### {case.name}: {result[0]['requests']} calls")
    for title, sort, lines in (("threads", "comm,tid", 8), ("shared objects", "dso", 12), ("symbols", "symbol", 60)):
        done = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--sort", sort],
                              capture_output=True, text=True, check=True)
        rows = [line.rstrip() for line in done.stdout.splitlines() if line.strip() and not line.startswith("#")]
        print(f"\n{title}:\n" + "\n".join(row[:150] for row in rows[:lines]))


def strace(case, directory):
    thread, result = loaded(case, directory)
    done = subprocess.run(["timeout", "-s", "INT", str(SECONDS - 2), "strace", "-f", "-c", "-p", str(case.pids[-1])],
                          capture_output=True, text=True)
    thread.join()
    calls = {m[2]: int(m[1]) for m in re.finditer(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", done.stderr, re.M)}
    calls.pop("total", None)
    return calls


def phases(gateway):
    metrics = gateway.metrics()
    count = metrics["tollgate_phase_seconds_count"]
    for labels, total in metrics["tollgate_phase_seconds_sum"].items():
        if count[labels]:
            print(f"  {labels:28} {total / count[labels] * 1e6:9.1f} us")


def run(bench):
    cases = [bench.nginx("plain", "1k", 64), bench.tollgate("plain", "plain", "1k", 64),
             bench.nginx("tls_both", "1k", 64), bench.tollgate("full", "tls_both", "1k", 64),
             bench.tollgate("full", "tls_both", "stream", 64)]
    for case in cases:
        run_wrk(case, 1, bench.directory)
        if shutil.which("perf"):
            perf(case, bench.directory)
        if shutil.which("strace"):
            calls = strace(case, bench.directory)
            print("\nsystem calls (of a traced, slower run): " + ", ".join(
                f"{name} {n}" for name, n in sorted(calls.items(), key=lambda kv: -kv[1])[:12]))
        if case.gateway:
            print("\nmean time per stage at 64 connections, queueing included:")
            phases(case.gateway)
    return 0
