"""The tables of what is kept and for how long: why it was opened, legal holds, erasures, and what stands outside."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from registry_api.kernel.columns import moment, row_id


class LogAct(SQLModel, table=True):
    """Who did something at the machine itself, and why in their words, sealed; the entry commits to that."""

    __tablename__ = "log_act"
    id: UUID = row_id()
    access_entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    operator: str
    """The account of the machine."""
    data_key: bytes
    sealed_why: bytes


class LegalHold(SQLModel, table=True):
    """Entries that are not erased while it stands: those about a child, under a reference, or of a professional."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        CheckConstraint("num_nonnulls(child_id, reference, professional_id) = 1"),
        Index("legal_hold_standing", "placed_at", postgresql_where=text("lifted_at IS NULL")),
    )
    id: UUID = row_id()
    child_id: UUID | None = None
    reference: str | None = None
    professional_id: UUID | None = None
    placed_at: datetime = moment()
    placed_entry: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The entry of the log that says who placed it, and why."""
    lifted_at: datetime | None = moment(default=None)
    lifted_entry: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class LogErased(SQLModel, table=True):
    """An entry whose secret was destroyed, with the row beside it; its leaf stands in the tree as it stood."""

    __tablename__ = "log_erased"
    __table_args__ = (Index("log_erased_reference", "reference"), Index("log_erased_erasure", "erasure"))
    entry_id: UUID = Field(primary_key=True)
    access_entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    reference: str | None = None
    """As it stands open in the leaf."""
    erasure: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The entry of the log that records the erasure."""


class LogAnchor(SQLModel, table=True):
    """A checkpoint that was given out of our hands on a day: by mail, or to an authority that stamped the time."""

    __tablename__ = "log_anchor"
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    kind: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    """Where to: an address or a URL, by its digest."""
    day: date = Field(primary_key=True)
    at: datetime = moment()
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    note: bytes
    """The checkpoint as it was given out."""
    token: bytes | None = None
    """The response of the time-stamping authority (RFC 3161)."""


class LogCosignature(SQLModel, table=True):
    """What a witness signed of a head: its signature lines (tlog-cosignature)."""

    __tablename__ = "log_cosignature"
    origin_id: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True))
    witness: str = Field(primary_key=True)
    at: datetime = moment()
    lines: bytes
