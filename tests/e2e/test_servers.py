"""Servers beside the big vendors' own APIs, behind one gateway: what callers of any API get from them (see servers.py)."""
import json

import openai
import pytest
import servers
from gateway import SLOW, Gateway, department, eventually
from simulator import Simulator
from test_dialects import PNG, TOOL
from test_sdk import client_of


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A gateway with a provider and a model for each server; all of them live in one simulator, by their paths."""
    simulator, behaviours = Simulator(), {name: made() for name, made in servers.ALL.items()}

    async def route(request, reply):
        await behaviours[request.target.split("/")[1]](request, reply)
    simulator.behaviour = route
    folder = tmp_path_factory.mktemp("servers")
    for name, text in (("provider.key", "provider-secret-key\n"), ("aws.secret", "planted-secret/+key\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    gateway = Gateway(
        folder, {name: made.yaml(name, simulator.port, "/" + name) for name, made in behaviours.items()},
        {name: f'name: {name}\ntargets: [{{provider: {name}, model: "{made.model}", cool_down: 1ms}}]\n'
         for name, made in behaviours.items()},
        {"retail": department(models=f"[{', '.join(behaviours)}]")})
    gateway.new_key()
    gateway.start()
    yield gateway, simulator
    assert gateway.stop() == 0
    simulator.close()


@pytest.fixture
def gateway(world):
    world[1].forget()
    return world[0]


@pytest.fixture
def journal(world):
    return world[1].journal


@pytest.fixture
def client(gateway):
    return client_of(gateway)


every = pytest.mark.parametrize("model", servers.ALL)
chatting = pytest.mark.parametrize("model", servers.CHATTING)
generating = pytest.mark.parametrize("model", servers.GENERATING)


def ask(client, model, text, **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@every
def test_a_plain_call_and_a_stream_are_answered(client, model):
    answer = ask(client, model, "good morning", temperature=0.5, max_completion_tokens=100)
    assert answer.choices[0].message.content.strip() == "echo: good morning"
    assert answer.choices[0].finish_reason == "stop"
    assert text_of(ask(client, model, "one two three", stream=True)) == "echo: one two three"


@every
def test_callers_of_other_apis_get_the_same(gateway, model):
    status, _, body = gateway.request({"model": model, "max_tokens": 50, "messages": [
        {"role": "user", "content": "hello"}]}, path="/messages", headers={"anthropic-version": "2023-06-01"})
    assert status == 200 and json.loads(body)["content"][0]["text"] == "echo: hello", body
    status, _, body = gateway.request({"model": model, "input": "hello"}, path="/responses")
    assert status == 200 and json.loads(body)["output"][-1]["content"][0]["text"] == "echo: hello", body


@every
def test_what_is_personal_stays_here(client, journal, model):
    answer = text_of(ask(client, model, "write to jane.doe@example.com", stream=True))
    assert answer == "echo: write to jane.doe@example.com"
    assert len(journal) == 1 and b"jane.doe" not in journal[0].body


@chatting
def test_a_tool_is_called_and_its_result_used(client, model):
    messages = [{"role": "user", "content": "weather?"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[TOOL], tool_choice="required", seed=7)
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Oslo"}
    messages += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"}]
    final = client.chat.completions.create(model=model, messages=messages, tools=[TOOL])
    assert final.choices[0].message.content == "result: 4 degrees"
    arguments = ""
    for chunk in ask(client, model, "weather?", stream=True, tools=[TOOL]):
        for piece in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            arguments += piece.function.arguments or ""
    assert json.loads(arguments) == {"city": "Oslo"}


@every
def test_limits_are_told_alike_and_nothing_of_the_inside(client, model):
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, model, "over the limit")
    assert caught.value.response.headers["retry-after"] == "7"
    assert "471100004711" not in caught.value.response.text


@every
def test_who_leaves_a_stream_ends_it_at_the_server(client, journal, model):
    stream = ask(client, model, "wait in the middle", stream=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    stream.close()
    eventually(lambda: journal and journal[0].client_left, 5 * SLOW, "the server noticed")


def test_tokens_are_the_servers_where_it_tells_them_and_estimated_where_not(gateway, client):
    for model in servers.ALL:
        ask(client, model, "count me")
        text_of(ask(client, model, "count me", stream=True))

    def told():
        return {(r["model_asked"], r["stream"]): r for r in gateway.rows() if r["outcome"] == "ok"}
    eventually(lambda: len(told()) == 2 * len(servers.ALL), what="a row for each")
    for (model, stream), row in told().items():
        silent = model in ("kserve", "triton") or (model == "old_server" and stream)
        assert row["usage_source"] == ("estimated" if silent else "provider_final"), (model, stream)
        assert row["output_tokens"] > 0 and (silent or row["input_tokens"] == 11), (model, stream)


def test_a_container_that_dies_in_the_middle_is_an_error_and_never_an_end(client):
    text = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in ask(client, "sagemaker", "dies in the middle", stream=True):
            text += chunk.choices[0].delta.content or ""
            assert chunk.choices[0].finish_reason is None
    assert text == "half" and "i-0abc" not in str(caught.value)


@generating
def test_what_a_text_cannot_hold_is_refused_or_named(client, journal, model):
    answer = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": "hi"}], tools=[TOOL])
    assert "tools" in answer.headers["x-tollgate-lossy"].split(", ")
    journal.clear()
    for refused in ({"tools": [TOOL], "tool_choice": "required", "messages": [{"role": "user", "content": "hi"}]},
                    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}]}):
        with pytest.raises(openai.BadRequestError, match="cannot be sent"):
            client.chat.completions.create(model=model, **refused)
    assert not journal
