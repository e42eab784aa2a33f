"""The inbox and the considerations on the wire."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from registry_api.kernel.wire import LongText, Wire
from registry_api.routing.rules import WhyYou
from registry_api.routing.store import Kind


class ProfessionalShown(Wire):
    """Who enquired or notified, as the directory has them."""

    name: str
    phone: str
    role: str
    organisation: str


class SubjectShown(Wire):
    """The enquiry or the notification from another authority that this is about."""

    reference: str
    received_at: datetime
    by: ProfessionalShown
    details: dict[str, Any]
    """As it was asked or notified: reason, call-back number, and what was said of the child."""


class ChildShown(Wire):
    """A child of the register, as its own key worker knows them."""

    id: UUID
    name: str
    date_of_birth: date | None = None
    expected_delivery_date: date | None = None


class RiskPersonShown(Wire):
    """A person who may pose a risk, as notified; for whoever follows up the child, and for nobody else (CUS-1)."""

    id: UUID
    name: str
    date_of_birth: date | None = None
    concern: str
    notified_by: str
    notified_on: date


class PoliceContact(Wire):
    """Where the police are reached about a missing child who has turned up (ENQ-12)."""

    name: str
    phone: str


class NotificationShown(Wire):
    """Something that waits for you, or that you have picked up."""

    id: UUID
    created_at: datetime
    kind: Kind
    what_it_means: str
    urgency: str
    why_you: WhyYou
    children: tuple[ChildShown, ...]
    about: SubjectShown | None
    people: tuple[RiskPersonShown, ...] = ()
    police: tuple[PoliceContact, ...] = ()
    consideration_id: UUID | None = None
    alert_id: UUID | None = None
    acknowledged_at: datetime | None = None


class Inbox(Wire):
    """One page of notifications, the newest first. Pass ``next`` as ``cursor`` for the one after it."""

    notifications: tuple[NotificationShown, ...]
    next: str | None = None


class Acknowledged(Wire):
    """The notification is picked up; ``already`` says that it had been before."""

    id: UUID
    already: bool


class ConsiderationDecision(StrEnum):
    """What Children's Services decided about a child who was asked about twice (ENQ-7)."""

    CHILD_IN_NEED_ASSESSMENT = "child_in_need_assessment"
    STRATEGY_DISCUSSION = "strategy_discussion"
    EARLY_HELP = "early_help"
    NO_FURTHER_ACTION = "no_further_action"


class DecisionRequest(Wire):
    """The decision and why; the reason is kept sealed and is never empty."""

    decision: ConsiderationDecision
    reason: Annotated[LongText, Field(min_length=10)]


class ConsiderationShown(Wire):
    """A child-in-need consideration: the enquiries behind it, when it is due, and what was decided."""

    id: UUID
    opened_at: datetime
    due_on: date
    calendar: str
    overdue: bool
    version: int
    enquiries: tuple[SubjectShown, ...]
    decision: ConsiderationDecision | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Considerations(Wire):
    """The considerations, those that are due first at the top."""

    considerations: tuple[ConsiderationShown, ...]
