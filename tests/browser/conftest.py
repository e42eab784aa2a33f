"""A real browser at the real service: Chromium, the command line's own server, and HTTP over loopback.

Skipped where there is no browser, but not with ``REQUIRE_BROWSER=1``, which ``.ci/run`` sets.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from browsing import identity_file
from external_provider import ExternalProvider, running
from logins import service_environment
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from auth.client import generate_client_key

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""No sandbox: build machines run as root. The others keep the browser from reaching for its maker's hosts."""
_START_SECONDS = 90
PRIVATE, PUBLIC = generate_client_key()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser out where there is none."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))  # the first one starts the database, the service and the browser
            if CHROMIUM is None and os.environ.get("REQUIRE_BROWSER") != "1":
                item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


@dataclass
class Seen:
    """What a browser had to complain of, and whom it talked to."""

    origin: str
    complaints: list[str] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", lambda answer: self.answers.append((answer.status, answer.url)))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        # A page with a status of an error is counted by its status.
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource: the server responded"):
            self.complaints.append(text)

    def _request(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "data:")):
            self.elsewhere.append(url)

    def failures(self) -> list[tuple[int, str]]:
        return [(status, url.removeprefix(self.origin)) for status, url in self.answers if status >= 400]


NewDatabase = Callable[[], AbstractContextManager[str]]
Browse = Callable[..., tuple[Page, Seen]]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[str]:
    """The address of a service in development, as an operator starts it, with the enrolment of docs/enrolment.md."""
    with new_database() as url, _started(tmp_path_factory.mktemp("service"), url) as address:
        yield address


@pytest.fixture(scope="session")
def outside() -> Iterator[ExternalProvider]:
    """A provider on another site: the service is at localhost, and this at 127.0.0.1."""
    with running(ExternalProvider(client_key=PUBLIC)) as provider:
        yield provider


@pytest.fixture(scope="session")
def service_with_provider(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase, outside: ExternalProvider
) -> Iterator[str]:
    """The address of a service whose staff sign in there."""
    folder = tmp_path_factory.mktemp("service")
    file = identity_file(folder, outside, private_jwk=PRIVATE)
    with new_database() as url, _started(folder, url, REGISTRY_IDENTITY_FILE=str(file)) as address:
        yield address


@contextmanager
def _started(folder: Path, database_url: str, **more: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    environment = kept | {
        "REGISTRY_ENVIRONMENT": "development",
        **service_environment(database_url),
        "REGISTRY_STATE_DIR": str(folder / "state"),
        "REGISTRY_PORT": str(port),
        "REGISTRY_BASE_URL": f"http://localhost:{port}",
        **more,
    }
    (enrolment, *_) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/enrolment.md").read_text("utf-8"), re.DOTALL)
    (folder / "enrolment.json").write_text(enrolment)
    command = [sys.executable, "-m", "registry_api.cli"]
    enrol = [*command, "enrol", str(folder / "enrolment.json"), "--why", "The first enrolment."]
    subprocess.run(enrol, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=120)
    with _serving([*command, "serve", "--workers", "1"], environment, folder / "said"):
        yield environment["REGISTRY_BASE_URL"]


@contextmanager
def _serving(command: list[str], environment: dict[str, str], said: Path) -> Iterator[None]:
    with said.open("w") as stderr:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=stderr, start_new_session=True)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(httpx2.TransportError):
                url = environment["REGISTRY_BASE_URL"].replace("localhost", "127.0.0.1")
                if httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200:
                    break
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def chromium() -> Iterator[Chromium]:
    """The browser itself. For each test anew: as long as it is driven, its driver has the event loop of this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Chromium) -> Iterator[Browse]:
    """Opens a window of a browser that nobody has used yet, on a small telephone."""
    with ExitStack() as closing:

        def opened(address: str, *, scripts: bool = True) -> tuple[Page, Seen]:
            context = chromium.new_context(
                viewport={"width": 320, "height": 640}, locale="en-GB", base_url=address, java_script_enabled=scripts
            )
            closing.callback(context.close)
            context.set_default_timeout(20_000)
            seen = Seen(address)
            context.on("page", seen.watch)
            return context.new_page(), seen

        yield opened
