"""Tables of who is told and what has to be considered; written with the answer that causes them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Uuid, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id, since_then


class Notification(SQLModel, table=True):
    """Something that one person, or whoever holds a role, has to pick up (ENQ-4, ENQ-5, ENQ-10, ENQ-11)."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_person", "recipient_id", "created_at", "id"),
        Index("notification_role", "recipient_role", "created_at", "id"),
        Index("notification_enquiry", "enquiry_id"),
    )
    # No foreign keys on what the enquiry's transaction writes: see enquiries.models.
    id: UUID = row_id()
    created_at: datetime = moment()
    kind: str
    urgency: str
    recipient_id: UUID | None = None
    recipient_role: str | None = None
    why_you: str
    """As what the recipient was chosen: key worker, cover, team manager, duty (``routing.rules``)."""
    enquiry_id: UUID | None = None
    transfer_id: UUID | None = None
    consideration_id: UUID | None = None
    alert_id: UUID | None = None
    child_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    """The children it is about: the one asked about, or those of the recipient who live at the address asked about."""
    person_ids: list[UUID] = since_then([], "'{}'", sa_type=ARRAY(Uuid))
    """The people who may pose a risk whom it is about (CUS-1)."""
    acknowledged_at: datetime | None = moment(default=None)
    acknowledged_by: UUID | None = None


class Consideration(SQLModel, table=True):
    """Whether an unknown child who was asked about twice may be a child in need (ENQ-7)."""

    __tablename__ = "consideration"
    __table_args__ = (Index("consideration_open", "due_on", postgresql_where=text("decided_at IS NULL")),)
    id: UUID = row_id()
    opened_at: datetime = moment()
    due_on: date
    calendar_version: str
    owner_role: str
    version: int = 1
    decided_at: datetime | None = moment(default=None)
    decided_by: UUID | None = None
    decision: str | None = None
    data_key: bytes | None = None
    sealed_reason: bytes | None = None


class ConsiderationEnquiry(SQLModel, table=True):
    """An enquiry that a consideration is about: the earlier ones, and each later one while it is open."""

    __tablename__ = "consideration_enquiry"
    consideration_id: UUID = Field(primary_key=True)
    enquiry_id: UUID = Field(primary_key=True, index=True)
