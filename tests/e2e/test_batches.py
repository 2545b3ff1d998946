"""Batches: a file of calls goes to a provider that keeps it, scrubbed line by line, and comes back by names of ours."""
import email.parser
import email.policy
import io
import json
import types
import uuid

import openai
import pytest
from gateway import department, eventually
from simulator import Simulator
from test_sdk import client_of

WHO = "jane.doe@example.com"


class Keeper(Simulator):
    """OpenAI's files and batches (API reference), kept in memory; a batch is done when it is first asked about."""

    def __init__(self):
        super().__init__()
        self.files, self.batches, self.usage_in_batch = {}, {}, False
        self.behaviour = self.answer

    async def _serve(self, reader, writer):
        """Forms come in chunks, which the plain simulator does not read."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = types.SimpleNamespace(head=head.decode())
                lines = request.head.split("\r\n")
                request.method, request.target, _ = lines[0].split(" ")
                request.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if line)}
                body = b""
                if "transfer-encoding" in request.headers:
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        body += (await reader.readexactly(size + 2))[:-2]
                    await reader.readexactly(2)
                else:
                    body = await reader.readexactly(int(request.headers.get("content-length", 0)))
                request.body = body
                self.journal.append(request)
                assert request.headers["authorization"] == "Bearer provider-secret-key"
                status, answer = self.answer(request)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
                             .encode() + data)
                await writer.drain()
        except Exception:
            writer.close()

    def answer(self, request):
        path, _, query = request.target.partition("?")
        assert path.startswith("/v1/"), path
        parts = path.split("/")[2:]
        kept = {"files": self.files, "batches": self.batches}[parts[0]]
        if len(parts) == 1 and request.method == "GET":
            return 200, self.page(kept, dict(p.split("=") for p in query.split("&") if p))
        if len(parts) == 1:
            return 200, self.new_file(request) if parts[0] == "files" else self.new_batch(json.loads(request.body))
        if parts[1] not in kept:
            return 404, {"error": {"message": f"No such object: {parts[1]}", "type": "invalid_request_error",
                                   "param": "id", "code": None}}
        if parts[2:] == ["content"]:
            return 200, kept[parts[1]]["content"]
        if parts[2:] == ["cancel"]:
            assert request.method == "POST" and request.body == b""
            kept[parts[1]]["object"]["status"] = "cancelling"
        elif request.method == "DELETE":
            del kept[parts[1]]
            return 200, {"id": parts[1], "object": "file", "deleted": True}
        elif parts[0] == "batches":
            self.finish(kept[parts[1]])
        return 200, kept[parts[1]]["object"]

    def page(self, kept, query):
        ids = list(reversed(kept))
        if "after" in query:
            ids = ids[ids.index(query["after"]) + 1:]
        limit = int(query.get("limit", 20))
        data = [kept[i]["object"] for i in ids[:limit]]
        return {"object": "list", "data": data, "first_id": data and data[0]["id"] or None,
                "last_id": data and data[-1]["id"] or None, "has_more": len(ids) > limit}

    def keep(self, name, content, purpose):
        made = f"file-{uuid.uuid4().hex}"
        self.files[made] = {"content": content, "object": {
            "id": made, "object": "file", "bytes": len(content), "created_at": 1, "filename": name,
            "purpose": purpose, "status": "processed"}}
        return self.files[made]["object"]

    def new_file(self, request):
        head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
        assert message.is_multipart() and not message.defects
        parts = {p.get_param("name", header="content-disposition"): p for p in message.iter_parts()}
        assert set(parts) == {"purpose", "file"} and parts["purpose"].get_payload(decode=True) == b"batch"
        content = parts["file"].get_payload(decode=True)
        for line in content.decode().splitlines():
            call = json.loads(line)
            assert set(call) == {"custom_id", "method", "url", "body"} and call["body"]["model"] == "sim-1", call
        return self.keep(parts["file"].get_filename(), content, "batch")

    def new_batch(self, order):
        assert order["completion_window"] == "24h" and order["input_file_id"] in self.files, order
        made = f"batch_{uuid.uuid4().hex}"
        self.batches[made] = {"object": {
            "id": made, "object": "batch", "endpoint": order["endpoint"], "errors": None, "created_at": 1,
            "input_file_id": order["input_file_id"], "completion_window": "24h", "status": "validating",
            "output_file_id": None, "error_file_id": None, "metadata": order.get("metadata"),
            "request_counts": {"total": 0, "completed": 0, "failed": 0}}}
        return self.batches[made]["object"]

    def finish(self, batch):
        batch = batch["object"]
        if batch["status"] != "validating":
            return
        lines = []
        for line in self.files[batch["input_file_id"]]["content"].decode().splitlines():
            call = json.loads(line)
            lines.append({"id": "batch_req_1", "custom_id": call["custom_id"], "error": None, "response": {
                "status_code": 200, "request_id": "req_1", "body": {
                    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "sim-1", "choices": [
                        {"index": 0, "finish_reason": "stop", "message": {
                            "role": "assistant", "content": "echo: " + call["body"]["messages"][0]["content"]}}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                              "prompt_tokens_details": {"cached_tokens": 40}}}}})
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        batch["output_file_id"] = self.keep(batch["id"] + "_output.jsonl", content, "batch_output")["id"]
        batch["status"] = "completed"
        if self.usage_in_batch:
            batch |= {"model": "sim-1", "usage": {
                "input_tokens": 100 * len(lines), "output_tokens": 10 * len(lines), "total_tokens": 110 * len(lines),
                "input_tokens_details": {"cached_tokens": 40 * len(lines)},
                "output_tokens_details": {"reasoning_tokens": 0}}}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One gateway, two keepers and a provider that keeps nothing, for the whole file."""
    from gateway import Gateway
    keepers = [Keeper(), Keeper()]
    folder = tmp_path_factory.mktemp("batches")
    (folder / "provider.key").write_text("provider-secret-key\n")
    (folder / "provider.key").chmod(0o600)
    theirs = (f"id: theirs\nkind: openai_compatible\nendpoint: {keepers[0].url}\nplain_http: true\n"
              "region: {processing: eu}\nauth: {bearer: {file: ../../provider.key}}\napis: [chat, batches]\n")
    other = theirs.replace("id: theirs", "id: other").replace(keepers[0].url, keepers[1].url)
    plain = theirs.replace("id: theirs", "id: plain").replace(", batches", "")
    gateway = Gateway(
        folder, {"theirs": theirs, "other": other, "plain": plain},
        {"gpt": "name: gpt\ntargets: [{provider: theirs, model: sim-1}]\n",
         "second": "name: second\ntargets: [{provider: other, model: sim-1}]\n",
         "mixed": "name: mixed\ntargets: [{provider: plain, model: sim-1}]\n"
                  "fallback: [{provider: theirs, model: sim-1}]\n",
         "none": "name: none\ntargets: [{provider: plain, model: sim-1}]\n"},
        {"retail": department(models="[gpt, second, mixed, none]"), "treasury": department("treasury"),
         "strict": department("strict", pii="blocking")})
    (folder / "conf.d/policies").mkdir()
    (folder / "conf.d/policies/blocking.yaml").write_text("name: blocking\naction: block\n")
    gateway.start()
    yield types.SimpleNamespace(gateway=gateway, keeper=keepers[0], other=keepers[1], client=client_of(gateway))
    code = gateway.stop()
    for keeper in keepers:
        keeper.close()
    assert code == 0, gateway.log_path.read_text()[-4000:]


@pytest.fixture
def ours(house):
    for keeper in (house.keeper, house.other):
        keeper.forget()
        keeper.usage_in_batch = False
    house.before = len(house.gateway.settled_rows())
    return house


def line(text="hi", custom_id="call-1", model="gpt", **more):
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": {
        "model": model, "messages": [{"role": "user", "content": text}], **more}})


def upload(client, *lines, name="calls.jsonl"):
    return client.files.create(file=(name, "\n".join(lines).encode() + b"\n"), purpose="batch")


def refused(client, *lines):
    with pytest.raises(openai.APIStatusError) as caught:
        upload(client, *lines)
    return caught.value


def test_a_batch_from_its_file_to_its_answers(ours):
    kept = upload(ours.client, line(f"mail {WHO}"), "", line("two", "call-2"), name=f"for {WHO}.jsonl")
    [request] = ours.keeper.journal
    assert WHO.encode() not in request.body and kept.purpose == "batch" and WHO not in kept.filename
    batch = ours.client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h",
                                       metadata={"for": WHO, "run": "7"})
    order = json.loads(ours.keeper.journal[1].body)
    assert WHO not in str(order) and order["metadata"]["run"] == "7" and len(order["metadata"]) == 3
    assert batch.status == "validating" and batch.input_file_id == kept.id and set(batch.metadata) == {"for", "run"}
    done = ours.client.batches.retrieve(batch.id)
    assert done.id == batch.id and done.status == "completed"
    answers = [json.loads(one) for one in ours.client.files.content(done.output_file_id).text.splitlines()]
    assert [a["custom_id"] for a in answers] == ["call-1", "call-2"]
    assert answers[1]["response"]["body"]["choices"][0]["message"]["content"] == "echo: two"
    for theirs in [*ours.keeper.files, *ours.keeper.batches]:
        assert theirs not in kept.to_json() + batch.to_json() + done.to_json()
    rows = ours.gateway.wait_rows(ours.before + 5)
    assert sorted(r["operation"] for r in rows[:5]) == ["batches", "batches", "batches", "file_content", "files"]
    assert [r["pii_found"] for r in rows if r["operation"] == "files"][0] == 2


def test_what_a_batch_used_is_counted_once(ours):
    kept = upload(ours.client, line(), line(custom_id="b"))
    batch = ours.client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    output = ours.client.batches.retrieve(batch.id).output_file_id
    ours.keeper.usage_in_batch = True
    for _ in range(3):
        ours.client.files.content(output).read()
        ours.client.batches.retrieve(batch.id)
    [used] = [r for r in ours.gateway.wait_rows(ours.before + 10)[:10] if r["input_tokens"]]
    assert (used["input_tokens"], used["cached_input_tokens"], used["output_tokens"]) == (200, 80, 20)
    assert (used["usage_source"], used["model_served"]) == ("provider_final", "sim-1")
    assert used["cost_nano"] == 200 * 1000 + 20 * 4000 and used["department"] == "retail"


def test_a_batch_that_tells_its_usage_is_counted_before_its_output_is_fetched(ours):
    ours.keeper.usage_in_batch = True
    kept = upload(ours.client, line(), line(custom_id="b"), line(custom_id="c"))
    batch = ours.client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    output = ours.client.batches.retrieve(batch.id).output_file_id
    ours.client.files.content(output).read()
    [used] = [r for r in ours.gateway.wait_rows(ours.before + 5)[:5] if r["input_tokens"]]
    assert (used["input_tokens"], used["cached_input_tokens"], used["output_tokens"]) == (300, 120, 30)


def test_another_department_finds_nothing(ours):
    kept = upload(ours.client, line())
    batch = ours.client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    stranger = client_of(ours.gateway, key=ours.gateway.key("treasury"))
    ours.keeper.forget()
    for ask in (lambda: stranger.files.retrieve(kept.id), lambda: stranger.files.content(kept.id),
                lambda: stranger.files.delete(kept.id), lambda: stranger.batches.retrieve(batch.id),
                lambda: stranger.batches.cancel(batch.id), lambda: ours.client.files.retrieve(batch.id),
                lambda: ours.client.files.retrieve("file-" + kept.id[5:][::-1]),
                lambda: ours.client.files.retrieve(next(iter(ours.keeper.files))),
                lambda: stranger.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions",
                                                completion_window="24h")):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert ours.keeper.journal == []


def test_lists_hold_what_is_the_departments_own_at_every_provider(ours):
    for keeper in (ours.keeper, ours.other):
        keeper.files.clear()
        keeper.batches.clear()
    stranger = client_of(ours.gateway, key=ours.gateway.key("treasury"))
    mine = [upload(ours.client, line(model="second" if n % 2 else "gpt")).id for n in range(4)]
    for _ in range(5):
        upload(stranger, line())
    assert {one.id for one in ours.client.files.list(limit=2)} == set(mine)
    assert len(list(stranger.files.list(limit=2))) == 5
    one = next(iter(ours.client.files.list()))
    assert one.filename == "calls.jsonl" and one.id in mine
    batches = [ours.client.batches.create(input_file_id=i, endpoint="/v1/chat/completions",
                                          completion_window="24h").id for i in mine]
    assert {one.id for one in ours.client.batches.list(limit=1)} == set(batches)
    assert list(stranger.batches.list()) == []


def test_files_are_deleted_and_batches_cancelled(ours):
    kept = upload(ours.client, line())
    batch = ours.client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert ours.client.batches.cancel(batch.id).status == "cancelling"
    assert ours.client.files.retrieve(kept.id).id == kept.id
    assert ours.client.files.content(kept.id).read().endswith(b"\n")
    gone = ours.client.files.delete(kept.id)
    assert gone.deleted and gone.id == kept.id
    with pytest.raises(openai.NotFoundError) as caught:
        ours.client.files.retrieve(kept.id)
    assert "No such object" not in caught.value.message


def test_a_model_goes_to_the_target_that_keeps_batches(ours):
    upload(ours.client, line(model="mixed"))
    assert len(ours.keeper.journal) == 1
    assert refused(ours.client, line(model="none")).code == "unsupported_api"


@pytest.mark.parametrize("lines, status, words", [
    ([line(), line(model="second")], 400, "Line 2: A file is for one model"),
    ([line(), "{"], 400, "Line 2: "),
    ([line(model="nope")], 404, "does not exist"),
    ([line(stream=True)], 400, "streams no answers"),
    ([line().replace("POST", "GET")], 400, "'method' must be POST"),
    ([line().replace("/v1/chat/completions", "/v1/images")], 400, "'url' must be"),
    ([line().replace('"method"', '"extra"')], 400, "and nothing else"),
    ([line(custom_id=WHO)], 400, "Line 1: 'custom_id' holds personal data"),
    ([""], 400, "The file has no calls"),
])
def test_a_file_that_is_wrong_is_refused_by_its_line(ours, lines, status, words):
    error = refused(ours.client, *lines)
    assert error.status_code == status and words in error.message, error.message
    assert not any(WHO in str(r.body) for r in ours.keeper.journal)


def test_a_policy_that_blocks_blocks_a_line(ours):
    client = client_of(ours.gateway, key=ours.gateway.key("strict"))
    error = refused(client, line(), line(f"mail {WHO}", "b"))
    assert error.status_code == 403 and error.message.startswith("Error code: 403") and "Line 2: " in error.message
    assert WHO not in error.message


def test_files_are_for_batches(ours):
    with pytest.raises(openai.BadRequestError, match="for batches only"):
        ours.client.files.create(file=("a.pdf", (line() + "\n").encode()), purpose="user_data")
    with pytest.raises(openai.NotFoundError, match="/v1/files"):
        ours.client.uploads.create(bytes=10, filename="a", mime_type="text/plain", purpose="batch")


def test_azures_client_has_the_same(ours):
    client = openai.AzureOpenAI(base_url=ours.gateway.url.replace("/v1", "/openai"), api_key=ours.gateway.key(),
                                api_version="2024-10-21", http_client=client_of(ours.gateway)._client, max_retries=0)
    assert client.files.retrieve(upload(client, line()).id).object == "file"


def test_a_big_file_is_read_while_it_passes(ours):
    lines = [line("x" * 2000, f"call-{n}") for n in range(5000)]
    assert ours.client.files.create(file=io.BytesIO("\n".join(lines).encode()), purpose="batch").bytes > 10_000_000
    eventually(lambda: len(ours.gateway.rows()) == ours.before + 1)
