"""Real servers for the tests: started, stopped, killed and frozen at will."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from gateway import eventually, free_port

POSTGRES_PROGRAMS = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


class Redis:
    def __init__(self, directory):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(directory)], stdout=subprocess.DEVNULL)
        time.sleep(0.3)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()


class Postgres:
    """A cluster of its own in a temporary directory. PostgreSQL refuses to run as root: then it runs as `postgres`."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-postgres-"))
        self.data = self.directory / "data"
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self._program("initdb", "-D", self.data, "-A", "trust", "-U", "tollgate", "-E", "UTF8", "--no-sync")
        self.start()
        self._program("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "tollgate", "tollgate")

    def _program(self, name, *args, check=True):
        command = [str(POSTGRES_PROGRAMS / name), *map(str, args)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd=self.directory, capture_output=name != "pg_ctl", text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{name} failed: {done.stdout}{done.stderr}")
        return done

    @property
    def url(self):
        return f"postgresql://tollgate@127.0.0.1:{self.port}/tollgate"

    def start(self):
        options = f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"
        self._program("pg_ctl", "-D", self.data, "-s", "-w", "-l", self.directory / "log", "-o", options, "start")

    def stop(self, mode="immediate"):
        """`immediate` is a crash: nothing is finished, and the next start recovers."""
        self._program("pg_ctl", "-D", self.data, "-s", "-w", "-m", mode, "stop")

    def query(self, sql):
        """Rows as lists of texts."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.url, "-c", sql],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def _processes(self):
        """The postmaster and its children, which are in sessions of their own."""
        main = int((self.data / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def _signal(self, number):
        for process in self._processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def close(self):
        if (self.data / "postmaster.pid").exists():
            self.thaw()
            self._program("pg_ctl", "-D", self.data, "-s", "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


def wait_connected(gateway):
    """Until the gateway ships rows to PostgreSQL."""
    eventually(lambda: any(line["event"] == "ledger_shipping" for line in gateway.log_lines()), 10,
               what="the link to PostgreSQL")
