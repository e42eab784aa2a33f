"""Who takes part from now on: suspended, readmitted, away. All that a command names, or nothing of it; who and why."""

import asyncio
import getpass
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from policies.profile import load_profile
from registry_api.cli.output import Failure, note, plain
from registry_api.cli.service import read_settings, running_database
from registry_api.directory import store as directory
from registry_api.directory.changes import Changes, changing
from registry_api.directory.models import Organisation
from registry_api.directory.recording import By, Did, ImpossibleChange, Suspendable, What
from registry_api.directory.rules import Obstacle
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.installation import open_keys

Made = Counter[tuple[What, Did]]


def operator() -> str:
    """Return the account of this machine on which a command was typed, and whose it is when it was lent (sudo)."""
    try:
        import pwd
    except ImportError:  # not on Windows
        return getpass.getuser()

    def called(number: int) -> str:
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)

    # Not getpass: it believes the environment, which anybody sets.
    account, lent_to = called(os.getuid()), os.environ.get("SUDO_UID", "")
    return f"{account} for {called(int(lent_to))}" if os.getuid() == 0 and lent_to.isdecimal() else account


async def author(database: Database, subject: str | None) -> By:
    """Return who makes a change: this machine's account, and the member of staff of that identifier where one is named.

    Raises Failure when the authority has no such member of staff, or they are suspended.
    """
    if subject is None:
        return By(operator=operator())
    async with database.connection() as connection:
        member = await directory.own_member(connection, subject)
    if member is None:
        raise Failure("Nothing was changed: --by names nobody who is on the authority's own staff and not suspended.")
    return By(professional_id=member[0], organisation_id=member[1], operator=operator())


async def make(
    database: Database, vault: Vault, change: Callable[[Changes], Awaitable[None]], *, why: str, by: By
) -> Made:
    """Make changes in one transaction and return their numbers. Raises Failure; then nothing was changed."""
    try:
        async with changing(database, vault, at=utc_now(), by=by, why=why) as changes:
            await change(changes)
            return changes.made
    except ImpossibleChange as error:
        raise Failure(f"Nothing was changed: {error}.") from None


def make_here(change: Callable[[Changes, Database], Awaitable[None]], *, why: str, by: str | None) -> None:
    """Make changes in the database of the environment's settings and say what they were. Raises Failure.

    ``by``: the member of staff who makes them, by the authority's own identifier, where it is one.
    """
    settings = read_settings()

    async def run(url: str) -> Made:
        database = Database(url, pool_size=2)
        try:
            vault = Vault(await open_keys(database, settings.keys_file))
            made_by = await author(database, by)
            return await make(database, vault, lambda changes: change(changes, database), why=why, by=made_by)
        finally:
            await database.close()

    with running_database(settings) as url:
        say(asyncio.run(run(url)))


def say(made: Made) -> None:
    """Write what was changed."""
    done = (f"{count} {plain(what)}{'' if count == 1 else 's'} {plain(did)}" for (what, did), count in made.items())
    note(f"Done: {', '.join(done)}." if made else "Nothing had to be changed.")


def suspend(what: Suspendable, identifiers: Sequence[str], *, lifted: bool, why: str, by: str | None) -> None:
    """Suspend these, or lift it again. Raises Failure when one of them is nobody; then nothing was changed."""

    async def change(changes: Changes, _: Database) -> None:
        for identifier in identifiers:
            await changes.suspension(what, identifier, lifted=lifted)

    make_here(change, why=why, by=by)


async def own_authority(changes: Changes, database: Database) -> Organisation:
    """Return the authority whose register this is. Raises ImpossibleChange where there is none yet."""
    async with database.connection() as connection:
        own = await directory.own_authority(connection)
    organisation = await changes.find_organisation(own["code"]) if own else None
    if organisation is None:
        raise ImpossibleChange(Obstacle.NOT_THERE, "the database has no authority in it")
    return organisation


def absence(
    subject: str, starts: datetime, ends: datetime, *, covered_by: str | None, why: str, by: str | None
) -> None:
    """Record that one of the authority's own staff is away, in the authority's own time. Raises Failure."""
    zone = load_profile(read_settings().profile).timezone

    async def change(changes: Changes, database: Database) -> None:
        await changes.absence_of(
            await own_authority(changes, database),
            away=subject,
            covered_by=covered_by,
            starts_at=starts.replace(tzinfo=zone),
            ends_at=ends.replace(tzinfo=zone),
        )

    make_here(change, why=why, by=by)
