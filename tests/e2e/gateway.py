"""Starts the real gateway for a test, with a configuration of its own, and stops it after."""
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TOLLGATE_BINARY", str(ROOT / "build/release/tollgate"))
# Sanitized programs are an order of magnitude slower; limits on time are relaxed for them.
SLOW = 6 if re.search(r"build/(asan|tsan)", BINARY) else 1
# Seconds to wait for what will come: a disk busy with something else makes a log or a ledger wait that long.
PATIENCE = 20


def run(*args, check=True, text=None):
    done = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, input=text, timeout=60 * SLOW)
    if check and done.returncode != 0:
        raise AssertionError(f"tollgate {' '.join(map(str, args))} failed: {done.stdout}{done.stderr}")
    return done


# Below what Linux hands to outgoing connections (ip_local_port_range starts at 32768): no socket of another test can
# take a port between our choosing it and the server's listening on it.
PORTS = range(16000, 32000)


def free_port():
    """A loopback port that nobody listens on and that no other test process is given."""
    with open(pathlib.Path(tempfile.gettempdir()) / "tollgate-test-ports", "a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        turn = int(counter.read() or 0)
        for _ in PORTS:
            turn += 1
            port = PORTS[turn % len(PORTS)]
            if _can_bind(port):
                break
        else:
            raise AssertionError("every port for tests is taken")
        counter.truncate(0)
        counter.write(str(turn))
    return port


def _can_bind(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Gateway:
    """`providers`, `models`, `departments` are YAML texts by id; `main` is added to the main file."""

    def __init__(self, directory, providers, models, departments, main="", listen="", plaintext=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "tollgate.yaml"
        self.port, self.ops_port, self.admin_port = free_port(), free_port(), free_port()
        self.plaintext = plaintext
        self.keys = {}
        self.process = None
        self.launcher = []  # a command that runs the gateway's, such as unshare
        self.log_path = self.directory / "gateway.log"
        self._write_certificate()
        if not (self.directory / "master.key").exists():
            run("secret", "master-key", self.directory / "master.key")
        self.write(providers, models, departments, main, listen)

    def _write_certificate(self):
        if (self.directory / "tls.crt").exists():
            return
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self.directory / "tls.key"), "-out", str(self.directory / "tls.crt")],
            check=True, capture_output=True)
        (self.directory / "tls.key").chmod(0o600)

    def write(self, providers, models, departments, main="", listen=""):
        tls = "plaintext: true" if self.plaintext else "tls: {certificate: tls.crt, key: {file: tls.key}}"
        self.config.write_text(
            "schema: 1\norganisation: test\nmaster_key: {file: master.key}\n"
            f"listen:\n  address: 127.0.0.1\n  port: {self.port}\n  {tls}\n{listen}"
            f"ops: {{address: 127.0.0.1, port: {self.ops_port}}}\n"
            f"admin: {{address: 127.0.0.1, port: {self.admin_port}}}\n"
            "pii: {policies: {strict: {action: pseudonymise, restore: true, on_error: block}}}\n"
            "prices:\n  catalog: builtin@2026-11\n"
            "  overrides: [{provider: '*', model: sim-1, input: 1 USD, output: 4 USD}]\n"
            f"include: [conf.d/**]\n{main}")
        for kind, files in (("providers", providers), ("models", models), ("departments", departments)):
            folder = self.directory / "conf.d" / kind
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("*.yaml"):
                old.unlink()
            for name, text in files.items():
                (folder / f"{name}.yaml").write_text(text)

    # --- life ---

    def start(self, wait=True, env=None):
        log = open(self.log_path, "ab")
        # libpqxx 6 leaks a little per connection that breaks during a query (see gateway/auth/README.md).
        leaks = {"LSAN_OPTIONS": f"suppressions={ROOT / 'tests/support/lsan.supp'}:print_suppressions=0"}
        self.process = subprocess.Popen([*self.launcher, BINARY, "serve", "-c", str(self.config)], stderr=log,
                                        stdout=log, env={**os.environ, **leaks, **(env or {})})
        log.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, limit=PATIENCE * SLOW):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError("the gateway ended: " + self.log_path.read_text()[-2000:])
            try:
                if self.ops("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("the gateway is not ready: " + self.log_path.read_text()[-2000:])

    def stop(self, limit=40 * SLOW):
        """SIGTERM; the exit code. A sanitizer's report makes it non-zero."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(limit)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def reload(self, check=True):
        return run("reload", "-c", self.config, check=check)

    # --- what a client and an operator see ---

    @property
    def url(self):
        return f"{'http' if self.plaintext else 'https'}://127.0.0.1:{self.port}/v1"

    @property
    def ca(self):
        return str(self.directory / "tls.crt")

    def new_key(self, department="retail", application="chat", *more):
        key = run("keys", "create", "-c", self.config, "--department", department, "--application", application,
                  *more).stdout.strip()
        self.keys.setdefault(department, key)
        if self.process is not None:  # a running gateway sees it within five seconds: a promise, not patience
            eventually(lambda: self.request(None, key, "/models", "GET")[0] == 200, limit=5, what="the new key")
        return key

    def key(self, department="retail"):
        return self.keys.get(department) or self.new_key(department)

    def tls_context(self):
        return ssl.create_default_context(cafile=self.ca)

    def connect(self, timeout=10):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout * SLOW)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw if self.plaintext else self.tls_context().wrap_socket(raw, server_hostname="localhost")

    def request(self, body, key=None, path="/chat/completions", method="POST", headers=None, timeout=30):
        """(status, headers, body bytes); `body` may be bytes or something for json.dumps."""
        data = body if isinstance(body, bytes | type(None)) else json.dumps(body).encode()
        clouds = path.startswith(("/v1beta", "/model/"))  # of Google's and AWS's own APIs
        root = self.url.removesuffix("/v1") if clouds else self.url
        request = urllib.request.Request(root + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if key != "":
            request.add_header("Authorization", f"Bearer {key or self.key()}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        context = None if self.plaintext else self.tls_context()
        try:
            with urllib.request.urlopen(request, timeout=timeout * SLOW, context=context) as r:
                return r.status, {k.lower(): v for k, v in r.headers.items()}, r.read()
        except urllib.error.HTTPError as e:
            return e.code, {k.lower(): v for k, v in e.headers.items()}, e.read()

    def chat(self, text="hello", model="gpt", key=None, **more):
        return self.request({"model": model, "messages": [{"role": "user", "content": text}], **more}, key)

    def ops(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=5 * SLOW) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        total = 0.0
        for line in self.ops("/metrics")[1].splitlines():
            if not re.match(rf"{name}(\{{| )", line):
                continue
            if all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def rows(self, limit=1000):
        done = run("ledger", "rows", "-c", self.config, "--limit", limit)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_rows(self, count, limit=PATIENCE):
        """The ledger commits within milliseconds of the answer, not before it."""
        until = time.monotonic() + limit * SLOW
        while True:
            rows = self.rows()
            if len(rows) >= count or time.monotonic() > until:
                assert len(rows) == count, f"expected {count} rows, found {len(rows)}: {rows}"
                return rows
            time.sleep(0.02)

    def settled_rows(self):
        """The rows once those of earlier calls are in: a row comes after its answer, and leaves its ring when durable."""
        eventually(lambda: self.metric("tollgate_in_flight") == 0, what="an end of all calls")
        eventually(lambda: self.metric("tollgate_ledger_ring_fill_ratio") == 0, what="an empty ring")
        return self.rows()

    def new_rows(self, before, count=1):
        """Those that are not in `before` (settled rows), once there are `count` of them."""
        known = {row["event_id"] for row in before}
        return [row for row in self.wait_rows(len(before) + count) if row["event_id"] not in known]

    def log_lines(self):
        """Those written whole: the last one may be half a line yet."""
        whole = self.log_path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


def eventually(condition, limit=PATIENCE, what="the condition"):
    until = time.monotonic() + limit * SLOW
    while not condition():
        assert time.monotonic() < until, f"{what} did not become true"
        time.sleep(0.01)


# --- configurations most tests share ---

def provider(simulator, name="sim", more=""):
    return (f"id: {name}\nkind: openai_compatible\nendpoint: {simulator.url}\n"
            f"region: {{processing: eu}}\nplain_http: true\nauth: {{bearer: {{file: ../../provider.key}}}}\n{more}")


def model(name="gpt", target="sim", more=""):
    return f"name: {name}\ntargets: [{{provider: {target}, model: sim-1}}]\n{more}"


def department(name="retail", models="[gpt]", more="", pii="strict"):
    return (f"id: {name}\ncost_center: CC-{name}\nmodels: {models}\n" + (f"pii: {pii}\n" if pii else "") +
            f"applications:\n  - {{id: chat, purpose: testing, owner: qa, criticality: low, use_case: T-1}}\n{more}")
