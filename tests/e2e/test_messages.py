"""The unmodified Anthropic SDK, pointed at the gateway: providers that speak its API, and such that do not."""
import asyncio
import json

import anthropic
import dialects
import httpx2
import pytest
from dialects import Refused
from gateway import SLOW, department
from test_dialects import BROKEN, OVERLOADED, PNG, THROTTLED, model_yaml, provider_yaml

TOOL = {"name": "get_weather", "description": "Weather now", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG.partition(",")[2]}}


def options(gateway, **more):
    return {"base_url": gateway.url.removesuffix("/v1"), "api_key": gateway.key(), "max_retries": 0,
            "timeout": 30 * SLOW, **more}


def client_of(gateway, **more):
    return anthropic.Anthropic(http_client=httpx2.Client(verify=gateway.tls_context()), **options(gateway, **more))


@pytest.fixture(params=dialects.EVERY, ids=lambda d: d.kind)
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


@pytest.fixture
def native(simulator, make_gateway):
    """A gateway before Anthropic itself."""
    simulator.behaviour = dialects.Anthropic()
    return make_gateway({"theirs": provider_yaml(simulator, simulator.behaviour)},
                        models={"gpt": model_yaml(simulator.behaviour.model)})


def ask(client, content, **more):
    return client.messages.create(**{"model": "gpt", "max_tokens": 4000,
                                     "messages": [{"role": "user", "content": content}], **more})


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_plain_call_is_answered_and_recorded(ours, client):
    answer = ask(client, "good morning", extra_body={"temperature": 0.5}, system="Be brief.")
    assert answer.type == "message" and answer.role == "assistant" and answer.id.startswith("msg_")
    assert text_of(answer) == "echo: good morning" and answer.stop_reason == "end_turn"
    usage = answer.usage
    assert usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens == 11
    assert (usage.cache_read_input_tokens, usage.output_tokens) == (3, 5)
    [row] = ours.wait_rows(1)
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (11, 5, 3)
    assert row["status"] == 200 and row["usage_source"] == "provider_final"
    assert answer._request_id == row["request_id"]


def test_a_stream_comes_event_by_event(ours, client):
    events = list(ask(client, "one two three", stream=True))
    types = [event.type for event in events]
    assert types[0] == "message_start" and types[-2:] == ["message_delta", "message_stop"]
    assert types.count("content_block_start") == types.count("content_block_stop") == 1
    texts = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert "".join(texts) == "echo: one two three" and len(texts) == 3
    assert events[-2].delta.stop_reason == "end_turn" and events[-2].usage.output_tokens == 5
    [row] = ours.wait_rows(1)
    assert row["stream"] is True and (row["input_tokens"], row["output_tokens"]) == (11, 5)


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("more", [{}, THINKING], ids=["straight", "thinking"])
def test_a_tool_is_called_and_its_result_used(client, streamed, more):
    messages = [{"role": "user", "content": "weather?"}]

    def say():
        parameters = dict(model="gpt", max_tokens=4000, messages=messages, tools=[TOOL], **more)
        if not streamed:
            return client.messages.create(**parameters)
        with client.messages.stream(**parameters) as stream:
            return stream.get_final_message()
    answer = say()
    assert answer.stop_reason == "tool_use" and text_of(answer) == "Let me see."
    call = answer.content[-1]
    assert (call.type, call.name, call.input) == ("tool_use", "get_weather", {"city": "Oslo"})
    if more:
        assert answer.content[0].thinking == "Let me think."
    # The message goes back as the SDK gave it: what the provider signed goes with it.
    messages += [{"role": "assistant", "content": answer.content},
                 {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees"}]}]
    assert text_of(say()) == "result: 4 degrees"


def test_the_stream_helper_gives_text_as_it_comes(client):
    with client.messages.stream(model="gpt", max_tokens=100,
                                messages=[{"role": "user", "content": "one two three"}]) as stream:
        texts = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(texts) == 3 and "".join(texts) == text_of(final) == "echo: one two three"
    usage = final.usage
    assert usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens == 11


def test_an_image_arrives(client):
    answer = ask(client, [{"type": "text", "text": "What is this?"}, IMAGE])
    assert text_of(answer) == "an image of 70 bytes"


def test_an_answer_follows_a_schema(client):
    from pydantic import BaseModel

    class Capital(BaseModel):
        city: str

    answer = client.messages.parse(model="gpt", max_tokens=100, output_format=Capital,
                                   messages=[{"role": "user", "content": "capital of Norway?"}])
    assert answer.parsed_output == Capital(city="Oslo")


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
def test_what_is_personal_stays_here(client, theirs, streamed):
    if streamed:
        with client.messages.stream(model="gpt", max_tokens=100, system="Ask bob@example.com", messages=[
                {"role": "user", "content": "write to jane.doe@example.com"}]) as stream:
            answer = stream.get_final_message()
    else:
        answer = ask(client, "write to jane.doe@example.com", system="Ask bob@example.com")
    assert text_of(answer) == "echo: write to jane.doe@example.com"
    assert b"jane.doe" not in theirs.journal[0].body and b"bob@" not in theirs.journal[0].body


def test_the_caller_hears_what_was_left_out(ours, client, theirs):
    answer = client.messages.with_raw_response.create(
        model="gpt", max_tokens=5, messages=[{"role": "user", "content": "hi"}], inference_geo="eu")
    assert answer.headers["x-tollgate-provider"] == "theirs"
    assert answer.headers["request-id"] == answer.headers["x-request-id"]
    if theirs.behaviour.kind == "anthropic":
        assert theirs.journal[0].json["inference_geo"] == "eu"
    else:
        assert answer.headers["x-tollgate-lossy"] == "inference_geo"


def test_words_about_the_request_reach_the_caller(ours, client, theirs):
    def too_long(request):
        raise Refused(400, "prompt is too long: 9 tokens > 8 maximum")
    theirs.behaviour.answer = too_long
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(client, "hi")
    assert caught.value.type == "invalid_request_error" and "prompt is too long" in caught.value.message
    [row] = ours.wait_rows(1)
    assert caught.value.request_id == row["request_id"] == caught.value.body["request_id"]
    assert row["outcome"] == "invalid_request" and row["output_tokens"] == 0


CHAT_ERROR = {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
REFUSALS = {
    429: {**THROTTLED, "openai_compatible": (429, {"error": CHAT_ERROR}, [("retry-after", "7")])},
    503: {**OVERLOADED, "openai_compatible": (503, {"error": CHAT_ERROR}, [])}}


@pytest.mark.parametrize("status, exception, kind", [(429, anthropic.RateLimitError, "rate_limit_error"),
                                                     (503, anthropic.InternalServerError, "overloaded_error")])
def test_limits_and_overload_are_told_alike(client, theirs, status, exception, kind):
    answer = REFUSALS[status][theirs.behaviour.kind]

    async def refuse(request, reply):
        await reply.plain(*answer)
    theirs.behaviour = refuse
    with pytest.raises(exception) as caught:
        ask(client, "hi")
    assert caught.value.status_code == status and caught.value.type == kind
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"


HALF = {**BROKEN, "openai_compatible": [
    b'data: {"choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n',
    b'data: {"error":{"message":"x","type":"server_error","param":null,"code":null}}\n\n'],
    "anthropic": [b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":'
                  b'"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\nevent: '
                  b'content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
                  b'"text":""}}\n\n' + BROKEN["anthropic"][0], BROKEN["anthropic"][1]]}


def test_a_failure_in_mid_stream_is_an_error_and_never_a_false_end(ours, client, theirs):
    kind = theirs.behaviour.kind

    async def breaks(request, reply):
        await (dialects.begin_event_stream(reply) if kind == "bedrock" else reply.begin_stream())
        for piece in HALF[kind]:
            await reply.chunk(piece)
        await reply.end_stream()
    theirs.behaviour = breaks
    text = ""
    with pytest.raises(anthropic.APIStatusError) as caught:
        for event in ask(client, "hi", stream=True):
            assert event.type not in ("message_delta", "message_stop")
            text += event.delta.text if event.type == "content_block_delta" else ""
    assert text == "half" and caught.value.type in ("overloaded_error", "api_error")
    [row] = ours.wait_rows(1)
    assert row["outcome"] in ("overloaded", "upstream_error") and row["usage_source"] == "estimated"


def test_the_asynchronous_client_is_served_alike(ours):
    async def run():
        async with anthropic.AsyncAnthropic(http_client=httpx2.AsyncClient(verify=ours.tls_context()),
                                            **options(ours)) as client:
            async with client.messages.stream(model="gpt", max_tokens=100,
                                              messages=[{"role": "user", "content": "hi"}]) as stream:
                return await stream.get_final_message()
    assert text_of(asyncio.run(run())) == "echo: hi"


def test_a_client_that_leaves_ends_the_call(ours, client, theirs):
    chat = theirs.behaviour.kind == "openai_compatible"
    if not chat:
        pytest.skip("the upstream's side is the same for all")

    async def endless(request, reply):
        await reply.begin_stream()
        while True:
            await reply.event({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]})
            await asyncio.sleep(0.01)
    theirs.behaviour = endless
    with ask(client, "hi", stream=True) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                break
    [row] = ours.wait_rows(1)
    assert row["outcome"] == "cancelled"


def test_tokens_are_counted_or_estimated_and_cost_nothing(ours, client, theirs):
    kind = theirs.behaviour.kind

    async def count(request, reply):
        assert request.target == "/v1/messages/count_tokens" and "max_tokens" not in request.json
        assert request.json["model"] == dialects.Anthropic.model and b"jane.doe" not in request.body
        await reply.plain(200, {"input_tokens": 14})
    theirs.behaviour = count
    counted = client.messages.count_tokens(model="gpt", messages=[
        {"role": "user", "content": "write to jane.doe@example.com"}])
    assert counted.input_tokens == 14 if kind == "anthropic" else counted.input_tokens > 0
    assert len(theirs.journal) == (1 if kind == "anthropic" else 0)
    [row] = ours.wait_rows(1)
    assert (row["input_tokens"], row["output_tokens"], row["cost_nano"]) == (0, 0, 0)
    assert row["status"] == 200 and row["outcome"] == "ok"


def test_what_only_anthropic_has_is_refused_elsewhere(client, theirs):
    search = {"type": "web_search_20250305", "name": "web_search"}
    if theirs.behaviour.kind == "anthropic":
        assert text_of(ask(client, "hi", tools=[search])) == "echo: hi"
        assert theirs.journal[0].json["tools"] == [search]
        return
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(client, "hi", tools=[search])
    assert "web_search_20250305" in caught.value.message and len(theirs.journal) == 0


# --- Anthropic itself ---

def test_a_call_reaches_anthropic_byte_for_byte(native, simulator):
    body = (b'{ "model": "gpt",\t"max_tokens": 5, "messages": [ {"role":"user","content":"caf\\u00e9 \xe2\x82\xac"} ],'
            b'"top_k": 4.0e0 }')
    status, headers, answer = native.request(body, path="/messages?beta=true", headers={
        "anthropic-version": "2023-06-01", "anthropic-beta": "some-beta,other", "x-stainless-lang": "python"})
    assert status == 200 and json.loads(answer)["id"] == "msg_1"
    sent = simulator.journal[0]
    assert sent.body == body.replace(b'"gpt"', b'"%s"' % dialects.Anthropic.model.encode())
    assert sent.target == "/v1/messages" and sent.headers["anthropic-beta"] == "some-beta,other"
    assert "x-stainless-lang" not in sent.headers and sent.headers["x-api-key"] == "provider-secret-key"
    assert headers["request-id"] == headers["x-request-id"]


def test_frames_of_anthropic_arrive_as_they_were(native, simulator):
    sse = (b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_9","type":"message","role":'
           b'"assistant","model":"m","content":[],"new":1,"usage":{"input_tokens":4,"output_tokens":1}} }\n\n'
           b'event: ping\ndata: {"type": "ping"}\n\n'
           b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
           b'"text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":'
           b'"text_delta","text":"caf\\u00e9"}   }\n\nevent: content_block_stop\ndata: {"type":"content_block_stop",'
           b'"index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"pause_turn"},'
           b'"usage":{"output_tokens":9}}\n\nevent: message_stop\ndata: {"type":"message_stop" }\n\n')

    async def raw(request, reply):
        await reply.begin_stream()
        for at in range(0, len(sse), 7):
            await reply.chunk(sse[at:at + 7])
        await reply.end_stream()
    simulator.behaviour = raw
    status, headers, answer = native.request({"model": "gpt", "max_tokens": 5, "stream": True, "messages": [
        {"role": "user", "content": "hi"}]}, path="/messages")
    assert status == 200 and answer == sse and headers["content-type"].startswith("text/event-stream")
    [row] = native.wait_rows(1)
    assert (row["input_tokens"], row["output_tokens"]) == (4, 9)


def test_personal_data_comes_back_wherever_anthropic_cuts_it(native, simulator):
    async def letters(request, reply):
        token = request.json["messages"][0]["content"]
        block = {"type": "content_block_delta", "index": 0}
        events = [{"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m",
                                                        "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}},
                  {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                  *({**block, "delta": {"type": "text_delta", "text": c}} for c in token + " Tgx"),
                  {"type": "content_block_stop", "index": 0},
                  {"type": "content_block_start", "index": 1, "content_block": {
                      "type": "tool_use", "id": "t", "name": "f", "input": {}}},
                  *({**block, "index": 1, "delta": {"type": "input_json_delta", "partial_json": c}}
                    for c in json.dumps({"to": token})),
                  {"type": "content_block_stop", "index": 1},
                  {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
                  {"type": "message_stop"}]
        await reply.begin_stream()
        for event in events:
            await reply.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await reply.end_stream()
    simulator.behaviour = letters
    with client_of(native).messages.stream(model="gpt", max_tokens=9, messages=[
            {"role": "user", "content": "jane.doe@example.com"}]) as stream:
        open_blocks = set()
        for event in stream:
            if event.type == "content_block_start":
                open_blocks.add(event.index)
            elif event.type == "content_block_delta":
                assert event.index in open_blocks, "a piece for a block that has ended"
            elif event.type == "content_block_stop":
                open_blocks.remove(event.index)
        message = stream.get_final_message()
    assert text_of(message) == "jane.doe@example.com Tgx"
    assert message.content[1].input == {"to": "jane.doe@example.com"}


# --- what is the gateway's own ---

def test_strangers_are_refused_in_the_form_of_the_api(gateway):
    for path in ("/messages", "/messages/count_tokens"):
        status, headers, body = gateway.request({"model": "gpt", "max_tokens": 1, "messages": []}, key="", path=path)
        answer = json.loads(body)
        assert status == 401 and answer["type"] == "error" and answer["error"]["type"] == "authentication_error"
        assert answer["request_id"] == headers["request-id"]
    status, _, body = gateway.request(None, path="/messages/batches", method="GET")
    assert status == 404 and json.loads(body)["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.AuthenticationError):
        ask(client_of(gateway, api_key="tg_wrong"), "hi")


def test_both_credentials_of_the_sdk_are_taken(gateway):
    client = anthropic.Anthropic(http_client=httpx2.Client(verify=gateway.tls_context()),
                                 **options(gateway, api_key=None, auth_token=gateway.key()))
    assert text_of(ask(client, "hi")) == "echo: hi"


@pytest.mark.parametrize("parameters, exception", [
    ({"model": "unknown"}, anthropic.NotFoundError), ({"model": "other"}, anthropic.PermissionDeniedError),
    ({"messages": []}, anthropic.BadRequestError), ({"max_tokens": "x"}, anthropic.BadRequestError)])
def test_refusals_have_the_types_of_the_sdk(make_gateway, simulator, parameters, exception):
    from gateway import model, provider
    gateway = make_gateway({"sim": provider(simulator)}, models={"gpt": model(), "other": model("other")},
                           departments={"retail": department(models="[gpt]")})
    with pytest.raises(exception) as caught:
        ask(client_of(gateway), "hi", **parameters)
    assert caught.value.request_id and len(simulator.journal) == 0


def test_models_are_listed_in_the_form_that_is_asked_for(gateway):
    client = client_of(gateway)
    [entry] = list(client.models.list())
    assert (entry.id, entry.type, entry.display_name) == ("gpt", "model", "gpt") and entry.created_at.year >= 1970
    assert client.models.retrieve("gpt").id == "gpt"
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.models.retrieve("none")
    assert caught.value.type == "not_found_error"
    status, _, body = gateway.request(None, path="/models", method="GET")
    assert status == 200 and json.loads(body)["object"] == "list"
