"""What tests/golden/README.md says holds what is easily got wrong is there: each case, each test, each file it names.

usage: golden_table.py ROOT
"""
import json
import pathlib
import re
import sys


def tests_of(root):
    """Names of all unit tests, as 'Suite.Name'; those that run over a table are given by their suite."""
    names = set()
    for file in (root / "tests/unit").rglob("*_test.cpp"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", file.read_text(), re.M):
            names.add(f"{suite}.{name}")
    return names


def held(root, tests, name, folder):
    """Whether `name` is there, and the folder that the next name without one lies in."""
    if re.fullmatch(r"[A-Z]\w*\.(\w+|\*)", name):
        suite = name.removesuffix("*")
        return any(test == name or name.endswith("*") and test.startswith(suite) for test in tests), folder
    if name.startswith("tests/"):
        return (root / name).exists(), folder
    folder = name.partition("/")[0] if "/" in name else folder
    pattern = name if "/" in name else f"{folder}/{name}"
    return any((root / "tests/golden").glob(pattern)), folder


def main(root):
    tests, bad = tests_of(root), []
    for line in (root / "tests/golden/README.md").read_text().splitlines():
        cells = line.split("|")
        if len(cells) != 4 or cells[2].strip() in ("held by", "---"):
            continue
        names, folder = re.findall(r"`([^`]+)`", cells[2]), ""
        if not names:
            bad.append(f"nothing holds: {cells[1].strip()}")
        for name in names:
            there, folder = held(root, tests, name, folder)
            if not there:
                bad.append(f"{name} is not there (it should hold: {cells[1].strip()})")
    for case in sorted((root / "tests/golden").glob("*/*/")):
        if not json.loads((case / "expect.json").read_text()).get("why"):
            bad.append(f"{case.relative_to(root)}: expect.json does not say why the case is there")
    print("\n".join(bad) or "golden table ok")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
