"""A real Redis for tests, of their own: on a socket in the file system, or on loopback with TLS; it can be hurt."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

PROGRAM = shutil.which("redis-server")


def require() -> None:
    """Skip the test where there is no Redis, unless ``REQUIRE_REDIS=1`` says that there has to be one."""
    if PROGRAM is None:
        if os.environ.get("REQUIRE_REDIS") == "1":
            pytest.fail("REQUIRE_REDIS is set, and there is no redis-server")
        pytest.skip("there is no redis-server on this machine (Debian: redis-server)")


class RedisServer:
    """One server, which keeps nothing on disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.url = f"unix://{folder}/redis.sock"
        self._command = [
            str(PROGRAM), "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", str(folder), "--save", "",
            "--appendonly", "no", *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = self.url.removeprefix("unix://")
        for _ in range(500):
            with socket.socket(socket.AF_UNIX) as tried:
                try:
                    tried.connect(path)
                except OSError:
                    time.sleep(0.01)
                    continue
                tried.sendall(b"PING\r\n")
                if tried.recv(64):
                    return
        raise AssertionError("the Redis of the test did not start")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def do(self, *command: Any, **options: Any) -> Any:
        """Run a command of Redis."""
        with Redis.from_url(self.url, decode_responses=True, **options) as client:
            return client.execute_command(*command)


@contextmanager
def running(*options: str) -> Iterator[RedisServer]:
    """Lend a running server."""
    require()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # a socket's path has to be short
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()
