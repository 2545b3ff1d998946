"""What the end-to-end and the fault tests share: gateways, the provider they call, and a table at the end."""
import pytest
from gateway import Gateway, department, model, provider
from simulator import Simulator


@pytest.fixture
def simulator():
    server = Simulator()
    yield server
    server.close()


@pytest.fixture
def make_gateway(tmp_path):
    """Makes gateways; each must end with exit code 0 (a sanitizer's finding would change it)."""
    made = []

    def make(providers, models=None, departments=None, start=True, **more):
        folder = tmp_path / f"gateway{len(made)}"
        folder.mkdir()
        secret = folder / "provider.key"
        secret.write_text("provider-secret-key\n")
        secret.chmod(0o600)
        departments = departments or {"retail": department()}
        gateway = Gateway(folder, providers, models or {"gpt": model()}, departments, **more)
        made.append(gateway)
        if not start:
            return gateway
        if "retail" in departments:
            gateway.new_key()  # before it runs: a running gateway takes up to a second to see a new key
        return gateway.start()

    yield make
    for gateway in made:
        code = gateway.stop()
        assert code == 0, f"exit code {code}: " + gateway.log_path.read_text()[-4000:]


@pytest.fixture
def gateway(make_gateway, simulator):
    return make_gateway({"sim": provider(simulator)})


def pytest_terminal_summary(terminalreporter):
    """What tests have filled as cells of a table (the property "cell"): a row per client and promise, a column per
    provider."""
    marks = {"passed": "ok", "skipped": "-", "failed": "FAILED", "error": "FAILED"}
    table = {}
    for outcome, mark in marks.items():
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "cell":
                    client, provider, promise = value
                    table.setdefault((client, promise), {})[provider] = mark
    if not table:
        return
    providers = list(dict.fromkeys(name for row in table.values() for name in row))
    widths = [max(len(word) for word in words) for words in zip(*table)]
    terminalreporter.section("clients and providers")
    terminalreporter.write_line("  ".join([" " * widths[0], " " * widths[1], *providers]))
    for (client, promise), row in sorted(table.items()):
        found = [row.get(name, "").ljust(len(name)) for name in providers]
        terminalreporter.write_line("  ".join([client.ljust(widths[0]), promise.ljust(widths[1]), *found]).rstrip())
