"""Load for the fault tests, and the provider's own journal to hold the ledger against."""
import asyncio
import http.client
import itertools
import json
import threading
from collections import Counter
from dataclasses import dataclass

from gateway import SLOW, eventually
from simulator import Simulator, completion, delta, prompt_text, usage_of

INPUT_NANO, OUTPUT_NANO = 1_000, 4_000  # of each token of sim-1, as the harness prices it


def usage_for(text):
    """What the provider says a call used: different for nearly every text, so that a mix-up of rows shows."""
    number = int(text.rsplit("-", 1)[1])
    return 10 + number % 89, 3 + number % 7


async def answer(request, reply):
    """The metered provider: `say-N` is answered with usage that depends on N, which the journal keeps too."""
    text = prompt_text(request)
    request.text = text
    request.said = usage_for(text)
    if not request.json.get("stream"):
        return await reply.plain(200, completion("echo: " + text, usage=request.said))
    await reply.begin_stream()
    await reply.event(delta("", role="assistant"))
    for i in range(request.said[1]):
        await reply.event(delta(f"word{i} "))
        await asyncio.sleep(0.002)
    await reply.event(delta(finish="stop"))
    await reply.event(delta(choices=False, usage=usage_of(*request.said)))
    await reply.event("[DONE]")
    await reply.end_stream()


class MeteredSimulator(Simulator):
    def __init__(self):
        super().__init__()
        self.behaviour = answer

    @staticmethod
    async def _gone(reader):
        # Hundreds of streams are watched here at once: less often than the base class does.
        while not reader.at_eof():
            await asyncio.sleep(0.1)


@dataclass
class Call:
    text: str
    stream: bool
    status: int = 0         # 0: no answer came
    request_id: str = ""
    complete: bool = False  # the client has the whole answer
    body: bytes = b""
    headers: dict = None


def call(gateway, key, text, stream=False, connection=None):
    """One call; a connection that breaks is part of the result."""
    made = Call(text, stream)
    link = connection or http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30 * SLOW)
    body = json.dumps({"model": "gpt", "stream": stream, "messages": [{"role": "user", "content": text}]})
    try:
        link.request("POST", "/v1/chat/completions", body,
                     {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        response = link.getresponse()
        made.headers = {k.lower(): v for k, v in response.getheaders()}
        made.status, made.request_id = response.status, made.headers.get("x-request-id", "")
        made.body = response.read()
        made.complete = made.status == 200 and (not stream or made.body.endswith(b"data: [DONE]\n\n"))
    except (OSError, http.client.HTTPException):
        link.close()
    finally:
        if connection is None:
            link.close()
    return made


class Load:
    """Client threads that call without a pause, every second call streamed. `calls` is complete after stop()."""

    numbers = itertools.count(1)

    def __init__(self, gateway, key, clients=4, pause=0.0):
        self.gateway, self.key, self.pause = gateway, key, pause
        self.calls = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _client(self):
        link = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30 * SLOW)
        while not self._stop.is_set():
            number = next(self.numbers)
            made = call(self.gateway, self.key, f"say-{number}", number % 2 == 0, link)
            self.calls.append(made)
            if made.status == 0 or self.pause:  # not a busy loop while the gateway is away
                self._stop.wait(max(self.pause, 0.002))
        link.close()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.calls


def rows_of(gateway, calls):
    """The ledger's rows once it has those of all complete calls: it commits within milliseconds, not at once."""
    complete = {made.request_id for made in calls if made.complete}
    rows = []

    def all_there():
        rows[:] = gateway.rows(limit=len(calls) + 1000)
        return complete <= {row["request_id"] for row in rows}

    eventually(all_there, 10, what="a row for every complete call")
    return rows


def compare(rows, journal, calls):
    """Holds the ledger against what the provider was asked and said, and what the clients got. Returns the outcomes."""
    assert len({row["event_id"] for row in rows}) == len(rows), "a row is there twice"
    by_request = {row["request_id"]: row for row in rows}
    assert len(by_request) == len(rows), "a call with one attempt has one row"
    asked = {}
    for request in journal:
        request_id = request.headers["x-request-id"]
        assert request_id not in asked, f"the provider was asked twice for {request_id}"
        asked[request_id] = request

    lost = [asked[i].text for i in asked if i not in by_request]
    assert not lost, f"{len(lost)} calls reached the provider and have no row: {lost[:5]}"
    for request_id, row in by_request.items():
        if row["outcome"] == "ok":
            said = asked[request_id].said
            assert (row["input_tokens"], row["output_tokens"]) == said and row["usage_source"] == "provider_final", row
            assert row["cost_nano"] == said[0] * INPUT_NANO + said[1] * OUTPUT_NANO, row
        elif row["outcome"] == "unknown":
            assert row["usage_source"] == "estimated" and row["input_tokens"] > 0 and row["cost_nano"] > 0, row
        elif request_id not in asked:
            assert row["usage_source"] == "none" and row["cost_nano"] == 0, f"billed, but never asked: {row}"
    for made in calls:
        if made.complete:
            assert by_request[made.request_id]["outcome"] == "ok", by_request[made.request_id]
            assert asked[made.request_id].text == made.text, (asked[made.request_id].text, made)
    ok = [row for row in rows if row["outcome"] == "ok"]
    said = [asked[row["request_id"]].said for row in ok]
    assert sum(row["input_tokens"] for row in ok) == sum(s[0] for s in said)
    assert sum(row["output_tokens"] for row in ok) == sum(s[1] for s in said)
    outcomes = Counter(row["outcome"] for row in rows)
    outcomes["unasked"] = len(by_request.keys() - asked.keys())
    return outcomes
