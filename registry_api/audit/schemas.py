"""The access log on the wire: what is searched for and why, who looked, and what a child's representative is told."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from registry_api.kernel.wire import Id, LongText, Wire

Why = Annotated[LongText, Field(min_length=10)]


class SearchPurpose(StrEnum):
    """What somebody searches the log for."""

    AUDIT = "audit"
    COMPLAINT = "complaint"
    SUSPECTED_MISUSE = "suspected_misuse"
    SUBJECT_ACCESS = "subject_access"
    COURT_ORDER = "court_order"


class LogSearchRequest(Wire):
    """What to look for: one child, organisation or professional at least, and why. Both are kept sealed."""

    child_id: Id | None = None
    organisation_id: Id | None = None
    professional_id: Id | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    purpose: SearchPurpose
    why: Why

    @model_validator(mode="after")
    def _narrowed(self) -> Self:
        if not (self.child_id or self.organisation_id or self.professional_id):
            raise PydanticCustomError("too_wide", "Name a child, an organisation or a professional.")
        return self


class WhoLooked(Wire):
    """Whoever did something: organisation and role as they were then. ``name`` is None of whom the directory has not.

    All of it is None where the service itself did it, or an operator on the machine.
    """

    professional_id: UUID | None = None
    name: str | None = None
    role: str | None = None
    organisation_id: UUID | None = None
    organisation: str | None = None
    system: str | None = None


class OnWhoseAuthority(Wire):
    """The agreements and the policies that permitted it, with the digest of the policies in force."""

    agreements: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    policy_bundle: str | None = None


class EntryShown(Wire):
    """One entry. ``withheld``: it is your own; a colleague has to look at it. Then nothing of it is shown but its time.

    ``outcome``: what was answered or why it was refused. ``taken_by``: who took the enquiry down on the telephone.
    """

    entry_id: UUID | None
    at: datetime
    withheld: Literal["ones_own"] | None = None
    kind: str | None = None
    reference: str | None = None
    who: WhoLooked | None = None
    authority: OnWhoseAuthority | None = None
    purpose: str | None = None
    why: str | None = None
    urgency: str | None = None
    taken_by: UUID | None = None
    outcome: str | None = None
    disclosure: str | None = None
    digest: str | None = None


class LogFound(Wire):
    """One page of what was found, the newest first. For the one after it pass ``next`` as ``cursor`` to the search."""

    search_id: UUID
    entries: tuple[EntryShown, ...]
    next: str | None = None


class AccessesRequest(Wire):
    """The child whose accesses are to be read, by its id on the register."""

    child_id: Id


class Accesses(Wire):
    """The last 25 accesses, the newest first. ``outcome`` is left out where the enquiry was about another child."""

    child_id: UUID
    accesses: tuple[EntryShown, ...]


class Exemption(StrEnum):
    """Why something is left out of a report (Data Protection Act 2018)."""

    CRIME = "crime"
    """Telling would be likely to prejudice an investigation: schedule 2 paragraph 2."""
    THIRD_PARTY = "third_party"
    """It would tell of somebody else, who has not consented: schedule 2 paragraph 16."""
    SERIOUS_HARM = "serious_harm"
    """Telling would be likely to cause serious harm: schedule 3 parts 2 and 3."""
    CHILD_ABUSE = "child_abuse"
    """It is about abuse of a child, and telling whoever asks is not in the child's interest: schedule 3 part 5."""


class LeftOut(Wire):
    """The enquiry or other thing of which nothing is told, and why not."""

    reference: Annotated[str, Field(max_length=64)]
    exemption: Exemption


class DisclosureReportRequest(Wire):
    """The child, why the report is made, and what is left out of it. What was left out is kept sealed."""

    child_id: Id
    why: Why
    left_out: tuple[LeftOut, ...] = Field(default=(), max_length=200)
    format: Literal["json", "csv"] = "json"


class DisclosureMade(Wire):
    """One time somebody looked: when, who, in what role, for whom, why, and what they were told."""

    at: datetime
    reference: str | None
    what: str
    name: str | None
    role: str | None
    organisation: str | None
    purpose: str | None
    reason: str | None
    told: str


class DisclosureReport(Wire):
    """What was told about one child, the oldest first."""

    made_at: datetime
    child_id: UUID
    explanation: str
    disclosures: tuple[DisclosureMade, ...]
