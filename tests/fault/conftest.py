"""The harness of tests/e2e, and the servers that these tests break."""
import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path[:0] = [str(E2E), str(pathlib.Path(__file__).parent)]

# Both folders have a conftest.py, so the other one goes by another name.
_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)
make_gateway = _e2e.make_gateway

from load import MeteredSimulator  # noqa: E402
from servers import POSTGRES_PROGRAMS, NameServer, Postgres, Redis  # noqa: E402


@pytest.fixture
def simulator():
    server = MeteredSimulator()
    yield server
    server.close()


@pytest.fixture
def redis(tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = Redis(tmp_path)
    yield server
    server.close()


@pytest.fixture
def postgres():
    if not (POSTGRES_PROGRAMS / "initdb").exists():
        pytest.skip("PostgreSQL is not installed")
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def name_server(tmp_path):
    """Knows no name at first: a test adds to `names`."""
    try:
        server = NameServer(tmp_path, [])
    except OSError as e:
        pytest.skip(f"port 53 of a loopback address cannot be bound here: {e}")
    tried = subprocess.run([*server.launcher, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        server.close()
        pytest.skip(f"a mount namespace with a resolv.conf of its own is not permitted here: {tried.stderr.strip()}")
    yield server
    server.close()
