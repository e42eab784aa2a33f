"""`registry-api sequencer` and `registry-api log …`: the access log, for whoever runs it or answers for it."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog

from registry_api.access_log import checking, entry, reading, store, tree_store
from registry_api.access_log.awaiting import Awaiting
from registry_api.access_log.checking import Findings
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sealing import subject_master
from registry_api.access_log.sequencer import LogRefused, Sequencer
from registry_api.cli.output import Failure, console, note
from registry_api.cli.service import end_on, read_settings, running_database
from registry_api.kernel import schema
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import NotFound
from registry_api.kernel.installation import open_keys
from registry_api.kernel.logs import configure_logs
from registry_api.kernel.settings import Settings

Result = TypeVar("Result")
_log = structlog.get_logger()


def _with_log(use: Callable[[Settings, Database, LocalKeys], Awaitable[Result]]) -> Result:
    """Return what ``use`` makes of the database. Raises Failure when it is not ready, or nothing was found."""
    settings = read_settings()

    async def run(url: str) -> Result:
        database = Database(url, pool_size=2)
        try:
            if not await schema.is_current(database):
                raise Failure("The database is not at the schema of this release: run `registry-api migrate`.")
            return await use(settings, database, await open_keys(database, settings.keys_file))
        except NotFound:
            raise Failure("The log has nothing of that kind, or nothing of it is signed yet.") from None
        except LogRefused as refused:
            raise Failure(f"The log is not signed as it is: {refused.reason}. See docs/access-log.md.") from None
        finally:
            await database.close()

    with running_database(settings) as url:
        return asyncio.run(run(url))


def run_sequencer() -> None:
    """Sign the log until SIGINT or SIGTERM, for workers that leave it to this process."""
    configure_logs()
    end_on(signal.SIGTERM)

    async def run(settings: Settings, database: Database, local: LocalKeys) -> None:
        keys = LogKeys.load_or_create(settings.log_keys_file, settings.log_origin)
        made = Sequencer(database=database, local=local, keys=keys, clock=utc_now)
        note(f"Signing {keys.origin}. Stop it with Ctrl-C.")
        await Awaiting(database, made, deadline_seconds=settings.log_deadline_seconds).drive(idle_seconds=0.005)

    _with_log(run)


async def _record(connection: Connection, kind: str, reference: str | None = None) -> None:
    await store.append(connection, store.values(at=utc_now(), kind=kind, reference=reference))


def export(folder: Path) -> None:
    """Write the log as plain files; that it was done is recorded first. Raises Failure."""

    async def run(_: Settings, database: Database, __: LocalKeys) -> str:
        async with database.connection() as connection:
            await _record(connection, "log.exported")
            try:
                head = await reading.export(connection, folder)
            except OSError as error:
                raise Failure(f"{folder} cannot be written: {error.strerror}.") from None
        return f"{head.size} entries of {head.origin} are in {folder}."

    note(_with_log(run))


def open_entries(reference: str, fields: list[str]) -> None:
    """Print what opens the entries under a reference; that it was done is recorded first. Raises Failure."""

    async def run(_: Settings, database: Database, local: LocalKeys) -> list[str]:
        async with database.connection() as connection:
            await _record(connection, "log.opened", reference)
            opened = await reading.openings(connection, Vault(local), reference, fields)
        return [json.dumps(one) for one in opened]

    for line in _with_log(run):
        console.print(line, soft_wrap=True)


def receipts(reference: str, folder: Path) -> None:
    """Write the receipt of each entry under a reference to a file of its own. Raises Failure."""

    async def run(_: Settings, database: Database, __: LocalKeys) -> int:
        async with database.connection() as connection:
            found = await reading.receipts(connection, reference)
        _write(folder, reference, [bytes(one) for one in found])
        return len(found)

    note(f"{_with_log(run)} receipts are in {folder}.")


def _write(folder: Path, reference: str, receipts: list[bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, receipt in enumerate(receipts, 1):
            (folder / f"{reference.replace('/', '_')}-{number}.tlog-proof").write_bytes(receipt)
    except OSError as error:
        raise Failure(f"{folder} cannot be written: {error.strerror}.") from None


def check() -> None:
    """Compare the whole log with its tree. Raises Failure, with what was found, when they differ."""

    async def run(_: Settings, database: Database, local: LocalKeys) -> Findings:
        async with database.connection() as connection:
            return await checking.check(connection, Vault(local), subject_master(local))

    found = _with_log(run)
    if not found.is_whole:
        roots = f" {found.tiles} tiles are not what the leaves hash to." if found.tiles else ""
        roots += " The leaves are not those of the signed head." if found.other_root else ""
        raise Failure(
            f"Of {found.entries} entries {found.altered} were altered, {found.missing} are in no tree, "
            f"and {found.removed} were removed from beside it.{roots}"
        )
    note(f"All {found.entries} entries are as they were put into the tree.")


def show_keys() -> None:
    """Print the public keys of the log, for whoever checks it. Raises KeysUnusable."""
    for key in LogKeys.load(read_settings().log_keys_file).public():
        console.print(key, soft_wrap=True)


def show_checkpoint() -> None:
    """Print the last signed head, to be kept where nobody reaches it who reaches the log. Raises Failure."""

    async def run(_: Settings, database: Database, __: LocalKeys) -> str:
        async with database.connection() as connection:
            return (await reading.last_checkpoint(connection)).decode()

    console.print(_with_log(run), end="", soft_wrap=True)


def subject_key(child_id: UUID) -> None:
    """Print the key by which a child's entries are found; that it was given out is recorded first. Raises Failure."""

    async def run(_: Settings, database: Database, local: LocalKeys) -> str:
        async with database.connection() as connection:
            await store.append(
                connection, store.values(at=utc_now(), kind="log.subject_key_given", child_ids=[child_id])
            )
        return entry.subject_key(subject_master(local), child_id).hex()

    console.print(_with_log(run), soft_wrap=True)


def begin_anew(name: str) -> None:
    """Begin another tree after the database was put back. Raises Failure, KeysUnusable."""

    async def run(settings: Settings, database: Database, local: LocalKeys) -> str:
        path = settings.log_keys_file
        old = LogKeys.load(path)
        async with database.connection() as connection:
            if (state := await tree_store.state(connection)) and state["origin"] == name:
                raise Failure("That is the name of the log as it is: the new one needs another.")
        fresh = LogKeys.create(path.with_name("log-keys-new"), name)
        said = await Sequencer(database=database, local=local, keys=old, clock=utc_now).begin_anew(fresh)
        kept = path.with_name(f"log-keys-until-{utc_now():%Y%m%dT%H%M%S}")
        old.set_aside(kept)
        fresh.set_aside(path)
        return f"{name} begins with {said}. The keys of the old log are in {kept}."

    note(_with_log(run))
