"""The embedded model, called with OpenAI's SDK and its parameters."""
import json
import math

import httpx
import openai
import pytest
from gateway import ROOT, SLOW, Gateway, department

LOCAL = (f"id: local\nkind: local\nregion: {{processing: eu}}\n"
         f"model: {{directory: {ROOT}/local_backend/demo/model, max_running: 4}}\n")
DEMO = "name: demo\ntargets: [{provider: local, model: demo}]\n"
APART = LOCAL.replace("id: local", "id: apart").replace("max_running: 4", "isolation: process")
TICKET = {"type": "object", "additionalProperties": False, "required": ["item", "size", "count", "tags"],
          "properties": {"item": {"type": "string", "minLength": 1, "maxLength": 10},
                         "size": {"enum": ["S", "M", "L"]}, "count": {"type": "integer"},
                         "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2}}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("local"), {"local": LOCAL, "apart": APART},
                      {"demo": DEMO, "apart": "name: apart\ntargets: [{provider: apart, model: demo}]\n"},
                      {"retail": department(models="[demo, apart]", pii=None),
                       "trading": department("trading", models="[demo]")})
    gateway.new_key()
    gateway.new_key("trading")
    gateway.start()
    yield gateway
    assert gateway.stop() == 0


def client_of(gateway, department):
    return openai.OpenAI(base_url=gateway.url, api_key=gateway.key(department), max_retries=0, timeout=60 * SLOW,
                         http_client=httpx.Client(verify=gateway.tls_context()))


@pytest.fixture(scope="module")
def client(gateway):
    return client_of(gateway, "retail")


def ask(client, text="What is the gateway?", **more):
    return client.chat.completions.create(messages=[{"role": "user", "content": text}],
                                          **{"model": "demo", "max_tokens": 20, "temperature": 0, **more})


def check_scores(content, text, top):
    assert b"".join(bytes(e.bytes) for e in content).decode() == text
    for entry in content:
        assert entry.logprob <= 0 and len(entry.top_logprobs) == top
        likely = [t.logprob for t in entry.top_logprobs]
        assert likely == sorted(likely, reverse=True)
        if top:
            assert math.isclose(entry.logprob, likely[0], abs_tol=1e-6), "greedy takes the most likely"


def test_log_probabilities_come_with_a_plain_answer(client):
    choice = ask(client, logprobs=True, top_logprobs=3).choices[0]
    check_scores(choice.logprobs.content, choice.message.content, 3)
    assert ask(client).choices[0].logprobs is None


def test_and_with_a_stream_beside_the_text_they_belong_to(client):
    text, content = "", []
    for chunk in ask(client, stream=True, logprobs=True, top_logprobs=2):
        text += chunk.choices[0].delta.content or ""
        if chunk.choices[0].logprobs:
            content += chunk.choices[0].logprobs.content
    check_scores(content, text, 2)


@pytest.mark.parametrize("stream", [False, True])
def test_they_are_kept_back_where_they_would_spell_a_pseudonym(gateway, stream):
    answer = ask(client_of(gateway, "trading"), "My e-mail is anna@example.com. Please confirm.", max_tokens=60,
                 logprobs=True, stream=stream)
    parts = list(answer) if stream else [answer]
    text = "".join((p.choices[0].delta if stream else p.choices[0].message).content or "" for p in parts)
    assert "anna@example.com" in text
    assert all(p.choices[0].logprobs is None for p in parts)


def test_several_choices_are_told_apart_and_the_prompt_counts_once(gateway, client):
    one = ask(client, temperature=1.2, seed=7, n=1)
    many = ask(client, temperature=1.2, seed=7, n=4)
    texts = [choice.message.content for choice in many.choices]
    assert [choice.index for choice in many.choices] == [0, 1, 2, 3]
    assert texts[0] == one.choices[0].message.content and len(set(texts)) > 1
    assert many.usage.prompt_tokens == one.usage.prompt_tokens
    assert many.usage.completion_tokens > one.usage.completion_tokens
    streamed = {}
    for chunk in ask(client, temperature=1.2, seed=7, n=4, stream=True):
        choice = chunk.choices[0]
        streamed[choice.index] = streamed.get(choice.index, "") + (choice.delta.content or "")
    assert [streamed[i] for i in range(4)] == texts
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, n=100)
    assert refused.value.param == "n"


def test_seeds_penalties_and_bans_are_heeded(client):
    assert ask(client, temperature=1.5, seed=3).choices == ask(client, temperature=1.5, seed=3).choices
    plain = ask(client, logprobs=True).choices[0]
    assert ask(client, temperature=1.0, top_p=1e-6).choices[0].message.content == plain.message.content
    for more in ({"top_k": 1}, {"min_p": 1.0}):
        likeliest = ask(client, temperature=1.0, extra_body=more)
        assert likeliest.choices[0].message.content == plain.message.content, more
    penalised = ask(client, max_tokens=60, extra_body={"repetition_penalty": 5.0, "ignore_eos": True})
    assert penalised.usage.completion_tokens == 60 and penalised.choices[0].finish_reason == "length"
    assert ask(client, logit_bias={"300": 100}, max_tokens=3).usage.completion_tokens == 3
    assert not ask(client, extra_body={"stop_token_ids": list(range(4, 1000))}).choices[0].message.content
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, extra_body={"min_p": "much"})
    assert refused.value.param == "min_p" and refused.value.code == "invalid_type"


@pytest.mark.parametrize("temperature", [0, 1, 2])
def test_an_answer_in_json_is_json_of_the_schema(client, temperature):
    form = {"type": "json_schema", "json_schema": {"name": "ticket", "strict": True, "schema": TICKET}}
    choice = ask(client, "Describe the order.", temperature=temperature, seed=5, max_tokens=300,
                 response_format=form).choices[0]
    assert choice.finish_reason == "stop"
    ticket = json.loads(choice.message.content)
    assert list(ticket) == ["item", "size", "count", "tags"] and ticket["size"] in ("S", "M", "L")
    assert 1 <= len(ticket["item"]) <= 10 and isinstance(ticket["count"], int)
    assert len(ticket["tags"]) <= 2 and all(isinstance(tag, bool) for tag in ticket["tags"])


def test_what_a_schema_says_in_vain_is_refused_by_its_pointer(client):
    schema = {"type": "object", "properties": {"when": {"type": "string", "pattern": "^x"}}}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert refused.value.code == "invalid_json_schema" and "#/properties/when/pattern" in refused.value.message


def test_a_prefix_known_to_the_department_is_not_computed_again(gateway, client):
    text = "Please summarise: " + "the order was sent on time and the customer was happy. " * 8
    first = ask(client, text)
    again = ask(client, text)
    assert again.choices == first.choices
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    assert again.usage.prompt_tokens_details.cached_tokens >= 32
    assert gateway.metric("tollgate_local_tokens_total", **{"class": "cached_input", "provider": "local"}) >= 32
    assert gateway.metric("tollgate_local_kv_blocks", provider="local") > 0


ROUTE = {"type": "function", "function": {"name": "route", "description": "Routes a ticket.", "parameters": TICKET}}
CLOSE = {"type": "function", "function": {"name": "close"}}


def check_ticket(arguments):
    ticket = json.loads(arguments)
    assert list(ticket) == ["item", "size", "count", "tags"] and ticket["size"] in ("S", "M", "L")
    assert 1 <= len(ticket["item"]) <= 10 and isinstance(ticket["count"], int)


@pytest.mark.parametrize("model", ["demo", "apart"])
@pytest.mark.parametrize("seed", range(3))
def test_a_forced_call_has_arguments_of_the_schema(client, model, seed):
    choice = ask(client, "Describe the order.", model=model, temperature=1.5, seed=seed, max_tokens=300,
                 tools=[CLOSE, ROUTE], tool_choice={"type": "function", "function": {"name": "route"}}).choices[0]
    assert choice.finish_reason == "tool_calls" and not choice.message.content
    (call,) = choice.message.tool_calls
    assert call.function.name == "route" and call.id
    check_ticket(call.function.arguments)


def test_a_streamed_call_is_the_plain_one_and_its_result_goes_back(client):
    asked = {"temperature": 1.2, "seed": 9, "max_tokens": 300, "tools": [ROUTE], "tool_choice": "required"}
    (plain,) = ask(client, **asked).choices[0].message.tool_calls
    name, arguments, finish, ids = "", "", None, set()
    for chunk in ask(client, stream=True, **asked):
        finish = chunk.choices[0].finish_reason or finish
        for piece in chunk.choices[0].delta.tool_calls or []:
            name += piece.function.name or ""
            arguments += piece.function.arguments or ""
            ids.add(piece.id)
    assert (name, arguments, finish) == ("route", plain.function.arguments, "tool_calls")
    messages = [{"role": "user", "content": "Route it."},
                {"role": "assistant", "content": None, "tool_calls": [plain.model_dump()]},
                {"role": "tool", "tool_call_id": plain.id, "content": "routed"}]
    answer = client.chat.completions.create(model="demo", messages=messages, tools=[ROUTE], max_tokens=10)
    assert answer.usage.prompt_tokens > 60, "the call and its result are told"
    assert not client.chat.completions.create(model="demo", messages=messages, tools=[ROUTE], tool_choice="none",
                                              max_tokens=10).choices[0].message.tool_calls


def test_a_schema_the_model_cannot_follow_is_refused_where_a_call_is_forced(client):
    odd = {"type": "function", "function": {"name": "odd", "parameters": {
        "type": "object", "properties": {"when": {"type": "string", "pattern": "^x"}}}}}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, tools=[odd], tool_choice="required")
    assert "odd: the JSON schema at #/properties/when/pattern" in refused.value.message
    assert ask(client, tools=[odd]).choices[0].finish_reason, "nothing has to be followed where the model decides"


@pytest.mark.parametrize("model", ["demo", "apart"])
def test_texts_are_embedded_and_billed_by_their_tokens(gateway, client, model):
    texts = ["What is the gateway?", "My laptop does not start.", "What is the gateway?"] * 4
    before = gateway.settled_rows()
    whole = client.embeddings.create(model=model, input=texts)
    vectors = [item.embedding for item in whole.data]
    assert [item.index for item in whole.data] == list(range(12)) and len(vectors[0]) == 192
    assert all(math.isclose(sum(v * v for v in vector), 1, abs_tol=1e-5) for vector in vectors)
    assert vectors[0] == vectors[2] != vectors[1]
    assert (row := gateway.new_rows(before, 1)[0])["input_tokens"] == whole.usage.prompt_tokens > 0
    assert row["compute_us"] > 0 and row["output_tokens"] == 0 and row["provider"] == {"demo": "local", "apart": "apart"}[model]
    plain = client.embeddings.create(model=model, input=texts[0], encoding_format="float").data[0].embedding
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(plain, vectors[0]))
    short = client.embeddings.create(model=model, input=texts[0], dimensions=8).data[0].embedding
    length = math.sqrt(sum(v * v for v in plain[:8]))
    assert all(math.isclose(a, b / length, abs_tol=1e-5) for a, b in zip(short, plain)) and len(short) == 8
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=model, input=texts[0], dimensions=193)
    assert refused.value.param == "dimensions"


def test_texts_are_embedded_for_callers_of_googles_api_too(gateway, client):
    def ask(verb, body):
        headers = {"x-goog-api-key": gateway.key("retail")}
        url = gateway.url.removesuffix("/v1") + f"/v1beta/models/demo:{verb}"
        return httpx.post(url, json=body, headers=headers, verify=gateway.tls_context(), timeout=60 * SLOW)

    text = "What is the gateway?"
    content = {"content": {"parts": [{"text": text}]}, "taskType": "RETRIEVAL_QUERY"}
    before = gateway.settled_rows()
    one = ask("embedContent", content)
    assert one.status_code == 200 and one.headers["x-tollgate-lossy"] == "taskType", one.text
    assert gateway.new_rows(before, 1)[0]["input_tokens"] == one.json()["usageMetadata"]["promptTokenCount"] > 0
    theirs = client.embeddings.create(model="demo", input=text, encoding_format="float").data[0].embedding
    assert all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(one.json()["embedding"]["values"], theirs, strict=True))
    short = {"content": {"parts": [{"text": "My laptop does not start."}]}, "outputDimensionality": 8}
    both = ask("batchEmbedContents", {"requests": [{**short, "content": content["content"]}, short]})
    assert both.status_code == 200, both.text
    assert [len(e["values"]) for e in both.json()["embeddings"]] == [8, 8]
    wide = ask("embedContent", {**content, "outputDimensionality": 193})
    assert wide.status_code == 400 and wide.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_the_engines_times_are_counted(gateway, client):
    before = gateway.settled_rows()
    ask(client, max_tokens=5)
    assert gateway.new_rows(before, 1)[0]["compute_us"] > 0
    for name in ("queue_wait", "first_token", "next_token"):
        assert gateway.metric(f"tollgate_local_{name}_seconds_count", provider="local") >= 1, name
    assert gateway.metric("tollgate_local_idle_seconds_total", provider="local") > 0
