"""What each worker does beside answering, round after round: a round that fails is noted, and the next one comes."""

import asyncio

import structlog

from registry_api.access_log.anchoring import Anchors
from registry_api.access_log.erasure import Erasure
from registry_api.directory import store as directory_store
from registry_api.enquiries.afterwards import Afterwards
from registry_api.enquiries.answers import Authority
from registry_api.enquiries.reindexing import Reindexing
from registry_api.enquiries.service import Enquiries
from registry_api.identity import store as identity_store
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Database
from registry_api.oversight.rounds import Rounds
from registry_api.register import store as register_store
from registry_api.routing import store as routing_store

_EVERY_SECONDS = 30.0
"""How old the authority's telephone numbers and the register's freshness may be in an answer."""
_log = structlog.get_logger()


async def refresh(database: Database, authority: Authority) -> bool:
    """Read anew whose register this is and how fresh it is; return False where there is no authority in it yet."""
    async with database.connection() as connection:
        row = await directory_store.own_authority(connection)
        if row is None:
            return False
        authority.name, authority.office_phone = row["name"], row["office_phone"]
        authority.out_of_hours_phone = row["out_of_hours_phone"]
        authority.register_updated_at = await register_store.last_load(connection)
    return True


async def keep_house(database: Database, authority: Authority, enquiries: Enquiries, clock: Clock) -> None:
    """Every half minute, for ever: refresh, forget what has expired, hand on what waits for somebody who is suspended,
    and answer what was recorded and never answered (ENQ-10)."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await refresh(database, authority)
            async with database.connection() as connection:
                await identity_store.forget_expired(connection, clock())
                await routing_store.hand_on_from_suspended(connection, clock())
            await enquiries.finish_unanswered(database)
        except Exception as error:  # whatever it was, the next round may be better, and must come
            _log.error("house_not_kept", error=type(error).__name__)


async def keep_log(database: Database, erasure: Erasure, anchors: Anchors) -> None:
    """Every half minute, for ever: erase of the log, and of what it answers for, whatever its time is over; and give
    its checkpoints out of our hands, as often as is due."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await erasure.run(database)
        except Exception as error:  # what is not erased now is in the next round
            _log.error("log_not_erased", error=type(error).__name__)
        try:
            await anchors.run(database)
        except Exception as error:  # it is tried again, and no answer waits for it
            _log.error("log_not_anchored", error=type(error).__name__)


async def look_over(database: Database, rounds: Rounds, afterwards: Afterwards, reindexing: Reindexing) -> None:
    """Every half minute, for ever: index anew what is outdated, match again what found nobody, and look over the
    enquiries that were answered (``oversight``)."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await reindexing.index_anew(database)
        except Exception as error:  # until it is done, questions look under the earlier version too
            _log.error("not_indexed_anew", error=type(error).__name__)
        try:
            await afterwards.match_again(database)
        except Exception as error:  # the queue keeps whom it had
            _log.error("not_matched_again", error=type(error).__name__)
        try:
            await rounds.look_over(database)
        except Exception as error:  # no answer waits for it, and the next round takes up where this one stood
            _log.error("not_looked_over", error=type(error).__name__)
