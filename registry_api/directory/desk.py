"""Who may read the directory and who may change it, decided before anything is looked for; and each is recorded.

Nobody changes their own entry, nor the system that they come by: what somebody may do is for a colleague to say.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlmodel import SQLModel

from policies.access import Refused, may_administer_directory, may_read_directory
from policies.enquirer import Enquirer
from policies.profile import Profile
from registry_api.directory.changes import Changes, changing
from registry_api.directory.reading import Reading, version
from registry_api.directory.recording import By, ImpossibleChange, log, nothing_against
from registry_api.directory.rules import Obstacle, as_uuid
from registry_api.directory.schemas import Change
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import Forbidden, NotFound, PreconditionFailed

_Row = TypeVar("_Row", bound=SQLModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """The directory, opened to those who may. Agreements are reviewed at the latest every ``review_months``."""

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock
    review_months: int

    @asynccontextmanager
    async def reading(self, enquirer: Enquirer, what: str, reference: object = None) -> AsyncIterator[Reading]:
        """Lend the entries, once it is recorded that the enquirer reads ``what``, a fixed code, of ``reference``.

        Raises Forbidden, and StoreUnavailable when it is not known to be recorded.
        """
        now = self.clock()
        today = self.profile.today(now)
        decision = may_read_directory(enquirer, today)
        if isinstance(decision, Refused):
            raise Forbidden(decision.reason)
        async with self.database.session() as session:
            named = None if reference is None else str(reference)
            await log(session, now, By.of(enquirer, decision), "directory.read", named, what)
            yield Reading(session, self.vault, today, self.review_months)

    @asynccontextmanager
    async def changing(
        self, enquirer: Enquirer, change: Change, *, about: UUID | None = None, adding: bool = False
    ) -> AsyncIterator[tuple[Changes, Reading]]:
        """Lend the changes and the entries of one transaction.

        ``about``: the professional concerned, if it is one. ``adding``: what is there already is left as it is.

        Raises Forbidden, also of one's own entry; ImpossibleChange when something is to be added that is there and not
        as it is given; StoreUnavailable when it is not known to be committed.
        """
        now = self.clock()
        today = self.profile.today(now)
        decision = may_administer_directory(enquirer, today, about=about)
        if isinstance(decision, Refused):
            raise Forbidden(decision.reason)
        against = _added_already if adding else nothing_against
        async with changing(
            self.database, self.vault, at=now, by=By.of(enquirer, decision), why=change.why, before_changing=against
        ) as changes:
            yield changes, Reading(changes.session, self.vault, today, self.review_months)


def as_read(row: _Row, read: str) -> _Row:
    """Return the row, which is of the version that was read. Raises PreconditionFailed where it is not."""
    if version(row) != read:
        raise PreconditionFailed
    return row


def after(cursor: str | None) -> UUID | None:
    """Return the entry after which a page begins. Raises NotFound for a cursor that is none of ours."""
    if cursor is None:
        return None
    named = as_uuid(cursor)
    if named is None:
        raise NotFound
    return named


def _added_already(_: SQLModel) -> None:
    raise ImpossibleChange(Obstacle.ADDED_ALREADY)
