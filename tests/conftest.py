"""What the end-to-end and the fault tests share: gateways, and the provider they call."""
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
        gateway = Gateway(folder, providers, models or {"gpt": model()}, departments or {"retail": department()}, **more)
        made.append(gateway)
        return gateway.start() if start else gateway

    yield make
    for gateway in made:
        code = gateway.stop()
        assert code == 0, f"exit code {code}: " + gateway.log_path.read_text()[-4000:]


@pytest.fixture
def gateway(make_gateway, simulator):
    return make_gateway({"sim": provider(simulator)})
