"""Who takes part from now on: suspended, readmitted, away. All that a command names, or nothing of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from policies.profile import load_profile
from registry_api.cli.output import Failure, note
from registry_api.cli.service import read_settings, running_database
from registry_api.directory import store as directory
from registry_api.directory.changes import Changes, Did, ImpossibleChange, Suspendable, What
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.installation import open_keys

Made = Counter[tuple[What, Did]]


async def make(database: Database, vault: Vault, change: Callable[[Changes], Awaitable[None]]) -> Made:
    """Make changes in one transaction and return their numbers. Raises Failure; then nothing was changed."""
    try:
        async with database.session() as session:
            changes = Changes(session, vault, utc_now())
            await change(changes)
            return changes.made
    except ImpossibleChange as error:
        raise Failure(f"Nothing was changed: {error}.") from None
    except IntegrityError:
        raise Failure("Nothing was changed: somebody else was changing the same. Try again.") from None


def make_here(change: Callable[[Changes, Database], Awaitable[None]]) -> None:
    """Make changes in the database of the environment's settings and say what they were. Raises Failure."""
    settings = read_settings()

    async def run(url: str) -> Made:
        database = Database(url, pool_size=2)
        try:
            vault = Vault(await open_keys(database, settings.keys_file))
            return await make(database, vault, lambda changes: change(changes, database))
        finally:
            await database.close()

    with running_database(settings) as url:
        say(asyncio.run(run(url)))


def say(made: Made) -> None:
    """Write what was changed."""
    done = (f"{count} {what}{'' if count == 1 else 's'} {did}" for (what, did), count in made.items())
    note(f"Done: {', '.join(done)}." if made else "Nothing had to be changed.")


def suspend(what: Suspendable, identifiers: Sequence[str], *, lifted: bool) -> None:
    """Suspend these, or lift it again. Raises Failure when one of them is nobody; then nothing was changed."""

    async def change(changes: Changes, _: Database) -> None:
        for identifier in identifiers:
            await changes.suspension(what, identifier, lifted=lifted)

    make_here(change)


def absence(subject: str, starts: datetime, ends: datetime, *, covered_by: str | None) -> None:
    """Record that one of the authority's own staff is away, in the authority's own time. Raises Failure."""
    zone = load_profile(read_settings().profile).timezone

    async def change(changes: Changes, database: Database) -> None:
        async with database.connection() as connection:
            own = await directory.own_authority(connection)
        if own is None:
            raise ImpossibleChange("the database has no authority in it")
        await changes.absence(
            organisation_id=own["id"],
            away=subject,
            covered_by=covered_by,
            starts_at=starts.replace(tzinfo=zone),
            ends_at=ends.replace(tzinfo=zone),
        )

    make_here(change)
