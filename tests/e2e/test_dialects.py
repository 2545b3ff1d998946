"""Callers speak OpenAI's API; the providers behind the gateway speak their own."""
import json

import dialects
import openai
import pytest
from dialects import Refused
from gateway import department
from test_sdk import client_of

TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather now",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def provider_yaml(simulator, dialect):
    return (f"id: theirs\nkind: {dialect.kind}\nendpoint: http://127.0.0.1:{simulator.port}{dialect.path}\n"
            f"region: {{processing: eu}}\nplain_http: true\n{dialect.auth}\n")


def model_yaml(name):
    return f'name: gpt\ntargets: [{{provider: theirs, model: "{name}"}}]\n'



@pytest.fixture(params=dialects.ALL, ids=lambda d: d.kind)
def theirs(request, simulator):
    """The simulator, speaking one dialect."""
    simulator.behaviour = request.param()
    return simulator


@pytest.fixture
def ours(theirs, make_gateway):
    return make_gateway({"theirs": provider_yaml(theirs, theirs.behaviour)},
                        models={"gpt": model_yaml(theirs.behaviour.model)})


@pytest.fixture
def client(ours):
    return client_of(ours)


def ask(client, text, **more):
    return client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": text}], **more)


def test_a_plain_call_is_answered_and_recorded(ours, client, theirs):
    answer = ask(client, "good morning", temperature=0.5, max_tokens=100)
    assert answer.object == "chat.completion" and answer.model == "gpt" and answer.id.startswith("chatcmpl-")
    assert answer.choices[0].message.content == "echo: good morning"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 5, 16)
    assert answer.usage.prompt_tokens_details.cached_tokens == 3
    [row] = ours.wait_rows(1)
    assert row["provider"] == "theirs" and row["model_asked"] == "gpt" and row["usage_source"] == "provider_final"
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (11, 5, 3)
    assert row["status"] == 200 and row["outcome"] == "ok"
    assert len(theirs.journal) == 1


def test_a_stream_comes_piece_by_piece_with_usage_recorded(ours, client):
    chunks = list(ask(client, "one two three", stream=True, stream_options={"include_usage": True}))
    texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(texts) == "echo: one two three" and len(texts) == 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.prompt_tokens == 11
    assert {c.id for c in chunks} == {chunks[0].id}
    [row] = ours.wait_rows(1)
    assert row["stream"] is True and (row["input_tokens"], row["output_tokens"]) == (11, 5)


@pytest.mark.parametrize("effort", [None, "low"])
def test_a_tool_is_called_and_its_result_used(client, theirs, effort):
    more = {"reasoning_effort": effort} if effort else {}
    messages = [{"role": "user", "content": "weather?"}]
    answer = client.chat.completions.create(model="gpt", messages=messages, tools=[TOOL], **more)
    assert answer.choices[0].finish_reason == "tool_calls"
    message = answer.choices[0].message
    assert message.content == "Let me see."
    [call] = message.tool_calls
    assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Oslo"}
    if effort:
        assert message.reasoning_content == "Let me think."
    # The message goes back as the SDK gave it: what the provider signed goes with it.
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"}]
    final = client.chat.completions.create(model="gpt", messages=messages, tools=[TOOL], **more)
    assert final.choices[0].message.content == "result: 4 degrees"


def test_a_streamed_call_can_be_put_together(client):
    arguments, name, ids = "", "", []
    for chunk in ask(client, "weather?", stream=True, tools=[TOOL], reasoning_effort="low"):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.index == 0
            ids += [call.id] if call.id else []
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert len(ids) == 1 and name == "get_weather" and json.loads(arguments) == {"city": "Oslo"}
    assert chunk.choices[0].finish_reason == "tool_calls"


def test_the_sdks_own_stream_helper_understands_the_stream(client):
    with client.chat.completions.stream(model="gpt", messages=[{"role": "user", "content": "weather?"}], tools=[TOOL],
                                        reasoning_effort="low") as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.content == "Let me see." and json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo"}


def test_an_image_arrives(client):
    answer = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PNG}}]}])
    assert answer.choices[0].message.content == "an image of 70 bytes"


def test_an_answer_follows_a_schema(client):
    from pydantic import BaseModel

    class Capital(BaseModel):
        city: str

    answer = client.chat.completions.parse(model="gpt", response_format=Capital,
                                           messages=[{"role": "user", "content": "capital of Norway?"}])
    assert answer.choices[0].message.parsed == Capital(city="Oslo")


def test_what_is_personal_stays_here(client, theirs):
    answer = ask(client, "write to jane.doe@example.com", stream=True)
    text = "".join(c.choices[0].delta.content or "" for c in answer)
    assert text == "echo: write to jane.doe@example.com"
    assert b"jane.doe" not in theirs.journal[0].body


def test_the_caller_hears_what_was_left_out(client):
    answer = client.chat.completions.with_raw_response.create(
        model="gpt", messages=[{"role": "user", "content": "hi"}], logit_bias={"5": 1}, logprobs=True)
    assert set(answer.headers["x-tollgate-lossy"].split(", ")) == {"logit_bias", "logprobs"}


def test_words_about_the_request_reach_the_caller(ours, client, theirs):
    behaviour = theirs.behaviour

    def too_long(request):
        raise Refused(400, "prompt is too long: 9 tokens > 8 maximum")
    behaviour.answer = too_long
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "hi")
    assert caught.value.code == "context_length_exceeded" and "prompt is too long" in caught.value.message
    [row] = ours.wait_rows(1)
    assert row["outcome"] == "invalid_request" and row["output_tokens"] == 0


def test_words_about_our_key_do_not(make_gateway, theirs):
    yaml = provider_yaml(theirs, theirs.behaviour).replace("provider.key", "other.key")
    gateway = make_gateway({"theirs": yaml}, models={"gpt": model_yaml(theirs.behaviour.model)}, start=False)
    (gateway.directory / "other.key").write_text("wrong-key\n")
    (gateway.directory / "other.key").chmod(0o600)
    gateway.start()
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client_of(gateway), "hi")
    assert caught.value.status_code == 502 and caught.value.code == "upstream_auth_error"
    assert "invalid" not in caught.value.message


THROTTLED = {
    "anthropic": (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "org x"}}, [("retry-after", "7")]),
    "bedrock": (429, {"message": "account x"}, [("x-amzn-ErrorType", "ThrottlingException"), ("retry-after", "7")]),
    "vertex": (429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "project x", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}}], [])}
OVERLOADED = {
    "anthropic": (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, []),
    "bedrock": (503, {"message": "busy"}, [("x-amzn-ErrorType", "ServiceUnavailableException")]),
    "vertex": (503, {"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}, [])}


@pytest.mark.parametrize("table, exception, status", [(THROTTLED, openai.RateLimitError, 429),
                                                      (OVERLOADED, openai.InternalServerError, 503)])
def test_limits_and_overload_are_told_alike(client, theirs, table, exception, status):
    answer = table[theirs.behaviour.kind]

    async def refuse(request, reply):
        await reply.plain(*answer)
    theirs.behaviour = refuse
    with pytest.raises(exception) as caught:
        ask(client, "hi")
    assert caught.value.status_code == status
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"


BROKEN = {
    "anthropic": [b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
                  b'{"type":"text_delta","text":"half"}}\n\n',
                  b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'],
    "bedrock": [dialects.event("contentBlockDelta", contentBlockIndex=0, delta={"text": "half"}),
                dialects.exception("serviceUnavailableException", message="x")],
    "vertex": [b'data: {"candidates":[{"content":{"parts":[{"text":"half"}]}}]}\n\n',
               b'{\n "error": {"code": 503, "status": "UNAVAILABLE"}\n}\n']}


def test_a_failure_in_mid_stream_is_an_error_and_never_a_false_end(ours, client, theirs):
    kind = theirs.behaviour.kind

    async def breaks(request, reply):
        await (dialects.begin_event_stream(reply) if kind == "bedrock" else reply.begin_stream())
        for piece in BROKEN[kind]:
            await reply.chunk(piece)
        await reply.end_stream()
    theirs.behaviour = breaks
    text = ""
    with pytest.raises(openai.APIError):
        for chunk in ask(client, "hi", stream=True):
            text += chunk.choices[0].delta.content or ""
            assert chunk.choices[0].finish_reason is None
    assert text == "half"
    [row] = ours.wait_rows(1)
    assert row["outcome"] == "overloaded" and row["usage_source"] == "estimated"


def test_a_failure_before_content_falls_back(make_gateway, theirs):
    kind, model = theirs.behaviour.kind, theirs.behaviour.model
    good = theirs.behaviour

    async def fails_once(request, reply):
        theirs.behaviour = good
        await (dialects.begin_event_stream(reply) if kind == "bedrock" else reply.begin_stream())
        await reply.chunk(BROKEN[kind][1])
        await reply.end_stream()
    theirs.behaviour = fails_once
    second = provider_yaml(theirs, good).replace("id: theirs", "id: second")
    gateway = make_gateway(
        {"theirs": provider_yaml(theirs, good), "second": second},
        models={"gpt": model_yaml(model) + f'fallback: [{{provider: second, model: "{model}"}}]\n'})
    answer = ask(client_of(gateway), "hi", stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in answer) == "echo: hi"
    rows = gateway.wait_rows(2)
    assert {r["provider"]: r["outcome"] for r in rows} == {"theirs": "overloaded", "second": "ok"}


def test_azure_gets_its_header_and_path(make_gateway, simulator):
    yaml = (f"id: azure\nkind: azure_openai\nendpoint: http://127.0.0.1:{simulator.port}\nplain_http: true\n"
            "api_version: '2024-10-21'\nregion: {processing: eu}\nauth: {api_key: {file: ../../provider.key}}\n")
    gateway = make_gateway({"azure": yaml}, models={"gpt": "name: gpt\ntargets: [{provider: azure, model: our-gpt}]\n"},
                           departments={"retail": department()})
    assert ask(client_of(gateway), "hi").choices[0].message.content == "echo: hi"
    sent = simulator.journal[0]
    assert sent.target == "/openai/deployments/our-gpt/chat/completions?api-version=2024-10-21"
    assert sent.headers["api-key"] == "provider-secret-key" and "authorization" not in sent.headers
