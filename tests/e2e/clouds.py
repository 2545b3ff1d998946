"""What clouds do to know who asks: AWS signatures and STS, Google's tokens, Microsoft Entra. For tests.

What the gateway proves is judged by the vendors' own code or by a library that the gateway does not use: botocore signs
each request again, PyJWT checks assertions. Every simulator counts what it issued.
"""
import datetime
import ipaddress
import json
import subprocess
import time
import urllib.parse

import dialects
import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from dialects import Refused, need
from simulator import Simulator, echo


def make_certificate(directory, names="DNS:localhost,IP:127.0.0.1"):
    """An authority of the test's own; the pair (certificate, key) as paths."""
    certificate, key = directory / "cloud.crt", directory / "cloud.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=cloud", "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return str(certificate), str(key)


def signed_certificate(directory, address, days):
    """A self-signed certificate for an address that ends `days` from now, also in the past: (certificate, key)."""
    directory.mkdir()
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cloud")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=9))
            .not_valid_after(now + datetime.timedelta(days=days)).add_extension(names, False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    (directory / "cloud.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "cloud.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(directory / "cloud.crt"), str(directory / "cloud.key")


def routed(*routes):
    """One behaviour out of several: (part of the path, behaviour)."""
    async def behave(request, reply):
        for part, behaviour in routes:
            if part in request.target:
                return await behaviour(request, reply)
        return await reply.plain(404, b"no such place")
    return behave


def fields_of(request):
    return dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))


class Tokens:
    """Bearer tokens that end: `life` seconds after they were issued, or when they are revoked."""

    def __init__(self, life=3600):
        self.life, self.issued, self.ends = life, [], {}

    def issue(self):
        token = f"planted-token-{len(self.issued) + 1}"
        self.issued.append(token)
        self.ends[token] = time.monotonic() + self.life
        return token

    def revoke(self):
        self.ends.clear()

    def check(self, request):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self.ends.get(token, 0) < time.monotonic():
            raise Refused(401, f"the token {token} of project 471100004711 is not valid")


# --- Amazon Web Services ---

class Aws:
    """An account: keys, roles, STS, and the credential service of a container."""
    region = "eu-west-1"

    def __init__(self):
        self.keys = {"AKIAPLANTED": ("planted-secret/+key", None)}
        self.roles = []               # what STS was asked for, as form fields
        self.web_token = "planted.web.token"
        self.refuse_with = None       # STS: (status, code)

    def issue(self):
        name = f"ASIA{len(self.keys)}"
        self.keys[name] = (f"secret-of-{name}", f"session-of-{name}")
        return name

    def check(self, request, service):
        """The request carries exactly the signature that botocore makes for it."""
        head = request.headers.get("authorization", "")
        if not head.startswith("AWS4-HMAC-SHA256 Credential="):
            raise Refused(403, "Missing Authentication Token")
        parts = dict(p.split("=", 1) for p in head.removeprefix("AWS4-HMAC-SHA256 ").split(", "))
        name = parts["Credential"].split("/")[0]
        if name not in self.keys:
            raise Refused(403, f"The security token of {name} included in the request is invalid.")
        secret, session = self.keys[name]
        if head != self.signed(request, name, secret, session, service, parts["SignedHeaders"].split(";")):
            raise Refused(403, "The request signature we calculated does not match the signature you provided.")
        sent_at = datetime.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        age = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - sent_at
        need(abs(age) < datetime.timedelta(minutes=5), "Signature expired")

    def signed(self, request, name, secret, session, service, names):
        need("host" in names and "x-amz-date" in names, "host and date must be signed")
        need(session is None or "x-amz-security-token" in names, "the session token must be signed")
        own = {"host", "x-amz-date", "x-amz-security-token"}
        again = AWSRequest(request.method, f"https://{request.headers['host']}{request.target}",
                           {n: request.headers[n] for n in names if n not in own}, request.body)
        signer = SigV4Auth(Credentials(name, secret, session), service, self.region)
        again.context["timestamp"] = request.headers["x-amz-date"]
        signer._modify_request_before_signing(again)
        text = signer.string_to_sign(again, signer.canonical_request(again))
        signer._inject_signature_to_request(again, signer.signature(text, again))
        return again.headers["Authorization"]

    async def sts(self, request, reply):
        fields = fields_of(request)
        if self.refuse_with:
            status, code = self.refuse_with
            return await reply.plain(status, (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>User: arn:aws:iam::471100004711:user/ops "
                "is not authorized</Message></Error></ErrorResponse>").encode())
        try:
            if fields["Action"] == "AssumeRole":
                self.check(request, "sts")
            else:
                need(fields["Action"] == "AssumeRoleWithWebIdentity", "InvalidAction")
                need(fields["WebIdentityToken"] == self.web_token, "InvalidIdentityToken")
        except Refused as refused:
            return await reply.plain(403, f"<ErrorResponse><Error><Code>{refused.message}</Code></Error>"
                                          "</ErrorResponse>".encode())
        self.roles.append(fields)
        name = self.issue()
        secret, session = self.keys[name]
        action = fields["Action"]
        await reply.plain(200, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
            f"<AccessKeyId>{name}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{session}</SessionToken><Expiration>{in_an_hour()}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>").encode())

    async def container(self, request, reply):
        if request.headers.get("authorization") != "planted-container-token":
            return await reply.plain(401, {"message": "no"})
        name = self.issue()
        secret, session = self.keys[name]
        await reply.plain(200, {"AccessKeyId": name, "SecretAccessKey": secret, "Token": session,
                                "Expiration": in_an_hour()})


def in_an_hour():
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


class SignedBedrock(dialects.Bedrock):
    def __init__(self, aws):
        self.aws = aws

    def answer(self, request):
        self.aws.check(request, "bedrock")
        return self.say(request.json)


# --- Google Cloud ---

class Google:
    """A project: one service account, its token endpoint, and a machine's metadata service."""
    email = "gateway@planted.iam.gserviceaccount.com"

    def __init__(self, life=3600):
        self.tokens = Tokens(life)
        self.key = rsa.generate_private_key(65537, 2048)
        self.token_url = None  # set by who listens

    def account_file(self):
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        return json.dumps({"type": "service_account", "project_id": "planted", "private_key_id": "k1",
                           "private_key": pem, "client_email": self.email, "token_uri": self.token_url})

    async def token(self, request, reply):
        fields = fields_of(request)
        try:
            need(fields["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type")
            claims = jwt.decode(fields["assertion"], self.key.public_key(), ["RS256"], audience=self.token_url,
                                issuer=self.email, options={"require": ["exp", "iat", "iss", "aud"]})
            need(jwt.get_unverified_header(fields["assertion"])["kid"] == "k1", "unknown key")
            need(claims["scope"] == "https://www.googleapis.com/auth/cloud-platform", "invalid_scope")
            need(claims["exp"] - claims["iat"] <= 3600, "the assertion lives too long")
        except (jwt.PyJWTError, Refused) as fault:
            return await reply.plain(400, {"error": "invalid_grant", "error_description": f"for {self.email}: {fault}"})
        await reply.plain(200, {"access_token": self.tokens.issue(), "expires_in": self.tokens.life,
                                "token_type": "Bearer"})

    async def metadata(self, request, reply):
        if request.headers.get("metadata-flavor") != "Google":
            return await reply.plain(403, {})
        await reply.plain(200, {"access_token": self.tokens.issue(), "expires_in": self.tokens.life,
                                "token_type": "Bearer"}, [("Metadata-Flavor", "Google")])


class TokenGemini(dialects.Gemini):
    def __init__(self, google):
        self.google = google

    def answer(self, request):
        self.google.tokens.check(request)
        return self.say(request.json)


# --- Microsoft Entra ---

class Entra:
    """A tenant with one application, and a machine's metadata service."""
    scope = "https://cognitiveservices.azure.com/.default"

    def __init__(self, life=3600):
        self.tokens = Tokens(life)
        self.fault = None      # an error code: the token endpoint refuses with it

    async def token(self, request, reply):
        fields = fields_of(request)
        known = (fields.get("grant_type"), fields.get("client_id"), fields.get("client_secret"), fields.get("scope"))
        fault = self.fault
        if known != ("client_credentials", "planted-app", "planted-client-secret", self.scope):
            fault = fault or "invalid_client"
        if fault:
            return await reply.plain(400, {"error": fault, "trace_id": "planted-trace",
                                           "error_description": "AADSTS7000215: Invalid client secret for planted-app"})
        await reply.plain(200, {"token_type": "Bearer", "expires_in": self.tokens.life, "ext_expires_in": 9999,
                                "access_token": self.tokens.issue()})

    async def metadata(self, request, reply):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(request.target).query)
        if request.headers.get("metadata") != "true" or asked["resource"] != [self.scope.removesuffix("/.default")]:
            return await reply.plain(400, {"error": "invalid_request"})
        ends = int(time.time()) + self.tokens.life
        await reply.plain(200, {"token_type": "Bearer", "expires_in": str(self.tokens.life), "expires_on": str(ends),
                                "access_token": self.tokens.issue()})

    async def openai(self, request, reply):
        try:
            self.tokens.check(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"error": {"code": "401", "message": refused.message}})
        await echo(request, reply)


def listen(directory, *routes):
    """A cloud's front door, by TLS."""
    server = Simulator(*make_certificate(directory))
    server.behaviour = routed(*routes)
    return server
