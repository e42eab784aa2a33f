"""Nothing forgotten: a child comes onto the register, and enquiries that found nobody are matched again.

Whoever is entered, opened or notified by another authority stands on a queue from the moment of the change. In the
background each is looked for among the enquiries that found nobody; the child's key worker is told of those that were
about the child, and somebody is given the enquirer to call back (ENQ-4, ENQ-7, ENQ-10). A round is one transaction:
after a crash it is done again, and nothing is told twice.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from registry_api.access_log import store as access_log
from registry_api.enquiries import afterwards_store as store
from registry_api.enquiries.children import ChildFound, followed_up, read_child, read_record
from registry_api.enquiries.rules import Outcome
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.kernel.statement import Statement
from registry_api.matching.bands import Band, Match, best_match
from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.register import people
from registry_api.register import store as register
from registry_api.routing.rules import DUTY, SAFEGUARDING_MANAGER, who_follows_up
from registry_api.routing.store import TELL, Kind, Notice, told_values

_AT_ONCE = 50
"""Children of one batch: few enough that the answers which share the worker hardly wait."""
_MOST_BATCHES = 200
_URGENCY = "urgent"
"""Of a person at a child's address, whom nobody asked about just now."""
_TELL = Statement(TELL)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Afterwards:
    """The matching again, over what it needs."""

    vault: Vault
    token_keys: TokenKeys
    clock: Clock

    async def match_again(self, database: Database) -> int:
        """Match what found nobody with the children who came or changed since; return how many children it was.

        ``database``: whose connections to use: not those that requests wait for. Raises StoreUnavailable; the next
        round takes up what this one did not end.
        """
        done = 0
        left: set[UUID] = set()
        for _ in range(_MOST_BATCHES):
            async with database.transaction() as connection:
                taken = await self._batch(connection, left) if await people.may_be_brought(connection) else 0
            done += taken
            if taken < _AT_ONCE:
                break
        return done - len(left)

    async def _batch(self, connection: Connection, left: set[UUID]) -> int:
        """Match some children; return how many. Those who stay on the queue are added to ``left``."""
        children, rows = await store.take(connection, _AT_ONCE, left)
        stay: set[UUID] = set()
        if await store.anybody_waits(connection):
            read = ((row["id"], read_record("child", row, self.vault)) for row in rows)
            records = {child: record for child, record in read if record is not None}
            stay = set(children) - set(records)
            if records:
                queries = [query_tokens(record, self.token_keys) for record in records.values()]
                for enquiry in await store.that_found_nobody(connection, list(records), queries):
                    async with _by_itself(connection, enquiry["children"], stay):
                        stay |= await self._match(connection, enquiry, records)
                for row in await register.standing(connection, child_ids=list(records), now=self.clock()):
                    async with _by_itself(connection, [row["id"]], stay):
                        await self._bring_people(connection, read_child(row, self.vault), records[row["id"]])
        await store.done(connection, set(children) - stay)
        left |= stay
        return len(children)

    async def _bring_people(self, connection: Connection, child: ChildFound, record: Record) -> None:
        """Bring people who may pose a risk at a child's address to those who work with a child on a plan (CUS-1)."""
        if not child.on_plan:
            return
        now, versions = self.clock(), (self.token_keys, *self.token_keys.outdated)
        present = await people.at(connection, self.vault, record.addresses[: record.current], versions)
        news = await people.not_told(connection, present.now, child.id, now) if present.now else []
        if not news:
            return
        told = [
            Notice(Kind.PERSON_AT_ADDRESS, _URGENCY, recipient, (child.id,), tuple(news))
            for recipient in who_follows_up(child.key_worker, child.team_manager)
        ]
        await _TELL.fetch(connection, told_values(told, at=now))
        entry = access_log.values(at=now, kind="person.at_address", child_ids=[child.id, *news])
        await access_log.append(connection, entry)

    async def _match(
        self, connection: Connection, enquiry: Mapping[str, Any], changed: Mapping[UUID, Record]
    ) -> set[UUID]:
        """Ask the register again as the enquirer did: a twin who is there as well has to be weighed with the child.

        Returns which children have to be looked at again. Whoever waits for the first answer may have read the register
        before they were in it, and what cannot be opened now may be opened later.
        """
        question = read_record("enquiry", enquiry, self.vault)
        if question is None:
            return set(enquiry["children"])
        rows = await store.candidates(connection, query_tokens(question, self.token_keys))
        entries = [(row["id"], record) for row in rows if (record := read_record("child", row, self.vault)) is not None]
        match = best_match(question, entries)
        meant = [child for child in match.candidates or match.possible if child in changed]
        # Where somebody has been given it to decide, one more who may be meant, or may not, is no news.
        decided = enquiry["outcome"] == Outcome.MORE_INFORMATION_NEEDED
        if not meant or (match.band is Band.POSSIBLE and decided):
            return set()
        now = self.clock()
        if enquiry["outcome"] is None and now - enquiry["received_at"] <= KEY_KEPT:
            return set(meant)
        noted = [await store.note(connection, enquiry["id"], child, match.band, now) for child in meant]
        if not any(noted):
            return set()
        wanted = match.candidates or tuple(meant)
        standing = await register.standing(connection, child_ids=wanted, now=now)
        children = [read_child(row, self.vault) for row in standing]
        told = notices(match, children, enquiry["urgency"])
        await _TELL.fetch(connection, told_values(told, at=now, enquiry_id=enquiry["id"]))
        await access_log.append(
            connection,
            access_log.values(
                at=now,
                kind="enquiry.matched_again",
                reference=enquiry["reference"],
                reason=match.band.value,
                child_ids=meant,
            ),
        )
        return set()


@asynccontextmanager
async def _by_itself(connection: Connection, children: Iterable[UUID], stay: set[UUID]) -> AsyncIterator[None]:
    """Whatever is wrong with one, the others must not wait for it: its own writes are taken back, and it is noted that
    its ``children`` stay on the queue. Raises StoreUnavailable."""
    try:
        async with connection.transaction():
            yield
    except StoreUnavailable:
        raise
    except Exception as error:
        _log.error("not_matched_again", error=type(error).__name__)
        stay.update(children)


def notices(match: Match[UUID], children: Sequence[ChildFound], urgency: str) -> list[Notice]:
    """Return who is told that an earlier enquiry was, or may have been, about these children.

    Of a restricted child nobody learns beside those who follow the child up and the safeguarding manager, who then is
    the one to call back (ENQ-3).
    """
    ids = tuple(child.id for child in children)
    restricted = any(child.restricted for child in children)
    decides = SAFEGUARDING_MANAGER if restricted else DUTY
    if match.band is not Band.MATCH:
        return [Notice(Kind.EARLIER_ENQUIRY_PERHAPS, urgency, decides, ids)]
    told = [Notice(Kind.CALL_BACK_TO_OFFER, urgency, decides, ids)]
    for child in followed_up(children):
        told += [
            Notice(Kind.EARLIER_ENQUIRY, urgency, recipient, (child.id,))
            for recipient in who_follows_up(child.key_worker, child.team_manager)
        ]
    return told
