"""From who shall be told to whom exactly: one notification for each recipient and kind, none twice."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from registry_api.enquiries.children import ChildFound, followed_up
from registry_api.enquiries.found import Found
from registry_api.enquiries.rules import Audience, Decided, Finding
from registry_api.routing.rules import DUTY, SAFEGUARDING_MANAGER, Recipient, who_follows_up
from registry_api.routing.store import Kind, Notice

AT_ONCE = "immediate"


def notices(decided: Decided, found: Found, urgency: str) -> list[Notice]:
    """Return the notifications of one enquiry (ENQ-4, ENQ-5, ENQ-7, ENQ-10, ENQ-11, ENQ-12, CUS-1).

    ``urgency`` is the enquirer's own; a missing child is always ``immediate``.
    """
    told: list[Notice] = []
    for audience in decided.told:
        match audience:
            case Audience.KEY_WORKER:
                told += _of_each(Kind.CHILD_ENQUIRED_ABOUT, urgency, followed_up(found.entries))
            case Audience.DUTY_AT_ONCE:
                missing = found.entries or [child for child in _open(found.possible) if child.missing]
                told.append(Notice(Kind.MISSING_CHILD_ENQUIRED_ABOUT, AT_ONCE, DUTY, _ids(missing)))
            case Audience.DUTY if found.facts.finding is Finding.UNCLEAR:
                told += _undecided(found.possible, urgency)
            case Audience.DUTY:
                told.append(Notice(Kind.CHILD_ENQUIRED_ABOUT, urgency, DUTY, _ids(found.entries)))
            case Audience.SAFEGUARDING_MANAGER:
                children = found.entries or [child for child in found.neighbours if child.restricted]
                told.append(Notice(Kind.CHILD_ENQUIRED_ABOUT, urgency, SAFEGUARDING_MANAGER, _ids(children)))
            case Audience.CONSIDERATION:
                told.append(Notice(Kind.CONSIDERATION, urgency, SAFEGUARDING_MANAGER))
            case Audience.CONSIDERATION_PERHAPS:
                told.append(Notice(Kind.CONSIDERATION_PERHAPS, urgency, SAFEGUARDING_MANAGER))
            case Audience.NEIGHBOURS:
                told += _of_each(Kind.ENQUIRY_AT_ADDRESS, urgency, found.neighbours)
                told += _of_each(Kind.ENQUIRY_AT_FORMER_ADDRESS, urgency, found.formerly)
            case Audience.PERSON_AT_ADDRESS:
                told += _people(found, urgency)
    return told


def _undecided(possible: Sequence[ChildFound], urgency: str) -> list[Notice]:
    """Give the duty those who may be meant to decide on; of restricted ones only the safeguarding manager learns."""
    told = [Notice(Kind.MORE_INFORMATION_NEEDED, urgency, DUTY, _ids(_open(possible)))]
    if restricted := [child for child in possible if child.restricted]:
        missing = any(child.missing for child in restricted)
        kind = Kind.MISSING_CHILD_ENQUIRED_ABOUT if missing else Kind.MORE_INFORMATION_NEEDED
        told.append(Notice(kind, AT_ONCE if missing else urgency, SAFEGUARDING_MANAGER, _ids(restricted)))
    return told


def _people(found: Found, urgency: str) -> list[Notice]:
    """Bring people who may pose a risk to whoever follows up the child, or to the duty where nobody does (CUS-1)."""
    worked_with = [child for child in followed_up(found.entries) if child.finding is not Finding.CLOSED]
    told = []
    for kind, present in (
        (Kind.PERSON_AT_ADDRESS, found.present.now),
        (Kind.PERSON_FORMERLY_AT_ADDRESS, found.present.formerly),
    ):
        if present:
            of_children = _of_each(kind, urgency, worked_with) or [Notice(kind, urgency, DUTY)]
            told += [replace(notice, person_ids=present) for notice in of_children]
    return told


def _of_each(kind: Kind, urgency: str, children: Sequence[ChildFound]) -> list[Notice]:
    """Tell whoever follows up each child once, of their own children only."""
    theirs: dict[Recipient, list[ChildFound]] = defaultdict(list)
    for child in children:
        for recipient in who_follows_up(child.key_worker, child.team_manager):
            theirs[recipient].append(child)
    return [Notice(kind, urgency, recipient, _ids(of_recipient)) for recipient, of_recipient in theirs.items()]


def _open(children: Sequence[ChildFound]) -> list[ChildFound]:
    return [child for child in children if not child.restricted]


def _ids(children: Sequence[ChildFound]) -> tuple[UUID, ...]:
    return tuple(child.id for child in children)
