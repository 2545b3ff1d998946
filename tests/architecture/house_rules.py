"""What a reader may rely on: every folder has a README, no file grows past reading, metrics are explained.

usage: house_rules.py ROOT
"""
import pathlib
import re
import sys

FOLDERS = ["gateway/base", "gateway/net", "gateway/auth", "gateway/observe", "gateway/server", "gateway/pipeline",
           "gateway/process", "gateway/cli", "providers", "routing", "pii", "ratelimit", "finops", "local_backend",
           "config", "bench", "tests"]
MAX_LINES = 450  # of one source file; split by job before it gets there


def main(root):
    bad = [f"{f}/README.md is missing" for f in FOLDERS if not (root / f / "README.md").is_file()]
    for folder in {f.split("/")[0] for f in FOLDERS} - {"tests", "bench"}:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in {".h", ".cpp"} and (lines := len(file.read_text().splitlines())) > MAX_LINES:
                bad.append(f"{file.relative_to(root)}: {lines} lines; split it by job (at most {MAX_LINES})")
    explained = set(re.findall(r'(?:Help\{|family\()"([a-z_]+)"', (root / "gateway/observe/metrics.cpp").read_text()))
    for file in sorted((root / "gateway").rglob("*.cpp")):
        for name in re.findall(r'(?:count|gauge)\("(tollgate_\w+)"', file.read_text()):
            if name not in explained:
                bad.append(f"{file.relative_to(root)}: metric {name} has no help text in gateway/observe/metrics.cpp")
    print("\n".join(bad) or "house rules ok")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
