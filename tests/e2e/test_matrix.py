"""Every SDK against every provider's wire format: one cell, one test; the table is printed at the end.

The providers check what they receive (see dialects.py), so that a cell is green only where both sides are content.
"""
import threading

import clients
import cloud_clients
import dialects
import pytest
import schemas
from gateway import Gateway, department, eventually
from simulator import Simulator
from test_dialects import model_yaml, provider_yaml


class VertexClaude(dialects.Anthropic):
    """Anthropic's wire format behind Google's paths."""
    kind, model = "vertex", "claude-sonnet-4-5@20250929"
    auth, path = dialects.Gemini.auth, "/v1/projects/p/locations/l/publishers/anthropic"

    def answer(self, request):
        body = request.json
        verb = ":streamRawPredict" if body.get("stream") else ":rawPredict"
        dialects.need(request.target == f"{self.path}/models/{self.model}{verb}", "unknown path " + request.target)
        dialects.need(request.headers.get("x-goog-api-key") == "provider-secret-key", "no key")
        dialects.need("anthropic-version" not in request.headers and "model" not in body, "that is Anthropic's own API")
        dialects.need(body.pop("anthropic_version") == "vertex-2023-10-16", "anthropic_version: Field required")
        dialects.published(schemas.messages_request, {**body, "model": self.model})
        self.check_messages(self.in_blocks(body))
        return self.say(body)


UPSTREAMS = {"openai": dialects.Chat, "anthropic": dialects.Anthropic, "bedrock": dialects.Bedrock,
             "gemini": dialects.Gemini, "vertex claude": VertexClaude}
VERBS = {"plain": "plain", "stream": "stream", "tools": "tools", "streamed_tools": "streamed tools",
         "structured": "structured", "image": "image", "usage": "usage", "refusal": "typed errors", "raw": "raw headers",
         "impatient": "timeout", "leave": "cancel", "personal": "PII"}


class Slow:
    """A provider that waits where it is asked to: before its answer, or after its first piece."""

    def __init__(self, behaviour):
        self.behaviour, self.let_go = behaviour, threading.Event()

    async def __call__(self, request, reply):
        import asyncio
        if b"wait in the middle" in request.body:
            send, pieces = reply.chunk, 0

            async def chunk(data):
                nonlocal pieces
                await send(data)
                pieces += b"echo" in data
                while pieces:
                    await asyncio.sleep(0.05)
            reply.chunk = chunk
        elif b"wait" in request.body:
            await asyncio.sleep(3)
        await self.behaviour(request, reply)


@pytest.fixture(scope="module", params=UPSTREAMS, ids=lambda name: name.replace(" ", "_"))
def world(request, tmp_path_factory):
    """A gateway and the provider behind it, for all cells of a column."""
    simulator = Simulator()
    behaviour = UPSTREAMS[request.param]()
    simulator.behaviour = Slow(behaviour)
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "_"))
    key = folder / "provider.key"
    key.write_text("provider-secret-key\n")
    key.chmod(0o600)
    gateway = Gateway(folder, {"theirs": provider_yaml(simulator, behaviour).replace("../../provider.key", str(key))},
                      {"gpt": model_yaml(behaviour.model)}, {"retail": department()}).start()
    yield request.param, gateway, simulator
    assert gateway.stop() == 0
    simulator.close()


@pytest.fixture(scope="module")
def opened(world):
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = kind(world[1])
        return made[kind]
    yield get
    for client in made.values():
        client.close()


def cells(verb):
    """The SDKs that have such a verb."""
    return pytest.mark.parametrize("sdk", [c for c in clients.ALL + cloud_clients.ALL if hasattr(c, verb)], ids=lambda c: c.__name__)


@pytest.fixture
def client(world, opened, sdk, request, record_property):
    record_property("cell", (sdk.__doc__.splitlines()[0].rstrip(".").split(":")[0], world[0],
                             VERBS[request.node.originalname.removeprefix("test_")]))
    return opened(sdk)


@cells("plain")
def test_plain(client):
    assert client.plain("good morning") == "echo: good morning"


@cells("stream")
def test_stream(client):
    pieces = client.stream("one two three")
    assert "".join(pieces) == "echo: one two three" and len(pieces) == 3


@cells("tools")
def test_tools(client):
    assert client.tools() == ("get_weather", {"city": "Oslo"}, "result: 4 degrees")


@cells("streamed_tools")
def test_streamed_tools(client):
    assert client.streamed_tools() == ("get_weather", {"city": "Oslo"})


@cells("structured")
def test_structured(client):
    assert client.structured() == "Oslo"


@cells("image")
def test_image(client):
    assert client.image() == "an image of 70 bytes"


@cells("usage")
def test_usage(client):
    assert client.usage("hi") == (11, 5)


@cells("refusal")
def test_refusal(client):
    assert client.refusal() == "model_not_found"


@cells("raw")
def test_raw(client):
    headers, text = client.raw()
    assert text == "echo: hi" and headers["x-request-id"] and headers["x-tollgate-provider"] == "theirs"


@cells("impatient")
def test_impatient(client):
    client.impatient()


@cells("leave")
def test_leave(world, client):
    before = len(world[2].journal)
    client.leave()
    eventually(lambda: world[2].journal[before].client_left, what="the provider to be left")


@cells("plain")
def test_personal(world, client):
    before = len(world[2].journal)
    text = "write to jane.doe@example.com"
    assert client.plain(text) == "echo: " + text
    assert all(b"jane.doe" not in request.body for request in world[2].journal[before:])
