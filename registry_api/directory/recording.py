"""What every change to the directory shares: it is alone, somebody makes it and says why, and it is recorded twice.

In the directory's history, sealed where it may hold something of somebody, and in the access log, in codes.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from policies.access import Permitted
from policies.enquirer import Enquirer
from registry_api.access_log import store as access_log
from registry_api.access_log.particulars import of_decision, of_enquirer
from registry_api.directory.models import Client, DirectoryChange, Organisation, Professional
from registry_api.directory.rules import IN_WORDS, LONGEST_REASON, SHORTEST_REASON, Obstacle
from registry_api.kernel.crypto import Vault
from registry_api.kernel.errors import NotPossible

What = Literal["organisation", "agreement", "client", "professional", "absence", "signing_key"]
Suspendable = Literal["organisation", "agreement", "client", "professional"]
Did = Literal["added", "changed", "suspended", "restored", "key_added", "key_retired", "retired"]
Changed = Mapping[str, list[object] | None]
"""What was changed: by detail, what it was and what it is; None of what is personal."""
_LOG = text(access_log.APPEND)


class ImpossibleChange(NotPossible):
    """What is asked for cannot be. The message is a clause that says why."""

    def __init__(self, obstacle: Obstacle, message: str = "") -> None:
        """Carry the obstacle; ``message`` says more than its own words do, in codes and identifiers."""
        super().__init__(obstacle, message or IN_WORDS[obstacle])


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change: a member of staff, over the API or named by a command, or an account of the machine."""

    professional_id: UUID | None = None
    organisation_id: UUID | None = None
    client_id: str | None = None
    operator: str | None = None
    particulars: Mapping[str, str] | None = None
    """Who they are as they act, and on what authority, for the access log."""

    @classmethod
    def of(cls, enquirer: Enquirer, decision: Permitted | None = None) -> "By":
        """Return the author of what an enquirer does over the API, and may do by a decision."""
        said = of_enquirer(enquirer) if decision is None else of_decision(enquirer, decision)
        return cls(enquirer.professional_id, enquirer.organisation_id, enquirer.client_id, particulars=said)


def nothing_against(_: SQLModel) -> None:
    """Let what is there be changed, whatever it says now."""


def require(obstacle: Obstacle | None) -> None:
    """Raise ImpossibleChange where there is an obstacle."""
    if obstacle:
        raise ImpossibleChange(obstacle)


@dataclass(slots=True)
class Recording:
    """One transaction that changes the directory at ``at``, by somebody who says why; ``made`` counts the changes.

    ``before_changing`` is called with each row that is there and would be changed, and may raise.
    """

    session: AsyncSession
    vault: Vault
    at: datetime
    by: By
    why: str
    before_changing: Callable[[SQLModel], None] = nothing_against
    made: Counter[tuple[What, Did]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Refuse to change anything for no reason. Raises ImpossibleChange."""
        self.why = self.why.strip()
        if not SHORTEST_REASON <= len(self.why) <= LONGEST_REASON:
            raise ImpossibleChange(Obstacle.NO_REASON)

    async def find_organisation(self, code: str) -> Organisation | None:
        """Return the organisation of that code."""
        return (await self.session.exec(select(Organisation).where(Organisation.code == code))).first()

    async def find_client(self, client_id: str) -> Client | None:
        """Return the client of that identifier."""
        return await self.session.get(Client, client_id)

    async def find_professional(self, organisation: Organisation, subject: str) -> Professional | None:
        """Return the professional whom the organisation has enrolled as ``subject``."""
        one = select(Professional).where(
            Professional.organisation_id == organisation.id,
            Professional.subject == subject,
            Professional.by_phone.is_(False),  # type: ignore[attr-defined]
        )
        return (await self.session.exec(one)).first()

    async def change(
        self,
        what: What,
        reference: str,
        row: SQLModel,
        wanted: Mapping[str, object],
        *,
        of: UUID,
        did: Did = "changed",
        told: Mapping[str, Changed] = MappingProxyType({}),
    ) -> None:
        """Have the columns of a row hold what is wanted, and record what that changed.

        ``of``: the organisation whose entry it is. ``told``: by column, what is recorded in place of what it held and
        holds.
        """
        differing = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if not differing:
            return
        self.before_changing(row)
        changed: dict[str, list[object] | None] = {}
        for name, value in differing.items():
            changed |= told.get(name, {name: [getattr(row, name), value]})
        row.sqlmodel_update(differing)
        await self.note(what, did, reference, of=of, changed=changed)

    async def note(
        self, what: What, did: Did, reference: str, *, of: UUID, changed: Changed = MappingProxyType({})
    ) -> None:
        """Record one change to an entry of the organisation ``of``, and write both to the database."""
        self.made[what, did] += 1
        row_id = uuid4()
        key = self.vault.new_key("directory_change", row_id)
        told = json.dumps({"why": self.why, "changed": dict(changed)}, default=str).encode()
        self.session.add(
            DirectoryChange(
                id=row_id,
                at=self.at,
                what=what,
                did=did,
                reference=reference,
                organisation_id=of,
                professional_id=self.by.professional_id,
                operator=self.by.operator,
                data_key=key.wrapped,
                sealed_why=key.seal("why", told),
            )
        )
        await self.session.flush()
        await log(self.session, self.at, self.by, "directory.changed", reference, f"{what}_{did}")


async def log(session: AsyncSession, at: datetime, by: By, kind: str, reference: str | None, reason: str) -> None:
    """Add an entry to the access log, as a part of the session's transaction; ``reason`` is a fixed code."""
    entry = access_log.values(
        at=at,
        kind=kind,
        client_id=by.client_id,
        organisation_id=by.organisation_id,
        professional_id=by.professional_id,
        reference=reference,
        reason=reason,
        particulars=by.particulars,
    )
    await (await session.connection()).execute(_LOG, entry)
