"""The real service in processes of its own, and what it uses: tokens obtained as an organisation obtains them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx2
import psutil

from auth.sending import AsProfessional
from bench.asking import PATH, professionals, service_urls
from bench.load import http_request

WORKERS = 2
_PATIENCE = 60.0
_ROOT = Path(__file__).parents[1]
_UNLIMITED = {
    "REGISTRY_ENQUIRIES_PER_MINUTE_ORGANISATION": "100000000",
    "REGISTRY_ENQUIRIES_PER_MINUTE_PROFESSIONAL": "100000000",
    "REGISTRY_REQUESTS_PER_MINUTE_ADDRESS": "100000000",
}


@dataclass(slots=True)
class Memory:
    """Of one worker, in MB (10^6 bytes): ``pss`` counts shared pages by share."""

    rss: float
    pss: float


@dataclass
class Service:
    """A running service. ``workers`` are the process ids that serve."""

    url: str
    state: Path
    workers: list[int] = field(default_factory=list)
    _professionals: list[AsProfessional] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    def requests(self, bodies: Sequence[bytes]) -> list[bytes]:
        """Return enquiries with these bodies, by all professionals in turn: each to be sent once, within a minute."""
        self._professionals = self._professionals or professionals(self.state, self.url)
        with httpx2.Client(base_url=self.url) as http:
            tokens = [(one, one.token(http)) for one in self._professionals]
            # A proof holds a nonce of ours, which is good for minutes: it is fetched anew for each lot.
            for one in self._professionals:
                http.get("/livez", auth=one)
        asking = zip(cycle(tokens), bodies, strict=False)
        return [
            http_request(self.port, one.headers("POST", f"{self.url}{PATH}", token), body)
            for (one, token), body in asking
        ]

    def memory(self) -> list[Memory]:
        """Return what each worker holds now."""
        held = [psutil.Process(pid).memory_full_info() for pid in self.workers]
        return [Memory(one.rss / 1e6, one.pss / 1e6) for one in held]

    def cpu_seconds(self) -> float:
        """Return the processor time that the workers have used so far."""
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.workers)


@contextlib.contextmanager
def running(state: Path, database_url: str, app: str = "registry_api.cli.worker:app") -> Iterator[Service]:
    """Start the service over a database and yield it when it is ready. Raises RuntimeError if it does not come up.

    ``app``: what makes the application.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    urls = service_urls(state, database_url)
    environment = {
        **os.environ,
        **_UNLIMITED,
        "REGISTRY_API_DATABASE_URL": urls.api,
        "REGISTRY_REGISTER_DATABASE_URL": urls.register,
        "REGISTRY_SEQUENCER_DATABASE_URL": urls.sequencer,
        "REGISTRY_STATE_DIR": str(state),
        "REGISTRY_BASE_URL": url,
    }
    command = f"-m uvicorn {app} --factory --port {port} --workers {WORKERS}"
    command += " --loop uvloop --http httptools --no-access-log --no-server-header --log-level warning"
    process = subprocess.Popen([sys.executable, *command.split()], env=environment, cwd=_ROOT)
    try:
        _wait_until_ready(url, process)
        yield Service(url, state, _workers(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if len(_workers(process.pid)) == WORKERS and httpx2.get(f"{url}/readyz").status_code == 200:
                time.sleep(1.0)  # the other worker may be a moment later
                return
        time.sleep(0.1)
    raise RuntimeError("the service did not come up")


def _workers(parent: int) -> list[int]:
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(parent).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # one that has died says why on its own standard error
                if any("spawn_main" in argument for argument in child.cmdline()):
                    found.append(child.pid)
    return found
