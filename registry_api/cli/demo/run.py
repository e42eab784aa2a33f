"""From nothing to a running service that has answered every kind of enquiry; the second time in seconds."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path

import httpx2

from policies.profile import load_profile
from registry_api.cli import loading
from registry_api.cli.demo import children, played, shown
from registry_api.cli.demo.authority import demonstration_staff, enrolment_of, make_clients, point_clients_at
from registry_api.cli.demo.story import story
from registry_api.cli.enrolment import enrol
from registry_api.cli.output import Failure, console, note, progress_bar
from registry_api.cli.remote import Remote
from registry_api.cli.service import end_on, running_database
from registry_api.cli.standing import operator
from registry_api.directory import store as directory
from registry_api.directory.recording import By
from registry_api.kernel import migrations
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.installation import open_keys
from registry_api.kernel.settings import Settings
from registry_api.register import store as register
from registry_api.register.synthesise import synthesise, write_csv

with contextlib.suppress(ImportError):  # Windows has none; the other commands work there all the same
    import fcntl

STATE = Path(".state/demo")
ON_PLAN, OPEN, CLOSED = 1_000, 10_000, 30_000
_SEED = 20_260_304
_PATIENCE_SECONDS = 60.0
_HOST = "127.0.0.1"


def demonstrate(scale: float) -> None:
    """Prepare the demonstration as far as that is not done yet, run it, and on a terminal wait for Ctrl-C.

    ``scale``: size of the register, 1 being 41,000 children. Raises Failure, also when an answer is not the expected
    one.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started it: Ctrl-C is the way to end it
    end_on(*(one for name in ("SIGTERM", "SIGHUP") if (one := getattr(signal, name, None))))
    if "REGISTRY_DATABASE_URL" in os.environ:
        note("The demonstration keeps to its own database; the one of REGISTRY_DATABASE_URL is not touched.")
    state = Path(os.environ.get("REGISTRY_STATE_DIR") or STATE)
    stays = sys.stdin is not None and sys.stdin.isatty()
    with _alone(state):
        port = _port()
        settings = Settings(
            environment="development",
            state_dir=state,
            database_url=None,
            profile="jersey",
            host=_HOST,
            port=port,
            base_url=f"http://{_HOST}:{port}",
        )
        good = _run(settings, scale, stays=stays)
    if not good:
        raise Failure("Not every answer was the expected one: see above.")


def _run(settings: Settings, scale: float, *, stays: bool) -> bool:
    """Run it all, wait if it ``stays``, and return whether every answer was the expected one."""
    note("Starting PostgreSQL …")
    with running_database(settings) as url:
        _prepare(settings, url, scale)
        with _service(settings) as service:
            good = _tell(settings, stays=stays)
            if stays:
                with contextlib.suppress(KeyboardInterrupt):
                    service.wait()
                note("\nStopping …")
            return good


def _port() -> int:
    """Return the port that the environment asks for; else the usual one, or a free one where that is taken."""
    named = os.environ.get("REGISTRY_PORT")
    if named is not None and not (named.isdecimal() and 0 < int(named) < 65536):
        raise Failure("REGISTRY_PORT is no port.")
    # Tried out here: whatever else answers at a port that is taken must not be mistaken for our service.
    for port in (int(named),) if named else (Settings.model_fields["port"].default, 0):
        with contextlib.suppress(OSError), socket.create_server((_HOST, port)) as free:
            return int(free.getsockname()[1])
    raise Failure(f"Port {named} is taken." if named else "No port is free on this machine.")


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep a second demonstration out of the folder. Raises Failure where there is one already."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(
                "The demonstration is running already: use that one, or set REGISTRY_STATE_DIR to another folder."
            ) from None
        yield


def _prepare(settings: Settings, url: str, scale: float) -> None:
    """Migrate, enrol and load, as far as that is not done yet."""
    migrations.upgrade(url)
    enrolled, loaded = asyncio.run(_standing(url))
    if not enrolled:
        note("Enrolling an invented authority and its partners …")
        asyncio.run(_enrol(settings, url))
    if loaded:
        note("The register is there already.")
        return
    file = settings.state_dir / "register.csv"
    on_plan, open_cases, closed_cases = (max(1, round(figure * scale)) for figure in (ON_PLAN, OPEN, CLOSED))
    note(f"Loading {on_plan:,} children on a plan, {open_cases:,} open cases and {closed_cases:,} closed ones …")
    with progress_bar() as bar:
        task = bar.add_task("Inventing a register", total=on_plan + open_cases + closed_cases)
        staff, managers = demonstration_staff()
        rows = synthesise(
            _SEED,
            on_plan=on_plan,
            open_cases=open_cases,
            closed_cases=closed_cases,
            staff=staff,
            managers=managers,
            today=_today(settings),
        )
        write_csv(file, chain(children.rows(), rows), lambda done: bar.update(task, completed=done))
    report = loading.load_file(settings, url, file)
    loading.say(report)
    if not report.loaded:
        raise Failure("The invented register was not loaded.")


async def _standing(url: str) -> tuple[bool, bool]:
    database = Database(url, pool_size=1)
    try:
        async with database.connection() as connection:
            enrolled = await directory.own_authority(connection) is not None
            return enrolled, await register.last_load(connection) is not None
    finally:
        await database.close()


async def _enrol(settings: Settings, url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        # The files first: an organisation that is enrolled has its credentials, however this ends.
        public_keys = make_clients(settings.state_dir, settings.base_url)
        vault = Vault(await open_keys(database, settings.keys_file))
        why = "The demonstration begins with this authority and these partners."
        await enrol(database, vault, enrolment_of(public_keys, utc_now()), why=why, by=By(operator=operator()))
    finally:
        await database.close()


def _today(settings: Settings) -> date:
    return load_profile(settings.profile).today(utc_now())


@contextlib.contextmanager
def _service(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real service as a process of its own, out of reach of the terminal's Ctrl-C, and stop it at the end."""
    environment = {name: value for name, value in os.environ.items() if name != "REGISTRY_DATABASE_URL"} | {
        "REGISTRY_ENVIRONMENT": settings.environment,
        "REGISTRY_STATE_DIR": str(settings.state_dir.absolute()),
        "REGISTRY_PROFILE": settings.profile,
        "REGISTRY_HOST": settings.host,
        "REGISTRY_PORT": str(settings.port),
        "REGISTRY_BASE_URL": settings.base_url,
    }
    command = [sys.executable, "-m", "registry_api.cli", "serve", "--workers", str(settings.workers)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    try:
        _wait_until_ready(settings.base_url, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(base_url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with httpx2.Client(trust_env=False, timeout=5) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure("The service did not start; it says why above.")
            with contextlib.suppress(httpx2.TransportError):
                if http.get(f"{base_url}/readyz").status_code == 200:
                    return
            time.sleep(0.1)
    raise Failure(f"The service did not become ready within {_PATIENCE_SECONDS:.0f} seconds.")


def _tell(settings: Settings, *, stays: bool) -> bool:
    """Play the story, print it, and return whether all of it went as it should."""
    with contextlib.ExitStack() as open_connections:
        services = {
            code: open_connections.enter_context(Remote(credentials))
            for code, credentials in point_clients_at(settings.state_dir, settings.base_url).items()
        }
        steps = played.play(story(_today(settings)), services)
        played.read_inboxes(steps, services["authority"])
        due = played.due_dates(services["authority"])
    for number, step in enumerate(steps, 1):
        shown.show(number, step, due)
    shown.summarise(steps)
    shown.how_to_go_on(settings.state_dir, settings.base_url, stays=stays)
    console.file.flush()
    return all(step.as_expected for step in steps)
