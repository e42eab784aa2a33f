"""May they: one function for each thing that somebody may want to do. Each answers with a reason, never a bare bool.

Every function starts from what the directory says *now* and refuses whatever it does not expressly permit (ENQ-3).
The reasons are fixed codes that go into the record; the refused caller is told the code's sentence and nothing else.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from policies.enquirer import OWN_ROLES, STAFF_ROLES, Enquirer, Purpose, Role


class RefusalReason(StrEnum):
    """Why something was not permitted."""

    ORGANISATION_SUSPENDED = "organisation_suspended"
    CLIENT_SUSPENDED = "client_suspended"
    PROFESSIONAL_SUSPENDED = "professional_suspended"
    NO_AGREEMENT = "no_agreement"
    """No agreement, or none that stands today."""
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    SCOPE_MISSING = "scope_missing"
    """The token was not issued for this."""
    ROLE_NOT_PERMITTED = "role_not_permitted"
    STEP_UP_NEEDED = "step_up_needed"
    """They have to prove themselves anew first."""
    ONES_OWN = "ones_own"
    """It is about themselves."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """It may be done."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be done, and why."""

    reason: RefusalReason


Decision = Permitted | Refused
_PERMITTED = Permitted()

ENQUIRING_ROLES = frozenset(Role) - {Role.CUSTODIAN, Role.INFORMATION_GOVERNANCE_OFFICER, Role.DIRECTORY_ADMINISTRATOR}
"""Every professional who may meet a child of concern. A neighbour's custodian notifies and does not enquire."""
NOTIFYING_ROLES = frozenset({Role.CUSTODIAN, Role.SOCIAL_WORKER})


def standing(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker stands at all: nothing suspended, and an agreement in force.

    ``today`` is the authority's local day. The authority's own staff work under its own agreement like anybody else.
    """
    if enquirer.organisation_suspended:
        return Refused(RefusalReason.ORGANISATION_SUSPENDED)
    if enquirer.client_suspended:
        return Refused(RefusalReason.CLIENT_SUSPENDED)
    if enquirer.professional_suspended:
        return Refused(RefusalReason.PROFESSIONAL_SUSPENDED)
    if not any(agreement.is_active(today) for agreement in enquirer.agreements):
        return Refused(RefusalReason.NO_AGREEMENT)
    return _PERMITTED


def _may(
    enquirer: Enquirer,
    scope: str,
    purpose: Purpose,
    roles: frozenset[Role],
    today: date,
    *,
    own_authority: bool = False,
) -> Decision:
    stands = standing(enquirer, today)
    if isinstance(stands, Refused):
        return stands
    if scope not in enquirer.scope:
        return Refused(RefusalReason.SCOPE_MISSING)
    active = (agreement for agreement in enquirer.agreements if agreement.is_active(today))
    if not any(purpose in agreement.purposes for agreement in active):
        return Refused(RefusalReason.PURPOSE_NOT_AGREED)
    if enquirer.role not in roles or (own_authority and not enquirer.own_authority):
        return Refused(RefusalReason.ROLE_NOT_PERMITTED)
    return _PERMITTED


def may_enquire(enquirer: Enquirer, purpose: Purpose, today: date) -> Decision:
    """Decide whether the asker may make an enquiry for ``purpose`` (ENQ-2, ENQ-3)."""
    if enquirer.role in OWN_ROLES and not enquirer.own_authority:
        # A role of this authority's own staff means nothing in another organisation's enrolment.
        return Refused(RefusalReason.ROLE_NOT_PERMITTED)
    return _may(enquirer, "enquiry", purpose, ENQUIRING_ROLES, today)


def may_read_inbox(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read the notifications addressed to them or to their role (ENQ-4, ENQ-10)."""
    return _may(enquirer, "casework", Purpose.CASEWORK, STAFF_ROLES, today, own_authority=True)


def may_consider(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read and decide child-in-need considerations (ENQ-7)."""
    only = frozenset({Role.SAFEGUARDING_MANAGER})
    return _may(enquirer, "casework", Purpose.CASEWORK, only, today, own_authority=True)


def may_notify_transfer(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may notify that a child on their authority's plan has moved here (TRF-1)."""
    if enquirer.own_authority:
        return Refused(RefusalReason.ROLE_NOT_PERMITTED)
    return _may(enquirer, "transfer", Purpose.TRANSFER, NOTIFYING_ROLES, today)


def may_allocate(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may allocate the local key worker of a child who was transferred in (TRF-2)."""
    managers = frozenset({Role.SAFEGUARDING_MANAGER, Role.TEAM_MANAGER})
    return _may(enquirer, "casework", Purpose.CASEWORK, managers, today, own_authority=True)


def may_take_enquiry(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may make an enquiry for somebody who telephones (ENQ-1, ENQ-2).

    Whether the caller may ask is decided as well, by ``may_enquire``.
    """
    return _may(enquirer, "enquiry", Purpose.CASEWORK, STAFF_ROLES, today, own_authority=True)


def may_open_restricted(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker is told of a child whose record is restricted; others are called back (ENQ-3)."""
    only = frozenset({Role.SAFEGUARDING_MANAGER})
    decision = _may(enquirer, "enquiry", Purpose.CASEWORK, only, today, own_authority=True)
    if isinstance(decision, Permitted) and not enquirer.stepped_up:
        return Refused(RefusalReason.STEP_UP_NEEDED)
    return decision


def may_decide_alerts(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may read and decide alerts of misuse; ``about`` is whose enquiries one is about."""
    if about == enquirer.professional_id:
        return Refused(RefusalReason.ONES_OWN)
    roles = frozenset({Role.SAFEGUARDING_MANAGER, Role.INFORMATION_GOVERNANCE_OFFICER})
    return _may(enquirer, "casework", Purpose.CASEWORK, roles, today, own_authority=True)


def may_read_directory(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read who takes part, and who changed that."""
    roles = frozenset({Role.DIRECTORY_ADMINISTRATOR, Role.SAFEGUARDING_MANAGER, Role.INFORMATION_GOVERNANCE_OFFICER})
    return _may(enquirer, "directory", Purpose.CASEWORK, roles, today, own_authority=True)


def may_administer_directory(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may change who takes part; ``about`` is the professional concerned, if it is one."""
    if about == enquirer.professional_id:
        return Refused(RefusalReason.ONES_OWN)
    roles = frozenset({Role.DIRECTORY_ADMINISTRATOR, Role.SAFEGUARDING_MANAGER})
    return _may(enquirer, "directory", Purpose.CASEWORK, roles, today, own_authority=True)
