"""What the commands do with mistakes: nothing is revived, cut or shown that should not be, and the words help."""
import datetime
import json
import socket
import sqlite3

import pytest
from gateway import department, eventually, provider, run


def key_id(key):
    return key.split("_")[1]


def listed(gateway, name):
    [line] = [line for line in run("keys", "list", "-c", gateway.config).stdout.splitlines() if line.startswith(name)]
    return line


def keys_of(gateway, *args):
    return json.loads(run("keys", "list", "--json", "-c", gateway.config, *args).stdout)


def refused(gateway, *args):
    done = run(*args, "-c", gateway.config, check=False)
    assert done.returncode == 1 and done.stdout == "", done
    return done.stderr


@pytest.fixture
def resting(make_gateway, simulator):
    """A gateway that has files and no process."""
    return make_gateway({"sim": provider(simulator)}, start=False)


def test_a_key_that_is_revoked_or_expired_gets_no_successor(resting):
    revoked, expired = resting.new_key(), resting.new_key("retail", "chat", "--expires", "1s")
    run("keys", "revoke", "-c", resting.config, key_id(revoked))
    eventually(lambda: "expired" in listed(resting, key_id(expired)), what="the end of the key")
    keys = run("keys", "list", "-c", resting.config).stdout
    assert "is revoked and gets no successor" in refused(resting, "keys", "rotate", key_id(revoked))
    assert "is expired and gets no successor" in refused(resting, "keys", "rotate", key_id(expired))
    assert run("keys", "list", "-c", resting.config).stdout == keys


def test_the_list_tells_who_made_a_key_and_when_it_was_last_used_and_json_holds_the_same(gateway):
    key = gateway.new_key("retail", "chat", "--created-by", "anna", "--note", "for the pilot")
    gateway.new_key("retail", "chat")
    eventually(lambda: gateway.chat(key=key)[0] == 200, limit=5)
    gateway.stop()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    [used] = [k for k in keys_of(gateway) if k["id"] == key_id(key)]
    assert used["last_used"] in (str(today), str(today - datetime.timedelta(days=1))), "the test may run at midnight"
    assert (used["created_by"], used["note"], used["state"]) == ("anna", "for the pilot", "valid")
    assert used["expires_at"] is None and used["created_at"].endswith("Z")
    assert " anna " in listed(gateway, key_id(key))


def test_the_list_of_one_department_holds_no_other(make_gateway, simulator):
    house = make_gateway({"sim": provider(simulator)}, departments={"retail": department(), "legal": department("legal")},
                         start=False)
    retail, legal = house.new_key("retail"), house.new_key("legal")
    for name, key in (("retail", retail), ("legal", legal)):
        assert [k["id"] for k in keys_of(house, "--department", name)] == [key_id(key)]
    assert {k["id"] for k in keys_of(house)} == {key_id(retail), key_id(legal)}
    assert "'retial' is not configured (did you mean 'retail'?)" in refused(
        house, "keys", "list", "--department", "retial")


def test_rotation_never_lengthens_the_old_keys_life_and_keeps_the_length_for_the_new_one(resting):
    old = resting.new_key("retail", "chat", "--expires", "2d")
    before = listed(resting, key_id(old))
    done = run("keys", "rotate", "-c", resting.config, key_id(old), "--overlap", "30d")
    assert listed(resting, key_id(old)) == before, "it ends when it was to end"
    with sqlite3.connect(resting.directory / "state/credentials.db") as store:
        [[life]] = store.execute("SELECT expires_at - created_at FROM credentials WHERE id = ?",
                                 [key_id(done.stdout.strip())])
        assert life == 2 * 86400
        endless = run("keys", "rotate", "-c", resting.config, key_id(resting.new_key()), "--expires", "90d")
        [[life]] = store.execute("SELECT expires_at - created_at FROM credentials WHERE id = ?",
                                 [key_id(endless.stdout.strip())])
        assert life == 90 * 86400
    assert "the new key works until 20" in endless.stderr


def test_a_whole_key_stands_for_its_id_and_its_secret_is_never_repeated(resting):
    key = resting.new_key()
    for text in (key[:-1], key + "x"):
        said = refused(resting, "keys", "revoke", text) + refused(resting, "keys", "rotate", text)
        assert key.split("_")[2][:8] not in said and "neither an id nor a whole key" in said
    done = run("keys", "revoke", "-c", resting.config, key)
    assert key_id(key) in done.stdout and key.split("_")[2][:8] not in done.stdout + done.stderr
    assert "revoked" in listed(resting, key_id(key))


@pytest.mark.parametrize("options, says", [
    (["--department", "retial", "--application", "chat"], "did you mean 'retail'?"),
    (["--department", "retail", "--application", "caht"], "did you mean 'chat'?"),
    (["--department", "retail", "--application", "chat", "--pii", "stict"], "did you mean 'strict'?"),
    (["--department", "retail", "--application", "chat", "--expires", "0d"], "--expires"),
    (["--department", "retail", "--application", "chat", "--note", "a\n000000000000 faked"], "--note"),
    (["--department", "retail", "--application", "chat", "--created-by", "\x1b[31m"], "--created-by"),
])
def test_a_key_is_not_made_from_a_mistake(resting, options, says):
    assert says in refused(resting, "keys", "create", *options)
    assert len(run("keys", "list", "-c", resting.config).stdout.splitlines()) == 1


def test_a_sealed_secret_is_sealed_whole(resting):
    """A private key or a service account's JSON has many lines; what the provider gets is all of it."""
    sealed = run("secret", "seal", "-c", resting.config, text='first\nsecond"line\n').stdout.strip()
    (resting.directory / "conf.d/providers/sim.yaml").write_text(
        "id: sim\nkind: openai_compatible\nendpoint: https://provider.example/v1\nregion: {processing: eu}\n"
        f"auth: {{bearer: {sealed}}}\n")
    # A bearer token has one line: that the second one arrived is what is complained about.
    assert "characters that cannot be sent" in run("config", "check", "-c", resting.config, check=False).stderr


@pytest.mark.parametrize("words, says", [
    (["srve"], "tollgate: there is no command 'srve' (did you mean 'serve'?)"),
    (["keys", "lst"], "tollgate keys: there is no command 'lst' (did you mean 'list'?); `tollgate keys --help`"),
    (["report"], "cost"), ([], "Subcommands:"), (["serve", "--confg"], "`tollgate serve --help` says more"),
    (["keys", "-c", "x", "create", "--application", "a"], "--department is required"),
])
def test_words_that_are_no_command_are_named_with_what_was_meant(words, says):
    done = run(*words, check=False)
    assert done.returncode == 2 and done.stdout == "" and says in done.stderr, done


def test_reports_say_when_there_is_nothing_to_report_and_why(resting):
    for words in (["report", "cost"], ["ledger", "rows"]):
        assert "there is no ledger at" in refused(resting, *words)
    resting.start()
    done = run("report", "cost", "-c", resting.config, "--month", "2020-01")
    assert done.stderr == "nothing was used in 2020-01\n"
    for option in (["--month", ""], ["--month", "2020-13"]):
        assert run("report", "cost", "-c", resting.config, *option, check=False).returncode != 0
    assert run("ledger", "rows", "-c", resting.config, "--limit", "-1", check=False).returncode == 2


def test_applications_of_two_departments_with_one_name_have_lines_of_their_own(make_gateway, simulator):
    gateway = make_gateway({"sim": provider(simulator)}, departments={"retail": department(), "hr": department("hr")})
    gateway.chat()
    gateway.chat(key=gateway.new_key("hr"))
    gateway.wait_rows(2)
    rows = json.loads(run("report", "cost", "-c", gateway.config, "--by", "application", "--format", "json").stdout)
    assert {row["application"]: row["requests"] for row in rows["rows"]} == {"retail/chat": 1, "hr/chat": 1}


def test_the_main_file_is_named_by_its_whole_path_when_it_cannot_be_read(resting):
    missing = resting.directory / "nowhere" / "tollgate.yaml"
    assert run("config", "check", "-c", missing, check=False).stderr == f"{missing}: does not exist\n"


def test_two_listeners_with_one_port_are_an_error_of_the_configuration(resting):
    whole = resting.config.read_text()
    resting.config.write_text(whole.replace(f"port: {resting.ops_port}", f"port: {resting.port}"))
    said = run("config", "check", "-c", resting.config, check=False)
    assert said.returncode == 1 and "listen and ops have the same port" in said.stderr
    resting.config.write_text(whole.replace(f"ops: {{address: 127.0.0.1, port: {resting.ops_port}",
                                            f"ops: {{address: 127.0.0.2, port: {resting.port}"))
    assert run("config", "check", "-c", resting.config).returncode == 0, "another address may have the same port"


def test_a_port_that_is_taken_is_named_with_its_key(resting):
    for key, port in (("listen", resting.port), ("ops", resting.ops_port), ("admin", resting.admin_port)):
        with socket.create_server(("127.0.0.1", port)):
            done = run("serve", "-c", resting.config, check=False)
        assert done.returncode == 1 and f"127.0.0.1:{port}" in done.stderr and f"`{key}`" in done.stderr, done


def test_a_gateway_that_does_not_run_is_what_a_command_for_a_live_one_misses(resting):
    resting.start()
    resting.stop()
    assert f"no gateway answers at 127.0.0.1:{resting.admin_port}" in refused(resting, "models", "status")
    assert "no gateway runs" in refused(resting, "reload")


def test_a_reload_says_which_price_changed(resting):
    resting.start()
    resting.config.write_text(resting.config.read_text().replace("input: 1 USD", "input: 2 USD"))
    assert "price of */sim-1: input 1.00 USD -> 2.00 USD" in resting.reload().stdout


def test_a_configuration_is_not_made_for_a_model_that_is_not_there(tmp_path):
    done = run("init", tmp_path / "new", "--model", tmp_path, check=False)
    assert done.returncode == 1 and "holds no model" in done.stderr and not (tmp_path / "new").exists()


def test_a_master_key_that_is_there_is_named_and_kept(resting):
    key = resting.directory / "master.key"
    before = key.read_text()
    done = run("secret", "master-key", key, check=False)
    assert done.returncode == 1 and f"{key} exists already" in done.stderr and key.read_text() == before
