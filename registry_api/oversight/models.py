"""The tables of what looked like misuse and has to be decided by a person, and of how far the looking has come."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Uuid, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id


class Alert(SQLModel, table=True):
    """Something about one professional's or organisation's enquiries that a person has to look at.

    It has stopped nobody.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_open", "raised_at", postgresql_where=text("decided_at IS NULL")),
        Index("alert_page", "raised_at", "id"),
    )
    id: UUID = row_id()
    occurrence: str = Field(unique=True)
    """What makes it the same alert when it is seen again: kind, whom it is about, and its first enquiry."""
    raised_at: datetime = moment()
    kind: str
    professional_id: UUID | None = Field(default=None, index=True)
    """Whose enquiries it is about; None when it is about those of the whole organisation."""
    organisation_id: UUID = Field(index=True)
    enquiry_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    owner_role: str
    version: int = 1
    decided_at: datetime | None = moment(default=None)
    decided_by: UUID | None = None
    decision: str | None = None
    data_key: bytes | None = None
    sealed_reason: bytes | None = None


class LookedOver(SQLModel, table=True):
    """Up to which enquiry everything has been looked over. One row; whoever holds its lock does the looking."""

    __tablename__ = "looked_over"
    the_one: bool = Field(default=True, primary_key=True)
    last_at: datetime = moment()
    last_id: UUID
