"""The use-cases of whoever keeps the directory: an organisation's systems and people, and the absences of own staff."""

from dataclasses import dataclass
from uuid import UUID

from policies.access import RefusalReason
from policies.enquirer import Enquirer
from registry_api.directory import schemas
from registry_api.directory.desk import Desk, after, as_read
from registry_api.directory.models import Client
from registry_api.directory.reading import Reading
from registry_api.kernel.cursors import cursor_of, read_cursor
from registry_api.kernel.errors import Forbidden

_MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The use-cases for those whom ``desk`` admits. Their errors are those of ``partners.Partners``."""

    desk: Desk

    async def clients(self, enquirer: Enquirer, organisation_id: UUID) -> schemas.Clients:
        """Return the systems of an organisation."""
        async with self.desk.reading(enquirer, "clients", organisation_id) as reading:
            await reading.organisation(organisation_id)
            rows = await reading.clients(organisation_id)
            return schemas.Clients(clients=tuple(map(reading.show_client, rows)))

    async def client(self, enquirer: Enquirer, organisation_id: UUID, client_id: str) -> schemas.ClientShown:
        """Return a system."""
        async with self.desk.reading(enquirer, "client", client_id) as reading:
            return reading.show_client(await reading.client(organisation_id, client_id))

    async def add_client(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.NewClientRequest
    ) -> tuple[schemas.ClientShown, bool]:
        """Have an organisation have a system, and return it and whether that is new."""
        async with self.desk.changing(enquirer, request, adding=True) as (changes, reading):
            organisation = await reading.organisation(organisation_id)
            row = await changes.client(organisation, **request.model_dump(exclude={"why"}))
            return reading.show_client(row), bool(changes.made)

    async def change_scopes(
        self, enquirer: Enquirer, organisation_id: UUID, client_id: str, request: schemas.ScopesRequest, *, read: str
    ) -> schemas.ClientShown:
        """Have the tokens of a system be for these scopes at most."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = await _client(reading, enquirer, organisation_id, client_id, read)
            await changes.change_scopes(await reading.organisation(organisation_id), row, request.scopes)
            return reading.show_client(row)

    async def add_key(
        self, enquirer: Enquirer, organisation_id: UUID, client_id: str, request: schemas.KeyRequest, *, read: str
    ) -> schemas.ClientShown:
        """Have a system be believed by this key too: the first half of a rotation."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = await _client(reading, enquirer, organisation_id, client_id, read)
            await changes.add_key(row, request.public_key)
            return reading.show_client(row)

    async def retire_key(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        client_id: str,
        request: schemas.RetiredKeyRequest,
        *,
        read: str,
    ) -> schemas.ClientShown:
        """Have a system be believed by this key no longer: the second half. Its last key stays."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = await _client(reading, enquirer, organisation_id, client_id, read)
            await changes.retire_key(row, request.kid)
            return reading.show_client(row)

    async def suspend_client(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        client_id: str,
        request: schemas.SuspensionRequest,
        *,
        read: str,
    ) -> schemas.ClientShown:
        """Have a system be suspended, or stand again."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = await _client(reading, enquirer, organisation_id, client_id, read)
            await changes.suspend("client", row, lifted=not request.suspended)
            return reading.show_client(row)

    async def professionals(
        self, enquirer: Enquirer, organisation_id: UUID, *, cursor: str | None, limit: int
    ) -> schemas.Professionals:
        """Return one page of an organisation's professionals, by subject."""
        async with self.desk.reading(enquirer, "professionals", organisation_id) as reading:
            await reading.organisation(organisation_id)
            rows = await reading.professionals(organisation_id, after(cursor), limit + 1)
            shown = tuple(map(reading.show_professional, rows[:limit]))
        return schemas.Professionals(professionals=shown, next=str(shown[-1].id) if len(rows) > limit else None)

    async def search(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.SearchRequest
    ) -> schemas.Professionals:
        """Return the professionals of an organisation who are meant, so many at the most."""
        async with self.desk.reading(enquirer, "professionals", organisation_id) as reading:
            await reading.organisation(organisation_id)
            found = await reading.search(organisation_id, request.subject, request.name, _MOST_FOUND)
            return schemas.Professionals(professionals=tuple(map(reading.show_professional, found)))

    async def professional(
        self, enquirer: Enquirer, organisation_id: UUID, professional_id: UUID
    ) -> schemas.ProfessionalShown:
        """Return a professional."""
        async with self.desk.reading(enquirer, "professional", professional_id) as reading:
            return reading.show_professional(await reading.professional(organisation_id, professional_id))

    async def add_professional(
        self, enquirer: Enquirer, organisation_id: UUID, request: schemas.NewProfessionalRequest
    ) -> tuple[schemas.ProfessionalShown, bool]:
        """Have an organisation have enrolled somebody, and return them and whether that is new."""
        async with self.desk.changing(enquirer, request, adding=True) as (changes, reading):
            organisation = await reading.organisation(organisation_id)
            row = await changes.professional(organisation, **request.as_kept())
            return reading.show_professional(row), bool(changes.made)

    async def change_professional(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        professional_id: UUID,
        request: schemas.ProfessionalRequest,
        *,
        read: str,
    ) -> schemas.ProfessionalShown:
        """Have somebody else than oneself be known with these details."""
        async with self.desk.changing(enquirer, request, about=professional_id) as (changes, reading):
            row = as_read(await reading.professional(organisation_id, professional_id), read)
            organisation = await reading.organisation(organisation_id)
            await changes.change_professional(organisation, row, **request.as_kept())
            return reading.show_professional(row)

    async def suspend_professional(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        professional_id: UUID,
        request: schemas.SuspensionRequest,
        *,
        read: str,
    ) -> schemas.ProfessionalShown:
        """Have somebody else than oneself be suspended, or stand again."""
        async with self.desk.changing(enquirer, request, about=professional_id) as (changes, reading):
            row = as_read(await reading.professional(organisation_id, professional_id), read)
            await changes.suspend("professional", row, lifted=not request.suspended)
            return reading.show_professional(row)

    async def absences(self, enquirer: Enquirer, *, cursor: str | None, limit: int) -> schemas.Absences:
        """Return one page of the absences of the authority's own staff that have not ended."""
        async with self.desk.reading(enquirer, "absences") as reading:
            before = read_cursor(cursor) if cursor else None
            rows = await reading.absences(self.desk.clock(), before, limit + 1)
            shown = tuple(map(reading.show_absence, rows[:limit]))
        return schemas.Absences(
            absences=shown, next=cursor_of(shown[-1].starts_at, shown[-1].id) if len(rows) > limit else None
        )

    async def absence(self, enquirer: Enquirer, absence_id: UUID) -> schemas.AbsenceShown:
        """Return an absence."""
        async with self.desk.reading(enquirer, "absence", absence_id) as reading:
            return reading.show_absence(await reading.absence(absence_id))

    async def add_absence(
        self,
        enquirer: Enquirer,
        organisation_id: UUID,
        professional_id: UUID,
        request: schemas.NewAbsenceRequest,
    ) -> tuple[schemas.AbsenceShown, bool]:
        """Have one of the authority's own be away, and return it and whether that is new (ENQ-11).

        One's own absence too, which must not wait for a colleague. To stand in oneself would be to be given an inbox:
        that is for a colleague to say.
        """
        async with self.desk.changing(enquirer, request, adding=True) as (changes, reading):
            person = await reading.professional(organisation_id, professional_id)
            _refuse_own(enquirer.professional_id == request.covered_by)
            row = await changes.absence(
                await reading.organisation(organisation_id),
                away=person.id,
                covered_by=request.covered_by,
                starts_at=request.starts_at,
                ends_at=request.ends_at,
            )
            return reading.show_absence(row), bool(changes.made)

    async def change_absence(
        self, enquirer: Enquirer, absence_id: UUID, request: schemas.AbsenceRequest, *, read: str
    ) -> schemas.AbsenceShown:
        """Have an absence be covered and end like this; nobody makes themselves stand in, as for ``add_absence``."""
        async with self.desk.changing(enquirer, request) as (changes, reading):
            row = as_read(await reading.absence(absence_id), read)
            _refuse_own(enquirer.professional_id == request.covered_by != row.covered_by)
            await changes.change_absence(
                await reading.own_authority(), row, covered_by=request.covered_by, ends_at=request.ends_at
            )
            return reading.show_absence(row)


async def _client(reading: Reading, enquirer: Enquirer, organisation_id: UUID, client_id: str, read: str) -> Client:
    row = await reading.client(organisation_id, client_id)
    _refuse_own(row.id == enquirer.client_id)
    return as_read(row, read)


def _refuse_own(own: bool) -> None:
    if own:
        raise Forbidden(RefusalReason.ONES_OWN)
