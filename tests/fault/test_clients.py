"""Clients that do whatever they like: nothing of them stays behind, and the others are served."""
import asyncio
import json
import os
import random
import socket
import ssl
import struct
import time
from collections import Counter

import pytest
from gateway import SLOW, department, eventually, model, provider
from simulator import Request, Simulator, completion, delta, prompt_text

CLIENTS = int(os.environ.get("TOLLGATE_CLIENTS", 160))
AT_ONCE = 60
SEED = int(os.environ.get("TOLLGATE_SEED", time.time_ns() % 1_000_000))
LEASES = 64
KIB, MIB = 1 << 10, 1 << 20
FORM = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt\r\n' \
       b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


async def answer(request, reply):
    """Does what the call's text says."""
    if request.target.startswith("/v1/audio/"):
        return await reply.plain(200, {"text": "heard"})
    text = prompt_text(request)
    if text == "silence":
        return await asyncio.Event().wait()
    if not request.json.get("stream"):
        return await reply.plain(200, completion("x" * (4 * MIB if text == "much" else 100)))
    await reply.begin_stream()
    for _ in range(4_000 if text == "much" else 20):
        await reply.event(delta("x" * 1_000))
        await asyncio.sleep(0 if text == "much" else 0.005)
    await reply.event(delta(finish="stop"))
    await reply.event("[DONE]")
    await reply.end_stream()


class Provider(Simulator):
    """Takes uploads, too: their bodies come in chunks."""

    def __init__(self):
        super().__init__()
        self.behaviour = answer

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = Request(head[:-4], b"")
                self.journal.append(request)
                if "content-length" in request.headers:
                    request.body = await reader.readexactly(int(request.headers["content-length"]))
                else:
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        await reader.readexactly(size + 2)
                    await reader.readexactly(2)
                if not await self._answer(request, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Client:
    """One connection, and the ways to use and abuse it."""

    def __init__(self, key, chance, reader, writer):
        self.key, self.chance, self.reader, self.writer = key, chance, reader, writer

    def head(self, path, length, content_type="application/json", more=""):
        return (f"POST /v1{path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {self.key}\r\n"
                f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n{more}\r\n").encode()

    def chat(self, text, more=""):
        body = json.dumps({"model": "gpt", "stream": self.chance.random() < 0.5,
                           "messages": [{"role": "user", "content": text}]}).encode()
        return self.head("/chat/completions", len(body), more=more) + body

    def send(self, data):
        self.writer.write(data)

    async def until_the_gateway_ends_it(self):
        while await self.reader.read(64 * KIB):
            pass

    async def leave(self):
        """In one of the ways there are."""
        how = self.chance.choice(("politely", "reset", "half", "stay"))
        if how == "reset" and not self.writer.is_closing():
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        elif how == "half" and self.writer.can_write_eof():
            self.writer.write_eof()
            await self.until_the_gateway_ends_it()
        elif how == "stay":
            await self.until_the_gateway_ends_it()
        self.writer.close()

    async def honest(self):
        """Gets what it asked for."""
        self.send(self.chat("hello", "Connection: close\r\n"))
        got = await self.reader.read()
        assert got.startswith(b"HTTP/1.1 200 "), got[:500]

    async def stops_in_the_middle(self):
        request = self.chat("hello")
        self.send(request[:self.chance.randrange(len(request))])
        await self.leave()

    async def floods(self):
        """Sends what was refused, and more, for as long as it is let."""
        path = self.chance.choice(("/chat/completions", "/audio/transcriptions", "/nothing"))
        form = path.startswith("/audio")
        self.send(self.head(path, 1 << 40, "multipart/form-data; boundary=b" if form else "application/json") + FORM)
        while not self.writer.transport.is_closing():
            self.send(bytes(256 * KIB))
            await self.writer.drain()

    async def uploads(self):
        size = self.chance.choice((KIB, MIB))
        self.send(self.head("/audio/transcriptions", len(FORM) + size + 9, "multipart/form-data; boundary=b") + FORM)
        for _ in range(0, self.chance.choice((size // 2, size)), 1 * KIB):
            self.send(bytes(KIB))
            await self.writer.drain()
        self.send(b"\r\n--b--\r\n")
        await self.leave()

    async def does_not_listen(self):
        self.send(self.chat("much"))
        self.writer.transport.pause_reading()
        await asyncio.sleep(3)
        self.writer.transport.abort()

    async def leaves_during_the_answer(self):
        self.send(self.chat(self.chance.choice(("hello", "much"))))
        if self.chance.random() < 0.7:
            await self.reader.read(self.chance.choice((1, 500, 20_000)))
        await self.leave()

    async def leaves_before_the_answer(self):
        self.send(self.chat("silence"))
        await asyncio.sleep(self.chance.random())

    async def asks_for_many_at_once(self):
        self.send(b"".join(self.chat("hello") for _ in range(self.chance.randrange(2, 30))))
        await asyncio.sleep(self.chance.random() / 10)
        await self.leave()

    async def waits_to_be_asked(self):
        self.send(self.head("/chat/completions", 100, more="Expect: 100-continue\r\n"))
        await self.reader.read(10)
        await self.leave()

    async def talks_nonsense(self):
        self.send(self.chance.randbytes(self.chance.randrange(1, 20_000)))
        await self.leave()


WAYS = [Client.honest, Client.stops_in_the_middle, Client.floods, Client.uploads, Client.does_not_listen,
        Client.leaves_during_the_answer, Client.leaves_before_the_answer, Client.asks_for_many_at_once,
        Client.waits_to_be_asked, Client.talks_nonsense]


async def connect(gateway, trust):
    tls = {"ssl": trust, "server_hostname": "localhost"} if trust else {}
    return await asyncio.open_connection("127.0.0.1", gateway.port, **tls)


async def one(gateway, key, trust, chance, seen):
    way = chance.choice(WAYS)
    honest = way is Client.honest
    known = honest or chance.random() < 0.8
    secure = honest or chance.random() < 0.9  # the others speak to a TLS port without TLS
    reader, writer = await connect(gateway, trust if secure else None)
    try:
        await way(Client(key if known else "tg_nobody", chance, reader, writer))
    except (ConnectionError, ssl.SSLError, TimeoutError):
        assert not honest, "an honest client was cut off"
    finally:
        seen[way.__name__] += 1
        writer.transport.abort()


async def all_of_them(gateway, key, trust):
    seen, places = Counter(), asyncio.Semaphore(AT_ONCE)

    async def next_one(number):
        async with places:
            chance = random.Random(SEED * 1_000 + number)
            await asyncio.wait_for(one(gateway, key, trust, chance, seen), 60 * SLOW)

    await asyncio.gather(*(next_one(number) for number in range(CLIENTS)))
    return seen


async def hold(gateway, key, trust, upstream, calls):
    """So many calls at once, all of which reach the provider."""
    before, writers = len(upstream.journal), []
    for _ in range(calls):
        reader, writer = await connect(gateway, trust)
        writer.write(Client(key, random.Random(1), reader, writer).chat("silence"))
        writers.append(writer)
    await asyncio.to_thread(eventually, lambda: len(upstream.journal) == before + calls, what="a lease for each call")
    for writer in writers:
        writer.transport.abort()


@pytest.mark.parametrize("plaintext", [True, False], ids=["plain", "tls"])
def test_nothing_stays_of_clients_that_misbehave(make_gateway, plaintext):
    print(f"\nTOLLGATE_SEED={SEED}")
    upstream = Provider()
    theirs = provider(upstream, more="apis: [chat, transcriptions]\n")
    gateway = make_gateway(
        {"sim": theirs}, {"gpt": model()}, {"retail": department(more=f"limits: {{concurrent: {LEASES}}}\n")},
        plaintext=plaintext, main="workers: 2\n",
        listen="  limits: {upload: 2MiB, body: 1MiB}\n"
               "  timeouts: {handshake: 1s, head: 1s, body: 1s, idle: 1s, write_stall: 1s}\n")
    trust = None if plaintext else gateway.tls_context()
    seen = asyncio.run(all_of_them(gateway, gateway.key(), trust))
    assert set(seen) == {way.__name__ for way in WAYS}
    asyncio.run(hold(gateway, gateway.key(), trust, upstream, LEASES))

    eventually(lambda: gateway.metric("tollgate_connections") == 0, what="an end of all connections")
    eventually(lambda: gateway.metric("tollgate_in_flight") == 0, what="an end of all calls")
    rows = gateway.settled_rows()
    asked = {request.headers["x-request-id"] for request in upstream.journal}
    lost = asked - {row["request_id"] for row in rows}
    assert not lost, f"{len(lost)} of {len(asked)} calls reached the provider and have no row"
    assert not [line for line in gateway.log_lines() if line["event"] == "session_crashed"]

    began = time.monotonic()
    assert gateway.stop() == 0, gateway.log_path.read_text()[-4000:]
    assert time.monotonic() - began < 5 * SLOW, "a drain without clients ends at once"
    upstream.close()
    print(f"{sum(seen.values())} clients, {len(asked)} calls at the provider, {len(rows)} rows")
