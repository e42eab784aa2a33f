"""Changes to who takes part, each stated as it shall be: what is so already is left, and said again it changes nothing.

Every change is recorded in the access log with what it concerns; the caller's transaction holds them all, or none.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from policies.enquirer import Purpose, Role
from registry_api.access_log import store as access_log
from registry_api.directory import service
from registry_api.directory.models import Client, Cover, DataSharingAgreement, Organisation, Professional
from registry_api.kernel.crypto import Vault

What = Literal["organisation", "agreement", "client", "professional", "absence"]
Suspendable = Literal["organisation", "client", "professional"]
Did = Literal["added", "changed", "suspended", "restored"]
_Row = TypeVar("_Row", bound=SQLModel)
_LOG = text(access_log.APPEND)


class ImpossibleChange(Exception):
    """What is asked for cannot be. The message is a clause that says why."""


@dataclass(slots=True)
class Changes:
    """The changes of one transaction, made at ``at``; ``made`` counts them."""

    session: AsyncSession
    vault: Vault
    at: datetime
    made: Counter[tuple[What, Did]] = field(default_factory=Counter)

    async def organisation(
        self, *, code: str, name: str, kind: str, own_authority: bool, office_phone: str, out_of_hours_phone: str
    ) -> Organisation:
        """Have an organisation of that code, and return it. Raises ImpossibleChange for a second own authority."""
        phones = {"office_phone": office_phone, "out_of_hours_phone": out_of_hours_phone}
        kept = await self._organisation(code)
        own = (await self.session.exec(select(Organisation).where(Organisation.own_authority))).first()
        if own and own_authority != (own is kept):
            raise ImpossibleChange("which organisation is the authority itself cannot be changed")
        if kept:
            await self._change("organisation", code, kept, name=name, kind=kind, **phones)
            return kept
        added = service.add_organisation(
            self.session, code=code, name=name, kind=kind, own_authority=own_authority, **phones
        )
        await self._note("organisation", "added", code)
        return added

    async def agreement(
        self, *, organisation_id: UUID, purposes: Collection[Purpose], valid_from: date, valid_to: date
    ) -> None:
        """Have an agreement for these purposes from that day on; of one that stands, the last day is changed."""
        same = select(DataSharingAgreement).where(
            DataSharingAgreement.organisation_id == organisation_id,
            DataSharingAgreement.valid_from == valid_from,
            DataSharingAgreement.purposes == sorted(purposes),
        )
        kept = (await self.session.exec(same)).first()
        if kept:
            await self._change("agreement", str(kept.id), kept, valid_to=valid_to)
            return
        added = service.add_agreement(
            self.session, organisation_id=organisation_id, purposes=purposes, valid_from=valid_from, valid_to=valid_to
        )
        await self._note("agreement", "added", str(added.id))

    async def client(
        self, *, client_id: str, organisation_id: UUID, public_keys: list[Any], scopes: Collection[str]
    ) -> None:
        """Have a system with exactly these keys and scopes. Raises ImpossibleChange if it is another organisation's."""
        kept = await self.session.get(Client, client_id)
        if kept is None:
            service.add_client(
                self.session,
                client_id=client_id,
                organisation_id=organisation_id,
                public_keys=public_keys,
                scopes=scopes,
            )
            await self._note("client", "added", client_id)
        elif kept.organisation_id != organisation_id:
            raise ImpossibleChange("a client is enrolled for another organisation already")
        else:
            await self._change("client", client_id, kept, jwks={"keys": public_keys}, scopes=sorted(scopes))

    async def professional(self, *, organisation_id: UUID, subject: str, role: Role, name: str, phone: str) -> None:
        """Have a professional of that subject in the organisation, with this role, name and number."""
        kept = await self._professional(organisation_id, subject)
        if kept is None:
            added = service.enrol_professional(
                self.session,
                self.vault,
                organisation_id=organisation_id,
                subject=subject,
                role=role,
                name=name,
                phone=phone,
            )
            await self._note("professional", "added", str(added.id))
            return
        key, person = self.vault.key("professional", kept.id, kept.data_key), {"name": name, "phone": phone}
        same = json.loads(key.open("person", kept.sealed)) == person
        sealed = kept.sealed if same else key.seal("person", json.dumps(person).encode())
        await self._change("professional", str(kept.id), kept, role=role, sealed=sealed)

    async def absence(
        self, *, organisation_id: UUID, away: str, covered_by: str | None, starts_at: datetime, ends_at: datetime
    ) -> None:
        """Have somebody away between two moments (ENQ-11); of an absence from that moment on, the rest is changed.

        ``away`` and ``covered_by`` are subjects. Raises ImpossibleChange for one who is not enrolled.
        """
        if starts_at >= ends_at or away == covered_by:
            raise ImpossibleChange("an absence ends before it begins, or somebody stands in for themselves")
        people = [await self._professional(organisation_id, subject) for subject in (away, covered_by) if subject]
        if not all(people):
            raise ImpossibleChange("an absence names somebody who is not enrolled")
        who, *stand_in = [person.id for person in people if person]
        cover = stand_in[0] if stand_in else None
        same = select(Cover).where(Cover.professional_id == who, Cover.starts_at == starts_at)
        kept = (await self.session.exec(same)).first()
        if kept:
            await self._change("absence", str(who), kept, covered_by=cover, ends_at=ends_at)
            return
        service.arrange_cover(self.session, away=who, covered_by=cover, starts_at=starts_at, ends_at=ends_at)
        await self._note("absence", "added", str(who))

    async def suspension(self, what: Suspendable, identifier: str, *, lifted: bool) -> None:
        """Suspend an organisation (by code), client (by id) or professional (by ``code/subject``), or lift that again.

        It holds from the next request on. Raises ImpossibleChange when there is none of that name.
        """
        row: Organisation | Client | Professional | None
        if what == "client":
            row, reference = await self.session.get(Client, identifier), identifier
        else:
            code, _, subject = identifier.partition("/")
            row, reference = await self._organisation(code), code
            if what == "professional":
                row = await self._professional(row.id, subject) if row else None
                reference = str(row.id) if row else ""
        if row is None:
            raise ImpossibleChange(f"there is no {what} {identifier}")
        if (row.suspended_at is None) != lifted:
            row.suspended_at = None if lifted else self.at
            await self._note(what, "restored" if lifted else "suspended", reference)

    async def _organisation(self, code: str) -> Organisation | None:
        return (await self.session.exec(select(Organisation).where(Organisation.code == code))).first()

    async def _professional(self, organisation_id: UUID, subject: str) -> Professional | None:
        one = select(Professional).where(
            Professional.organisation_id == organisation_id, Professional.subject == subject
        )
        return (await self.session.exec(one)).first()

    async def _change(self, what: What, reference: str, row: _Row, **wanted: object) -> None:
        differing = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if differing:
            row.sqlmodel_update(differing)
            await self._note(what, "changed", reference)

    async def _note(self, what: What, did: Did, reference: str) -> None:
        await self.session.flush()
        self.made[what, did] += 1
        entry = access_log.values(at=self.at, kind="directory.changed", reference=reference, reason=f"{what}_{did}")
        await (await self.session.connection()).execute(_LOG, entry)
