"""Who is asking, in plain values: the organisation *and* the individual, always both (ENQ-2, ENQ-3).

An ``Enquirer`` is what is known about the asker at this very moment, from the directory and not from the token,
so that a suspension holds from the next request on. It carries no personal data: names are looked up where they
are shown.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a professional is, by the directory of their organisation's enrolments."""

    POLICE_OFFICER = "police_officer"
    NURSE = "nurse"
    DOCTOR = "doctor"
    MIDWIFE = "midwife"
    HEALTH_VISITOR = "health_visitor"
    TEACHER = "teacher"
    PROBATION_OFFICER = "probation_officer"
    SOCIAL_WORKER = "social_worker"
    """A social worker of another authority."""
    CUSTODIAN = "custodian"
    """The manager who keeps another authority's register."""
    KEY_WORKER = "key_worker"
    DUTY_SOCIAL_WORKER = "duty_social_worker"
    TEAM_MANAGER = "team_manager"
    SAFEGUARDING_MANAGER = "safeguarding_manager"
    """The custodian of this register."""
    INFORMATION_GOVERNANCE_OFFICER = "information_governance_officer"
    """Reads the access log and answers for the policies; does no casework."""
    DIRECTORY_ADMINISTRATOR = "directory_administrator"
    """Keeps the directory of who takes part; does no casework."""


STAFF_ROLES = frozenset({Role.KEY_WORKER, Role.DUTY_SOCIAL_WORKER, Role.TEAM_MANAGER, Role.SAFEGUARDING_MANAGER})
"""The authority's own caseworkers."""
OWN_ROLES = STAFF_ROLES | {Role.INFORMATION_GOVERNANCE_OFFICER, Role.DIRECTORY_ADMINISTRATOR}
"""Roles that mean something only in the authority's own enrolment."""

CONSOLE = "console"
"""In place of a client's identifier: one of the authority's own staff who has signed in."""


class Assurance(IntEnum):
    """How surely it is known which individual asks; the levels are those of NIST SP 800-63B and NHS CIS2."""

    STATED = 0
    """Their organisation's system says so, and not how it knows."""
    AAL1 = 1
    """One factor, such as a password."""
    AAL2 = 2
    """Two factors."""
    AAL3 = 3
    """Two factors, one of them a device that cannot be copied."""


class Disclosure(StrEnum):
    """How much an enquirer may be told of a child who is known."""

    FULL = "full"
    """All that the procedures provide: status, category, dates, history and whom to turn to."""
    CONTACT = "contact"
    """That the child is known, and whom to turn to (ENQ-4); and that they are missing, so that nobody lets them go
    (ENQ-12)."""


class Purpose(StrEnum):
    """What a data-sharing agreement allows its organisation to use the service for."""

    CHILD_PROTECTION = "child_protection"
    MISSING_CHILD = "missing_child"
    TRANSFER = "transfer"
    CASEWORK = "casework"
    """The authority's own work: inbox, considerations. Only the authority itself has it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A data-sharing agreement between the authority and one organisation.

    ``valid_from`` and ``valid_to`` are both inclusive days in the authority's own time zone.
    """

    id: UUID
    purposes: frozenset[Purpose]
    valid_from: date
    valid_to: date
    suspended: bool = False
    disclosure: Disclosure = Disclosure.FULL

    def is_active(self, today: date) -> bool:
        """Return whether the agreement stands on ``today``, the authority's local day."""
        return not self.suspended and self.valid_from <= today <= self.valid_to


@dataclass(frozen=True, slots=True)
class Enquirer:
    """The asker as the directory has them now.

    ``scope`` is what the access token was issued for; who has signed in (``client_id`` is ``CONSOLE``) has
    the scopes of their role. ``stepped_up``: they have proven themselves anew, with two factors, within the last
    minutes.
    """

    client_id: str
    client_suspended: bool
    organisation_id: UUID
    organisation_suspended: bool
    own_authority: bool
    professional_id: UUID
    professional_suspended: bool
    role: Role
    agreements: tuple[Agreement, ...]
    scope: frozenset[str] = frozenset()
    assurance: Assurance = Assurance.STATED
    stepped_up: bool = False
    organisation: str = ""
    """What their organisation is called, for the record: it may be called something else one day."""
