"""Who follows up: the key worker, whoever stands in for them, and so on down to the duty social worker.

Nobody's absence may cost time (ENQ-11), and nothing is left without an owner (ENQ-10): the chain always ends in a
role that is staffed day and night.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from policies.enquirer import Role


class WhyYou(StrEnum):
    """As what a recipient was chosen."""

    KEY_WORKER = "key_worker"
    COVER = "cover"
    TEAM_MANAGER = "team_manager"
    TEAM_MANAGER_COVER = "team_manager_cover"
    DUTY = "duty"
    SAFEGUARDING_MANAGER = "safeguarding_manager"
    FOR_YOUR_RETURN = "for_your_return"
    """The key worker is away and covered; they see on their return what happened meanwhile."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who may follow up, and who stands in for them now.

    ``away`` is true during a recorded absence, and for somebody who has left.
    """

    id: UUID
    away: bool = False
    cover: UUID | None = None
    cover_away: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person, or whoever holds a role; exactly one of the two."""

    why: WhyYou
    person: UUID | None = None
    role: Role | None = None

    @property
    def acts(self) -> bool:
        """Whether this recipient is the one to follow up, rather than to be kept informed."""
        return self.why is not WhyYou.FOR_YOUR_RETURN


DUTY = Recipient(WhyYou.DUTY, role=Role.DUTY_SOCIAL_WORKER)
SAFEGUARDING_MANAGER = Recipient(WhyYou.SAFEGUARDING_MANAGER, role=Role.SAFEGUARDING_MANAGER)


def _reached(contact: Contact, own: WhyYou, covered: WhyYou) -> Recipient | None:
    if not contact.away:
        return Recipient(own, person=contact.id)
    if contact.cover is not None and not contact.cover_away:
        return Recipient(covered, person=contact.cover)
    return None


def who_follows_up(key_worker: Contact | None, team_manager: Contact | None) -> tuple[Recipient, ...]:
    """Return who is told about a child: first the one who acts, then an absent key worker for their return.

    Key worker, else their cover, else the team manager, else that manager's cover, else the duty social worker
    (ENQ-10, ENQ-11; J-CPA 2.4.15–18).
    """
    acting: Recipient | None = None
    if key_worker:
        acting = _reached(key_worker, WhyYou.KEY_WORKER, WhyYou.COVER)
    if acting is None and team_manager:
        acting = _reached(team_manager, WhyYou.TEAM_MANAGER, WhyYou.TEAM_MANAGER_COVER)
    acting = acting or DUTY
    if key_worker and acting.person != key_worker.id:
        return acting, Recipient(WhyYou.FOR_YOUR_RETURN, person=key_worker.id)
    return (acting,)
