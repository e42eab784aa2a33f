"""The access log from the command line: signed by a process of its own, exported, opened, begun anew."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from integration.log_writers import log
from logins import service_environment

from registry_api.access_log import tree_store, verify
from registry_api.cli import main
from registry_api.kernel.db import Database

Result = TypeVar("Result")


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **service_environment(database_url),
        "REGISTRY_STATE_DIR": str(tmp_path / "state"),
        "REGISTRY_LOG_ORIGIN": "register.test/log",
    }


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command and returns its exit code and what it wrote."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code or 0
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return run


def asked(url: str, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what ``use`` makes of the database, in an event loop of its own."""

    async def run() -> Result:
        database = Database(url, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())


@contextmanager
def signing(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Lend a running sequencer; it is killed at the end unless it ended before."""
    command = [sys.executable, "-c", "from registry_api.cli import main; main()", "sequencer"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_signed(url: str, entries: list[int], seconds: float = 60) -> None:
    """Wait until all of these lie under a signed head."""

    async def covered(database: Database) -> list[int]:
        async with database.connection() as connection:
            return list(await tree_store.covered(connection, entries))

    end = time.monotonic() + seconds
    while asked(url, covered) != entries:
        assert time.monotonic() < end, "not signed in time"
        time.sleep(0.05)


def add(url: str, number: int) -> list[int]:
    return asked(url, lambda database: log(database, number))


def test_a_sequencer_that_is_killed_and_started_again_goes_on(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    for _ in range(2):
        with signing(environment) as process:
            until_signed(database_url, add(database_url, 3))
            process.send_signal(signal.SIGKILL)
            process.wait()
        add(database_url, 2)  # while nobody signs
    with signing(environment) as process:
        until_signed(database_url, add(database_url, 1))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    folder, kept = tmp_path / "log", tmp_path / "kept"
    code, checkpoint, _ = cli("log", "checkpoint")
    assert code == 0
    kept.write_text(checkpoint)
    code, _, said = cli("log", "export", folder)
    assert (code, "11 entries of register.test/log" in said) == (0, True)
    _, keys, _ = cli("log", "keys")
    arguments = [argument for key in keys.split() for argument in ("--log-key", key)]
    assert len(arguments) == 4
    assert verify.main(["fsck", str(folder), *arguments, "--checkpoint", str(kept), "--deep"]) == 0


def test_entries_are_opened_and_receipts_written(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    code, out, _ = cli("log", "open", "E-12345-67890", "--field", "reason")
    assert code == 0
    opened = [json.loads(line) for line in out.splitlines()]
    assert [list(one["fields"]) for one in opened] == [["reason"], ["reason"]]
    assert cli("log", "receipts", "E-12345-67890", tmp_path / "receipts")[0] == 0
    keys = [argument for key in cli("log", "keys")[1].split() for argument in ("--log-key", key)]
    (opening := tmp_path / "opening").write_text(json.dumps(opened[1]))
    for number, expected in ((1, 1), (2, 0)):
        given = tmp_path / "receipts" / f"E-12345-67890-{number}.tlog-proof"
        assert verify.main(["verify-inclusion", str(given), *keys]) == 0
        assert verify.main(["open-entry", str(opening), *keys, "--receipt", str(given)]) == expected

    async def kinds(database: Database) -> list[str]:
        async with database.connection() as connection:
            return [row["kind"] for row in await connection.fetch("SELECT kind FROM access_entry ORDER BY id")]

    assert asked(database_url, kinds)[-1:] == ["log.opened"], "who opens the log is in it"


def test_a_log_that_was_put_back_is_refused_until_it_is_begun_anew(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    fence = Path(environment["REGISTRY_STATE_DIR"]) / "log-keys.fence.json"
    ahead = json.loads(fence.read_text())
    fence.write_text(json.dumps({**ahead, "size": 100}))
    waiting = add(database_url, 1)
    with signing(environment) as process:
        assert process.stderr is not None
        while b"rolled_back" not in process.stderr.readline():
            pass
    code, _, said = cli("log", "begin-anew", "register.test/log")
    assert (code, "another" in said) == (1, True)
    code, _, said = cli("log", "begin-anew", "register.test/log/2")
    assert (code, re.search(r"register\.test/log:100:[0-9a-f]{64}", said) is not None) == (0, True), said
    with signing(environment):
        until_signed(database_url, waiting)
    assert cli("log", "checkpoint")[1].startswith("register.test/log/2\n2\n")


def test_what_is_not_there_is_said_in_a_sentence(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str]
) -> None:
    for arguments in (("log", "keys"), ("log", "checkpoint"), ("log", "open", "E-00000-00000")):
        code, out, said = cli(*arguments)
        assert (code, out, said.count("\n")) == (1, "", 1)
