"""Changes to who an organisation's people are, and when they are away: a part of ``changes``, in its transaction."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import select

from policies.enquirer import Role
from registry_api.directory import indispensable, rules, service
from registry_api.directory.models import Cover, Organisation, Professional
from registry_api.directory.recording import ImpossibleChange, Recording, require
from registry_api.directory.rules import Obstacle
from registry_api.directory.service import KEPT, HomeAddress, Kept


class MemberChanges(Recording):
    """The changes to people. What cannot be raises ImpossibleChange."""

    async def professional(
        self,
        organisation: Organisation,
        *,
        subject: str,
        role: Role,
        name: str,
        phone: str,
        home_address: HomeAddress | Kept | None = KEPT,
    ) -> Professional:
        """Have a professional of that subject in the organisation, with these details, and return them."""
        given: dict[str, Any] = {"role": role, "name": name, "phone": phone, "home_address": home_address}
        kept = await self.find_professional(organisation, subject)
        if kept:
            await self.change_professional(organisation, kept, **given)
            return kept
        require(rules.check_role(role, own_authority=organisation.own_authority))
        added = service.enrol_professional(
            self.session,
            self.vault,
            organisation_id=organisation.id,
            subject=subject,
            **given | {"home_address": None if home_address is KEPT else home_address},
        )
        await self.note("professional", "added", str(added.id), of=organisation.id)
        return added

    async def change_professional(
        self,
        organisation: Organisation,
        kept: Professional,
        *,
        role: Role,
        name: str,
        phone: str,
        home_address: HomeAddress | Kept | None = KEPT,
    ) -> None:
        """Have a professional be known with these details."""
        require(rules.check_role(role, own_authority=organisation.own_authority and not kept.by_phone))
        if role != kept.role:
            await indispensable.manager(self.session, kept)
        key = self.vault.key("professional", kept.id, kept.data_key)
        was = json.loads(key.open("person", kept.sealed))
        here = was.get("home_address") if isinstance(home_address, Kept) else service.written(home_address)
        now = service.details(name, phone, here)
        differing = [detail for detail in ("name", "phone", "home_address") if was.get(detail) != now.get(detail)]
        sealed = key.seal("person", json.dumps(now).encode()) if differing else kept.sealed
        told = {"sealed": dict.fromkeys(differing)}
        wanted = {"role": role, "sealed": sealed}
        await self.change("professional", str(kept.id), kept, wanted, of=organisation.id, told=told)

    async def absence_of(
        self, organisation: Organisation, *, away: str, covered_by: str | None, starts_at: datetime, ends_at: datetime
    ) -> Cover:
        """Have somebody away, as ``absence`` does; both are named by the organisation's own identifiers."""
        people = [await self.find_professional(organisation, subject) for subject in (away, covered_by) if subject]
        ids = [person.id for person in people if person]
        if len(ids) < len(people):
            raise ImpossibleChange(Obstacle.NOT_ENROLLED)
        cover = ids[1] if covered_by else None
        return await self.absence(organisation, away=ids[0], covered_by=cover, starts_at=starts_at, ends_at=ends_at)

    async def absence(
        self, organisation: Organisation, *, away: UUID, covered_by: UUID | None, starts_at: datetime, ends_at: datetime
    ) -> Cover:
        """Have one of the organisation's away between two moments, and return it (ENQ-11).

        Of an absence from that moment on, the rest is changed.
        """
        same = select(Cover).where(Cover.professional_id == away, Cover.starts_at == starts_at)
        kept = (await self.session.exec(same)).first()
        if kept:
            await self.change_absence(organisation, kept, covered_by=covered_by, ends_at=ends_at)
            return kept
        await self._check_absence(organisation, away, covered_by, starts_at, ends_at)
        added = service.arrange_cover(
            self.session, away=away, covered_by=covered_by, starts_at=starts_at, ends_at=ends_at
        )
        await self.note("absence", "added", str(away), of=organisation.id)
        return added

    async def change_absence(
        self, organisation: Organisation, kept: Cover, *, covered_by: UUID | None, ends_at: datetime
    ) -> None:
        """Have an absence be covered and end like this."""
        await self._check_absence(organisation, kept.professional_id, covered_by, kept.starts_at, ends_at)
        wanted = {"covered_by": covered_by, "ends_at": ends_at}
        await self.change("absence", str(kept.professional_id), kept, wanted, of=organisation.id)

    async def _check_absence(
        self, organisation: Organisation, away: UUID, covered_by: UUID | None, starts_at: datetime, ends_at: datetime
    ) -> None:
        if not organisation.own_authority:
            raise ImpossibleChange(Obstacle.NOT_OWN_STAFF)
        require(rules.check_absence(away, covered_by, starts_at, ends_at))
        people = [await self.session.get(Professional, one) for one in (away, covered_by) if one]
        if any(person is None or person.organisation_id != organisation.id for person in people):
            raise ImpossibleChange(Obstacle.NOT_ENROLLED)
        if covered_by and people[1]:
            require(rules.check_stand_in(Role(people[1].role)))
