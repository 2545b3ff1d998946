"""`tollgate providers check`: one small call per target, and for each way to fail the word and the advice."""
import email.utils
import json
import time

import clouds
import pytest
from gateway import free_port, model, run
from simulator import Simulator, echo

HTML = b"<html>Please log in</html>"


def says(status, body, headers=()):
    async def behave(request, reply):
        await reply.plain(status, body, headers)
    return behave


async def web_page(request, reply):
    await reply.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(HTML), HTML))


async def no_such_page(request, reply):
    await reply.send(b"HTTP/1.1 404 X\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(HTML), HTML))


async def newer_cap_only(request, reply):
    if "max_tokens" in request.json:
        return await reply.plain(400, {"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens",
                                                 "type": "invalid_request_error", "code": "unsupported_parameter"}})
    await echo(request, reply)


async def hangs_up(request, reply):
    await reply.reset()


def error(code, message="about account 471100004711", **more):
    return {"error": {"message": message, "code": code, "type": "x", "param": None, **more}}


LATE = [("Date", email.utils.formatdate(time.time() - 3600, usegmt=True))]
# A place of the simulator, the status expected, and something the advice or the words say.
CASES = {
    "good": (echo, "ok", ""),
    "newer": (newer_cap_only, "ok", ""),
    "key": (says(401, error("invalid_api_key")), "credentials", "the key"),
    "clock": (says(401, error("x"), LATE), "clock", "s ahead of"),
    "forbidden": (says(403, error("denied")), "permission", "the right to call"),
    "unknown": (says(404, error("model_not_found")), "model", "does not know 'sim-1'"),
    "path": (no_such_page, "wrong_path", "/chat/completions"),
    "login": (web_page, "wrong_path", "a web page"),
    "spent": (says(429, error("insufficient_quota")), "quota", "quota"),
    "busy": (says(429, error("rate_limit_exceeded")), "rate_limit", "limits us"),
    "full": (says(503, error("overloaded")), "overloaded", ""),
    "broken": (says(500, error("oops")), "provider_error", ""),
    "odd": (says(200, {"hello": "world"}), "provider_error", "Check kind"),
    "reset": (hangs_up, "connection", "broke the connection off"),
}


@pytest.fixture
def behaviours(simulator):
    async def route(request, reply):
        await CASES[request.target.split("/")[1]][0](request, reply)
    simulator.behaviour = route
    return simulator


def provider_yaml(name, endpoint, more="plain_http: true\n"):
    return (f"id: {name}\nkind: openai_compatible\nendpoint: {endpoint}\nregion: {{processing: eu}}\n"
            f"auth: {{bearer: {{file: ../../provider.key}}}}\n{more}")


def check(gateway, *more):
    done = run("providers", "check", "-c", gateway.config, "--json", *more, check=False)
    return {row["provider"]: row for row in json.loads(done.stdout)}, done.returncode


def configured(make_gateway, providers):
    return make_gateway(providers, models={f"m-{name}": model(f"m-{name}", name) for name in providers},
                        departments={"retail": "id: retail\n"}, start=False)


def test_every_way_to_fail_has_its_word_and_its_advice(make_gateway, behaviours):
    gateway = configured(make_gateway, {name: provider_yaml(name, f"http://127.0.0.1:{behaviours.port}/{name}/v1")
                                        for name in CASES})
    rows, code = check(gateway)
    assert code == 1
    for name, (_, status, words) in CASES.items():
        row = rows[name]
        assert row["status"] == status, row
        assert words in row["what"] + row["advice"], row
        assert (row["advice"] == "") == (status == "ok"), row
    text = json.dumps(rows)
    assert "provider-secret-key" not in text and "471100004711" not in text
    assert rows["good"]["model"] == "sim-1" and rows["good"]["region"] == "eu" and rows["good"]["http_status"] == 200
    assert rows["good"]["output_tokens"] == 7 and rows["good"]["milliseconds"] >= 0
    asked = [r for r in behaviours.journal if r.target.startswith("/good/")]
    assert len(asked) == 1 and asked[0].json["max_tokens"] == 16 and "stream" not in asked[0].json


def test_a_model_for_embeddings_is_asked_for_one(make_gateway, simulator):
    async def embeds(request, reply):
        if request.target == "/v1/embeddings" and request.json["input"] == "ok":
            return await reply.plain(200, {"object": "list", "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1},
                                           "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]})
        if request.target == "/model/amazon.titan-embed-text-v2%3A0/invoke" and request.json == {"inputText": "ok"}:
            return await reply.plain(200, {"embedding": [0.5], "inputTextTokenCount": 1})
        await reply.plain(400, error("not_that"))
    simulator.behaviour = embeds
    base = f"http://127.0.0.1:{simulator.port}"
    titan = provider_yaml("titan", base).replace("openai_compatible", "bedrock")
    names = {"small": "text-embedding-3-small", "titan": "amazon.titan-embed-text-v2:0"}
    gateway = make_gateway({"small": provider_yaml("small", base + "/v1"), "titan": titan},
                           models={n: f'name: {n}\ntargets: [{{provider: {n}, model: "{m}"}}]\n' for n, m in names.items()},
                           departments={"retail": "id: retail\n"}, start=False)
    rows, code = check(gateway)
    assert code == 0 and {row["status"] for row in rows.values()} == {"ok"}, rows
    assert all(row["input_tokens"] == 1 for row in rows.values())


def test_the_way_there_is_checked_step_by_step(make_gateway, simulator):
    async def no_tunnel(request, reply):
        await reply.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    simulator.behaviour = no_tunnel
    closed = free_port()
    gateway = configured(make_gateway, {
        "name": provider_yaml("name", "https://no-such-host.invalid/v1", ""),
        "port": provider_yaml("port", f"https://127.0.0.1:{closed}/v1", ""),
        "plain": provider_yaml("plain", f"https://127.0.0.1:{simulator.port}/v1", ""),
        "proxy": provider_yaml("proxy", "https://api.example/v1",
                               f"egress: {{proxy: 'http://127.0.0.1:{simulator.port}'}}\n")})
    rows, code = check(gateway)
    assert code == 1
    assert rows["name"]["status"] == "dns" and "no-such-host.invalid" in rows["name"]["what"]
    assert rows["port"]["status"] == "connection" and "Connection refused" in rows["port"]["what"]
    assert rows["plain"]["status"] == "tls"
    assert rows["proxy"]["status"] == "proxy" and "answered 403" in rows["proxy"]["what"]


def test_trouble_with_certificates_is_named(make_gateway, tmp_path):
    servers, yaml = [], {}
    for name, host, days in (("stranger", "127.0.0.1", 2), ("other", "10.9.8.7", 2), ("old", "127.0.0.1", -1)):
        certificate, key = clouds.signed_certificate(tmp_path / name, host, days)
        servers.append(Simulator(certificate, key))
        trust = f"egress: {{ca: {certificate}}}\n" if name != "stranger" else ""
        yaml[name] = provider_yaml(name, servers[-1].url, trust)
    try:
        rows, code = check(configured(make_gateway, yaml))
    finally:
        for server in servers:
            server.close()
    assert code == 1 and {row["status"] for row in rows.values()} == {"tls"}
    assert "not one that we trust" in rows["stranger"]["what"] and "egress: {ca: FILE}" in rows["stranger"]["advice"]
    assert "is not for 127.0.0.1" in rows["other"]["what"]
    assert "has expired" in rows["old"]["what"]


def test_credentials_are_named_with_their_source_and_what_refused_them(make_gateway, tmp_path):
    aws, entra = clouds.Aws(), clouds.Entra()
    aws.refuse_with, entra.fault = (403, "AccessDenied"), "invalid_client"
    server = clouds.listen(tmp_path, ("/model/", clouds.SignedBedrock(aws)), ("/contoso/", entra.token), ("/", aws.sts))
    base = f"https://127.0.0.1:{server.port}"
    more = f"region: {{processing: eu}}\negress: {{ca: {tmp_path / 'cloud.crt'}}}\n"
    keys = "static_keys: {access_key_id: AKIAPLANTED, secret_access_key: {file: ../../aws.secret}}"
    providers = {
        "role": f"id: role\nkind: bedrock\nendpoint: {base}\n{more}auth: {{aws: {{region: eu-west-1, {keys}, "
                f"assume_role: {{role_arn: a}}, sts_url: '{base}'}}}}\n",
        "wrong": f"id: wrong\nkind: bedrock\nendpoint: {base}\n{more}auth: {{aws: {{region: us-east-1, {keys}}}}}\n",
        "entra": f"id: entra\nkind: azure_openai\nendpoint: {base}\n{more}auth: {{entra: {{tenant: contoso, client_id: "
                 f"planted-app, client_secret: {{file: ../../aws.secret}}, authority: '{base}'}}}}\n"}
    gateway = configured(make_gateway, providers)
    secret = gateway.directory / "aws.secret"
    secret.write_text("planted-secret/+key\n")
    secret.chmod(0o600)
    try:
        rows, code = check(gateway)
    finally:
        server.close()
    assert code == 1 and {row["status"] for row in rows.values()} == {"credentials"}, rows
    assert "the access key AKIAPLANTED, with which a role is assumed" in rows["role"]["what"]
    assert "AWS STS answered 403 AccessDenied" in rows["role"]["what"]
    assert "Entra answered 400 invalid_client" in rows["entra"]["what"]
    assert "refuses our credential" in rows["wrong"]["what"]
    assert "planted-secret" not in json.dumps(rows)


def test_the_table_is_for_people_and_the_exit_code_for_scripts(make_gateway, behaviours):
    gateway = configured(make_gateway, {name: provider_yaml(name, f"http://127.0.0.1:{behaviours.port}/{name}/v1")
                                        for name in ("good", "unknown")})
    done = run("providers", "check", "-c", gateway.config, check=False)
    assert done.returncode == 1
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["PROVIDER", "MODEL", "REGION", "STATUS", "MS", "TOKENS"]
    assert lines[0].split()[:4] == ["good", "sim-1", "eu", "ok"]
    assert lines[1].split()[:4] == ["unknown", "sim-1", "eu", "model"] and "-> Check the target's model" in lines[3]
    assert run("providers", "check", "-c", gateway.config, "--provider", "good").returncode == 0
    assert run("providers", "check", "-c", gateway.config, "--target", "m-good").returncode == 0
    none = run("providers", "check", "-c", gateway.config, "--target", "nothing", check=False)
    assert none.returncode == 1 and "tollgate models" in none.stderr
    assert "status: ok, or what failed" in run("providers", "check", "--help").stdout


def test_a_local_model_is_loaded_only_when_asked(make_gateway, tmp_path):
    (tmp_path / "model").mkdir()
    yaml = f"id: local\nkind: local\nregion: {{processing: eu}}\nmodel: {{directory: {tmp_path / 'model'}}}\n"
    gateway = configured(make_gateway, {"local": yaml})
    rows, code = check(gateway)
    assert code == 0 and rows["local"]["status"] == "skipped"
    rows, code = check(gateway, "--local")
    assert code == 1 and rows["local"]["status"] == "provider_error" and "model: {directory" in rows["local"]["advice"]
