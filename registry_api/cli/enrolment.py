"""Who takes part, as one document: organisations with their agreements, systems and professionals.

Promises: a document is enrolled whole or not at all, again without effect, and a mistake in it is named by its place,
never by its value.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from policies.enquirer import Disclosure, Purpose, Role
from registry_api.cli.output import Failure, lines
from registry_api.cli.standing import Made, make
from registry_api.directory.changes import Changes
from registry_api.directory.recording import By
from registry_api.directory.service import KEPT, HomeAddress
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database

_Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AgreementGiven(_Part):
    """What an organisation may use the service for, and between which days, both included (ENQ-3).

    When it was reviewed last, and how much is told: what is not given stays as it is.
    """

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    valid_from: date
    valid_to: date
    reviewed_on: date | None = None
    disclosure: Disclosure | None = None


class ClientGiven(_Part):
    """A system of an organisation: its public keys (JWK, each with a ``kid``) and what its tokens may be for."""

    client_id: _Code
    public_keys: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    scopes: Annotated[
        tuple[Annotated[str, Field(pattern="^(enquiry|transfer|casework|directory|introspection)$")], ...],
        Field(min_length=1),
    ]


class HomeGiven(_Part):
    """Where somebody lives."""

    lines: Annotated[str, Field(min_length=1, max_length=400)]
    postcode: Annotated[str, Field(max_length=12)] = ""


class ProfessionalGiven(_Part):
    """An individual. ``subject``: the identifier by which their organisation's system names them.

    ``home_address`` stays as it is where none is given.
    """

    subject: _Code
    role: Role
    name: Annotated[str, Field(min_length=1, max_length=120)]
    phone: str = ""
    home_address: HomeGiven | None = None

    def as_kept(self) -> dict[str, Any]:
        """Return the details as the directory takes them."""
        home = self.home_address
        return {
            "subject": self.subject,
            "role": self.role,
            "name": self.name,
            "phone": self.phone,
            "home_address": HomeAddress(home.lines, home.postcode) if home else KEPT,
        }


class AbsenceGiven(_Part):
    """Somebody is away between two moments, and who stands in; both by subject (ENQ-11)."""

    away: str
    covered_by: str | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class OrganisationGiven(_Part):
    """An organisation. Exactly one in a deployment is the authority itself."""

    code: _Code
    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: Annotated[str, Field(pattern="^(authority|police|health|education|probation|other)$")]
    own_authority: bool = False
    office_phone: str = ""
    out_of_hours_phone: str = ""
    agreements: tuple[AgreementGiven, ...] = ()
    clients: tuple[ClientGiven, ...] = ()
    professionals: tuple[ProfessionalGiven, ...] = ()
    absences: tuple[AbsenceGiven, ...] = ()


class Enrolment(_Part):
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

    async def change(changes: Changes) -> None:
        for given in enrolment.organisations:
            organisation = await changes.organisation(
                code=given.code,
                name=given.name,
                kind=given.kind,
                own_authority=given.own_authority,
                office_phone=given.office_phone,
                out_of_hours_phone=given.out_of_hours_phone,
            )
            for agreement in given.agreements:
                await changes.agreement(organisation, **dict(agreement))
            for client in given.clients:
                await changes.client(
                    organisation,
                    client_id=client.client_id,
                    public_keys=list(client.public_keys),
                    scopes=client.scopes,
                )
            for one in given.professionals:
                await changes.professional(organisation, **one.as_kept())
            for absence in given.absences:
                await changes.absence_of(organisation, **dict(absence))

    return await make(database, vault, change, why=why, by=by)
