"""Writes fixtures/chat_cases.json: what Python's jinja2, set up as transformers sets it up, makes of fixtures/templates.

    pip install jinja2 && python3 make_chat_fixtures.py
"""
import datetime
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox

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


def render(source, variables):
    try:
        return dict(text=environment().from_string(source).render(add_generation_prompt=True, bos_token="<s>",
                                                                  eos_token="</s>", **variables))
    except jinja2.exceptions.TemplateError as error:
        return dict(error=str(error))


if __name__ == "__main__":
    cases = []
    for path in sorted((HERE / "fixtures" / "templates").glob("*.jinja")):
        for variables in VARIABLES:
            cases.append(dict(template=path.name, now=NOW, variables=variables, **render(path.read_text(), variables)))
    lines = ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases)
    (HERE / "fixtures" / "chat_cases.json").write_text("[" + lines + "]\n")
    print(len(cases), sum("error" in c for c in cases))
