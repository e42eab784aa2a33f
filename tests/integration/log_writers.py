"""Those who write to the access log in tests, and sequencers over the same database as other processes have them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from registry_api.access_log import checking, store, verify
from registry_api.access_log.checking import Findings
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.reading import export, receipt
from registry_api.access_log.sealing import BEGUN_ANEW, subject_master
from registry_api.access_log.sequencer import Sequencer
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.statement import Statement

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ORIGIN = "register.test/log"
_APPEND = Statement(store.APPEND)


def log_keys(folder: Path, origin: str = ORIGIN) -> LogKeys:
    """Return the keys in a folder, made at first use."""
    return LogKeys.load_or_create(folder / "log-keys", origin)


def sequencer(database: Database, local: LocalKeys, keys: LogKeys) -> Sequencer:
    """Return a sequencer that remembers nothing, as after a start."""
    return Sequencer(database=database, local=local, keys=keys, clock=lambda: AT)


async def begin_anew(made: Sequencer, keys: LogKeys) -> str:
    """Begin another tree with an entry that says nothing of who began it."""

    async def first(connection: asyncpg.Connection, before: str) -> int:
        entry = store.values(at=AT, kind=BEGUN_ANEW, client_id="command-line", reference=before)
        number: int = (await _APPEND.fetchrow(connection, entry))["id"]
        return number

    return await made.begin_anew(keys, first)


async def found(database: Database, local: LocalKeys) -> Findings:
    """Check the log from inside."""
    async with database.connection() as connection:
        return await checking.check(connection, Vault(local), subject_master(local))


async def add(connection: asyncpg.Connection, number: int = 1, kind: str = "inbox.read") -> list[int]:
    """Add entries and return their numbers."""
    entry = store.values(at=AT, kind=kind, client_id="police-system", reference="E-12345-67890", reason="known")
    return [(await _APPEND.fetchrow(connection, entry))["id"] for _ in range(number)]


async def log(database: Database, number: int) -> list[int]:
    """Add entries, committed one by one."""
    async with database.connection() as connection:
        return await add(connection, number)


async def sequenced(database: Database) -> list[int]:
    """Return the numbers of the entries in the current tree, in the tree's order."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT e.access_entry_id FROM log_leaf l JOIN log_entry e ON e.id = l.entry_id "
            "WHERE l.origin_id = (SELECT max(id) FROM log_origin) ORDER BY l.idx"
        )
    return [row["access_entry_id"] for row in rows]


def verifies(folder: Path, keys: LogKeys, *outside: Path) -> bool:
    """Ask the verifier that stands alone whether an export holds, also against checkpoints from outside."""
    arguments = [argument for key in keys.public() for argument in ("--log-key", key)]
    arguments += [argument for path in outside for argument in ("--checkpoint", str(path))]
    return verify.main(["fsck", str(folder), "--deep", *arguments]) == 0


async def exported(database: Database, folder: Path, earlier: int | None = None) -> Path:
    """Export the log of a database, or an earlier one."""
    async with database.connection() as connection:
        await export(connection, folder, earlier)
    return folder


async def receipt_file(database: Database, entry: int, path: Path) -> Path:
    """Write the receipt of an entry to a file."""
    async with database.connection() as connection:
        proof = await receipt(connection, entry)
    _write(path, bytes(proof))
    return path


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@asynccontextmanager
async def as_superuser(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Lend a connection for which no trigger stands in the way, as the database's administrator has it."""
    async with database.connection() as connection:
        tables = ("log_leaf", "log_entry", "log_head", "log_tile", "log_checkpoint", "access_entry")
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield connection
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")
        for trigger in ("queued", "only_erase"):
            await connection.execute(f"ALTER TABLE access_entry ENABLE ALWAYS TRIGGER {trigger}")
