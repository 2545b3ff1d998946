"""A pool of models behind replicas of the gateway: who calls goes along, what it cost comes back, rows stay with those
who took the call."""
import http.client
import json
import shutil
import threading

import httpx
import openai
import pytest
from gateway import ROOT, SLOW, Gateway, department, eventually, model, provider, run
from simulator import Simulator

DEMO = ROOT / "local_backend/demo/model"
TICKET = "Route this ticket: My laptop does not start."
ASKED = [{"role": "user", "content": TICKET}]
SECRET, OTHER_SECRET = "b" * 40, "g" * 40
LOCAL = f"id: local\nkind: local\nregion: {{processing: eu}}\nmodel: {{directory: {DEMO}, max_running: 4}}\n"
MODELS = {"small": "name: small\ntargets: [{provider: pool, model: demo}]\n",
          "home": "name: home\ntargets: [{provider: pool, model: demo}]\nfallback: [{provider: sim, model: sim-1}]\n",
          "gpt": model(), "mute": "name: mute\ntargets: [{provider: mute, model: sim-1}]\n"}
PRICE = "{provider: pool, model: demo, input: 0.10 USD, output: 0.20 USD, compute_hour: 36000 USD}, "


def write_secret(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text + "\n")
    (folder / name).chmod(0o600)


def make_pool(folder):
    write_secret(folder, "blue.key", SECRET)
    write_secret(folder, "green.key", OTHER_SECRET)
    return Gateway(folder, {"local": LOCAL}, {"demo": "name: demo\ntargets: [{provider: local, model: demo}]\n"}, {},
                   main="pool: {replicas: [{id: blue, secret: {file: blue.key}}, {id: green, secret: {file: green.key}}]}\n"
                   ).start()


def make_replica(folder, pool, simulator, secret):
    write_secret(folder, "provider.key", "sk-upstream")
    write_secret(folder, "pool.key", secret)
    shutil.copy(pool.ca, folder / "pool.crt")
    way = (f"id: pool\nkind: tollgate_pool\nendpoint: {pool.url}\nregion: {{processing: eu}}\n"
           "auth: {bearer: {file: ../../pool.key}}\negress: {ca: ../../pool.crt}\n")
    mute = provider(simulator, "mute").replace("openai_compatible", "tollgate_pool")
    replica = Gateway(folder, {"pool": way, "sim": provider(simulator), "mute": mute}, MODELS,
                      {name: department(name, models="[small, home, gpt, mute]") for name in ("retail", "treasury")})
    replica.config.write_text(replica.config.read_text().replace("overrides: [", "overrides: [" + PRICE))
    replica.key("retail")
    replica.key("treasury")
    return replica.start()


class House:
    def __init__(self, folder):
        self.simulator = Simulator()
        self.pool = make_pool(folder / "pool")
        self.replicas = [make_replica(folder / name, self.pool, self.simulator, secret)
                         for name, secret in (("blue", SECRET), ("green", OTHER_SECRET))]
        self.blue, self.green = self.replicas

    def close(self):
        for gateway in (*self.replicas, self.pool):
            assert gateway.stop() == 0
        self.simulator.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.close()


def ask(gateway, text=TICKET, department="retail", **more):
    client = openai.OpenAI(base_url=gateway.url, api_key=gateway.key(department), max_retries=0, timeout=60 * SLOW,
                           http_client=httpx.Client(verify=gateway.tls_context()))
    return client.chat.completions.create(
        messages=[{"role": "user", "content": text}], **{"model": "small", "temperature": 0, "max_tokens": 24, **more})


def check_row(row, usage):
    assert (row["provider"], row["outcome"], row["usage_source"]) == ("pool", "ok", "provider_final")
    assert (row["input_tokens"], row["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert 0 < row["compute_us"] < 60_000_000
    tokens = usage.prompt_tokens * 100 + usage.completion_tokens * 200
    assert row["cost_nano"] == tokens + row["compute_us"] * 10_000  # an hour costs 36,000 USD


def test_a_plain_call_leaves_its_row_with_the_replica_and_none_with_the_pool(house):
    before = house.blue.settled_rows()
    answer = ask(house.blue)
    (row,) = house.blue.new_rows(before)
    check_row(row, answer.usage)
    assert row["request_id"] == row["upstream_request_id"], "one call has one name through the house"
    assert house.pool.rows() == [] and house.green.rows() == []
    eventually(lambda: any(line.get("request_id") == row["request_id"] and line["department"] == "retail" and
                           line["application"] == "chat" and line["credential"] == "replica:blue"
                           for line in house.pool.log_lines()), what="the pool's line of the call")
    assert house.pool.metric("tollgate_requests_total", department="retail", model="demo") >= 1
    assert house.pool.rows() == []


def test_a_stream_tells_its_time_at_its_end_and_no_caller_sees_it(house):
    before = house.blue.settled_rows()
    connection = http.client.HTTPSConnection("127.0.0.1", house.blue.port, context=house.blue.tls_context())
    body = {"model": "small", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 24,
            "temperature": 0, "messages": ASKED}
    connection.request("POST", "/v1/chat/completions", json.dumps(body),
                       {"Authorization": f"Bearer {house.blue.key()}", "Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    shown = text + str(response.getheaders())
    assert "data: [DONE]" in text and "compute" not in shown and "x-tollgate-department" not in shown.lower()
    usage = [json.loads(line[6:])["usage"] for line in text.splitlines() if '"prompt_tokens"' in line][-1]
    (row,) = house.blue.new_rows(before)
    check_row(row, openai.types.CompletionUsage(**usage))
    assert house.pool.rows() == []


def test_the_answer_is_the_one_that_the_model_gives_at_home(house, tmp_path):
    def said(gateway, name, **more):
        answer = ask(gateway, model=name, logprobs=True, top_logprobs=2, **more)
        return answer.choices[0].message.content, answer.usage.prompt_tokens

    alone = Gateway(tmp_path, {"local": LOCAL}, {"demo": "name: demo\ntargets: [{provider: local, model: demo}]\n"},
                    {"retail": department(models="[demo]")})
    alone.key()
    alone.start()
    try:
        assert said(alone, "demo") == said(house.green, "small")
    finally:
        assert alone.stop() == 0


GOOGLES = {"contents": [{"role": "user", "parts": [{"text": TICKET}]}]}
OTHER_APIS = [
    ("messages", "/messages", {"model": "small", "max_tokens": 8, "messages": ASKED}),
    ("messages", "/messages", {"model": "small", "max_tokens": 8, "messages": ASKED, "stream": True}),
    ("responses", "/responses", {"model": "small", "max_output_tokens": 16, "input": TICKET, "stream": True}),
    ("completions", "/completions", {"model": "small", "max_tokens": 8, "prompt": TICKET}),
    ("gemini", "/v1beta/models/small:generateContent", GOOGLES),
    ("gemini", "/v1beta/models/small:streamGenerateContent?alt=sse", GOOGLES),
    ("embeddings", "/embeddings", {"model": "small", "input": ["a ticket", "another"]}),
    ("gemini_embeddings", "/v1beta/models/small:embedContent", {"content": {"parts": [{"text": "a ticket"}]}})]


@pytest.mark.parametrize("operation, path, body", OTHER_APIS)
def test_every_other_api_goes_the_same_way_and_costs_what_it_took(house, operation, path, body):
    before = house.green.settled_rows()
    status, _, answer = house.green.request(body, path=path)
    assert status == 200 and b"compute" not in answer, answer
    (row,) = house.green.new_rows(before)
    assert (row["operation"], row["provider"], row["usage_source"]) == (operation, "pool", "provider_final")
    assert row["compute_us"] > 0 and row["cost_nano"] > row["compute_us"] * 10_000


def test_tokens_are_counted_by_the_replica(house):
    status, _, body = house.green.request({"model": "small", "messages": ASKED}, path="/messages/count_tokens")
    assert status == 200 and json.loads(body)["input_tokens"] > 0


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {
    "type": "object", "properties": {"urgent": {"type": "boolean"}}, "required": ["urgent"]}}}


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_through_the_pool(house, stream):
    choice = {"type": "function", "function": {"name": "look_up"}}
    answer = ask(house.blue, tools=[TOOL], tool_choice=choice, max_tokens=60, stream=stream)
    said = [c.choices[0].delta for c in answer if c.choices] if stream else [answer.choices[0].message]
    calls = [call.function for part in said for call in part.tool_calls or []]
    assert calls[0].name == "look_up"
    assert isinstance(json.loads("".join(call.arguments or "" for call in calls))["urgent"], bool)


def test_a_caller_learns_what_the_model_has_no_place_for(house):
    body = {"model": "small", "max_tokens": 8, "reasoning_effort": "low", "messages": ASKED}
    status, headers, _ = house.blue.request(body)
    assert status == 200 and headers["x-tollgate-lossy"] == "reasoning_effort", headers
    status, _, body = house.blue.request(body, headers={"x-tollgate-lossy": "refuse"})
    error = json.loads(body)["error"]
    assert (status, error["code"], error["param"]) == (400, "unsupported_parameter", "reasoning_effort")


def test_departments_share_no_prefix_and_replicas_of_one_do(house):
    long = "Please route this ticket to the right team. " * 8

    def cached(gateway, name):
        return ask(gateway, long, name, max_tokens=2).usage.prompt_tokens_details.cached_tokens

    assert cached(house.blue, "retail") == 0
    assert cached(house.green, "retail") > 0, "the same department through another replica"
    assert cached(house.green, "treasury") == 0, "another department learns nothing"
    assert cached(house.blue, "treasury") > 0


def test_a_caller_who_leaves_frees_the_pools_engine_and_is_billed_an_estimate(house):
    before = house.blue.settled_rows()
    with ask(house.blue, stream=True, temperature=1, max_tokens=400,
             extra_body={"ignore_eos": True}) as stream:
        next(iter(stream))
    eventually(lambda: house.pool.metric("tollgate_local_running", provider="local") == 0, limit=5,
               what="an idle engine")
    (row,) = house.blue.new_rows(before)
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
    assert house.pool.rows() == []


def test_nobody_but_a_replica_says_who_calls(house):
    forged = {"x-tollgate-department": "treasury", "x-tollgate-application": "forged",
              "x-tollgate-criticality": "high", "x-request-id": "0192f0c1-2345-7678-9abc-def012345678"}
    before = house.blue.settled_rows()
    body = {"model": "small", "max_tokens": 4, "messages": ASKED}
    assert house.blue.request(body, headers=forged)[0] == 200
    (row,) = house.blue.new_rows(before)
    assert (row["department"], row["application"]) == ("retail", "chat")
    assert row["request_id"] != forged["x-request-id"]
    eventually(lambda: any(line.get("request_id") == row["request_id"] and line["department"] == "retail"
                           for line in house.pool.log_lines()), what="the pool's line")
    assert not any("forged" in line.values() for line in map(dict, house.pool.log_lines()))
    # And a provider outside the house is told nothing of it.
    assert house.blue.request({**body, "model": "gpt"}, headers=forged)[0] == 200
    assert not [name for name in house.simulator.journal[-1].headers if name.startswith("x-tollgate")]


def test_what_a_pool_says_is_believed_of_a_pool_only(house):
    async def boast(request, reply):
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        told = [] if house.simulator.silent else [("x-tollgate-compute-us", "5000"), ("x-tollgate-lossy", "tools")]
        await reply.plain(200, answer, told)

    def call(name):
        before = house.blue.settled_rows()
        status, headers, _ = house.blue.chat(model=name)
        (row,) = house.blue.new_rows(before)
        return status, headers.get("x-tollgate-lossy"), row["compute_us"]

    usual, house.simulator.behaviour, house.simulator.silent = house.simulator.behaviour, boast, False
    try:
        assert call("gpt") == (200, None, 0)
        assert call("mute") == (200, "tools", 5000)
        sent = house.simulator.journal[-1].headers
        assert (sent["x-tollgate-department"], sent["x-tollgate-application"]) == ("retail", "chat")
        assert sent["x-tollgate-criticality"] == "low" and len(sent["x-request-id"]) == 36
        house.simulator.silent = True
        assert call("mute") == (200, None, 0)
    finally:
        house.simulator.behaviour = usual
    eventually(lambda: any(line["event"] == "pool_told_no_time" for line in house.blue.log_lines()),
               what="a warning that time is not told")


def test_a_pool_takes_replicas_calls_only_and_says_what_one_lacks(house):
    body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
    for stranger in ("c" * 40, house.blue.key()):
        status, _, answer = house.pool.request(body, stranger)
        assert status == 401 and json.loads(answer)["error"]["code"] == "invalid_api_key"
    status, _, answer = house.pool.request(body, SECRET)
    assert status == 400 and "x-tollgate-department" in json.loads(answer)["error"]["message"]
    status, _, answer = house.blue.request(body, SECRET)
    assert status == 401, "and a gateway that is no pool knows no such key"
    who = {"x-tollgate-department": "retail", "x-tollgate-application": "chat", "x-tollgate-criticality": "low",
           "x-request-id": "0192f0c1-2345-7678-9abc-def012345678"}
    assert house.pool.request(None, SECRET, "/files", "GET", headers=who)[0] == 400
    assert house.pool.rows() == []


def test_a_secret_that_the_pool_does_not_know_is_the_providers_fault(house):
    key = house.blue.directory / "pool.key"
    try:
        key.write_text("z" * 40 + "\n")
        house.blue.reload()
        status, _, body = house.blue.chat(TICKET, model="small")
        error = json.loads(body)["error"]
        assert status == 502 and error["code"] == "upstream_auth_error" and "zzz" not in body.decode()
        checked = run("providers", "check", "-c", house.blue.config, "--provider", "pool", check=False)
        assert checked.returncode == 1 and "credentials" in checked.stdout
    finally:
        key.write_text(SECRET + "\n")
        house.blue.reload()
    checked = run("providers", "check", "-c", house.blue.config, "--provider", "pool", "--json")
    assert [target["status"] for target in json.loads(checked.stdout)] == ["ok"]


def test_the_pools_model_is_swapped_under_open_streams(house, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(DEMO, other)
    template = other / "chat_template.jinja"
    template.write_text(template.read_text().replace("{{ bos_token }}", "{{ bos_token }}<|system|>Be brief.<|end|>"))
    short = ask(house.green).usage.prompt_tokens
    stop, ends = threading.Event(), []

    def talk(gateway):
        while not stop.is_set():
            chunks = ask(gateway, stream=True, temperature=1, max_tokens=64)
            ends.append([c.choices[0].finish_reason for c in chunks if c.choices][-1])

    talkers = [threading.Thread(target=talk, args=(gateway,)) for gateway in house.replicas]
    for talker in talkers:
        talker.start()
    try:
        run("models", "load", "-c", house.pool.config, "--directory", other)
        run("models", "swap", "-c", house.pool.config)
        assert ask(house.green).usage.prompt_tokens > short
        run("models", "rollback", "-c", house.pool.config)
        assert ask(house.green).usage.prompt_tokens == short
    finally:
        stop.set()
        for talker in talkers:
            talker.join(30)
    assert len(ends) >= 2 and set(ends) <= {"stop", "length"}


# Last: the pool does not come back.
def test_a_pool_that_is_gone_is_fallen_back_from(house):
    house.pool.kill()
    status, headers, _ = house.blue.chat(TICKET, model="home")
    assert status == 200 and headers["x-tollgate-provider"] == "sim" and headers["x-tollgate-fallback"] == "true"
    assert house.blue.chat(TICKET, model="small")[0] == 502
    assert house.blue.ops("/readyz")[0] == 200, "a replica does not depend on its pool"
