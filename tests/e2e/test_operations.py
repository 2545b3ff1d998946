"""What a platform engineer does: keys, reload, drain, reports, trust."""
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from gateway import BINARY, SLOW, department, eventually, model, provider, run
from simulator import Simulator, delta, echo


def test_a_new_key_works_and_a_revoked_one_stops_within_five_seconds(gateway):
    key = gateway.new_key()
    eventually(lambda: gateway.chat(key=key)[0] == 200, limit=5)
    key_id = key.split("_")[1]
    run("keys", "revoke", "-c", gateway.config, key_id)
    eventually(lambda: gateway.chat(key=key)[0] == 401, limit=5)
    listed = run("keys", "list", "-c", gateway.config).stdout
    assert "revoked" in listed and key not in listed and key.split("_")[2] not in listed


def test_rotation_overlaps(gateway):
    old = gateway.new_key()
    new = run("keys", "rotate", "-c", gateway.config, old.split("_")[1], "--overlap", "7d").stdout.strip()
    eventually(lambda: gateway.chat(key=new)[0] == 200)
    assert gateway.chat(key=old)[0] == 200


def test_unknown_wrong_and_missing_keys_look_alike(gateway):
    good = gateway.key()
    before = gateway.metric("tollgate_auth_failures_total")
    wrong = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
    answers = [gateway.chat(key=k) for k in ("tg_000000000000_" + "0" * 43 + "_000000", wrong, "sk-other")]
    assert {a[0] for a in answers} == {401}
    assert len({a[2] for a in answers}) == 1
    missing = gateway.request({"model": "gpt"}, key="")
    assert missing[0] == 401 and b"Authorization: Bearer" in missing[2]
    assert gateway.rows() == [], "strangers do not fill the ledger"
    assert gateway.metric("tollgate_auth_failures_total") == before + 4


def test_reload_applies_and_says_what_changed(gateway, simulator):
    key = gateway.key()
    gateway.write({"sim": provider(simulator)}, {"gpt": model(), "new": model("new")},
                  {"retail": department(models="[gpt, new]")})
    done = gateway.reload()
    assert "new" in done.stdout and "generation 2 is in force" in done.stdout
    assert gateway.chat(model="new", key=key)[0] == 200
    assert gateway.metric("tollgate_config_generation") == 2


@pytest.mark.parametrize("broken", ["", "schema: 1\nlisten: [", "schema: 1\nsurprise: 1\n", "\x00\x01"])
def test_a_broken_file_changes_nothing_and_says_why(gateway, broken):
    gateway.key()
    whole = gateway.config.read_text()
    gateway.config.write_text(broken)
    done = gateway.reload(check=False)
    assert done.returncode == 1 and "generation 1 stays in force" in done.stdout
    assert gateway.config.name in done.stdout + done.stderr
    assert gateway.request({"model": "gpt", "messages": [{"role": "user", "content": "x"}]})[0] == 200
    gateway.config.write_text(whole)
    assert gateway.reload().returncode == 0


def test_what_needs_a_restart_waits_for_it_whole_and_is_said_at_every_reload(gateway):
    key = gateway.key()
    gateway.config.write_text(gateway.config.read_text().replace("organisation: test", "organisation: acme"))
    (gateway.directory / "master.key").write_text("7" * 64)
    for _ in range(2):
        said = gateway.reload().stdout
        assert "organisation test -> acme (needs a restart)" in said and "master_key changed (needs a restart)" in said
    assert gateway.chat(key=key)[0] == 200, "its hash is of the key that the process started with"
    [row] = gateway.wait_rows(1)
    assert row["organisation"] == "test"


@pytest.mark.parametrize("broken", [False, True])
def test_a_reload_finds_a_gateway_whose_state_directory_the_files_no_longer_name(gateway, broken):
    before = gateway.directory / "state"
    gateway.config.write_text(gateway.config.read_text() + "state_directory: elsewhere\n" + "surprise: 1\n" * broken)
    if not broken:
        lost = gateway.reload(check=False)
        assert lost.returncode == 1 and "name that with --state-directory" in lost.stderr and "elsewhere" in lost.stderr
    found = run("reload", "-c", gateway.config, "--state-directory", before, check=False)
    assert found.returncode == broken, found
    moved = f"state_directory {before} -> {gateway.directory / 'elsewhere'} (needs a restart)"
    assert ("generation 1 stays in force" if broken else moved) in found.stdout


def test_reload_keeps_open_streams_and_warm_connections(gateway, simulator):
    gateway.key()
    go = threading.Event()

    async def slow(request, reply):
        import asyncio
        await reply.begin_stream()
        await reply.event(delta("before "))
        while not go.is_set():
            await asyncio.sleep(0.005)
        await reply.event(delta("after"))
        await reply.event(delta(finish="stop"))
        await reply.event("[DONE]")
        await reply.end_stream()

    simulator.behaviour = slow
    results = []
    thread = threading.Thread(target=lambda: results.append(gateway.chat("x", stream=True)))
    thread.start()
    eventually(lambda: len(simulator.journal) == 1)
    for _ in range(5):
        gateway.reload()
    go.set()
    thread.join()
    assert results[0][0] == 200 and b"before " in results[0][2] and b"after" in results[0][2]


def test_a_new_certificate_is_served_after_reload(gateway):
    def served():
        return ssl.get_server_certificate(("127.0.0.1", gateway.port), timeout=10 * SLOW)
    before = served()
    (gateway.directory / "tls.crt").unlink()
    gateway._write_certificate()
    gateway.reload()
    eventually(lambda: served() != before)


def test_drain_lets_calls_finish_and_exits_zero(gateway, simulator):
    gateway.key()
    go = threading.Event()

    async def slow(request, reply):
        import asyncio
        while not go.is_set():
            await asyncio.sleep(0.005)
        await echo(request, reply)

    simulator.behaviour = slow
    results = []
    thread = threading.Thread(target=lambda: results.append(gateway.chat("last words")))
    thread.start()
    eventually(lambda: len(simulator.journal) == 1)
    gateway.process.send_signal(signal.SIGTERM)
    eventually(lambda: gateway.ops("/readyz")[0] == 503)
    assert gateway.ops("/healthz")[0] == 200
    with pytest.raises(OSError):
        gateway.connect(timeout=1)
    go.set()
    thread.join()
    assert results[0][0] == 200 and b"last words" in results[0][2]
    assert gateway.process.wait(20 * SLOW) == 0
    gateway.process = None
    assert [r["outcome"] for r in gateway.rows()] == ["ok"]


def test_cost_reports(gateway):
    for _ in range(3):
        gateway.chat()
    gateway.wait_rows(3)
    month = time.strftime("%Y-%m", time.gmtime())
    for by, name in (("department", "retail"), ("model", "sim-1"), ("cost_center", "CC-retail"), ("application", "chat")):
        rows = json.loads(run("report", "cost", "-c", gateway.config, "--by", by, "--month", month, "--format", "json").stdout)
        text = json.dumps(rows)
        assert name in text, text
        assert rows["rows"][0]["cost_nano"] == 3 * (11 * 1000 + 7 * 4000), "1 and 4 USD a million tokens"
    table = run("report", "cost", "-c", gateway.config).stdout
    assert "retail" in table and "33" in table and "0.000117" in table
    csv = run("report", "cost", "-c", gateway.config, "--by", "key", "--format", "csv").stdout
    assert len(csv.splitlines()) == 2
    assert "retail" not in run("report", "cost", "-c", gateway.config, "--month", "2020-01", "--format", "json").stdout


def test_ops_port_serves_health_and_metrics_and_nothing_else(gateway):
    gateway.chat()
    assert gateway.ops("/healthz")[0] == 200 and gateway.ops("/readyz")[0] == 200
    for path in ("/status", "/v1/models", "/config", "/"):
        assert gateway.ops(path)[0] == 404
    eventually(lambda: "tollgate_loop_lag_seconds" in gateway.ops("/metrics")[1], what="the first look at the loop")
    text = gateway.ops("/metrics")[1]
    for name in ("tollgate_requests_total", "tollgate_tokens_total", "tollgate_phase_seconds_bucket",
                 "tollgate_added_latency_seconds_bucket", "gen_ai_client_operation_duration_seconds_bucket",
                 "tollgate_ledger_rows_total", "tollgate_connections"):
        assert name in text, name


def test_admin_port_wants_its_token(gateway):
    import urllib.error
    import urllib.request
    url = f"http://127.0.0.1:{gateway.admin_port}/status"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=5)
    assert caught.value.code == 401
    token_file = gateway.directory / "state/admin.token"
    assert token_file.stat().st_mode & 0o077 == 0
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token_file.read_text().strip()})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.load(answer)["generation"] == 1


def test_trust_prints_what_sdks_need_and_a_distrustful_client_is_explained_in_the_log(gateway):
    out = run("trust", "-c", gateway.config).stdout
    for word in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "--cacert"):
        assert word in out
    with pytest.raises(ssl.SSLError):
        import socket
        raw = socket.create_connection(("127.0.0.1", gateway.port))
        ssl.create_default_context().wrap_socket(raw, server_hostname="localhost")
    eventually(lambda: "tollgate trust" in gateway.log_path.read_text())


def test_two_gateways_never_share_a_state_directory(gateway):
    done = subprocess.run([BINARY, "serve", "-c", str(gateway.config)], capture_output=True, text=True, timeout=30 * SLOW)
    assert done.returncode == 1 and "another tollgate runs" in done.stderr


def test_the_log_is_json_and_holds_no_secret(gateway):
    gateway.chat("my card is 4111 1111 1111 1111")
    key = gateway.key()
    gateway.wait_rows(1)
    eventually(lambda: any(line["event"] == "call" for line in gateway.log_lines()))
    text = gateway.log_path.read_text()
    for line in text.splitlines():
        json.loads(line)
    for secret in (key, key.split("_")[2], "4111", "provider-secret-key"):
        assert secret not in text


def test_no_core_and_no_debugger_gets_at_the_gateways_memory(make_gateway, simulator):
    """proc(5): files of a process that is dumpable belong to its user and group, of one that is not to root."""
    gateway = make_gateway({"sim": provider(simulator)}, start=False)
    if os.geteuid() == 0:  # then only the group can tell
        gateway.launcher = ["setpriv", "--regid=65534", "--clear-groups"]
    control = subprocess.Popen([*gateway.launcher, "sleep", "60"])
    gateway.start()

    def owner(process):
        stat = os.stat(f"/proc/{process.pid}/maps")
        return stat.st_uid, stat.st_gid

    dumpable = owner(control)
    control.kill()
    control.wait()
    assert dumpable != (0, 0), "what the next line says, it says of no other program"
    assert owner(gateway.process) == (0, 0)


def test_a_log_that_was_moved_away_goes_on_in_a_new_file_after_a_reload(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, main="log: {file: gateway.log}\n")
    log = gateway.directory / "gateway.log"
    log.rename(gateway.directory / "gateway.log.1")
    assert not log.exists()
    gateway.reload()
    eventually(lambda: log.exists() and '"event":"reloaded"' in log.read_text(), what="the new file")
    assert '"event":"reloaded"' not in (gateway.directory / "gateway.log.1").read_text()


def test_handshakes_that_fail_alike_are_counted_and_told_once_a_minute(gateway):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", gateway.port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while plain.recv(100):
                pass
    counted = lambda: gateway.metric("tollgate_handshake_failures_total")  # noqa: E731
    eventually(lambda: counted() == 20, what="the last of them, which is counted after its connection is closed")
    lines = [line["message"] for line in gateway.log_lines() if line["event"] == "tls_handshake_failed"]
    assert len(lines) <= os.cpu_count() and len(set(lines)) == 1, "each worker tells it by itself"


def test_callers_leave_descriptors_to_the_gateways_own_work(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, start=False, plaintext=True)
    gateway.new_key()
    gateway.launcher = ["prlimit", "--nofile=300:300"]
    gateway.start()
    limit = int(gateway.metric("tollgate_connections_limit"))
    assert 1 <= limit < 150
    [said] = [line for line in gateway.log_lines() if line["event"] == "connections_limited"]
    assert said["connections"] == limit and "LimitNOFILE" in said["message"]
    crowd = [gateway.connect() for _ in range(limit + 50)]  # those beyond wait in the kernel
    eventually(lambda: gateway.metric("tollgate_connections") == limit, what="as many as may be")
    assert gateway.ops("/readyz")[0] == 200
    for connection in crowd:
        connection.close()
    eventually(lambda: gateway.chat()[0] == 200)
    assert not [line for line in gateway.log_lines() if line["event"] == "accept_failed"]


def test_a_connection_counts_from_its_accept_before_it_shakes_hands(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, listen="  limits: {connections: 5}\n")
    silent = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(40)]
    eventually(lambda: gateway.metric("tollgate_connections") == 5, what="as many as may be")
    with pytest.raises(OSError):
        gateway.request({"model": "gpt", "messages": []}, timeout=1)
    assert gateway.metric("tollgate_connections") == 5
    for connection in silent:
        connection.close()
    eventually(lambda: gateway.chat()[0] == 200)


# UBSan looks at an object's type through a pipe: without descriptors every object looks wrong to it.
@pytest.mark.skipif(SLOW > 1, reason="sanitizers need descriptors of their own")
def test_a_gateway_out_of_descriptors_says_so_once_and_serves_again_when_it_has_some(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, start=False, plaintext=True)
    gateway.new_key()
    gateway.start()
    now_open = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
    resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (now_open + 5, now_open + 5))
    crowd = [gateway.connect() for _ in range(80)]  # the kernel takes those that the gateway cannot
    said = lambda: [line for line in gateway.log_lines() if line["event"] == "accept_failed"]  # noqa: E731
    eventually(said, what="the line about descriptors")
    crowd[-1].settimeout(1)
    with pytest.raises(TimeoutError):
        crowd[-1].recv(1)  # meanwhile it is tried again and again
    assert len(said()) == 1
    for connection in crowd:
        connection.close()
    eventually(lambda: gateway.chat()[0] == 200)


def test_plaintext_is_an_opt_in(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, plaintext=True)
    assert gateway.chat()[0] == 200


def test_tls_upstream_is_verified(make_gateway, tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=sim", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "k"),
                    "-out", str(folder / "c")], check=True, capture_output=True)
    server = Simulator(str(folder / "c"), str(folder / "k"))
    try:
        trusted = make_gateway({"sim": provider(server, more=f"egress: {{ca: {folder / 'c'}}}\n").replace("plain_http: true\n", "")})
        assert trusted.chat()[0] == 200
        for transport in ("hot", "curl"):
            distrustful = make_gateway(
                {"sim": provider(server, more=f"transport: {transport}\n").replace("plain_http: true\n", "")})
            assert distrustful.chat()[0] == 502
        assert len(server.journal) == 1
    finally:
        server.close()
