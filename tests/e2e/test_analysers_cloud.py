"""Detectors of two clouds, Azure AI Language and Amazon Comprehend, asked before the scrub. The simulators hold what
they are asked against what the vendors publish, and count offsets themselves in the units they were asked for."""
import asyncio
import json
import re
import unicodedata

import botocore.parsers
import botocore.session
import botocore.validate
import clouds
import pytest
from dialects import Refused, need
from gateway import SLOW, Gateway, department, eventually, model, provider
from simulator import Simulator, prompt_text

NAMES = re.compile(r"Anna Müller|Jürgen Groß|Zoe\u0308 Ķalniņa")
PHONE = re.compile(r"extension \d{4}")
EMAIL = "anna.berger@example.com"
TEXT = f'💚👩‍🚀 "Anna Müller"\n and Zoe\u0308 Ķalniņa\t(漢字), {EMAIL}, extension 4711'


def units(text, kind):
    """How long a text is in what Azure calls its string index types."""
    if kind == "UnicodeCodePoint":
        return len(text)
    need(kind == "Utf16CodeUnit", "these tests count no graphemes, which is the service's default")
    return len(text.encode("utf-16-le")) // 2


def text_elements(text):
    """At least how many: marks join what stands before them."""
    return sum(not unicodedata.combining(c) for c in text)


class AzureLanguage:
    """POST {endpoint}/language/:analyze-text (learn.microsoft.com/rest/api/language/text-analysis-runtime/analyze-text)."""

    def __init__(self):
        self.entra, self.fault, self.asked = clouds.Entra(), None, []

    async def __call__(self, request, reply):
        if self.fault:
            return await self.fault(request, reply)
        try:
            await reply.plain(200, self.answer(request))
        except Refused as refused:
            await reply.plain(refused.status, {"error": {"code": str(refused.status), "message": refused.message}})

    def answer(self, request):
        self.check_caller(request)
        need(request.method == "POST" and request.target == "/language/:analyze-text?api-version=2024-11-01", "path")
        need(request.headers["content-type"] == "application/json", "content type")
        asked = request.json
        need(asked.keys() == {"kind", "parameters", "analysisInput"} and asked["kind"] == "PiiEntityRecognition", "kind")
        parameters, documents = asked["parameters"], asked["analysisInput"]["documents"]
        need(parameters.keys() == {"loggingOptOut", "piiCategories", "stringIndexType"}, "parameters")
        need(parameters["loggingOptOut"] is True and parameters["piiCategories"] == ["Person", "PhoneNumber"], "what")
        need(1 <= len(documents) <= 5, "at most five documents")
        need(len({d["id"] for d in documents}) == len(documents), "ids are unique")
        self.asked.append([d["text"] for d in documents])
        judged = [self.judge(d, parameters["stringIndexType"]) for d in documents]
        return {"kind": "PiiEntityRecognitionResults",
                "results": {"documents": [d for d in reversed(judged) if "error" not in d],
                            "errors": [d for d in judged if "error" in d], "modelVersion": "2025-11-01"}}

    def check_caller(self, request):
        if "authorization" in request.headers:
            return self.entra.tokens.check(request)
        if request.headers.get("ocp-apim-subscription-key") != "planted-language-key":
            raise Refused(401, "Access denied due to invalid subscription key or wrong API endpoint.")

    def judge(self, document, index_type):
        need(document.keys() == {"id", "language", "text"} and document["language"] == "de", "document")
        text = document["text"]
        if not text.strip() or text_elements(text) > 5120 or "unreadable" in text:
            return {"id": document["id"], "error": {"code": "InvalidArgument", "message": f"Invalid document: {text}"}}
        found = [("Person", m) for m in NAMES.finditer(text)] + [("PhoneNumber", m) for m in PHONE.finditer(text)]
        return {"redactedText": "***", "id": document["id"], "warnings": [], "entities": [
            {"text": m[0], "category": category, "offset": units(text[:m.start()], index_type),
             "length": units(m[0], index_type), "confidenceScore": 0.94} for category, m in found]}


class Comprehend:
    """DetectPiiEntities in the JSON protocol, held against botocore's model of the service, by botocore."""

    def __init__(self):
        self.aws, self.fault, self.asked = clouds.Aws(), None, []
        self.operation = botocore.session.Session().get_service_model("comprehend").operation_model("DetectPiiEntities")

    async def __call__(self, request, reply):
        if self.fault:
            return await self.fault(request, reply)
        try:
            await reply.plain(200, self.answer(request))
        except Refused as refused:
            kind = "UnrecognizedClientException" if refused.status == 403 else "InvalidRequestException"
            await reply.plain(400, {"__type": kind, "Message": refused.message})

    def answer(self, request):
        self.aws.check(request, "comprehend")
        metadata = self.operation.service_model.metadata
        need(request.method == "POST" and request.target == self.operation.http["requestUri"], "path")
        need(request.headers["x-amz-target"] == f"{metadata['targetPrefix']}.{self.operation.name}", "target")
        need(request.headers["content-type"] == f"application/x-amz-json-{metadata['jsonVersion']}", "content type")
        asked = request.json
        report = botocore.validate.ParamValidator().validate(asked, self.operation.input_shape)
        need(not report.has_errors() and asked.keys() == self.operation.input_shape.members.keys(), str(asked.keys()))
        need(asked["LanguageCode"] in self.operation.input_shape.members["LanguageCode"].enum, "language")
        need(len(asked["Text"].encode()) <= 100_000, "TextSizeLimitExceededException")
        self.asked.append([asked["Text"]])
        found = [("NAME", m) for m in NAMES.finditer(asked["Text"])] + [("PIN", m) for m in PHONE.finditer(asked["Text"])]
        body = {"Entities": [{"Score": 0.9995, "Type": kind, "BeginOffset": m.start(), "EndOffset": m.end()}
                             for kind, m in found]}
        self.check_own(body)
        return body

    def check_own(self, body):
        """What this simulator says is what the SDK understands."""
        parser = botocore.parsers.create_parser("json")
        parsed = parser.parse({"status_code": 200, "headers": {}, "body": json.dumps(body).encode()},
                              self.operation.output_shape)
        assert parsed["Entities"] == body["Entities"]
        types = self.operation.output_shape.members["Entities"].member.members["Type"].enum
        assert all(entity["Type"] in types for entity in body["Entities"])


class House:
    def __init__(self, folder):
        self.provider, self.azure, self.comprehend = Simulator(), AzureLanguage(), Comprehend()
        self.cloud = clouds.listen(folder, ("/language/", self.azure), ("/oauth2/", self.azure.entra.token),
                                   ("/", self.comprehend))
        for name, secret in (("provider", "provider-secret-key"), ("azure", "planted-language-key"),
                             ("entra", "planted-client-secret"), ("aws", "planted-secret/+key")):
            (folder / f"{name}.key").write_text(secret + "\n")
            (folder / f"{name}.key").chmod(0o600)
        at = f"'https://127.0.0.1:{self.cloud.port}'"
        azure = f"kind: azure_language, url: {at}, entities: {{Person: PERSON, PhoneNumber: EXTENSION}}, language: de"
        reach = f"egress: {{ca: {folder / 'cloud.crt'}}}, timeout: {SLOW}s, pause: 400ms, max_failures"
        entra = f"{{tenant: contoso, client_id: planted-app, client_secret: {{file: entra.key}}, authority: {at}}}"
        aws = "{region: eu-west-1, static_keys: {access_key_id: AKIAPLANTED, secret_access_key: {file: aws.key}}}"
        analysers = {
            "azure": f"{azure}, auth: {{api_key: {{file: azure.key}}}}, {reach}: 1000",
            "tokens": f"{azure}, auth: {{entra: {entra}}}, {reach}: 1000",
            "stranger": f"{azure}, auth: {{api_key: {{file: aws.key}}}}, {reach}: 1000",
            "brittle": f"{azure}, auth: {{api_key: {{file: azure.key}}}}, {reach}: 2",
            "comprehend": f"kind: comprehend, url: {at}, auth: {{aws: {aws}}}, {reach}: 1000, "
                          "entities: {NAME: PERSON, PIN: EXTENSION}, language: de"}
        policies = {name: "on_error: block" for name in analysers} | {"azure_pass": "on_error: pass",
                                                                      "comprehend_pass": "on_error: pass"}
        self.gateway = Gateway(folder, {"sim": provider(self.provider)}, models={"gpt": model()},
                               departments={name: department(name, pii=name) for name in policies}, main="workers: 1\n")
        listed = ", ".join(f"{{name: {name}, {yaml}}}" for name, yaml in analysers.items())
        written = ", ".join(f"{name}: {{analysers: [{name.removesuffix('_pass')}], {more}}}"
                            for name, more in policies.items())
        self.gateway.config.write_text(self.gateway.config.read_text().replace(
            "pii: {policies: {", f"pii: {{analysers: [{listed}], policies: {{{written}, "))
        for name in policies:
            self.gateway.new_key(name)
        self.gateway.start()

    def chat(self, text, department, **more):
        return self.gateway.chat(text, key=self.gateway.key(department), **more)

    def sent(self):
        return prompt_text(self.provider.journal[-1])

    def failures(self, analyser, reason):
        return self.gateway.metric("tollgate_pii_analyser_failures_total", analyser=analyser, reason=reason)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("clouds"))
    yield made
    assert made.gateway.stop() == 0
    log = made.gateway.log_path.read_text()
    for secret in ("planted-language-key", "planted-client-secret", "planted-secret", "planted-token", "Müller"):
        assert secret not in log
    made.provider.close()
    made.cloud.close()


@pytest.fixture
def house(running):
    for cloud in (running.azure, running.comprehend):
        cloud.fault = None
        cloud.asked.clear()
    running.provider.forget()
    return running


def said(status, body, stream=False):
    assert status == 200, body
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    events = [json.loads(line[6:]) for line in body.decode().split("\n\n") if line.startswith("data: {")]
    return "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])


@pytest.mark.parametrize("analyser", ("azure", "tokens", "comprehend"))
@pytest.mark.parametrize("stream", (False, True), ids=("plain", "streamed"))
def test_names_leave_as_pseudonyms_and_come_back(house, analyser, stream):
    text = f"{TEXT} {stream}"
    status, _, body = house.chat(text, analyser, stream=stream)
    assert said(status, body, stream) == "echo: " + text
    token = r"Tgx\w{22}"
    assert re.fullmatch(f'💚👩‍🚀 "{token}"\n and {token}\t\\(漢字\\), {token}, {token} {stream}', house.sent())
    asked = (house.comprehend if analyser == "comprehend" else house.azure).asked
    assert asked == [[text]]


@pytest.mark.parametrize("analyser,requests,documents", (("azure", 3, 5), ("comprehend", 1, 1)))
def test_a_long_text_goes_out_in_pieces_and_no_name_is_lost_between_them(house, analyser, requests, documents):
    crowd = "".join(f"({i}) 漢字 the regards of Jürgen Groß and Anna Müller to all of you{'.' * (i % 3)} " for i in range(900))
    assert 10 * 5120 < len(crowd) < 14 * 5120 and len(crowd.encode()) < 99_000
    status, _, body = house.chat(crowd, analyser)
    assert said(status, body) == "echo: " + crowd
    assert not NAMES.search(house.sent()) and len(re.findall(r"Tgx\w{22}", house.sent())) == 1800
    asked = (house.comprehend if analyser == "comprehend" else house.azure).asked
    assert len(asked) == requests and max(map(len, asked)) == documents
    assert all(text in crowd for texts in asked for text in texts)


def test_more_than_comprehend_takes_goes_out_in_several_requests(house):
    crowd = "Anna Müller wrote. " * 8_000
    status, _, body = house.chat(crowd, "comprehend")
    assert said(status, body) == "echo: " + crowd and not NAMES.search(house.sent())
    assert len(house.comprehend.asked) == 2 and all(text[0].endswith(". ") for text in house.comprehend.asked)


@pytest.mark.parametrize("analyser", ("azure", "comprehend"))
def test_a_history_is_asked_about_once_and_in_one_request(house, analyser):
    history = [{"role": "user", "content": f"{analyser} {i}: Anna Müller and others"} for i in range(30)]
    history.insert(3, {"role": "user", "content": " \n\u3000"})  # what no service takes
    for turn in (30, 31):
        asked = {"model": "gpt", "messages": history[:turn]}
        assert house.gateway.request(asked, key=house.gateway.key(analyser))[0] == 200
        assert "Müller" not in house.provider.journal[-1].body.decode()
    cloud = house.comprehend if analyser == "comprehend" else house.azure
    assert [len(texts) for texts in cloud.asked] == [1, 1] and cloud.asked[0][0].count("Anna") == 29
    assert cloud.asked[1] == [f"{analyser} 29: Anna Müller and others"]


def says(status, body):
    async def behave(request, reply):
        await reply.plain(status, body)
    return behave


async def late(request, reply):
    await asyncio.sleep(2.5 * SLOW)
    await reply.plain(200, {})


async def endless(request, reply):
    await reply.plain(200, b'{"Entities":[' + b" " * (5 << 20))


FAULTS = {
    "throttled": ("status", says(429, {"error": {"code": "429", "message": "Too Many Requests"}})),
    "throttled by amazon": ("status", says(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})),
    "down": ("status", says(503, b"")),
    "late": ("timeout", late),
    "of somebody else": ("answer", says(200, "<html>Anna Müller</html>".encode())),
    "empty": ("answer", says(200, {})),
    "endless": ("answer", endless),
    "refusing our key": ("credentials", says(401, {"error": {"code": "401"}})),
    "refusing our signature": ("credentials", says(403, {"__type": "InvalidSignatureException"})),
}


@pytest.mark.parametrize("analyser", ("azure", "comprehend"))
@pytest.mark.parametrize("fault", FAULTS)
def test_when_it_fails_the_policy_decides(house, analyser, fault):
    reason, behaviour = FAULTS[fault]
    cloud = house.comprehend if analyser == "comprehend" else house.azure
    cloud.fault = behaviour
    before, text = house.failures(analyser, reason), f"Anna Müller, {fault}, {EMAIL}"
    status, _, body = house.chat(text, analyser)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (503, "pii_scan_failed") and house.provider.journal == []
    assert "127.0.0.1" not in str(error) and "Müller" not in str(error)
    assert house.chat(text, analyser + "_pass")[0] == 200
    assert house.sent().startswith("Anna Müller, ") and EMAIL not in house.sent()
    assert house.failures(analyser, reason) == before + 2

    cloud.fault = None
    assert house.chat(text, analyser)[0] == 200
    assert "Müller" not in house.sent(), "a failure is not remembered"


def test_a_document_that_azure_does_not_judge_is_no_document_without_names(house):
    texts = ["Anna Müller " + "and so on. " * 463, "unreadable Jürgen Groß"]
    asked = {"model": "gpt", "messages": [{"role": "user", "content": text} for text in texts]}
    before = house.failures("azure", "document")
    status, _, body = house.gateway.request(asked, key=house.gateway.key("azure"))
    assert (status, json.loads(body)["error"]["code"]) == (503, "pii_scan_failed") and house.provider.journal == []
    assert [len(texts) for texts in house.azure.asked] == [2] and house.failures("azure", "document") == before + 1
    assert house.gateway.request(asked, key=house.gateway.key("azure_pass"))[0] == 200


def test_a_wrong_key_is_the_gateways_trouble_and_not_the_callers(house):
    status, _, body = house.chat("Anna Müller", "stranger")
    assert (status, json.loads(body)["error"]["code"]) == (503, "pii_scan_failed") and b"subscription" not in body
    assert house.failures("stranger", "credentials") == 1


def test_one_token_serves_many_calls(house):
    for i in range(3):
        assert house.chat(f"Anna Müller, token {i}", "tokens")[0] == 200 and "Müller" not in house.sent()
    assert len(house.azure.entra.tokens.issued) == 1


def test_one_that_fails_again_and_again_is_not_asked_for_a_while(house):
    house.azure.fault = says(429, {})
    for i in range(3):
        assert house.chat(f"Anna Müller, try {i}", "brittle")[0] == 503
    eventually(lambda: house.failures("brittle", "paused") == 1)
    assert house.failures("brittle", "status") == 2
    house.azure.fault = None
    eventually(lambda: house.chat("Anna Müller is back", "brittle")[0] == 200)
    assert "Müller" not in house.sent()
