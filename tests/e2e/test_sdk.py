"""The unmodified OpenAI SDK, pointed at the gateway."""
import json
import os
import pathlib
import shutil
import subprocess
import threading

import openai
import pytest
from gateway import ROOT, SLOW, department, model, provider
from simulator import delta, usage_of


@pytest.fixture
def client(gateway):
    return client_of(gateway)


def client_of(gateway, **more):
    import httpx
    return openai.OpenAI(base_url=gateway.url, api_key=more.pop("key", None) or gateway.key(), max_retries=0,
                         timeout=30 * SLOW, http_client=httpx.Client(verify=gateway.tls_context()), **more)


def test_a_plain_call_is_answered_metered_priced_and_recorded(gateway, client, simulator):
    answer = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "good morning"}])
    assert answer.choices[0].message.content == "echo: good morning"
    assert answer.usage.prompt_tokens == 11
    [row] = gateway.wait_rows(1)
    assert row["department"] == "retail" and row["cost_center"] == "CC-retail" and row["application"] == "chat"
    assert row["purpose"] == "testing" and row["use_case"] == "T-1"
    assert row["model_asked"] == "gpt" and row["provider"] == "sim" and row["processing_region"] == "eu"
    assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (11, 7, "provider_final")
    assert row["status"] == 200 and row["outcome"] == "ok"
    assert answer._request_id == row["request_id"]
    sent = simulator.journal[0]
    assert sent.headers["authorization"] == "Bearer provider-secret-key"
    assert sent.json["model"] == "sim-1"


def test_a_stream_arrives_whole_and_usage_is_known_though_not_asked_for(gateway, client, simulator):
    stream = client.chat.completions.create(model="gpt", stream=True,
                                            messages=[{"role": "user", "content": "one two three"}])
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "echo: one two three"
    assert all(c.choices for c in chunks), "the usage chunk was not asked for"
    assert simulator.journal[0].json["stream_options"] == {"include_usage": True}
    [row] = gateway.wait_rows(1)
    assert row["stream"] is True and row["output_tokens"] == 4 and row["usage_source"] == "provider_final"
    assert row["ttft_ms"] >= 0


def test_usage_comes_back_when_the_caller_asks_for_it(client):
    chunks = list(client.chat.completions.create(model="gpt", stream=True, stream_options={"include_usage": True},
                                                 messages=[{"role": "user", "content": "one two"}]))
    assert chunks[-1].usage.completion_tokens == 3 and chunks[-1].choices == []


def test_tools_pass_untouched(client, simulator):
    async def call_tool(request, reply):
        await reply.begin_stream()
        await reply.event(delta(role="assistant", tool_calls=[
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]))
        for piece in ('{"ci', 'ty": "Be', 'rlin"}'):
            await reply.event(delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]))
        await reply.event(delta(finish="tool_calls"))
        await reply.event(delta(choices=False, usage=usage_of(20, 9)))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = call_tool
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
    arguments, name, finish = "", None, None
    for chunk in client.chat.completions.create(model="gpt", stream=True, tools=tools,
                                                messages=[{"role": "user", "content": "weather?"}]):
        for call in chunk.choices[0].delta.tool_calls or []:
            name = call.function.name or name
            arguments += call.function.arguments or ""
        finish = chunk.choices[0].finish_reason or finish
    assert (name, json.loads(arguments), finish) == ("weather", {"city": "Berlin"}, "tool_calls")
    assert simulator.journal[0].json["tools"] == tools


def test_models_lists_what_the_department_may_use(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)},
                           models={"gpt": model(), "secret": model("secret")},
                           departments={"retail": department(), "legal": department("legal", "[gpt, secret]")})
    assert [m.id for m in client_of(gateway).models.list()] == ["gpt"]
    assert {m.id for m in client_of(gateway, key=gateway.key("legal")).models.list()} == {"gpt", "secret"}
    assert client_of(gateway).models.retrieve("gpt").id == "gpt"
    with pytest.raises(openai.NotFoundError):
        client_of(gateway).models.retrieve("secret")


def azure_client(gateway, **more):
    import httpx
    return openai.AzureOpenAI(azure_endpoint=gateway.url.removesuffix("/v1"), api_version="2024-10-21",
                              api_key=gateway.key(), max_retries=0, timeout=30 * SLOW,
                              http_client=httpx.Client(verify=gateway.tls_context()), **more)


def test_the_azure_class_of_the_sdk_finds_its_paths(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department("retail", "[eu/gpt:4]")},
                           models={"gpt": model("eu/gpt:4")})
    client = azure_client(gateway)
    said = {"messages": [{"role": "user", "content": "good morning"}]}
    assert client.chat.completions.create(model="eu/gpt:4", **said).choices[0].message.content == "echo: good morning"
    chunks = client.chat.completions.create(model="eu/gpt:4", stream=True, **said)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "echo: good morning"
    assert [m.id for m in client.models.list()] == ["eu/gpt:4"]
    deployed = azure_client(gateway, azure_deployment="eu/gpt:4")  # the path wins over the body's model
    deployed.chat.completions.create(model="whatever", **said)
    assert [row["model_asked"] for row in gateway.wait_rows(3)] == ["eu/gpt:4"] * 3
    assert [sent.json["model"] for sent in simulator.journal] == ["sim-1"] * 3


def test_an_unknown_deployment_is_a_404_of_the_sdk(gateway):
    with pytest.raises(openai.NotFoundError) as refused:
        azure_client(gateway).chat.completions.create(model="nope", messages=[{"role": "user", "content": "x"}])
    assert refused.value.code == "model_not_found"


def test_typed_errors(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, models={"gpt": model(), "secret": model("secret")})
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.AuthenticationError) as caught:
        client_of(gateway, key="sk-not-ours").chat.completions.create(model="gpt", messages=messages)
    assert caught.value.code == "invalid_api_key"
    client = client_of(gateway)
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-9", messages=messages)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model="secret", messages=messages)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt", messages=[])
    assert caught.value.param == "messages"
    assert simulator.journal == []


def test_a_provider_that_fails_in_mid_stream_is_an_error_and_never_a_false_end(gateway, client, simulator):
    async def cut(request, reply):
        await reply.begin_stream()
        await reply.event(delta("half an ans"))
        reply.writer.close()
        reply.close_after = True

    simulator.behaviour = cut
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="gpt", stream=True, messages=[{"role": "user", "content": "x"}]))
    [row] = gateway.wait_rows(1)
    assert row["outcome"] == "upstream_error" and row["usage_source"] == "estimated" and row["output_tokens"] > 0


def test_many_at_once(gateway, client):
    failures = []

    def one(i):
        try:
            answer = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": f"number {i}"}])
            assert answer.choices[0].message.content == f"echo: number {i}"
        except Exception as e:  # noqa: BLE001: reported below
            failures.append(e)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []
    gateway.wait_rows(40)


def test_the_node_sdk_streams(gateway):
    node = ROOT / "build/node"
    if not (node / "node_modules/openai").is_dir():
        pytest.skip("suite e2e-node: the openai package for Node could not be fetched from npm")
    script = pathlib.Path(__file__).with_name("stream.mjs")
    shutil.copy(script, node / "stream.mjs")
    done = subprocess.run(
        ["node", "stream.mjs"], cwd=node, capture_output=True, text=True, timeout=60 * SLOW,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": gateway.ca, "OPENAI_API_KEY": gateway.key(),
             "OPENAI_BASE_URL": gateway.url})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "echo: hello from node"


def test_strange_but_legal_bodies_arrive_byte_for_byte_outside_the_edits(gateway, simulator):
    body = (b'{ "messages" : [ {"content":"caf\\u00e9 \\ud83d\\ude00 a\\/b" , "role":"user", "x_extra": 1e400 } ],\r\n'
            b'\t"unknown":{"b":1.000000000000000000001,"a":[ ]},"seed":12345678901234567890,  "model":"gpt" }')

    async def odd(request, reply):
        await reply.plain(200, b'{"id":"x",  "object":"chat.completion","created":1,"model":"sim-1","new_field":[1.0e5],'
                               b'"choices":[{"index":0,"message":{"role":"assistant","content":"\\u0041\\/"},'
                               b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}')

    simulator.behaviour = odd
    status, _, answer = gateway.request(body)
    assert status == 200, answer
    assert simulator.journal[0].body == body.replace(b'"model":"gpt"', b'"model":"sim-1"')
    assert answer.startswith(b'{"id":"x",  "object"') and b'"content":"\\u0041\\/"' in answer and b"[1.0e5]" in answer
