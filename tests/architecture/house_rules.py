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


def unknown_in_alerts(root, metrics):
    """Alerts about a metric, or a label of one, that nobody exports would never fire."""
    code = [statement for file in sorted((root / "gateway").rglob("*.cpp")) for statement in file.read_text().split(";")]
    bad = []
    for line in (root / "docs/operating/alerts.yaml").read_text().splitlines():
        for name, selector in re.findall(r"\b(tollgate_\w+)(\{[^{}]*\})?", line):
            name = name.removesuffix("_bucket")
            if name not in metrics:
                bad.append(f"docs/operating/alerts.yaml: nobody exports {name}")
            exporting = " ".join(s for s in code if f'"{name}"' in s or ("to.requests" in s and name.endswith("requests_total")))
            for label in re.findall(r"(\w+)[=!]~?\"", selector):
                if f'{{"{label}"' not in exporting:
                    bad.append(f"docs/operating/alerts.yaml: {name} has no label {label}")
    return bad


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
    bad += unknown_in_alerts(root, explained)
    print("\n".join(bad) or "house rules ok")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
