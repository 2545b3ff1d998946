"""Somebody else's detector, asked over HTTP: what it finds is scrubbed like everything else, and when it fails the
policy decides. The simulator speaks Presidio's API and checks what it is asked."""
import asyncio
import json
import re
import time

import pytest
from gateway import SLOW, Gateway, department, eventually, model, provider, run
from simulator import Simulator, prompt_text

NAMES = re.compile(r"Anna Müller|Jürgen Groß")
TOKEN = re.compile(r"Tgx[A-Za-z0-9]{22}")
EMAIL = "anna.berger@example.com"


async def presidio(request, reply):
    """POST /analyze of presidio-analyzer: a list of results, offsets in code points."""
    assert request.target == "/base/analyze" and request.raw_head.startswith(b"POST ")
    assert request.headers["content-type"] == "application/json"
    asked = request.json
    assert asked.keys() == {"text", "language", "entities"} and asked["language"] == "de"
    assert asked["entities"] == ["PERSON", "EMAIL_ADDRESS", "LOCATION"]
    found = [{"analysis_explanation": None, "end": m.end(), "entity_type": "PERSON", "score": 0.85, "start": m.start(),
              "recognition_metadata": {"recognizer_identifier": "SpacyRecognizer_1", "recognizer_name": "SpacyRecognizer"}}
             for m in NAMES.finditer(asked["text"])]
    found += [{"end": m.end(), "entity_type": "LOCATION", "score": 0.3, "start": m.start()}
              for m in re.finditer("Zürich", asked["text"])]
    await reply.plain(200, found)


class House:
    def __init__(self, folder):
        self.provider, self.presidio = Simulator(), Simulator()
        self.presidio.behaviour = presidio
        (folder / "provider.key").write_text("provider-secret-key\n")
        (folder / "provider.key").chmod(0o600)
        self.gateway = Gateway(
            folder, {"sim": provider(self.provider)}, models={"gpt": model(), "whisper": model("whisper")},
            departments={name: department(name, "[gpt, whisper]", pii=policy) for name, policy in
                         (("retail", "careful"), ("press", "lenient"), ("desk", "strict"))})
        analyser = (f"{{name: ner, kind: presidio, url: 'http://127.0.0.1:{self.presidio.port}/base', plain_http: true, "
                    f"entities: [PERSON, EMAIL_ADDRESS, LOCATION], language: de, timeout: {SLOW}s, "
                    "max_failures: 4, pause: 400ms}")
        text = self.gateway.config.read_text().replace(
            "pii: {policies: {", f"pii: {{analysers: [{analyser}], policies: {{careful: {{analysers: [ner]}}, "
            "lenient: {analysers: [ner], on_error: pass, detectors: {PERSON: {action: redact}}}, ")
        self.gateway.config.write_text(text)
        for name in ("retail", "press", "desk"):
            self.gateway.new_key(name)
        self.gateway.start()

    def chat(self, text, department="retail"):
        return self.gateway.chat(text, key=self.gateway.key(department))

    def sent(self):
        return prompt_text(self.provider.journal[-1])


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("analysers"))
    yield made
    assert made.gateway.stop() == 0
    made.provider.close()
    made.presidio.close()


@pytest.fixture
def house(running):
    running.presidio.behaviour = presidio
    running.presidio.forget()
    running.provider.forget()
    return running


def test_names_leave_as_pseudonyms_and_come_back(house):
    text = f'💚 "Anna Müller"\n and Jürgen Groß of Zürich, {EMAIL}'
    status, _, body = house.chat(text)
    assert status == 200 and json.loads(body)["choices"][0]["message"]["content"] == "echo: " + text
    assert re.fullmatch(r'💚 "Tgx\w{22}"\n and Tgx\w{22} of Zürich, Tgx\w{22}', house.sent())
    assert house.presidio.journal[0].json["text"] == text
    eventually(lambda: house.gateway.metric("tollgate_pii_found_total", type="PERSON") == 2,
               what="both names in the figures")


def test_a_policy_gives_its_types_actions_of_their_own(house):
    house.chat("Anna Müller wrote", "press")
    assert house.sent() == "[PERSON] wrote"


def test_who_does_not_ask_for_it_is_not_kept_waiting_by_it(house):
    house.chat("Anna Müller wrote to the desk", "desk")
    assert house.sent() == "Anna Müller wrote to the desk" and house.presidio.journal == []


def test_a_history_is_asked_about_once_and_in_one_request(house):
    history = [{"role": "user", "content": f"{i}: Anna Müller and others"} for i in range(20)]
    for turn in (19, 20):
        assert house.gateway.request({"model": "gpt", "messages": history[:turn]})[0] == 200
        assert "Müller" not in house.provider.journal[-1].body.decode()
    asked = [r.json["text"] for r in house.presidio.journal]
    assert len(asked) == 2 and "18: Anna" in asked[0] and asked[1] == "19: Anna Müller and others"


def test_arguments_of_tools_stay_json(house):
    async def greedy(request, reply):
        await reply.plain(200, [{"entity_type": "PERSON", "start": 0, "end": len(request.json["text"]), "score": 0.9}])

    house.presidio.behaviour = greedy
    arguments = json.dumps({"to": "Eve", "cc": ["Bob"]})
    status, _, _ = house.gateway.request({"model": "gpt", "messages": [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"}]})
    assert status == 200
    sent = house.provider.journal[-1].json["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert "Eve" not in sent and "Bob" not in sent
    json.loads(sent)


async def slow(request, reply):
    await asyncio.sleep(3 * SLOW)
    await reply.plain(200, [])


async def broken(request, reply):
    await reply.plain(500, {"error": "Anna Müller: Internal Server Error"})


async def garbage(request, reply):
    await reply.plain(200, b"<html>Anna</html>")


async def outside(request, reply):
    await reply.plain(200, [{"entity_type": "PERSON", "start": 0, "end": 100_000, "score": 0.9}])


async def reset(request, reply):
    await reply.reset()


@pytest.mark.parametrize("behaviour,reason", [(slow, "timeout"), (broken, "status"), (garbage, "answer"),
                                              (outside, "answer"), (reset, "unreachable")])
def test_when_it_fails_the_policy_decides(house, behaviour, reason):
    house.presidio.behaviour = behaviour
    text = f"Anna Müller, {behaviour.__name__}, {EMAIL}"
    counted = house.gateway.metric("tollgate_pii_analyser_failures_total", reason=reason) or 0

    began = time.monotonic()
    status, _, body = house.chat(text)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (503, "pii_scan_failed") and house.provider.journal == []
    assert time.monotonic() - began < 2.5 * SLOW
    assert "ner" not in re.findall(r"\w+", error["message"]) and "127.0.0.1" not in str(error)

    status, _, _ = house.chat(text, "press")
    assert status == 200 and house.sent().startswith("Anna Müller, ") and EMAIL not in house.sent()
    assert house.gateway.metric("tollgate_pii_analyser_failures_total", reason=reason) == counted + 2
    assert "Müller" not in house.gateway.log_path.read_text()

    house.presidio.behaviour = presidio
    house.chat(text)
    assert "Müller" not in house.sent(), "a failure is not remembered"


def test_an_analyser_that_is_down_is_not_asked_for_a_while(house):
    def paused():
        return house.gateway.metric("tollgate_pii_analyser_failures_total", reason="paused") or 0

    house.presidio.behaviour = broken
    before = paused()
    for i in range(4):
        assert house.chat(f"Anna Müller, try {i}")[0] == 503
    asked = len(house.presidio.journal)
    for department, status in (("retail", 503), ("press", 200)):
        assert house.chat("Anna Müller, not asked about", department)[0] == status
    eventually(lambda: paused() == before + 2)
    assert len(house.presidio.journal) == asked == 4
    assert "pii_analyser_paused" in house.gateway.log_path.read_text()

    house.presidio.behaviour = presidio
    eventually(lambda: house.chat("Anna Müller is back")[0] == 200)
    assert "Müller" not in house.sent()


@pytest.mark.parametrize("command", (("scan",), ("scan", "--dry-run"), ("explain",), ("scan", "--jsonl")))
def test_the_command_line_says_whom_it_did_not_ask(house, command):
    text = json.dumps({"text": "Anna Müller"}) if "--jsonl" in command else "Anna Müller"
    done = run("pii", *command, "-c", house.gateway.config, "--policy", "careful", text=text + "\n")
    assert "analyser 'ner' was not asked" in done.stderr and house.presidio.journal == []
    if "--jsonl" in command:
        assert json.loads(done.stdout)["not_asked"] == ["ner"]
    quiet = run("pii", *command, "-c", house.gateway.config, "--policy", "strict", text=text + "\n")
    assert quiet.stderr == "" and "not_asked" not in quiet.stdout


def test_a_slow_analyser_keeps_nobody_else_waiting(house):
    house.presidio.behaviour = slow
    connection = house.gateway.connect()
    body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "Anna Müller waits"}]}).encode()
    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                       b"Content-Length: %d\r\n\r\n" % (house.gateway.key("retail").encode(), len(body)) + body)
    eventually(lambda: house.presidio.journal, what="a question to the analyser")
    assert house.chat("no names", "desk")[0] == 200
    assert house.presidio.journal[0].ended_at is None, "the other call still waits"
    assert b" 503 " in connection.recv(65536)
    connection.close()


def test_forms_with_files_that_nobody_analyses_follow_the_policy_too(house):
    form = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b\r\nContent-Disposition: '
            b'form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n')
    status, _, body = house.gateway.request(form, path="/audio/transcriptions",
                                            headers={"content-type": "multipart/form-data; boundary=b"})
    assert (status, json.loads(body)["error"]["code"]) == (503, "pii_scan_failed") and house.provider.journal == []
