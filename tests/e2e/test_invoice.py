"""The ledger is the invoice: plain, streamed, abandoned, broken, refused and repeated calls over every provider's API.

The providers count what they bill by themselves (billing.py). Where they told the usage, the ledger's rows are equal, to
the token and the nano-dollar; where they could not, a row is marked `estimated` and stays within the bound that
gateway/pipeline/README.md states.
"""
import json
import math

import billing
import pytest
from gateway import Gateway, department, eventually
from simulator import Simulator
from test_dialects import provider_yaml

# Long enough for the estimator to learn from (64 bytes), each of another length so that no two bills are alike.
WORDS = "The quick brown fox jumps over the lazy dog while the bank's auditors count every token that they pay for. "


def prompt(n, mode=""):
    return f"{mode} {WORDS}{WORDS}" + WORDS[:n % len(WORDS)] + "."


class Books:
    """One gateway, all providers, and the calls that were made."""

    def __init__(self, folder):
        self.invoice, self.simulators, self.calls = [], {}, 0
        key = folder / "provider.key"
        key.write_text("provider-secret-key\n")
        key.chmod(0o600)
        providers, models, prices = {}, {}, []
        for name in [*billing.CHATS, *billing.EMBEDDINGS, *(f"{n}-spare" for n in billing.CHATS)]:
            behaviour = (billing.BilledEmbeddings(name, self.invoice) if name in billing.EMBEDDINGS else
                         billing.Billed(name, self.invoice, obedient=name.endswith("-spare")))
            self.simulators[name] = Simulator()
            self.simulators[name].behaviour = behaviour
            providers[name] = (provider_yaml(self.simulators[name], behaviour.api).replace("id: theirs", f"id: {name}")
                               .replace("../../provider.key", str(key)))
            models[name] = self.model(name, name, behaviour.api.model)
            models[f"{name}-hasty"] = self.model(f"{name}-hasty", name, behaviour.api.model, ", timeouts: {first_content: 1s}")
            prices.append(f"    - {{model: '{behaviour.api.model}', input: 2 USD, cached_input: 0.2 USD, "
                          "cache_write: 2.5 USD, output: 8 USD}\n")
        self.gateway = Gateway(folder, providers, models, {"retail": department(models=f"[{', '.join(models)}]")})
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(text.replace("  overrides: [", "  overrides:\n" + "".join(prices) + "#"))
        self.gateway.start()

    @staticmethod
    def model(name, provider, served, more=""):
        target = f'{{provider: {provider}, model: "{served}", cool_down: 1ms{more}}}'
        spare = f'fallback: [{{provider: {provider}-spare, model: "{served}"}}]\n' if provider in billing.CHATS else ""
        return f"name: {name}\ntargets: [{target}]\n{spare}"

    def text(self, mode=""):
        self.calls += 1
        return prompt(7 * self.calls, mode)

    def chat(self, name, mode="", **more):
        body = {"model": name, "messages": [{"role": "user", "content": self.text(mode)}], **more}
        return self.gateway.request(body)

    def message(self, name, **more):
        body = {"model": name, "max_tokens": 4000, "messages": [{"role": "user", "content": self.text()}], **more}
        return self.gateway.request(body, path="/messages", headers={"anthropic-version": "2023-06-01"})

    def response(self, name, **more):
        return self.gateway.request({"model": name, "input": self.text(), **more}, path="/responses")

    def google(self, name, mode="", stream=False):
        """The path and the body of a call in Google's form."""
        return (f"/v1beta/models/{name}:{'streamGenerateContent' if stream else 'generateContent'}",
                {"contents": [{"role": "user", "parts": [{"text": self.text(mode)}]}]})

    def converse(self, name, mode="", stream=False):
        return (f"/model/{name}/{'converse-stream' if stream else 'converse'}",
                {"messages": [{"role": "user", "content": [{"text": self.text(mode)}]}]})

    def cloud(self, call, name, stream=False):
        path, body = call(name, stream=stream)
        return self.gateway.request(body, path=path)

    def leave(self, name, mode, path="/v1/chat/completions", **more):
        self.go(name, mode, path, {"model": name, "messages": [{"role": "user", "content": self.text(mode)}], **more})

    def go(self, name, mode, path, body):
        """Sends a call and goes: at once where nothing comes, else after the first piece."""
        before = len(self.simulators[name].journal)
        body = json.dumps(body).encode()
        client = self.gateway.connect()
        client.sendall((f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.gateway.key()}\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
        if mode == "wait before":
            eventually(lambda: len(self.simulators[name].journal) > before, what="the provider to be asked")
        got = b""
        while mode == "wait inside" and b"echo" not in got:
            got += client.recv(65536)
        client.close()
        eventually(lambda: self.simulators[name].journal[before].ended_at, what="the provider to be left")

    def run_chats(self, name):
        for call in (self.chat, self.message, self.response):
            assert call(name)[0] == 200
            assert call(name, stream=True)[0] == 200
        self.chat(name, "break inside", stream=True)
        for model, mode in ((name, "refuse 500"), (name, "refuse 429"), (f"{name}-hasty", "wait before")):
            status, headers, body = self.chat(model, mode, stream=mode == "refuse 500")  # the spare serves
            assert status == 200 and headers["x-tollgate-provider"] == f"{name}-spare", body
        self.leave(name, "wait before")
        self.leave(name, "wait inside", stream=True)
        self.leave(name, "wait inside", path="/v1/messages", stream=True, max_tokens=4000)
        for call in (self.google, self.converse):
            assert self.cloud(call, name)[0] == 200
            assert self.cloud(call, name, stream=True)[0] == 200
            self.go(name, "wait before", *call(name, "wait before"))
            self.go(name, "wait inside", *call(name, "wait inside", stream=True))
        if name == "azure":
            assert self.chat(name, "filtered")[0] == 400

    def run_embeddings(self, name):
        body = {"model": name, "input": ["banana", "a", "no such letter here"], "encoding_format": "float"}
        assert self.gateway.request(body, path="/embeddings")[0] == 200

    def close(self):
        assert self.gateway.stop() == 0
        for simulator in self.simulators.values():
            simulator.close()


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    books = Books(tmp_path_factory.mktemp("books"))
    for name in billing.CHATS:
        books.run_chats(name)
    for name in billing.EMBEDDINGS:
        books.run_embeddings(name)
    attempts = {(bill.provider, bill.request_id) for bill in books.invoice}
    books.rows = books.gateway.wait_rows(len(attempts))
    yield books
    books.close()


def paired(books, name):
    """(row, its bills): one, or as many as an API of embeddings needs."""
    rows = [row for row in books.rows if row["provider"] in (name, f"{name}-spare")]
    assert rows, "nothing was recorded"
    return [(row, [b for b in books.invoice if (b.provider, b.request_id) == (row["provider"], row["request_id"])])
            for row in rows]


def nanos(dollars):
    return math.floor(dollars * 10**9 + 0.5)


def test_every_attempt_has_a_row_and_no_row_is_made_up(books):
    assert ({(row["provider"], row["request_id"]) for row in books.rows} ==
            {(bill.provider, bill.request_id) for bill in books.invoice})


@pytest.mark.parametrize("name", [*billing.CHATS, *billing.EMBEDDINGS])
def test_what_was_told_is_recorded_to_the_token_and_the_nano_dollar(books, name):
    told = [(row, bills) for row, bills in paired(books, name) if all(bill.told for bill in bills)]
    assert len(told) >= (13 if name in billing.CHATS else 1)
    for row, bills in told:
        assert row["usage_source"] == "provider_final", row
        found = (row["input_tokens"], row["cached_input_tokens"], row["cache_write_tokens"], row["output_tokens"],
                 row["reasoning_tokens"])
        assert found == tuple(sum(getattr(bill, field) for bill in bills)
                              for field in ("input", "cached", "written", "output", "reasoning")), row
        assert row["cost_nano"] == nanos(sum(bill.cost() for bill in bills)) > 0, row


@pytest.mark.parametrize("name", billing.CHATS)
def test_what_was_refused_is_not_charged(books, name):
    refused = [(row, bill) for row, [bill] in paired(books, name) if bill.mode == "refuse 429"]
    assert refused
    for row, _ in refused:
        assert (row["usage_source"], row["input_tokens"], row["cost_nano"]) == ("none", 0, 0), row


@pytest.mark.parametrize("name", billing.CHATS)
def test_what_nobody_told_is_estimated_says_so_and_stays_within_the_bound(books, name):
    untold = [(row, bill) for row, [bill] in paired(books, name) if not bill.told and bill.mode != "refuse 429"]
    assert {bill.mode for _, bill in untold} >= {"wait before", "wait inside", "break inside", "refuse 500"}
    for row, bill in untold:
        assert row["usage_source"] == "estimated" and row["outcome"] != "ok", row
        if bill.told_input:  # the beginning of the stream said so
            assert (row["input_tokens"], row["cached_input_tokens"], row["cache_write_tokens"]) == (
                bill.input, bill.cached, bill.written), (row, bill)
        else:
            assert bill.input <= row["input_tokens"] and (
                bill.mode == "refuse 500" or row["input_tokens"] <= 1.2 * bill.input + 17), (row, bill)
        assert bill.output <= row["output_tokens"] <= 1.5 * bill.output + 1, (row, bill)


def test_the_sums_are_equal_where_told_and_never_below_the_invoice(books):
    told = {(bill.provider, bill.request_id) for bill in books.invoice if bill.told}
    rows = [row for row in books.rows if (row["provider"], row["request_id"]) in told]
    assert sum(row["cost_nano"] for row in rows) == sum(nanos(b.cost()) for b in books.invoice if b.told)
    assert sum(row["cost_nano"] for row in books.rows) >= sum(nanos(bill.cost()) for bill in books.invoice)
