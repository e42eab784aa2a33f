"""The use-cases of whoever keeps the directory: organisations and their agreements, and the history of every change."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from policies.enquirer import Enquirer
from registry_api.directory import schemas
from registry_api.directory.desk import Desk, after, as_read
from registry_api.directory.recording import What
from registry_api.kernel.cursors import cursor_of, read_cursor


@dataclass(frozen=True, slots=True)
class Partners:
    """The use-cases for those whom ``desk`` admits.

    Each raises what that does, and NotFound where the entry is not there or not below that organisation; whatever
    changes something, ImpossibleChange as well; and of what is there already, PreconditionFailed where it is not of the
    version ``read``.
    """

    desk: Desk

    async def organisations(self, enquirer: Enquirer, *, cursor: str | None, limit: int) -> schemas.Organisations:
        """Return one page of those who take part, by code."""
        async with self.desk.reading(enquirer, "organisations") as reading:
            rows = await reading.organisations(after(cursor), limit + 1)
            shown = tuple(map(reading.show_organisation, rows[:limit]))
        return schemas.Organisations(organisations=shown, next=str(shown[-1].id) if len(rows) > limit else None)

    async def organisation(self, enquirer: Enquirer, organisation_id: UUID) -> schemas.OrganisationShown:
        """Return an organisation."""
        async with self.desk.reading(enquirer, "organisation", organisation_id) as reading:
            return reading.show_organisation(await reading.organisation(organisation_id))

    async def add_organisation(
        self, enquirer: Enquirer, request: schemas.NewOrganisationRequest
    ) -> tuple[schemas.OrganisationShown, bool]:
        """Have an organisation take part, and return it and whether that is new. It is not the authority itself."""
        async with self.desk.changing(enquirer, request, adding=True) as (changes, reading):
            given = request.model_dump(exclude={"why"})
            row = await changes.organisation(**given, own_authority=False)
            return reading.show_organisation(row), bool(changes.made)

    async def change_organisation(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.OrganisationRequest, *, read: str
    ) -> schemas.OrganisationShown:
        """Have an organisation be called, be and be reached like this."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = as_read(await reading.organisation(organisation_id), read)
            await changes.change_organisation(row, **request.model_dump(exclude={"why"}))
            return reading.show_organisation(row)

    async def suspend_organisation(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.SuspensionRequest, *, read: str
    ) -> schemas.OrganisationShown:
        """Have an organisation be suspended, or stand again; never the authority itself."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = as_read(await reading.organisation(organisation_id), read)
            await changes.suspend("organisation", row, lifted=not request.suspended)
            return reading.show_organisation(row)

    async def agreements(self, enquirer: Enquirer, organisation_id: UUID) -> schemas.Agreements:
        """Return the agreements with an organisation."""
        async with self.desk.reading(enquirer, "agreements", organisation_id) as reading:
            await reading.organisation(organisation_id)
            rows = await reading.agreements(organisation_id)
            return schemas.Agreements(agreements=tuple(map(reading.show_agreement, rows)))

    async def due_for_review(self, enquirer: Enquirer, *, days: int) -> schemas.Agreements:
        """Return the agreements in force that have to be reviewed within so many days, those overdue included."""
        async with self.desk.reading(enquirer, "reviews") as reading:
            rows = await reading.due_for_review(reading.today + timedelta(days=days))
            return schemas.Agreements(agreements=tuple(map(reading.show_agreement, rows)))

    async def agreement(self, enquirer: Enquirer, organisation_id: UUID, agreement_id: UUID) -> schemas.AgreementShown:
        """Return an agreement."""
        async with self.desk.reading(enquirer, "agreement", agreement_id) as reading:
            return reading.show_agreement(await reading.agreement(organisation_id, agreement_id))

    async def add_agreement(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.NewAgreementRequest
    ) -> tuple[schemas.AgreementShown, bool]:
        """Have an agreement with an organisation, and return it and whether that is new."""
        async with self.desk.changing(enquirer, request, adding=True) as (changes, reading):
            organisation = await reading.organisation(organisation_id)
            row = await changes.agreement(organisation, **request.model_dump(exclude={"why"}))
            return reading.show_agreement(row), bool(changes.made)

    async def change_agreement(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        agreement_id: UUID,
        request: schemas.AgreementRequest,
        *,
        read: str,
    ) -> schemas.AgreementShown:
        """Have an agreement end, have been reviewed and disclose like this."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = as_read(await reading.agreement(organisation_id, agreement_id), read)
            await changes.change_agreement(row, **request.model_dump(exclude={"why"}))
            return reading.show_agreement(row)

    async def suspend_agreement(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        agreement_id: UUID,
        request: schemas.SuspensionRequest,
        *,
        read: str,
    ) -> schemas.AgreementShown:
        """Have an agreement be suspended, or stand again."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = as_read(await reading.agreement(organisation_id, agreement_id), read)
            await changes.suspend("agreement", row, lifted=not request.suspended)
            return reading.show_agreement(row)

    async def history(
        self, enquirer: Enquirer, *, organisation_id: UUID | None, what: What | None, cursor: str | None, limit: int
    ) -> schemas.History:
        """Return one page of what was changed, by whom and why, the newest first."""
        async with self.desk.reading(enquirer, "history", organisation_id) as reading:
            before = read_cursor(cursor) if cursor else None
            rows = await reading.changes(organisation_id, what, before, limit + 1)
            shown = await reading.show_changes(rows[:limit])
        return schemas.History(changes=shown, next=cursor_of(shown[-1].at, shown[-1].id) if len(rows) > limit else None)
