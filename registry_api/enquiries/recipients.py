"""From who shall be told to whom exactly: one notification for each recipient and kind, none twice."""

from collections import defaultdict
from uuid import UUID

from registry_api.enquiries.found import Found
from registry_api.enquiries.rules import Audience, Decided, Outcome
from registry_api.routing.rules import DUTY, SAFEGUARDING_MANAGER, Recipient, who_follows_up
from registry_api.routing.store import Kind, Notice

AT_ONCE = "immediate"


def notices(decided: Decided, found: Found, urgency: str) -> list[Notice]:
    """Return the notifications of one enquiry (ENQ-4, ENQ-5, ENQ-7, ENQ-10, ENQ-11, ENQ-12).

    ``urgency`` is the enquirer's own; a missing child is always ``immediate``.
    """
    child = found.child
    children = (child.id,) if child else ()
    told: list[Notice] = []
    for audience in decided.told:
        match audience:
            case Audience.KEY_WORKER if child:
                told += [
                    Notice(Kind.CHILD_ENQUIRED_ABOUT, urgency, recipient, children)
                    for recipient in who_follows_up(child.key_worker, child.team_manager)
                ]
            case Audience.DUTY_AT_ONCE:
                told.append(Notice(Kind.MISSING_CHILD_ENQUIRED_ABOUT, AT_ONCE, DUTY, children))
            case Audience.DUTY:
                unsettled = decided.outcome is Outcome.MORE_INFORMATION_NEEDED
                kind = Kind.MORE_INFORMATION_NEEDED if unsettled else Kind.CHILD_ENQUIRED_ABOUT
                told.append(Notice(kind, urgency, DUTY, children))
            case Audience.SAFEGUARDING_MANAGER:
                told.append(Notice(Kind.CHILD_ENQUIRED_ABOUT, urgency, SAFEGUARDING_MANAGER, children))
            case Audience.CONSIDERATION:
                told.append(Notice(Kind.CONSIDERATION, urgency, SAFEGUARDING_MANAGER))
            case Audience.NEIGHBOURS:
                told += _neighbours(found, urgency)
    return told


def _neighbours(found: Found, urgency: str) -> list[Notice]:
    lives_there: dict[Recipient, list[UUID]] = defaultdict(list)
    for neighbour in found.neighbours:
        for recipient in who_follows_up(neighbour.key_worker, neighbour.team_manager):
            lives_there[recipient].append(neighbour.id)
    return [
        Notice(Kind.ENQUIRY_AT_ADDRESS, urgency, recipient, tuple(children))
        for recipient, children in lives_there.items()
    ]
