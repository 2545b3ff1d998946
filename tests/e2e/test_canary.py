"""Values planted in every field of every front end's request, each another one: none may be seen where it does not
belong, be it the provider's side, the log, the metrics, the ledger or what callers are told."""
import itertools
import json
import os
import re
import resource
import signal
import subprocess

import dialects
import pytest
from gateway import Gateway, department, model, provider
from simulator import Simulator
from test_dialects import provider_yaml

DOMAIN = "planted-canary.example"
CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "Z7Q2XW5LK3MP4RTV"
TRACES = re.compile(rf"canary\d+@|{re.escape(DOMAIN)}|4111 ?1111|{SECRET}")
TOKEN = re.compile(r"Tgx[A-Za-z0-9]{22}")


class Planter:
    """Gives every field a value of its own, so that a leak names its field."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.places = {}

    def __call__(self, place):
        name = f"canary{next(self.numbers)}"
        self.places[name] = place
        return f"{name}@{DOMAIN}, {CARD}, {SECRET}"

    def json(self, place):
        return json.dumps({"deep": [{"value": self(place)}]})



def schema(p, place):
    return {"type": "object", "description": p(place + " description"),
            "properties": {"to": {"type": "string", "enum": [p(place + " enum")], "default": p(place + " default")}}}


def chat(p):
    tool_call = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": p.json("tool call")}}
    return {"messages": [
        {"role": "system", "content": p("system")},
        {"role": "developer", "content": [{"type": "text", "text": p("developer part")}]},
        {"role": "user", "content": p("user"), "name": p("name")},
        {"role": "assistant", "content": p("assistant"), "refusal": p("refusal"), "tool_calls": [tool_call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": p("tool result")}]},
        {"role": "user", "content": [
            {"type": "text", "text": p("user part")},
            {"type": "file", "file": {"filename": p("file name"), "file_data": "data:application/pdf;base64,JVBERi0="}}]}],
        "tools": [{"type": "function", "function": {
            "name": "mail", "description": p("tool"), "parameters": schema(p, "parameters")}}],
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "form", "description": p("format"), "schema": schema(p, "format schema")}},
        "prediction": {"type": "content", "content": p("prediction")},
        "metadata": {"case": p("metadata")}, "user": p("user id"), "stop": [p("stop")],
        "safety_identifier": p("safety identifier"), "prompt_cache_key": p("cache key")}


def messages(p):
    return {"max_tokens": 100, "system": [{"type": "text", "text": p("system")}], "messages": [
        {"role": "user", "content": p("user")},
        {"role": "assistant", "content": [
            {"type": "text", "text": p("assistant")},
            {"type": "tool_use", "id": "t1", "name": "mail", "input": {"to": [p("tool input")]}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": p("tool result")}]},
            {"type": "document", "title": p("title"), "context": p("context"),
             "source": {"type": "text", "media_type": "text/plain", "data": p("document")}}]}],
        "tools": [{"name": "mail", "description": p("tool"), "input_schema": schema(p, "input schema")}],
        "metadata": {"user_id": p("metadata")}, "stop_sequences": [p("stop")]}


def responses(p):
    return {"instructions": p("instructions"), "input": [
        {"role": "user", "content": [{"type": "input_text", "text": p("user")},
                                     {"type": "input_file", "filename": p("file name"),
                                      "file_data": "data:application/pdf;base64,JVBERi0="}]},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": p("assistant"), "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "mail", "arguments": p.json("arguments")},
        {"type": "function_call_output", "call_id": "c1", "output": p("output")}],
        "tools": [{"type": "function", "name": "mail", "description": p("tool"), "strict": False,
                   "parameters": schema(p, "parameters")}],
        "metadata": {"case": p("metadata")}, "user": p("user id"), "prompt_cache_key": p("cache key"),
        "safety_identifier": p("safety identifier")}


def completions(p):
    return {"prompt": [p("prompt"), p("second prompt")], "suffix": p("suffix"), "stop": p("stop"), "user": p("user id")}


def embeddings(p):
    return {"input": [p("input"), p("second input")], "user": p("user id")}


def gemini(p):
    return {"systemInstruction": {"parts": [{"text": p("system")}]}, "contents": [
        {"role": "user", "parts": [{"text": p("user")}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "model", "parts": [{"text": p("model")}, {"functionCall": {"name": "mail", "args": {"to": p("args")}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "mail", "response": {"deep": [p("response")]}}}]}],
        "tools": [{"functionDeclarations": [{"name": "mail", "description": p("tool"),
                                             "parameters": schema(p, "parameters")}]}],
        "generationConfig": {"stopSequences": [p("stop")]}}


def converse(p):
    return {"system": [{"text": p("system")}], "messages": [
        {"role": "user", "content": [{"text": p("user")}]},
        {"role": "assistant", "content": [
            {"text": p("assistant")}, {"toolUse": {"toolUseId": "t1", "name": "mail", "input": {"to": p("input")}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [
            {"text": p("result")}, {"json": {"deep": [p("json result")]}}]}}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "mail", "description": p("tool"),
                                               "inputSchema": {"json": schema(p, "input schema")}}}]},
        "inferenceConfig": {"stopSequences": [p("stop")]}}


FRONT_ENDS = {"/chat/completions": chat, "/messages": messages, "/responses": responses,
              "/completions": completions, "/embeddings": embeddings,
              "/v1beta/models/MODEL:generateContent": gemini, "/v1beta/models/MODEL:streamGenerateContent?alt=sse": gemini,
              "/model/MODEL/converse": converse, "/model/MODEL/converse-stream": converse}
SPEAKS = {"/messages": "claude", "/v1beta": "gemini", "/model/": "nova"}  # who is called as he speaks; others: gpt
NAMED_BY_PATH = ("/v1beta", "/model/")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Every front end, before a provider that speaks its API and one that does not, whose answers are refusals."""
    folder = tmp_path_factory.mktemp("canary")
    simulator = Simulator()

    async def refuse(request, reply):
        said = TOKEN.findall(request.body.decode())[:1]
        error = {"message": f"cannot read {said}", "type": "invalid_request_error", "param": None, "code": "no"}
        await reply.plain(400, {"type": "error", "error": error})

    simulator.behaviour = refuse
    (folder / "provider.key").write_text("provider-secret-key\n")
    (folder / "provider.key").chmod(0o600)
    everything = "apis: [chat, responses, embeddings, completions]\n"
    anthropic = provider(simulator, "anthropic").replace("openai_compatible", "anthropic")
    clouds = {"google": dialects.Gemini, "aws": dialects.Bedrock}
    providers = {"openai": provider(simulator, "openai", everything), "anthropic": anthropic} | {
        name: provider_yaml(simulator, kind).replace("id: theirs", f"id: {name}") for name, kind in clouds.items()}
    gateway = Gateway(folder, providers,
                      models={"gpt": model("gpt", "openai"), "claude": model("claude", "anthropic"),
                              "gemini": model("gemini", "google"), "nova": model("nova", "aws")},
                      departments={"retail": department(models="[gpt, claude, gemini, nova]")})
    gateway.launcher = ["sh", "-c", 'cd "$0" && ulimit -c unlimited; exec "$@"', str(folder)]
    gateway.new_key()
    gateway.start()
    planter, answers = Planter(), []
    for name in ("gpt", "claude", "gemini", "nova"):
        for path, body_of in FRONT_ENDS.items():
            in_path = path.startswith(NAMED_BY_PATH)
            for stream in (False, True) if path != "/embeddings" and not in_path else (False,):
                before = len(simulator.journal)
                model_and_mode = {} if in_path else {"model": name, **({"stream": True} if stream else {})}
                status, headers, answer = gateway.request(model_and_mode | body_of(planter),
                                                          path=path.replace("MODEL", name))
                answers.append((name, path, status, headers, answer, len(simulator.journal) - before))
    yield gateway, simulator, planter, answers
    gateway.stop()
    simulator.close()


def leaks(planter, data):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return sorted({planter.places.get(hit.rstrip("@"), hit) for hit in TRACES.findall(text)})


def test_every_front_end_reaches_the_provider_that_speaks_its_api(planted):
    def speaker(path):
        return next((name for start, name in SPEAKS.items() if path.startswith(start)), "gpt")

    reached = {path: sent for name, path, _, _, _, sent in planted[3] if name == speaker(path)}
    assert reached == dict.fromkeys(FRONT_ENDS, 1)


def test_nothing_planted_leaves_the_house(planted):
    _, simulator, planter, _ = planted
    found = {f"{r.target}: {place}" for r in simulator.journal for place in leaks(planter, r.raw_head + r.body)}
    assert sorted(found) == []


def test_refusals_show_nothing_that_was_planted_but_what_the_caller_may_read_back(planted):
    """The provider's words about the request come back with pseudonyms, or not at all."""
    for name, path, status, headers, answer, _ in planted[3]:
        assert status >= 400, (name, path)
        assert leaks(planted[2], answer) == [] and leaks(planted[2], json.dumps(headers)) == [], (name, path)


def test_log_metrics_ledger_and_state_hold_nothing_planted(planted):
    gateway, _, planter, answers = planted
    gateway.wait_rows(len(answers))
    assert leaks(planter, gateway.ops("/metrics")[1]) == []
    for file in (f for f in gateway.directory.rglob("*") if f.is_file()):
        assert leaks(planter, file.read_bytes()) == [], file


def dumps_core(status):
    return os.WIFSIGNALED(status) and os.WCOREDUMP(status)


def test_a_crash_leaves_no_core_with_prompts_in_it(planted, tmp_path):
    gateway = planted[0]
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        pytest.skip("core dumps are limited here, so their absence says nothing")
    other = subprocess.Popen(["sh", "-c", "ulimit -c unlimited; kill -ABRT $$"], cwd=tmp_path)
    if not dumps_core(os.waitpid(other.pid, 0)[1]):
        pytest.skip("this machine dumps no core of anything")
    gateway.process.send_signal(signal.SIGABRT)
    status = os.waitpid(gateway.process.pid, 0)[1]
    gateway.process = None
    assert os.WIFSIGNALED(status) and not dumps_core(status)
    assert not list(gateway.directory.glob("core*"))
