#!/usr/bin/env python3
"""Plants one fault at a time in a pure module and runs that module's unit tests: do they notice?

Works on copies of the sources with build directories of their own; the working tree is only read. A mutant is
"killed" when a test fails, the program crashes or it runs too long; "survived" when all tests pass; "invalid" when it
does not compile (such mutants are replaced by others and do not count).
"""

import argparse
import concurrent.futures
import dataclasses
import fnmatch
import os
import pathlib
import queue
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Module:
    sources: tuple  # patterns, relative to the root
    program: str  # the unit test's target
    tests: str = "*"  # GoogleTest filter: what is about these sources, and fast


MODULES = {
    "base": Module(("gateway/base/money.cpp", "gateway/base/ids.cpp", "gateway/base/error.cpp"), "base_test"),
    "net": Module(
        ("gateway/net/http1_*.cpp", "gateway/net/chunked.cpp"), "net_test", "*Guard*:*FindHead*:*Reader*:*Http1*"
    ),
    "pii": Module(("pii/*.cpp",), "pii_test"),
    "routing": Module(("routing/*.cpp",), "routing_test"),
    "providers": Module(
        (
            "providers/call_edits.cpp",
            "providers/canonical.cpp",
            "providers/chat_*.cpp",
            "providers/http_date.cpp",
            "providers/json_*.cpp",
            "providers/model_list.cpp",
            "providers/openai_error.cpp",
            "providers/sse.cpp",
            "providers/utf8.cpp",
        ),
        "dialect_test",
    ),
    "finops": Module(
        (
            "finops/copy_text.cpp",
            "finops/crc32c.cpp",
            "finops/prices.cpp",
            "finops/report_format.cpp",
            "finops/usage_record.cpp",
        ),
        "finops_test",
        "*Price*:*Cost*:*Rate*:*Report*:*CopyText*:*Crc32c*:*UsageRecord*",
    ),
    "ratelimit": Module(
        ("ratelimit/bucket.cpp", "ratelimit/memory_store.cpp"),
        "ratelimit_test",
        "*Bucket*:*Clip*:*Denial*:*MemoryStore*:*Ticket*:*emory*",
    ),
}

# What is replaced by what. Binary operators stand between spaces (clang-format sees to it), so templates, references
# and unary signs are left alone.
SWAPS = (
    (" == ", " != "), (" != ", " == "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
    (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "), (" * ", " / "), (" % ", " * "),
    (" += ", " -= "), (" -= ", " += "), (" << ", " >> "), (" & ", " | "), (" | ", " & "),
)  # fmt: skip
WORDS = {"true": "false", "false": "true", "min": "max", "max": "min"}
NUMBER = re.compile(r"(?<![\w.'])(\d+)(?=U?[^\w.'])")
CONDITION = re.compile(r"\b(?:if|while) \((?!constexpr)(.*)\)(?= (?:[^)]*;|\{)?$|$)")
STATEMENT = re.compile(r"^\s*(?:[\w>.:\[\]-]+\(.*\)|[\w>.\[\]-]+ [-+*/|&]?= .*|(?:\+\+|--)\w+|continue|break|return);$")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)+\'|//.*$')


@dataclasses.dataclass(frozen=True)
class Mutant:
    path: str
    line: int  # from 0
    text: str  # the whole line, changed
    what: str


def blank_out(line):
    """The line with strings and comments replaced by as many bytes of nothing."""
    return TEXT.sub(lambda m: "\0" * len(m.group()), line)


def changes_of(line):
    """Every (changed line, description) of one line of code."""
    code = blank_out(line)

    def change(start, end, new):
        return line[:start] + new + line[end:], f"{line[start:end].strip()} -> {new.strip()}"

    for old, new in SWAPS:
        for at in re.finditer(re.escape(old), code):
            yield change(at.start(), at.end(), new)
    for at in re.finditer(r"\b(true|false|min|max)\b", code):
        yield change(at.start(), at.end(), WORDS[at.group()])
    for at in NUMBER.finditer(code):
        yield change(at.start(), at.end(), str(int(at.group(1)) + 1))
        if at.group(1) != "0":
            yield change(at.start(), at.end(), str(int(at.group(1)) - 1))
    condition = CONDITION.search(code)
    if condition and condition.group(1).count("(") == condition.group(1).count(")"):
        start, end = condition.span(1)
        if ";" not in condition.group(1):
            yield line[:start] + "!(" + line[start:end] + ")" + line[end:], "condition negated"
    if STATEMENT.match(code):
        yield re.match(r"\s*", line).group() + ";", "statement deleted"


def mutants_of(root, path):
    block_comment = False
    for number, line in enumerate((root / path).read_text().splitlines()):
        stripped = line.strip()
        if stripped.startswith("/*"):
            block_comment = True
        skip = block_comment or stripped.startswith(("#", "//", "static_assert", "namespace", "using "))
        block_comment = block_comment and "*/" not in stripped
        if not skip:
            for text, what in changes_of(line):
                yield Mutant(str(path), number, text, what)


def sources_of(module, files):
    return sorted(f for f in files if any(fnmatch.fnmatch(f, p) for p in module.sources))


def candidates(module, files, seed):
    """Mutants in an order that goes round the files, so that a few of them already visit every file."""
    chance = random.Random(seed)
    by_file = []
    for path in sources_of(module, files):
        mutants = list(mutants_of(ROOT, path))
        chance.shuffle(mutants)
        by_file.append(mutants)
    chance.shuffle(by_file)
    out = []
    while any(by_file):
        out += [mutants.pop() for mutants in by_file if mutants]
    return out


def project_files():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [f for f in listed.stdout.split("\0") if f and (ROOT / f).is_file()]


class Workshop:
    """One copy of the sources with its build directory."""

    def __init__(self, place, files, options):
        self.tree = place / "tree"
        self.build = place / "build"
        self.options = options
        for file in files:
            target = self.tree / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)

    def run(self, command, timeout, memory=resource.RLIM_INFINITY):
        # A child that hangs is killed with everything it started; one that eats memory fails.
        process = subprocess.Popen(
            command, cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=timeout)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return None, ""

    def configure(self):
        code, output = self.run(
            ["cmake", "-S", str(self.tree), "-B", str(self.build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
             "-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DTOLLGATE_BENCH=OFF"], 600)  # fmt: skip
        if code != 0:
            sys.exit(f"cmake failed:\n{output[-3000:]}")

    def compile(self, program):
        code, output = self.run(["ninja", "-C", str(self.build), program], self.options.build_timeout)
        return code == 0, output

    def test(self, module):
        program = next((p for p in self.build.rglob(module.program) if p.is_file()), None)
        command = [str(program), f"--gtest_filter={module.tests}", "--gtest_fail_fast", "--gtest_brief=1"]
        return self.run(command, self.options.test_timeout, memory=4 << 30)

    def try_mutant(self, module, mutant):
        path = self.tree / mutant.path
        original = path.read_text()
        lines = original.splitlines(keepends=True)
        lines[mutant.line] = mutant.text + "\n"
        try:
            path.write_text("".join(lines))
            if not self.compile(module.program)[0]:
                return "invalid"
            return "survived" if self.test(module)[0] == 0 else "killed"
        finally:
            path.write_text(original)


def check_module(name, module, files, workshops, options):
    """Returns (killed, survived, invalid) lists, or None where the unmutated tests do not pass."""
    built, output = workshops[0].compile(module.program)
    code, tests = workshops[0].test(module) if built else (None, output)
    if code != 0:
        print(f"{name}: skipped, its tests do not pass unchanged:\n{tests[-1500:]}")
        return None
    pending = candidates(module, files, options.seed)
    free = queue.Queue()
    for workshop in workshops:
        free.put(workshop)
    results = {"killed": [], "survived": [], "invalid": []}

    def attempt(mutant):
        workshop = free.get()
        try:
            return mutant, workshop.try_mutant(module, mutant)
        finally:
            free.put(workshop)

    with concurrent.futures.ThreadPoolExecutor(len(workshops)) as pool:
        while pending:
            wanted = options.count - len(results["killed"]) - len(results["survived"])
            if wanted <= 0:
                break
            batch, pending = pending[:wanted], pending[wanted:]
            for mutant, verdict in pool.map(attempt, batch):
                results[verdict].append(mutant)
                if verdict != "invalid":
                    print(f"{verdict:8} {mutant.path}:{mutant.line + 1}: {mutant.what}: {mutant.text.strip()}", flush=True)
    return results


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", choices=sorted(MODULES), help="only this one; may be repeated")
    parser.add_argument("--count", type=int, default=20, help="mutants per module (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="which mutants: the same seed gives the same ones (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="copies that are built at the same time (default 1)")
    parser.add_argument("--build-timeout", type=int, default=600, metavar="S", help="seconds (default 600)")
    parser.add_argument("--test-timeout", type=int, default=30, metavar="S", help="longer is killed (default 30)")
    parser.add_argument("--at-least", type=int, metavar="PERCENT", help="exit 1 where a module's score is below this")
    parser.add_argument("--list", action="store_true", help="print the mutants and build nothing")
    return parser.parse_args()


def list_mutants(names, files, options):
    for name in names:
        for mutant in candidates(MODULES[name], files, options.seed)[: options.count]:
            print(f"{mutant.path}:{mutant.line + 1}: {mutant.what}: {mutant.text.strip()}")


def main():
    options = parse_arguments()
    names = options.module or sorted(MODULES)
    files = project_files()
    if options.list:
        return list_mutants(names, files, options)
    os.environ["CCACHE_DISABLE"] = "1"  # thousands of objects that nobody asks for again
    scores = {}
    with tempfile.TemporaryDirectory(prefix="tollgate-mutation-") as place:
        workshops = [Workshop(pathlib.Path(place) / str(i), files, options) for i in range(options.jobs)]
        for workshop in workshops:
            workshop.configure()
        for name in names:
            results = check_module(name, MODULES[name], files, workshops, options)
            if results is not None:
                scores[name] = {verdict: len(mutants) for verdict, mutants in results.items()}
    print(f"\n{'module':12} {'killed':>7} {'survived':>9} {'invalid':>8} {'score':>6}")
    failed = len(scores) < len(names)
    for name, score in scores.items():
        tried = score["killed"] + score["survived"]
        percent = 100 * score["killed"] // tried if tried else 0
        failed |= options.at_least is not None and percent < options.at_least
        print(f"{name:12} {score['killed']:7} {score['survived']:9} {score['invalid']:8} {percent:5}%")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
