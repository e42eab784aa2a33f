"""What the tests of the log and of its commands share: it grows, is signed elsewhere, and is looked into."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from integration.log_writers import log, sequencer

from registry_api.access_log import tree_store
from registry_api.access_log.log_keys import LogKeys
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database

WHY = "Asked for by the guardian of Demo-Larch."
AS_MANAGER = ("--by", "sm-1", "--why", WHY)

LogCli = Callable[..., tuple[int, str, str]]
"""Runs a command and returns its exit code and what it wrote."""
Result = TypeVar("Result")


def asked(url: str, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what ``use`` makes of the database, in an event loop of its own."""

    async def run() -> Result:
        database = Database(url, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())


def entries_of(url: str, *kinds: str) -> list[Any]:
    """Return the entries of these kinds, each with why it was done, sealed."""

    async def read(database: Database) -> list[Any]:
        async with database.connection() as connection:
            return await connection.fetch(
                "SELECT a.*, t.id AS act, t.operator, t.data_key, t.sealed_why FROM access_entry a "
                "LEFT JOIN log_act t ON t.access_entry_id = a.id WHERE a.kind = ANY($1) ORDER BY a.id",
                list(kinds),
            )

    return asked(url, read)


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


def key_arguments(keys: LogKeys) -> list[str]:
    return [argument for key in keys.public() for argument in ("--log-key", key)]


async def grow(database: Database, local: LocalKeys, keys: LogKeys, number: int = 3) -> None:
    await log(database, number)
    await sequencer(database, local, keys).round()
