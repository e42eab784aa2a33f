"""Who opens the log at the command line, and why: recorded, and under a signed head, before anything is shown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from policies.access import Decision, Refused
from policies.enquirer import Enquirer
from policies.profile import load_profile
from registry_api.access_log import tree_store
from registry_api.access_log.acting import Act
from registry_api.access_log.awaiting import Awaiting
from registry_api.cli.output import Failure
from registry_api.cli.standing import operator
from registry_api.directory import store as directory
from registry_api.directory.rules import LONGEST_REASON, SHORTEST_REASON
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden, StoreUnavailable
from registry_api.kernel.logs import configure_logs
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings

COMMAND_LINE = "command-line"
"""In place of a client's identifier: somebody at the machine itself."""
May = Callable[[Enquirer, date], Decision]


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, by the authority's identifier of them, and why in their words."""

    by: str
    why: str


@contextlib.asynccontextmanager
async def signed(settings: Settings, database: Database, local: LocalKeys) -> AsyncIterator[Awaiting]:
    """Lend what waits for entries to lie under a signed head. It signs as well, where the keys are here and the login
    is not an auditor's, who adds nothing to the tree and has the service sign."""
    configure_logs()  # to standard error: what the command shows goes into files
    async with database.connection() as connection:
        if not await tree_store.may_grow(connection):
            settings = settings.model_copy(update={"log_sequencer": "separate"})
    urls = DatabaseUrls.one(database.engine.url.render_as_string(hide_password=False))
    awaiting = Awaiting.build(settings, urls, local, utc_now)
    driving = asyncio.create_task(awaiting.drive())
    try:
        yield awaiting
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        await awaiting.close()


async def member(database: Database, who: Who) -> Enquirer:
    """Return the member of the authority's staff who acts, as they stand now. Raises Failure for nobody."""
    if not SHORTEST_REASON <= len(who.why.strip()) <= LONGEST_REASON:
        raise Failure(f"Nothing was done: --why needs {SHORTEST_REASON} to {LONGEST_REASON} characters.")
    async with database.connection() as connection:
        found = await directory.own_member(connection, who.by)
        standing = await directory.standing_of(connection, found[0], COMMAND_LINE) if found else None
    if standing is None:
        raise Failure("Nothing was done: --by names nobody who is on the authority's own staff and not suspended.")
    return replace(standing, scope=frozenset({"casework"}))  # no token was issued: they stand at the machine


async def intend(
    settings: Settings,
    database: Database,
    local: LocalKeys,
    who: Who,
    may: May,
    *,
    kind: str,
    reference: str | None = None,
    child_ids: Sequence[UUID] = (),
) -> Act:
    """Return what somebody is about to do. Raises Failure for nobody, and when they may not, which is recorded."""
    enquirer = await member(database, who)
    profile, now = load_profile(settings.profile), utc_now()
    decision = may(enquirer, profile.today(now))
    act = Act(enquirer, operator(), who.why.strip(), decision, kind, now, reference, child_ids)
    if isinstance(decision, Refused):
        with contextlib.suppress(Forbidden):
            await act.record(database, Vault(local), profile.retention)
        raise Failure(f"{who.by} may not do that ({decision.reason}). The attempt was recorded.")
    return act


async def act(
    settings: Settings,
    database: Database,
    local: LocalKeys,
    who: Who,
    may: May,
    *,
    kind: str,
    reference: str | None = None,
    child_ids: Sequence[UUID] = (),
    also: Callable[[Connection, int], Awaitable[None]] | None = None,
) -> None:
    """Record what somebody is about to do, and return once that is under a signed head. ``also``: done with it.

    Raises Failure when they may not, which is recorded likewise, or when the log is not signed: nothing may be shown.
    """
    try:
        doing = await intend(settings, database, local, who, may, kind=kind, reference=reference, child_ids=child_ids)
        entry = await doing.record(database, Vault(local), load_profile(settings.profile).retention, also=also)
        async with signed(settings, database, local) as awaiting:
            await awaiting.covered(entry)
    except StoreUnavailable:
        done = "It is done and recorded, but" if also else "Nothing is shown:"
        raise Failure(
            f"{done} it could not be brought under a signed head of the log. See docs/access-log.md."
        ) from None
