"""The service as a process group, and the schema of its database.

Serving leaves nothing behind: however it ends, short of being killed, its workers end and its PostgreSQL is shut down.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC

import uvicorn
from pydantic import ValidationError
from uvicorn.supervisors import Multiprocess

from auth.errors import InsecureEnvironment
from auth.exchange import Exchange
from auth.identity_file import Identity, read_identity_file
from auth.providers import IdentityInvalid
from auth.staff.building import check_staff
from policies.access import check_policies
from policies.cedar import PoliciesInvalid
from registry_api import privileges
from registry_api.cli.output import Failure, note
from registry_api.cli.worker import LoginMissing, service_urls
from registry_api.directory import store as directory
from registry_api.kernel import migrations, schema
from registry_api.kernel.clock import utc_now
from registry_api.kernel.db import Database
from registry_api.kernel.installation import open_keys
from registry_api.kernel.logs import configure_logs
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.postgres_programs import PostgresUnavailable
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import staff_settings

_TOGETHER = (
    "REGISTRY_LOG_MAIL_TO needs REGISTRY_SMTP_URL and REGISTRY_MAIL_FROM, and REGISTRY_LOG_TSA_URL goes with "
    "REGISTRY_LOG_TSA_ROOTS"
)
_BACKLOG = 2048
_CONNECTIONS = 900
"""Of each worker; what comes on top is answered with 503. A process may hold 1,024 descriptors where nobody says
otherwise, and needs some for the database."""
_GRACE_SECONDS = 20
"""For the requests under way when the service is told to stop."""


def read_settings() -> Settings:
    """Return the settings of the environment. Raises Failure with the names of variables that make no sense."""
    try:
        return Settings()
    except ValidationError as error:
        faults = error.errors(include_input=False)
        wrong = sorted({f"REGISTRY_{str(fault['loc'][0]).upper()}" if fault["loc"] else _TOGETHER for fault in faults})
        raise Failure(f"The environment holds a value that makes no sense: {', '.join(wrong)}.") from None


@contextlib.contextmanager
def embedded(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """Run the PostgreSQL of the state folder meanwhile. Raises Failure when there is none to be had."""
    try:
        with EmbeddedPostgres(settings.state_dir) as postgres:
            yield postgres
    except PostgresUnavailable as error:
        raise Failure(str(error)) from error


@contextlib.contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Lend the URL of the database for a command: the one that the settings name, else the embedded one, started
    meanwhile.

    Raises Failure when there is none to be had.
    """
    if not settings.embedded and settings.database_url is None:
        raise Failure("A command signs in to the database for itself: set REGISTRY_DATABASE_URL.")
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded(settings) as postgres:
        yield postgres.url


@contextlib.contextmanager
def _database_of_service(settings: Settings) -> Iterator[DatabaseUrls]:
    """Lend where the service signs in; an embedded database is started meanwhile, and migrated. Raises Failure."""
    with embedded(settings) if settings.embedded else contextlib.nullcontext() as postgres:
        if postgres is not None:
            migrations.upgrade(postgres.url)
        try:
            urls = service_urls(settings)
        except LoginMissing as error:
            raise Failure(str(error)) from error
        yield urls


def serve(workers: int | None = None) -> None:
    """Run the service until SIGINT or SIGTERM, with so many ``workers`` or as many as the settings say.

    Raises Failure when the identity file, the way in for staff or a policy is wrong, the port is taken, the database
    cannot be had or is not ready, or a worker cannot start; KeysUnusable when the keys are not those of the database.
    """
    configure_logs()
    settings = read_settings()
    identity = _check_identity(settings)
    _check_policies()
    end_on(signal.SIGTERM)
    with listening(settings) as sock, _database_of_service(settings) as urls:
        asyncio.run(_check_ready(urls.api, settings, identity))
        note(f"The service is at {settings.base_url}. Stop it with Ctrl-C.")
        supervisor = Multiprocess(server_config(settings, workers or settings.workers), [sock])
        supervisor.run()
    if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes):
        raise Failure("A worker could not start; the log above names the kind of error.")


def server_config(settings: Settings, workers: int) -> uvicorn.Config:
    """Return how each of so many ``workers`` is served."""
    return uvicorn.Config(
        "registry_api.cli.worker:app",
        factory=True,
        workers=workers,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # kernel.proxies has to see who a connection comes from
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def migrate() -> None:
    """Bring the database of the settings to the schema of this release. Raises Failure."""
    settings = read_settings()
    with running_database(settings) as url:
        migrations.upgrade(url)
    note(f"The database is at revision {migrations.head()}.")


def end_on(*signals: signal.Signals) -> None:
    """Make these signals end the command as an exception would, so that what it started is stopped."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for one in signals:
        signal.signal(one, end)


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Lend the listening socket. Raises Failure when the port is taken or not ours to use."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        sock = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
        raise Failure(
            f"Nothing can listen at {settings.host}, port {settings.port}: {why}. Set REGISTRY_PORT to another."
        ) from None
    with sock:
        yield sock


def _check_identity(settings: Settings) -> Identity:
    """Say here what is wrong with how people are identified: a worker could only fail to start. Raises Failure."""
    try:
        identity = read_identity_file(settings.identity_file, development=settings.development)
        provider = check_staff(staff_settings(settings, UTC), identity)
        Exchange(identity.providers, utc_now)  # reads files of keys and certificates, and opens no connection
    except IdentityInvalid as error:
        raise Failure(f"The identity file cannot be used: {error}.") from None
    except InsecureEnvironment as error:
        raise Failure(f"The service does not start like this: {error}.") from None
    if provider is None and settings.development:
        note("DEVELOPMENT: whoever can open a page of it can sign in as anybody.")
    return identity


def _check_policies() -> None:
    try:
        check_policies()
    except PoliciesInvalid as error:
        raise Failure(f"The policies cannot be used: {error}.") from None


async def _check_ready(url: str, settings: Settings, identity: Identity) -> None:
    """Say here what is missing: a worker could only fail to start. Raises Failure and KeysUnusable."""
    database = Database(url, pool_size=1)
    try:
        if not (await schema.is_current(database) and await privileges.are_current(database)):
            raise Failure("The database is not at the schema of this release: run `registry-api migrate`.")
        async with database.connection() as connection:
            if await privileges.reads_register(connection):
                raise Failure(privileges.NO_GATE)
            if await directory.own_authority(connection) is None:
                raise Failure("The database has no authority in it: run `registry-api set-up`.")
            if strangers := await directory.not_enrolled(connection, identity.providers):
                raise Failure(f"The identity file names organisations that are not enrolled: {', '.join(strangers)}.")
        await open_keys(database, settings.keys_file)
    finally:
        await database.close()
