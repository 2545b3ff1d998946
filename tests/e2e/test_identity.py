"""The gateway proves to clouds who it is: signatures and tokens, obtained, renewed, and what happens when they are not."""
import asyncio
import concurrent.futures
import json
import time

import clouds
import pytest
from gateway import SLOW, eventually, run
from simulator import Simulator

BEDROCK, GEMINI = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "gemini-3-pro-preview"
STATIC = "static_keys: {access_key_id: AKIAPLANTED, secret_access_key: {file: ../../aws.secret}}"


def model_yaml(name):
    return f'name: gpt\ntargets: [{{provider: cloud, model: "{name}", cool_down: 1ms}}]\n'


@pytest.fixture
def serve(tmp_path, make_gateway):
    """Starts a cloud by TLS (`routes`) and a gateway with one provider there; both trust nobody else."""
    servers = []

    def start(kind, model, auth, *routes, path="", files=None, prepare=lambda server: None, ca=True, env=None,
              listen=""):
        server = clouds.listen(tmp_path, *routes)
        servers.append(server)
        prepare(server)
        yaml = (f"id: cloud\nkind: {kind}\nendpoint: https://127.0.0.1:{server.port}{path}\nregion: {{processing: eu}}\n"
                f"auth: {auth.replace('PORT', str(server.port))}\n")
        if ca:
            yaml += f"egress: {{ca: {tmp_path / 'cloud.crt'}}}\n"
        gateway = make_gateway({"cloud": yaml}, models={"gpt": model_yaml(model)}, start=False, main="workers: 1\n",
                               listen=listen)
        for name, text in (files() if callable(files) else files or {}).items():
            file = gateway.directory / name
            file.write_text(text)
            file.chmod(0o600)
        gateway.start(env=env)
        return gateway, server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def local():
    """A metadata service: plain HTTP on loopback."""
    server = Simulator()
    yield server
    server.close()


def answered(gateway, **more):
    status, _, body = gateway.chat("good morning", **more)
    assert status == 200, body
    return json.loads(body)["choices"][0]["message"]["content"] == "echo: good morning"


def refused(gateway):
    """The caller's error: that the gateway could not prove itself, and nothing of the inside."""
    status, _, body = gateway.chat("good morning")
    assert status == 502 and json.loads(body)["error"]["code"] == "upstream_auth_error", body
    for inner in (b"planted", b"471100004711", b"AKIA", b"AADSTS", b"127.0.0.1", b"arn:"):
        assert inner not in body
    return body


def nothing_leaked(gateway, *secrets):
    text = gateway.log_path.read_text()
    for secret in ("planted-secret", "planted-client-secret", "planted-token", "planted-app", "471100004711", *secrets):
        assert secret not in text


def logged(gateway, event):
    return [one for one in gateway.log_lines() if one.get("event") == event]


def failed_renewal(gateway):
    """The line that says so: log lines leave a little later than answers."""
    eventually(lambda: logged(gateway, "credential_renewal_failed"), what="the line")
    return logged(gateway, "credential_renewal_failed")[0]


# --- AWS ---

def bedrock(serve, auth, aws, files=None, **more):
    return serve("bedrock", BEDROCK, f"{{aws: {{region: eu-west-1, {auth}}}}}", ("/model/", clouds.SignedBedrock(aws)),
                 ("/", aws.sts), files={"aws.secret": "planted-secret/+key\n", **(files or {})}, **more)


def test_a_signature_of_static_keys_is_the_one_botocore_makes(serve):
    gateway, server = bedrock(serve, STATIC, clouds.Aws())
    assert answered(gateway)
    assert gateway.chat("stream it", stream=True)[0] == 200
    assert server.journal[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAPLANTED/")
    nothing_leaked(gateway)


def test_a_session_token_is_sent_and_signed(serve):
    aws = clouds.Aws()
    aws.keys["AKIAPLANTED"] = ("planted-secret/+key", "planted-session")
    auth = STATIC.replace("}}", "}, session_token: {file: ../../aws.session}}")
    gateway, server = bedrock(serve, auth, aws, {"aws.session": "planted-session\n"})
    assert answered(gateway) and server.journal[0].headers["x-amz-security-token"] == "planted-session"


def test_keys_come_from_a_profile(serve):
    credentials = "[other]\naws_access_key_id = X\n\n[prod]\naws_access_key_id = AKIAPLANTED\n" \
                  "aws_secret_access_key = planted-secret/+key\n"
    gateway, _ = bedrock(serve, "profile: {name: prod, credentials_file: ../../credentials, config_file: ../../none}",
                         clouds.Aws(), {"credentials": credentials})
    assert answered(gateway)


def test_the_default_is_what_the_sdks_find(serve):
    gateway, _ = bedrock(serve, "service: bedrock", clouds.Aws(),
                         env={"AWS_ACCESS_KEY_ID": "AKIAPLANTED", "AWS_SECRET_ACCESS_KEY": "planted-secret/+key"})
    assert answered(gateway)


def test_a_web_identity_becomes_a_roles_keys(serve):
    aws = clouds.Aws()
    gateway, server = bedrock(
        serve, "web_identity: {role_arn: 'arn:aws:iam::1:role/web', token_file: ../../web.token}, "
               "sts_url: 'https://127.0.0.1:PORT'", aws, {"web.token": "planted.web.token\n"})
    assert answered(gateway) and answered(gateway)
    [asked] = aws.roles
    assert asked["RoleArn"] == "arn:aws:iam::1:role/web" and asked["RoleSessionName"] == "tollgate"
    assert server.journal[-1].headers["x-amz-security-token"] == "session-of-ASIA1"


def test_a_role_is_assumed_with_a_signed_request(serve):
    aws = clouds.Aws()
    gateway, _ = bedrock(
        serve, STATIC + ", assume_role: {role_arn: 'arn:aws:iam::1:role/deep', external_id: ext-1, duration: 15m}, "
                        "sts_url: 'https://127.0.0.1:PORT'", aws)
    assert answered(gateway)
    [asked] = aws.roles
    assert (asked["RoleArn"], asked["ExternalId"], asked["DurationSeconds"]) == ("arn:aws:iam::1:role/deep", "ext-1", "900")


def test_a_container_gives_keys(serve, local):
    aws = clouds.Aws()
    local.behaviour = aws.container
    gateway, _ = bedrock(serve, f"container: {{url: 'http://127.0.0.1:{local.port}/creds', token_file: ../../pod.token}}",
                         aws, {"pod.token": "planted-container-token\n"})
    assert answered(gateway) and len(local.journal) == 1


def test_a_refusing_sts_is_told_to_the_operator_only(serve):
    aws = clouds.Aws()
    aws.refuse_with = (403, "AccessDenied")
    gateway, _ = bedrock(serve, STATIC + ", assume_role: {role_arn: 'arn:aws:iam::471100004711:role/x'}, "
                                         "sts_url: 'https://127.0.0.1:PORT'", aws)
    refused(gateway)
    line = failed_renewal(gateway)
    assert line["provider"] == "cloud" and "AWS STS answered 403 AccessDenied" in line["reason"]
    nothing_leaked(gateway)


def test_keys_that_bedrock_refuses_are_no_concern_of_the_callers(serve):
    aws = clouds.Aws()
    aws.keys.clear()
    gateway, _ = bedrock(serve, STATIC, aws)
    refused(gateway)


# --- Google ---

def vertex(serve, google, auth, files=None):
    def prepare(server):
        google.token_url = f"https://127.0.0.1:{server.port}/token"
    return serve("vertex", GEMINI, auth, ("/models/", clouds.TokenGemini(google)), ("/token", google.token),
                 path=clouds.TokenGemini.path, files=files, prepare=prepare)


def test_a_service_account_signs_an_assertion_for_its_token(serve):
    google = clouds.Google()
    gateway, server = vertex(serve, google, "{google: {credentials: {file: ../../account.json}, quota_project: paying}}",
                             lambda: {"account.json": google.account_file()})
    assert answered(gateway) and answered(gateway)
    assert google.tokens.issued == ["planted-token-1"]
    assert server.journal[-1].headers["x-goog-user-project"] == "paying"
    nothing_leaked(gateway, "PRIVATE KEY", "eyJ")


def test_a_machine_asks_its_metadata_service(serve, local):
    google = clouds.Google()
    local.behaviour = google.metadata
    gateway, _ = vertex(serve, google, f"{{google: {{metadata: {{url: 'http://127.0.0.1:{local.port}'}}}}}}")
    assert answered(gateway) and len(google.tokens.issued) == 1


# --- Entra ---

CLIENT = "{entra: {tenant: contoso, client_id: planted-app, client_secret: {file: ../../entra.secret}, " \
         "authority: 'https://127.0.0.1:PORT'}}"


def azure(serve, entra, auth=CLIENT, **more):
    return serve("azure_openai", "our-gpt", auth, ("/openai/", entra.openai), ("/contoso/oauth2/v2.0/token", entra.token),
                 files={"entra.secret": "planted-client-secret\n"}, **more)


def test_a_client_secret_becomes_a_token_by_one_flight(serve):
    entra = clouds.Entra()
    gateway, _ = azure(serve, entra)
    gateway.key()
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        assert all(callers.map(lambda _: answered(gateway), range(24)))
    assert len(entra.tokens.issued) == 1
    nothing_leaked(gateway)


def test_a_machine_has_a_managed_identity(serve, local):
    entra = clouds.Entra()
    local.behaviour = entra.metadata
    gateway, _ = azure(serve, entra, f"{{entra: {{managed_identity: {{url: 'http://127.0.0.1:{local.port}'}}}}}}")
    assert answered(gateway)


def test_a_token_is_renewed_ahead_and_a_failing_endpoint_keeps_the_valid_one(serve):
    entra = clouds.Entra(life=16 * SLOW)  # due after three quarters
    gateway, _ = azure(serve, entra)
    assert answered(gateway)
    entra.fault = "temporarily_broken"
    eventually(lambda: answered(gateway) and logged(gateway, "credential_renewal_failed"), limit=20, what="a failure")
    line = failed_renewal(gateway)
    assert line["valid_for_s"] >= 0 and "stays in use" in line["message"] and "temporarily_broken" in line["reason"]
    entra.fault = None
    eventually(lambda: answered(gateway) and len(entra.tokens.issued) == 2, limit=20, what="the renewal")
    eventually(lambda: logged(gateway, "credential_renewed"), what="word of it")
    nothing_leaked(gateway)


def test_a_token_that_the_provider_refuses_is_dropped_after_a_while(serve):
    entra = clouds.Entra()
    gateway, _ = azure(serve, entra)
    assert answered(gateway)
    entra.tokens.revoke()
    refused(gateway)  # a young token is not fetched again: that would be a storm where the provider is at fault

    def works():
        time.sleep(0.2)
        return gateway.chat("good morning")[0] == 200
    eventually(works, limit=60, what="the new token")
    assert len(entra.tokens.issued) == 2


def test_a_wrong_client_secret_is_told_to_the_operator_only(serve):
    entra = clouds.Entra()
    entra.fault = "invalid_client"
    gateway, _ = azure(serve, entra)
    refused(gateway)
    line = failed_renewal(gateway)
    assert "Entra answered 400 invalid_client" in line["reason"]
    nothing_leaked(gateway)


def test_a_token_endpoint_that_nobody_vouches_for_gets_nothing(serve):
    entra = clouds.Entra()
    gateway, server = azure(serve, entra, ca=False)
    refused(gateway)
    assert server.journal == []


def test_a_stop_ends_a_fetch_that_hangs(serve):
    async def hangs(request, reply):
        await asyncio.Event().wait()
    entra = clouds.Entra()
    entra.token = hangs
    gateway, server = azure(serve, entra, listen="  timeouts: {drain: 200ms}\n")
    gateway.key()
    with concurrent.futures.ThreadPoolExecutor(1) as caller:
        call = caller.submit(lambda: pytest.raises(OSError, gateway.chat, "good morning"))
        eventually(lambda: server.journal, what="the question for a token")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 8 * SLOW, "the fetch's own limit is 15 s"
        call.exception()


def test_a_reload_keeps_the_token_of_an_unchanged_provider(serve):
    entra = clouds.Entra()
    gateway, _ = azure(serve, entra)
    assert answered(gateway)
    yaml = gateway.directory / "conf.d/providers/cloud.yaml"
    main = gateway.config.read_text()
    gateway.config.write_text(main.replace("output: 4 USD", "output: 5 USD"))
    assert "generation 2" in gateway.reload().stdout
    assert answered(gateway) and len(entra.tokens.issued) == 1
    yaml.write_text(yaml.read_text().replace("tenant: contoso", "tenant: contoso, scope: "
                                             "'https://cognitiveservices.azure.com/.default'"))
    assert "generation 3" in gateway.reload().stdout
    assert answered(gateway) and len(entra.tokens.issued) == 1, "the same, said in other words"
    (gateway.directory / "entra.secret").write_text("another-secret\n")
    assert "auth.entra.client_secret changed" in gateway.reload().stdout
    refused(gateway)


def test_what_cannot_work_is_said_before_it_is_tried(serve):
    gateway, _ = azure(serve, clouds.Entra())
    yaml = gateway.directory / "conf.d/providers/cloud.yaml"
    yaml.write_text(yaml.read_text().replace("client_id: planted-app, ", ""))
    done = run("config", "check", "-c", gateway.config, check=False)
    assert done.returncode != 0 and "cloud.yaml:5 auth.entra.client_id: is missing" in done.stdout + done.stderr
