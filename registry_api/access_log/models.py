"""The table of the access log. Rows are added and never changed; a trigger says so to whoever tries by accident."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment


class AccessEntry(SQLModel, table=True):
    """One thing that somebody did or was refused. Holds codes and identifiers, never what was asked."""

    __tablename__ = "access_entry"
    __table_args__ = (Index("access_entry_reference", "reference"),)
    # No foreign keys: an entry outlives what it is about, and checking one would lock a row that every
    # other enquiry of the organisation needs as well.
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = moment()
    kind: str
    client_id: str | None = None
    organisation_id: UUID | None = None
    professional_id: UUID | None = None
    reference: str | None = None
    """The reference of the enquiry, transfer or other thing concerned."""
    reason: str | None = None
    """A fixed code: why it was refused, or what became of it."""
