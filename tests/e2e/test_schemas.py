"""What the gateway answers is what the vendors publish: bodies, events and errors, by the SDKs' own types, strictly.

What it sends to providers is held against their published schemas by the simulators (dialects.py, schemas.py).
"""
import json

import anthropic.types
import clients
import dialects
import openai.types
import pytest
import schemas
from botocore.eventstream import EventStreamBuffer
from gateway import Gateway, department
from openai.types import chat, responses
from simulator import Simulator
from test_dialects import provider_yaml
from test_matrix import VertexClaude

UPSTREAMS = {"openai": dialects.Chat, "anthropic": dialects.Anthropic, "bedrock": dialects.Bedrock,
             "gemini": dialects.Gemini, "vertex_claude": VertexClaude}
# providers/README.md: how reasoning that a provider signed is given to callers of OpenAI's API.
EXTENSIONS = {"reasoning_content", "thinking_blocks", "extra_content"}
# In the published API description and on api.openai.com, though not in the SDK's types.
BEYOND = {"store", "name"}
IMAGE = "data:image/png;base64," + clients.PNG
FUNCTION = {"name": "get_weather", "description": "Weather now", "parameters": clients.SCHEMA}
FORMAT = {"name": "capital", "schema": clients.SCHEMA, "strict": True}

CHAT = {
    "text": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "good morning"}],
             "temperature": 0.5, "max_tokens": 100, "stop": ["END"]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                                                        {"type": "image_url", "image_url": {"url": IMAGE}}]}]},
    "tools": {"messages": [{"role": "user", "content": "weather?"}], "tools": [{"type": "function", "function": FUNCTION}],
              "tool_choice": "auto", "parallel_tool_calls": False},
    "thinking": {"messages": [{"role": "user", "content": "weather?"}], "reasoning_effort": "low",
                 "tools": [{"type": "function", "function": FUNCTION}]},
    "results": {"tools": [{"type": "function", "function": FUNCTION}], "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees"}]},
    "schema": {"messages": [{"role": "user", "content": "capital of Norway?"}],
               "response_format": {"type": "json_schema", "json_schema": FORMAT}},
    "lossy": {"messages": [{"role": "user", "content": "hi"}], "seed": 7, "user": "u-1", "n": 1, "top_p": 0.9}}
TOOL = {"name": "get_weather", "description": "Weather now", "input_schema": clients.SCHEMA}
MESSAGES = {
    "text": {"system": "Be brief.", "messages": [{"role": "user", "content": "good morning"}], "stop_sequences": ["END"]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {
        "type": "image", "source": {"type": "base64", "media_type": "image/png", "data": clients.PNG}}]}]},
    "tools": {"messages": [{"role": "user", "content": "weather?"}], "tools": [TOOL], "tool_choice": {"type": "auto"}},
    "thinking": {"messages": [{"role": "user", "content": "weather?"}], "tools": [TOOL], "max_tokens": 9000,
                 "thinking": {"type": "enabled", "budget_tokens": 2048}},
    "results": {"tools": [TOOL], "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather",
                                           "input": {"city": "Oslo"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "4 degrees"}]}]},
    "schema": {"messages": [{"role": "user", "content": "capital of Norway?"}],
               "output_config": {"format": {"type": "json_schema", "schema": clients.SCHEMA}}}}
RESPONSES = {
    "text": {"instructions": "Be brief.", "input": "good morning", "temperature": 0.5, "max_output_tokens": 100},
    "parts": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"},
                                                     {"type": "input_image", "image_url": IMAGE, "detail": "auto"}]}]},
    "tools": {"input": "weather?", "tools": [{"type": "function", **FUNCTION, "strict": False}]},
    "thinking": {"input": "weather?", "tools": [{"type": "function", **FUNCTION, "strict": False}],
                 "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    "results": {"tools": [{"type": "function", **FUNCTION, "strict": False}], "input": [
        {"role": "user", "content": "weather?"},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "4 degrees"}]},
    "schema": {"input": "capital of Norway?", "text": {"format": {"type": "json_schema", **FORMAT}}}}


DECLARED = {"functionDeclarations": [FUNCTION]}
GOOGLE = {
    "text": {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"parts": [{"text": "good morning"}]}],
             "generationConfig": {"temperature": 0.5, "maxOutputTokens": 100, "stopSequences": ["END"]}},
    "parts": {"contents": [{"role": "user", "parts": [{"text": "What is this?"}, {
        "inlineData": {"mimeType": "image/png", "data": clients.PNG}}]}]},
    "tools": {"contents": [{"parts": [{"text": "weather?"}]}], "tools": [DECLARED]},
    "thinking": {"contents": [{"parts": [{"text": "weather?"}]}], "tools": [DECLARED],
                 "generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048},
                                      "maxOutputTokens": 9000}},
    "results": {"tools": [DECLARED], "contents": [
        {"role": "user", "parts": [{"text": "weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}},
                                     "thoughtSignature": "c2lnbmVk"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"output": "4 degrees"}}}]}]},
    "schema": {"contents": [{"parts": [{"text": "capital of Norway?"}]}], "generationConfig": {
        "responseMimeType": "application/json", "responseJsonSchema": clients.SCHEMA}}}
SPEC = {"toolSpec": {"name": "get_weather", "description": "Weather now", "inputSchema": {"json": clients.SCHEMA}}}


def said(*content, role="user"):
    return {"role": role, "content": list(content)}


CONVERSE = {
    "text": {"system": [{"text": "Be brief."}], "messages": [said({"text": "good morning"})],
             "inferenceConfig": {"temperature": 0.5, "maxTokens": 100, "stopSequences": ["END"]}},
    "parts": {"messages": [said({"text": "What is this?"},
                                {"image": {"format": "png", "source": {"bytes": clients.PNG}}})]},
    "tools": {"messages": [said({"text": "weather?"})], "toolConfig": {"tools": [SPEC]}},
    "thinking": {"messages": [said({"text": "weather?"})], "toolConfig": {"tools": [SPEC]},
                 "inferenceConfig": {"maxTokens": 9000},
                 "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}}},
    "results": {"toolConfig": {"tools": [SPEC]}, "messages": [
        said({"text": "weather?"}),
        said({"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "input": {"city": "Oslo"}}}, role="assistant"),
        said({"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "4 degrees"}]}})]},
    "schema": {"messages": [said({"text": "capital of Norway?"})], "outputConfig": {"textFormat": {
        "type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(clients.SCHEMA), "name": "capital"}}}}}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """All providers behind one gateway, a model for each."""
    folder = tmp_path_factory.mktemp("schemas")
    key = folder / "provider.key"
    key.write_text("provider-secret-key\n")
    key.chmod(0o600)
    simulators, providers, models = [], {}, {}
    for name, api in UPSTREAMS.items():
        simulators.append(Simulator())
        simulators[-1].behaviour = api()
        providers[name] = (provider_yaml(simulators[-1], api).replace("id: theirs", f"id: {name}")
                           .replace("../../provider.key", str(key)))
        models[name] = f'name: {name}\ntargets: [{{provider: {name}, model: "{api.model}"}}]\n'
    gateway = Gateway(folder, providers, models, {"retail": department(models=f"[{', '.join(models)}]")}).start()
    yield gateway
    assert gateway.stop() == 0
    for simulator in simulators:
        simulator.close()


def cases(table):
    return pytest.mark.parametrize("case", table)


upstreams = pytest.mark.parametrize("upstream", UPSTREAMS)


def ask(gateway, path, body):
    status, headers, got = gateway.request(body, path=path, headers={"anthropic-version": "2023-06-01"})
    assert status == 200, got
    return headers, got


def events(body):
    """(name, data) of each event of a stream."""
    out = []
    for frame in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if line and not line.startswith(":"))
        if lines:
            assert set(lines) <= {"event", "data"}, lines
            out.append((lines.get("event"), lines["data"]))
    return out


@cases(CHAT)
@upstreams
def test_chat_completions(gateway, upstream, case):
    body = {"model": upstream, **CHAT[case]}
    schemas.chat_request(body)
    _, got = ask(gateway, "/chat/completions", body)
    schemas.answer(chat.ChatCompletion, json.loads(got), EXTENSIONS)
    _, got = ask(gateway, "/chat/completions", {**body, "stream": True, "stream_options": {"include_usage": True}})
    found = events(got)
    assert found[-1] == (None, "[DONE]") and {name for name, _ in found} == {None}
    chunks = [schemas.answer(chat.ChatCompletionChunk, json.loads(data), EXTENSIONS) for _, data in found[:-1]]
    assert chunks[-1].usage and not chunks[-1].choices and all(c.usage is None for c in chunks[:-1])
    assert len({(c.id, c.created, c.model) for c in chunks}) == 1


@cases(MESSAGES)
@upstreams
def test_messages(gateway, upstream, case):
    body = {"model": upstream, "max_tokens": 4000, **MESSAGES[case]}
    schemas.messages_request(body)
    _, got = ask(gateway, "/messages", body)
    schemas.answer(anthropic.types.Message, json.loads(got), {"extra_content"})
    _, got = ask(gateway, "/messages", {**body, "stream": True})
    for name, data in events(got):
        data = json.loads(data)
        assert name == data["type"]
        if name != "ping":  # the SDK passes over it
            schemas.event("anthropic event", data, {"extra_content"})


@cases(RESPONSES)
@upstreams
def test_responses(gateway, upstream, case):
    body = {"model": upstream, **RESPONSES[case]}
    schemas.responses_request(body)
    _, got = ask(gateway, "/responses", body)
    schemas.answer(responses.Response, json.loads(got), BEYOND)
    _, got = ask(gateway, "/responses", {**body, "stream": True})
    found = events(got)
    for n, (name, data) in enumerate(found):
        data = json.loads(data)
        assert name == data["type"] and data["sequence_number"] == n
        schemas.event("openai response event", data, BEYOND)
    assert found[-1][0] == "response.completed"


@upstreams
def test_completions(gateway, upstream):
    body = {"model": upstream, "prompt": "good morning", "max_tokens": 50}
    _, got = ask(gateway, "/completions", body)
    schemas.answer(openai.types.Completion, json.loads(got))
    _, got = ask(gateway, "/completions", {**body, "stream": True})
    for _, data in events(got)[:-1]:
        data = json.loads(data)
        for choice in data["choices"]:  # null until the last chunk, on api.openai.com too; the SDK's type is of bodies
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        schemas.answer(openai.types.Completion, data)


def test_lists_of_models(gateway):
    _, _, got = gateway.request(None, path="/models", method="GET")
    listed = json.loads(got)
    assert listed.keys() == {"object", "data"}
    for model in listed["data"]:
        schemas.answer(openai.types.Model, model)
    _, _, got = gateway.request(None, path="/models", method="GET", headers={"anthropic-version": "2023-06-01"})
    for model in json.loads(got)["data"]:
        schemas.answer(anthropic.types.ModelInfo, model)


@cases(GOOGLE)
@upstreams
@pytest.mark.skipif(schemas.google is None, reason="google-genai is not installed")
def test_generate_content(gateway, upstream, case):
    body = GOOGLE[case]
    if upstream != "gemini":  # a signature is for who made it
        body = json.loads(json.dumps(body).replace(', "thoughtSignature": "c2lnbmVk"', ""))
    schemas.gemini_request(body)
    root = f"/v1beta/models/{upstream}:"
    _, got = ask(gateway, root + "generateContent", body)
    schemas.gemini_answer(json.loads(got))
    headers, got = ask(gateway, root + "streamGenerateContent?alt=sse", body)
    chunks = [json.loads(data) for _, data in events(got.replace(b"\r\n", b"\n"))]
    headers, got = ask(gateway, root + "streamGenerateContent", body)
    assert headers["content-type"].startswith("application/json")
    for stream in (chunks, json.loads(got)):
        for chunk in stream:
            schemas.gemini_answer(chunk)
        assert stream[-1]["candidates"][0]["finishReason"] == "STOP" and stream[-1]["usageMetadata"]


@cases(CONVERSE)
@upstreams
def test_converse(gateway, upstream, case):
    schemas.bedrock_request("Converse", CONVERSE[case])
    _, got = ask(gateway, f"/model/{upstream}/converse", CONVERSE[case])
    schemas.bedrock_answer(json.loads(got))
    _, got = ask(gateway, f"/model/{upstream}/converse-stream", CONVERSE[case])
    buffer = EventStreamBuffer()
    buffer.add_data(got)
    names = []
    for message in buffer:
        names.append(message.headers[":event-type"])
        schemas.bedrock_event(names[-1], json.loads(message.payload))
    assert names[0] == "messageStart" and names[-2:] == ["messageStop", "metadata"]


def test_errors(gateway):
    for path in ("/chat/completions", "/responses", "/embeddings", "/completions"):
        status, _, got = gateway.request({"model": "nobody"}, path=path)
        assert status in (400, 404)
        assert json.loads(got).keys() == {"error"} and json.loads(got)["error"].keys() == {"message", "type", "param", "code"}
    status, _, got = gateway.request({"model": "nobody", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]},
                                     path="/messages", headers={"anthropic-version": "2023-06-01"})
    assert status == 404
    schemas.answer(anthropic.types.ErrorResponse, json.loads(got))


def test_what_is_not_published_is_found():
    """The judge itself."""
    for judge, body in [
            (schemas.chat_request, {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "texts": ""}]}]}),
            (schemas.messages_request, {"model": "m", "max_tokens": 1, "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a", "more": 1}]}]}),
            (lambda body: schemas.bedrock_request("Converse", body), {"messages": [
                {"role": "user", "content": [{"text": "a", "type": "text"}]}]}),
            (lambda body: schemas.bedrock_request("Converse", body), {"messages": [
                {"role": "user", "content": [{"image": {"format": "bmp", "source": {"bytes": ""}}}]}]})]:
        with pytest.raises(schemas.Unfit):
            judge(body)


@pytest.mark.skipif(schemas.google is None, reason="google-genai is not installed")
def test_what_google_does_not_publish_is_found():
    with pytest.raises(schemas.Unfit):
        schemas.gemini_request({"contents": [{"role": "user", "parts": [{"text": "a", "kind": "text"}]}]})
