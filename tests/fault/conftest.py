"""The servers that these tests break."""
import shutil
import subprocess

import pytest
from load import MeteredSimulator
from servers import POSTGRES_PROGRAMS, NameServer, Postgres, Redis


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
