"""What is measured and what stands around it: the fixed upstream, nginx as the floor, Redis, and the gateway."""
import json
import os
import pathlib
import secrets
import socket
import sqlite3
import subprocess
import time
import urllib.request

UPSTREAM_CORE, TESTED_CORE = 0, 1
CIPHERS = "TLS_AES_128_GCM_SHA256"  # what the gateway prefers; nginx gets the same, so that both pay for one cipher
EVENTS = 50
PLANTED = ("anna.berger@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00")
STREAM_PREFIX = "/stream"
PATH = "/v1/chat/completions"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command, log, core):
    with open(log, "ab") as out:
        return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=out, stderr=out)


def wait_port(port, process, log):
    until = time.monotonic() + 120  # a busy machine
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[3]} ended:\n{pathlib.Path(log).read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{process.args[3]} does not listen")


def certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=bench", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", directory / "tls.key", "-out", directory / "tls.crt"], check=True, capture_output=True)
    (directory / "tls.key").chmod(0o600)


# --- what the upstream answers ---

def completion():
    """One plain answer of about 600 bytes, as a provider writes it."""
    text = "The transfer was booked on the next working day. " * 5
    return json.dumps({
        "id": "chatcmpl-Bench0000000000000000000000", "object": "chat.completion", "created": 1760000000,
        "model": "bench", "system_fingerprint": "fp_bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text.strip()}, "logprobs": None,
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 210, "completion_tokens": 50, "total_tokens": 260}})


def event_stream():
    def event(choices, usage=None):
        return "data: " + json.dumps({"id": "chatcmpl-Bench0", "object": "chat.completion.chunk", "created": 1760000000,
                                      "model": "bench", "choices": choices, "usage": usage}) + "\n\n"

    def delta(content, finish=None):
        return [{"index": 0, "delta": content, "finish_reason": finish}]
    events = [event(delta({"role": "assistant", "content": ""}))]
    events += [event(delta({"content": f" word{i:02}"})) for i in range(EVENTS - 3)]
    events += [event(delta({}, "stop")),
               event([], {"prompt_tokens": 210, "completion_tokens": 47, "total_tokens": 257})]
    return "".join(events) + "data: [DONE]\n\n"


def prompt(size, model, stream, planted):
    """A request body of `size` bytes. What is planted is personal data that no person has."""
    parts = [f"Our customer {PLANTED[0]} paid with {PLANTED[1]} from {PLANTED[2]}."] if planted else []
    body = {"model": model, "messages": [{"role": "system", "content": "You answer briefly."},
                                         {"role": "user", "content": ""}], "max_tokens": 64, "temperature": 0.2}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    filler = "Please say in two sentences what the customer should do next and why. "
    room = size - len(json.dumps(body)) - sum(map(len, parts))
    parts.append((filler * (room // len(filler) + 1))[:room])
    body["messages"][1]["content"] = "".join(parts)
    return json.dumps(body)


# --- nginx, twice ---

NGINX = """
daemon off; worker_processes 1; pid {directory}/{name}.pid; error_log stderr warn; {user}
events {{ worker_connections 8192; }}
http {{
  access_log off; server_tokens off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_buffer_size 256k; client_max_body_size 8m; sendfile on;
  client_body_temp_path {directory}/{name}-body; proxy_temp_path {directory}/{name}-proxy;
  fastcgi_temp_path {directory}/{name}-f; uwsgi_temp_path {directory}/{name}-u; scgi_temp_path {directory}/{name}-s;
  ssl_certificate {directory}/tls.crt; ssl_certificate_key {directory}/tls.key;
  ssl_protocols TLSv1.3; ssl_prefer_server_ciphers on; ssl_conf_command Ciphersuites {ciphers};
{body}
}}
"""


class Nginx:
    def __init__(self, directory, name, core, body):
        self.log = directory / f"{name}.log"
        user = "user root;" if os.geteuid() == 0 else ""
        path = directory / f"{name}.conf"
        path.write_text(NGINX.format(directory=directory, name=name, body=body, user=user, ciphers=CIPHERS))
        self.process = start(["nginx", "-c", path, "-p", directory], self.log, core)

    def ready(self, port):
        wait_port(port, self.process, self.log)
        time.sleep(0.1)  # the worker's start
        return self

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def start_upstream(directory):
    """Answers every POST with the same bytes, plain and with TLS."""
    (directory / "stream.sse").write_text(event_stream())
    ports = {"plain": free_port(), "tls": free_port()}
    locations = f"""
    root {directory};
    location = {PATH} {{ default_type application/json; return 200 '{completion()}'; }}
    location = {STREAM_PREFIX}{PATH} {{ error_page 418 =200 /stream.sse; return 418; }}
    location = /stream.sse {{ internal; types {{ }} default_type "text/event-stream"; }}"""
    body = f"""  server {{ listen 127.0.0.1:{ports['plain']}; {locations} }}
  server {{ listen 127.0.0.1:{ports['tls']} ssl; {locations} }}"""
    return Nginx(directory, "upstream", UPSTREAM_CORE, body).ready(ports["tls"]), ports


def start_proxy(directory, upstream):
    """The floor: a proxy that knows nothing of the calls it carries. Bodies stay in memory, streams unbuffered."""
    ports = {leg: free_port() for leg in ("plain", "tls_in", "tls_both")}

    def server(leg):
        scheme, name = ("https", "up_tls") if leg == "tls_both" else ("http", "up_plain")
        listen = f"127.0.0.1:{ports[leg]}" + ("" if leg == "plain" else " ssl")
        return f"""  server {{ listen {listen};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
    proxy_ssl_verify on; proxy_ssl_trusted_certificate {directory}/tls.crt; proxy_ssl_name localhost;
    proxy_ssl_conf_command Ciphersuites {CIPHERS}; proxy_ssl_protocols TLSv1.3;
    location / {{ proxy_pass {scheme}://{name}; }}
    location {STREAM_PREFIX}/ {{ proxy_buffering off; proxy_pass {scheme}://{name}; }} }}
"""
    pools = "".join(f"  upstream {name} {{ server 127.0.0.1:{port}; keepalive 128; keepalive_requests 100000000; }}\n"
                    for name, port in (("up_plain", upstream["plain"]), ("up_tls", upstream["tls"])))
    body = pools + "".join(map(server, ports))
    return Nginx(directory, "proxy", TESTED_CORE, body).ready(ports["tls_both"]), ports


class Redis:
    def __init__(self, directory):
        self.port = free_port()
        self.log = directory / "redis.log"
        command = ["redis-server", "--port", self.port, "--save", "", "--appendonly", "no", "--dir", directory]
        self.process = start(command, self.log, UPSTREAM_CORE)
        wait_port(self.port, self.process, self.log)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Relay:
    """Our sessions and our transport with nothing between them (relay.cpp), for one pair of legs."""

    def __init__(self, program, directory, legs, upstream):
        self.port = free_port()
        self.log = directory / f"relay-{legs}.log"
        scheme, leg = ("https", "tls") if legs == "tls_both" else ("http", "plain")
        tls = [] if legs == "plain" else [directory / "tls.crt", directory / "tls.key"]
        self.process = start([program, self.port, f"{scheme}://localhost:{upstream[leg]}", *tls], self.log, TESTED_CORE)
        wait_port(self.port, self.process, self.log)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


# --- the gateway ---

METERS = "requests_per_minute: 100000000, tokens_per_minute: 1000000000000, concurrent: 100000"
ALL_METERS = METERS + ", requests_per_day: 10000000000, tokens_per_day: 1000000000000"  # high enough never to refuse


class Gateway:
    """One real process with one worker. `policies` is limits of the department and PII; `big` is 500 departments,
    20,000 keys and 25 limits per call: five meters of the key, application, department, model and organisation."""

    def __init__(self, binary, directory, name, tls, policies=False, big=False):
        self.binary, self.directory, self.name, self.tls, self.policies = binary, directory / name, name, tls, policies
        self.port, self.ops_port, self.admin_port = free_port(), free_port(), free_port()
        self.big, self.departments = big, 500 if big else 1
        self.log = self.directory / "gateway.log"
        self.directory.mkdir()
        for file in ("tls.crt", "tls.key"):
            os.link(directory / file, self.directory / file)
        self._run("secret", "master-key", self.directory / "master.key")

    def start(self, upstream, redis, running):
        """`running` gets this gateway as soon as there is something to stop."""
        self._write(upstream, redis)
        self.key = self._run("keys", "create", "-c", self.config, "--department", "d0", "--application", "chat").strip()
        if self.departments > 1:
            self._add_keys(20_000)
        self.process = start([self.binary, "serve", "-c", self.config], self.directory / "stderr.log", TESTED_CORE)
        running.append(self)
        wait_port(self.port, self.process, self.directory / "stderr.log")
        self._wait_ready()

    def _run(self, *arguments):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise SystemExit(f"tollgate {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout

    def _write(self, upstream, redis):
        listen = "tls: {certificate: tls.crt, key: {file: tls.key}}" if self.tls else "plaintext: true"
        everywhere = f"limits: {{{ALL_METERS}}}\n" if self.big else ""
        main = (f"schema: 1\norganisation: bench\nworkers: 1\nmaster_key: {{file: master.key}}\n"
                f"listen: {{address: 127.0.0.1, port: {self.port}, {listen}}}\n"
                f"ops: {{address: 127.0.0.1, port: {self.ops_port}}}\n"
                f"admin: {{address: 127.0.0.1, port: {self.admin_port}}}\nlog: {{level: info, file: gateway.log}}\n"
                'prices: {overrides: [{provider: "*", model: bench, input: 2.40 USD, output: 9.60 USD}]}\n'
                "pii: {policies: {strict: {action: pseudonymise, restore: true, on_error: block}}}\n"
                f"include: [conf.d/**]\n{everywhere}")
        if redis:
            main += f"redis: {{url: 'redis://127.0.0.1:{redis.port}', prefix: {self.name}, timeout: 5s}}\n"
        self.config = self.directory / "tollgate.yaml"
        self.config.write_text(main)
        (self.directory / "provider.key").write_text("sk-bench-upstream\n")
        (self.directory / "provider.key").chmod(0o600)
        for leg in ("plain", "tls"):
            for kind, prefix in (("json", ""), ("stream", STREAM_PREFIX)):
                self._provider(f"{kind}-{leg}", upstream[leg], leg == "tls", prefix, everywhere)
        limits = everywhere or (f"limits: {{{METERS}}}\n" if self.policies else "")
        policies = "pii: strict\n" if self.policies else ""
        more = f", limits: {{{ALL_METERS}}}, key_limits: {{{ALL_METERS}}}" if self.big else ""
        for i in range(self.departments):
            self._object("departments", f"d{i}",
                         f"id: d{i}\ncost_center: CC-{i}\nmodels: [json-plain, json-tls, stream-plain, stream-tls]\n"
                         "applications: [{id: chat, purpose: load, owner: bench, criticality: low, use_case: B-1"
                         f"{more}}}]\n{limits}{policies}")

    def _object(self, kind, name, text):
        folder = self.directory / "conf.d" / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)

    def _provider(self, name, port, tls, prefix, limits):
        scheme, trust = ("https", "egress: {ca: ../../tls.crt}\n") if tls else ("http", "plain_http: true\n")
        self._object("providers", name,
                     f"id: {name}\nkind: openai_compatible\nregion: {{processing: eu}}\nmax_idle: 128\n"
                     f"endpoint: {scheme}://localhost:{port}{prefix}/v1\n"
                     f"auth: {{bearer: {{file: ../../provider.key}}}}\n{trust}")
        self._object("models", name, f"name: {name}\ntargets: [{{provider: {name}, model: bench}}]\n{limits}")

    def _add_keys(self, count):
        """Straight into the store, as many as a large organisation has; only the first was made by the program."""
        with sqlite3.connect(self.directory / "state/credentials.db") as db:
            row = list(db.execute("SELECT * FROM credentials").fetchone())
            rows = [[secrets.token_hex(6), f"d{i % self.departments}", row[2], secrets.token_bytes(32), *row[4:]]
                    for i in range(count - 1)]
            db.executemany(f"INSERT INTO credentials VALUES ({','.join('?' * len(row))})", rows)

    def _wait_ready(self):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                ready = self.ops("/readyz") is not None
                if ready and (not self.policies or self.metric("tollgate_limit_store_up") >= 1):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit(f"gateway {self.name} is not ready: {(self.directory / 'stderr.log').read_text()[-2000:]}")

    def ops(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=10) as r:
            return r.read().decode()

    def metrics(self):
        """{name: {labels text: value}}"""
        out = {}
        for line in self.ops("/metrics").splitlines():
            if line and not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                name, _, labels = series.partition("{")
                out.setdefault(name, {})[labels.rstrip("}")] = float(value)
        return out

    def metric(self, name):
        return sum(self.metrics().get(name, {}).values())

    def pids(self):
        return [self.process.pid]

    def rows(self):
        with sqlite3.connect(f"file:{self.directory}/state/ledger.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM usage").fetchone()[0]

    def call_lines(self):
        with open(self.log, "rb") as log:
            return sum(b'"event":"call"' in line for line in log)

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)
