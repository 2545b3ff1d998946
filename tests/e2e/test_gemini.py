"""Google's generateContent as callers speak it: to Google itself byte for byte, to others translated."""
import json

import cloud_clients
import dialects
import pytest
from neighbours import neighbours

genai = pytest.importorskip("google.genai", reason="suite e2e-google-genai: google-genai could not be fetched")
HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with neighbours(tmp_path_factory.mktemp("gemini"), "google", dialects.Gemini()) as all:
        yield all


@pytest.fixture
def gateway(world):
    return world[0]


@pytest.fixture
def google(world):
    yield world[1]
    world[1].behaviour = dialects.Gemini()


@pytest.fixture
def client(gateway):
    made = cloud_clients.GoogleGenAI(gateway)
    yield made.client
    made.close()


def generate(gateway, body, model="gpt", verb="generateContent", root="/v1beta/models", **more):
    return gateway.request(body, path=f"{root}/{model}:{verb}", **more)


def test_a_call_reaches_google_byte_for_byte(gateway, google):
    body = b'{ "contents": [ {"parts":[{"text":"caf\\u00e9 \xe2\x82\xac"}]} ],\t"generationConfig": {"topK": 4.0e0} }'
    google.forget()
    status, headers, answer = generate(gateway, body)
    assert status == 200 and json.loads(answer)["responseId"] == "r1" and headers["x-tollgate-provider"] == "google"
    [sent] = google.journal
    assert sent.body == body and sent.target.endswith("/models/gemini-3-pro-preview:generateContent")


def test_frames_of_google_arrive_as_they_were(gateway, google):
    sse = (b'data: {"candidates": [{"content": {"parts": [{"text": "caf\\u00e9"}]}, "new": 1}]}\r\n\r\n'
           b'data: {"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}],"usageMetadata":'
           b'{"promptTokenCount":4,"candidatesTokenCount":9,"totalTokenCount":13},"modelVersion":"m"}\r\n\r\n')

    async def raw(request, reply):
        assert request.target.endswith(":streamGenerateContent?alt=sse")
        await reply.begin_stream()
        for at in range(0, len(sse), 7):
            await reply.chunk(sse[at:at + 7])
        await reply.end_stream()
    google.behaviour = raw
    before = gateway.settled_rows()
    status, headers, answer = generate(gateway, HELLO, verb="streamGenerateContent?alt=sse")
    assert status == 200 and answer == sse and headers["content-type"].startswith("text/event-stream")
    [row] = gateway.new_rows(before)
    assert (row["operation"], row["stream"], row["input_tokens"], row["output_tokens"]) == ("gemini", True, 4, 9)


@pytest.mark.parametrize("model", ["gpt", "other"])
def test_without_sse_the_stream_is_one_array_of_the_same_chunks(gateway, model):
    def same(chunk):
        return {k: v for k, v in chunk.items() if k != "responseId"}
    _, _, events = generate(gateway, HELLO, model=model, verb="streamGenerateContent?alt=sse")
    chunks = [json.loads(line[6:]) for line in events.decode().splitlines() if line.startswith("data: ")]
    status, headers, body = generate(gateway, HELLO, model=model, verb="streamGenerateContent")
    assert status == 200 and headers["content-type"].startswith("application/json")
    assert [same(chunk) for chunk in json.loads(body)] == [same(chunk) for chunk in chunks] and len(chunks) > 1


def test_an_array_comes_in_pieces_whole_and_with_what_was_hidden(gateway, google):
    async def letters(request, reply):
        assert request.target.endswith(":streamGenerateContent?alt=sse")
        token = request.json["contents"][0]["parts"][0]["text"]
        assert "jane.doe" not in token
        await reply.begin_stream()
        for letter in token + " Tgx":
            await reply.event({"candidates": [{"content": {"role": "model", "parts": [{"text": letter}]}}]})
        await reply.event({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {
            "promptTokenCount": 4, "candidatesTokenCount": 9, "totalTokenCount": 13}})
        await reply.end_stream()
    google.behaviour = letters
    before = gateway.settled_rows()
    _, _, body = generate(gateway, {"contents": [{"parts": [{"text": "jane.doe@example.com"}]}]},
                          verb="streamGenerateContent")
    parts = [p for c in json.loads(body) for p in c["candidates"][0].get("content", {}).get("parts", [])]
    assert "".join(part["text"] for part in parts) == "jane.doe@example.com Tgx"
    [row] = gateway.new_rows(before)
    assert (row["operation"], row["stream"], row["input_tokens"], row["output_tokens"]) == ("gemini", True, 4, 9)


def test_an_array_that_breaks_off_ends_with_the_error(gateway, google):
    async def breaks(request, reply):
        await reply.begin_stream()
        await reply.event({"candidates": [{"content": {"parts": [{"text": "half"}]}}]})
        await reply.event({"error": {"code": 503, "message": "host 10.0.0.1 is busy", "status": "UNAVAILABLE"}})
        await reply.end_stream()
    google.behaviour = breaks
    _, _, body = generate(gateway, HELLO, verb="streamGenerateContent")
    half, error = json.loads(body)
    assert half["candidates"][0]["content"]["parts"] == [{"text": "half"}]
    assert error["error"]["code"] == 503 and b"10.0.0.1" not in body


def test_personal_data_comes_back_wherever_google_cuts_it(gateway, google, client):
    async def letters(request, reply):
        token = request.json["contents"][0]["parts"][0]["text"]
        assert "jane.doe" not in token
        parts = [{"text": c} for c in token + " Tgx"] + [{"functionCall": {"name": "f", "args": {"to": [token]}}}]
        await reply.begin_stream()
        for part in parts:
            await reply.event({"candidates": [{"content": {"role": "model", "parts": [part]}}]})
        await reply.event({"candidates": [{"finishReason": "STOP"}]})
        await reply.end_stream()
    google.behaviour = letters
    chunks = list(client.models.generate_content_stream(model="gpt", contents="jane.doe@example.com"))
    parts = [part for chunk in chunks for part in (chunk.candidates[0].content and chunk.candidates[0].content.parts) or []]
    assert "".join(part.text or "" for part in parts) == "jane.doe@example.com Tgx"
    assert parts[-1].function_call.args == {"to": ["jane.doe@example.com"]}


@pytest.mark.parametrize("model", ["gpt", "other"])
def test_a_failure_in_mid_stream_is_an_error_and_never_a_false_end(world, client, google, model):
    from google.genai import errors
    half = {"gpt": {"candidates": [{"content": {"parts": [{"text": "half"}]}}]},
            "other": {"choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]}}[model]

    async def breaks(request, reply):
        await reply.begin_stream()
        await reply.event(half)
        await reply.event({"error": {"code": 503, "message": "host 10.0.0.1 is busy", "status": "UNAVAILABLE"}})
        await reply.end_stream()
    simulator = world[1] if model == "gpt" else world[2]
    before, simulator.behaviour = simulator.behaviour, breaks
    text = ""
    with pytest.raises(errors.APIError) as caught:
        for chunk in client.models.generate_content_stream(model=model, contents="hi"):
            assert chunk.candidates[0].finish_reason is None
            text += chunk.text
    simulator.behaviour = before
    assert text == "half" and caught.value.code >= 500
    assert model != "gpt" or "10.0.0.1" not in str(caught.value)


def test_tokens_are_counted_or_estimated_and_cost_nothing(gateway, google, client):
    async def count(request, reply):
        assert request.target.endswith("/models/gemini-3-pro-preview:countTokens") and b"jane.doe" not in request.body
        await reply.plain(200, {"totalTokens": 14, "promptTokensDetails": []})
    google.behaviour = count
    before = gateway.settled_rows()
    assert client.models.count_tokens(model="gpt", contents="write to jane.doe@example.com").total_tokens == 14
    assert client.models.count_tokens(model="other", contents="hello there").total_tokens > 0
    rows = gateway.new_rows(before, 2)
    for row in rows:
        assert (row["input_tokens"], row["output_tokens"], row["cost_nano"], row["status"]) == (0, 0, 0, 200)


def test_models_are_listed_in_googles_form(client):
    from google.genai import errors
    assert sorted(model.name for model in client.models.list()) == ["models/gpt", "models/other"]
    assert client.models.get(model="gpt").display_name == "gpt"
    with pytest.raises(errors.ClientError) as caught:
        client.models.get(model="none")
    assert caught.value.status == "NOT_FOUND"


def test_the_paths_of_vertex_ai_are_served(gateway):
    for root in ("/v1beta1/projects/p/locations/eu/publishers/google/models", "/v1beta1/publishers/google/models"):
        status, _, body = generate(gateway, HELLO, model="other", root=root)
        assert status == 200 and json.loads(body)["candidates"][0]["content"]["parts"] == [{"text": "echo: hello"}]
    status, _, body = gateway.request(HELLO, path="/models/other:generateContent")
    assert status == 200


def test_the_key_may_stand_in_the_query_of_googles_paths_and_reaches_no_log(gateway):
    key = gateway.key()
    assert generate(gateway, HELLO, verb=f"generateContent?key={key}", key="")[0] == 200
    assert gateway.request({"model": "gpt", "messages": []}, key="", path=f"/chat/completions?key={key}")[0] == 401
    assert generate(gateway, HELLO, verb=f"frobnicate?key={key}", key="")[0] == 404
    assert key not in gateway.log_path.read_text() and key not in gateway.ops("/metrics")[1]


def test_refusals_have_googles_form(gateway, google):
    google.forget()
    cases = [(dict(key=""), 401, "UNAUTHENTICATED"), (dict(model="nobody"), 404, "NOT_FOUND"),
             (dict(body={"contents": []}), 400, "INVALID_ARGUMENT"), (dict(verb="predict"), 404, "NOT_FOUND"),
             (dict(verb="embedContent", body={"content": {"parts": [{"inlineData": {}}]}}), 400, "INVALID_ARGUMENT"),
             (dict(verb="batchEmbedContents", body={"requests": []}), 400, "INVALID_ARGUMENT")]
    for parameters, code, name in cases:
        status, _, body = generate(gateway, **{"body": HELLO, **parameters})
        error = json.loads(body)["error"]
        assert (status, error["code"], error["status"]) == (code, code, name) and error["message"]
    assert google.journal == []


def test_the_caller_hears_what_was_left_out(gateway):
    body = {**HELLO, "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}
    assert "x-tollgate-lossy" not in generate(gateway, HELLO, model="other")[1]
    assert generate(gateway, body, model="other")[1]["x-tollgate-lossy"] == "safetySettings"
    status, _, answer = generate(gateway, {**HELLO, "tools": [{"googleSearch": {}}]}, model="other")
    assert status == 400 and "googleSearch" in json.loads(answer)["error"]["message"]
