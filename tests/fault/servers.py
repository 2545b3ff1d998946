"""Real servers for the tests: started, stopped, killed and frozen at will."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
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


class NameServer:
    """A name server on a loopback address of its own. Frozen, it takes questions and answers none of them, then or later.

    glibc asks port 53 of the addresses in /etc/resolv.conf and nothing else, so it takes the right to bind that port, and
    the gateway has to see a resolv.conf of its own: `launcher` is the command to put before the gateway's, which shows it
    one in a mount namespace. The machine's own file is not touched.
    """

    ADDRESS = "127.53.53.53"

    def __init__(self, directory, names):
        self.names = set(names)  # these are 127.0.0.1; other names do not exist
        self.asked = []
        self._frozen = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.ADDRESS, 53))
        resolv_conf = pathlib.Path(directory) / "resolv.conf"
        resolv_conf.write_text(f"nameserver {self.ADDRESS}\n")
        mount_and_run = f'mount --bind "{resolv_conf}" /etc/resolv.conf && exec "$@"'
        self.launcher = ["unshare", "--mount", "sh", "-c", mount_and_run, "sh"]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            question, sender = self._socket.recvfrom(512)
            if not question:
                return  # see close()
            name, end = self._name(question)
            self.asked.append(name)
            if not self._frozen:
                self._socket.sendto(self._answer(question, name, end), sender)

    @staticmethod
    def _name(message):
        """The name asked for, and where the question ends (RFC 1035 section 4.1)."""
        labels, at = [], 12
        while length := message[at]:
            labels.append(message[at + 1:at + 1 + length].decode())
            at += 1 + length
        return ".".join(labels), at + 5

    def _answer(self, question, name, end):
        is_a = question[end - 4:end - 2] == b"\0\1"
        records = [b"\xc0\x0c\0\1\0\1\0\0\0\x01\0\4\x7f\0\0\1"] if is_a and name in self.names else []
        flags = 0x8180 if name in self.names else 0x8183  # an answer, recursion available; 3: no such name
        return question[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question[12:end] + b"".join(records)

    def freeze(self):
        self._frozen = True

    def thaw(self):
        self._frozen = False

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", (self.ADDRESS, 53))
        self._thread.join()
        self._socket.close()


def wait_connected(gateway):
    """Until the gateway ships rows to PostgreSQL."""
    eventually(lambda: any(line["event"] == "ledger_shipping" for line in gateway.log_lines()), 10,
               what="the link to PostgreSQL")
