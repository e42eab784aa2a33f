"""A deployment of its own, run as an operator would: commands in processes of their own, and the service."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[1]


def examples() -> tuple[str, str]:
    """The examples of docs/enrolment.md, the authority and the police, with agreements that last beyond today."""
    authority, police, *_ = re.findall(r"```json\n(.*?)```", (ROOT / "docs/enrolment.md").read_text(), re.DOTALL)
    lasting = f"{datetime.now(UTC).year + 1}-12-31"
    return tuple(re.sub(r'(?<="valid_to": ")[0-9-]+', lasting, example) for example in (authority, police))  # type: ignore[return-value]


def deployment(folder: Path) -> dict[str, str]:
    """The environment of a deployment of its own: a state folder, a free port, and the commands on the path."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "REGISTRY_STATE_DIR": str(folder / "state"),
        "REGISTRY_PORT": str(port),
        "REGISTRY_BASE_URL": f"http://127.0.0.1:{port}",
    }


def run(command: list[str], environment: dict[str, str], **how: object) -> subprocess.CompletedProcess[str]:
    full = [sys.executable, "-m", "registry_api.cli", *command]
    return subprocess.run(full, env=environment, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


@contextmanager
def serving(environment: dict[str, str], *, workers: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "registry_api.cli", "serve", "--workers", str(workers)]
    said = Path(environment["REGISTRY_STATE_DIR"]).with_name("said")
    with said.open("w") as stderr:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=stderr, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not _ready(environment):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=120)


def _ready(environment: dict[str, str]) -> bool:
    with suppress(httpx2.TransportError):
        url = f"http://127.0.0.1:{environment['REGISTRY_PORT']}/readyz"  # past a proxy, where there is one
        return httpx2.get(url, trust_env=False).status_code == 200
    return False
