"""The embedded model behind the gateway: called by an SDK, fallen back to and from, replaced while it answers."""
import json
import os
import pathlib
import shutil
import signal
import threading

import openai
import pytest
from gateway import ROOT, Gateway, department, eventually, model, provider, run
from simulator import Simulator

DEMO = ROOT / "local_backend/demo/model"
TICKET = "Route this ticket: My laptop does not start."


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """The demo model with a template that says more, so that its prompts are longer: that shows who answered."""
    folder = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(DEMO, folder)
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("{{ bos_token }}", "{{ bos_token }}<|system|>Be brief.<|end|>"))
    return folder


APART = ", isolation: process"


def local_provider(directory, name="local", more=""):
    return f"id: {name}\nkind: local\nregion: {{processing: local}}\nmodel: {{directory: {directory}{more}}}\n"


def models():
    return {"small": "name: small\ntargets: [{provider: local, model: demo}]\n",
            "gpt": "name: gpt\ntargets: [{provider: sim, model: sim-1}]\nfallback: [{provider: local, model: demo}]\n",
            "home": "name: home\ntargets: [{provider: local, model: demo}]\nfallback: [{provider: sim, model: sim-1}]\n"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    (folder / "provider.key").write_text("sk-upstream\n")
    (folder / "provider.key").chmod(0o600)
    simulator = Simulator()
    gateway = Gateway(folder, {"sim": provider(simulator), "local": local_provider(DEMO)}, models(),
                      {"retail": department(models="[small, gpt, home]")})
    price = "{provider: local, model: demo, input: 0.10 USD, output: 0.20 USD}, "
    gateway.config.write_text(gateway.config.read_text().replace("overrides: [", "overrides: [" + price))
    gateway.key()
    gateway.start()
    yield gateway, simulator
    assert gateway.stop() == 0
    simulator.close()


def client(gateway):
    import httpx
    return openai.OpenAI(base_url=gateway.url, api_key=gateway.key(), max_retries=0,
                         http_client=httpx.Client(verify=gateway.tls_context()))


def prompt_tokens(gateway):
    answer = client(gateway).chat.completions.create(model="small", messages=[{"role": "user", "content": TICKET}],
                                                     temperature=0)
    return answer.usage.prompt_tokens


def tell(gateway, command, *more, check=True):
    return run("models", command, "-c", gateway.config, *more, check=check)


def test_an_sdk_streams_from_the_local_model_and_the_ledger_has_its_cost(house):
    gateway, _ = house
    stream = client(gateway).chat.completions.create(
        model="small", messages=[{"role": "user", "content": TICKET}], temperature=0, stream=True,
        stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    usage = chunks[-1].usage
    row = gateway.wait_rows(1)[0]
    assert (row["provider"], row["processing_region"], row["outcome"]) == ("local", "local", "ok")
    assert (row["input_tokens"], row["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert row["cost_nano"] == usage.prompt_tokens * 100 + usage.completion_tokens * 200


def test_a_client_that_leaves_frees_the_engine(house):
    gateway, _ = house
    with client(gateway).chat.completions.create(model="small", temperature=1, stream=True,
                                                 messages=[{"role": "user", "content": TICKET}]) as stream:
        next(iter(stream))
    eventually(lambda: gateway.metric("tollgate_local_running", provider="local") == 0, what="an idle engine")


def test_a_cloud_that_fails_falls_back_to_the_local_model_and_the_other_way_round(house):
    gateway, simulator = house

    async def broken(request, reply):
        await reply.plain(503, {"error": {"message": "no", "type": "x", "param": None, "code": None}})

    usual, simulator.behaviour = simulator.behaviour, broken
    try:
        status, headers, _ = gateway.chat(TICKET, model="gpt")
        assert status == 200 and headers["x-tollgate-provider"] == "local"
        assert headers["x-tollgate-fallback"] == "true"
    finally:
        simulator.behaviour = usual
    # More than its context holds: it refuses, and that is the caller's mistake, not a failure.
    status, _, body = gateway.chat("word " * 5000, model="small")
    assert status == 400 and json.loads(body)["error"]["code"] == "context_length_exceeded"


def test_another_model_is_loaded_swapped_in_and_rolled_back_and_no_stream_ends_early(house, other_model):
    gateway, _ = house
    short = prompt_tokens(gateway)
    stop, broken, ended = threading.Event(), [], []

    def talk():
        speaker = client(gateway)
        while not stop.is_set():
            stream = speaker.chat.completions.create(model="small", temperature=1, stream=True, seed=len(ended),
                                                     messages=[{"role": "user", "content": TICKET}])
            last = [c.choices[0].finish_reason for c in stream if c.choices][-1]
            (ended if last in ("stop", "length") else broken).append(last)

    talkers = [threading.Thread(target=talk) for _ in range(3)]
    for talker in talkers:
        talker.start()
    try:
        out = tell(gateway, "load", "--directory", other_model).stdout
        assert f"staged    {other_model}" in out and f"serves    {DEMO}" in out
        assert prompt_tokens(gateway) == short, "what is staged does not serve"
        assert f"serves    {other_model}" in tell(gateway, "swap").stdout
        longer = prompt_tokens(gateway)
        assert longer > short
        assert f"serves    {DEMO}" in tell(gateway, "rollback", "--provider", "local").stdout
        assert prompt_tokens(gateway) == short
        assert f"serves    {other_model}" in tell(gateway, "swap").stdout, "what was rolled back can come again"
        tell(gateway, "rollback")
    finally:
        stop.set()
        for talker in talkers:
            talker.join(30)
    assert not broken and len(ended) >= 3
    eventually(lambda: [line["event"] for line in gateway.log_lines()].count("model_in_force") == 5,
               what="a line for each model that came into force")


def test_a_model_that_cannot_be_loaded_says_why_and_the_one_that_serves_stays(house, tmp_path):
    gateway, _ = house
    torn = tmp_path / "torn"
    shutil.copytree(DEMO, torn)
    weights = torn / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    done = tell(gateway, "load", "--directory", torn, check=False)
    assert done.returncode == 1 and "model.safetensors" in done.stderr
    assert "refused" in tell(gateway, "status").stdout
    assert gateway.chat(TICKET, model="small")[0] == 200
    seat = json.loads(tell(gateway, "status", "--json").stdout)[0]
    assert seat["current"]["directory"] == str(DEMO)


def test_commands_that_cannot_be_carried_out_say_what_to_do(house):
    gateway, _ = house
    assert "no provider" in tell(gateway, "swap", "--provider", "nobody", check=False).stderr.lower()
    assert tell(gateway, "load", "--directory", "/nonexistent", check=False).returncode == 1


def test_a_reload_with_another_directory_loads_it_first_and_refuses_what_cannot_be_loaded(house, other_model, tmp_path):
    gateway, simulator = house
    short = prompt_tokens(gateway)
    file = gateway.directory / "conf.d/providers/local.yaml"
    good = file.read_text()
    file.write_text(local_provider(other_model))
    assert "model.directory" in gateway.reload().stdout
    eventually(lambda: prompt_tokens(gateway) > short, what="the new model")
    empty = tmp_path / "empty"
    empty.mkdir()
    file.write_text(local_provider(empty))
    refused = gateway.reload(check=False)
    assert refused.returncode == 1 and "config.json" in refused.stdout + refused.stderr
    assert prompt_tokens(gateway) > short, "the last good model stays"
    file.write_text(good)
    gateway.reload()
    eventually(lambda: prompt_tokens(gateway) == short, what="the first model again")


def test_a_reload_can_add_a_local_provider(house):
    gateway, _ = house
    providers = gateway.directory / "conf.d/providers"
    names = gateway.directory / "conf.d/models"
    (providers / "second.yaml").write_text(local_provider(DEMO, "second"))
    target = names / "small.yaml"
    before = target.read_text()
    target.write_text(before.replace("provider: local", "provider: second"))
    gateway.reload()
    eventually(lambda: gateway.chat(TICKET, model="small")[1].get("x-tollgate-provider") == "second")
    target.write_text(before)
    (providers / "second.yaml").unlink()
    gateway.reload()
    eventually(lambda: gateway.chat(TICKET, model="small")[1].get("x-tollgate-provider") == "local")


# --- in a process of its own ---

def worker_of(gateway):
    children = pathlib.Path(f"/proc/{gateway.process.pid}/task").glob("*/children")
    for child in (int(pid) for file in children for pid in file.read_text().split()):
        if b"local-worker" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    return None


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("apart")
    (folder / "provider.key").write_text("sk-upstream\n")
    (folder / "provider.key").chmod(0o600)
    simulator = Simulator()
    gateway = Gateway(folder, {"sim": provider(simulator), "local": local_provider(DEMO, more=APART)}, models(),
                      {"retail": department(models="[small, gpt, home]")})
    gateway.key()
    gateway.start(env={"SECRET_OF_THE_HOUSE": "hush"})
    yield gateway
    assert gateway.stop() == 0
    simulator.close()


def test_a_model_apart_answers_as_one_inside_does(house, apart):
    def answer(gateway):
        return client(gateway).chat.completions.create(
            model="small", temperature=0, messages=[{"role": "user", "content": TICKET}]).choices[0].message.content

    assert answer(apart) == answer(house[0])


def test_the_process_of_a_model_has_none_of_the_gateways_environment_or_files(apart):
    child = worker_of(apart)
    # Not dumpable, so only root may look.
    environment = pathlib.Path(f"/proc/{child}/environ")
    try:
        assert b"hush" not in environment.read_bytes()
        held = [link.readlink().name for link in pathlib.Path(f"/proc/{child}/fd").iterdir() if link.is_symlink()]
    except PermissionError:
        pytest.skip("only root may look into a process that is not dumpable")
    assert not [name for name in held if name.endswith((".db", ".db-wal", ".key", ".pid"))]


def test_a_model_that_dies_takes_nobody_with_it_and_comes_back(apart):
    child = worker_of(apart)
    os.kill(child, signal.SIGKILL)
    status, headers, _ = apart.chat(TICKET, model="home")
    assert status == 200 and headers["x-tollgate-provider"] == "sim", "another model answers meanwhile"
    eventually(lambda: worker_of(apart) not in (None, child), limit=20, what="a new process")
    eventually(lambda: apart.chat(TICKET, model="small")[0] == 200, limit=20, what="the model")
    assert apart.metric("tollgate_local_restarts_total", provider="local") == 1
    assert apart.process.poll() is None


def test_a_stream_whose_model_dies_ends_with_an_error_and_its_row(apart):
    before = len(apart.settled_rows())
    speaker = client(apart)
    stream = speaker.chat.completions.create(model="small", temperature=1, stream=True,
                                             messages=[{"role": "user", "content": TICKET}])
    os.kill(worker_of(apart), signal.SIGSTOP)  # so that it cannot end before it is killed
    os.kill(worker_of(apart), signal.SIGKILL)
    try:
        list(stream)
    except openai.APIError:
        pass  # unless it was faster
    apart.wait_rows(before + 1)
    eventually(lambda: apart.chat(TICKET, model="small")[0] == 200, limit=20, what="the model")


def test_a_model_apart_can_be_replaced_too(apart, other_model):
    short = prompt_tokens(apart)
    tell(apart, "load", "--directory", other_model)
    tell(apart, "swap")
    assert prompt_tokens(apart) > short
    tell(apart, "rollback")
    assert prompt_tokens(apart) == short


def test_the_processes_of_models_end_with_the_gateway(tmp_path):
    (tmp_path / "provider.key").write_text("sk-upstream\n")
    gateway = Gateway(tmp_path, {"local": local_provider(DEMO, more=APART)}, {"small": models()["small"]},
                      {"retail": department(models="[small]")})
    gateway.start()
    child = worker_of(gateway)
    gateway.kill()
    eventually(lambda: not pathlib.Path(f"/proc/{child}").exists() or
               pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(") ", 1)[1][0] == "Z", what="its end")


def test_inspect_says_what_a_directory_holds_and_what_keeps_it_from_being_loaded(tmp_path):
    told = json.loads(run("models", "inspect", DEMO, "--json").stdout)
    assert told["family"] == "llama" and told["problems"] == [] and told["tokens_per_second_estimate"] > 1
    assert told["weight_bytes"] > 1_000_000 and told["context"] == 512
    assert "chat_template.jinja" in run("models", "inspect", DEMO).stdout
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    refused = run("models", "inspect", tmp_path, check=False)
    assert refused.returncode == 1 and '"mamba" is not supported' in refused.stdout
