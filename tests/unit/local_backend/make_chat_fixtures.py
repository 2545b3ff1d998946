"""Writes fixtures/chat_cases.json: what Python's jinja2, set up as transformers sets it up, makes of fixtures/templates.

    pip install jinja2 && python3 make_chat_fixtures.py [--count 10000 --out FILE]

Beside conversations of every kind there are `count` drawn by chance for each template. The committed file holds a sample. A
long comparison: write elsewhere with --count and --out, then run the test with TOLLGATE_CHAT_CASES=FILE.
"""
import argparse
import datetime
import functools
import json
import pathlib
import random

import jinja2
import jinja2.ext
import jinja2.sandbox

from random_texts import random_text

HERE = pathlib.Path(__file__).parent
NOW = 1_763_769_600  # 2025-11-22

TOOLS = [{"type": "function", "function": {
    "name": "balance", "description": "An account's balance, größer or smaller", "parameters": {
        "type": "object", "properties": {"iban": {"type": "string"}, "limit": {"type": "number", "minimum": 0.5,
                                                                              "maximum": 1e20, "default": None}},
        "required": ["iban"], "additionalProperties": False}, "return": {"type": "number"}}},
    {"type": "function", "function": {"name": "today", "description": "The date", "parameters": {"type": "object",
                                                                                               "properties": {}}}}]
CALL = {"id": "abcdef123", "type": "function", "function": {"name": "balance", "arguments": {"iban": "DE02", "limit": 3}}}
SECOND = {"id": "abcdef124", "type": "function", "function": {"name": "today", "arguments": {}}}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


PLAIN = [said("user", "Hello")]
TURNS = [said("system", " Be brief. "), said("user", "Grüße\n"), said("assistant", "\"ok\" <b>"), said("user", "bye {{ x }}")]
ONE_CALL = [said("system", "Use tools."), said("user", "How much?"), said("assistant", "", tool_calls=[CALL]),
            said("tool", "{\"amount\": 12.5}", tool_call_id="abcdef123"), said("assistant", "12.50"), said("user", "And now?")]
TWO_CALLS = [said("user", "Both"), said("assistant", "Looking", tool_calls=[CALL, SECOND]),
             said("tool", "12.5", tool_call_id="abcdef123"), said("tool", "today", tool_call_id="abcdef124")]
THOUGHT = [said("user", "Why?"), said("assistant", "<think>\nfirst\nthen\n</think>\n\nBecause."), said("user", "Oh"),
           said("assistant", "<think>\nhm\n</think>\n\nYes", tool_calls=[CALL]), said("tool", "1", tool_call_id="abcdef123")]
SHORT_ID = [said("user", "x"), said("assistant", "", tool_calls=[{**CALL, "id": "1"}])]
TWICE = [said("user", "a"), said("user", "b")]

VARIABLES = [dict(messages=m, tools=t) for m in (PLAIN, TURNS, ONE_CALL, TWO_CALLS, THOUGHT, SHORT_ID, TWICE)
             for t in (None, TOOLS)] + [dict(messages=TURNS), dict(messages=PLAIN, enable_thinking=False),
                                        dict(messages=PLAIN, date_string="22 Nov 2025")]


@functools.cache
def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                       extensions=[Generation, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(f)
    env.filters["tojson"] = tojson
    return env


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        return jinja2.nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


@functools.cache
def template(source):
    return environment().from_string(source)


def render(source, variables):
    try:
        return dict(text=template(source).render(add_generation_prompt=True, bos_token="<s>",
                                                                  eos_token="</s>", **variables))
    except jinja2.exceptions.TemplateError as error:
        return dict(error=str(error))


def drawn(rng):
    """A conversation of one to six turns, with tools and thoughts now and then."""
    messages = [said("system", random_text(rng, True))] if rng.random() < 0.4 else []
    for _ in range(rng.randint(1, 3)):
        messages.append(said("user", random_text(rng, True)))
        kind = rng.random()
        if kind < 0.2:
            messages += [said("assistant", random_text(rng, True), tool_calls=[CALL]),
                         said("tool", random_text(rng, True), tool_call_id="abcdef123")]
        elif kind < 0.4:
            messages.append(said("assistant", f"<think>\n{random_text(rng, True)}\n</think>\n\n{random_text(rng, True)}"))
        elif kind < 0.8:
            messages.append(said("assistant", random_text(rng, True)))
    if messages[-1]["role"] == "assistant":
        messages.append(said("user", random_text(rng, True)))
    return dict(messages=messages, tools=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="conversations drawn by chance, for each template")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "fixtures" / "chat_cases.json")
    chosen = parser.parse_args()
    rng = random.Random(1)
    cases = []
    for path in sorted((HERE / "fixtures" / "templates").glob("*.jinja")):
        source = path.read_text()
        for variables in VARIABLES + [drawn(rng) for _ in range(chosen.count)]:
            cases.append(dict(template=path.name, now=NOW, variables=variables, **render(source, variables)))
    lines = ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases)
    chosen.out.write_text("[" + lines + "]\n")
    print(len(cases), "cases,", sum("error" in c for c in cases), "of them refused by their template")


if __name__ == "__main__":
    main()
