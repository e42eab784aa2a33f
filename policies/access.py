"""May they: one function for each thing that somebody may want to do. Each answers with a reason, never a bare bool.

What is permitted stands in ``permissions/*.cedar`` and nowhere else. Here the facts are gathered that those policies
are asked with: what the directory says of the asker *now* (ENQ-3). The reasons of a refusal are fixed codes that go
into the record; the refused caller is told the code's sentence and nothing else.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from policies.cedar import About, Facts, PoliciesInvalid, permissions, verdict
from policies.enquirer import Agreement, Disclosure, Enquirer, Purpose


class RefusalReason(StrEnum):
    """Why something was not permitted. Where several apply, the first of them is the one that is given."""

    ORGANISATION_SUSPENDED = "organisation_suspended"
    CLIENT_SUSPENDED = "client_suspended"
    PROFESSIONAL_SUSPENDED = "professional_suspended"
    NO_AGREEMENT = "no_agreement"
    """No agreement, or none that stands today."""
    ONES_OWN = "ones_own"
    """It is about themselves."""
    SCOPE_MISSING = "scope_missing"
    """The token was not issued for this."""
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    ROLE_NOT_PERMITTED = "role_not_permitted"
    """No policy permits it, whatever else."""
    STEP_UP_NEEDED = "step_up_needed"
    """They have to prove themselves anew first."""
    POLICY_FAILED = "policy_failed"
    """A policy could not be evaluated; what cannot be decided is not done."""


_FIRST = tuple(RefusalReason)


@dataclass(frozen=True, slots=True)
class Permitted:
    """It may be done. ``policies``: the ids of those that say so.

    ``agreements``: the ids of those that stand, and under which it is done. ``bundle``: the digest of the policies.
    """

    policies: tuple[str, ...] = field(default=(), compare=False)
    agreements: tuple[UUID, ...] = field(default=(), compare=False)
    bundle: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be done, and why. ``policies``: the ids of those that forbid it; none where nothing permits it."""

    reason: RefusalReason
    policies: tuple[str, ...] = field(default=(), compare=False)


Decision = Permitted | Refused


@dataclass(frozen=True, slots=True)
class EnquiryDecision:
    """What somebody may do who asks about a child, decided before anything is read.

    ``may_ask``: whether they are answered at all. ``disclosure``: how much they may be told of a child who is known.
    ``by_address``: an address alone is enough. ``opens_restricted``: they are told of a restricted child, too.
    ``policies``: the ids of all that decided, and ``bundle`` the digest of the policies that those are of.
    ``agreements``: the ids of those under which they may.
    """

    may_ask: Decision
    disclosure: Disclosure
    by_address: bool
    opens_restricted: bool
    policies: tuple[str, ...]
    bundle: str
    agreements: tuple[UUID, ...] = ()


def check_policies() -> None:
    """Check that the policies of this release can be asked, and only for reasons that there are.

    Raises:
        PoliciesInvalid: they cannot.
    """
    for name, code in permissions().refusals.items():
        if code not in set(RefusalReason):
            raise PoliciesInvalid(f"{name}: there is no such refusal as {code}")


def stands(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker stands at all, so that their token is worth something; ``today`` as below."""
    return _decide("holdToken", enquirer, today)


def may_enquire(enquirer: Enquirer, purpose: Purpose, today: date) -> Decision:
    """Decide whether the asker may make an enquiry for ``purpose`` (ENQ-2, ENQ-3).

    ``today``, here and below, is the authority's local day.
    """
    return _decide("enquire", enquirer, today, purpose=purpose)


def may_learn_full(enquirer: Enquirer, purpose: Purpose, today: date) -> Decision:
    """Decide whether the asker is told all that the procedures provide (ENQ-8, ENQ-9), or whom to turn to (ENQ-4)."""
    return _decide("learnFull", enquirer, today, purpose=purpose)


def may_ask_by_address(enquirer: Enquirer, purpose: Purpose, today: date) -> Decision:
    """Decide whether an address alone is enough for the asker to ask by (ENQ-5)."""
    return _decide("askByAddress", enquirer, today, purpose=purpose)


def may_open_restricted(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker is told of a child whose record is restricted; others are called back (ENQ-3)."""
    return _decide("openRestricted", enquirer, today)


def decide_enquiry(enquirer: Enquirer, purpose: Purpose, today: date) -> EnquiryDecision:
    """Decide all that there is to decide before an enquiry for ``purpose`` is answered (ENQ-2, ENQ-3)."""
    may_ask = may_enquire(enquirer, purpose, today)
    full = may_learn_full(enquirer, purpose, today)
    by_address = may_ask_by_address(enquirer, purpose, today)
    restricted = may_open_restricted(enquirer, today)
    permitted = [one for one in (full, by_address, restricted) if isinstance(one, Permitted)]
    return EnquiryDecision(
        may_ask,
        Disclosure.FULL if isinstance(full, Permitted) else Disclosure.CONTACT,
        isinstance(by_address, Permitted),
        isinstance(restricted, Permitted),
        # What an asker may do beyond asking goes into the record where they may ask, and not what they may not.
        tuple(dict.fromkeys(name for one in (may_ask, *permitted) for name in one.policies)),
        permissions().digest,
        may_ask.agreements if isinstance(may_ask, Permitted) else (),
    )


def may_take_enquiry(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may make an enquiry for somebody who telephones (ENQ-1, ENQ-2).

    Whether the caller may ask is decided as well, by ``decide_enquiry``.
    """
    return _decide("takeTelephoneEnquiry", enquirer, today)


def may_read_inbox(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read the notifications addressed to them or to their role (ENQ-4, ENQ-10)."""
    return _decide("readInbox", enquirer, today)


def may_consider(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read and decide child-in-need considerations (ENQ-7)."""
    return _decide("consider", enquirer, today)


def may_notify_transfer(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may notify that a child on their authority's plan has moved here (TRF-1)."""
    return _decide("notifyTransfer", enquirer, today)


def may_allocate(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may allocate the local key worker of a child who was transferred in (TRF-2)."""
    return _decide("allocate", enquirer, today)


def may_keep_register(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may change what the register holds (REG-6)."""
    return _decide("keepRegister", enquirer, today)


def may_read_log(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may read the access log; ``about`` is whose entries they ask for, if somebody's."""
    return _decide("readLog", enquirer, today, about=_about(enquirer, about))


def may_hold_log(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may keep entries of the access log from erasure, or let them go; ``about`` as above."""
    return _decide("holdLog", enquirer, today, about=_about(enquirer, about))


def may_begin_log(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may have the access log begun anew, as after a restore; what was lost is plain then."""
    return _decide("beginLog", enquirer, today)


def may_read_accesses(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read who last looked at a child whom they work with; whose it is, the case says."""
    return _decide("readAccesses", enquirer, today)


def may_report_disclosures(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may make the report of what was told about a child (UK GDPR art. 15)."""
    return _decide("reportDisclosures", enquirer, today)


def may_decide_alerts(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may read and decide alerts of misuse; ``about`` is whose enquiries one is about."""
    return _decide("decideAlert", enquirer, today, about=_about(enquirer, about))


def may_read_directory(enquirer: Enquirer, today: date) -> Decision:
    """Decide whether the asker may read who takes part, and who changed that."""
    return _decide("readDirectory", enquirer, today, about=About.NOBODY)


def may_administer_directory(enquirer: Enquirer, today: date, *, about: UUID | None = None) -> Decision:
    """Decide whether the asker may change who takes part; ``about`` is the professional concerned, if it is one."""
    return _decide("administerDirectory", enquirer, today, about=_about(enquirer, about))


def _about(enquirer: Enquirer, about: UUID | None) -> About:
    if about is None:
        return About.NOBODY
    return About.ONESELF if about == enquirer.professional_id else About.ANOTHER


def _decide(
    action: str, enquirer: Enquirer, today: date, *, purpose: Purpose | None = None, about: About | None = None
) -> Decision:
    active = [agreement for agreement in enquirer.agreements if agreement.is_active(today)]
    said = verdict(
        Facts(
            action=action,
            role=enquirer.role,
            own_staff=enquirer.own_authority,
            suspended=enquirer.professional_suspended,
            organisation_suspended=enquirer.organisation_suspended,
            client_suspended=enquirer.client_suspended,
            scope=enquirer.scope,
            purposes=frozenset(each for agreement in active for each in agreement.purposes),
            stepped_up=enquirer.stepped_up,
            purpose=purpose,
            agreed=_agreed(active, purpose) if purpose else None,
            about=about,
        )
    )
    if said.failed:
        return Refused(RefusalReason.POLICY_FAILED)
    if said.allowed:
        under = tuple(one.id for one in active if purpose is None or purpose in one.purposes)
        return Permitted(said.policies, under, permissions().digest)
    reason = min(map(RefusalReason, said.refusals), key=_FIRST.index, default=RefusalReason.ROLE_NOT_PERMITTED)
    return Refused(reason, said.policies)


def _agreed(active: list[Agreement], purpose: Purpose) -> Disclosure:
    """Return the most that an agreement for this purpose allows to be told."""
    full = any(purpose in one.purposes and one.disclosure is Disclosure.FULL for one in active)
    return Disclosure.FULL if full else Disclosure.CONTACT
