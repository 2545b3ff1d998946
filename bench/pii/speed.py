#!/usr/bin/env python3
"""How fast Tollgate's scanner is beside RE2 alone and beside Presidio, on the same texts, in one run.

    bench/pii/speed.py [--bench build/release/bench] [--out table.md]

RE2 gets ten expressions: the looks of the seven types that the dense text is full of, and of three keys. `alternation` is
one expression of all, `set` is RE2::Set, which says which of them are somewhere in the text and not where. Neither checks
a digit, a range or a word near by, and neither knows another spelling; Tollgate does, for all of its types. Presidio runs
as compare.py has it (pattern recognisers, no language model) over a part of the text, in pieces of about a kilobyte.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

from compare import ROOT, presidio

TEXTS = ("chat_json", "letters", "dense")
FOR_PRESIDIO = 32 * 1024
PIECE = 1024


def measured(folder):
    """{text: {who: bytes a second of processor time}}; the better of three runs."""
    names = "|".join(TEXTS)
    done = subprocess.run([folder / "pii_scan_bench", f"--benchmark_filter=^(scan|re2_alternation|re2_set)/({names})$",
                           "--benchmark_repetitions=3", "--benchmark_format=json"],
                          capture_output=True, text=True, check=True)
    out = {name: {} for name in TEXTS}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        who, text = run["run_name"].split("/")
        out[text][who] = max(out[text].get(who, 0), run["bytes_per_second"])
    return out


def presidio_rate(folder, name):
    text = subprocess.run([folder / "pii_print_text", name], capture_output=True, check=True).stdout
    pieces = [text[at:at + PIECE].decode(errors="replace") for at in range(0, FOR_PRESIDIO, PIECE)]
    presidio(pieces[:1], 0.4)  # installed, and its files read once
    rates = []
    for some in (pieces[:len(pieces) // 2], pieces):  # what starting it takes falls out of the difference
        begun = time.monotonic()
        presidio(some, 0.4)
        rates.append(time.monotonic() - begun)
    return FOR_PRESIDIO / 2 / max(rates[1] - rates[0], 1e-3)


def table(rates):
    lines = ["| text of 1 MB | Tollgate | RE2, one alternation | RE2::Set (which, not where) | Presidio |",
             "|---|---:|---:|---:|---:|"]
    for text in TEXTS:
        cells = [f"{rates[text][who] / 1e6:,.0f} MB/s" for who in ("scan", "re2_alternation", "re2_set")]
        lines.append(f"| `{text}` | " + " | ".join(cells) + f" | {rates[text]['presidio'] / 1e3:,.1f} kB/s |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "build/release/bench", help="where the programs are")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="write the table there as well")
    chosen = parser.parse_args()
    if not (chosen.bench / "pii_scan_bench").exists():
        sys.exit(f"{chosen.bench}/pii_scan_bench does not exist; build it: ninja -C build/release pii_scan_bench pii_print_text")
    rates = measured(chosen.bench)
    for text in TEXTS:
        rates[text]["presidio"] = presidio_rate(chosen.bench, text)
    print(table(rates))
    if chosen.out:
        chosen.out.write_text(table(rates))


if __name__ == "__main__":
    main()
