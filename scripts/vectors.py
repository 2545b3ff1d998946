#!/usr/bin/env python3
"""Runs vectors and recordings of other people through our readers and compares, one by one.

usage: scripts/vectors.py DATA_DIR        (needs PyYAML and a build: ninja -C build/release wire_check)

DATA_DIR holds what is no part of this repository, laid out so: eventstream/ (encoded, smithy-rs, converse,
botocore-vectors.json), sse-synthetic/ (index.json), recorded/envoy-ai-gateway/openai-cassettes/*.yaml,
recorded/anthropic-sdk/**. A folder that is missing is skipped by name. Ends with 1 where something differs.
The signatures of AWS and Google are unit tests (tests/unit/providers/identity).
"""
import binascii
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOOL = os.environ.get("WIRE_CHECK", str(ROOT / "build/release/tests/vectors/wire_check"))
CHAT = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
KINDS = {"openai": "openai_compatible", "azure-openai": "azure_openai", "openai-compatible": "openai_compatible",
         "vllm": "openai_compatible", "vertex-gemini": "vertex", "anthropic": "anthropic"}
results = []  # (suite, case, what differs or "")
unknown = set()  # (kind, what stands in an answer and no decoder knows)


def check(suite, case, *differences):
    results.append((suite, case, "; ".join(d for d in differences if d)))


def tool(*args):
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, check=True)
    return json.loads(done.stdout)


def play(kind, api, status, content_type, request, answer):
    """The request as a caller sends it, the answer as the provider gave it: what our readers made of it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("request", "answer")]
        for file, data in zip(files, (request, answer)):
            file.write_bytes(data if isinstance(data, bytes) else data.encode())
        got = tool("play", kind, api, status, content_type, *files)
    unknown.update((kind, name) for name in got.get("unknown", []))
    return got


def differ(what, found, expected):
    return "" if found == expected else f"{what}: {found!r:.90}, not {expected!r:.90}"


def in_pieces(got):
    return "" if got.get("same_in_pieces") else "differs when cut"


# --- AWS event streams ---

def messages_of(described):
    """Of botocore's decode: what our parser tells of each message."""
    out = []
    for message in described:
        payload = (bytes.fromhex(message["payload_hex"]) if "payload_hex" in message
                   else message["payload_utf8"].encode())
        texts = [message["headers"].get(name, "") for name in (":message-type", ":event-type", ":exception-type")]
        out.append([t if isinstance(t, str) else "" for t in texts] + [len(payload), binascii.crc32(payload)])
    return out


def found_messages(got):
    return [[m["type"], m["event"], m["exception"], m["payload_size"], m["payload_crc"]] for m in got["messages"]]


def event_streams(data):
    for file in sorted(data.glob("encoded/*/*")) + sorted(data.glob("smithy-rs/*")):
        good = file.parent.name == "positive" or file.name.startswith("valid")
        got = tool("frames", file)
        sound = got["error"] is None and got["at_boundary"]
        check("event stream", f"{file.parent.name}/{file.name}", differ("accepted", sound, good))
    vectors = json.loads((data / "botocore-vectors.json").read_text())["vectors"]
    for vector in vectors:
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes.fromhex(vector["hex"]))
            file.flush()
            got = tool("frames", file.name)
        bad = vector["decode_error"] is not None
        check("event stream", "botocore " + vector["name"], differ("refused", got["error"] is not None, bad),
              "" if bad else differ("messages", found_messages(got), messages_of(vector["messages"])))


def converse(data):
    for file in sorted(data.glob("*.bin")):
        expected = json.loads(file.with_suffix(".json").read_text())
        got = tool("frames", file)
        check("converse frames", file.stem, differ("messages", found_messages(got), messages_of(expected["messages"])),
              differ("refused", got["error"] is not None, expected["decode_error"] is not None))
        if "sagemaker" in file.stem or "invoke" in file.stem:
            continue  # not Converse
        got = play("bedrock", "chat", 200, "application/vnd.amazon.eventstream", json.dumps(CHAT), file.read_bytes())
        fails = any(word in file.stem for word in ("midstream", "truncated", "corrupt"))
        check("converse answer", file.stem, differ("an error", got["error"] is not None, fails), in_pieces(got),
              said_by_events(got, expected["messages"]))


def said_by_events(got, messages):
    """Text, calls and usage by a reading of the events of our script's own."""
    text, tools, usage = "", {}, None
    for message in messages:
        payload = json.loads(message["payload_utf8"] or "{}")
        call = payload.get("start", {}).get("toolUse")
        if call:
            tools[payload["contentBlockIndex"]] = [call["toolUseId"], call["name"], ""]
        delta = payload.get("delta", {})
        text += delta.get("text", "")
        if "toolUse" in delta:
            tools[payload["contentBlockIndex"]][2] += delta["toolUse"]["input"]
        usage = payload.get("usage", usage)
    choice = (got["choices"] or [{"text": "", "tools": []}])[0]
    found = [[i, n, a or "{}"] for i, n, a in choice["tools"]]
    told = usage and usage["inputTokens"] + usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
    return "; ".join(filter(None, [
        differ("text", choice["text"], text), differ("calls", found, [[i, n, a or "{}"] for i, n, a in tools.values()]),
        differ("input", got["usage"]["input"], told) if usage else "",
        differ("output", got["usage"]["output"], usage["outputTokens"]) if usage else ""]))


# --- event streams of the web ---

def synthetic(data):
    for name, entry in json.loads((data / "index.json").read_text())["files"].items():
        got = play(KINDS[entry["provider"]], "chat", 200, "text/event-stream", json.dumps(CHAT), (data / name).read_bytes())
        expect = entry["expect"]
        choice = (got["choices"] or [{"text": "", "reasoning": "", "finish": "", "tools": []}])[0]
        faults = [in_pieces(got)]
        if "policy" in expect.get("finish_reason", ""):  # ours: a call that could not be read is an error
            expect = {"error": {}}
        faults.append(differ("an error", got["error"] is not None, "error" in expect))
        for member, ours in (("text", "text"), ("reasoning", "reasoning"), ("finish_reason", "finish")):
            if member in expect and not (member == "finish_reason" and "error" in expect):
                faults.append(differ(member, choice[ours], expect[member]))
        if "tools" in expect:
            found = [[n, json.loads(a or "{}")] for _, n, a in choice["tools"]]
            wanted = [[t[-2], json.loads(t[-1]) if isinstance(t[-1], str) else t[-1]] for t in expect["tools"]]
            faults.append(differ("calls", found, wanted))
        if expect.get("usage"):
            faults.append(differ("usage", [got["usage"]["input"], got["usage"]["output"]], expect["usage"][:2]))
        for member, ours in (("cached_tokens", "cached"), ("reasoning_tokens", "reasoning")):
            if member in expect:
                faults.append(differ(member, got["usage"][ours], expect[member]))
        check("synthetic streams", name, *faults)


def anthropic(data):
    request = json.dumps({**CHAT, "max_tokens": 100})
    for file in sorted(data.rglob("*.txt")) + sorted(data.rglob("*.sse")):
        raw = file.read_bytes()
        events = [json.loads(line[5:]) for line in raw.decode().splitlines() if line.startswith("data:")]
        whole = any(e["type"] == "message_stop" for e in events)
        text = "".join(e["delta"]["text"] for e in events if e.get("delta", {}).get("type") == "text_delta")
        ends = [e["usage"]["output_tokens"] for e in events if e["type"] == "message_delta"]
        for api in ("chat", "messages"):
            got = play("anthropic", api, 200, "text/event-stream", request, raw)
            choice = (got["choices"] or [{"text": ""}])[0]
            found = choice["text"] if api == "chat" else "".join(c["text"] for c in got["choices"])
            check(f"anthropic fixtures, {api}", file.name, in_pieces(got), differ("text", found, text),
                  differ("an error", got["error"] is not None, not whole),
                  differ("output", got["usage"]["output"], ends[-1]) if ends and whole else "")


# --- recorded exchanges ---

APIS = {"/chat/completions": "chat", "/completions": "completions", "/embeddings": "embeddings",
        "/images/generations": "images"}


def cassettes(data):
    import yaml
    for file in sorted(data.glob("*.yaml")):
        for exchange in yaml.safe_load(file.read_text())["interactions"]:
            cassette(file.stem, exchange)


def cassette(name, exchange):
    url = exchange["request"]["url"].split("?")[0]
    api = next((api for ending, api in APIS.items() if url.endswith(ending)), None)
    if api is None:
        return results.append(("recorded", name, None))  # an API that the gateway does not have
    response, request = exchange["response"], exchange["request"]["body"]
    if "/deployments/" in url and '"model"' not in request:
        request = '{"model":"deployment",' + request.lstrip()[1:]
    kind = "azure_openai" if "azure" in url else "openai_compatible"
    type_of = response["headers"].get("Content-Type", ["application/json"])[0]
    got = play(kind, api, response["code"], type_of, request, response["body"])
    if "refused" in got:
        return check("recorded", name, differ("refused by us; their status", response["code"] // 100, 4))
    if response["code"] != 200:
        theirs = json.loads(response["body"])["error"]
        return check("recorded", name, differ("an error", got["error"] is not None, True), in_pieces(got),
                     differ("message", got["error"]["message"], theirs["message"]) if response["code"] in (400, 404) else "",
                     differ("code", got["error"]["code"] or None, theirs["code"]) if theirs.get("code") else "")
    check("recorded", name, differ("an error", got["error"], None), in_pieces(got), *recorded_answer(api, response, got))


def recorded_answer(api, response, got):
    body, chunks = response["body"], []
    if body.lstrip().startswith("data:"):
        chunks = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    else:
        chunks = [json.loads(body)]
    usage = next((c["usage"] for c in reversed(chunks) if c.get("usage")), None)
    text = "".join((c.get("delta") or c.get("message") or {}).get("content") or c.get("text") or ""
                   for chunk in chunks for c in chunk.get("choices", []) if c.get("index", 0) == 0)
    first = (got["choices"] or [{"text": ""}])[0]
    if api in ("chat", "completions"):
        yield differ("text", first["text"], text)
    if usage:
        yield differ("input", got["usage"]["input"], usage.get("prompt_tokens", usage.get("input_tokens")))
        yield differ("output", max(got["usage"]["output"], 0), usage.get("completion_tokens", usage.get("output_tokens", 0)))


SUITES = (("eventstream", event_streams), ("eventstream/converse", converse), ("sse-synthetic", synthetic),
          ("recorded/anthropic-sdk", anthropic), ("recorded/envoy-ai-gateway/openai-cassettes", cassettes))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for folder, suite in SUITES:
        data = pathlib.Path(sys.argv[1]) / folder
        if data.is_dir():
            suite(data)
        else:
            print(f"skipped: {folder} is not there")
    for suite in dict.fromkeys(row[0] for row in results):
        rows = [row for row in results if row[0] == suite]
        same = sum(row[2] == "" for row in rows)
        passed_over = [row[1] for row in rows if row[2] is None]
        print(f"{suite:30} {same:4} of {len(rows) - len(passed_over)} as expected" +
              (f"; no such API here: {', '.join(passed_over)}" if passed_over else ""))
        for _, case, difference in rows:
            if difference:
                print(f"    {case}: {difference}")
    for kind, name in sorted(unknown):
        print(f"known to no decoder, from {kind}: {name}")
    sys.exit(any(row[2] for row in results))


if __name__ == "__main__":
    main()
