"""Embeddings: the OpenAI SDK as the client, four kinds of providers that each ask and answer in a form of their own."""
import asyncio
import base64
import json
import re
import struct

import cloud_clients
import httpx
import openai
import pytest
from test_dialects import model_yaml, provider_yaml
from test_sdk import client_of


def vector_of(text):
    """What every model here makes of a text: three numbers that are exact as float32."""
    return [float(len(text)), text.count("a") / 4, -1.5]


class Simulated:
    """Answers what `expect` finds right, and refuses the rest with 400."""
    path = ""

    async def __call__(self, request, reply):
        try:
            status, body, headers = 200, *self.answer(request)
        except AssertionError as wrong:
            status, body, headers = 400, {"message": f"wrong: {wrong}", "error": {"message": f"wrong: {wrong}"}}, []
        await reply.plain(status, body, headers)


class OpenAI(Simulated):
    kind, model, auth = "openai_compatible", "text-embedding-3-small", "auth: {bearer: {file: ../../provider.key}}"
    path = "/v1"

    def answer(self, request):
        body = request.json
        assert request.target == "/v1/embeddings" and request.headers["authorization"] == "Bearer provider-secret-key"
        assert body["model"] == self.model and body["encoding_format"] in ("float", "base64")
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = []
        for i, text in enumerate(texts):
            vector = vector_of(text)
            if body["encoding_format"] == "base64":
                vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
            data.append({"object": "embedding", "index": i, "embedding": vector})
        return {"object": "list", "data": data, "model": self.model,
                "usage": {"prompt_tokens": 3 * len(texts), "total_tokens": 3 * len(texts)}}, []


class Titan(Simulated):
    kind, model, auth = "bedrock", "amazon.titan-embed-text-v2:0", "auth: {bearer: {file: ../../provider.key}}"

    def answer(self, request):
        body = request.json
        assert request.target == "/model/amazon.titan-embed-text-v2%3A0/invoke", request.target
        assert set(body) <= {"inputText", "dimensions"} and isinstance(body["inputText"], str), body
        return {"embedding": vector_of(body["inputText"]), "inputTextTokenCount": 3}, []


class Cohere(Simulated):
    kind, model, auth = "bedrock", "cohere.embed-multilingual-v3", "auth: {bearer: {file: ../../provider.key}}"

    def answer(self, request):
        body = request.json
        assert request.target == "/model/cohere.embed-multilingual-v3/invoke", request.target
        assert 1 <= len(body["texts"]) <= 96 and body["embedding_types"] == ["float"], body
        assert body["input_type"] in ("search_document", "search_query"), body
        return ({"id": "1", "response_type": "embeddings_by_type", "texts": body["texts"],
                 "embeddings": {"float": [vector_of(t) for t in body["texts"]]}},
                [("X-Amzn-Bedrock-Input-Token-Count", str(3 * len(body["texts"])))])


class Vertex(Simulated):
    kind, model, auth = "vertex", "text-embedding-005", "auth: {api_key: {file: ../../provider.key}}"
    path = "/v1/projects/p/locations/l/publishers/google"

    def answer(self, request):
        body = request.json
        assert request.target == f"{self.path}/models/{self.model}:predict", request.target
        assert 1 <= len(body["instances"]) <= 250 and set(body) <= {"instances", "parameters"}, body
        return {"predictions": [{"embeddings": {"values": vector_of(i["content"]),
                                                "statistics": {"token_count": 3, "truncated": False}}}
                                for i in body["instances"]]}, []


@pytest.fixture(params=[OpenAI, Titan, Cohere, Vertex], ids=lambda c: c.__name__)
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


TEXTS = ["banana", "a", "no such letter here"]


@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}],
                         ids=["default", "float", "base64"])
def test_every_text_gets_its_vector_in_order(ours, client, form):
    answer = client.embeddings.create(model="gpt", input=TEXTS, **form)
    assert answer.object == "list" and [d.index for d in answer.data] == [0, 1, 2]
    vectors = [d.embedding for d in answer.data]
    if form.get("encoding_format") == "base64":  # asked for by name, the SDK hands it over as it came
        vectors = [list(struct.unpack("<3f", base64.b64decode(v))) for v in vectors]
    assert vectors == [vector_of(text) for text in TEXTS]
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (9, 9)
    [row] = ours.wait_rows(1)
    assert row["operation"] == "embeddings"
    assert row["status"] == 200 and row["outcome"] == "ok" and row["usage_source"] == "provider_final"
    assert (row["input_tokens"], row["output_tokens"], row["stream"]) == (9, 0, False)


def test_googles_sdk_gets_the_same_vectors(ours, theirs):
    sdk = cloud_clients.GoogleGenAI(ours)
    texts = ["banana", "I am jane.doe@example.com"]
    answer = sdk.client.models.embed_content(model="gpt", contents=texts, config={"task_type": "RETRIEVAL_QUERY"})
    sdk.close()
    assert [e.values for e in answer.embeddings][0] == vector_of("banana") and len(answer.embeddings) == 2
    assert all(b"jane.doe" not in request.body for request in theirs.journal)
    body = {"content": {"parts": [{"text": "banana"}]}, "title": "fruit"}
    status, headers, got = ours.request(body, path="/v1beta/models/gpt:embedContent")
    assert status == 200 and json.loads(got) == {"embedding": {"values": vector_of("banana")}, "usageMetadata": {
        "promptTokenCount": 3, "totalTokenCount": 3}}
    assert headers["x-tollgate-lossy"].startswith("title")
    rows = ours.wait_rows(2)
    assert {row["operation"] for row in rows} == {"gemini_embeddings"}
    assert sorted(row["input_tokens"] for row in rows) == [3, 6]


def test_what_is_personal_stays_here(client, theirs):
    client.embeddings.create(model="gpt", input=["hello", "I am jane.doe@example.com"])
    assert all(b"jane.doe" not in request.body for request in theirs.journal)


def test_the_asynchronous_client_and_its_raw_response(ours):
    async def ask():
        async with httpx.AsyncClient(verify=ours.tls_context()) as http:
            client = openai.AsyncOpenAI(base_url=ours.url, api_key=ours.key(), http_client=http, max_retries=0)
            return await client.embeddings.with_raw_response.create(model="gpt", input="banana")
    raw = asyncio.run(ask())
    assert raw.headers["x-request-id"] and raw.parse().data[0].embedding == vector_of("banana")


@pytest.mark.parametrize("request_body, code", [({"input": []}, "empty_array"), ({"input": ""}, "invalid_value"),
                                                ({"input": ["a", ""]}, "invalid_value"),
                                                ({"input": "a", "dimensions": -1}, "integer_below_min_value")])
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(client, theirs, request_body, code):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="gpt", **request_body)
    assert caught.value.code == code and theirs.journal == []


def test_tokens_go_only_where_they_are_understood(client, theirs):
    ask = {"model": "gpt", "input": [[1, 2, 3]], "encoding_format": "float"}
    if theirs.behaviour.kind == "openai_compatible":
        async def tokens(request, reply):
            assert request.json["input"] == [[1, 2, 3]]
            await reply.plain(200, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}],
                                    "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        theirs.behaviour = tokens
        assert client.embeddings.create(**ask).data[0].embedding == [1.0]
        return
    with pytest.raises(openai.BadRequestError, match="token arrays"):
        client.embeddings.create(**ask)


def test_a_model_that_only_chats_says_so(make_gateway, simulator):
    from dialects import Anthropic
    simulator.behaviour = Anthropic()
    gateway = make_gateway({"theirs": provider_yaml(simulator, simulator.behaviour)},
                           models={"gpt": model_yaml(simulator.behaviour.model)})
    with pytest.raises(openai.BadRequestError) as caught:
        client_of(gateway).embeddings.create(model="gpt", input="a")
    assert caught.value.code == "unsupported_api" and simulator.journal == []


def test_azures_paths_name_the_model(ours, theirs):
    client = client_of(ours)
    answer = client.with_options(base_url=re.sub("/v1/?$", "/openai/deployments/gpt", str(client.base_url))).embeddings.create(
        model="ignored", input="banana")
    assert answer.data[0].embedding == vector_of("banana")
