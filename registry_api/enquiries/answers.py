"""The answer, put together from the decision and what was found: exactly what the rule allows, and nothing beside it.

No detail that the enquirer did not supply is read back: neither name nor date of birth nor address of the child.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from policies.enquirer import Disclosure
from policies.profile import Profile
from registry_api.access_log.proof import Proof
from registry_api.directory.service import Person
from registry_api.enquiries import wording
from registry_api.enquiries.children import ChildFound
from registry_api.enquiries.found import Found
from registry_api.enquiries.rules import NOT_KNOWN_OUTCOMES, Audience, Decided, Finding, Outcome, as_told
from registry_api.enquiries.schemas import (
    Answer,
    ContactNow,
    EarlierEnquiryShown,
    HistoryShown,
    HouseholdShown,
    OwnEarlierEnquiries,
    PersonShown,
    PlanShown,
    ResponsibleAuthorityShown,
    Worth,
)
from registry_api.routing.rules import who_follows_up


@dataclass(slots=True)
class Authority:
    """Whose register this is, how it is reached, and how fresh the register is; kept current by the service."""

    name: str
    office_phone: str
    out_of_hours_phone: str
    register_updated_at: datetime | None = None


_DISCLOSES_CASE = frozenset({Outcome.ON_PLAN, Outcome.TEMPORARY_ENTRY, Outcome.OPEN_CASE})


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer as it is stored, the receipt for handing it out, and whether that had been done before."""

    body: bytes
    receipt: Proof
    repeated: bool = False

    def sent(self) -> bytes:
        """Return the answer with its receipt: as the last member, for the answer itself is stored as bytes."""
        return self.body[:-1] + b',"receipt":' + json.dumps(bytes(self.receipt).decode()).encode() + b"}"


def compose(
    decided: Decided,
    found: Found,
    *,
    reference: str,
    received_at: datetime,
    details_used: tuple[str, ...],
    authority: Authority,
    profile: Profile,
    now: datetime,
    professional_id: UUID,
    disclosure: Disclosure,
) -> bytes:
    """Return the answer as JSON, UTF-8.

    ``details_used``: the kinds of detail searched on. ``professional_id``: who asks, so that their own earlier
    enquiries are told apart from others' (ENQ-7). ``disclosure``: how much they may be told.
    """
    outcome, child = as_told(decided.outcome, disclosure), found.child
    asked_before = Audience.CONSIDERATION in decided.told
    refers = child is not None and decided.outcome in _DISCLOSES_CASE
    discloses = refers and disclosure is Disclosure.FULL
    answer = Answer(
        reference=reference,
        received_at=received_at,
        outcome=outcome,
        summary=wording.SUMMARY[outcome],
        plan=_plan(child, authority) if discloses and child else None,
        key_worker=_key_worker(child, found) if refers and child else None,
        point_of_contact=_point_of_contact(child, found) if refers and child else None,
        responsible_authority=_responsible(child) if refers and child else None,
        looked_after=child.looked_after if discloses and child else None,
        # Whoever has a missing child before them must not let them go, whatever their agreement says (ENQ-12).
        recorded_as_missing=True if refers and child and child.missing else None,
        history=_history(child) if child and outcome is Outcome.KNOWN_BEFORE else None,
        more_information=wording.MORE_INFORMATION if outcome is Outcome.MORE_INFORMATION_NEEDED else None,
        household=_household(found) if outcome is Outcome.ADDRESS else None,
        earlier_enquiries=_others(found, professional_id) if asked_before else None,
        your_earlier_enquiries=_own(found, professional_id) if asked_before or outcome in NOT_KNOWN_OUTCOMES else None,
        told=wording.told(outcome, decided.told),
        advice=wording.ADVICE[outcome],
        contact_now=contact_now(authority, profile, now),
        worth=Worth(
            register_of=authority.name,
            last_updated_at=authority.register_updated_at,
            details_used=details_used,
            caution=wording.caution(outcome),
        ),
    )
    return _padded(answer.model_dump_json(exclude_none=True).encode())


SIZE: Final = 4096
"""Answers are as long as a multiple of this, in bytes: neither the wire nor the row tells *none* from *possible*."""


def _padded(body: bytes) -> bytes:
    """Return a JSON object with blanks before its last brace, where JSON allows them (RFC 8259, section 2)."""
    return body[:-1] + b" " * (-len(body) % SIZE) + b"}"


def contact_now(authority: Authority, profile: Profile, now: datetime) -> ContactNow:
    """Return whom to call at this hour, by the authority's own office hours and calendar (ENQ-9)."""
    open_now = profile.is_office_open(now)
    return ContactNow(
        service="Children's Services" if open_now else "Children's Services, out of hours",
        phone=authority.office_phone if open_now else authority.out_of_hours_phone,
        office_hours=open_now,
        note=wording.contact_note(authority.name, open_now=open_now),
    )


def _plan(child: ChildFound, authority: Authority) -> PlanShown | None:
    if child.plan_started_on is None:
        return None
    return PlanShown(
        status="temporary" if child.finding is Finding.TEMPORARY_PLAN else "full",
        categories=child.categories,
        since=child.plan_started_on,
        responsible_authority=child.responsible.name if child.responsible else authority.name,
    )


def _shown(person: Person, *, away: bool = False) -> PersonShown:
    return PersonShown(name=person.name, phone=person.phone, role=person.role, away=True if away else None)


def _key_worker(child: ChildFound, found: Found) -> PersonShown | None:
    worker = child.key_worker
    return _shown(found.people[worker.id], away=worker.away) if worker else None


def _point_of_contact(child: ChildFound, found: Found) -> PersonShown | None:
    """Return who acts while the key worker is away, or where there is none (ENQ-11); else None."""
    acting, *_ = who_follows_up(child.key_worker, child.team_manager)
    if acting.person is None or (child.key_worker and acting.person == child.key_worker.id):
        return None
    return _shown(found.people[acting.person])


def _responsible(child: ChildFound) -> ResponsibleAuthorityShown | None:
    responsible = child.responsible
    if responsible is None:
        return None
    other = responsible.key_worker
    return ResponsibleAuthorityShown(
        name=responsible.name,
        key_worker=PersonShown(name=other.name, phone=other.phone, role="key_worker") if other else None,
        office_phone=responsible.office_phone,
        out_of_hours_phone=responsible.out_of_hours_phone,
    )


def _history(child: ChildFound) -> HistoryShown:
    return HistoryShown(case_closed_on=child.case_closed_on, plan_ended_on=child.plan_ended_on)


def _household(found: Found) -> HouseholdShown:
    workers = {
        neighbour.key_worker.id: found.people[neighbour.key_worker.id]
        for neighbour in found.neighbours
        if neighbour.key_worker
    }
    shown = tuple(_shown(person) for person in workers.values())
    return HouseholdShown(children_on_plan=len(found.neighbours), key_workers=shown)


def _others(found: Found, professional_id: UUID) -> tuple[EarlierEnquiryShown, ...] | None:
    others = [enquiry for enquiry in found.earlier if enquiry.professional_id != professional_id]
    shown = tuple(
        EarlierEnquiryShown(
            reference=enquiry.reference, received_at=enquiry.received_at, organisation=enquiry.organisation
        )
        for enquiry in others
    )
    return shown or None


def _own(found: Found, professional_id: UUID) -> OwnEarlierEnquiries | None:
    own = [enquiry for enquiry in found.earlier if enquiry.professional_id == professional_id]
    if not own:
        return None
    last = max(own, key=lambda enquiry: enquiry.received_at)
    return OwnEarlierEnquiries(count=len(own), last_reference=last.reference, last_received_at=last.received_at)
