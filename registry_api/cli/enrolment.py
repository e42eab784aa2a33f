"""Who takes part, as one document: organisations with their agreements, systems and professionals.

Promises: a document is enrolled whole or not at all, again without effect, and a mistake in it is named by its place,
never by its value.
"""

from typing import Annotated

from pydantic import Field, ValidationError

from registry_api.cli.output import Failure, lines
from registry_api.cli.standing import Made, make
from registry_api.directory.changes import Changes
from registry_api.directory.given import (
    AgreementGiven,
    ClientGiven,
    Code,
    Moment,
    OrganisationDetails,
    ProfessionalGiven,
)
from registry_api.directory.recording import By
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.wire import Wire


class AbsenceGiven(Wire):
    """Somebody is away between two moments, and who stands in; both by subject (ENQ-11)."""

    away: Code
    covered_by: Code | None = None
    starts_at: Moment
    ends_at: Moment


class OrganisationGiven(OrganisationDetails):
    """An organisation. Exactly one in a deployment is the authority itself."""

    code: Code
    own_authority: bool = False
    agreements: tuple[AgreementGiven, ...] = ()
    clients: tuple[ClientGiven, ...] = ()
    professionals: tuple[ProfessionalGiven, ...] = ()
    absences: tuple[AbsenceGiven, ...] = ()


class Enrolment(Wire):
    """A whole document."""

    organisations: Annotated[tuple[OrganisationGiven, ...], Field(min_length=1)]


def read_enrolment(document: bytes) -> Enrolment:
    """Read a document (JSON, UTF-8). Raises Failure that names what is wrong by its place."""
    try:
        return Enrolment.model_validate_json(document)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        places = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['type']}" for fault in faults[:20])
        raise Failure(f"Nothing was enrolled. What is wrong with the file:\n{lines(places)}") from None


async def enrol(database: Database, vault: Vault, enrolment: Enrolment, *, why: str, by: By) -> Made:
    """Have all that a document names as it names it, in one transaction, and return how much that changed.

    Nothing is removed, and no suspension is lifted. Raises Failure when it cannot be; then nothing was changed.
    """

    return await make(database, vault, lambda changes: apply(changes, enrolment), why=why, by=by)


async def apply(changes: Changes, enrolment: Enrolment) -> None:
    """Have all that a document names as it names it. Raises ImpossibleChange when it cannot be."""
    for given in enrolment.organisations:
        details = given.model_dump(include=set(OrganisationDetails.model_fields))
        organisation = await changes.organisation(code=given.code, own_authority=given.own_authority, **details)
        for agreement in given.agreements:
            await changes.agreement(organisation, **agreement.model_dump())
        for client in given.clients:
            await changes.client(organisation, **client.model_dump())
        for one in given.professionals:
            await changes.professional(organisation, **one.as_kept())
        for absence in given.absences:
            await changes.absence_of(organisation, **absence.model_dump())
