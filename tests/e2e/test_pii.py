"""Personal data: nothing leaves that should not, and what comes back is whole, whatever the chunking."""
import asyncio
import json
import re

import pytest
from gateway import department, provider
from simulator import completion, delta, prompt_text, usage_of

EMAIL, CARD, IBAN = "anna.berger@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
TOKEN = re.compile(r"Tgx[A-Za-z0-9]{22}")


def read_stream(gateway, text, **more):
    """Sends a streamed call and yields the content pieces as they arrive."""
    connection = gateway.connect()
    body = json.dumps({"model": "gpt", "stream": True, "messages": [{"role": "user", "content": text}], **more}).encode()
    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (gateway.key().encode(), len(body)) + body)
    file = connection.makefile("rb")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = file.readline()
        assert line, head
        head += line
    assert b" 200 " in head, head
    while True:
        size = int(file.readline().strip(), 16)
        data = file.read(size)
        file.readline()
        if size == 0:
            connection.close()
            return
        for line in data.split(b"\n"):
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                for choice in event.get("choices", []):
                    if choice["delta"].get("content"):
                        yield choice["delta"]["content"]


def test_values_leave_as_pseudonyms_and_come_back_in_a_plain_answer(gateway, simulator):
    text = f"Write to {EMAIL}, pay with {CARD} or {IBAN}."
    status, _, body = gateway.chat(text)
    assert status == 200
    sent = simulator.journal[0].body.decode()
    assert EMAIL not in sent and "4111" not in sent and "0532" not in sent
    assert len(TOKEN.findall(sent)) == 3
    assert json.loads(body)["choices"][0]["message"]["content"] == "echo: " + text
    [row] = gateway.wait_rows(1)
    assert row["pii_found"] == 3
    assert gateway.metric("tollgate_pii_found_total", type="EMAIL_ADDRESS") == 1
    assert gateway.metric("tollgate_pii_restored_total") == 3
    log = gateway.log_path.read_text()
    assert EMAIL not in log and "4111" not in log


def test_the_same_value_is_the_same_pseudonym_in_every_call_and_role(gateway, simulator):
    for role in ("system", "user", "assistant"):
        gateway.request({"model": "gpt", "messages": [{"role": role, "content": f"about {EMAIL}"},
                                                      {"role": "user", "content": [{"type": "text", "text": EMAIL}]}]})
    tokens = set(TOKEN.findall("".join(r.body.decode() for r in simulator.journal)))
    assert len(tokens) == 1


def test_a_history_that_was_seen_is_not_scanned_again_and_scrubbed_alike(gateway, simulator):
    history = [{"role": "user", "content": f"step {i}: \"{EMAIL}\"\n" + "nothing to see here " * 40} for i in range(5)]
    for turn in range(1, 6):
        assert gateway.request({"model": "gpt", "messages": history[:turn]})[0] == 200
    assert gateway.metric("tollgate_pii_cache_misses_total") == 5
    assert gateway.metric("tollgate_pii_cache_hits_total") == 4 + 3 + 2 + 1
    for earlier, later in zip(simulator.journal, simulator.journal[1:]):
        assert EMAIL not in later.body.decode()
        assert later.json["messages"][:len(earlier.json["messages"])] == earlier.json["messages"]
    assert gateway.metric("tollgate_pii_found_total", type="EMAIL_ADDRESS") == 1 + 2 + 3 + 4 + 5


def test_escapes_and_json_inside_json_are_scrubbed_in_place(gateway, simulator):
    arguments = json.dumps({"to": EMAIL, "note": 'say "hi"'})
    status, _, _ = gateway.request({"model": "gpt", "messages": [
        {"role": "user", "content": f"caf\u00e9\n\"{EMAIL}\"\t"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c1", "content": f"sent to {EMAIL}"}]})
    assert status == 200
    sent = simulator.journal[0].json["messages"]
    token = TOKEN.findall(sent[0]["content"])[0]
    assert sent[0]["content"] == f"caf\u00e9\n\"{token}\"\t"
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"to": token, "note": 'say "hi"'}
    assert sent[2]["content"] == f"sent to {token}"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 24, 25, 26, 1000])
def test_a_stream_is_restored_however_it_is_cut(gateway, simulator, size):
    async def pieces(request, reply):
        text = prompt_text(request)
        await reply.begin_stream()
        for i in range(0, len(text), size):
            await reply.event(delta(text[i:i + size]))
        await reply.event(delta(finish="stop"))
        await reply.event(delta(choices=False, usage=usage_of(5, 5)))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = pieces
    text = f"Mail {EMAIL} Tg Tgx {CARD}{IBAN} and Tgxnothing"
    assert "".join(read_stream(gateway, text)) == text


def test_lock_step_each_chunk_reaches_the_client_before_the_provider_sends_the_next(gateway, simulator):
    """The provider sends chunk k+1 only after the client has read chunk k: nothing may be held back without need."""
    taken = []

    async def step_by_step(request, reply):
        await reply.begin_stream()
        for k in range(20):
            await reply.event(delta(f"part {k} "))
            while len(taken) <= k:
                await asyncio.sleep(0.001)
        await reply.event(delta(finish="stop"))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = step_by_step
    for piece in read_stream(gateway, f"my address is {EMAIL}"):
        taken.append(piece)
    assert "".join(taken) == "".join(f"part {k} " for k in range(20))


def test_lock_step_holds_back_only_what_could_be_a_pseudonym(gateway, simulator):
    """Text before a pseudonym that is only half there must be out already."""
    taken = []

    async def half(request, reply):
        token = TOKEN.findall(prompt_text(request))[0]
        await reply.begin_stream()
        await reply.event(delta("Dear " + token[:10]))
        while "".join(taken) != "Dear ":
            await asyncio.sleep(0.001)
        await reply.event(delta(token[10:] + "!"))
        while "".join(taken) != f"Dear {EMAIL}!":
            await asyncio.sleep(0.001)
        await reply.event(delta(finish="stop"))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = half
    for piece in read_stream(gateway, f"my address is {EMAIL}"):
        taken.append(piece)
    assert "".join(taken) == f"Dear {EMAIL}!"


def test_a_pseudonym_that_the_model_invents_stays_as_it_is(gateway, simulator):
    invented = "TgxEM" + "A" * 20

    async def invent(request, reply):
        await reply.plain(200, completion(f"ask {invented} or {TOKEN.findall(prompt_text(request))[0]}"))

    simulator.behaviour = invent
    _, _, body = gateway.chat(f"who? {EMAIL}")
    assert json.loads(body)["choices"][0]["message"]["content"] == f"ask {invented} or {EMAIL}"


def test_restored_tool_arguments_stay_json(gateway, simulator):
    async def tool(request, reply):
        token = TOKEN.findall(prompt_text(request))[0]
        arguments = json.dumps({"to": token, "cc": [token]})
        await reply.begin_stream()
        await reply.event(delta(role="assistant", tool_calls=[
            {"index": 0, "id": "c", "type": "function", "function": {"name": "mail", "arguments": ""}}]))
        for i in range(0, len(arguments), 4):
            await reply.event(delta(tool_calls=[{"index": 0, "function": {"arguments": arguments[i:i + 4]}}]))
        await reply.event(delta(finish="tool_calls"))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = tool
    connection = gateway.connect()
    body = json.dumps({"model": "gpt", "stream": True, "messages": [{"role": "user", "content": EMAIL}]}).encode()
    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                       b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (gateway.key().encode(), len(body)) + body)
    raw = b"".join(iter(lambda: connection.recv(65536), b""))
    arguments = ""
    for line in raw.split(b"\n"):
        if line.startswith(b"data: {"):
            for call in json.loads(line[6:])["choices"][0]["delta"].get("tool_calls", []):
                arguments += call["function"].get("arguments", "")
    assert json.loads(arguments) == {"to": EMAIL, "cc": [EMAIL]}


def test_definitions_are_scrubbed_and_what_they_name_stays(gateway, simulator):
    """A value that is hidden in a schema comes back as itself in the arguments that the schema allows."""
    def request(value):
        schema = {"type": "object", "properties": {EMAIL: {"enum": [value, "nobody"], "description": f"not {value}"}}}
        return {"model": "gpt", "messages": [{"role": "user", "content": "hello"}], "stop": [value],
                "metadata": {"case": value}, "response_format": {"type": "json_schema", "json_schema": {
                    "name": "form", "schema": {"const": value}}},
                "tools": [{"type": "function", "function": {"name": "mail", "description": f"to {value}",
                                                            "parameters": schema}}]}

    async def first_choice(request, reply):
        value = request.json["tools"][0]["function"]["parameters"]["properties"][EMAIL]["enum"][0]
        answer = completion(None, finish="tool_calls")
        answer["choices"][0]["message"]["tool_calls"] = [{"id": "c", "type": "function", "function": {
            "name": "mail", "arguments": json.dumps({"to": value})}}]
        await reply.plain(200, answer)

    simulator.behaviour = first_choice
    status, _, body = gateway.request(request(EMAIL))
    assert status == 200
    sent = simulator.journal[0].body.decode()
    [token] = set(TOKEN.findall(sent))
    assert simulator.journal[0].body == json.dumps(request(token) | {"model": "sim-1"}).encode(), "keys and names stay"
    called = json.loads(body)["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(called["arguments"]) == {"to": EMAIL}


def test_departments_do_not_share_pseudonyms(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)},
                           departments={"retail": department(), "legal": department("legal")})
    gateway.chat(EMAIL)
    gateway.chat(EMAIL, key=gateway.key("legal"))
    a, b = (TOKEN.findall(r.body.decode())[0] for r in simulator.journal)
    assert a != b


def test_a_blocking_policy_refuses_and_names_the_type_not_the_value(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department(pii="no-cards")},
                           start=False)
    text = gateway.config.read_text().replace(
        "pii: {policies: {", "pii: {policies: {no-cards: {action: pseudonymise, types: {CREDIT_CARD: block}}, ")
    gateway.config.write_text(text)
    gateway.start()
    status, _, body = gateway.chat(f"card {CARD}")
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (403, "pii_blocked") and "CREDIT_CARD" in error["message"] and "4111" not in str(error)
    assert simulator.journal == []
    [row] = gateway.wait_rows(1)
    assert row["outcome"] == "permission_denied" and row["input_tokens"] == 0
