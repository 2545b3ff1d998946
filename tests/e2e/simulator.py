"""A provider that speaks the OpenAI chat API, for tests: real HTTP/1.1 over TCP or TLS, every byte under control.

It runs on a thread of its own. A test gives it a `behaviour`: an async function that gets the Request and the Reply and
does whatever a provider may do, badly if wanted. Everything that arrived is in `journal`.
"""
import asyncio
import json
import ssl
import threading
import time


class Request:
    def __init__(self, head: bytes, body: bytes):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        self.raw_head, self.body = head, body
        self.arrived_at = time.monotonic()
        self.ended_at = None       # when the exchange was over
        self.completed = False     # the whole answer was handed to the kernel
        self.client_left = False   # the gateway closed before the answer was complete

    @property
    def json(self):
        return json.loads(self.body)


class Reply:
    """The answering side of one exchange."""

    def __init__(self, request, reader, writer):
        self.request, self.reader, self.writer = request, reader, writer
        self.close_after = False

    async def send(self, data: bytes):
        self.writer.write(data)
        await self.writer.drain()

    async def plain(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in headers)
        await self.send(head.encode() + b"\r\n" + data)

    async def begin_stream(self, headers=()):
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in headers)
        await self.send(head.encode() + b"\r\n")

    async def chunk(self, data: bytes):
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def event(self, payload):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await self.chunk(f"data: {text}\n\n".encode())

    async def end_stream(self):
        await self.send(b"0\r\n\r\n")

    async def reset(self):
        """Closes with RST: the peer sees a connection reset."""
        sock = self.writer.get_extra_info("socket")
        import socket
        import struct
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.close_after = True


def completion(text, model="sim-1", usage=(11, 7), finish="stop"):
    return {"id": "chatcmpl-sim", "object": "chat.completion", "created": 1764000000, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None},
                         "logprobs": None, "finish_reason": finish}],
            "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}}


def delta(content=None, model="sim-1", finish=None, role=None, usage=None, choices=True, **more):
    d = {}
    if role:
        d["role"] = role
    if content is not None:
        d["content"] = content
    d.update(more)
    out = {"id": "chatcmpl-sim", "object": "chat.completion.chunk", "created": 1764000000, "model": model,
           "choices": [{"index": 0, "delta": d, "logprobs": None, "finish_reason": finish}] if choices else []}
    if usage is not None or not choices:
        out["usage"] = usage
    return out


def usage_of(prompt, completion_tokens):
    return {"prompt_tokens": prompt, "completion_tokens": completion_tokens, "total_tokens": prompt + completion_tokens}


def prompt_text(request):
    """The last user message's text."""
    for message in reversed(request.json["messages"]):
        if message["role"] == "user":
            content = message["content"]
            return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
    return ""


async def echo(request, reply):
    """The default provider: says back what the user said, word by word when streaming, with usage."""
    text, words = prompt_text(request), 0
    if not request.json.get("stream"):
        return await reply.plain(200, completion("echo: " + text, request.json["model"]))
    await reply.begin_stream()
    await reply.event(delta("", role="assistant"))
    for word in ("echo: " + text).split(" "):
        await reply.event(delta((" " if words else "") + word))
        words += 1
    await reply.event(delta(finish="stop"))
    if request.json.get("stream_options", {}).get("include_usage"):
        await reply.event(delta(choices=False, usage=usage_of(11, words)))
    await reply.event("[DONE]")
    await reply.end_stream()


class Simulator:
    def __init__(self, certificate=None, key=None):
        self.behaviour = echo
        self.journal = []
        self.connections = 0
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024, limit=16 << 20))
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def close(self):
        def stop():
            self._server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.05, self._loop.stop)
        self._loop.call_soon_threadsafe(stop)
        self._thread.join(5)

    def call_soon(self, function, *args):
        """Runs a function on the simulator's loop: how a test releases a behaviour that waits for an asyncio.Event."""
        self._loop.call_soon_threadsafe(function, *args)

    def event(self):
        """An asyncio.Event for behaviours; set it with `call_soon(event.set)`."""
        return asyncio.Event()

    def forget(self):
        self.journal.clear()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = await reader.readexactly(length)
                request = Request(head[:-4], body)
                self.journal.append(request)
                if not await self._answer(request, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, request, reader, writer):
        """Runs the behaviour beside a watch on the connection, so that a gateway that leaves is noticed at once."""
        reply = Reply(request, reader, writer)
        answer = asyncio.ensure_future(self.behaviour(request, reply))
        watch = asyncio.ensure_future(self._gone(reader))
        try:
            await asyncio.wait({answer, watch}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                answer.result()
                request.completed = not reply.close_after
                return not reply.close_after
            request.client_left = True
            return False
        except ConnectionError:
            request.client_left = True
            return False
        finally:
            request.ended_at = time.monotonic()
            answer.cancel()
            watch.cancel()

    @staticmethod
    async def _gone(reader):
        while not reader.at_eof():
            if reader._buffer:  # a pipelined request: not gone
                return await asyncio.Event().wait()
            await asyncio.sleep(0.005)
