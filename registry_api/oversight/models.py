"""The table of what looked like misuse and has to be decided by a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Uuid, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id


class Alert(SQLModel, table=True):
    """Something about one professional's enquiries that a person has to look at. It has stopped nobody."""

    __tablename__ = "alert"
    __table_args__ = (Index("alert_open", "raised_at", postgresql_where=text("decided_at IS NULL")),)
    id: UUID = row_id()
    occurrence: str = Field(unique=True)
    """What makes it the same alert when it is seen again: kind, whom it is about, and which day or enquiry."""
    raised_at: datetime = moment()
    kind: str
    professional_id: UUID = Field(index=True)
    """Whose enquiries it is about."""
    enquiry_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    owner_role: str
    version: int = 1
    decided_at: datetime | None = moment(default=None)
    decided_by: UUID | None = None
    decision: str | None = None
    data_key: bytes | None = None
    sealed_reason: bytes | None = None
