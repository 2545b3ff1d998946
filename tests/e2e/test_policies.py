"""What a policy does with what is found, and what counts where several policies meet in one call."""
import json
import re
import secrets
import string
import zlib

import pytest
from gateway import Gateway, department, eventually, model, provider, run
from simulator import Simulator, completion, echo, prompt_text

EMAIL, CARD, IBAN = "anna.berger@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
TOKEN = re.compile(r"Tgx[A-Za-z0-9]{22}")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

PII = r"""pii:
  policy: everybody
  detectors:
    PROJECT: {words: [Blue Falcon], file: projects.txt}
    STAFF_NUMBER: {pattern: '\bE\d{6}\b', keywords: [staff]}
  policies:
    everybody: {action: log_only, types: {CREDIT_CARD: {action: mask, keep_last: 4}}}
    strict: {action: pseudonymise}
    digests: {action: hash}
    words: {action: redact}
    house: {action: allow, types: {IBAN_CODE: route_local_only}, on_opaque: local_only}
    text-only: {action: allow, on_opaque: refuse}
    desk: {action: redact, detectors: {PROJECT: {action: pseudonymise}, STAFF_NUMBER: {action: block}},
           never: [info@bank.example], countries: [DE]}
"""


BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_file_key():
    """As `keys create` would mint one, for the configuration file."""
    head = "tg_" + "_".join("".join(secrets.choice(BASE62) for _ in range(n)) for n in (12, 43))
    number, check = zlib.crc32(head.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = BASE62[digit] + check
    return f"{head}_{check}"


class House:
    """One gateway for the whole file, a provider outside, and one inside the house."""

    def __init__(self, folder):
        self.outside, self.inside = Simulator(), Simulator()
        (folder / "provider.key").write_text("provider-secret-key\n")
        (folder / "provider.key").chmod(0o600)
        self.gateway = Gateway(
            folder, {"out": provider(self.outside, "out"),
                     "in": provider(self.inside, "in").replace("processing: eu", "processing: local")},
            models={"gpt": model(target="out"), "careful": model("careful", "out", "pii: words\n"),
                    "both": "name: both\ntargets: [{provider: out, model: sim-1}]\n"
                            "fallback: [{provider: in, model: sim-1}]\n"},
            departments={name: department(name, "[gpt, careful, both]", pii=policy, more=more) for name, policy, more in
                         (("open", None, ""), ("desk", "desk", ""), ("retail", "strict", "  - {id: vault, pii: digests}\n"),
                          ("treasury", "house", ""), ("legal", "text-only", ""))})
        text = self.gateway.config.read_text()
        self.gateway.config.write_text(re.sub(r"pii: \{policies.*\n", lambda _: PII, text))
        self.file_key = new_file_key()
        (folder / "first-hour.key").write_text(self.file_key)
        (folder / "first-hour.key").chmod(0o600)
        with self.gateway.config.open("a") as config:
            config.write("keys: [{id: first-hour, department: retail, application: chat, pii: words, "
                         "key: {file: first-hour.key}}]\n")
        (folder / "projects.txt").write_text("# not yet announced\nGröße Neun\n")
        for name in ("open", "desk", "retail", "treasury", "legal"):
            self.gateway.new_key(name)
        self.vault = self.gateway.new_key("retail", "vault")
        self.gateway.start()

    def ask(self, text, who="retail", key=None, model="gpt"):
        """(status, answer, what the provider outside got)"""
        self.reset()
        status, headers, body = self.gateway.chat(text, model, key or self.gateway.key(who))
        answer = json.loads(body)
        answer = answer["error"] if status >= 400 else answer["choices"][0]["message"]["content"]
        sent = [prompt_text(r) for r in self.outside.journal]
        return status, answer, sent[0] if sent else None

    def reset(self):
        for simulator in (self.outside, self.inside):
            simulator.journal.clear()
            simulator.behaviour = echo

    def found(self, times, **labels):
        """The count is written after the answer's last byte."""
        eventually(lambda: self.gateway.metric("tollgate_pii_found_total", **labels) == times, what=f"{times} of {labels}")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    one = House(tmp_path_factory.mktemp("house"))
    yield one
    assert one.gateway.stop() == 0
    one.outside.close()
    one.inside.close()


def test_the_organisations_policy_covers_a_department_without_one(house):
    status, answer, sent = house.ask(f"Mail {EMAIL}, card {CARD}.", "open")
    assert status == 200
    assert sent == f"Mail {EMAIL}, card **** **** **** 1111."
    assert answer == "echo: " + sent, "a mask is for good"
    house.found(1, department="open", type="EMAIL_ADDRESS", action="log_only")
    house.found(1, department="open", type="CREDIT_CARD", action="mask")


def test_a_departments_stricter_policy_wins_over_the_organisations(house):
    text = f"Mail {EMAIL}, card {CARD}."
    _, answer, sent = house.ask(text)
    assert len(TOKEN.findall(sent)) == 2 and "1111" not in sent
    assert answer == "echo: " + text


def test_an_applications_policy_adds_to_its_departments(house):
    _, answer, sent = house.ask(f"Mail {EMAIL} or {EMAIL.upper()}", key=house.vault)
    digests = re.findall(r"\[EMAIL_ADDRESS:[a-z2-9]{20}\]", sent)
    assert len(digests) == 2 and digests[0] == digests[1]
    assert answer == "echo: " + sent


def rotated(house, key):
    key_id = key.split("_")[1]
    return run("keys", "rotate", "-c", house.gateway.config, key_id, "--overlap", "1h").stdout.strip()


def test_a_keys_policy_adds_to_its_applications_and_stays_when_it_is_rotated(house):
    create = ("keys", "create", "-c", house.gateway.config, "--department", "retail", "--application", "chat", "--pii")
    unknown = run(*create, "strictest", check=False)
    assert unknown.returncode != 0 and "policy 'strictest' is not configured" in unknown.stderr
    key = house.gateway.new_key("retail", "chat", "--pii", "words")
    successor = rotated(house, key)
    eventually(lambda: house.gateway.request(None, successor, "/models", "GET")[0] == 200, what="the successor")
    for one in (key, successor):
        assert house.ask(f"Mail {EMAIL}", key=one)[2] == "Mail [EMAIL_ADDRESS]"
    assert TOKEN.search(house.ask(f"Mail {EMAIL}")[2]), "other keys of the application are as before"
    listed = json.loads(run("keys", "list", "--json", "-c", house.gateway.config).stdout)
    assert [one["pii"] for one in listed if one["id"] == key.split("_")[1]] == ["words"]


def test_a_key_of_the_configuration_file_has_its_policy_there(house):
    assert house.ask(f"Mail {EMAIL}", key=house.file_key)[2] == "Mail [EMAIL_ADDRESS]"
    config = house.gateway.config
    before = config.read_text()
    config.write_text(before.replace("application: chat, pii: words", "application: chat, pii: wrods"))
    refused = run("config", "check", "-c", config, check=False)
    config.write_text(before)
    assert refused.returncode != 0 and "wrods" in refused.stdout + refused.stderr


def test_a_key_whose_policy_is_gone_can_call_nothing(house):
    config = house.gateway.config
    before = config.read_text()
    config.write_text(before.replace("    words: {", "    fleeting: {action: redact}\n    words: {"))
    house.gateway.reload()
    key = house.gateway.new_key("open", "chat", "--pii", "fleeting")
    assert house.ask(f"Mail {EMAIL}", key=key)[2] == "Mail [EMAIL_ADDRESS]"
    config.write_text(before)
    house.gateway.reload()
    rows = house.gateway.settled_rows()
    status, error, sent = house.ask(f"Mail {EMAIL}", key=key)
    assert (status, error["code"], sent) == (403, "pii_policy_missing", None)
    assert "nothing was sent" in error["message"] and "fleeting" not in str(error)
    assert house.gateway.new_rows(rows)[0]["department"] == "open"
    told = [line for line in house.gateway.log_lines() if line.get("event") == "pii_policy_missing"]
    assert [(line["credential"], line["policy"]) for line in told] == [(key.split("_")[1], "fleeting")]
    assert "fleeting (missing)" in run("keys", "list", "-c", config).stdout


def test_a_models_policy_holds_for_whoever_calls_it(house):
    _, _, sent = house.ask(f"Mail {EMAIL}, card {CARD}.", model="careful")
    assert sent == "Mail [EMAIL_ADDRESS], card [CREDIT_CARD]."


def test_what_only_local_models_may_see_goes_there_as_it_is(house):
    text = f"pay {IBAN}"
    status, answer, sent = house.ask(text, "treasury", model="both")
    assert (status, answer, sent) == (200, "echo: " + text, None)
    assert [prompt_text(r) for r in house.inside.journal] == [text]
    assert house.ask("pay nobody", "treasury", model="both")[2] == "pay nobody"


def test_what_only_local_models_may_see_is_refused_where_there_is_none(house):
    status, error, sent = house.ask(f"pay {IBAN}", "treasury")
    assert (status, error["code"], error["param"], sent) == (403, "pii_local_only", "model", None)
    assert "IBAN_CODE" in error["message"] and "`gpt`" in error["message"] and "3704" not in str(error)


def send_image(house, who, model="gpt"):
    house.reset()
    status, _, body = house.gateway.request(
        {"model": model, "messages": [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, IMAGE]}]},
        house.gateway.key(who))
    return status, json.loads(body).get("error", {}).get("code")


def test_what_no_scanner_reads_follows_the_policy(house):
    assert send_image(house, "open") == (200, None)
    assert send_image(house, "legal") == (403, "opaque_content_refused") and house.outside.journal == []
    assert send_image(house, "treasury") == (403, "pii_local_only") and house.outside.journal == []
    assert send_image(house, "treasury", "both") == (200, None)
    assert house.outside.journal == [] and len(house.inside.journal) == 1


UNKNOWN = {
    "/chat/completions": {"messages": [{"role": "user", "content": [{"type": "hologram", "data": EMAIL}]}]},
    "/messages": {"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "hologram", "data": EMAIL}]}]},
    "/responses": {"store": False, "input": [{"role": "user", "content": [{"type": "input_hologram", "data": EMAIL}]}]}}


@pytest.mark.parametrize("path", UNKNOWN)
def test_parts_that_nobody_knows_follow_the_policy_and_are_never_unseen(house, path):
    house.reset()

    def passed():
        return house.gateway.metric("tollgate_pii_opaque_total", department="open", rule="pass") or 0

    body, before = {"model": "gpt", **UNKNOWN[path]}, passed()
    status, _, answer = house.gateway.request(body, house.gateway.key("legal"), path)
    assert status == 403 and "may not send" in answer.decode() and house.outside.journal == []
    status, _, _ = house.gateway.request(body, house.gateway.key("open"), path)
    if status == 200:
        eventually(lambda: passed() == before + 1, what="the count of what was let through")
    else:
        assert status == 400 and house.outside.journal == [], "what cannot be translated goes nowhere"


TEXT = {
    "/chat/completions": '{"model": "gpt", "messages": [{"role": "user", "content": "%s"}]}',
    "/completions": '{"model": "gpt", "prompt": "%s"}',
    "/embeddings": '{"model": "gpt", "input": ["%s"]}',
    "/messages": '{"model": "gpt", "max_tokens": 9, "messages": [{"role": "user", "content": "%s"}]}',
    "/responses": '{"model": "gpt", "store": false, "input": "%s"}',
    "/v1beta/models/gpt:generateContent": '{"contents": [{"parts": [{"text": "%s"}]}]}',
    "/model/gpt/converse": '{"messages": [{"role": "user", "content": [{"text": "%s"}]}]}'}


@pytest.mark.parametrize("broken", (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\\ud800"),
                         ids=("byte", "overlong", "surrogate", "cut", "escape"))
@pytest.mark.parametrize("path", TEXT)
def test_text_that_cannot_be_read_is_refused_whatever_the_policy(house, path, broken):
    house.reset()
    body = (TEXT[path] % f"{EMAIL} ***").encode().replace(b"***", broken)
    for who in ("open", "legal"):
        status, _, answer = house.gateway.request(body, house.gateway.key(who), path)
        assert (status, house.outside.journal) == (400, []) and EMAIL.encode() not in answer


async def compressed(request, reply):
    await reply.plain(200, b"\x1f\x8b\x08 not to be read", [("content-encoding", "gzip")])


async def not_utf8(request, reply):
    await reply.plain(200, json.dumps(completion("***")).encode().replace(b"***", b"\xff\xfe"))


@pytest.mark.parametrize("answer", (compressed, not_utf8))
def test_an_answer_that_cannot_be_read_is_not_passed_on(house, answer):
    house.reset()
    house.outside.behaviour = answer
    for who in ("open", "legal"):
        status, headers, body = house.gateway.chat("hello", key=house.gateway.key(who))
        assert status == 502 and "content-encoding" not in headers
        json.loads(body)


@pytest.mark.parametrize("path, body", [("/embeddings", {"input": [1, 2, 3]}), ("/embeddings", {"input": [[1], [2]]}),
                                        ("/completions", {"prompt": [1, 2, 3]})])
def test_token_ids_are_text_that_no_scanner_reads(house, path, body):
    house.reset()
    status, _, answer = house.gateway.request({"model": "gpt", **body}, house.gateway.key("legal"), path)
    assert (status, json.loads(answer)["error"]["code"]) == (403, "opaque_content_refused")
    assert house.outside.journal == []


CALL = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": "{}"}}
TOOLS = {
    "/chat/completions": {"messages": [
        {"role": "user", "content": "hello"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "sent"}]}]},
    "/messages": {"max_tokens": 9, "messages": [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "mail", "input": {"n": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sent"}]}]},
    "/responses": {"store": False, "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        {"type": "function_call", "call_id": "c1", "name": "mail", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sent"}]}}


@pytest.mark.parametrize("path", TOOLS)
def test_tools_are_text_and_pass_where_only_text_may(house, path):
    house.reset()
    assert house.gateway.request({"model": "gpt", **TOOLS[path]}, house.gateway.key("legal"), path)[0] == 200


def test_the_houses_own_words_and_patterns_are_types_like_any_other(house):
    text = "The BLUE-FALCON deal and Grösse Neun."
    _, answer, sent = house.ask(text, "desk")
    assert "FALCON" not in sent and "Neun" not in sent and len(TOKEN.findall(sent)) == 2
    assert answer == "echo: " + text
    house.found(2, department="desk", type="PROJECT", action="pseudonymise")
    status, error, _ = house.ask("staff E123456", "desk")
    assert (status, error["code"]) == (403, "pii_blocked") and "STAFF_NUMBER" in error["message"]
    assert house.ask("order E123456", "desk")[0] == 200
    assert house.ask(text)[2] == text, "a policy that does not name a detector does not ask it"


def test_exceptions_and_countries_narrow_what_is_found(house):
    _, _, sent = house.ask(f"{EMAIL} or info@bank.example", "desk")
    assert sent == "[EMAIL_ADDRESS] or info@bank.example"
    _, _, sent = house.ask("SSN 536-22-8145", "desk")
    assert sent == "SSN 536-22-8145", "only German identifiers are looked for"


def test_the_log_tells_of_each_finding_and_never_its_value(house):
    house.ask(f"Mail {EMAIL}.", "open")
    house.ask(f"Mail {EMAIL.upper()}.", "open")

    def told():
        lines = [line["pii"] for line in house.gateway.log_lines() if line.get("status") == 200]
        return [m[1] for m in (re.fullmatch(r"EMAIL_ADDRESS log_only user \d+% 17-32 ([a-z2-9]{12}) email_address \(form\)", line)
                               for line in lines) if m]

    eventually(lambda: len(told()) == 2, what="both lines")
    assert told()[0] == told()[1]
    assert EMAIL not in house.gateway.log_path.read_text()


def test_the_command_line_explains_and_counts(house):
    text = f"Mail {EMAIL} or info@bank.example, staff E123456."
    options = ("-c", house.gateway.config, "--policy", "desk")
    explained = run("pii", "explain", *options, text=text).stdout
    assert re.search(r"EMAIL_ADDRESS score 0\.\d\d by email_address@2026-11 \(form\) redact", explained) and "listed under never" in explained
    assert "STAFF_NUMBER score 0.90 by staff_number@pii.detectors (named) block" in explained and EMAIL not in explained
    counted = run("pii", "scan", "--dry-run", *options, text=text).stdout
    assert re.search(r"STAFF_NUMBER +block +1", counted) and "would be refused" in counted and EMAIL not in counted


def test_rotated_keys_give_new_pseudonyms_and_still_restore_those_of_open_conversations(house):
    old = TOKEN.findall(house.ask(EMAIL)[2])[0]
    config = house.gateway.config
    config.write_text(config.read_text().replace("  policy: everybody\n", "  policy: everybody\n  key_epoch: 2\n"))
    house.gateway.reload()

    async def remembers(request, reply):
        await reply.plain(200, completion(f"earlier {old}, now {prompt_text(request)}"))

    house.reset()
    house.outside.behaviour = remembers
    _, _, body = house.gateway.chat(EMAIL, key=house.gateway.key("retail"))
    assert prompt_text(house.outside.journal[0]) != old
    assert json.loads(body)["choices"][0]["message"]["content"] == f"earlier {EMAIL}, now {EMAIL}"
