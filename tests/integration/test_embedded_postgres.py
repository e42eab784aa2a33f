"""The embedded PostgreSQL: started, shared, crashed, taken over and stopped, and never left behind.

Every test runs real servers, on each PostgreSQL this machine has; the fixture fails a test that leaves one running.
"""

import asyncio
import contextlib
import fcntl
import functools
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from registry_api.kernel.postgres import (
    THROWAWAY,
    EmbeddedPostgres,
    libpq_dsn,
    libpq_environment,
)
from registry_api.kernel.postgres_programs import PostgresUnavailable

ROOT = Path(__file__).parents[2]
SERVICE = """
import signal, sys, time
from pathlib import Path
from registry_api.kernel.postgres import THROWAWAY, EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedPostgres(Path(sys.argv[1]), THROWAWAY) as server:
    print(server.url, flush=True)
    time.sleep(600)
"""
"""A service in little: starts the server, says where it is, and leaves it when interrupted.

A shell has whatever it starts in the background ignore an interrupt, the tests and their children included.
"""


def server_runs(state: Path) -> bool:
    """Whether any process of the cluster's server lives, asked of the kernel."""
    with (state / "postgres/server.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def postmaster(state: Path) -> int:
    return int((state / "postgres/data/postmaster.pid").read_text().split()[0])


def ask(url: str, *statements: str) -> object:
    """Run the statements on one connection and return the last one's first value."""

    async def answer() -> object:
        connection = await asyncpg.connect(libpq_dsn(url))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(answer())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited 20 seconds in vain"
        time.sleep(0.02)


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder with a path short enough for a socket; whatever still runs there fails the test, and ends."""
    folder = Path(tempfile.mkdtemp(prefix="registry-"))
    yield folder / "state"
    left = [lock.parent.parent for lock in folder.rglob("server.lock") if server_runs(lock.parent.parent)]
    for place in left:
        os.kill(postmaster(place), signal.SIGQUIT)
        wait_until(functools.partial(lambda at: not server_runs(at), place))
    shutil.rmtree(folder)
    assert not left


@pytest.fixture
def service(state: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts services in little, each a process of its own session, and kills those still there at the end."""
    with contextlib.ExitStack() as started:

        def begin(*guise: str) -> subprocess.Popen[str]:
            process = started.enter_context(
                subprocess.Popen(
                    [*guise, sys.executable, "-c", SERVICE, state],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
            started.callback(process.kill)
            return process

        yield begin


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def other_postgres() -> list[str]:
    """The folder of the `pg_ctl` on PATH, if there is one."""
    found = shutil.which("pg_ctl")
    return [str(Path(found).resolve().parent)] if found else []


@pytest.mark.parametrize("binaries", ["", *other_postgres()])
def test_keeps_what_it_was_told_and_starts_again(state: Path, binaries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_POSTGRES_BIN", binaries)
    with EmbeddedPostgres(state) as server:
        assert ask(server.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n") == 7
        assert ask(server.url, "SHOW server_encoding") == "UTF8"
        assert ask(server.url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"
        assert ask(server.url, "SHOW fsync") == ask(server.url, "SHOW synchronous_commit") == "on"
    assert not server_runs(state)
    with EmbeddedPostgres(state, {"commit_delay": "1000", "cluster_name": r"it's \ odd"}) as server:
        assert ask(server.url, "SELECT n FROM kept") == 7
        assert ask(server.url, "SHOW commit_delay") == "1000"
        assert ask(server.url, "SHOW cluster_name") == r"it's \ odd"


def test_admits_nobody_without_the_password(state: Path) -> None:
    with EmbeddedPostgres(state, THROWAWAY) as server:
        dsn = libpq_dsn(server.url)
        secret = state / "postgres/password"
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert stat.S_IMODE((state / "postgres").stat().st_mode) == 0o700
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(dsn.replace(secret.read_text(), "guess"), "SELECT 1")
        hashed = ask(server.url, "SELECT rolpassword FROM pg_authid WHERE rolname = 'registry'")
        assert str(hashed).startswith("SCRAM-SHA-256$")
        assert ask(server.url, "SHOW listen_addresses") == ""


def test_the_log_repeats_nothing_a_client_said(state: Path) -> None:
    with EmbeddedPostgres(state, THROWAWAY) as server:
        with pytest.raises(asyncpg.PostgresError, match="Zebedee"):
            ask(server.url, "SELECT 'Zebedee'::int")
        with pytest.raises(asyncpg.UniqueViolationError):
            ask(server.url, "CREATE TABLE t (n text UNIQUE)", "INSERT INTO t VALUES ('Zebedee'), ('Zebedee')")
        with pytest.raises(asyncpg.PostgresError):
            ask(server.url, "SELECT pg_terminate_backend(pg_backend_pid()), 'Zebedee'")
    log = (state / "postgres/log").read_text()
    assert "terminating connection" in log
    assert "Zebedee" not in log


def test_a_path_too_long_or_too_odd_for_a_socket_means_loopback(state: Path) -> None:
    for place in (state / ("long" * 30), state / 'it\'s $HOME, "so" to: say'):
        with EmbeddedPostgres(place, THROWAWAY) as server:
            assert "@127.0.0.1:" in server.url
            assert ask(server.url, "SHOW listen_addresses") == "127.0.0.1"
            assert ask(server.url, "SELECT host(inet_server_addr())") == "127.0.0.1"


def test_the_last_user_stops_it(state: Path) -> None:
    first, second = EmbeddedPostgres(state, THROWAWAY), EmbeddedPostgres(state, THROWAWAY)
    assert first.start() == second.start() == first.start()
    first.stop()
    assert ask(second.url, "SELECT 1") == 1
    second.stop()
    second.stop()
    assert not server_runs(state)


def test_starts_again_after_the_server_was_killed(state: Path) -> None:
    server = EmbeddedPostgres(state)
    url = server.start()
    ask(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    remains = state / "postgres/data/postmaster.pid"
    killed = postmaster(state)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not server_runs(state))
    # The number of the dead may have been given to a process that has nothing to do with it: here, this one.
    remains.write_text(remains.read_text().replace(str(killed), str(os.getpid()), 1))
    assert ask(server.start(), "SELECT n FROM kept") == 7
    server.stop()


def test_a_first_use_cut_short_is_begun_anew(state: Path) -> None:
    unfinished = state / "postgres/data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    (state / "postgres/password").write_text("")
    with EmbeddedPostgres(state, THROWAWAY) as server:
        assert ask(server.url, "SELECT current_database()") == "registry"
    assert not unfinished.exists()


def test_processes_that_start_it_together_share_one(state: Path, service: Callable[..., subprocess.Popen[str]]) -> None:
    services = [service() for _ in range(3)]
    assert len({address(each) for each in services}) == 1
    log = (state / "postgres/log").read_text()
    assert log.count("starting PostgreSQL") == 1
    for each in services[:2]:
        each.send_signal(signal.SIGINT)
        each.wait()
    assert server_runs(state), (state / "postgres/log").read_text()  # which says who ended it
    services[2].send_signal(signal.SIGINT)
    services[2].wait()
    assert not server_runs(state)


def test_a_killed_services_server_is_taken_over_and_stopped(
    state: Path, service: Callable[..., subprocess.Popen[str]]
) -> None:
    killed = service()
    url = address(killed)
    number = postmaster(state)
    killed.kill()
    killed.wait()
    assert server_runs(state)
    with EmbeddedPostgres(state, THROWAWAY) as server:
        assert server.url == url
        assert postmaster(state) == number
        assert ask(url, "SELECT 1") == 1
    assert not server_runs(state)


def test_ctrl_c_at_the_terminal_reaches_the_service_and_not_the_server(
    state: Path, service: Callable[..., subprocess.Popen[str]]
) -> None:
    process = service()
    address(process)
    with EmbeddedPostgres(state, THROWAWAY) as server:
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the whole foreground group
        process.wait()
        assert ask(server.url, "SELECT 1") == 1
    assert not server_runs(state)


def test_works_under_a_closed_home(state: Path) -> None:
    state.parent.chmod(0o700)
    with EmbeddedPostgres(state / "deeper", THROWAWAY) as server:
        assert ask(server.url, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
@pytest.mark.parametrize("closed", [False, True], ids=["open home", "closed home"])
def test_root_without_namespaces_uses_another_account(
    state: Path, closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = state.parent / "tools"
    tools.mkdir()
    for tool in ("setpriv", "sh"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tools))  # no `unshare`, as where it is forbidden
    state.parent.chmod(0o700 if closed else 0o755)
    state.mkdir()
    with EmbeddedPostgres(state, THROWAWAY) as server:
        assert ask(server.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n") == 7
        assert (state / "postgres/data").stat().st_uid != 0
        assert Path(f"/proc/{postmaster(state)}").stat().st_uid != 0
    monkeypatch.undo()
    with EmbeddedPostgres(state, THROWAWAY) as server:  # and back, once namespaces are to be had
        assert ask(server.url, "SELECT n FROM kept") == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="run by an ordinary user, every other test is this one")
def test_an_ordinary_user_runs_it_as_themself(state: Path, service: Callable[..., subprocess.Popen[str]]) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(state.parent, user.pw_uid, user.pw_gid)
    # The one right beyond an ordinary user's is to read files, for an interpreter kept in root's home.
    process = service(
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
        "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
    )  # fmt: skip
    assert ask(address(process), "SELECT 1") == 1
    assert Path(f"/proc/{postmaster(state)}").stat().st_uid == user.pw_uid
    process.send_signal(signal.SIGINT)
    process.wait()
    assert not server_runs(state)


def test_refuses_data_it_would_harm_or_cannot_enter(state: Path, tmp_path: Path) -> None:
    with EmbeddedPostgres(state, THROWAWAY):
        pass
    version = state / "postgres/data/PG_VERSION"
    ours = version.read_text()
    version.write_text("9\n")
    with pytest.raises(PostgresUnavailable, match="version 9 in REGISTRY_POSTGRES_BIN"):
        EmbeddedPostgres(state).start()
    version.write_text(ours)
    (state / "postgres/password").unlink()
    with pytest.raises(PostgresUnavailable, match="password is gone"):
        EmbeddedPostgres(state).start()
    (tmp_path / "file").touch()
    with pytest.raises(PostgresUnavailable, match="Not a directory"):
        EmbeddedPostgres(tmp_path / "file").start()


def test_a_server_that_cannot_start_leaves_nothing_behind(state: Path) -> None:
    with pytest.raises(PostgresUnavailable, match=r"could not start server.*log"):
        EmbeddedPostgres(state, {"shared_buffers": "a good many"}).start()
    assert not server_runs(state)
    with EmbeddedPostgres(state, THROWAWAY) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_leads_the_companion_programs_to_the_database(state: Path) -> None:
    for place in (state, state / "in a folder with spaces"):
        with EmbeddedPostgres(place, THROWAWAY) as server:
            ask(server.url, "CREATE TABLE found (n int)", "SELECT 1")
            ways: list[tuple[list[str], dict[str, str]]] = [
                ([], libpq_environment(server.url)),
                ([libpq_dsn(server.url)], {}),
            ]
            for where, environment in ways:
                dump = [str(server.binaries / "pg_dump"), "--schema-only", *where]
                assert "CREATE TABLE public.found" in subprocess.check_output(dump, env=environment, text=True)


def test_several_hosts_are_a_list_to_libpq() -> None:
    url = "postgresql+asyncpg://u:p%40@/db?host=h1:5433&host=h2:5434&target_session_attrs=read-write&ssl=require"
    assert libpq_environment(url) == {
        "PGHOST": "h1,h2",
        "PGPORT": "5433,5434",
        "PGUSER": "u",
        "PGPASSWORD": "p@",
        "PGDATABASE": "db",
        "PGSSLMODE": "require",
        "PGTARGETSESSIONATTRS": "read-write",
    }


def test_says_what_to_do_where_there_is_no_postgres(
    state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REGISTRY_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="unset it"):
        EmbeddedPostgres(state).start()
    monkeypatch.delenv("REGISTRY_POSTGRES_BIN")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="REGISTRY_DATABASE_URL"):
        EmbeddedPostgres(state).start()
