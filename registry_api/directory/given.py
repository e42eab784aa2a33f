"""What is given to the directory, by the API and by an enrolment document alike: bounded, and text, days and codes."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from policies.enquirer import Disclosure, Purpose, Role
from registry_api.directory.rules import MOST_KEYS
from registry_api.directory.service import KEPT, HomeAddress, Kept
from registry_api.kernel.wire import Day, LongText, PhoneNumberOrNone, ShortText, Wire

CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_FIRST, _LAST = date(1990, 1, 1), date(2199, 12, 31)
"""Between which days anything in the directory lies; so no sum of days leaves the calendar."""

Code = Annotated[str, StringConstraints(pattern=CODE)]
Name = Annotated[ShortText, Field(min_length=1)]
DirectoryDay = Annotated[Day, Field(ge=_FIRST, le=_LAST)]
Moment = Annotated[
    AwareDatetime,
    Field(
        strict=True,  # a number would be taken for seconds since 1970
        ge=datetime(_FIRST.year, 1, 1, tzinfo=UTC),
        le=datetime(_LAST.year, 12, 31, tzinfo=UTC),
    ),
]
Scope = Annotated[str, Field(pattern="^(enquiry|transfer|casework|directory|introspection)$")]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=5)]
PublicKey = dict[str, Any]


class OrganisationKind(StrEnum):
    """What kind of organisation it is."""

    AUTHORITY = "authority"
    POLICE = "police"
    HEALTH = "health"
    EDUCATION = "education"
    PROBATION = "probation"
    OTHER = "other"


class OrganisationDetails(Wire):
    """What an organisation is called and is, and where it is reached in office hours and at other times."""

    name: Name
    kind: OrganisationKind
    office_phone: PhoneNumberOrNone = ""
    out_of_hours_phone: PhoneNumberOrNone = ""


class AgreementGiven(Wire):
    """What an organisation may use the service for, and between which days, both included (ENQ-3).

    When it was reviewed last, and how much is told: what is not given stays as it is.
    """

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=len(Purpose))]
    valid_from: DirectoryDay
    valid_to: DirectoryDay
    reviewed_on: DirectoryDay | None = None
    disclosure: Disclosure | None = None


class ClientGiven(Wire):
    """A system of an organisation: its public keys (JWK, each with a ``kid``) and what its tokens may be for."""

    client_id: Code
    public_keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=MOST_KEYS)]
    scopes: Scopes


class HomeGiven(Wire):
    """Where somebody lives."""

    lines: Annotated[LongText, Field(min_length=1, max_length=400)]
    postcode: Annotated[ShortText, Field(max_length=12)] = ""


class ProfessionalDetails(Wire):
    """Who an individual is. ``home_address`` stays as it is where none is given, and is forgotten where it is null."""

    role: Role
    name: Name
    phone: PhoneNumberOrNone = ""
    home_address: HomeGiven | None = None

    def as_kept(self) -> dict[str, Any]:
        """Return the details as the directory takes them."""
        home: HomeAddress | Kept | None = KEPT
        if "home_address" in self.model_fields_set:
            given = self.home_address
            home = HomeAddress(given.lines, given.postcode) if given else None
        return {"role": self.role, "name": self.name, "phone": self.phone, "home_address": home}


class ProfessionalGiven(ProfessionalDetails):
    """An individual. ``subject``: the identifier by which their organisation's system names them."""

    subject: Code

    def as_kept(self) -> dict[str, Any]:
        """Return the details as the directory takes them."""
        return {"subject": self.subject, **super().as_kept()}
