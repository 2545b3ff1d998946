"""Weights, fallback before the first content, timeouts, cool-down."""
import asyncio
import json

import pytest
from gateway import department, model, provider
from simulator import Simulator, delta, echo


@pytest.fixture
def second():
    server = Simulator()
    yield server
    server.close()


def pair(make_gateway, first, second, more="", target=""):
    models = {"gpt": f"name: gpt\ntargets: [{{provider: one, model: m1{target}}}]\n"
                     f"fallback: [{{provider: two, model: m2{more}}}]\n"}
    return make_gateway({"one": provider(first, "one"), "two": provider(second, "two")}, models=models)


def plain_error(status, headers=()):
    async def behaviour(request, reply):
        await reply.plain(status, {"error": {"message": "no", "type": "x", "param": None, "code": None}}, headers)
    return behaviour


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("stream", [False, True])
def test_a_failing_provider_is_replaced_before_the_first_content(make_gateway, simulator, second, status, stream):
    gateway = pair(make_gateway, simulator, second)
    simulator.behaviour = plain_error(status)
    got, headers, body = gateway.chat("hello", stream=stream)
    assert got == 200 and b"hello" in body
    assert headers["x-tollgate-provider"] == "two" and headers["x-tollgate-fallback"] == "true"
    assert headers["x-tollgate-attempts"] == "2"
    rows = gateway.wait_rows(2)
    assert {r["request_id"] for r in rows} == {headers["x-request-id"]}
    assert {(r["provider"], r["fallback"], r["outcome"] == "ok") for r in rows} == {("one", False, False), ("two", True, True)}
    failed = next(r for r in rows if r["provider"] == "one")
    if status == 429:
        assert failed["input_tokens"] == 0, "a provider that refused has used nothing"


def test_a_refused_connection_falls_back(make_gateway, simulator, second):
    gateway = pair(make_gateway, simulator, second)
    simulator.close()
    assert gateway.chat()[1]["x-tollgate-provider"] == "two"


def test_role_frames_are_no_content_so_a_stream_that_dies_after_them_still_falls_back(make_gateway, simulator, second):
    async def role_then_cut(request, reply):
        await reply.begin_stream()
        await reply.event(delta("", role="assistant"))
        reply.writer.close()
        reply.close_after = True

    gateway = pair(make_gateway, simulator, second)
    simulator.behaviour = role_then_cut
    status, headers, body = gateway.chat("hello", stream=True)
    assert status == 200 and headers["x-tollgate-provider"] == "two" and body.count(b'"role"') == 1


def test_after_content_nothing_is_switched_silently(make_gateway, simulator, second):
    async def content_then_cut(request, reply):
        await reply.begin_stream()
        await reply.event(delta("some"))
        reply.writer.close()
        reply.close_after = True

    gateway = pair(make_gateway, simulator, second)
    simulator.behaviour = content_then_cut
    _, _, body = gateway.chat("hello", stream=True)
    assert b'"error"' in body and b"[DONE]" not in body and second.journal == []


def test_a_silent_provider_times_out_and_is_replaced(make_gateway, simulator, second):
    async def silent(request, reply):
        await asyncio.Event().wait()

    gateway = pair(make_gateway, simulator, second, target=", timeouts: {first_content: 300ms}")
    simulator.behaviour = silent
    assert gateway.chat()[1]["x-tollgate-provider"] == "two"
    rows = gateway.wait_rows(2)
    assert {r["outcome"] for r in rows} == {"upstream_timeout", "ok"}


def test_a_failed_target_cools_down(make_gateway, simulator, second):
    gateway = pair(make_gateway, simulator, second, target=", cool_down: 60s")
    simulator.behaviour = plain_error(500)
    gateway.chat()
    simulator.behaviour = echo
    assert gateway.chat()[1]["x-tollgate-attempts"] == "1", "the cooling target was passed over"
    assert len(simulator.journal) == 1
    assert gateway.metric("tollgate_target_cooling", target="one/m1") == 1


def test_a_request_the_provider_refuses_is_not_tried_elsewhere(make_gateway, simulator, second):
    gateway = pair(make_gateway, simulator, second)
    body = {"error": {"message": "too long", "type": "invalid_request_error", "param": "messages",
                      "code": "context_length_exceeded"}}

    async def refuse(request, reply):
        await reply.plain(400, body)

    simulator.behaviour = refuse
    status, _, answer = gateway.chat()
    assert status == 400 and json.loads(answer) == body and second.journal == []


def test_a_target_without_the_model_is_passed_over_and_stays_in_use(make_gateway, simulator, second):
    gateway = pair(make_gateway, simulator, second, target=", cool_down: 60s")
    simulator.behaviour = plain_error(404)
    for _ in range(2):
        status, headers, _ = gateway.chat()
        assert (status, headers["x-tollgate-provider"], headers["x-tollgate-attempts"]) == (200, "two", "2")
    assert len(simulator.journal) == 2 and gateway.metric("tollgate_target_cooling", target="one/m1") == 0
    assert sorted(r["outcome"] for r in gateway.wait_rows(4)) == ["not_found", "not_found", "ok", "ok"]
    second.behaviour = plain_error(404)
    assert gateway.chat()[0] == 404


@pytest.mark.parametrize("header", ["x-request-id", "apim-request-id", "request-id", "x-amzn-RequestId", "x-goog-request-id"])
def test_what_the_provider_calls_a_call_is_in_its_row_and_nowhere_in_the_answer(make_gateway, simulator, second, header):
    gateway = pair(make_gateway, simulator, second)

    async def refuse(request, reply):
        await reply.plain(503, {"error": {"message": "busy", "type": "x", "param": None, "code": None}},
                          [(header, "theirs-refused-1")])

    async def answer(request, reply):
        await reply.plain(200, {"id": "c", "object": "chat.completion", "created": 1, "model": "m2", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]},
            [(header, "theirs-answered-2")])

    simulator.behaviour, second.behaviour = refuse, answer
    status, headers, body = gateway.chat()
    assert status == 200 and "theirs-" not in str(headers) and b"theirs-" not in body
    rows = sorted(gateway.wait_rows(2), key=lambda row: row["attempt"])
    assert [row["upstream_request_id"] for row in rows] == ["theirs-refused-1", "theirs-answered-2"]


def test_a_credential_the_provider_refuses_is_our_problem_and_never_shown(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)})
    async def refuse(request, reply):
        await reply.plain(401, {"error": {"message": "bad key provider-secret-key", "type": "x", "param": None, "code": None}})

    simulator.behaviour = refuse
    status, _, body = gateway.chat()
    assert status == 502 and b"provider-secret-key" not in body


def test_fallback_for_uncritical_applications_only(make_gateway, simulator, second):
    departments = {"retail": department(), "core": department("core").replace("criticality: low", "criticality: high")}
    models = {"gpt": "name: gpt\ntargets: [{provider: one, model: m1}]\n"
                     "fallback: [{provider: two, model: m2, for: {criticality: low}}]\n"}
    gateway = make_gateway({"one": provider(simulator, "one"), "two": provider(second, "two")}, models=models,
                           departments=departments)
    simulator.behaviour = plain_error(503)
    assert gateway.chat()[0] == 200
    assert gateway.chat(key=gateway.key("core"))[0] in (502, 503)


def test_weights_divide_the_calls(make_gateway, simulator, second):
    models = {"gpt": "name: gpt\ntargets: [{provider: one, model: m, weight: 80}, {provider: two, model: m, weight: 20}]\n"}
    gateway = make_gateway({"one": provider(simulator, "one"), "two": provider(second, "two")}, models=models)
    for _ in range(100):
        assert gateway.chat()[0] == 200
    assert 60 <= len(simulator.journal) <= 95 and len(second.journal) == 100 - len(simulator.journal)


def test_the_curl_transport_serves_the_same(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator, more="transport: curl\n")}, models={"gpt": model()})
    assert b"echo: through curl" in gateway.chat("through curl")[2]
    assert b"[DONE]" in gateway.chat("through curl", stream=True)[2]
