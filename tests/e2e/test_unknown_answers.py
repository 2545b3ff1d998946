"""An answer that holds what no decoder knows: it passes and is counted, or is refused, as the caller's policy says."""
import json
import re

import dialects
import pytest
from gateway import Gateway, department, eventually
from simulator import Simulator, completion, delta, usage_of
from test_dialects import model_yaml, provider_yaml

SECRET = "what nobody reads"
POLICIES = """pii:
  policies:
    open: {action: pseudonymise}
    closed: {action: pseudonymise, on_opaque: refuse}
    house: {action: pseudonymise, on_opaque: local_only}
"""
DEPARTMENTS = {"open": "open", "closed": "closed", "house": "house", "bare": None}


# --- providers: an answer "hello" with something new before its text, after it, or nowhere ---

def with_new(place, before, new, after, end):
    return before + (new if place == "before" else []) + after + (new if place == "after" else []) + end


class Provider:
    """A behaviour; `place` says where in a stream the new thing stands."""
    place = "after"

    async def __call__(self, request, reply):
        if not self.streams(request):
            return await reply.plain(200, self.plain(self.place))
        await self.begin(reply)
        for frame in self.frames(self.place):
            await reply.chunk(frame)
        await reply.end_stream()

    def streams(self, request):
        return request.json.get("stream")

    async def begin(self, reply):
        await reply.begin_stream()


class OpenAi(Provider):
    kind, model, auth, path = "openai_compatible", "sim-1", dialects.Chat.auth, "/v1"

    def plain(self, place):
        answer = completion("hello")
        if place:
            answer["choices"][0]["message"]["hologram"] = SECRET
        return answer

    def frames(self, place):
        frames = with_new(place, [delta(role="assistant")], [delta(hologram=SECRET)], [delta("hello")],
                          [delta(finish="stop"), delta(choices=False, usage=usage_of(11, 7))])
        return [f"data: {json.dumps(f)}\n\n".encode() for f in frames] + [b"data: [DONE]\n\n"]


class Anthropic(Provider):
    kind, model, auth, path = "anthropic", dialects.Anthropic.model, dialects.Anthropic.auth, ""
    usage = {"input_tokens": 11, "output_tokens": 7}
    new = {"type": "hologram", "data": SECRET}

    def message(self, content, stop):
        return {"id": "m", "type": "message", "role": "assistant", "model": self.model, "content": content,
                "stop_reason": stop, "stop_sequence": None, "usage": self.usage}

    def plain(self, place):
        return self.message([{"type": "text", "text": "hello"}] + ([self.new] if place else []), "end_turn")

    def frames(self, place):
        def block(index, start, *deltas):
            return [{"type": "content_block_start", "index": index, "content_block": start},
                    *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
                    {"type": "content_block_stop", "index": index}]
        events = with_new(place, [{"type": "message_start", "message": self.message([], None)}], block(1, self.new),
                          block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "hello"}),
                          [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": self.usage},
                           {"type": "message_stop"}])
        return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]


class Gemini(Provider):
    kind, model, auth, path = "vertex", dialects.Gemini.model, dialects.Gemini.auth, dialects.Gemini.path

    def streams(self, request):
        return "streamGenerateContent" in request.target

    @staticmethod
    def answer(parts, **more):
        return {"candidates": [{"content": {"role": "model", "parts": parts}, **more}], "modelVersion": "m",
                "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}

    def plain(self, place):
        return self.answer([{"text": "hello"}] + ([{"hologramData": {"data": SECRET}}] if place else []),
                           finishReason="STOP")

    def frames(self, place):
        chunks = with_new(place, [], [self.answer([{"hologramData": {"data": SECRET}}])], [self.answer([{"text": "hello"}])],
                          [self.answer([], finishReason="STOP")])
        return [f"data: {json.dumps(c)}\n\n".encode() for c in chunks]


class Bedrock(Provider):
    kind, model, auth, path = "bedrock", dialects.Bedrock.model, dialects.Bedrock.auth, ""
    usage = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}

    def streams(self, request):
        return request.target.endswith("converse-stream")

    async def begin(self, reply):
        await dialects.begin_event_stream(reply)

    def plain(self, place):
        content = [{"text": "hello"}] + ([{"hologram": {"data": SECRET}}] if place else [])
        return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn",
                "usage": self.usage, "metrics": {"latencyMs": 1}}

    def frames(self, place):
        def piece(part):
            return dialects.event("contentBlockDelta", contentBlockIndex=0, delta=part)
        return with_new(place, [dialects.event("messageStart", role="assistant")], [piece({"hologram": {"data": SECRET}})],
                        [piece({"text": "hello"})],
                        [dialects.event("contentBlockStop", contentBlockIndex=0),
                         dialects.event("messageStop", stopReason="end_turn"),
                         dialects.event("metadata", usage=self.usage, metrics={})])


PROVIDERS = {"openai": OpenAi, "anthropic": Anthropic, "gemini": Gemini, "bedrock": Bedrock}


# --- callers: how each asks, and how a refusal and an error in mid-stream look to it ---

USER = [{"role": "user", "content": "hi"}]
CALLERS = {
    "openai": (lambda model, stream: ("/chat/completions", {"model": model, "messages": USER, "stream": stream}),
               lambda body: body["error"]["code"] == "pii_unreadable_answer", b'data: {"error":', b"[DONE]"),
    "anthropic": (lambda model, stream: ("/messages", {"model": model, "max_tokens": 9, "messages": USER, "stream": stream}),
                  lambda body: body["type"] == "error" and body["error"]["type"] == "api_error", b"event: error",
                  b"message_stop"),
    "gemini": (lambda model, stream: (
        f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent"),
        {"contents": [{"parts": [{"text": "hi"}]}]}), lambda body: body["error"]["code"] == 502, b'"error"', b'"STOP"'),
    "bedrock": (lambda model, stream: (f"/model/{model}/" + ("converse-stream" if stream else "converse"),
                                       {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
                lambda body: "cannot read" in body["message"], b"modelStreamErrorException", b"messageStop")}
# Each caller is served in its own API, and in another.
PAIRS = [(caller, served) for caller in CALLERS for served in (caller, "anthropic" if caller == "openai" else "openai")]
EVERY_PAIR = pytest.mark.parametrize("caller, served", PAIRS, ids="-by-".join)


class World:
    def __init__(self, folder):
        self.simulators, providers, models = {}, {}, {}
        key = folder / "provider.key"
        key.write_text("provider-secret-key\n")
        key.chmod(0o600)
        for name, dialect in PROVIDERS.items():
            simulator = self.simulators[name] = Simulator()
            text = provider_yaml(simulator, dialect).replace("../../provider.key", str(key))
            for place in ("eu", "local"):
                id = name + ("-in" if place == "local" else "")
                providers[id] = text.replace("id: theirs", f"id: {id}").replace("processing: eu", f"processing: {place}")
                other = "gemini" if name == "openai" else "openai"
                models[id] = model_yaml(dialect.model).replace("name: gpt", f"name: {id}").replace("theirs", id) + (
                    f'fallback: [{{provider: {other}, model: "{PROVIDERS[other].model}"}}]\n')
        self.gateway = Gateway(folder, providers, models, {
            name: department(name, "[" + ", ".join(models) + "]", pii=policy) for name, policy in DEPARTMENTS.items()})
        config = self.gateway.config
        config.write_text(re.sub(r"pii: \{policies.*\n", lambda _: POLICIES, config.read_text()))
        self.gateway.start()

    def ask(self, who, caller, model, stream, place="after"):
        """(status, body, the row); the model's provider is asked once, and its fallback never."""
        served = model.removesuffix("-in")
        for name, simulator in self.simulators.items():
            simulator.behaviour = PROVIDERS[name]()
            simulator.behaviour.place = place
            simulator.journal.clear()
        rows = self.gateway.settled_rows()
        path, body = CALLERS[caller][0](model, stream)
        status, _, answer = self.gateway.request(body, self.gateway.key(who), path)
        [row] = self.gateway.new_rows(rows)
        assert {name: len(s.journal) for name, s in self.simulators.items() if s.journal} == {served: 1}
        return status, answer, row

    def counted(self, **labels):
        return self.gateway.metric("tollgate_pii_unknown_answers_total", **labels)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("unknown"))
    yield one
    assert one.gateway.stop() == 0
    for simulator in one.simulators.values():
        simulator.close()


@EVERY_PAIR
@pytest.mark.parametrize("stream", (False, True), ids=("plain", "streamed"))
def test_what_nobody_reads_passes_and_is_counted(world, caller, served, stream):
    labels = {"department": "open", "provider": served, "rule": "pass"}
    before = world.counted(**labels)
    status, answer, row = world.ask("open", caller, served, stream)
    assert status == 200 and b"hello" in answer and row["outcome"] == "ok"
    assert (SECRET.encode() in answer) == (caller == served), "what is translated has no place for it"
    assert world.counted(**labels) == before + 1


@EVERY_PAIR
def test_a_plain_answer_is_refused_in_the_callers_form_and_billed(world, caller, served):
    status, answer, row = world.ask("closed", caller, served, stream=False)
    assert status == 502 and CALLERS[caller][1](json.loads(answer)) and SECRET.encode() not in answer
    assert (row["status"], row["outcome"]) == (502, "upstream_error")
    assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (11, 7, "provider_final")


@EVERY_PAIR
def test_a_stream_is_refused_before_its_content(world, caller, served):
    status, answer, row = world.ask("closed", caller, served, stream=True, place="before")
    assert status == 502 and CALLERS[caller][1](json.loads(answer)) and SECRET.encode() not in answer
    assert (row["status"], row["outcome"]) == (502, "upstream_error")


@EVERY_PAIR
def test_a_stream_ends_with_an_error_where_it_stands_after_content(world, caller, served):
    status, answer, row = world.ask("closed", caller, served, stream=True)
    _, _, error, end = CALLERS[caller]
    assert status == 200 and b"hello" in answer and error in answer
    assert end not in answer and SECRET.encode() not in answer, "never a false end"
    assert (row["status"], row["outcome"]) == (502, "upstream_error")


@EVERY_PAIR
@pytest.mark.parametrize("stream", (False, True), ids=("plain", "streamed"))
def test_only_targets_inside_the_house_may_answer_so(world, caller, served, stream):
    outside, _, _ = world.ask("house", caller, served, stream, place="before")
    inside, answer, _ = world.ask("house", caller, served + "-in", stream, place="before")
    assert (outside, inside) == (502, 200) and b"hello" in answer


@pytest.mark.parametrize("stream", (False, True), ids=("plain", "streamed"))
@pytest.mark.parametrize("served", PROVIDERS)
def test_what_is_known_is_no_matter_for_a_policy(world, served, stream):
    before = world.counted()
    status, answer, _ = world.ask("closed", served, served, stream, place=None)
    assert status == 200 and b"hello" in answer and world.counted() == before


def test_nothing_is_counted_where_there_is_no_policy(world):
    status, answer, _ = world.ask("bare", "openai", "openai", stream=False)
    assert status == 200 and SECRET.encode() in answer and world.counted(department="bare") == 0


def test_the_log_names_each_kind_once_a_minute_and_never_what_it_holds(world):
    for _ in range(3):
        world.ask("open", "openai", "openai", stream=False)
        world.ask("closed", "anthropic", "anthropic", stream=False)

    def told():
        return [line for line in world.gateway.log_lines() if line.get("event") == "pii_unknown_answer"]
    eventually(lambda: {("member", "hologram"), ("block", "hologram")} <= {(t["what"], t["name"]) for t in told()},
               what="a line for each kind")
    assert len(told()) < world.counted()
    text = world.gateway.log_path.read_text()
    assert SECRET not in text and SECRET not in world.gateway.ops("/metrics")[1]
    assert {t["level"] for t in told()} == {"warning"} and {t["rule"] for t in told()} <= {"pass", "refuse", "local_only"}
