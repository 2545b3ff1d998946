"""What is passed on to providers that have it and translated for nobody: moderations, images, speech, rerank."""
import base64
import json

import openai
import pytest
from test_sdk import client_of

SOUND = bytes(range(256)) * 40
WHO = "jane.doe@example.com"


async def provider(request, reply):
    """Says back what it was given, where its APIs have a place for that."""
    body = request.json
    assert body["model"] == "sim-1" and request.headers["authorization"] == "Bearer provider-secret-key"
    if request.target == "/v1/moderations":
        return await reply.plain(200, {"id": "modr-1", "model": "sim-1", "results": [
            {"flagged": "bad" in json.dumps(body["input"]), "categories": {}, "category_scores": {}}]})
    if request.target == "/v1/images/generations":
        return await reply.plain(200, {"created": 1, "data": [
            {"b64_json": base64.b64encode(b"png").decode(), "revised_prompt": "a painting: " + body["prompt"]}],
            "usage": {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}})
    if request.target == "/v1/audio/speech":
        head = f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: {len(SOUND)}\r\n\r\n"
        return await reply.send(head.encode() + SOUND)
    assert request.target == "/v1/rerank", request.target
    await reply.plain(200, {"id": "1", "usage": {"total_tokens": 9}, "results": [
        {"index": i, "relevance_score": 1 / (i + 1), "document": {"text": text}}
        for i, text in enumerate(body["documents"])]})


@pytest.fixture
def ours(make_gateway, simulator):
    simulator.behaviour = provider
    yaml = (f"id: theirs\nkind: openai_compatible\nendpoint: http://127.0.0.1:{simulator.port}/v1\nplain_http: true\n"
            "region: {processing: eu}\nauth: {bearer: {file: ../../provider.key}}\n"
            "apis: [chat, moderations, images, speech, rerank]\n")
    return make_gateway({"theirs": yaml}, models={"gpt": "name: gpt\ntargets: [{provider: theirs, model: sim-1}]\n"})


@pytest.fixture
def client(ours):
    return client_of(ours)


def row_of(gateway, operation):
    [row] = gateway.wait_rows(1)
    assert row["operation"] == operation and row["outcome"] == "ok" and row["status"] == 200
    return row


def test_moderations(ours, client, simulator):
    answer = client.moderations.create(model="gpt", input=["bad words of " + WHO, "good ones"])
    assert answer.results[0].flagged is True
    assert WHO.encode() not in simulator.journal[0].body
    assert row_of(ours, "moderations")["input_tokens"] == 0


def test_images_come_with_what_was_asked(ours, client, simulator):
    answer = client.images.generate(model="gpt", prompt=f"a portrait of {WHO}")
    assert base64.b64decode(answer.data[0].b64_json) == b"png"
    assert answer.data[0].revised_prompt == f"a painting: a portrait of {WHO}"
    assert WHO.encode() not in simulator.journal[0].body
    row = row_of(ours, "images")
    assert (row["input_tokens"], row["output_tokens"]) == (5, 100)


def test_speech_arrives_byte_for_byte(ours, client, simulator):
    answer = client.audio.speech.create(model="gpt", voice="alloy", input=f"call {WHO}")
    assert answer.content == SOUND and answer.response.headers["content-type"] == "audio/mpeg"
    assert WHO.encode() not in simulator.journal[0].body
    row_of(ours, "speech")


def test_rerank_gives_the_documents_back_as_they_were(ours, simulator):
    documents = ["nothing to see", "written by " + WHO]
    status, _, body = ours.request({"model": "gpt", "query": "who is " + WHO, "documents": documents}, path="/rerank")
    assert status == 200
    assert [r["document"]["text"] for r in json.loads(body)["results"]] == documents
    assert WHO.encode() not in simulator.journal[0].body
    assert row_of(ours, "rerank")["input_tokens"] == 9


def test_answers_that_would_come_in_pieces_are_refused(client, simulator):
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(model="gpt", prompt="x", stream=True)
    assert caught.value.param == "stream" and simulator.journal == []


def test_a_provider_without_the_api_is_not_asked(make_gateway, simulator):
    gateway = make_gateway({"sim": (f"id: sim\nkind: openai_compatible\nendpoint: http://127.0.0.1:{simulator.port}/v1\n"
                                    "plain_http: true\nregion: {processing: eu}\n")})
    with pytest.raises(openai.BadRequestError) as caught:
        client_of(gateway).moderations.create(model="gpt", input="x")
    assert caught.value.code == "unsupported_api" and simulator.journal == []


@pytest.mark.parametrize("method, path, advice", [
    ("GET", "/realtime", "/v1/chat/completions"), ("POST", "/uploads", "/v1/files"), ("POST", "/threads", "/v1/responses")])
def test_what_is_not_served_says_what_to_do_instead(ours, method, path, advice):
    status, _, body = ours.request({} if method == "POST" else None, path=path, method=method)
    error = json.loads(body)["error"]
    assert status == 404 and error["code"] == "unsupported_api" and advice in error["message"]
