"""Where the CPU of a call goes: perf's samples by symbol and by thread, and system calls per call by strace."""
import re
import shutil
import signal
import subprocess
import threading
import time

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
    for title, sort, lines in (("threads", "pid", 8), ("shared objects", "dso", 12), ("symbols", "symbol", 60)):
        done = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--sort", sort],
                              capture_output=True, text=True, check=True)
        rows = [line.rstrip() for line in done.stdout.splitlines() if line.strip() and not line.startswith("#")]
        print(f"\n{title}:\n" + "\n".join(row[:150] for row in rows[:lines]))


def strace(case, directory):
    """System calls per answered call: tracing slows the process, the number per call stays."""
    tracer = subprocess.Popen(["strace", "-f", "-c", "-p", str(case.pids[-1])], stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    answered = max(run_wrk(case, 3, directory)["requests"], 1)
    tracer.send_signal(signal.SIGINT)
    text = tracer.communicate(timeout=20)[1]
    calls = {m[2]: int(m[1]) for m in re.finditer(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", text, re.M)}
    calls.pop("total", None)
    return {name: n / answered for name, n in calls.items()}


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
            print("\nsystem calls per call: " + ", ".join(
                f"{name} {n:.2f}" for name, n in sorted(calls.items(), key=lambda kv: -kv[1])[:12]))
        if case.gateway:
            print("\nmean time per stage at 64 connections, queueing included:")
            phases(case.gateway)
    return 0
