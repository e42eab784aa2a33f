"""What the directory holds, as those who may read it get to see it: one entry, a page, what falls due, the history.

An entry is reached only below its organisation: what is not there and what is another's look alike.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import SQLModel, col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from policies.enquirer import Agreement as Standing
from policies.enquirer import Disclosure, Purpose
from registry_api.directory import rules
from registry_api.directory.models import (
    Client,
    Cover,
    DataSharingAgreement,
    DirectoryChange,
    Organisation,
    Professional,
)
from registry_api.directory.recording import What
from registry_api.directory.schemas import (
    AbsenceShown,
    AgreementShown,
    AuthorShown,
    ChangeShown,
    ClientShown,
    OrganisationShown,
    ProfessionalShown,
)
from registry_api.kernel.crypto import Vault
from registry_api.kernel.errors import NotFound

_Row = TypeVar("_Row", bound=SQLModel)
_Below = TypeVar("_Below", DataSharingAgreement, Client, Professional)


def version(row: SQLModel) -> str:
    """Return the version of a row as it is now (``rules.version_of``)."""
    return rules.version_of(row.model_dump())


@dataclass(frozen=True, slots=True)
class Reading:
    """The entries, read in one transaction. ``today`` is the authority's own day; agreements are reviewed at the latest
    every ``review_months``.
    """

    session: AsyncSession
    vault: Vault
    today: date
    review_months: int

    async def organisation(self, organisation_id: UUID) -> Organisation:
        """Return an organisation. Raises NotFound."""
        return _there(await self.session.get(Organisation, organisation_id))

    async def organisation_called(self, code: str) -> Organisation | None:
        """Return the organisation of that code, or None."""
        return (await self.session.exec(select(Organisation).where(Organisation.code == code))).first()

    async def agreement(self, organisation_id: UUID, agreement_id: UUID) -> DataSharingAgreement:
        """Return an agreement of this organisation. Raises NotFound."""
        return _below(organisation_id, await self.session.get(DataSharingAgreement, agreement_id))

    async def client(self, organisation_id: UUID, client_id: str) -> Client:
        """Return a system of this organisation. Raises NotFound."""
        return _below(organisation_id, await self.session.get(Client, client_id))

    async def professional(self, organisation_id: UUID, professional_id: UUID) -> Professional:
        """Return a professional of this organisation. Raises NotFound."""
        return _below(organisation_id, await self.session.get(Professional, professional_id))

    async def own_authority(self) -> Organisation:
        """Return the authority itself. Raises NotFound while there is none."""
        return _there((await self.session.exec(select(Organisation).where(Organisation.own_authority))).first())

    async def absence(self, absence_id: UUID) -> Cover:
        """Return an absence of one of the authority's own. Raises NotFound."""
        own = select(Cover).join(Professional, col(Cover.professional_id) == col(Professional.id))
        own = own.join(Organisation, col(Organisation.id) == col(Professional.organisation_id))
        return _there((await self.session.exec(own.where(Cover.id == absence_id, Organisation.own_authority))).first())

    async def organisations(self, after: UUID | None, limit: int) -> Sequence[Organisation]:
        """Return organisations by code, those after this one."""
        page = select(Organisation).order_by(Organisation.code).limit(limit)
        if after:
            page = page.where(Organisation.code > (await self.organisation(after)).code)
        return (await self.session.exec(page)).all()

    async def agreements(self, organisation_id: UUID) -> Sequence[DataSharingAgreement]:
        """Return the agreements of an organisation, the latest first."""
        every = select(DataSharingAgreement).where(DataSharingAgreement.organisation_id == organisation_id)
        newest = every.order_by(col(DataSharingAgreement.valid_to).desc(), col(DataSharingAgreement.id))
        return (await self.session.exec(newest)).all()

    async def due_for_review(self, until: date) -> list[DataSharingAgreement]:
        """Return the agreements that have not ended and have to be reviewed by this day, the soonest first."""
        lasting = select(DataSharingAgreement).where(
            DataSharingAgreement.valid_to >= self.today, col(DataSharingAgreement.suspended_at).is_(None)
        )
        due = [(self._due(one), str(one.id), one) for one in (await self.session.exec(lasting)).all()]
        return [one for day, _, one in sorted(due, key=lambda each: each[:2]) if day <= until]

    async def clients(self, organisation_id: UUID) -> Sequence[Client]:
        """Return the systems of an organisation by their identifiers."""
        every = select(Client).where(Client.organisation_id == organisation_id)
        return (await self.session.exec(every.order_by(Client.id))).all()

    async def professionals(self, organisation_id: UUID, after: UUID | None, limit: int) -> Sequence[Professional]:
        """Return professionals of an organisation by subject, those after this one."""
        page = select(Professional).where(Professional.organisation_id == organisation_id)
        if after:
            page = page.where(Professional.subject > (await self.professional(organisation_id, after)).subject)
        return (await self.session.exec(page.order_by(Professional.subject).limit(limit))).all()

    async def search(
        self, organisation_id: UUID, subject: str | None, name: str | None, most: int
    ) -> list[Professional]:
        """Return the professionals of an organisation who have this subject, and these words in their name."""
        wanted = select(Professional).where(Professional.organisation_id == organisation_id)
        if subject:
            wanted = wanted.where(Professional.subject == subject)
        found = []
        for row in (await self.session.exec(wanted.order_by(Professional.subject))).all():
            if name is None or rules.has_words(self.name_of(row), name):
                found.append(row)
            if len(found) == most:
                break
            await asyncio.sleep(0)  # names are sealed: each is opened, and others have to be answered meanwhile
        return found

    async def absences(self, now: datetime, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Cover]:
        """Return the absences that have not ended, the latest to begin first, those before this one."""
        page = select(Cover).where(Cover.ends_at > now)
        if before:
            page = page.where(tuple_(col(Cover.starts_at), col(Cover.id)) < before)
        newest = page.order_by(col(Cover.starts_at).desc(), col(Cover.id).desc())
        return (await self.session.exec(newest.limit(limit))).all()

    async def changes(
        self,
        organisation_id: UUID | None,
        what: What | None,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[DirectoryChange]:
        """Return changes to entries of an organisation, or of all, of one kind or any, the newest first."""
        page = select(DirectoryChange)
        if organisation_id:
            page = page.where(DirectoryChange.organisation_id == organisation_id)
        if what:
            page = page.where(DirectoryChange.what == what)
        if before:
            page = page.where(tuple_(col(DirectoryChange.at), col(DirectoryChange.id)) < before)
        newest = page.order_by(col(DirectoryChange.at).desc(), col(DirectoryChange.id).desc())
        return (await self.session.exec(newest.limit(limit))).all()

    def show_organisation(self, row: Organisation) -> OrganisationShown:
        """Return an organisation as it is shown."""
        return OrganisationShown(**row.model_dump(), version=version(row))

    def show_agreement(self, row: DataSharingAgreement) -> AgreementShown:
        """Return an agreement as it is shown: whether it stands today, and when it is due for review."""
        standing = Standing(
            row.id,
            frozenset(map(Purpose, row.purposes)),
            row.valid_from,
            row.valid_to,
            row.suspended_at is not None,
            Disclosure(row.disclosure),
        )
        stands = standing.is_active(self.today)
        return AgreementShown(**row.model_dump(), stands=stands, review_due=self._due(row), version=version(row))

    def show_client(self, row: Client) -> ClientShown:
        """Return a system as it is shown."""
        return ClientShown(
            client_id=row.id,
            organisation_id=row.organisation_id,
            scopes=tuple(row.scopes),
            public_keys=tuple(row.jwks["keys"]),
            suspended_at=row.suspended_at,
            version=version(row),
        )

    def show_professional(self, row: Professional) -> ProfessionalShown:
        """Return a professional as they are shown: of a home address, whether one is kept."""
        kept = self._opened(row)
        return ProfessionalShown(
            **row.model_dump(exclude={"data_key", "sealed"}),
            name=kept["name"],
            phone=kept["phone"],
            home_address_kept=bool(kept.get("home_address")),
            version=version(row),
        )

    def show_absence(self, row: Cover) -> AbsenceShown:
        """Return an absence as it is shown."""
        return AbsenceShown(**row.model_dump(), version=version(row))

    async def show_changes(self, rows: Sequence[DirectoryChange]) -> tuple[ChangeShown, ...]:
        """Return changes as they are shown, with who made them and why."""
        authors = {row.professional_id for row in rows} - {None}
        found = (await self.session.exec(select(Professional).where(col(Professional.id).in_(authors)))).all()
        names = {one.id: self._opened(one)["name"] for one in found}
        shown = []
        for row in rows:
            told = json.loads(self.vault.key("directory_change", row.id, row.data_key).open("why", row.sealed_why))
            by = AuthorShown(
                professional_id=row.professional_id,
                name=names.get(row.professional_id) if row.professional_id else None,
                operator=row.operator,
            )
            plain = row.model_dump(include={"id", "at", "what", "did", "reference", "organisation_id"})
            shown.append(ChangeShown(**plain, by=by, why=told["why"], changed=told["changed"]))
        return tuple(shown)

    def name_of(self, row: Professional) -> str:
        """Return a professional's name."""
        return str(self._opened(row)["name"])

    def _opened(self, row: Professional) -> Mapping[str, Any]:
        kept = json.loads(self.vault.key("professional", row.id, row.data_key).open("person", row.sealed))
        return dict(kept)

    def _due(self, row: DataSharingAgreement) -> date:
        return rules.review_due(row.valid_from, row.reviewed_on, every_months=self.review_months)


def _there(row: _Row | None) -> _Row:
    if row is None:
        raise NotFound
    return row


def _below(organisation_id: UUID, row: _Below | None) -> _Below:
    if row is None or row.organisation_id != organisation_id:
        raise NotFound
    return row
