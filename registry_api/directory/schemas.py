"""The directory on the wire: what is asked of it, each change with its reason, and what it shows.

Of a key the public half is shown; of a home address, whether one is kept.
"""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from policies.enquirer import Disclosure
from registry_api.directory.given import (
    AgreementGiven,
    ClientGiven,
    Code,
    DirectoryDay,
    Moment,
    OrganisationDetails,
    ProfessionalDetails,
    ProfessionalGiven,
    PublicKey,
    Scopes,
)
from registry_api.directory.recording import Did, What
from registry_api.directory.rules import LONGEST_REASON, SHORTEST_REASON
from registry_api.kernel.wire import Id, LongText, ShortText, Wire


class Change(Wire):
    """Something that is to be changed, and why; the reason is kept sealed with the change and is never empty."""

    why: Annotated[LongText, Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON)]


class NewOrganisationRequest(Change, OrganisationDetails):
    """An organisation that is to take part. ``code`` is what it is known by in files and commands, for good."""

    code: Code


class OrganisationRequest(Change, OrganisationDetails):
    """What an organisation is to be called, be, and be reached at."""


class SuspensionRequest(Change):
    """Whether it is to be suspended or to stand again. It holds from the next request on."""

    suspended: bool


class NewAgreementRequest(Change, AgreementGiven):
    """An agreement with an organisation. Without ``reviewed_on`` it counts as reviewed when it begins."""


class AgreementRequest(Change):
    """What can be changed of an agreement; for other purposes another one is made."""

    valid_to: DirectoryDay
    reviewed_on: DirectoryDay
    disclosure: Disclosure


class NewClientRequest(Change, ClientGiven):
    """A system of an organisation."""


class ScopesRequest(Change):
    """What the tokens of a system may be for from now on."""

    scopes: Scopes


class KeyRequest(Change):
    """The public half of a key under which a system's assertions are to verify, beside those that it has."""

    public_key: PublicKey


class RetiredKeyRequest(Change):
    """The key that is to verify nothing any more, by its ``kid``."""

    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]


class NewProfessionalRequest(Change, ProfessionalGiven):
    """An individual whom an organisation is to have enrolled."""


class ProfessionalRequest(Change, ProfessionalDetails):
    """Who an individual is from now on. Their ``subject`` stays: it is who they are to their organisation."""


class SearchRequest(Wire):
    """Of whom: by their organisation's identifier, or by words of their name. In a body, never in a URL."""

    subject: Code | None = None
    name: Annotated[ShortText, Field(min_length=2)] | None = None


class NewAbsenceRequest(Change):
    """One of the authority's own staff is away between two moments, and who stands in (ENQ-11)."""

    covered_by: Id | None = None
    starts_at: Moment
    ends_at: Moment


class AbsenceRequest(Change):
    """Who stands in, and until when; an end that has passed ends it."""

    covered_by: UUID | None
    ends_at: Moment


class OrganisationShown(Wire):
    """An organisation as it is now. ``version`` is that of the ETag."""

    id: UUID
    code: str
    name: str
    kind: str
    own_authority: bool
    office_phone: str
    out_of_hours_phone: str
    suspended_at: datetime | None
    version: str


class Organisations(Wire):
    """One page of organisations by code. Pass ``next`` as ``cursor`` for the one after it."""

    organisations: tuple[OrganisationShown, ...]
    next: str | None = None


class AgreementShown(Wire):
    """An agreement as it is now. ``stands``: something may be done under it today. ``review_due``: at the latest."""

    id: UUID
    organisation_id: UUID
    purposes: tuple[str, ...]
    valid_from: date
    valid_to: date
    reviewed_on: date | None
    review_due: date
    disclosure: str
    stands: bool
    suspended_at: datetime | None
    version: str


class Agreements(Wire):
    """Agreements, the latest first; of those that fall due for review, the soonest first."""

    agreements: tuple[AgreementShown, ...]


class ClientShown(Wire):
    """A system as it is now, with the public halves of its keys."""

    client_id: str
    organisation_id: UUID
    scopes: tuple[str, ...]
    public_keys: tuple[PublicKey, ...]
    suspended_at: datetime | None
    version: str


class Clients(Wire):
    """The systems of an organisation."""

    clients: tuple[ClientShown, ...]


class ProfessionalShown(Wire):
    """A professional as they are now. ``by_phone``: they were put down when they telephoned, and cannot sign in."""

    id: UUID
    organisation_id: UUID
    subject: str
    role: str
    name: str
    phone: str
    home_address_kept: bool
    by_phone: bool
    suspended_at: datetime | None
    version: str


class Professionals(Wire):
    """One page of professionals by subject. Pass ``next`` as ``cursor`` for the one after it."""

    professionals: tuple[ProfessionalShown, ...]
    next: str | None = None


class AbsenceShown(Wire):
    """One of the authority's own staff is away, or was or will be."""

    id: UUID
    professional_id: UUID
    covered_by: UUID | None
    starts_at: datetime
    ends_at: datetime
    version: str


class Absences(Wire):
    """One page of absences that have not ended, the latest to begin first."""

    absences: tuple[AbsenceShown, ...]
    next: str | None = None


class AuthorShown(Wire):
    """Who made a change: one of the authority's staff, an account of the machine, or one by way of the other."""

    professional_id: UUID | None = None
    name: str | None = None
    operator: str | None = None


class ChangeShown(Wire):
    """One change: ``changed`` has what it was and what it is, by detail, and nothing of what is personal."""

    id: UUID
    at: datetime
    what: What
    did: Did
    reference: str
    organisation_id: UUID
    by: AuthorShown
    why: str
    changed: dict[str, list[Any] | None]


class History(Wire):
    """One page of changes, the newest first. Pass ``next`` as ``cursor`` for the one after it."""

    changes: tuple[ChangeShown, ...]
    next: str | None = None
