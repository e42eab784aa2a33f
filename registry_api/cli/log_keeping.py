"""`registry-api sequencer` and `registry-api log …`: the access log, for whoever runs it or answers for it."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import structlog

from policies import access
from policies.access import Decision
from policies.enquirer import Enquirer
from policies.profile import load_profile
from registry_api import housekeeping
from registry_api.access_log import acting, checking, entry, keeping_store, reading
from registry_api.access_log.anchoring import Anchors
from registry_api.access_log.awaiting import Awaiting
from registry_api.access_log.checking import Findings
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sealing import subject_master
from registry_api.access_log.sequencer import LogRefused, Sequencer
from registry_api.cli.log_acting import Who, act
from registry_api.cli.output import Failure, console, note
from registry_api.cli.service import embedded, end_on, read_settings, running_database
from registry_api.enquiries.erasing import erasure_of
from registry_api.kernel import schema
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import NotFound
from registry_api.kernel.installation import open_keys
from registry_api.kernel.logs import configure_logs
from registry_api.kernel.settings import Settings
from registry_api.oversight.erasing import WatchedContent

Result = TypeVar("Result")
_log = structlog.get_logger()


def with_log(
    use: Callable[[Settings, Database, LocalKeys], Awaitable[Result]],
    database: Callable[[Settings], AbstractContextManager[str]] = running_database,
) -> Result:
    """Return what ``use`` makes of the database. Raises Failure when it is not ready, or nothing was found."""
    settings = read_settings()

    async def run(url: str) -> Result:
        database = Database(url, pool_size=4)  # to listen and sign, and to erase and send out
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

    with database(settings) as url:
        return asyncio.run(run(url))


@contextlib.contextmanager
def _for_signing(settings: Settings) -> Iterator[str]:
    """Lend the URL under which the log is signed. Raises Failure."""
    if settings.sequencer_database_url is not None:
        yield settings.sequencer_database_url.get_secret_value()
    elif settings.embedded:
        with embedded(settings) as postgres:
            yield postgres.service_urls.sequencer
    else:
        raise Failure("Who signs the log signs in to the database for that: set REGISTRY_SEQUENCER_DATABASE_URL.")


def run_sequencer() -> None:
    """Sign the log until SIGINT or SIGTERM, for workers that leave it to this process."""
    configure_logs()
    end_on(signal.SIGTERM)

    async def run(settings: Settings, database: Database, local: LocalKeys) -> None:
        keys = LogKeys.load_or_create(settings.log_keys_file, settings.log_origin)
        retention = load_profile(settings.profile).retention
        made = Sequencer(database=database, local=local, keys=keys, clock=utc_now, retention=retention)
        note(f"Signing {keys.origin}. Stop it with Ctrl-C.")
        awaiting = Awaiting(database, made, deadline_seconds=settings.log_deadline_seconds, for_others=True)
        erasure = erasure_of(local, retention, utc_now, awaiting.covered, WatchedContent)
        anchors = Anchors.build(settings, utc_now)
        await asyncio.gather(awaiting.drive(), housekeeping.keep_log(database, erasure, anchors))

    with_log(run, _for_signing)


async def _number(connection: Connection, origin: str | None) -> int | None:
    """Return the number of the earlier log of a name; None for the present one. Raises NotFound."""
    return None if origin is None else await reading.number_of(connection, origin)


def export(folder: Path, who: Who, origin: str | None) -> None:
    """Write the log as plain files; that it is done, by whom and why, is recorded first. ``origin``: the name of an
    earlier one. Raises Failure."""

    async def run(settings: Settings, database: Database, local: LocalKeys) -> str:
        async with database.connection() as connection:
            earlier = await _number(connection, origin)
        await act(settings, database, local, who, access.may_read_log, kind="log.exported", reference=origin)
        async with database.connection() as connection:
            try:
                head = await reading.export(connection, folder, earlier)
            except OSError as error:
                raise Failure(f"{folder} cannot be written: {error.strerror}.") from None
        return f"{head.size} entries of {head.origin} are in {folder}."

    note(with_log(run))


def open_entries(reference: str, fields: list[str], who: Who) -> None:
    """Print what opens the entries under a reference, and which were erased; that it is done, by whom and why, is
    recorded first. Nobody opens their own. Raises Failure."""

    async def run(settings: Settings, database: Database, local: LocalKeys) -> tuple[list[str], list[str]]:
        vault = Vault(local)
        async with database.connection() as connection:
            authors = await keeping_store.authors(connection, reference)

        def may(enquirer: Enquirer, today: date) -> Decision:
            own = enquirer.professional_id if enquirer.professional_id in authors else None
            return access.may_read_log(enquirer, today, about=own)

        await act(settings, database, local, who, may, kind="log.opened", reference=reference)
        async with database.connection() as connection:
            erased = await keeping_store.erased_under(connection, reference)
            acts = await keeping_store.acts_under(connection, reference) if not fields or "why" in fields else []
            try:
                opened = await reading.openings(connection, vault, reference, fields)
            except NotFound:
                if not erased:
                    raise
                opened = []
        gone = [f"Entry {row['entry_id']} was erased on {row['at']:%Y-%m-%d}." for row in erased]
        return [json.dumps(one) for one in opened], [*(_why(row, vault) for row in acts), *gone]

    opened, told = with_log(run)
    for line in opened:
        console.print(line, soft_wrap=True)
    for line in told:
        note(line)


def _why(row: Mapping[str, Any], vault: Vault) -> str:
    try:
        why = acting.why(vault, row["act"], row["data_key"], row["sealed_why"])
    except EnvelopeError:
        why = "(does not open any more)"
    return f"Entry {row['entry_id']}, on the account {row['operator']}: {why}"


def receipts(reference: str, folder: Path) -> None:
    """Write the receipt of each entry under a reference to a file of its own. Raises Failure."""

    async def run(_: Settings, database: Database, __: LocalKeys) -> int:
        async with database.connection() as connection:
            found = await reading.receipts(connection, reference)
        _write(folder, reference, [bytes(one) for one in found])
        return len(found)

    note(f"{with_log(run)} receipts are in {folder}.")


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

    found = with_log(run)
    if not found.is_whole:
        roots = f" {found.tiles} tiles are not what the leaves hash to." if found.tiles else ""
        roots += "".join(f" {origin} is not as it was signed." for origin in found.altered_trees)
        raise Failure(
            f"Of {found.entries} entries {found.altered} were altered, {found.missing} are in no tree, "
            f"{found.removed} were removed from beside it, and {found.shredded} do not open, which no erasure in the "
            f"log explains.{roots}"
        )
    trees = "the tree" if found.trees == 1 else f"{found.trees} trees"
    note(f"All {found.entries} entries are as they were put into {trees}.")


def show_anchors() -> None:
    """Say where checkpoints go, for whoever watches over it. Raises Failure when one has had none for too long."""

    async def run(settings: Settings, database: Database, _: LocalKeys) -> list[str]:
        anchors = Anchors.build(settings, utc_now)
        if not anchors.places():
            raise Failure("Checkpoints go nowhere: whoever holds the keys can write another history. See the settings.")
        late = await anchors.overdue(database)
        if late:
            named = "; ".join(
                f"{kind} {named}, {f'last {at:%Y-%m-%d}' if at else 'never yet'}" for kind, named, at in late
            )
            raise Failure(f"No checkpoint for too long: {named}.")
        return [f"{kind} {named}" for kind, _, named in anchors.places()]

    for line in with_log(run):
        console.print(line, soft_wrap=True)


def show_keys(origin: str | None) -> None:
    """Print the public keys of the log, or of an earlier one that lie beside them. Raises Failure, KeysUnusable."""
    path = read_settings().log_keys_file
    keys = LogKeys.load(path) if origin is None else LogKeys.beside(path, origin)
    if keys is None:
        raise Failure(f"No keys of a log of that name lie beside {path}.")
    for key in keys.public():
        console.print(key, soft_wrap=True)


def show_checkpoint(origin: str | None) -> None:
    """Print the last signed head, to be kept where nobody reaches it who reaches the log. Raises Failure.

    ``origin``: the name of an earlier log.
    """

    async def run(_: Settings, database: Database, __: LocalKeys) -> str:
        async with database.connection() as connection:
            return (await reading.last_checkpoint(connection, await _number(connection, origin))).decode()

    console.print(with_log(run), end="", soft_wrap=True)


def subject_key(child_id: UUID, who: Who) -> None:
    """Print the key by which a child's entries are found; that it is given out, by whom and why, is recorded first.

    Raises Failure.
    """

    async def run(settings: Settings, database: Database, local: LocalKeys) -> str:
        kind = "log.subject_key_given"
        await act(settings, database, local, who, access.may_read_log, kind=kind, child_ids=[child_id])
        return entry.subject_key(subject_master(local), child_id).hex()

    console.print(with_log(run), soft_wrap=True)
