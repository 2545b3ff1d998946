"""Bad input: a clear answer in the caller's format, no row lost, no call upstream, and a gateway that keeps serving."""
import json
import socket
import time

import pytest
from gateway import SLOW, department, eventually, provider


def raw(gateway, data, pieces=1, wait=10):
    """Sends bytes, returns everything that came back until the gateway closed or fell silent."""
    connection = gateway.connect()
    connection.settimeout(wait * SLOW)
    step = max(1, len(data) // pieces)
    try:
        for i in range(0, len(data), step):
            connection.sendall(data[i:i + step])
    except OSError:
        pass
    out = b""
    try:
        while piece := connection.recv(65536):
            out += piece
    except OSError:
        pass
    connection.close()
    return out


def head(gateway, *lines, key=True, method="POST", target="/v1/chat/completions", version="HTTP/1.1"):
    fixed = [f"{method} {target} {version}", *lines]
    if not any(line.lower().startswith("host:") for line in lines):
        fixed.insert(1, "Host: localhost")
    if key:
        fixed.append(f"Authorization: Bearer {gateway.key()}")
    return "\r\n".join(fixed).encode() + b"\r\n\r\n"


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


SMUGGLING = [
    ["Transfer-Encoding: gzip"], ["Transfer-Encoding: identity"], ["Transfer-Encoding: chunked, gzip"],
    ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], ["Transfer-Encoding:"],
    ["Content-Length: 5", "Content-Length: 6"], ["Content-Length: 5", "Content-Length: 5"], ["Content-Length: +5"],
    ["Content-Length: 0x5"], ["Content-Length: 99999999999999999999999"], ["Content-Length: -1"], ["Content-Length: 5,5"],
    ["Host: a b"], ["X: 1", " folded: 2"], ["Bad Header: 1"], ["X\x01: 1"], ["X: a\x00b"],
]


@pytest.mark.parametrize("lines", SMUGGLING, ids=repr)
def test_ambiguous_framing_is_refused_and_the_connection_closed(gateway, simulator, lines):
    second = head(gateway, "Content-Length: 2") + b"{}"
    answer = raw(gateway, head(gateway, *lines) + second)
    assert status(answer) in (400, 501), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, "the rest was not taken for a second request"
    assert b'"error"' in answer and b"x-request-id" in answer.lower() and b"connection: close" in answer.lower()
    assert simulator.journal == []


@pytest.mark.parametrize("request_line, expected", [
    (dict(method="CONNECT"), {405, 400}), (dict(method="TRACE"), {405}), (dict(version="HTTP/2.0"), {505, 400}),
    (dict(target="/v1/../admin"), {400}), (dict(target="/v1/%2e%2e/admin"), {400}), (dict(target="v1"), {400}),
    (dict(target="*"), {400}), (dict(target="localhost:443"), {400}), (dict(target="ftp://localhost/v1"), {400}),
    (dict(target="http:///v1/models"), {400}), (dict(target="http://u:p@localhost/v1/models"), {400}),
    (dict(target="http://localhost/v1/../admin"), {400}), (dict(target="http://localhost"), {404}),
    (dict(target="/" + "a" * 9000), {414}), (dict(target="/nowhere"), {404}), (dict(method="GET"), {405}),
])
def test_strange_request_lines(gateway, request_line, expected):
    assert status(raw(gateway, head(gateway, "Connection: close", **request_line))) in expected


@pytest.mark.parametrize("start", ["http://localhost", "HTTPS://elsewhere.example:8443", "https://[::1]"])
def test_a_target_in_absolute_form_is_served_and_shown_as_its_path(gateway, start):
    body = b'{"model":"gpt","messages":[{"role":"user","content":"hi"}]}'
    host = "Host: " + start.split("//")[1]
    call = head(gateway, host, f"Content-Length: {len(body)}", target=f"{start}/v1/chat/completions") + body
    unknown = head(gateway, host, "Connection: close", method="GET", target=f"{start}/nowhere?x=1")
    answer = raw(gateway, call + unknown)
    assert status(answer) == 200 and b"echo: hi" in answer
    assert b"HTTP/1.1 404 " in answer and b"Unknown request URL: GET /nowhere." in answer
    assert start.encode() not in answer
    assert [row["outcome"] for row in gateway.wait_rows(1)] == ["ok"]


def test_a_target_in_absolute_form_still_wants_one_host_field_that_says_the_same(gateway):
    line = f"GET http://a/v1/models HTTP/1.1\r\nAuthorization: Bearer {gateway.key()}\r\nConnection: close\r\n"
    for hosts, expected in (("", 400), ("Host: a\r\n", 200), ("Host: b\r\n", 400), ("Host: a\r\nHost: a\r\n", 400)):
        assert status(raw(gateway, f"{line}{hosts}\r\n".encode())) == expected, hosts


# Which API's form an error's body has, by the members that only that form has.
def form(answer):
    headers, _, body = answer.partition(b"\r\n\r\n")
    parsed = json.loads(body)
    if parsed.get("type") == "error":
        assert parsed["request_id"].encode() in headers and b"\r\nrequest-id: " in headers
        return "anthropic"
    if set(parsed) == {"message"}:
        assert b"\r\nx-amzn-errortype: ValidationException\r\n" in headers
        return "bedrock"
    if "status" in parsed["error"]:
        return "gemini"
    assert set(parsed["error"]) == {"message", "type", "param", "code"}
    return "openai"


FORMS = {
    "/v1/chat/completions": "openai", "/nowhere": "openai", "/v1/messages": "anthropic",
    "/v1/messages/count_tokens?x=1": "anthropic", "/v1beta/models/gpt:generateContent": "gemini",
    "/v1/projects/p/locations/l/publishers/google/models/gpt:generateContent": "gemini",
    "/v1/models/gpt:streamGenerateContent?alt=sse": "gemini", "/model/gpt/converse": "bedrock",
    "http://localhost/v1/messages": "anthropic",
}


@pytest.mark.parametrize("target", FORMS)
def test_a_refused_head_is_answered_in_the_form_of_its_paths_api(gateway, target):
    for lines, expected in ((["Bad Header: 1"], 400), (["Content-Length: 5", "Content-Length: 6"], 400),
                            (["Transfer-Encoding: gzip"], 501), (["Expect: more"], 417), (["X: " + "a" * 20_000], 431)):
        answer = raw(gateway, head(gateway, *lines, target=target))
        assert (status(answer), form(answer)) == (expected, FORMS[target]), (lines, answer[:500])
        assert b"\r\nconnection: close\r\n" in answer
    old = raw(gateway, head(gateway, target=target, version="HTTP/2.0"))
    assert (status(old), form(old)) == (505, FORMS[target])


@pytest.mark.parametrize("line", ["POST /v1/messages", "POST /v1//messages HTTP/1.1", "P@ST /v1/messages HTTP/1.1"])
def test_a_refused_request_line_is_answered_in_openais_form(gateway, line):
    answer = raw(gateway, f"{line}\r\nHost: localhost\r\n\r\n".encode())
    assert (status(answer), form(answer)) == (400, "openai")


def test_a_refused_head_request_is_answered_without_a_body(gateway):
    answer = raw(gateway, head(gateway, "Bad Header: 1", method="HEAD"))  # RFC 9110 section 9.3.2
    assert status(answer) == 400 and answer.endswith(b"\r\n\r\n")


def test_oversized_heads_and_bodies(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, listen="  limits: {head: 8KiB, headers: 50, body: 64KiB}\n")
    assert status(raw(gateway, head(gateway, "X: " + "a" * 9000))) == 431
    assert status(raw(gateway, head(gateway, *[f"X-{i}: 1" for i in range(60)]))) == 431
    big = head(gateway, "Content-Length: 70000", "Expect: 100-continue")
    answer = raw(gateway, big)
    assert status(answer) == 413 and b"100 Continue" not in answer
    chunked = head(gateway, "Transfer-Encoding: chunked") + (b"ffff\r\n" + b"a" * 65535 + b"\r\n") * 2
    assert status(raw(gateway, chunked)) == 413
    assert status(raw(gateway, head(gateway, "Expect: more", "Content-Length: 2") + b"{}")) == 417
    assert gateway.chat()[0] == 200


def test_a_refusal_says_the_limit_and_does_not_send_back_what_was_sent(gateway):
    big = raw(gateway, head(gateway, "Content-Length: 70000000"))
    assert status(big) == 413 and b"8388608 bytes" in big
    got, _, body = gateway.chat(model="m" * 50_000)
    assert got == 404 and b"`mmm" in body and len(body) < 500


def test_a_client_of_http_1_0_gets_no_chunks_and_is_told_whether_the_connection_stays(gateway):
    def ask(stream, *lines):
        body = json.dumps({"model": "gpt", "stream": stream, "messages": [{"role": "user", "content": "x"}]}).encode()
        first = head(gateway, f"Content-Length: {len(body)}", *lines, version="HTTP/1.0") + body
        return raw(gateway, first + head(gateway, method="GET", target="/v1/models", version="HTTP/1.0"))

    streamed = ask(True, "Connection: keep-alive")
    heads, _, events = streamed.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in heads and b"connection: close" in heads
    assert events.startswith(b"data: {") and events.endswith(b"data: [DONE]\n\n"), "and nothing between or after"
    kept = ask(False, "Connection: keep-alive")
    assert kept.count(b"HTTP/1.1 200") == 2 and kept.count(b"connection: keep-alive") == 1
    assert kept.count(b"connection: close") == 1, "the second did not ask to stay"
    assert ask(False).count(b"HTTP/1.1 200") == 1


def test_slow_clients_are_cut(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)},
                           listen="  timeouts: {handshake: 500ms, head: 500ms, body: 500ms, idle: 1s}\n")
    start = time.monotonic()
    cut = raw(gateway, b"POST /v1/messages HTTP/1.1\r\nHost: l")
    assert (status(cut), form(cut)) == (408, "anthropic")
    assert status(raw(gateway, head(gateway, "Content-Length: 100") + b"{")) == 408
    idle = gateway.connect()
    assert idle.recv(10) == b""
    silent = socket.create_connection(("127.0.0.1", gateway.port))
    silent.settimeout(10 * SLOW)
    assert silent.recv(10) == b"", "a client that never shakes hands"
    assert time.monotonic() - start < 8 * SLOW
    [row] = gateway.wait_rows(1)
    assert row["outcome"] == "request_timeout", "the caller was known when the body stalled"


GOOD = '{"model":"gpt","messages":[{"role":"user","content":"x"}]'
BODIES = {
    "empty": b"", "not json": b"hello", "array": b"[]", "cut": b'{"model":"gpt"', "trailing": GOOD.encode() + b"} x",
    "trailing comma": GOOD.encode() + b",}", "comment": GOOD.encode() + b"/* */}", "nan": GOOD.encode() + b',"x":NaN}',
    "leading zero": GOOD.encode() + b',"x":01}', "invalid utf-8": GOOD.encode() + b',"x":"\xff"}',
    "overlong": GOOD.encode() + b',"x":"\xc0\xaf"}', "lone surrogate": GOOD.encode() + b',"x":"\\ud800"}',
    "control": GOOD.encode() + b',"x":"a\x01b"}', "bom": b"\xef\xbb\xbf" + GOOD.encode() + b"}",
    "deep": GOOD.encode() + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "very deep": GOOD.encode() + b',"x":' + b"[" * 100_000,
    "duplicate model": b'{"model":"gpt","model":"secret","messages":[{"role":"user","content":"x"}]}',
    "escaped duplicate": b'{"model":"gpt","mod\\u0065l":"secret","messages":[{"role":"user","content":"x"}]}',
    "duplicate messages": GOOD.encode() + b',"messages":[{"role":"user","content":"y"}]}',
    "duplicate stream": GOOD.encode() + b',"stream":false,"stream":true}',
    "no model": b'{"messages":[{"role":"user","content":"x"}]}', "no messages": b'{"model":"gpt"}',
    "empty messages": b'{"model":"gpt","messages":[]}', "model number": b'{"model":1,"messages":[{"role":"user","content":"x"}]}',
    "messages string": b'{"model":"gpt","messages":"x"}', "role missing": b'{"model":"gpt","messages":[{"content":"x"}]}',
    "stream string": GOOD.encode() + b',"stream":"true"}', "max_tokens string": GOOD.encode() + b',"max_tokens":"5"}',
    "max_tokens negative": GOOD.encode() + b',"max_tokens":-1}', "max_tokens huge": GOOD.encode() + b',"max_tokens":1e308}',
    "n huge": GOOD.encode() + b',"n":1000000}', "content number": b'{"model":"gpt","messages":[{"role":"user","content":5}]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_are_400_in_openai_shape_with_a_row_and_no_upstream_call(gateway, simulator, name):
    got, headers, body = gateway.request(BODIES[name])
    assert got == 400, (got, body)
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error"
    assert len(error["message"]) > 10 and "x-request-id" in headers
    assert simulator.journal == []
    [row] = gateway.wait_rows(1)
    assert row["outcome"] == "invalid_request" and row["cost_nano"] == 0 and row["request_id"] == headers["x-request-id"]
    assert gateway.chat()[0] == 200


def test_a_compressed_body_is_refused(gateway):
    assert gateway.request(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})[0] == 415


def test_trailers_change_nothing(gateway, simulator):
    body = b'{"model":"gpt","messages":[{"role":"user","content":"x"}]}'
    lines = "POST /v1/chat/completions HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    data = lines.encode() + b"%x\r\n%s\r\n0\r\nAuthorization: Bearer %s\r\n\r\n" % (len(body), body, gateway.key().encode())
    assert status(raw(gateway, data)) == 401 and simulator.journal == []


def test_an_empty_chunked_body_in_three_segments_is_answered(gateway):
    connection = gateway.connect()
    connection.sendall(head(gateway, "Transfer-Encoding: chunked", "Connection: close"))
    for piece in (b"0\r\n", b"\r", b"\n"):
        time.sleep(0.02)
        connection.sendall(piece)
    assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_pipelined_requests_are_answered_in_order(gateway):
    one = lambda i: (b'{"model":"gpt","messages":[{"role":"user","content":"number %d"}]}' % i)  # noqa: E731
    data = b"".join(head(gateway, f"Content-Length: {len(one(i))}", *(["Connection: close"] if i == 19 else [])) + one(i)
                    for i in range(20))
    answer = raw(gateway, data)
    found = [int(part.split(b'"')[0]) for part in answer.split(b"echo: number ")[1:]]
    assert found == list(range(20))
    assert raw(gateway, data, pieces=len(data) // 7).count(b" 200 OK") == 20


def test_garbage_from_the_provider_is_502_and_nothing_of_it_leaks(gateway, simulator):
    async def nonsense(request, reply):
        await reply.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nsecret")
        reply.close_after = True

    async def not_json(request, reply):
        await reply.plain(200, b"<html>internal-host-name</html>")

    async def not_sse(request, reply):
        await reply.begin_stream()
        await reply.event("{broken")
        await reply.end_stream()

    for behaviour, stream in ((nonsense, False), (not_json, False), (not_sse, True)):
        simulator.behaviour = behaviour
        got, _, body = gateway.chat(stream=stream)
        assert got == 502 and b"secret" not in body and b"internal-host-name" not in body
    rows = gateway.wait_rows(3)
    assert {r["outcome"] for r in rows} == {"upstream_error"}


def test_a_stream_without_its_end_marker_is_an_error(gateway, simulator):
    from simulator import delta

    async def no_end(request, reply):
        await reply.begin_stream()
        await reply.event(delta("text"))
        await reply.end_stream()

    simulator.behaviour = no_end
    _, _, body = gateway.chat(stream=True)
    assert b'"error"' in body and b"[DONE]" not in body


def test_a_client_that_leaves_in_mid_stream_is_recorded_and_the_provider_cancelled(gateway, simulator):
    from simulator import delta

    async def endless(request, reply):
        import asyncio
        await reply.begin_stream()
        while True:
            await reply.event(delta("more and more text "))
            await asyncio.sleep(0.01)

    simulator.behaviour = endless
    for _ in range(5):
        connection = gateway.connect()
        body = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"x"}]}'
        connection.sendall(head(gateway, f"Content-Length: {len(body)}") + body)
        connection.recv(4096)
        connection.close()
    eventually(lambda: len(simulator.journal) == 5 and all(r.client_left for r in simulator.journal))
    rows = gateway.wait_rows(5)
    assert {(r["outcome"], r["usage_source"]) for r in rows} == {("cancelled", "estimated")}
    assert all(r["output_tokens"] > 0 for r in rows)


def test_a_reader_that_stalls_is_cut_and_bounded(make_gateway, simulator):
    from simulator import delta

    async def flood(request, reply):
        await reply.begin_stream()
        for _ in range(20_000):
            await reply.event(delta("x" * 1000))
        await reply.event("[DONE]")
        await reply.end_stream()

    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii=None)},
                           listen="  timeouts: {write_stall: 1s}\n")
    simulator.behaviour = flood
    connection = gateway.connect()
    body = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"x"}]}'
    connection.sendall(head(gateway, f"Content-Length: {len(body)}") + body)
    eventually(lambda: simulator.journal and simulator.journal[0].client_left, limit=10)
    connection.close()
    [row] = gateway.wait_rows(1)
    assert row["outcome"] == "cancelled"


def test_no_client_is_ever_answered_with_anothers_call(make_gateway, simulator):
    """Connections of one loop must share no buffer: each call's text comes back to the one who sent it."""
    import threading
    gateway = make_gateway({"sim": provider(simulator)}, plaintext=True)
    key, wrong = gateway.key(), []

    def client(name):
        for i in range(60):
            text = f"{name}-{i} " + name * (400 + 37 * i)
            body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": text}]}).encode()
            connection = gateway.connect()
            connection.sendall(head(gateway, f"Content-Length: {len(body)}", "Connection: close") + body)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            if status(answer) != 200 or f"echo: {text}".encode() not in answer:
                wrong.append((name, i, answer[:200]))

    threads = [threading.Thread(target=client, args=(name,)) for name in ("a", "b", "c", "d")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == [] and key
