"""Name it, move it, await it: flags spellings inside a co_await expression that compilers have miscompiled.

g++ 12 destroys braced temporaries, captures of lambda temporaries and the branches of ?: twice when they stand inside a
co_await expression. clang 19 does not; the rule stays, because the code should not depend on it.

usage: coroutine_rules.py FILE_OR_FOLDER...
"""
import pathlib
import re
import sys

QUIET = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*(?:.|\n)*?\*/')
SHAPES = [
    ("a lambda with captures", re.compile(r"\[[^\]\[]*[\w&=][^\]\[]*\]\s*(\(|\{|mutable|->)")),
    ("?: between awaitables", re.compile(r"^\s*\(?[^;]*\?[^;]*:[^:]")),
    ("a braced temporary", re.compile(r"[\w>(,]\s*\{")),
]


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def operand(text, start):
    """From after co_await to the end of its full expression."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if depth < 0:
                return text[start:i]
        elif text[i] == ";" and depth == 0:
            return text[start:i]
    return text[start:]


def check(file):
    text = QUIET.sub(blank, file.read_text())
    for match in re.finditer(r"\bco_await\b", text):
        expression = operand(text, match.end())
        for what, shape in SHAPES:
            if shape.search(expression):
                yield f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {what} in co_await{expression.strip()[:60]!r}"
                break


def main(names):
    files = [f for name in names for f in ([pathlib.Path(name)] if pathlib.Path(name).is_file()
                                           else sorted(pathlib.Path(name).rglob("*.cpp")))]
    bad = [line for f in files for line in check(f)]
    print("\n".join(bad) or f"coroutine rules ok in {len(files)} files")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
