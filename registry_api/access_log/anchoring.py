"""What carries checkpoints out of our hands: a mail a day, a time-stamp a day, and witnesses as the log grows.

Any process may do it, one at a time; what failed is tried again some minutes later, and never holds an answer up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import httpx2
import structlog

from registry_api.access_log import anchor_store, reading
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.mailing import Mailer
from registry_api.access_log.note import NoteError
from registry_api.access_log.stamping import Stamper
from registry_api.access_log.witnessing import NotWitnessed, Witness, cosign, read_policy
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Database
from registry_api.kernel.errors import KeysUnusable, NotFound
from registry_api.kernel.settings import Settings

MAIL, STAMP, WITNESS = "mail", "timestamp", "witness"
OVERDUE: Final = timedelta(days=2)
"""After so long without a checkpoint in somebody else's hands a person has to look into it."""
_AGAIN_AFTER: Final = timedelta(minutes=10)
_SECONDS: Final = 20
_log = structlog.get_logger()

Given = tuple[bytes, bytes | None]
"""A checkpoint as it was given out, and what came back for it."""


def place_of(where: str) -> str:
    """Return how an address or a URL is named in the table: by a digest, for it may name somebody."""
    return sha256(where.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Anchors:
    """Where checkpoints go, and what takes them there."""

    clock: Clock
    mailer: Mailer | None = None
    recipients: tuple[str, ...] = ()
    stamper: Stamper | None = None
    witnesses: tuple[Witness, ...] = ()
    _again_at: dict[tuple[str, str], datetime] = field(default_factory=dict)

    @classmethod
    def build(cls, settings: Settings, clock: Clock) -> "Anchors":
        """Return those of the settings. Raises KeysUnusable for a file of witnesses that cannot be used."""
        witnesses: list[Witness] = []
        if settings.log_witnesses is not None:
            try:
                witnesses = read_policy(settings.log_witnesses)
            except (OSError, UnicodeDecodeError, NoteError) as error:
                raise KeysUnusable(f"The witnesses of {settings.log_witnesses} cannot be used: {error}.") from None
        mailer = stamper = None
        if settings.smtp_url is not None:
            mailer = Mailer(settings.smtp_url.get_secret_value(), settings.mail_from)
        if settings.log_tsa_url and settings.log_tsa_roots is not None:
            stamper = Stamper(settings.log_tsa_url, settings.log_tsa_roots)
        recipients = tuple(settings.log_mail_to.split(",")) if settings.log_mail_to else ()
        return cls(clock, mailer, recipients, stamper, tuple(witnesses))

    def places(self) -> list[tuple[str, str, str]]:
        """Return everywhere that checkpoints go: kind, place as the table names it, and as people do."""
        found = [(MAIL, place_of(one), one) for one in self.recipients]
        if self.stamper is not None:
            found.append((STAMP, place_of(self.stamper.url), self.stamper.url))
        return [*found, *((WITNESS, str(one.key), one.key.name) for one in self.witnesses)]

    async def run(self, database: Database) -> None:
        """Give out what has to be given out now. Whatever fails is logged, by kind, and keeps nothing else back.

        ``database``: two connections that nobody else waits for. Raises StoreUnavailable.
        """
        if not self.places():
            return
        async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False, follow_redirects=False) as http:
            # What is far away is asked within this transaction, which holds the lock and changes nothing else.
            async with database.transaction() as locked:
                if not await anchor_store.try_lock(locked):
                    return
                try:
                    async with database.connection() as connection:
                        origin_id, head, note = await reading.signed_head(connection)
                        given = {
                            kind: await anchor_store.given(connection, origin_id, kind, self.clock().date())
                            for kind in (MAIL, STAMP)
                        }
                except NotFound:
                    return
                for recipient in self.recipients:
                    if place_of(recipient) not in given[MAIL]:
                        await self._give(database, origin_id, head, MAIL, recipient, self._mailing(note, recipient))
                if self.stamper is not None and place_of(self.stamper.url) not in given[STAMP]:
                    await self._give(
                        database, origin_id, head, STAMP, self.stamper.url, self._stamping(http, self.stamper, note)
                    )
                for witness in self.witnesses:
                    await self._try(
                        WITNESS, str(witness.key), self._witnessing(database, http, witness, origin_id, note)
                    )

    async def _give(
        self,
        database: Database,
        origin_id: int,
        head: Checkpoint,
        kind: str,
        where: str,
        give: Callable[[], Awaitable[Given]],
    ) -> None:
        async def given() -> None:
            note, token = await give()
            async with database.connection() as connection:
                await anchor_store.add(
                    connection, origin_id, kind, place_of(where), self.clock(), head.size, note, token
                )

        await self._try(kind, place_of(where), given)

    def _mailing(self, note: bytes, recipient: str) -> Callable[[], Awaitable[Given]]:
        async def mailed() -> Given:
            assert self.mailer is not None, "settings with recipients have a server"
            return await asyncio.to_thread(self.mailer.send, note, recipient, self.clock()), None

        return mailed

    def _stamping(self, http: httpx2.AsyncClient, stamper: Stamper, note: bytes) -> Callable[[], Awaitable[Given]]:
        async def stamped() -> Given:
            return note, await stamper.stamp(http, note)

        return stamped

    def _witnessing(
        self, database: Database, http: httpx2.AsyncClient, witness: Witness, origin_id: int, note: bytes
    ) -> Callable[[], Awaitable[object]]:
        async def witnessed() -> object:
            async with database.connection() as connection:
                return await cosign(connection, http, witness, self.clock, origin_id, note)

        return witnessed

    async def _try(self, kind: str, place: str, do: Callable[[], Awaitable[object]]) -> None:
        again_at = self._again_at.get((kind, place))
        if again_at is not None and self.clock() < again_at:
            return
        try:
            await do()
            self._again_at.pop((kind, place), None)
        except Exception as error:  # whatever it was, the others go on, and this one is tried again
            self._again_at[kind, place] = self.clock() + _AGAIN_AFTER
            reason = f"{kind}_{error.reason}" if isinstance(error, NotWitnessed) else kind
            _log.error("log_not_anchored", kind=reason, error=type(error).__name__)

    async def overdue(self, database: Database) -> list[tuple[str, str, datetime | None]]:
        """Return where no checkpoint has gone for too long: kind, place as people name it, and when last.

        Raises NotFound where nothing is signed, StoreUnavailable.
        """
        async with database.connection() as connection:
            origin_id, _, _ = await reading.signed_head(connection)
            last = await anchor_store.last_given(connection, origin_id)
        late = self.clock() - OVERDUE
        found = [(kind, named, last.get((kind, place))) for kind, place, named in self.places()]
        return [(kind, named, at) for kind, named, at in found if at is None or at < late]
