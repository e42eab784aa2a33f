"""Fixtures of every test: a real PostgreSQL, a migrated database of its own for each test, and keys.

One cluster serves a whole run (the one of ``REGISTRY_DATABASE_URL`` where that is set, else the embedded one, which
for tests does not flush to disk). A database is made from a migrated template in a few hundredths of a second.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import logins
import pytest
import structlog
from builders import World, running_world
from commands import Cli, commands
from sqlalchemy.engine import make_url

from registry_api.kernel import migrations
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.matching.tokens import TokenKeys

_HERE = {"127.0.0.1", "::1", "localhost", make_url(os.environ.get("REGISTRY_DATABASE_URL", "postgresql://")).host, None}
"""The hosts that a test may talk to: this machine, and the database that the run was given."""
_NO_FLUSH = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _administer(url: str, *statements: str) -> None:
    async def run() -> None:
        target = make_url(url).set(drivername="postgresql")
        connection = await asyncpg.connect(target.render_as_string(hide_password=False))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def _database_of(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Let no test reach beyond this machine: PermissionError for whoever tries."""

    def guarded(call: Any, host_of: Any) -> Any:
        def checked(*arguments: Any, **options: Any) -> Any:
            host = host_of(*arguments)
            if (host.decode() if isinstance(host, bytes) else host) not in _HERE:
                raise PermissionError("a test may not reach beyond this machine")
            return call(*arguments, **options)

        return checked

    def peer(_: socket.socket, address: Any) -> Any:
        return address[0] if isinstance(address, tuple) else None  # a path: a socket in the file system

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name), peer))
        patch.setattr(socket, "getaddrinfo", guarded(socket.getaddrinfo, lambda host, *_: host))
        yield


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Take back what a test configured of the logs: they would go on to its standard error, which is closed then."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running PostgreSQL in which databases may be created."""
    given = os.environ.get("REGISTRY_DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(state=tmp_path_factory.mktemp("state"), settings=_NO_FLUSH) as postgres:
        yield postgres.start()


@pytest.fixture(scope="session")
def template_database(cluster_url: str) -> Iterator[str]:
    """The name of a migrated, empty database that others are copied from."""
    name = f"registry_template_{secrets.token_hex(4)}"
    _administer(cluster_url, f"CREATE DATABASE {name}")
    migrations.upgrade(_database_of(cluster_url, name))
    _administer(cluster_url, *logins.MAKE)
    yield name
    _administer(cluster_url, f"DROP DATABASE {name} WITH (FORCE)", *logins.DROP)


@pytest.fixture(scope="session")
def new_database(cluster_url: str, template_database: str) -> Callable[[], AbstractContextManager[str]]:
    """Lends the URL of a migrated, empty database."""

    @contextmanager
    def made() -> Iterator[str]:
        name = f"registry_test_{secrets.token_hex(6)}"
        _administer(cluster_url, f"CREATE DATABASE {name} TEMPLATE {template_database}")
        yield _database_of(cluster_url, name)
        _administer(cluster_url, f"DROP DATABASE {name} WITH (FORCE)")

    return made


@pytest.fixture
def database_url(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The URL of a migrated, empty database of this test's own."""
    with new_database() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database."""
    database = Database(database_url, pool_size=4)
    yield database
    await database.close()


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """The path of a fresh key file."""
    path = tmp_path / "keys.json"
    LocalKeys.load_or_create(path)
    return path


@pytest.fixture
def vault(keys_file: Path) -> Vault:
    """The vault over the fresh keys."""
    return Vault(LocalKeys.load_or_create(keys_file))


@pytest.fixture
def local(keys_file: Path) -> LocalKeys:
    """The fresh keys themselves."""
    return LocalKeys.load(keys_file)


@pytest.fixture
def token_keys(keys_file: Path) -> TokenKeys:
    """The blind-index keys derived from the fresh master."""
    return TokenKeys(LocalKeys.load_or_create(keys_file).index_master)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A small authority with its application running (``tests.builders``)."""
    async with running_world(database_url, tmp_path / "state") as world:
        yield world


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str, tmp_path: Path) -> Cli:
    """Runs a command over an empty database, as the operator would."""
    for name, value in logins.service_environment(database_url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REGISTRY_STATE_DIR", str(tmp_path / "state"))
    return commands(monkeypatch, capsys)


@pytest.fixture(scope="module")
def shared_database_url(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The URL of a migrated, empty database that the tests of a module share."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="module")
async def shared_world(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world that the tests of a module share: for many small ones, each of which bears what others have done."""
    async with running_world(shared_database_url, tmp_path_factory.mktemp("world") / "state") as world:
        yield world
