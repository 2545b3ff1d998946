"""The unmodified OpenAI SDK calls the Responses API; the providers behind the gateway speak what they speak."""
import asyncio
import json
import os
import shutil
import subprocess

import dialects
import openai
import pytest
from gateway import ROOT, SLOW, eventually, run
from openai_servers import Responses
from test_dialects import BROKEN, PNG, model_yaml, provider_yaml
from test_sdk import azure_client, client_of

TOOL = {"type": "function", "name": "get_weather", "description": "Weather now", "strict": False,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
CUSTOM = {"type": "custom", "name": "look", "description": "Looks out of the window."}
# Natively, where a provider can be configured to speak it.
NATIVE = [Responses] if '"apis"' in run("config", "schema").stdout else []
ALL = [*dialects.EVERY, *NATIVE]


def name_of(server):
    return "responses" if server is Responses else server.kind


@pytest.fixture(params=ALL, ids=name_of)
def theirs(request, simulator):
    """The simulator, speaking one API."""
    simulator.behaviour = request.param()
    return simulator


@pytest.fixture
def ours(theirs, make_gateway):
    server = theirs.behaviour
    return make_gateway({"theirs": provider_yaml(theirs, server) + (getattr(server, "apis", None) or "")},
                        models={"gpt": model_yaml(server.model)})


@pytest.fixture
def client(ours):
    return client_of(ours)


def is_native(theirs):
    return isinstance(theirs.behaviour, Responses)


# --- plain ---

def test_a_plain_call_is_answered_and_recorded(ours, client, theirs):
    answer = client.responses.create(model="gpt", input="good morning", instructions="Be kind.", temperature=0.5,
                                     max_output_tokens=100, metadata={"a": "b"})
    assert answer.object == "response" and answer.status == "completed" and answer.id.startswith("resp_")
    assert answer.output_text == "echo: good morning" and answer.store is False
    assert answer.instructions == "Be kind." and answer.tools == [] and answer.tool_choice == "auto"
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (11, 5, 16)
    assert answer.usage.input_tokens_details.cached_tokens == 3
    if not is_native(theirs):
        assert answer.model == "gpt" and answer.metadata == {"a": "b"}
    [row] = ours.wait_rows(1)
    assert row["provider"] == "theirs" and row["model_asked"] == "gpt" and row["usage_source"] == "provider_final"
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (11, 5, 3)


def test_a_conversation_goes_on_without_state(client):
    first = client.responses.create(model="gpt", input=[{"role": "user", "content": "one"}])
    items = [{"role": "user", "content": "one"}, *[item.to_dict() for item in first.output]]
    second = client.responses.create(model="gpt", input=[*items, {"role": "user", "content": "two"}])
    assert second.output_text == "echo: two"


@pytest.mark.parametrize("tool", [TOOL, CUSTOM], ids=lambda t: t["type"])
@pytest.mark.parametrize("effort", [None, "low"])
def test_a_tool_is_called_and_its_result_used(client, theirs, effort, tool):
    more = {"reasoning": {"effort": effort}, "include": ["reasoning.encrypted_content"]} if effort else {}
    items = [{"role": "user", "content": "weather?"}]
    answer = client.responses.create(model="gpt", input=items, tools=[tool], **more)
    assert answer.output_text == "Let me see."
    call = answer.output[-1] if answer.output[-1].type.endswith("call") else answer.output[-2]
    assert call.name == tool["name"]
    if tool is CUSTOM:
        # The others are given a function, and call it with a city whatever it takes.
        said = "Oslo now" if is_native(theirs) else '{"city": "Oslo"}'
        assert call.type == "custom_tool_call" and call.input == said
    else:
        assert call.type == "function_call" and json.loads(call.arguments) == {"city": "Oslo"}
    # The items go back as the SDK gave them: what the provider signed goes with them.
    items += [item.to_dict() for item in answer.output]
    items.append({"type": call.type + "_output", "call_id": call.call_id, "output": "4 degrees"})
    final = client.responses.create(model="gpt", input=items, tools=[tool], **more)
    assert final.output_text == "result: 4 degrees"


def test_an_image_arrives(client):
    answer = client.responses.create(model="gpt", input=[{"role": "user", "content": [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": PNG, "detail": "auto"}]}])
    assert answer.output_text == "an image of 70 bytes"


def test_an_answer_follows_a_schema(client):
    from pydantic import BaseModel

    class Capital(BaseModel):
        city: str

    answer = client.responses.parse(model="gpt", text_format=Capital, input="capital of Norway?")
    assert answer.output_parsed == Capital(city="Oslo")


# --- streams ---

def check_order(events):
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.type for e in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    added = [e.output_index for e in events if e.type == "response.output_item.added"]
    assert added == list(range(len(events[-1].response.output)))


def test_a_stream_comes_piece_by_piece(ours, client):
    events = list(client.responses.create(model="gpt", input="one two three", stream=True))
    check_order(events)
    texts = [e.delta for e in events if e.type == "response.output_text.delta"]
    assert "".join(texts) == "echo: one two three" and len(texts) >= 3
    assert events[-1].response.output_text == "echo: one two three"
    assert events[-1].response.usage.input_tokens == 11
    assert {e.response.id for e in events if hasattr(e, "response")} == {events[0].response.id}
    [row] = ours.wait_rows(1)
    assert row["stream"] is True and (row["input_tokens"], row["output_tokens"]) == (11, 5)


@pytest.mark.parametrize("effort", [None, "low"])
def test_the_sdks_own_stream_helper_understands_the_stream(client, theirs, effort):
    more = {"reasoning": {"effort": effort}} if effort else {}
    items = [{"role": "user", "content": "weather?"}]
    arguments = ""
    with client.responses.stream(model="gpt", input=items, tools=[TOOL], **more) as stream:
        for event in stream:
            if event.type == "response.function_call_arguments.delta":
                arguments += event.delta
                assert event.snapshot == arguments
        answer = stream.get_final_response()
    assert answer.output_text == "Let me see." and json.loads(arguments) == {"city": "Oslo"}
    call = next(item for item in answer.output if item.type == "function_call")
    items += [{k: v for k, v in item.to_dict().items() if k != "parsed_arguments"} for item in answer.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"})
    with client.responses.stream(model="gpt", input=items, tools=[TOOL], **more) as stream:
        assert stream.get_final_response().output_text == "result: 4 degrees"


def test_a_streamed_answer_follows_a_schema(client):
    from pydantic import BaseModel

    class Capital(BaseModel):
        city: str

    with client.responses.stream(model="gpt", text_format=Capital, input="capital of Norway?") as stream:
        assert stream.get_final_response().output_parsed == Capital(city="Oslo")


def test_the_async_client_streams_too(ours):
    import httpx

    async def run():
        http = httpx.AsyncClient(verify=ours.tls_context())
        async with openai.AsyncOpenAI(base_url=ours.url, api_key=ours.key(), max_retries=0, http_client=http,
                                      timeout=30 * SLOW) as client:
            assert (await client.responses.create(model="gpt", input="hi")).output_text == "echo: hi"
            async with client.responses.stream(model="gpt", input="hi") as stream:
                return (await stream.get_final_response()).output_text
    assert asyncio.run(run()) == "echo: hi"


# --- policy ---

def test_what_is_personal_stays_here(client, theirs):
    items = [{"role": "user", "content": "write to jane.doe@example.com"}]
    plain = client.responses.create(model="gpt", input=items, instructions="I am joe@example.org")
    assert plain.output_text == "echo: write to jane.doe@example.com"
    assert plain.instructions == "I am joe@example.org", "what an answer repeats is the caller's own"
    events = list(client.responses.create(model="gpt", input=items, stream=True))
    check_order(events)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == \
        "echo: write to jane.doe@example.com"
    done = [e for e in events if e.type == "response.output_text.done"]
    assert done[0].text == "echo: write to jane.doe@example.com"
    assert events[-1].response.output_text == "echo: write to jane.doe@example.com"
    for sent in theirs.journal:
        assert b"jane.doe" not in sent.body and b"joe@" not in sent.body


def test_the_caller_hears_what_was_left_out(client, theirs):
    answer = client.responses.with_raw_response.create(model="gpt", input="hi", truncation="auto", top_logprobs=2)
    assert answer.parse().output_text == "echo: hi"
    if is_native(theirs):
        assert "x-tollgate-lossy" not in answer.headers
        assert json.loads(theirs.journal[0].body)["truncation"] == "auto"
    else:
        assert {"truncation", "top_logprobs"} <= set(answer.headers["x-tollgate-lossy"].split(", "))


def test_hosted_tools_pass_where_the_provider_has_them(client, theirs):
    ask = {"model": "gpt", "input": "hi", "tools": [{"type": "web_search"}]}
    if is_native(theirs):
        assert client.responses.create(**ask).output_text == "echo: hi"
        assert theirs.journal[0].json["tools"] == [{"type": "web_search"}]
        return
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(**ask)
    assert refused.value.code == "unsupported_value" and refused.value.param == "tools[0].type"
    assert theirs.journal == []


@pytest.mark.parametrize("more", [{"previous_response_id": "resp_1"}, {"background": True},
                                  {"conversation": "conv_1"}, {"prompt": {"id": "pmpt_1"}}], ids=lambda m: [*m][0])
def test_what_needs_state_is_refused(client, theirs, more):
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gpt", input="hi", **more)
    assert refused.value.param == [*more][0] and "keeps no state" in refused.value.message
    assert theirs.journal == []


def test_words_about_the_request_reach_the_caller(ours, client, theirs):
    def too_long(request):
        raise dialects.Refused(400, "prompt is too long: 9 tokens > 8 maximum")
    theirs.behaviour.answer = too_long
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt", input="hi")
    assert "prompt is too long" in caught.value.message
    [row] = ours.wait_rows(1)
    assert row["outcome"] == "invalid_request"


def event_line(**event):
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


BROKEN_HERE = {**BROKEN, "openai_compatible": [
    b'data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n',
    b'data: {"error":{"message":"x","type":"server_error","code":null,"param":null}}\n\n'], "responses": [
    event_line(type="response.created", sequence_number=0, response={"id": "resp_x", "output": []}) +
    event_line(type="response.output_item.added", sequence_number=1, output_index=0,
               item={"id": "m", "type": "message", "role": "assistant", "content": [], "status": "in_progress"}) +
    event_line(type="response.output_text.delta", sequence_number=2, item_id="m", output_index=0, content_index=0,
               delta="half", logprobs=[]),
    event_line(type="error", sequence_number=3, error={"type": "server_error", "code": "server_error", "message": "x"})]}


def test_a_failure_in_mid_stream_is_an_error_and_never_a_false_end(client, theirs):
    kind = name_of(type(theirs.behaviour))

    async def breaks(request, reply):
        await (dialects.begin_event_stream(reply) if kind == "bedrock" else reply.begin_stream())
        for piece in BROKEN_HERE[kind]:
            await reply.chunk(piece)
        await reply.end_stream()
    theirs.behaviour = breaks
    text = ""
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model="gpt", input="hi", stream=True):
            assert event.type != "response.completed"
            text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == "half"


def test_a_client_that_leaves_ends_the_providers_work(ours, client, theirs):
    never = theirs.event()
    kind = name_of(type(theirs.behaviour))

    async def begins(request, reply):
        await (dialects.begin_event_stream(reply) if kind == "bedrock" else reply.begin_stream())
        await reply.chunk(BROKEN_HERE[kind][0])
        await never.wait()
    theirs.behaviour = begins
    stream = client.responses.create(model="gpt", input="hi", stream=True)
    for event in stream:
        if event.type == "response.output_text.delta":
            break
    stream.close()
    eventually(lambda: theirs.journal[0].client_left, what="the provider's notice")
    [row] = ours.wait_rows(1)
    assert row["outcome"] == "cancelled"


# --- one provider is enough ---

@pytest.fixture
def chat(simulator, make_gateway):
    simulator.behaviour = dialects.Chat()
    return make_gateway({"theirs": provider_yaml(simulator, dialects.Chat)},
                        models={"gpt": model_yaml(dialects.Chat.model)})


def test_what_was_never_kept_is_not_found(chat):
    client = client_of(chat)
    for call in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError) as missing:
            call("resp_1")
        assert missing.value.code == "response_not_found" and "keeps no responses" in missing.value.message


def test_wrong_keys_and_models_have_their_classes(chat):
    with pytest.raises(openai.AuthenticationError):
        client_of(chat, key="tg_wrong").responses.create(model="gpt", input="hi")
    with pytest.raises(openai.NotFoundError):
        client_of(chat).responses.create(model="nope", input="hi")
    with pytest.raises(openai.BadRequestError) as refused:
        client_of(chat).responses.create(model="gpt", input=[{"role": "owner", "content": "x"}])
    assert refused.value.param == "input[0].role"


def test_the_azure_class_finds_its_path(chat):
    assert azure_client(chat).responses.create(model="gpt", input="hi").output_text == "echo: hi"


def test_node_reads_the_stream(chat, tmp_path):
    packages = ROOT / "build/node/node_modules"
    if not shutil.which("node") or not (packages / "openai").is_dir():
        pytest.skip("openai for Node is not installed")
    script = tmp_path / "responses.mjs"
    script.write_text((ROOT / "tests/e2e/responses.mjs").read_text())
    (tmp_path / "node_modules").symlink_to(packages)
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=60 * SLOW, env={
        **os.environ, "NODE_EXTRA_CA_CERTS": chat.ca, "OPENAI_BASE_URL": chat.url, "OPENAI_API_KEY": chat.key()})
    assert done.stdout == "echo: hello from node\ncompleted echo: hello from node\n", done.stderr


def test_langchain_speaks_it(chat):
    langchain = pytest.importorskip("langchain_openai")
    import httpx
    model = langchain.ChatOpenAI(model="gpt", base_url=chat.url, api_key=chat.key(), use_responses_api=True,
                                 max_retries=0, http_client=httpx.Client(verify=chat.tls_context()))
    assert model.invoke("hi").text == "echo: hi"
    assert "".join(chunk.text for chunk in model.stream("hi there")) == "echo: hi there"
    called = model.bind_tools([TOOL | {"strict": None}]).invoke("weather?")
    assert called.tool_calls[0]["args"] == {"city": "Oslo"}
