"""The older completions API, which some clients never left: the OpenAI SDK against providers that only chat."""
import dialects
import openai
import pytest
from simulator import echo
from test_dialects import model_yaml, provider_yaml
from test_sdk import client_of


class OpenAI:
    kind, model, auth, path = "openai_compatible", "sim-1", "auth: {bearer: {file: ../../provider.key}}", "/v1"

    async def __call__(self, request, reply):
        assert request.target == "/v1/chat/completions"
        await echo(request, reply)


@pytest.fixture(params=[OpenAI, *dialects.ALL], ids=lambda d: d.kind)
def theirs(request, simulator):
    simulator.behaviour = request.param()
    return simulator


@pytest.fixture
def ours(theirs, make_gateway):
    return make_gateway({"theirs": provider_yaml(theirs, theirs.behaviour)},
                        models={"gpt": model_yaml(theirs.behaviour.model)})


@pytest.fixture
def client(ours):
    return client_of(ours)


def test_a_prompt_is_continued_and_recorded(ours, client):
    answer = client.completions.create(model="gpt", prompt="once upon", max_tokens=50)
    assert answer.object == "text_completion" and answer.id.startswith("cmpl-") and answer.model == "gpt"
    assert answer.choices[0].text == "echo: once upon" and answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 11
    [row] = ours.wait_rows(1)
    assert row["operation"] == "completions"
    assert row["outcome"] == "ok" and row["input_tokens"] == 11


def test_a_stream_comes_piece_by_piece(client):
    chunks = list(client.completions.create(model="gpt", prompt="one two three", stream=True,
                                            stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == "echo: one two three"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len(chunks) > 3 and chunks[-1].usage.prompt_tokens == 11


def test_what_is_personal_stays_here_and_comes_back(client, theirs):
    answer = client.completions.create(model="gpt", prompt="write to jane.doe@example.com", stream=True)
    assert "".join(c.choices[0].text for c in answer) == "echo: write to jane.doe@example.com"
    assert b"jane.doe" not in theirs.journal[0].body


@pytest.mark.parametrize("what", [{"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"prompt": "a", "suffix": "b"},
                                  {"prompt": "a", "echo": True}, {"prompt": "a", "best_of": 3}])
def test_what_a_chat_cannot_do_is_refused_clearly(client, theirs, what):
    with pytest.raises(openai.BadRequestError, match="only chats"):
        client.completions.create(model="gpt", **what)
    assert theirs.journal == []
