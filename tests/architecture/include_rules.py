"""Fails when a folder includes what it may not. The tables are the architecture; README.md draws them.

usage: include_rules.py ROOT
"""
import pathlib
import re
import sys

# folder -> the project folders whose headers it may include.
LEAVES = {"providers", "routing", "pii", "ratelimit", "finops", "local_backend"}
ALLOWED = {
    "gateway/base": set(),
    "gateway/net": {"gateway/base"},
    "providers": {"gateway/base", "gateway/net"},
    "routing": {"gateway/base"},
    "pii": {"gateway/base"},
    "ratelimit": {"gateway/base", "gateway/net"},
    "finops": {"gateway/base"},
    "local_backend": set(),  # builds by itself, without the gateway
    "config": {"gateway/base", "gateway/net"} | LEAVES,
    "gateway/auth": {"gateway/base", "gateway/net", "config"},
    "gateway/observe": {"gateway/base", "providers"},
    "gateway/server": {"gateway/base", "gateway/net", "config"},
    "gateway/pipeline": {"gateway/base", "gateway/net", "gateway/auth", "gateway/observe", "gateway/server", "config"} | LEAVES,
    "gateway/process": {"gateway/base", "gateway/net", "gateway/auth", "gateway/observe", "gateway/server",
                        "gateway/pipeline", "gateway", "config"} | LEAVES,
    "gateway/cli": {"gateway/base", "gateway/net", "gateway/auth", "gateway/process", "gateway", "config", "pii", "finops",
                    "providers", "routing", "local_backend"},
    "gateway": {"gateway/cli", "gateway"},
}

# third-party header prefix -> the files that may include it (fnmatch patterns relative to the root).
ADAPTERS = {
    "curl/": ["providers/curl_*"],
    "hiredis/": ["ratelimit/redis_*"],
    "sqlite3.h": ["finops/sqlite.cpp", "gateway/auth/*sqlite*.cpp"],
    "libpq-fe.h": ["finops/*.cpp"],
    "pqxx/": ["gateway/auth/*postgres*.cpp"],
    "yaml-cpp/": ["config/*.cpp"],
    "spdlog/": ["gateway/observe/json_log.cpp"],
    "prometheus/": ["gateway/observe/metrics.cpp"],
    "openssl/": ["gateway/net/*", "providers/identity/crypto.cpp", "pii/text_digest.cpp", "ratelimit/redis_script.cpp"],  # the last: SHA-1, as EVALSHA names scripts
    "simdjson": ["providers/*.cpp"],
    "boost/beast": [],  # second opinion of the tests only: docs/decisions/0003
    "pcre2.h": ["local_backend/pcre2_pretokenizer.cpp"],
    "utf8proc.h": ["local_backend/utf8proc_nfc.cpp"],
    "re2/": ["pii/*.cpp"],
    "CLI/": ["gateway/cli/*", "gateway/main.cpp"],
    "date/": ["gateway/cli/*.cpp", "finops/*.cpp", "config/*.cpp"],
}
# JSON types never appear in a public header.
JSON_HEADERS = [r"nlohmann/", r"simdjson"]


def folder_of(path):
    parts = path.split("/")
    if parts[0] == "gateway" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def main(root):
    bad = []
    tops = {name.split("/")[0] for name in ALLOWED}
    files = sorted(p for top in tops for p in (root / top).rglob("*") if p.suffix in {".h", ".cpp", ".cu", ".cuh"})
    for file in files:
        name = str(file.relative_to(root))
        here = folder_of(name)
        if here not in ALLOWED:
            bad.append(f"{name}:1: folder {here} is not in the table of tests/architecture/include_rules.py")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            project = re.match(r'\s*#\s*include "([\w./]+)"', line)
            system = re.match(r"\s*#\s*include <([\w./-]+)>", line)
            if project:
                there = folder_of(project[1])
                if there != here and there not in ALLOWED[here]:
                    bad.append(f"{name}:{number}: {here} may not include {there}")
            if system:
                for prefix, allowed in ADAPTERS.items():
                    if system[1].startswith(prefix) and not any(pathlib.PurePath(name).match(a) for a in allowed):
                        bad.append(f"{name}:{number}: <{prefix}> belongs in {' '.join(allowed) or 'no file'}")
                if file.suffix == ".h" and any(re.match(j, system[1]) for j in JSON_HEADERS) and not is_private(file):
                    bad.append(f"{name}:{number}: JSON types do not appear in public headers")
    print("\n".join(bad) or f"include directions ok in {len(files)} files")
    return bool(bad)


def is_private(header):
    """A header says in its opening comment that it is private to its folder."""
    opening = header.read_text()[:600].lower()
    return "private" in opening or "internal" in opening


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
