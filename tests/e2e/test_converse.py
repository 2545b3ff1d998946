"""Amazon Bedrock's Converse as callers speak it: to Bedrock itself byte for byte, to others translated."""
import json

import cloud_clients
import dialects
import pytest
from botocore.eventstream import EventStreamBuffer
from neighbours import neighbours

boto3 = pytest.importorskip("boto3", reason="suite e2e-boto3: boto3 could not be fetched")
HELLO = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
MODEL = "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with neighbours(tmp_path_factory.mktemp("converse"), "bedrock", dialects.Bedrock(), "team/other:1") as all:
        yield all


@pytest.fixture
def gateway(world):
    return world[0]


@pytest.fixture
def bedrock(world):
    yield world[1]
    world[1].behaviour = dialects.Bedrock()


@pytest.fixture
def client(gateway):
    made = cloud_clients.Boto3(gateway)
    yield made.client
    made.close()


def converse(gateway, body, model="gpt", verb="converse", **more):
    return gateway.request(body, path=f"/model/{model}/{verb}", **more)


def test_a_call_reaches_bedrock_byte_for_byte(gateway, bedrock):
    body = b'{ "messages": [ {"role":"user","content":[{"text":"caf\\u00e9 \xe2\x82\xac"}]} ],\t"inferenceConfig": {"topP": 9e-1} }'
    bedrock.forget()
    status, headers, answer = converse(gateway, body)
    assert status == 200 and json.loads(answer)["stopReason"] == "end_turn"
    assert headers["x-amzn-requestid"] == headers["x-request-id"]
    [sent] = bedrock.journal
    assert sent.body == body and sent.target == MODEL + "converse"


def test_messages_of_bedrock_arrive_as_they_were(gateway, bedrock):
    stream = (dialects.event("messageStart", role="assistant", new=1) +
              dialects.event("contentBlockDelta", contentBlockIndex=0, delta={"text": "caf\u00e9"}) +
              dialects.event("contentBlockStop", contentBlockIndex=0) +
              dialects.event("messageStop", stopReason="max_tokens") +
              dialects.event("metadata", usage={"inputTokens": 4, "outputTokens": 9, "totalTokens": 13}, metrics={}))

    async def raw(request, reply):
        assert request.target == MODEL + "converse-stream"
        assert request.headers["accept"] == "application/vnd.amazon.eventstream"
        await dialects.begin_event_stream(reply)
        for at in range(0, len(stream), 7):
            await reply.chunk(stream[at:at + 7])
        await reply.end_stream()
    bedrock.behaviour = raw
    before = gateway.settled_rows()
    status, headers, answer = converse(gateway, HELLO, verb="converse-stream")
    assert status == 200 and answer == stream and headers["content-type"] == "application/vnd.amazon.eventstream"
    [row] = gateway.new_rows(before)
    assert (row["operation"], row["stream"], row["input_tokens"], row["output_tokens"]) == ("converse", True, 4, 9)


def test_personal_data_comes_back_wherever_bedrock_cuts_it(bedrock, client):
    async def letters(request, reply):
        token = request.json["messages"][0]["content"][0]["text"]
        assert "jane.doe" not in token
        await dialects.begin_event_stream(reply)
        await reply.chunk(dialects.event("messageStart", role="assistant"))
        for c in token + " Tgx":
            await reply.chunk(dialects.event("contentBlockDelta", contentBlockIndex=0, delta={"text": c}))
        await reply.chunk(dialects.event("contentBlockStop", contentBlockIndex=0))
        await reply.chunk(dialects.event("contentBlockStart", contentBlockIndex=1, start={
            "toolUse": {"toolUseId": "t", "name": "f"}}))
        for c in json.dumps({"to": token}):
            await reply.chunk(dialects.event("contentBlockDelta", contentBlockIndex=1, delta={"toolUse": {"input": c}}))
        await reply.chunk(dialects.event("contentBlockStop", contentBlockIndex=1) +
                          dialects.event("messageStop", stopReason="tool_use"))
        await reply.end_stream()
    bedrock.behaviour = letters
    text, arguments, ended = "", "", set()
    for event in client.converse_stream(modelId="gpt", messages=[
            {"role": "user", "content": [{"text": "jane.doe@example.com"}]}])["stream"]:
        if "contentBlockDelta" in event:
            assert event["contentBlockDelta"]["contentBlockIndex"] not in ended, "a piece for a block that has ended"
            text += event["contentBlockDelta"]["delta"].get("text", "")
            arguments += event["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "")
        elif "contentBlockStop" in event:
            ended.add(event["contentBlockStop"]["contentBlockIndex"])
    assert text == "jane.doe@example.com Tgx" and json.loads(arguments) == {"to": "jane.doe@example.com"}


def test_personal_data_comes_back_in_whole_answers(bedrock, client):
    async def whole(request, reply):
        token = request.json["messages"][0]["content"][0]["text"]
        await reply.plain(200, {"output": {"message": {"role": "assistant", "content": [
            {"text": token}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {"to": [token]}}}]}},
            "stopReason": "tool_use", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1}})
    bedrock.behaviour = whole
    answer = client.converse(modelId="gpt", messages=[{"role": "user", "content": [{"text": "jane.doe@example.com"}]}])
    text, call = answer["output"]["message"]["content"]
    assert text["text"] == "jane.doe@example.com" and call["toolUse"]["input"] == {"to": ["jane.doe@example.com"]}


@pytest.mark.parametrize("model", ["gpt", "team/other:1"])
def test_a_failure_in_mid_stream_is_an_exception_and_never_a_false_end(world, client, model):
    from botocore.exceptions import EventStreamError
    native = model == "gpt"

    async def breaks(request, reply):
        await (dialects.begin_event_stream(reply) if native else reply.begin_stream())
        if native:
            await reply.chunk(dialects.event("contentBlockDelta", contentBlockIndex=0, delta={"text": "half"}))
            await reply.chunk(dialects.exception("serviceUnavailableException", message="host 10.0.0.1"))
        else:
            await reply.event({"choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]})
        await reply.end_stream()
    simulator = world[1] if native else world[2]
    before, simulator.behaviour = simulator.behaviour, breaks
    text = ""
    with pytest.raises(EventStreamError) as caught:
        for event in client.converse_stream(modelId=model, messages=HELLO["messages"])["stream"]:
            assert "messageStop" not in event
            text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
    simulator.behaviour = before
    assert text == "half" and "10.0.0.1" not in str(caught.value)
    assert caught.value.response["Error"]["Code"] == (
        "serviceUnavailableException" if native else "modelStreamErrorException")


def test_a_stream_written_here_passes_botocores_checksums(gateway):
    status, headers, answer = converse(gateway, HELLO, model="team%2Fother%3A1", verb="converse-stream")
    assert status == 200 and headers["content-type"] == "application/vnd.amazon.eventstream"
    buffer = EventStreamBuffer()
    buffer.add_data(answer)
    messages = list(buffer)
    assert [m.headers[":event-type"] for m in messages][:2] == ["messageStart", "contentBlockDelta"]
    text = "".join(json.loads(m.payload)["delta"]["text"] for m in messages if m.headers[":event-type"] == "contentBlockDelta")
    assert text == "echo: hello"


def test_a_signed_request_hears_how_to_send_its_key(gateway, monkeypatch):
    from botocore.exceptions import ClientError
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    signing = boto3.client("bedrock-runtime", region_name="eu-central-1", verify=gateway.ca, aws_access_key_id="AKIDEXAMPLE",
                           aws_secret_access_key="x", endpoint_url=gateway.url.removesuffix("/v1"))
    with pytest.raises(ClientError) as caught:
        signing.converse(modelId="gpt", messages=HELLO["messages"])
    error = caught.value.response["Error"]
    assert error["Code"] == "UnrecognizedClientException" and "AWS_BEARER_TOKEN_BEDROCK" in error["Message"]


def test_refusals_have_awss_form(gateway, bedrock):
    bedrock.forget()
    cases = [(dict(key=""), 401, "UnrecognizedClientException"), (dict(model="nobody"), 404, "ResourceNotFoundException"),
             (dict(body={"messages": []}), 400, "ValidationException"), (dict(verb="invoke"), 404, "ResourceNotFoundException")]
    for parameters, code, name in cases:
        status, headers, body = converse(gateway, **{"body": HELLO, **parameters})
        assert (status, headers["x-amzn-errortype"]) == (code, name) and json.loads(body)["message"]
    assert bedrock.journal == []


def test_the_caller_hears_what_was_left_out(gateway):
    body = {**HELLO, "additionalModelRequestFields": {"odd": 1}}
    other = "team%2Fother%3A1"
    assert "x-tollgate-lossy" not in converse(gateway, HELLO, model=other)[1]
    assert converse(gateway, body, model=other)[1]["x-tollgate-lossy"] == "additionalModelRequestFields.odd"
    status, _, answer = converse(gateway, {**HELLO, "guardrailConfig": {}}, model=other)
    assert status == 400 and "guardrail" in json.loads(answer)["message"]
