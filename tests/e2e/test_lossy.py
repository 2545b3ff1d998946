"""Who must not lose a parameter silently can have the call refused instead, by the model's configuration or by a header."""
import json

import anthropic
import dialects
import openai
import pytest
from gateway import provider
from simulator import Simulator
from test_dialects import model_yaml, provider_yaml
from test_sdk import client_of

STRICT = {"x-tollgate-lossy": "refuse"}


@pytest.fixture
def start(make_gateway, simulator):
    def make(more="", api=dialects.Anthropic):
        simulator.behaviour = api()
        return make_gateway({"theirs": provider_yaml(simulator, api)}, models={"gpt": model_yaml(api.model) + more})
    return make


def ask(gateway, **more):
    return client_of(gateway).chat.completions.create(
        model="gpt", messages=[{"role": "user", "content": "hi"}], **more)


def test_a_strict_model_refuses_and_names_what_would_be_lost(start, simulator):
    gateway = start("on_lossy: refuse\n")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(gateway, logit_bias={"5": 1}, seed=7)
    assert caught.value.code == "unsupported_parameter" and caught.value.param in ("logit_bias", "seed")
    assert "logit_bias" in caught.value.message and "seed" in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert simulator.journal == []
    [row] = gateway.wait_rows(1)
    assert (row["outcome"], row["status"], row["usage_source"], row["cost_nano"]) == ("invalid_request", 400, "none", 0)
    assert ask(gateway).choices[0].message.content == "echo: hi"


def test_a_caller_can_ask_for_it_and_not_out_of_it(start, simulator):
    gateway = start()
    assert ask(gateway, seed=7).choices[0].message.content == "echo: hi"
    with pytest.raises(openai.BadRequestError, match="seed"):
        ask(gateway, seed=7, extra_headers=STRICT)
    status, _, body = gateway.request({"model": "gpt", "max_tokens": 50, "top_k": 5, "messages": [
        {"role": "user", "content": "hi"}]}, path="/messages", headers={"anthropic-version": "2023-06-01", **STRICT})
    assert status == 200, body  # the provider's own API loses nothing


def test_a_messages_caller_is_told_in_its_own_form(start, simulator):
    gateway = start("on_lossy: refuse\n", api=dialects.Chat)
    status, _, body = gateway.request({"model": "gpt", "max_tokens": 50, "top_k": 5, "messages": [
        {"role": "user", "content": "hi"}]}, path="/messages", headers={
            "anthropic-version": "2023-06-01", "x-tollgate-lossy": "report"})
    assert status == 400 and simulator.journal == []
    told = anthropic.types.ErrorResponse.model_validate(json.loads(body))
    assert told.error.type == "invalid_request_error" and "top_k" in told.error.message


def test_what_one_target_has_no_place_for_the_next_may_have(make_gateway, simulator):
    other = Simulator()
    simulator.behaviour, other.behaviour = dialects.Anthropic(), dialects.Chat()
    theirs = provider_yaml(simulator, dialects.Anthropic)
    gateway = make_gateway(
        {"theirs": theirs, "open": provider(other, "open")},
        models={"gpt": model_yaml(dialects.Anthropic.model) + "on_lossy: refuse\n"
                       f"fallback: [{{provider: open, model: {dialects.Chat.model}}}]\n"})
    assert ask(gateway, seed=7).choices[0].message.content == "echo: hi"
    assert simulator.journal == [] and other.journal[0].json["seed"] == 7
    assert ask(gateway).choices[0].message.content == "echo: hi" and len(simulator.journal) == 1
    assert sorted((r["provider"], r["status"]) for r in gateway.wait_rows(3)) == [
        ("open", 200), ("theirs", 200), ("theirs", 400)]
    other.close()
