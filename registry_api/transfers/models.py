"""The table of children who moved here while on another authority's plan (TRF-1)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id


class TransferCase(SQLModel, table=True):
    """One notified move, from the day it was received to the transfer-in conference."""

    __tablename__ = "transfer_case"
    __table_args__ = (
        Index("transfer_idempotency_key", "client_id", "idempotency_key", unique=True),
        Index("transfer_child", "child_id"),
    )
    id: UUID = row_id()
    reference: str = Field(unique=True)
    received_at: datetime = moment()
    client_id: str
    professional_id: UUID
    originating_organisation_id: UUID = Field(foreign_key="organisation.id")
    idempotency_key: str | None = None
    request_digest: bytes
    child_id: UUID = Field(foreign_key="child.id")
    placed_as: str
    """What stands on the register because of it: a temporary entry, or an entry that stood there before."""
    moved_on: date
    conference_due: date
    calendar_version: str
    data_key: bytes
    sealed_notice: bytes
    """JSON as notified."""
