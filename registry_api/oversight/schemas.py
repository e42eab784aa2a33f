"""Alerts on the wire: who asked how often since when, and nothing of any child."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from policies.enquirer import Role
from registry_api.kernel.wire import LongText, Wire
from registry_api.oversight.rules import AlertKind


class AskerShown(Wire):
    """Whose enquiries they are. ``name`` and ``role`` are left out where it is a whole organisation."""

    name: str | None = None
    role: str | None = None
    organisation: str


class EnquiryBehind(Wire):
    """One of the enquiries behind an alert."""

    reference: str
    received_at: datetime
    by: str


class AlertDecision(StrEnum):
    """What a person took the enquiries for."""

    LEGITIMATE = "legitimate"
    TO_DISCUSS = "to_discuss"
    """To be taken up with the professional or whoever leads them."""
    MISUSE_SUSPECTED = "misuse_suspected"
    """To be investigated by the organisation; suspending them is a change to the directory."""


class AlertDecisionRequest(Wire):
    """The decision and why; the reason is kept sealed and is never empty."""

    decision: AlertDecision
    reason: Annotated[LongText, Field(min_length=10)]


class AlertShown(Wire):
    """An alert. ``enquiries`` are the newest of ``how_many``."""

    id: UUID
    raised_at: datetime
    kind: AlertKind
    explanation: str
    about: AskerShown
    how_many: int
    since: datetime
    until: datetime
    enquiries: tuple[EnquiryBehind, ...]
    owner: Role
    version: int
    decision: AlertDecision | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Alerts(Wire):
    """One page of alerts, the newest first. Pass ``next`` as ``cursor`` for the one after it."""

    alerts: tuple[AlertShown, ...]
    next: str | None = None
